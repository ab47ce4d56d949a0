"""Spark gives what a batch on one machine gives, on a cluster with processes of its own."""

from __future__ import annotations

import csv
import json
import stat
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import generators
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from small_study import OTHER, STUDY
from spark_cluster import cluster, divided, executors, kill

import screener
from screener import cli, spark
from screener.batch import run
from screener.batch.batch import Batch
from screener.batch.log import LogRow
from screener.errors import InputError, StudyError, UsageError
from screener.intake.detect import opened
from screener.screening import Screener, Settings

DAY = date(2026, 1, 15)
LONG = "patient_id, study, criterion, parent, kind, truth, outcome, reason"

Outputs = tuple[list[Any], list[Any], list[Any], dict[str, Any]]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    with cluster(tmp_path_factory.mktemp("spark")) as running:
        yield running


@pytest.fixture(scope="module")
def study() -> Screener:
    return screener.load_study("dawna-fes")


# Data.


def person(seed: int, name: str | None = None) -> dict[str, Any]:
    return {**generators.record(seed), "id": name or f"P{seed:04d}"}


def line(record: Any) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode()


def every_kind() -> list[bytes]:
    """Lines with every kind of error among valid records; ids stand twice near and far."""
    lines = [line(person(seed)) for seed in range(120)]
    lines[3:3] = [b"", b"  \t", b'{"id": "CUT", "sex": "fem']
    lines[10:10] = [line(person(1)), line({"id": "P0119", "sex": "other"})]
    lines[20:20] = [
        b'{"id": "TWICE", "sex": "male", "sex": "female"}',
        b'{"id": "A", "id": "B"}',
        b'{"id": "KEY", "sexx": 1, "performance_status": [{"ecog": 7}]}',
        b'{"sex": "female"}',
        b'{"id": 7}',
        b'{"id": " blank "}',
        b'["P0005"]',
        b'"P0005"',
        b"null",
        b"NaN",
        b'{"id": "P0050", "labs": 5}',
        b'{"id": "\\u0050ESC", "centre": "\\u5317"}',
        b'{"id": "DEEP", "x": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        '{"id": "北京-1", "birth_date": "1970"}'.encode(),
        b'{"id": "FUTURE", "birth_date": "2190-01-01"}',
        b'{"id": "PARTIAL", "therapies": [], "partial": ["therapies"]}',
    ]
    lines += [line({"id": "LATE", "birth_date": "1960-02-29", "sex": "female"}) + b"\r"] * 3
    return lines


def write(path: Path, lines: Sequence[bytes]) -> Path:
    path.write_bytes(b"\n".join(lines))
    return path


# Outputs, as comparable rows.


def embedded(path: Path, out: Path, screeners: Sequence[Screener]) -> Outputs:
    with opened(str(path)) as found:
        batch = Batch(found.source, str(path), "", screeners, DAY, DAY, out, workers=1)
        summary = run.run(batch, resume=False, force=False, report=lambda _: None)
    rows = duckdb.sql(f"SELECT {LONG} FROM '{out}/results.parquet'").fetchall()
    with (out / "screening_log.csv").open(encoding="utf-8", newline="") as file:
        log = [tuple(row[name] for name in LogRow._fields) for row in csv.DictReader(file)]
    told = (out / "rejected.ndjson").read_text("utf-8").splitlines()
    return sorted(rows, key=str), sorted(log), sorted(told), summary


def on_spark(out: Path) -> Outputs:
    rows = duckdb.sql(
        f"SELECT {LONG} FROM read_parquet('{out}/results/*/*.parquet', hive_types_autocast=false)"
    ).fetchall()
    columns = ", ".join(f"coalesce({name}::VARCHAR, '')" for name in LogRow._fields)
    log = duckdb.sql(
        f"SELECT {columns} FROM read_parquet('{out}/screening_log/*/*.parquet', "
        "hive_types_autocast=false)"
    ).fetchall()
    told = [
        text
        for part in (out / "rejected.ndjson").glob("part-*")
        for text in part.read_text("utf-8").splitlines()
    ]
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    return sorted(rows, key=str), sorted(log), sorted(told), summary


def same(found: Outputs, expected: Outputs) -> None:
    for mine, theirs in zip(found[:3], expected[:3], strict=True):
        assert mine == theirs
    assert found[3]["input"].pop("sha256") is None  # nobody reads a whole input in one place
    expected[3]["input"].pop("sha256")
    assert found[3] == expected[3]


