"""The engine gives what a program written a second time gives, for every criterion and part.

`benchmarks/plain.py` has the criteria of DAWNA-FES as plain functions, written from their
description. Where the two differ, one of them is wrong.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import generators
import plain
import pytest
import records

from screener.batch import results
from screener.batch.bulk import Bulk
from screener.batch.judge import Accepted, judge
from screener.encoding.catalogue import Catalogue
from screener.intake.source import Candidate
from screener.record import parse
from screener.screening import Screener

DAY = generators.SCREENING_DAY
PROGRAM = Path(plain.__file__)
TRUTHS = {"met": True, "not_met": False, "unknown": None}
SETTLED = {
    "an ultrasound measures nothing, whatever it may have seen beside": (
        {
            "imaging": [{"date": "2026-01-10", "modality": "ultrasound", "lesions": []}],
            "partial": ["lesions"],
        },
        {"I7": False},
    ),
}
"""Where the two once differed: the record and what is right of it."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def bulk(folder: Path) -> Bulk:
    return Bulk(Screener(Catalogue().plan("dawna-fes", many=True)), folder)


def compare(bulk: Bulk, folder: Path, drawn: Iterable[Any], day: date) -> dict[str, set[Any]]:
    """Screen records both ways; the truths that were met with, by criterion and part."""
    today = max(day, DAY)
    made = [{**data, "id": f"R{number}"} for number, data in enumerate(drawn)]
    accepted = []
    for data in made:
        text = json.dumps(data, ensure_ascii=False).encode()
        found = judge(Candidate({"line": 1}, text), today, frozenset(), None)
        assert isinstance(found, Accepted)
        accepted.append(found)
    log = bulk.screen(accepted, day, folder / "kept.parquet").log
    with results.merging([bulk.plan], [[folder / "kept.parquet"]], folder / "results.parquet"):
        pass
    said: dict[str, dict[str, bool | None]] = defaultdict(dict)
    for patient, criterion, truth in duckdb.sql(
        f"SELECT patient_id, criterion, truth FROM '{folder / 'results.parquet'}'"
    ).fetchall():
        said[patient][criterion] = TRUTHS[truth]
    met: dict[str, set[Any]] = defaultdict(set)
    for data, row in zip(made, log, strict=True):
        truths = plain.truths(parse(data, today=today), day)
        differing = {n: (said[row.patient_id][n], t) for n, t in truths.items()
                     if said[row.patient_id][n] is not t}  # fmt: skip
        assert not differing, f"engine, plain program: {differing} of {json.dumps(data)}"
        assert said[row.patient_id].keys() == truths.keys()
        assert (row.status, row.failed, row.unknown) == plain.verdict(truths)
        for name, truth in truths.items():
            met[name].add(truth)
    return met


def test_generated_records(bulk: Bulk, folder: Path) -> None:
    met: dict[str, set[Any]] = defaultdict(set)
    for day in generators.SCREENING_DAYS:
        drawn = [generators.record(seed, day) for seed in range(150)]
        for name, truths in compare(bulk, folder, drawn, day).items():
            met[name] |= truths
    assert {name for name, truths in met.items() if len(truths) < 3} == set()


def test_records_of_the_benchmark(bulk: Bulk, folder: Path) -> None:
    met = compare(bulk, folder, records.records(600), records.SCREENED_ON)
    assert {name for name, truths in met.items() if len(truths) < 3} == set()


def test_less_is_said(bulk: Bulk, folder: Path) -> None:
    drawn = (m.record for seed in range(3) for m in generators.losses(generators.record(seed)))
    compare(bulk, folder, drawn, DAY)


@pytest.mark.parametrize("why", SETTLED)
def test_settled(bulk: Bulk, folder: Path, why: str) -> None:
    data, truths = SETTLED[why]
    compare(bulk, folder, [data], DAY)
    found = plain.truths(parse({"id": "P", **data}, today=DAY), DAY)
    assert found | truths == found


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        # Born on 29 February: the last day of the month stands for it in other years.
        (date(2026, 2, 27), [False, None, False]),
        (date(2026, 2, 28), [True, True, False]),
        (date(2026, 3, 1), [True, True, True]),
    ],
)
def test_the_day_that_not_every_year_has(
    bulk: Bulk, folder: Path, day: date, expected: list[bool | None]
) -> None:
    born = ({"birth_date": text} for text in ("2008-02-29", "2008-02", "2008-03-01"))
    drawn = [{"id": "P", **data} for data in born]
    compare(bulk, folder, drawn, day)
    assert [plain.truths(parse(data, today=day), day)["AGE"] for data in drawn] == expected


def test_the_program_writes_a_log(tmp_path: Path) -> None:
    export, log = tmp_path / "export.ndjson", tmp_path / "log.csv"
    lines = [json.dumps(data) for data in records.records(3)]
    export.write_text("\n".join([*lines[:2], '{"id": "B9", "ecog": 1}', lines[2]]) + "\n", "utf-8")
    command = [sys.executable, str(PROGRAM), str(export), str(log), "2026-01-15"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "screened 3, rejected 1\n"
    head, *rows = log.read_text("utf-8").splitlines()
    assert head == "patient_id,status,failed,unknown"
    assert [row.split(",")[0] for row in rows] == ["B0000001", "B0000002", "B0000003"]
    assert {row.split(",")[1] for row in rows} <= {"eligible", "ineligible", "undetermined"}
