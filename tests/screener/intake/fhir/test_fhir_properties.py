"""What must hold for every bundle: nothing that is lost, broken or moved turns an answer round."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from fhir_build import AS_OF, Json, bundled
from fhir_generator import broken, chooses, resources
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from screener.encoding.catalogue import Catalogue
from screener.intake.fhir import bundle
from screener.intake.fhir.draft import Extract
from screener.record import parse
from screener.screening import Screener

NUMBER = 25
seeds = given(st.integers(0, 10**9))
batch = settings(
    max_examples=3, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.fixture(scope="module")
def screener() -> Screener:
    return Screener(Catalogue().plan("dawna-fes"))


def made_of(entries: list[object]) -> Extract:
    return bundle.read(bundled(*entries), as_of=AS_OF)


def truths(screener: Screener, extracts: list[Extract]) -> list[list[bool | None]]:
    return screener.truths([parse(made.record, today=AS_OF) for made in extracts], AS_OF)


def turned(
    screener: Screener, cases: list[tuple[list[Json], list[list[object]]]]
) -> list[tuple[str, list[Json], list[object]]]:
    """What is met with all entries and not met with the changed ones, or the reverse."""
    extracts = [made_of(it) for whole, changed in cases for it in [whole, *changed]]
    found = iter(truths(screener, extracts))
    faults = []
    for whole, changed in cases:
        before = next(found)
        for entries in changed:
            after = next(found)
            faults += [
                (node.id, whole, entries)
                for node, one, other in zip(screener.plan.nodes, before, after, strict=True)
                if {one, other} == {True, False}
            ]
    return faults


@batch
@seeds
def test_an_entry_that_is_lost_turns_no_answer_round(screener: Screener, seed: int) -> None:
    cases = []
    for step in range(NUMBER):
        whole = resources(seed + step)
        less = [[it for it in whole if it is not out] for out in whole if not chooses(out)]
        cases.append((whole, less))
    assert turned(screener, cases) == []


@batch
@seeds
def test_an_entry_that_breaks_turns_no_answer_round(screener: Screener, seed: int) -> None:
    """Of every kind: also one that was the latest, since older ones must not take its place."""
    random = Random(seed)
    cases = []
    for step in range(NUMBER):
        whole = resources(seed + step)
        changed = [
            [broken(it, random) if it is bad else it for it in whole] for bad in whole[1:]
        ]  # the patient stays: without one there is no record
        cases.append((whole, changed))
    assert turned(screener, cases) == []


@batch
@seeds
def test_order_never_matters(screener: Screener, seed: int) -> None:
    random = Random(seed)
    for step in range(NUMBER):
        whole = resources(seed + step)
        moved = random.sample(whole, len(whole))
        one, other = made_of(whole), made_of(moved)
        assert one.record == other.record
        assert one.origins == other.origins
        assert Counter(one.unused) == Counter(other.unused)
        assert Counter(one.problems) == Counter(other.problems)
        assert sorted(map(str, one.notes)) == sorted(map(str, other.notes))


@batch
@seeds
def test_every_resource_is_accounted_for(seed: int) -> None:
    for step in range(NUMBER):
        whole = resources(seed + step)
        made = made_of(whole)
        told = set(made.origins.values()) | {it.resource for it in made.unused}
        assert {f"{it['resourceType']}/{it['id']}" for it in whole} <= told


@batch
@seeds
def test_a_lone_patient_leaves_every_criterion_open(screener: Screener, seed: int) -> None:
    alone = [it for it in resources(seed) if it["resourceType"] == "Patient"]
    (found,) = truths(screener, [made_of(alone)])
    decided = {
        node.id for node, truth in zip(screener.plan.nodes, found, strict=True) if truth is not None
    }
    assert decided <= {"AGE"}


def test_the_generator_reaches_both_answers(screener: Screener) -> None:
    """Otherwise the properties above would hold of nothing."""
    found = truths(screener, [made_of(resources(seed)) for seed in range(150)])
    by_criterion = {
        node.id: {row[index] for row in found} for index, node in enumerate(screener.plan.nodes)
    }
    for name in ("I1a", "I1b", "I3", "I8a", "I8b", "I8e"):
        assert by_criterion[name] == {True, False, None}, name
    # Of an extract further treatments cannot be ruled out: that none was given is never certain.
    assert by_criterion["I5a"] == {True, None}
    assert {True, None} <= by_criterion["DX"]
    assert {False, None} <= by_criterion["E4"]
    assert {False, None} <= by_criterion["E10"]
