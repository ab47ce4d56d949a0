"""What must hold for every record, checked on generated ones.

Asking about one record costs as much as asking about hundreds, so each example that Hypothesis
draws is a batch, named by its seed. A record for which a property fails is made as small as it can
be while it still fails, and is printed beside the changed one.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from generators import (
    SCREENING_DAY,
    SCREENING_DAYS,
    Data,
    Patient,
    changed,
    losses,
    paths,
    record,
    shuffled,
    with_future,
)
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from screener.encoding import study, yaml_file
from screener.encoding.catalogue import Catalogue
from screener.plan import Plan
from screener.record import LIST_FIELDS, PARTIAL_NAMES, RecordInvalid, parse
from screener.result import CriterionResult, ScreeningResult
from screener.screening import Screener, Settings

CRITERIA = Path(__file__).parents[1] / "criteria"
SEEDS = st.integers(0, 10**9)
CLEARED_BY_TIME = {"AGE", "E6", "E6c", "E8", "E9", "E9a"}


def batches(number: int) -> settings:
    return settings(
        max_examples=number,
        deadline=None,
        database=None,
        derandomize=True,
        report_multiple_bugs=False,
        phases=[Phase.generate],  # a seed has no smaller one; records are made smaller below
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Catalogue().plan("dawna-fes")


@pytest.fixture(scope="module")
def screener(plan: Plan) -> Screener:
    return Screener(plan)


@pytest.fixture(scope="module")
def strict(plan: Plan) -> Screener:
    return Screener(plan, Settings(strict=True))


def drawn(seed: int, number: int, as_of: date = SCREENING_DAY) -> list[Data]:
    return [record(seed + step, as_of) for step in range(number)]


def screened(screener: Screener, records: Iterable[Data], as_of: date) -> list[ScreeningResult]:
    return screener.screen([parse(data) for data in records], as_of)


def every(criteria: Iterable[CriterionResult]) -> list[CriterionResult]:
    return [one for criterion in criteria for one in (criterion, *every(criterion.parts))]


# 1. Information only ever sharpens ---------------------------------------------------------------

Pair = tuple[Data, Data]


def flips(screener: Screener, pairs: Sequence[Pair], as_of: date) -> list[tuple[int, str]]:
    """The pairs, and the criteria or parts, of which one record is met and the other not met."""
    single = {id(data): data for pair in pairs for data in pair}  # many share the whole
    records = {key: parse(data) for key, data in single.items()}
    truths = dict(zip(records, screener.truths(list(records.values()), as_of), strict=True))
    return [
        (number, node.id)
        for number, (whole, less) in enumerate(pairs)
        for index, node in enumerate(screener.plan.nodes)
        if {truths[id(whole)][index], truths[id(less)][index]} == {True, False}
    ]


_HORMONE = ("er_percent", "er_status", "pr_percent", "pr_status")
_HER2 = ("her2_ihc", "her2_ish", "her2_status")


def chosen_by_other_specimen(criterion: str, whole: Data, less: Data) -> bool:
    """Whether a specimen lost its only results for a marker, so that another specimen may count."""
    fields = {"I1a": _HORMONE, "I1b": _HER2, "I1": _HORMONE + _HER2}.get(criterion, ())
    groups = [g for g in (_HORMONE, _HER2) if set(g) <= set(fields)]
    before, after = whole.get("pathology", []), less.get("pathology", [])
    return any(
        any(name in one for name in group) and not any(name in other for name in group)
        for one, other in zip(before, after, strict=False)
        for group in groups
    )


def contradictions(screener: Screener, pairs: Sequence[Pair], as_of: date) -> list[tuple[int, str]]:
    """The flips that none of the definitions allows.

    An outcome may list an assumption about something that nobody recorded, and change when it is.
    """
    found = [
        (number, criterion)
        for number, criterion in flips(screener, pairs, as_of)
        if not chosen_by_other_specimen(criterion, *pairs[number])
    ]
    results = screened(screener, [data for number, _ in found for data in pairs[number]], as_of)
    assumed = [
        {one.id for one in every(result.criteria) if "unrecorded_" in "".join(one.assumptions)}
        for result in results
    ]
    return [
        flip
        for place, flip in enumerate(found)
        if flip[1] not in assumed[2 * place] | assumed[2 * place + 1]
    ]


def without(pair: Pair, path: tuple[str | int, ...]) -> Pair | None:
    """Both records without one thing, if they are still records and still differ."""
    whole, less = changed(pair[0], path, None), pair[1]
    with contextlib.suppress(KeyError, IndexError, TypeError):  # what was lost is not there
        less = changed(less, path, None)
    try:
        return (whole, less) if parse(whole) != parse(less) else None
    except RecordInvalid:
        return None


def smallest(pair: Pair, still: Callable[[list[Pair]], list[int]]) -> Pair:
    """The pair without everything that the failure does not need; `still` says which pairs fail."""
    while True:
        # The last first, so that the places of the rest remain theirs.
        inner_first = [path for path in paths(pair[0]) if path != ("id",)][::-1]
        smaller = {path: less for path in inner_first if (less := without(pair, path))}
        alone = still(list(smaller.values()))
        if not alone:
            return pair
        together = [pair]
        for path in (list(smaller)[number] for number in alone):
            with contextlib.suppress(KeyError, IndexError, TypeError):  # gone with what it was in
                together.append(without(together[-1], path) or together[-1])
        pair = together[1 + max(still(together[1:]))]


def told(criterion: str, pair: Pair) -> str:
    return "\n  ".join([criterion, *(json.dumps(data, ensure_ascii=False) for data in pair)])


def assert_no_contradiction(screener: Screener, pairs: list[Pair], as_of: date) -> None:
    found = contradictions(screener, pairs, as_of)
    if not found:
        return
    number, criterion = found[0]

    def still(smaller: list[Pair]) -> list[int]:
        return [n for n, of in contradictions(screener, smaller, as_of) if of == criterion]

    shown = told(criterion, smallest(pairs[number], still))
    criteria = sorted({of for _, of in found})
    pytest.fail(f"met in one, not met in the other, of {criteria}; the smallest of {shown}")


@batches(7)
@given(seed=SEEDS)
def test_one_thing_less_never_turns_met_into_not_met(screener: Screener, seed: int) -> None:
    pairs = [(whole, loss.record) for whole in drawn(seed, 15) for loss in losses(whole)]
    assert_no_contradiction(screener, pairs, SCREENING_DAY)


@batches(5)
@given(seed=SEEDS, as_of=st.sampled_from(SCREENING_DAYS))
def test_many_things_less_never_turn_met_into_not_met(
    screener: Screener, seed: int, as_of: date
) -> None:
    """What the single losses cannot show: met by way of unknown to not met."""
    random = Random(seed)
    pairs = []
    for whole in drawn(seed, 180, as_of):
        less = whole
        for _ in range(3):
            for _ in range(random.randint(1, 4)):
                less = random.choice(list(losses(less))).record
            pairs.append((whole, less))
    assert_no_contradiction(screener, pairs, as_of)


@batches(4)
@given(seed=SEEDS)
def test_strictly_nothing_turns_at_all(screener: Screener, strict: Screener, seed: int) -> None:
    """With --strict not even what is not recorded is assumed; and strict is plain or unknown."""
    random = Random(seed)
    wholes = drawn(seed, 40)
    pairs = [(whole, random.choice(list(losses(whole))).record) for whole in wholes]
    pairs += [(whole, random.choice(list(losses(less))).record) for whole, less in pairs]
    records = [data for pair in pairs for data in pair]
    plainly = screened(screener, records[:80], SCREENING_DAY)
    strictly = screened(strict, records, SCREENING_DAY)
    for plain, strictest in zip(plainly, strictly, strict=False):
        for one, other in zip(every(plain.criteria), every(strictest.criteria), strict=True):
            assert other.truth in (one.truth, "unknown")
            if other.truth != "unknown":
                assert not any("assumed:" in assumption for assumption in other.assumptions)
    for number, pair in enumerate(pairs):
        before, after = (every(r.criteria) for r in strictly[2 * number : 2 * number + 2])
        for one, other in zip(before, after, strict=True):
            if not chosen_by_other_specimen(one.id, *pair):
                assert {one.truth, other.truth} != {"met", "not_met"}, told(one.id, pair)


PLANS = [
    # a planned operation; and the truths of E9a and E9b with everything, without the date, and
    # without the plan
    ({"planned": True}, "not_met met", "not_met met", "unknown unknown"),
    ({"planned": True, "date": "2026-02-10"}, "not_met met", "not_met met", "not_met not_met"),
    ({"planned": True, "date": "2026-02"}, "not_met met", "not_met met", "not_met not_met"),
    ({"planned": True, "date": "2026-01-15"}, "not_met met", "not_met met", "met not_met"),
    ({"planned": True, "date": "2026-01-14"}, "unknown not_met", "not_met met", "met not_met"),
    ({"planned": True, "date": "2026-01"}, "unknown unknown", "not_met met", "met not_met"),
    ({"planned": True, "date": "2025-12-17"}, "not_met not_met", "not_met met", "not_met not_met"),
]


def test_a_plan_is_about_the_future_and_its_date_may_turn_it(screener: Screener) -> None:
    """A plan without a date lies ahead, and surgery that is not marked as a plan took place.

    So the two fields of a plan are no mere details, and records of property 1 hold no dated plan.
    """
    for plan, whole, undated, unplanned in PLANS:
        forms = [plan, {k: v for k, v in plan.items() if k != "date"},
                 {k: v for k, v in plan.items() if k != "planned"}]  # fmt: skip
        records = [
            {
                "id": "P",
                "injuries": [],
                "procedures": [{"name": "mastectomy", "major": True, **form}],
            }
            for form in forms
        ]
        found = [
            " ".join(one.truth for one in every(result.criteria) if one.id in ("E9a", "E9b"))
            for result in screened(screener, records, SCREENING_DAY)
        ]
        assert found == [whole, undated, unplanned], plan


# 2. Nothing recorded, nothing known --------------------------------------------------------------


@pytest.mark.parametrize("as_of", SCREENING_DAYS, ids=str)
def test_of_the_empty_record_everything_is_unknown(screener: Screener, as_of: date) -> None:
    shown = {name: [] for name in LIST_FIELDS}
    blanks = [
        {"id": "x"},
        {"id": "x", "partial": list(PARTIAL_NAMES)},
        {"id": "x", "partial": list(PARTIAL_NAMES), **shown},
        {"id": "x", "diagnosis": {}, "assessments": {}, "follow_up": {}},
    ]
    for result in screened(screener, blanks, as_of):
        assert result.status == "undetermined"
        assert {one.truth for one in every(result.criteria)} == {"unknown"}
        assert [one.id for one in every(result.criteria) if not one.needs or not one.reason] == []


# 3. Neither order nor what is to come matters ----------------------------------------------------


def said(result: ScreeningResult) -> dict[str, Any]:
    """A result without what names positions in lists: those of paths, and the record's digest."""
    data = result.to_dict()
    del data["provenance"], data["ignored_entries"]

    def plain(criterion: dict[str, Any]) -> dict[str, Any]:
        evidence = sorted(
            (re.sub(r"\[\d+\]", "[]", e["path"]), json.dumps(e["value"]), e["date"] or "")
            for e in criterion["evidence"]
        )
        parts = [plain(part) for part in criterion["parts"]]
        return {**criterion, "evidence": evidence, "parts": parts}

    return {**data, "criteria": [plain(criterion) for criterion in data["criteria"]]}


