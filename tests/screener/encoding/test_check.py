"""`check` runs the embedded examples and finds what is missing; of what is shipped, nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import test_study
from test_study import Folder

from screener.encoding import study
from screener.encoding.check import check
from screener.errors import StudyError

CRITERIA = Path(__file__).parents[3] / "criteria"
STUDIES = sorted((CRITERIA / "studies").glob("*.yaml"))

folder = test_study.folder


def faults(folder: Folder) -> list[str]:
    return check(folder.load())[0]


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_shipped_study_has_no_fault(path: Path) -> None:
    found, examples = check(study.load(path, CRITERIA))
    assert found == []
    assert examples > 100


def test_a_sound_study_runs_all_its_examples(folder: Folder) -> None:
    assert check(folder.load()) == ([], 9 + 2)


@pytest.mark.parametrize(
    ("old", "new", "at", "message"),
    [
        ("      - {record: {}, truth: unknown}\n", "", "- id: A",
         "A has no example that is unknown"),
        ("      - {record: {life_expectancy_months: 3}, truth: met}\n", "", "- id: A",
         "A has no example that is met"),
        ("          - {record: {assessments: {willing_fdg_pet: true}}, truth: not_met}\n", "",
         "- id: B1", "B1 has no example that is not_met"),
        ("_months: 2}, truth: not_met", "_months: 3}, truth: not_met",
         "_months: 3}, truth: not_met", "A: the example is met, expected not_met"),
        ("{life_expectancy_months: 0.5}, truth: met", "{life_expectancy_months: 1}, truth: met",
         "{life_expectancy_months: 1}, truth: met", "B2: the example is not_met, expected met"),
        ("{willing_fdg_pet: false}}, truth: met", "{}}, truth: met", "{}}, truth: met",
         "B1: the example is unknown, expected met"),
    ],
)  # fmt: skip
def test_a_wrong_or_missing_example_is_told_with_its_line(
    folder: Folder, old: str, new: str, at: str, message: str
) -> None:
    folder.change(folder.study, old, new)
    line = test_study.line_of(folder.study, at)
    assert faults(folder) == [f"{folder.study}, line {line}: {message}"]


@pytest.mark.parametrize(
    ("old", "new", "at", "message"),
    [
        ("    label: expected months\n", "", "- name: months", "fact months has no label"),
        ("    source: record\n    sql: life", "    sql: life", "- name: months",
         "fact months has no source"),
        ("    examples:\n      - {record: {life_expectancy_months: 3}, value: 3}\n", "",
         "- name: months", "fact months has no example"),
        ("value: 3}\n", "value: 4}\n", "value: 4}", "months: the example gives 3"),
        ("value: true}\n", "value: null}\n", "value: null}", "willing: the example gives True"),
    ],
)  # fmt: skip
def test_a_wrong_or_incomplete_fact_is_told_with_its_line(
    folder: Folder, old: str, new: str, at: str, message: str
) -> None:
    folder.change(folder.facts, old, new)
    line = test_study.line_of(folder.facts, at)
    (found,) = faults(folder)
    assert found.startswith(f"{folder.facts}, line {line}: {message}")


def test_every_fault_is_told_not_only_the_first(folder: Folder) -> None:
    folder.change(folder.study, "{life_expectancy_months: 2}", "{life_expectancy_months: 4}")
    folder.change(folder.study, "{willing_fdg_pet: true}", "{willing_fdg_pet: false}")
    folder.change(folder.facts, "value: 3}", "value: 5}")
    assert len(faults(folder)) == 3


def test_an_example_that_is_no_record_is_told_with_its_line(folder: Folder) -> None:
    folder.change(folder.study, "{life_expectancy_months: 2}", "{life_expectancy: 2}")
    line = test_study.line_of(folder.study, "{life_expectancy: 2}")
    with pytest.raises(StudyError, match="A: the example is not a valid record") as caught:
        check(folder.load())
    assert str(caught.value).startswith(f"{folder.study}, line {line}: ")
    assert "life_expectancy_months" in str(caught.value)


def test_an_example_may_have_a_day_of_its_own(folder: Folder) -> None:
    shutil.copy(CRITERIA / "facts" / "demographics.yaml", folder.facts.with_name("people.yaml"))
    shutil.copy(CRITERIA / "facts" / "imaging.yaml", folder.facts.with_name("scans.yaml"))
    folder.change(folder.study, "met_when: months >= least", "met_when: at_least(age, least)")
    folder.change(folder.study, "{months} months.", "{age}")
    folder.change(folder.study, "{months} months, below {least}.", "{age}")
    third_birthday = '{birth_date: "2023-01-15"}'
    folder.change(folder.study, "{life_expectancy_months: 3}", third_birthday)
    folder.change(
        folder.study,
        "{life_expectancy_months: 2}, truth: not_met",
        f"{third_birthday}, truth: not_met, as_of: 2026-01-14",
    )
    assert faults(folder) == []