def command(*words: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(["batch", *map(str, words), "--engine", "spark", "--as-of", "2026-01-15"])
    return int(ended.value.code or 0)


def file_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


# The same results.


def test_row_by_row_the_same_as_on_one_machine(
    session: SparkSession, study: Screener, tmp_path: Path
) -> None:
    path = write(tmp_path / "all kinds.ndjson", every_kind())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    expected = embedded(path, tmp_path / "one", [study])
    assert len(expected[2]) == 19
    with divided(session, "30k"):
        found = spark.screen_files(session, str(path), [study], DAY, str(tmp_path / "out"),
                                   today=DAY)  # fmt: skip
        pieces = session.read.text(str(path)).rdd.getNumPartitions()
    assert pieces > 8
    assert found == json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    same(on_spark(tmp_path / "out"), expected)
    assert file_names(tmp_path / "out") == [
        "rejected.ndjson", "results", "screening_log", "summary.json"
    ]  # fmt: skip
    for written in (tmp_path / "out").rglob("*"):
        allowed = 0o700 if written.is_dir() else 0o600
        assert stat.S_IMODE(written.stat().st_mode) == allowed, written
    kinds = dict(zip(*_columns(tmp_path / "out/screening_log/study=dawna-fes"), strict=True))
    assert kinds["as_of"] == "DATE"
    assert kinds["rescreen_on"] == "DATE"


def _columns(folder: Path) -> tuple[list[str], list[str]]:
    rows = duckdb.sql(f"DESCRIBE SELECT * FROM '{folder}/*.parquet'").fetchall()
    return [row[0] for row in rows], [row[1] for row in rows]


def test_several_studies_with_the_site_s_settings(session: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(STUDY, encoding="utf-8")
    (tmp_path / "other.yaml").write_text(OTHER, encoding="utf-8")
    path = write(tmp_path / "in.ndjson", every_kind()[:40])
    settings = Settings(complete=frozenset({"therapies"}), strict=True)
    studies = [
        screener.load_study(tmp_path / f"{name}.yaml", settings=settings)
        for name in ("small", "other")
    ]
    expected = embedded(path, tmp_path / "one", studies)
    out = tmp_path / "out"
    spark.screen_files(session, str(path), studies, DAY, str(out), today=DAY)
    same(on_spark(out), expected)
    assert file_names(out / "results") == ["study=other", "study=small"]


def test_parquet_is_read_as_on_one_machine(
    session: SparkSession, study: Screener, tmp_path: Path
) -> None:
    records = [person(seed) for seed in range(20)]
    for number, record in enumerate(records):
        record["birth_date"] = date(1900 + number, 2, 3)
    records[7] = dict(records[3])
    records[9] |= {"id": None}
    records[11] |= {"performance_status": [{"ecog": 7, "date": "2026-01-01"}]}
    path = tmp_path / "in.parquet"
    pq.write_table(pa.Table.from_pylist(records), path, row_group_size=5)
    expected = embedded(path, tmp_path / "one", [study])
    assert [json.loads(text)["row"] for text in expected[2]] == [10, 12, 8]
    with divided(session, "10k"):
        spark.screen_files(session, str(path), [study], DAY, str(tmp_path / "out"), today=DAY)
    same(on_spark(tmp_path / "out"), expected)


def test_a_folder_of_files_that_are_skewed_empty_enormous_or_wrong(
    session: SparkSession, study: Screener, tmp_path: Path
) -> None:
    folder = tmp_path / "in put"
    folder.mkdir()
    events = [{"name": "n" * 400, "date": "2020-01-01"}] * 5_200
    huge = line({"id": "HUGE", "procedures": events})
    assert len(huge) > 2 << 20  # no line that DuckDB reads, and many pieces of a file
    many = [line(person(seed)) for seed in range(60)]
    write(folder / "a.ndjson", [*many, huge])
    write(folder / "b.ndjson", [])
    write(folder / "c.ndjson", [b"{}", b"x", line({"id": "P0003", "sex": "no"}), b"\xff\xfe\xff"])
    write(folder / "d é.ndjson", [line(person(0)), line({"id": "HUGE"}), line({"id": "LAST"})])
    with divided(session, "64k"):
        summary = spark.screen_files(
            session, str(folder), [study], DAY, str(tmp_path / "out"), today=DAY
        )
    whole = write(tmp_path / "whole.ndjson", [*many, huge, line({"id": "LAST"})])
    expected = embedded(whole, tmp_path / "one", [study])
    found = on_spark(tmp_path / "out")
    assert found[:2] == expected[:2]
    assert summary["studies"] == expected[3]["studies"]
    assert summary["input"]["rejected"] == 6
    rows = sorted((json.loads(text) for text in found[2]), key=lambda r: (r["file"], r["line"]))
    assert [(row["file"], row["line"], row["patient_id"]) for row in rows] == [
        ("c.ndjson", 1, None), ("c.ndjson", 2, None), ("c.ndjson", 3, "P0003"),
        ("c.ndjson", 4, None), ("d é.ndjson", 1, "P0000"), ("d é.ndjson", 2, "HUGE"),
    ]  # fmt: skip
    told = [row["errors"][0]["message"] for row in rows]
    assert told[2].startswith("the same id as the record at file a.ndjson, line 4;")
    assert told[3] == "not UTF-8 from byte 1 on; save the export as UTF-8"
    assert rows[3]["raw"] == "\ufffd\ufffd\ufffd"
    assert told[5].startswith("the same id as the record at file a.ndjson, line 61;")


# A cluster whose parts fail, and runs that were there before.


def test_an_executor_is_killed_in_the_middle(
    session: SparkSession, study: Screener, tmp_path: Path
) -> None:
    lines = [line(person(seed)) for seed in range(400)] + [line(person(2)), b"{}"]
    path = write(tmp_path / "in.ndjson", lines)
    expected = embedded(path, tmp_path / "one", [study])
    before = set(executors(session))
    assert len(before) == 2
    failed: list[BaseException] = []

    def work() -> None:
        try:
            spark.screen_files(session, str(path), [study], DAY, str(tmp_path / "out"), today=DAY)
        except BaseException as error:
            failed.append(error)

    with divided(session, "64k"):
        thread = threading.Thread(target=work)
        thread.start()
        _wait_for(lambda: _is_screening(session) or not thread.is_alive())
        assert thread.is_alive(), failed
        kill(min(before))
        thread.join(300)
    assert not failed
    assert set(executors(session)) != before
    same(on_spark(tmp_path / "out"), expected)


def _is_screening(session: SparkSession) -> bool:
    """Whether a stage of many tasks has finished some, and others are at work."""
    tracker = session.sparkContext.statusTracker()
    stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
    return any(s and 1 < s.numCompletedTasks < s.numTasks - 1 for s in stages)


def _wait_for(condition: Any, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_job_over_its_own_finished_output_is_refused(
    session: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "in.ndjson", [line(person(1)), b"{"])
    out = tmp_path / "out"
    assert command(path, "--out", out) == 4
    printed = capsys.readouterr()
    assert "2 records: 1 screened, 1 rejected" in printed.out
    assert printed.out.split()[-6:] == [
        "to", f"{out}:", "results,", "screening_log,", "rejected.ndjson,", "summary.json"
    ]  # fmt: skip
    assert f"1 record was rejected: each is in {out}/rejected.ndjson with" in printed.err
    summary = (out / "summary.json").read_bytes()

    assert command(path, "--out", out) == 2
    assert capsys.readouterr().err == (
        f"Error: --out {out}: summary.json of an earlier run lies there. Give another folder, or "
        "--force to replace it\n"
    )
    assert (out / "summary.json").read_bytes() == summary

    (out / "summary.json").unlink()
    assert command(path, "--out", out) == 2
    assert "results of a run that was not finished lies there" in capsys.readouterr().err

    write(path, [line(person(1)), line(person(2))])
    assert command(path, "--out", out, "--force") == 0
    assert json.loads((out / "summary.json").read_text("utf-8"))["input"]["records"] == 2
    assert on_spark(out)[2] == []


# Inputs and studies that cannot be used.


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'[\n{"id": "A"}]', "this is a JSON array, which cannot be divided"),
        ("{}\n".encode("utf-16"), "this is UTF-16 text; save it as UTF-8"),
        (b"PK\x03\x04", "this is a ZIP archive or a workbook"),
        (b"\n \n", "there is no record in it"),
    ],
)
def test_an_input_that_is_none(
    session: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes,
    told: str,
) -> None:  # fmt: skip
    path = write(tmp_path / "in", [content])
    assert command(path, "--out", tmp_path / "out") == 4
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out" / "summary.json").exists()