def assert_same(pairs: list[Pair], results: list[ScreeningResult]) -> None:
    for number, pair in enumerate(pairs):
        one, other = said(results[2 * number]), said(results[2 * number + 1])
        assert one == other, told("the same patient, told in two ways", pair)


@batches(4)
@given(seed=SEEDS)
def test_the_order_of_entries_never_matters(screener: Screener, seed: int) -> None:
    pairs = [(whole, shuffled(whole, Random(seed))) for whole in drawn(seed, 70)]
    results = screened(screener, [data for pair in pairs for data in pair], SCREENING_DAY)
    assert_same(pairs, results)


@batches(4)
@given(seed=SEEDS, as_of=st.sampled_from(SCREENING_DAYS))
def test_entries_after_the_screening_date_never_matter(
    screener: Screener, seed: int, as_of: date
) -> None:
    wholes = drawn(seed, 70, as_of)
    more = [with_future(whole, Random(seed + n), as_of) for n, whole in enumerate(wholes)]
    pairs = [(whole, later) for whole, (later, _) in zip(wholes, more, strict=True)]
    results = screened(screener, [data for pair in pairs for data in pair], as_of)
    assert_same(pairs, results)
    assert [r.ignored_entries for r in results[1::2]] == [added for _, added in more]


# 4. What time clears -----------------------------------------------------------------------------


