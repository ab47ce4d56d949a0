"""The made-up replica gives every figure that Zhou et al. print; so does one of another seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from screener import ScreeningResult, cohort, load_study, parse
from screener.cohort import MEDIAN, TableRow
from screener.encoding import yaml_file

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "sample_patients" / "zhou_2026"
PAPER = yaml_file.load(FOLDER / "paper.yaml").data
AS_OF = date(2024, 12, 31)


def made(*arguments: str) -> str:
    found = subprocess.run(
        [sys.executable, str(FOLDER / "make.py"), *arguments],
        check=True, capture_output=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    return found.stdout.decode()


def screened(text: str) -> list[ScreeningResult]:
    records = [parse(json.loads(line)) for line in text.splitlines()]
    return load_study("zhou-2026").screen(records, AS_OF)


@pytest.fixture(scope="module")
def kept() -> str:
    return (FOLDER / "screened.ndjson").read_text("utf-8")


@pytest.fixture(scope="module")
def results(kept: str) -> list[ScreeningResult]:
    return screened(kept)


def expected_flow() -> list[tuple[str | None, int, int]]:
    remaining = PAPER["screened"]
    steps: list[tuple[str | None, int, int]] = [(None, 0, remaining)]
    for criterion, excluded in PAPER["flow"].items():
        remaining -= excluded
        steps.append((criterion, excluded, remaining))
    return steps


def expected_rows() -> list[tuple[str, str, int, float]]:
    """Every printed row, but for those that contradict another row."""
    return [
        (variable, category, *PAPER["here"].get(variable, {}).get(category, figures))
        for variable, categories in PAPER["table_one"].items()
        for category, figures in categories.items()
    ]


def rows_of(tally: cohort.Population) -> tuple[list[tuple[str, str, int, float | None]], TableRow]:
    """The rows by the variables' ids, and that of age."""
    plan = load_study("zhou-2026").plan
    ids = {v.label: v.id for v in plan.cohort.variables}
    age, *rows = tally.table_one()
    return [(ids[r.variable], r.category, r.n, r.percent) for r in rows], age


def assert_as_printed(results: list[ScreeningResult]) -> None:
    tally = cohort.summarise(load_study("zhou-2026").plan, results)
    flow = [(step.criterion, step.excluded, step.remaining) for step in tally.flow()]
    assert flow == expected_flow()
    assert flow[-1][2] == PAPER["included"]
    rows, age = rows_of(tally)
    assert rows == expected_rows()
    ages = PAPER["age"]
    assert (age.category, age.n) == (MEDIAN, PAPER["included"])
    assert (age.median, age.lowest, age.highest) == (
        ages["median"],
        ages["lowest"],
        ages["highest"],
    )


def test_the_replica_gives_every_printed_figure(results: list[ScreeningResult]) -> None:
    assert_as_printed(results)
    assert {result.status for result in results} == {"eligible", "ineligible"}


def test_the_printed_figures_are_consistent_but_where_said() -> None:
    """Each percentage is that of its count, and exclusive categories add up to all."""
    for variable, categories in PAPER["table_one"].items():
        for category, (n, percent) in categories.items():
            assert abs(100 * n / PAPER["included"] - percent) <= 0.05, (variable, category)
        if variable not in {"sites", "earlier_cdk46", "earlier_treatment"}:
            assert sum(n for n, _ in categories.values()) == PAPER["included"], variable
    assert sum(PAPER["flow"].values()) == PAPER["screened"] - PAPER["included"]
    # The contradictions that the file tells of.
    table = PAPER["table_one"]
    no_line, earlier = table["chemotherapy_lines"]["0"][0], table["earlier_treatment"]
    assert earlier["Chemotherapy"][0] != PAPER["included"] - no_line
    assert PAPER["here"]["earlier_treatment"]["Chemotherapy"][0] == PAPER["included"] - no_line
    drugs = sum(n for n, _ in table["earlier_cdk46"].values())
    one, more = (table["cdk46_lines"][k][0] for k in ("1", "≥ 2"))
    assert drugs == one + 2 * more - 1


def test_the_remarks_stand_beside_the_rows_that_they_are_about(
    results: list[ScreeningResult],
) -> None:
    rows = cohort.summarise(load_study("zhou-2026").plan, results).table_one()
    told = {row.variable: row.remark for row in rows if row.remark}
    assert set(told) == {"Earlier treatment for advanced disease", "Earlier CDK4/6 inhibitors"}
    assert "29 of 58" in told["Earlier treatment for advanced disease"]


def test_the_generator_gives_the_kept_records(kept: str) -> None:
    assert made() == kept
    assert len(kept.splitlines()) == PAPER["screened"]


def test_another_seed_gives_other_patients_with_the_same_figures(kept: str) -> None:
    other = made("--seed", "7")
    assert not set(kept.splitlines()) & set(other.splitlines())
    assert_as_printed(screened(other))


def test_some_leave_at_a_step_though_a_later_one_would_exclude_them_too(
    results: list[ScreeningResult],
) -> None:
    several = [
        [c.id for c in r.criteria if c.outcome == "fail"]
        for r in results
        if sum(c.outcome == "fail" for c in r.criteria if c.id not in ("I4a", "I4b")) >= 1
    ]
    assert any({"I4a", "I2b"} <= set(failed) for failed in several)
    assert any({"I4b", "I2b"} <= set(failed) for failed in several)
    assert any({"I4a", "E1"} <= set(failed) for failed in several)


def test_one_patient_alone_has_the_same_result(kept: str, results: list[ScreeningResult]) -> None:
    for place in (0, 40, 111, 157):
        (alone,) = screened(kept.splitlines()[place])
        assert alone == results[place]


def test_the_records_are_told_as_charts_are(kept: str) -> None:
    """Names in several languages, later entries that must not count, lists nobody wrote down."""
    records: list[dict[str, Any]] = [json.loads(line) for line in kept.splitlines()]
    assert all(name in kept for name in ("达尔西利", "SHR6390", "Ibrance", "Verzenios"))
    assert 20 < sum("other_malignancies" not in record for record in records) < 138
    assert len({record["id"] for record in records}) == len(records)


def test_the_table_by_a_subgroup_adds_up(results: list[ScreeningResult]) -> None:
    tally = cohort.summarise(load_study("zhou-2026").plan, results, by="sequential")
    rows = tally.table_one()
    groups = {row.group for row in rows}
    name = "Sequential treatment with dalpiciclib"
    assert groups == {None, f"{name}: Yes", f"{name}: No"}
    counts = {(row.group, row.variable, row.category): row for row in rows}
    for (group, variable, category), row in counts.items():
        if group is None and row.percent is not None:
            parts = [
                counts[f"{name}: {g}", variable, category].n
                for g in ("Yes", "No")
                if (f"{name}: {g}", variable, category) in counts
            ]
            assert sum(parts) == row.n
    of_sequential = counts[f"{name}: Yes", "Endocrine resistance", "Secondary"]
    assert of_sequential.percent == round(100 * of_sequential.n / 38, 1)
