"""What must hold of the cohorts for every record, as `tests/test_properties.py` has it for trials.

Records are those of the replica, made untidy: further entries from the generator, dates shortened
or lost, lists partial or not there.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
from generators import Data, Patient, losses, shuffled, with_future
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from screener import RecordInvalid, load_study, parse
from screener.record import PARTIAL_NAMES
from screener.screening import Screener, Settings

ROOT = Path(__file__).resolve().parents[2]
REPLICA = [
    json.loads(line)
    for line in (ROOT / "sample_patients/zhou_2026/screened.ndjson").read_text("utf-8").splitlines()
]
AS_OF = date(2024, 12, 31)
SEEDS = st.integers(0, 10**9)
STUDIES = ("zhou-2026", "palumbo-2024")
OWN = {"visceral_sites": ["liver", "lung", "pleura"], "adc_counts_as_chemotherapy": True}
HORMONE = ("er_percent", "er_status", "pr_percent", "pr_status")
HER2 = ("her2_ihc", "her2_ish", "her2_status")
MARKERS = {"I2a": HORMONE, "P3": HORMONE, "I2b": HER2, "P4": HER2, "her2": HER2}
Pair = tuple[Data, Data]


def batches(number: int) -> settings:
    return settings(
        max_examples=number,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module", params=STUDIES)
def screener(request: pytest.FixtureRequest) -> Screener:
    return load_study(request.param)


@pytest.fixture(scope="module", params=STUDIES)
def strict(request: pytest.FixtureRequest) -> Screener:
    """Without anything assumed of what is not recorded, and with the site's own values."""
    known = load_study(request.param).plan.parameters
    own = {name: value for name, value in OWN.items() if name in known}
    return load_study(request.param, settings=Settings(thresholds=own, strict=True))


def index_day(data: Data) -> date:
    """The start of dalpiciclib in a record of the replica."""
    names = {"dalpiciclib", "SHR6390", "达尔西利"}
    return min(date.fromisoformat(t["start"]) for t in data["therapies"] if names & set(t["drugs"]))


def untidy(seed: int) -> Data:
    """A record of the replica with more in it, and less."""
    random = Random(seed)
    data: Data = copy.deepcopy(random.choice(REPLICA))
    around = index_day(data)
    before, after = Patient(random, around), Patient(random, AS_OF)
    for name, draw in (
        ("therapies", "therapy"), ("pathology", "specimen"), ("metastases", "metastasis"),
        ("other_malignancies", "other_malignancy"),
    ):  # fmt: skip
        for _ in range(random.choice((0, 0, 1, 2))):
            entry = getattr(random.choice((before, after)), draw)()
            data.setdefault(name, []).insert(0, entry)
    if random.random() < 0.5:
        data["follow_up"] = {
            "last_contact": after.day(0, 30, 90, 400, absent=20),
            "progression_date": after.day(60, 200, absent=60),
            "death_date": after.day(0, 100, absent=80),
        }
        data["follow_up"] = {k: v for k, v in data["follow_up"].items() if v}
    for _ in range(random.choice((0, 0, 1, 3))):
        data = random.choice(list(losses(data))).record
    return data


def valid(data: Data) -> bool:
    try:
        parse(data)
    except RecordInvalid:
        return False
    return True


def drawn(seed: int, number: int) -> list[Data]:
    found = (untidy(seed + step) for step in range(10 * number))
    return [data for _, data in zip(range(number), filter(valid, found), strict=False)]


def facts_of(screener: Screener, records: Sequence[Data]) -> list[dict[str, Any]]:
    """The truth of each criterion and the value of each variable, by id."""
    parsed = [parse(data) for data in records]
    truths = screener.truths(parsed, AS_OF)
    derived = screener.derived(parsed, AS_OF)
    ids = [node.id for node in screener.plan.nodes]
    return [
        dict(zip(ids, row, strict=True))
        | {value.id: value.value if not isinstance(value.value, list) else None for value in values}
        | {
            f"{value.id} {label}": label in value.value
            for value in values
            if isinstance(value.value, list)
            for label in {*value.value, *_categories(screener, value.id)} - set(value.open)
        }
        for row, values in zip(truths, derived, strict=True)
    ]


def _categories(screener: Screener, variable: str) -> list[str]:
    return next(v.categories for v in screener.plan.cohort.variables if v.id == variable)


def other_specimen(name: str, whole: Data, less: Data) -> bool:
    """Whether a specimen lost its only results for a marker, so that another may count."""
    group = MARKERS.get(name, ())
    return any(
        any(marker in one for marker in group) and not any(marker in other for marker in group)
        for one, other in zip(whole.get("pathology", []), less.get("pathology", []), strict=False)
    )