def waiting(random: Random) -> Data:
    """A record that only time can help: recent surgery, drainage, malignancy, or age."""
    patient = Patient(random, SCREENING_DAY)
    # Few days, so that their screenings go together.
    pick = random.choice

    def dated(name: str) -> Data:
        day = pick(("2025-12-18", "2025-12-28", "2026-01-15", "2026-01", None))
        return {name: day} if day else {}

    data = {
        "id": "W", "birth_date": pick(("2008-02-29", "1970-05-05", "1970-05-05", "1940")),
        "procedures": [{"name": "mastectomy", "major": True, **dated("date")}
                       for _ in range(pick((0, 1, 2)))],
        "injuries": [{"major": patient.one(True, True, False), **dated("date")}
                     for _ in range(pick((0, 0, 1)))],
        "effusions": [{"kind": pick(("pericardial", "pericardial", "ascites")),
                       "present": patient.chance(80), **dated("drainage_date"), **dated("date")}
                      for _ in range(pick((0, 0, 1, 2)))],
        "other_malignancies": [
            {"type": "colon cancer", "diagnosed": pick(("2021-01-15", "2024-02-29", "2022"))}
            for _ in range(pick((0, 0, 1)))],
    }  # fmt: skip
    if patient.chance(20):
        data["performance_status"] = [{"ecog": 3, "date": "2026-01-10"}]
    return data


