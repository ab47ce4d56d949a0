"""The flow and the baseline table: each patient counted once, and parts that add up."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from small_cohort import STUDY, plan_of

from screener.cohort import LEFT_OPEN, Population
from screener.errors import UsageError
from screener.plan import Plan
from screener.result import DerivedValue, Outcome, Status

Patient = tuple[Status, dict[str, Outcome], list[DerivedValue]]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return plan_of(tmp_path_factory.mktemp("study"))


def values(
    age: float | None = 60,
    crisis: str | None = "No",
    stage: str | None = "I",
    sites: list[str] | None = None,
    unclear: tuple[str, ...] = (),
) -> list[DerivedValue]:
    return [
        DerivedValue(id="age", label="Age", value=age),
        DerivedValue(id="crisis", label="Visceral crisis", value=crisis),
        DerivedValue(id="stage", label="Stage", value=stage),
        DerivedValue(id="sites", label="Sites", value=sites or [], open=list(unclear)),
    ]


def patient(a: Outcome = "pass", b: Outcome = "pass", c: Outcome = "pass", **of: Any) -> Patient:
    outcomes: dict[str, Outcome] = {"A": a, "B": b, "C": c}
    found = set(outcomes.values())
    status: Status = "eligible"
    if "fail" in found:
        status = "ineligible"
    elif "unknown" in found:
        status = "undetermined"
    return status, outcomes, values(**of)


def counted(plan: Plan, patients: list[Patient], by: str | None = None) -> Population:
    population = Population(plan, by)
    for one in patients:
        population.add(*one)
    return population


def flow(population: Population) -> list[tuple[str | None, str, int, int]]:
    return [(s.criterion, s.label, s.excluded, s.remaining) for s in population.flow()]


def rows(population: Population) -> list[tuple[Any, ...]]:
    return [(r.variable, r.category, r.n, r.percent) for r in population.table_one()]


def test_each_patient_leaves_once_at_the_first_criterion_of_the_stated_order(plan: Plan) -> None:
    patients = [patient(), patient(a="fail", b="fail", c="fail"), patient(a="fail", b="fail"),
                patient(b="fail"), patient(b="fail", a="unknown")]  # fmt: skip
    assert flow(counted(plan, patients)) == [
        (None, "All of them", 0, 5),
        ("C", "Had another tumour", 1, 4),
        ("A", "Were not women", 1, 3),
        ("B", "B: ECOG 0 or 1.", 2, 1),
    ]


def test_a_step_that_is_optional_or_not_named_is_shown_only_if_somebody_leaves(plan: Plan) -> None:
    assert flow(counted(plan, [patient()])) == [
        (None, "All of them", 0, 1),
        ("C", "Had another tumour", 0, 1),
    ]


def test_who_is_undetermined_leaves_last(plan: Plan) -> None:
    found = flow(counted(plan, [patient(), patient(b="unknown"), patient(c="fail", b="unknown")]))
    assert found[-1] == (None, LEFT_OPEN, 1, 1)
    assert found[1] == ("C", "Had another tumour", 1, 2)


def test_nobody_screened_is_a_flow_too(plan: Plan) -> None:
    population = Population(plan)
    assert flow(population)[0] == (None, "All of them", 0, 0)
    assert rows(population)[:3] == [
        ("Age, years", "Median (range)", 0, None),
        ("Visceral crisis", "Yes", 0, None),
        ("Visceral crisis", "No", 0, None),
    ]


def test_every_criterion_is_a_step_where_no_flow_is_stated(tmp_path: Path) -> None:
    head, rest = STUDY.split("flow:\n")
    plan = plan_of(tmp_path, head + "derived:\n" + rest.split("derived:\n")[1])
    assert [step[:2] for step in flow(counted(plan, [patient()]))] == [
        (None, "Screened"),
        ("A", "A: Female."),
        ("B", "B: ECOG 0 or 1."),
        ("C", "C: Another solid tumour."),
    ]


def test_the_table_is_of_those_included(plan: Plan) -> None:
    patients = [
        patient(age=50, crisis="Yes", stage="I", sites=["Liver", "Bone"]),
        patient(age=61, stage="II", sites=["Bone"], unclear=("Liver",)),
        patient(age=None, crisis=None, stage=None, unclear=("Liver", "Bone")),
        patient(age=80, stage="Other"),
        patient(c="fail", age=20, stage="II"),
    ]
    assert rows(counted(plan, patients)) == [
        ("Age, years", "Median (range)", 3, None),
        ("Age, years", "Not available", 1, 25.0),
        ("Visceral crisis", "Yes", 1, 25.0),
        ("Visceral crisis", "No", 2, 50.0),
        ("Visceral crisis", "Not available", 1, 25.0),
        ("Stage", "I", 1, 25.0),
        ("Stage", "II", 1, 25.0),
        ("Stage", "Other", 1, 25.0),
        ("Stage", "Not said", 1, 25.0),
        ("Sites", "Liver", 1, 25.0),
        ("Sites", "Bone", 2, 50.0),
        ("Sites", "Not available", 2, 50.0),
    ]


@pytest.mark.parametrize(
    ("ages", "median"),
    [
        ([40], 40),
        ([40, 60], 50),
        ([40, 41, 90], 41),
        ([40, 60, 60, 61], 60),
        ([30, 40, 41, 50], 40.5),
    ],
)  # fmt: skip
def test_the_median(plan: Plan, ages: list[float], median: float) -> None:
    mixed = Random(1).sample(ages, len(ages))
    (age, *_) = counted(plan, [patient(age=a) for a in mixed]).table_one()
    assert (age.median, age.lowest, age.highest, age.n) == (median, min(ages), max(ages), len(ages))


def test_percentages_are_rounded_half_up(plan: Plan) -> None:
    patients = [patient(crisis="Yes")] + [patient()] * 15  # 6.25 %
    found = {row[1]: row[3] for row in rows(counted(plan, patients)) if row[0] == "Visceral crisis"}
    assert found == {"Yes": 6.3, "No": 93.8}


def test_a_remark_stands_on_the_first_row_of_its_variable(plan: Plan) -> None:
    told = [(r.category, r.remark) for r in counted(plan, [patient()]).table_one() if r.remark]
    assert told == [("Yes", "Only a call.")]


def some(random: Random, number: int) -> list[Patient]:
    outcomes: list[Outcome] = ["pass", "pass", "pass", "fail", "unknown"]
    return [
        patient(
            *(random.choice(outcomes) for _ in range(3)),
            age=random.choice((None, 34, 59, 60.5, 79)),
            crisis=random.choice(("Yes", "No", None)),
            stage=random.choice(("I", "II", "Other", None)),
            sites=random.choice(([], ["Liver"], ["Liver", "Bone"])),
        )
        for _ in range(number)
    ]


@pytest.mark.parametrize("by", [None, "stage", "sites"])
def test_parts_add_up_to_the_whole_in_any_order(plan: Plan, by: str | None) -> None:
    random = Random(5)
    patients = some(random, 200)
    whole = counted(plan, patients, by)
    parts = [counted(plan, patients[start::7], by) for start in range(7)]
    random.shuffle(parts)
    together = parts[0].to_data()
    for part in parts[1:]:
        together = Population.together(json.loads(json.dumps(part.to_data())), together)
    read = Population.from_data(plan, together, by)
    assert read.flow() == whole.flow()
    assert read.table_one() == whole.table_one()
    assert read.screened == 200


def test_a_flow_accounts_for_everybody(plan: Plan) -> None:
    patients = some(Random(9), 300)
    steps = counted(plan, patients).flow()
    for before, step in pairwise(steps):
        assert step.remaining == before.remaining - step.excluded
    assert steps[-1].remaining == sum(status == "eligible" for status, _, _ in patients)


def test_by_a_variable_with_several_categories_a_patient_is_in_each(plan: Plan) -> None:
    patients = [patient(sites=["Liver", "Bone"], age=50), patient(sites=["Bone"], age=60)]
    ages = {
        row.group: (row.median, row.n)
        for row in counted(plan, patients, "sites").table_one()
        if row.variable == "Age, years"
    }
    assert ages == {None: (55, 2), "Sites: Liver": (50, 1), "Sites: Bone": (55, 2)}


@pytest.mark.parametrize("by", ["agee", "age"])
def test_by_a_variable_that_is_none_or_a_number(plan: Plan, by: str) -> None:
    with pytest.raises(UsageError, match=f"has no variable {by} with categories.*it has crisis"):
        Population(plan, by)