def assert_no_flip(screener: Screener, pairs: Sequence[Pair]) -> None:
    known = facts_of(screener, [data for pair in pairs for data in pair])
    for number, (whole, less) in enumerate(pairs):
        before, after = known[2 * number], known[2 * number + 1]
        for name in before.keys() & after.keys():
            values = before[name], after[name]
            if None in values or values[0] == values[1] or other_specimen(name, whole, less):
                continue
            told = "\n".join(json.dumps(data, ensure_ascii=False) for data in (whole, less))
            pytest.fail(f"{name} is {values[0]} in one, {values[1]} in the other of\n{told}")


@batches(2)
@given(seed=SEEDS)
def test_one_thing_less_never_turns_an_answer(strict: Screener, seed: int) -> None:
    random = Random(seed)
    pairs = []
    for whole in drawn(seed, 10):
        every = [loss.record for loss in losses(whole)]
        pairs += [(whole, less) for less in random.sample(every, min(15, len(every)))]
    assert_no_flip(strict, [pair for pair in pairs if valid(pair[1])])


@batches(2)
@given(seed=SEEDS)
def test_many_things_less_never_turn_an_answer(strict: Screener, seed: int) -> None:
    random = Random(seed)
    pairs = []
    for whole in drawn(seed, 50):
        less = whole
        for _ in range(random.randint(2, 6)):
            less = random.choice(list(losses(less))).record
        pairs.append((whole, less))
    assert_no_flip(strict, [pair for pair in pairs if valid(pair[1])])


def test_of_the_empty_record_everything_is_unknown(screener: Screener) -> None:
    blanks: list[Data] = [
        {"id": "x"},
        {"id": "x", "partial": list(PARTIAL_NAMES), "therapies": []},
        {"id": "x", "diagnosis": {}, "assessments": {}, "follow_up": {}},
    ]
    for result in screener.screen([parse(data) for data in blanks], AS_OF):
        assert result.status == "undetermined"
        assert {one.truth for one in result.criteria} == {"unknown"}
        assert all(one.needs and one.reason for one in result.criteria)
        assert all(v.value is None or v.value == [] for v in result.derived)


@batches(2)
@given(seed=SEEDS)
def test_the_order_of_entries_never_matters(screener: Screener, seed: int) -> None:
    records = drawn(seed, 40)
    mixed = [shuffled(data, Random(seed)) for data in records]
    assert facts_of(screener, records) == facts_of(screener, mixed)


@batches(2)
@given(seed=SEEDS)
def test_entries_after_the_index_date_never_matter(seed: int) -> None:
    """Follow-up aside, which is no list of entries."""
    random = Random(seed)
    screener = load_study("zhou-2026")
    records = [copy.deepcopy(random.choice(REPLICA)) for _ in range(40)]
    later = [with_future(data, random, index_day(data))[0] for data in records]
    exact = [
        (data, more) for data, more in zip(records, later, strict=True)
        if valid(more) and not any(_begins_in(more, index_day(data)))
    ]  # fmt: skip
    assert len(exact) > 10
    assert facts_of(screener, [a for a, _ in exact]) == facts_of(screener, [b for _, b in exact])


def _begins_in(data: Data, day: date) -> list[bool]:
    """Whether an entry is dated to a span that holds the index date, so that it may come before."""
    events = ("date", "start", "onset", "diagnosed")
    texts = [e[k] for v in data.values() if isinstance(v, list) for e in v if isinstance(e, dict)
             for k in events if k in e]  # fmt: skip
    return [day.isoformat().startswith(text) and len(text) < 10 for text in texts]


def test_a_patient_is_screened_alike_alone_and_among_others(screener: Screener) -> None:
    records = [parse(data) for data in [*REPLICA[:40], *drawn(11, 20)]]
    together = screener.screen(records, AS_OF)
    for place in (0, 7, 23, 41, 55):
        (alone,) = screener.screen([records[place]], AS_OF)
        assert alone == together[place]


@batches(2)
@given(seed=SEEDS)
def test_results_are_consistent(screener: Screener, seed: int) -> None:
    records = drawn(seed, 40)
    for result in screener.screen([parse(data) for data in records], AS_OF):
        outcomes = {one.outcome for one in result.criteria}
        status = ("ineligible" if "fail" in outcomes
                  else "undetermined" if "unknown" in outcomes else "eligible")  # fmt: skip
        assert result.status == status
        assert result.index_date is not None
        for one in result.criteria:
            assert one.reason.strip()
            assert "{" not in one.reason
            assert bool(one.needs) == (one.truth == "unknown"), one
            assert one.clears_on is None


def test_without_assumptions_all_else_is_the_same(screener: Screener) -> None:
    def bare(told: Any) -> Any:
        if isinstance(told, dict):
            return {key: bare(it) for key, it in told.items() if key != "assumptions"}
        return [bare(it) for it in told] if isinstance(told, list) else told

    records = [parse(data) for data in drawn(0, 60)]
    full = screener.screen(records, AS_OF)
    assert any(result.assumptions for result in full) == bool(screener.plan.cohort.undocumented)
    lean = screener.screen(records, AS_OF, assumptions=False)
    assert [bare(it.to_dict()) for it in lean] == [bare(it.to_dict()) for it in full]