def failing(result: ScreeningResult) -> set[str]:
    return {one.id for one in every(result.criteria) if one.outcome == "fail"}


def test_a_criterion_clears_on_the_day_named_and_not_the_day_before(screener: Screener) -> None:
    records = [waiting(Random(seed)) for seed in range(150)]
    now = screened(screener, records, SCREENING_DAY)
    asked: dict[date, list[tuple[Data, str, bool]]] = {}
    again: dict[date, list[tuple[Data, bool]]] = {}
    for data, result in zip(records, now, strict=True):
        for one in every(result.criteria):
            if one.clears_on is None:
                continue
            assert one.outcome == "fail"
            assert one.id in CLEARED_BY_TIME
            assert one.clears_on > SCREENING_DAY
            asked.setdefault(one.clears_on, []).append((data, one.id, False))
            asked.setdefault(one.clears_on - timedelta(days=1), []).append((data, one.id, True))
        if result.rescreen_on:
            assert result.status == "ineligible"
            assert result.rescreen_on >= max(o.clears_on for o in result.criteria if o.clears_on)
            again.setdefault(result.rescreen_on, []).append((data, False))
            again.setdefault(result.rescreen_on - timedelta(days=1), []).append((data, True))
    for day in sorted(asked.keys() | again.keys()):
        cases, returns = asked.get(day, []), again.get(day, [])
        wanted = {id(data): data for data, *_ in (*cases, *returns)}
        results = screened(screener, wanted.values(), day)
        found = {key: failing(one) for key, one in zip(wanted, results, strict=True)}
        for data, criterion, fails in cases:
            assert (criterion in found[id(data)]) == fails, (criterion, day, data)
        for data, fails in returns:
            assert bool(found[id(data)]) == fails, (day, data)
    assert {c for cases in asked.values() for _, c, _ in cases} == CLEARED_BY_TIME
    assert again


