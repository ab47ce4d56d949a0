"""Records that are judged together are judged as each is alone, wherever one is in error."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any

import generators
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screener.batch.judge import Accepted, Rejected, judge, judge_all, words_of
from screener.engine import Words
from screener.entries import Gathered
from screener.errors import Problem
from screener.intake.source import Candidate
from screener.record import PARTIAL_NAMES, Record, parse

TODAY = date(2026, 1, 15)
NUMBER = 40
"""More than are taken together, so that a second block begins."""

ODDITIES: dict[str, Callable[[dict[str, Any]], Candidate]] = {
    "in error": lambda record: _candidate({**record, "sex": "unsure", "labs": [{"value": "x"}]}),
    "of no shape": lambda record: _candidate([record]),
    "no JSON": lambda record: Candidate({}, json.dumps(record).encode()[:-1]),
    "not UTF-8": lambda record: Candidate({}, b'{"id": "a\xff"}'),
    "written otherwise": lambda record: Candidate({}, json.dumps(record, indent=2).encode()),
    "escaped": lambda record: Candidate({}, json.dumps({**record, "centre": "好"}).encode()),
    "null": lambda record: _candidate({**record, "centre": None}),
    "partial": lambda record: _candidate({**record, "labs": [], "partial": ["labs"]}),
    "born too late": lambda record: _candidate({**record, "birth_date": "2026-02"}),
    "no text": lambda record: Candidate({}, None, raw={"a": 1}, patient_id="x"),
    "in error beside": lambda record: Candidate(
        {}, json.dumps(record).encode(), problems=(Problem("id", "another"),)
    ),
    "unread": lambda record: Candidate({}, json.dumps(record).encode(), unread=frozenset({"labs"})),
}


def _candidate(data: Any) -> Candidate:
    return Candidate({}, json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())


@cache
def _parsed(text: bytes) -> Record:
    return parse(json.loads(text))


def _known(found: Accepted | Rejected) -> Any:
    """All that can be told of what was found, but for the words."""
    if isinstance(found, Rejected):
        return found
    return found._replace(words=Words())


def _together(
    candidates: list[Candidate], complete: frozenset[str], earlier: dict[int, dict[str, Any]]
) -> None:
    placed = [
        Candidate({"line": n}, it.text, it.raw, it.problems, it.patient_id, unread=it.unread)
        for n, it in enumerate(candidates, 1)
    ]
    alone = [judge(it, TODAY, complete, earlier.get(n)) for n, it in enumerate(placed)]
    found = list(judge_all(placed, TODAY, complete, earlier))
    assert [_known(it) for it in found] == [_known(it) for it in alone]
    valid = [it for it in found if isinstance(it, Accepted)]
    assert words_of(valid) == Words.of(Gathered([_parsed(one.text) for one in valid]))


@pytest.mark.parametrize("oddity", ODDITIES)
def test_one_that_is_odd_at_each_place(oddity: str) -> None:
    records = [{**generators.record(seed), "id": f"P{seed}"} for seed in range(NUMBER)]
    in_order = [_candidate(record) for record in records]
    for place in range(NUMBER):
        candidates = in_order.copy()
        candidates[place] = ODDITIES[oddity](records[place])
        _together(candidates, frozenset({"labs", "therapies"} if place % 2 else ()), {})


def test_one_that_stands_earlier_at_each_place() -> None:
    candidates = [
        _candidate({**generators.record(seed), "id": f"P{seed}"}) for seed in range(NUMBER)
    ]
    for place in range(NUMBER):
        _together(candidates, frozenset(), {place: {"line": 99}})


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32),
    st.lists(st.sampled_from(["in order", *ODDITIES]), max_size=NUMBER),
    st.frozensets(st.sampled_from(sorted(PARTIAL_NAMES))),
    st.dictionaries(st.integers(0, NUMBER), st.just({"line": 99}), max_size=2),
)
def test_any_mixture(
    seed: int, kinds: list[str], complete: frozenset[str], earlier: dict[int, dict[str, Any]]
) -> None:
    made = [{**generators.record(seed + n), "id": f"P{n}"} for n in range(len(kinds))]
    candidates = [
        ODDITIES.get(kind, _candidate)(record) for kind, record in zip(kinds, made, strict=True)
    ]
    _together(candidates, complete, earlier)
