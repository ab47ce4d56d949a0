"""The sample patients are made up, valid, and give the results that their README states."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from screener.encoding.catalogue import Catalogue
from screener.record import parse
from screener.screening import Screener, Settings

if TYPE_CHECKING:
    from screener.result import ScreeningResult

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "sample_patients"
FILES = sorted(FOLDER.glob("*.json"))
AS_OF = date(2026, 1, 15)
COLUMNS = ["file", "what it shows", "status", "fails", "unknown", "re-screen on"]


def table_rows(markdown: str) -> list[list[str]]:
    """The cells of every table row, without the lines of dashes."""
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in rows if not all(re.fullmatch("-+", cell) for cell in row)]


def records() -> list[dict[str, object]]:
    return [json.loads(path.read_text("utf-8")) for path in FILES]


@pytest.fixture(scope="module")
def screener() -> Screener:
    return Screener(Catalogue().plan("dawna-fes"))


@pytest.fixture(scope="module")
def results(screener: Screener) -> dict[str, ScreeningResult]:
    found = screener.screen([parse(record) for record in records()], AS_OF)
    return {path.name: result for path, result in zip(FILES, found, strict=True)}


def row_of(name: str, result: ScreeningResult, shows: str) -> list[str]:
    def ids(outcome: str) -> str:
        return ", ".join(c.id for c in result.criteria if c.outcome == outcome) or "-"

    rescreen = result.rescreen_on.isoformat() if result.rescreen_on else "-"
    return [f"[{name}]({name})", shows, result.status, ids("fail"), ids("unknown"), rescreen]


def test_every_cell_of_the_table_is_true(results: dict[str, ScreeningResult]) -> None:
    header, *rows = table_rows((FOLDER / "README.md").read_text("utf-8"))
    assert header == COLUMNS
    listed = [re.sub(r"^\[(.+)\]\(.+\)$", r"\1", row[0]) for row in rows]
    assert sorted(listed) == [path.name for path in FILES]
    expected = [row_of(name, results[name], row[1]) for name, row in zip(listed, rows, strict=True)]
    assert rows == expected
    assert all(row[1] for row in rows)


def test_there_are_enough_samples_of_each_status(results: dict[str, ScreeningResult]) -> None:
    statuses = {result.status for result in results.values()}
    assert statuses == {"eligible", "ineligible", "undetermined"}
    assert len(results) >= 12


def test_nothing_in_a_sample_is_of_a_real_patient() -> None:
    ids = [str(record["id"]) for record in records()]
    assert all(re.fullmatch(r"DEMO-\d\d", patient) for patient in ids)
    assert len(set(ids)) == len(ids)
    assert {record["centre"] for record in records()} == {"Demonstration site"}


def test_no_entry_of_a_sample_lies_after_the_screening_date(
    results: dict[str, ScreeningResult],
) -> None:
    assert {name: r.ignored_entries for name, r in results.items() if r.ignored_entries} == {}


def test_advisories_are_those_that_the_readme_names(results: dict[str, ScreeningResult]) -> None:
    shown = {
        name: [advisory.id for advisory in result.advisories]
        for name, result in results.items()
        if result.advisories
    }
    assert shown == {
        "premenopausal.json": ["ovarian-suppression"],
        "no_failure_recorded.json": ["no-failure-recorded"],
    }


def test_the_extract_is_eligible_once_its_lists_are_said_to_be_whole(screener: Screener) -> None:
    record = parse(json.loads((FOLDER / "extract_partial_lists.json").read_text("utf-8")))
    settings = Settings(complete=frozenset(record.partial or []))
    result = Screener(screener.plan, settings).screen([record], AS_OF)[0]
    assert result.status == "eligible"
    assert any("--complete" in assumption for assumption in result.assumptions)


@pytest.mark.parametrize(
    ("settings", "status", "outcome"),
    [
        (Settings(), "ineligible", "fail"),
        (Settings(thresholds={"platelets_min": 75}), "eligible", "pass"),
        (Settings(strict=True), "undetermined", "unknown"),
    ],
    ids=["assumed", "set", "strict"],
)
def test_assumed_threshold_of_the_platelets_decides(
    screener: Screener, settings: Settings, status: str, outcome: str
) -> None:
    record = parse(json.loads((FOLDER / "assumed_thresholds.json").read_text("utf-8")))
    result = Screener(screener.plan, settings).screen([record], AS_OF)[0]
    organs = next(criterion for criterion in result.criteria if criterion.id == "I8")
    assert (result.status, organs.outcome) == (status, outcome)


def test_thresholds_that_stand_in_for_each_other_are_both_assumed(screener: Screener) -> None:
    record = parse(json.loads((FOLDER / "undetermined_missing_ish.json").read_text("utf-8")))
    [result] = screener.screen([record], AS_OF)
    organs = next(c for c in result.criteria if c.id == "I8")
    alt = next(part for part in organs.parts if part.id == "I8e")
    named = {text.partition(" = ")[0] for text in alt.assumptions}
    assert {"alt_ast_max_x_upper", "alt_ast_liver_max_x_upper"} <= named


def test_a_list_taken_as_whole_is_an_assumption_only_of_what_rests_on_it(
    screener: Screener,
) -> None:
    record = parse(json.loads((FOLDER / "extract_partial_lists.json").read_text("utf-8")))
    settings = Settings(complete=frozenset({"therapies", "allergies"}))
    [result] = Screener(screener.plan, settings).screen([record], AS_OF)
    named = {
        criterion.id: [text for text in criterion.assumptions if "--complete" in text]
        for criterion in result.criteria
    }
    assert named["E2"] == ["therapies is taken as the whole list (--complete)"]
    assert named["E10"] == ["allergies is taken as the whole list (--complete)"]
    assert named["AGE"] == named["I3"] == []