def test_a_fail_that_time_does_not_end_names_no_day(screener: Screener) -> None:
    """An old scan makes an outcome unknown, which is no clearing; nor does anything but time."""
    for result in screened(screener, drawn(7, 300), SCREENING_DAY):
        fails = [one for one in result.criteria if one.outcome == "fail"]
        for one in every(result.criteria):
            if one.id not in CLEARED_BY_TIME:
                assert one.clears_on is None, one.id
        if any(one.clears_on is None for one in fails):
            assert result.rescreen_on is None


# 5. One patient alone, and among others ----------------------------------------------------------


def test_a_patient_is_screened_alike_alone_and_among_others(screener: Screener) -> None:
    records = drawn(3, 120)
    together = screened(screener, records, SCREENING_DAY)
    for number in (0, 17, 61, 119):
        (alone,) = screened(screener, [records[number]], SCREENING_DAY)
        assert alone.to_dict() == together[number].to_dict()
    twice = screened(screener, [records[5]] * 3, SCREENING_DAY)
    assert [one.to_dict() for one in twice] == [together[5].to_dict()] * 3


# 6. Every threshold below, at and above ----------------------------------------------------------

THRESHOLDS = yaml_file.load(Path(__file__).parent / "thresholds.yaml").data
ELSEWHERE = {"er_low_percent"}  # decides an advisory only
CASES = [
    (name, table["of"], table.get("as_of", str(SCREENING_DAY)), table["record"], value, truth)
    for name, tables in THRESHOLDS.items()
    for table in tables
    for value, truth in table["truths"]
]


def filled(fragment: Any, value: Any) -> Any:
    """The fragment with the value where it says <x>; without the field for no value."""
    if isinstance(fragment, dict):
        return {k: filled(v, value) for k, v in fragment.items() if v != "<x>" or value is not None}
    if isinstance(fragment, list):
        return [filled(item, value) for item in fragment]
    return value if fragment == "<x>" else fragment


@pytest.fixture(scope="module")
def threshold_truths(screener: Screener) -> list[str]:
    found: dict[int, str] = {}
    names = {True: "met", False: "not_met", None: "unknown"}
    positions = {node.id: index for index, node in enumerate(screener.plan.nodes)}
    for day in sorted({case[2] for case in CASES}):
        numbers = [number for number, case in enumerate(CASES) if case[2] == day]
        records = [parse({"id": "T", **filled(CASES[n][3], CASES[n][4])}) for n in numbers]
        rows = screener.truths(records, date.fromisoformat(day))
        for number, row in zip(numbers, rows, strict=True):
            found[number] = names[row[positions[CASES[number][1]]]]
    return [found[number] for number in range(len(CASES))]


@pytest.mark.parametrize("name", THRESHOLDS)
def test_a_threshold_decides_below_at_and_above(threshold_truths: list[str], name: str) -> None:
    wrong = []
    for case, found in zip(CASES, threshold_truths, strict=True):
        of, criterion, day, _, value, truth = case
        if of == name and found != truth:
            wrong.append(f"{criterion} on {day} with {value}: {found}, expected {truth}")
    assert wrong == []


def test_every_parameter_has_its_thresholds(plan: Plan) -> None:
    assert THRESHOLDS.keys() | ELSEWHERE == plan.parameters.keys()


