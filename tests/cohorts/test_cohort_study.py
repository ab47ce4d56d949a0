"""What is wrong with the cohort parts of a study is said with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_cohort import STUDY, plan_of

from screener.errors import StudyError
from screener.plan import Plan

FAULTS = {
    "flow of no criterion": ("criterion: C,", "criterion: D,", "flow names D, which is no"),
    "flow twice": ("criterion: A,", "criterion: C,", "flow names C twice"),
    "table of no variable": (
        "table_one: [age,", "table_one: [agee,",
        "table_one names agee, which is no variable of derived",
    ),
    "two variables": ("id: crisis\n", "id: age\n", "derived has two variables age"),
    "two forms": (
        "yes_if: visceral_crisis", "{yes_if: visceral_crisis, number: age}", "line",
    ),
    "no form": ("    yes_if: visceral_crisis\n", "", "needs exactly one of yes_if, one_of, any_of"),
    "two labels": ("{label: Bone,", "{label: Liver,", "has two categories of one label"),
    "no such fact": ("when: bone_metastases", "when: bone_metastasis",
                     "there is no fact, parameter or record field bone_metastasis; did you mean"),
    "index of no fact": ("event: earlier_dalpiciclib", "event: earlier_dalpicilib",
                         "no fact, parameter or record field earlier_dalpicilib; did you mean"),
    "no list": ("list: other_malignancies", "list: other_malignancy",
                "undocumented_counts_as_none.0.list: is 'other_malignancy'; allowed:"),
    "no such status": ("flow:", "unknown_counts_as: maybe\nflow:",
                       "unknown_counts_as: is 'maybe'; allowed: 'undetermined', 'ineligible' or"),
    "a misspelt key": ("included: Those", "include: Those", "include: is not a key that is known"),
    "an index without a day": ("  day: dalpiciclib_started\n", "", "index_date.day: is missing"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "told"), FAULTS.values(), ids=list(FAULTS))
def test_a_fault_is_told_with_its_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in STUDY
    with pytest.raises(StudyError, match=r"small-cohort\.yaml, line \d+") as raised:
        plan_of(tmp_path, STUDY.replace(old, new, 1))
    assert told in str(raised.value)


def test_a_plan_keeps_its_cohort_parts(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    again = Plan.from_json(plan.to_json())
    assert again == plan
    assert again.cohort.one_by_one
    assert [v.kind for v in again.cohort.variables] == ["number", "one_of", "one_of", "any_of"]
    assert again.cohort.variables[1].categories == ["Yes", "No"]