def test_a_path_where_nothing_is(
    session: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(tmp_path / "none", "--out", tmp_path / "out") == 4
    assert capsys.readouterr().err == f"Error: {tmp_path}/none: there is no such file or folder\n"


def test_a_study_that_fails_on_a_record_is_told_without_the_record(
    session: SparkSession, tmp_path: Path
) -> None:
    text = OTHER.replace("life_expectancy >= months_needed", "CAST(centre AS INTEGER) > 3")
    text = text.replace("record: {life_expectancy_months: 3}", "record: {centre: '4'}")
    (tmp_path / "s.yaml").write_text(text, encoding="utf-8")
    path = write(tmp_path / "in.ndjson", [line({"id": "A", "centre": "Secret"})])
    study = screener.load_study(tmp_path / "s.yaml")
    with pytest.raises(StudyError, match="other: an expression of the study") as caught:
        spark.screen_files(session, str(path), [study], DAY, str(tmp_path / "out"))
    assert "Secret" not in str(caught.value)


# DataFrames.


def test_a_dataframe_of_columns(session: SparkSession, study: Screener) -> None:
    records = [
        {"id": f"P{n}", "birth_date": date(1970, 1, n + 1), "performance_status":
         [{"ecog": n % 4, "date": "2026-01-10"}]} for n in range(6)
    ]  # fmt: skip
    kinds = "id string, birth_date date, performance_status array<struct<ecog int, date string>>"
    frame = session.createDataFrame([*records, records[0]], kinds).repartition(9)
    screened = spark.screen_dataframe(frame, "dawna-fes", DAY)
    assert screened.columns == spark.SCHEMA.names
    screened = screened.persist()
    parsed = [screener.parse({**r, "birth_date": r["birth_date"].isoformat()}) for r in records[1:]]
    expected = {r.patient_id: r for r in study.screen(parsed, DAY)}
    log = {row.patient_id: row for row in spark.screening_log(screened).collect()}
    assert {name: row.status for name, row in log.items()} == {
        name: result.status for name, result in expected.items()
    }
    assert {row.as_of for row in log.values()} == {DAY}
    long = spark.results(screened).where("criterion = 'I3'").collect()
    assert {row.patient_id: (row.truth, row.outcome, row.reason, row.study) for row in long} == {
        name: (c.truth, c.outcome, c.reason, "dawna-fes")
        for name, result in expected.items()
        for c in result.criteria
        if c.id == "I3"
    }
    told = [json.loads(row.rejected) for row in spark.rejected(screened).collect()]
    assert [row["patient_id"] for row in told] == ["P0", "P0"]
    assert told[0]["errors"] == [
        {
            "path": "id",
            "message": "the same id as that of another record (2 in all), and none is the first, "
            "since this input has no order; give each patient one record and one id",
        }
    ]
    screened.unpersist()


def test_a_dataframe_of_texts(session: SparkSession, study: Screener) -> None:
    frame = session.createDataFrame([(line(person(1)).decode(),), ("{",), ("",)], "value string")
    screened = spark.screen_dataframe(frame, study, DAY)
    [result] = study.screen([screener.parse(person(1))], DAY)
    assert [(r.patient_id, r.status) for r in spark.screening_log(screened).collect()] == [
        ("P0001", result.status)
    ]
    assert spark.rejected(screened).count() == 1


def test_a_dataframe_that_is_none_of_records(session: SparkSession) -> None:
    frame = session.createDataFrame([("A", 1, True)], "id string, sexx int, labs boolean")
    with pytest.raises(InputError) as caught:
        spark.screen_dataframe(frame, "dawna-fes", DAY)
    assert [problem.message for problem in caught.value.problems] == [
        "column `sexx` is not in the record; did you mean `sex`?",
        "column `labs` has the type BOOLEAN; needed is a list",
    ]


def test_settings_of_a_dataframe(session: SparkSession, study: Screener) -> None:
    frame = session.createDataFrame([("A", "1970-01-01")], "id string, birth_date string")
    strict = Settings(thresholds={"ecog_valid_days": 1}, strict=True)
    [row] = spark.screening_log(spark.screen_dataframe(frame, "dawna-fes", None, strict)).collect()
    assert (row.status, row.as_of) == ("undetermined", date.today())
    with pytest.raises(UsageError, match="settings belong to load_study"):
        spark.screen_dataframe(frame, study, DAY, strict)


# The command, before Spark comes into it.


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--resume"], "--resume does not go with --engine spark: Spark repeats"),
        (["--mapping", "m.yaml"], "--mapping does not go with --engine spark"),
        (["--workers", "2"], "--workers does not go with --engine spark: the cluster"),
        (["--until", "2026-02-01"], "--until does not go with --engine spark: the screening log"),
        (["--xlsx"], "--xlsx does not go with --engine spark"),
        (["--relax"], "--relax does not go with --engine spark: screen a sample"),
    ],
)
def test_options_that_do_not_go_with_it(
    capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert command("in.ndjson", "--out", "out", *words) == 2
    assert told in capsys.readouterr().err


def test_standard_input_cannot_be_divided(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("-", "--out", "out") == 2
    assert "--engine spark reads files" in capsys.readouterr().err


def test_a_master_without_the_engine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["batch", "in.ndjson", "--out", str(tmp_path), "--master", "yarn"])
    assert ended.value.code == 2
    assert "give --engine spark with it" in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.delitem(sys.modules, "screener.spark")
    monkeypatch.delattr(screener, "spark")
    for name in [name for name in sys.modules if name.startswith("pyspark.")]:
        monkeypatch.delitem(sys.modules, name)
    assert command("in.ndjson", "--out", "out") == 2
    assert "pip install 'trial-screen[spark]'" in capsys.readouterr().err
