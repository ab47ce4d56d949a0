"""Many records at a time give what each gives alone: verdict, reasons, needs, days and counts."""

from __future__ import annotations

import itertools
import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import generators
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_study import CRITERIA, STUDY

from screener.batch import results
from screener.batch.bulk import Bulk
from screener.batch.general import General
from screener.batch.judge import Accepted, judge
from screener.compiling.compiler import Compiler
from screener.conclusion import ONLY_ASSUMED
from screener.encoding import study
from screener.encoding.catalogue import Catalogue
from screener.errors import StudyError
from screener.intake.source import Candidate
from screener.screening import Screener, Settings

DAY = date(2026, 1, 15)


def accepted(data: Any, complete: frozenset[str] = frozenset()) -> Accepted:
    return judged(json.dumps(data, ensure_ascii=False), complete)


def judged(text: str, complete: frozenset[str] = frozenset()) -> Accepted:
    found = judge(Candidate({"line": 1}, text.encode()), DAY, complete, None)
    assert isinstance(found, Accepted)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def dawna() -> Screener:
    return Screener(Catalogue().plan("dawna-fes", many=True))


@pytest.fixture(scope="module")
def both(dawna: Screener, folder: Path) -> tuple[Bulk, General]:
    return Bulk(dawna, folder), General(dawna, folder)


def same(ways: tuple[Bulk, General], records: list[Accepted], folder: Path, day: date) -> None:
    kept = [folder / f"{number}.kept" for number in range(len(ways))]
    bulk, general = (way.screen(records, day, file) for way, file in zip(ways, kept, strict=True))
    assert bulk.log == general.log
    assert bulk.tally == general.tally
    rows = []
    for file in kept:
        with results.merging([ways[0].plan], [[file]], folder / "results.parquet"):
            pass
        rows.append(duckdb.sql(f"FROM '{folder / 'results.parquet'}'").fetchall())
    assert rows[0] == rows[1]
    assert len(rows[0]) == len(records) * len(ways[0].plan.nodes)


@settings(max_examples=2, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(generators.SCREENING_DAYS))
def test_dawna_fes(both: tuple[Bulk, General], folder: Path, seed: int, day: date) -> None:
    records = [accepted(generators.record(seed + n, day)) for n in range(25)]
    same(both, records, folder, day)


def test_the_generated_records_reach_every_outcome(
    both: tuple[Bulk, General], folder: Path
) -> None:
    records = [accepted(generators.record(seed)) for seed in range(1500)]
    tally = both[0].screen(records, DAY, folder / "all.parquet").tally
    leaves = [n for n, node in zip(tally.nodes, both[0].plan.nodes, strict=True) if not node.parts]
    assert min(min(counts) for counts in leaves) > 0
    again = [
        row for row in both[0].screen(records, DAY, folder / "all.parquet").log if row.rescreen_on
    ]
    assert again


def test_thresholds_and_whole_lists(folder: Path) -> None:
    complete = frozenset({"therapies", "allergies"})
    given = Settings({"platelets_min": 75, "lab_valid_days": 14}, complete)
    screener = Screener(Catalogue().plan("dawna-fes", many=True), given)
    records = [accepted(generators.record(seed), complete) for seed in range(25)]
    same((Bulk(screener, folder), General(screener, folder)), records, folder, DAY)


@pytest.mark.parametrize(
    "site", [{}, {"alt_ast_max_x_upper": 2, "lab_valid_days": 20}], ids=["assumed", "site"]
)
def test_strictly(dawna: Screener, folder: Path, site: dict[str, Any]) -> None:
    screener = Screener(dawna.plan, Settings(site, strict=True))
    records = [accepted(generators.record(seed)) for seed in range(700, 1000)]
    bulk, general = Bulk(screener, folder), General(screener, folder)
    same((bulk, general), records, folder, DAY)
    log = bulk.screen(records, DAY).log
    reasons = " ".join(row.reasons for row in log)
    assert reasons.count(ONLY_ASSUMED) > 100
    assert any(row.rescreen_on for row in log)
    expected = general.outcomes(records, DAY)
    assert Bulk(screener, reasons=False).outcomes(records, DAY) == expected


def test_strictly_where_nothing_is_assumed(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(STUDY.replace("assumed: true", "assumed: false"))
    plan = Compiler(study.load(path, CRITERIA)).compile(many=True)
    screener = Screener(plan, Settings(strict=True))
    records = [accepted(generators.record(seed)) for seed in range(25)]
    same((Bulk(screener, folder), General(screener, folder)), records, folder, DAY)


def test_outcomes_alone(dawna: Screener, folder: Path) -> None:
    records = [accepted(generators.record(seed)) for seed in range(70)]  # more than parsed at once
    expected = General(dawna).outcomes(records, DAY)
    for engine in (Bulk(dawna, folder, reasons=False), Bulk(dawna, reasons=False)):
        assert engine.outcomes(records, DAY) == expected
        assert engine.outcomes([], DAY) == []  # every record of a chunk may be in error


def test_records_as_they_are_written_by_others(dawna: Screener, folder: Path) -> None:
    """With line breaks of a kind, tabs and escapes between and in texts, and of any length."""
    made = [{**generators.record(seed), "centre": "a, 'b' 好"} for seed in range(9)]
    blanks = ("\r", "\t", "\r ", " ")
    written = [
        json.dumps(data, ensure_ascii=seed % 2 == 0, separators=(f",{blank}", f"{blank}:"))
        for seed, (data, blank) in enumerate(zip(made, itertools.cycle(blanks), strict=False))
    ]
    engine = Bulk(dawna, folder, reasons=False)
    expected = engine.outcomes([accepted(data) for data in made], DAY)
    assert engine.outcomes([judged(text) for text in written], DAY) == expected
    longer = [*written[:-1], written[-1][:-1] + (5 << 20) * " " + "}"]
    assert engine.outcomes([judged(text) for text in longer], DAY) == expected


def test_only_results_are_written(dawna: Screener, tmp_path: Path) -> None:
    bulk = Bulk(dawna, tmp_path)
    bulk.screen([accepted(generators.record(seed)) for seed in range(9)], DAY, tmp_path / "kept")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_an_expression_that_cannot_be_computed(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(
        STUDY.replace("met_when: bowel_obstruction", "met_when: cast(born as integer) > 5")
    )
    screener = Screener(Compiler(study.load(path, CRITERIA)).compile(many=True))
    bulk = Bulk(screener, tmp_path)
    with pytest.raises(StudyError, match="small: an expression") as failed:
        bulk.screen(
            [accepted({"id": "P", "birth_date": "1970-02-03"})], DAY, tmp_path / "x.parquet"
        )
    assert "1970" not in str(failed.value)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/hostname')",
        "COPY (SELECT 1) TO '{elsewhere}/written-by-a-study.csv'",
        "ATTACH '{elsewhere}/attached-by-a-study.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
    ],
)
def test_a_study_reaches_nothing_but_the_folder_of_its_results(
    tmp_path: Path, dawna: Screener, statement: str
) -> None:
    (tmp_path / "own").mkdir()
    connection = Bulk(dawna, tmp_path / "own").connection
    with pytest.raises(duckdb.Error):
        connection.execute(statement.format(elsewhere=tmp_path))
    assert not list(tmp_path.glob("*-by-a-study*"))
