"""What the tasks on Spark do, without Spark."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

import screener
from screener import spark, spark_tasks
from screener.errors import UsageError

DAY = date(2026, 1, 15)
PLACE = pa.struct([("file", pa.string()), ("number", pa.int64())])
ASKED = pa.schema(
    [("file", pa.string()), ("number", pa.int64()), ("text", pa.binary()),
     ("times", pa.int64()), ("earlier", PLACE)]
)  # fmt: skip


@pytest.fixture(scope="module")
def screen() -> spark_tasks.Screen:
    return spark._screen([screener.load_study("dawna-fes")], DAY, DAY, "line", None)


def rows(batches: Any) -> list[dict[str, Any]]:
    found: list[pa.RecordBatch] = list(batches)
    for batch in found:
        assert batch.schema.equals(spark_tasks.WITH_COUNTS)
        batch.validate(full=True)
    return [row for batch in found for row in batch.to_pylist()]


def asked(*texts: bytes) -> pa.RecordBatch:
    given = [{"file": "f", "number": n, "text": text} for n, text in enumerate(texts, 1)]
    return pa.RecordBatch.from_pylist(given, schema=ASKED)


def test_an_empty_partition_counts_nothing(screen: spark_tasks.Screen) -> None:
    for given in ([], [asked()]):
        [row] = rows(screen(given))
        counts = json.loads(row["counts"])
        assert (counts["records"], counts["rejected"]) == (0, 0)


def test_a_partition_of_rejects_only(screen: spark_tasks.Screen) -> None:
    first, second, counts = rows(screen([asked(b"{}", b'{"id": "A", "sex": 1}')]))
    assert json.loads(first["rejected"])["line"] == 1
    assert (second["patient_id"], second["study"]) == ("A", None)
    assert json.loads(counts["counts"])["rejected"] == 2


def test_the_engine_outlives_a_task(screen: spark_tasks.Screen) -> None:
    engines = spark_tasks.engines_of(screen.studies)
    again = pickle.loads(pickle.dumps(screen))
    assert rows(again([asked(b'{"id": "A"}')]))[0]["status"] == "undetermined"
    assert spark_tasks.engines_of(again.studies) is engines


def test_another_version_on_a_worker_is_refused(screen: spark_tasks.Screen) -> None:
    other = replace(screen, version="0.0.1")
    with pytest.raises(UsageError, match=r"0\.0\.1 on the driver and .* on a worker"):
        list(other([asked(b'{"id": "A"}')]))


def test_an_error_on_a_worker_quotes_no_record(screen: spark_tasks.Screen) -> None:
    wrong = pa.RecordBatch.from_pylist([{"file": "f", "number": 1, "secret": "Smith"}])
    with pytest.raises(RuntimeError, match=r"^KeyError at spark_tasks\.py, line \d+$") as caught:
        list(screen([wrong]))
    assert caught.value.__suppress_context__


def test_the_program_without_spark_imports_nothing_of_it() -> None:
    code = (
        "import sys, screener.cli, screener.commands.batch, screener.batch.run;"
        "print(sorted({n.partition('.')[0] for n in sys.modules} & {'pyspark', 'pyarrow', 'py4j'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