def test_er_low_is_told_from_one_to_ten_percent(screener: Screener) -> None:
    told_of = {0.99: False, 1: True, 10: True, 10.01: False, 60: False}
    records: list[Data] = [
        {"id": "L", "pathology": [{"er_percent": value, "pr_percent": 50}]} for value in told_of
    ]
    results = screened(screener, records, SCREENING_DAY)
    assert ["er-low" in {a.id for a in r.advisories} for r in results] == list(told_of.values())


def test_a_threshold_of_the_site_moves_the_edge(plan: Plan) -> None:
    labs = [{"test": "anc", "value": 1.0, "unit": "10*9/L", "date": "2025-12-17"}]
    one: Data = {"id": "S", "labs": labs}
    for thresholds, truth in (
        ({"anc_min": 1.0, "lab_valid_days": 29}, "met"),
        ({"anc_min": 1.01, "lab_valid_days": 29}, "not_met"),
        ({"anc_min": 1.0}, "unknown"),
    ):
        (result,) = screened(Screener(plan, Settings(thresholds=thresholds)), [one], SCREENING_DAY)
        assert next(c.truth for c in every(result.criteria) if c.id == "I8a") == truth


# Every result is consistent in itself ------------------------------------------------------------


def three_valued(truths: list[str], *, all_of: bool) -> str:
    decisive, other = ("not_met", "met") if all_of else ("met", "not_met")
    if decisive in truths:
        return decisive
    return "unknown" if "unknown" in truths else other


def value_at(data: Any, path: str) -> Any:
    for key, index in re.findall(r"(\w+)|\[(\d+)\]", path):
        data = data[key] if key else data[int(index)]
    return data


@batches(4)
@given(seed=SEEDS, as_of=st.sampled_from(SCREENING_DAYS))
def test_results_are_consistent(screener: Screener, seed: int, as_of: date) -> None:
    encoded = study.load(CRITERIA / "studies" / "dawna-fes.yaml", CRITERIA).study
    of_all = {criterion.id for criterion in encoded.criteria if criterion.all}
    records = drawn(seed, 120, as_of)
    for data, result in zip(records, screened(screener, records, as_of), strict=True):
        assert result.patient_id == data["id"]
        assert result.as_of == as_of
        for one in every(result.criteria):
            assert_consistent(one, data, one.id in of_all)
        outcomes = {one.outcome for one in result.criteria}
        status = ("ineligible" if "fail" in outcomes
                  else "undetermined" if "unknown" in outcomes else "eligible")  # fmt: skip
        assert result.status == status
        if status == "undetermined":
            assert result.needs
        if status == "eligible" or (status == "ineligible" and result.rescreen_on is None):
            assert result.needs == []
        assert len(set(result.needs)) == len(result.needs)
        assert {
            a for one in every(result.criteria) if one.truth != "unknown" for a in one.assumptions
        } <= set(result.assumptions) | {
            a
            for one in result.criteria
            if one.truth == "unknown"
            for p in one.parts
            for a in p.assumptions
        }


def assert_consistent(one: CriterionResult, data: Data, all_of: bool) -> None:
    passing = {"inclusion": {"met": "pass", "not_met": "fail"},
               "exclusion": {"met": "fail", "not_met": "pass"}}  # fmt: skip
    assert one.outcome == passing[one.kind].get(one.truth, "unknown")
    assert one.reason.strip()
    assert "{" not in one.reason
    assert bool(one.needs) == (one.truth == "unknown"), (one.id, data)
    for found in one.evidence:
        recorded = value_at(data, found.path)
        assert recorded == found.value, (one.id, found)
        assert isinstance(recorded, bool) == isinstance(found.value, bool)
        if found.date is not None:
            entry = value_at(data, found.path.split(".")[0])
            assert found.date in entry.values(), (one.id, found)
    if one.parts:
        assert one.truth == three_valued([part.truth for part in one.parts], all_of=all_of)
        deciding = [part for part in one.parts if part.outcome == one.outcome]
        assert all(part.reason in one.reason for part in deciding)
