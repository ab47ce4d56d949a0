"""The id that is read quickly is the one by which the judge knows a record."""

from __future__ import annotations

import json
from datetime import date
from random import Random

import generators
import pytest

from screener.batch.judge import Accepted, identify, judge
from screener.intake.source import Candidate

TODAY = date(2026, 1, 15)


def judged(candidate: Candidate) -> str | None:
    found = judge(candidate, TODAY, frozenset(), None)
    return found.id if isinstance(found, Accepted) else found.patient_id


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"id": "A-1"}', "A-1"),
        ('{"sex": "female", "id": "A-1", "labs": []}', "A-1"),
        ('{"id": "A-1", "sexx": 1}', "A-1"),
        ('{"id": "A-1", "centre": "\\u0041"}', "A-1"),
        ('{"id": "\\u0041"}', "A"),
        ('{"\\u0069d": "A"}', "A"),
        ('{"id": "A", "id": "B"}', None),
        ('{"id": "A", "\\u0069d": "B"}', None),
        ('{"id": " A"}', None),
        ('{"id": ""}', None),
        (json.dumps({"id": "x" * 64}), "x" * 64),
        (json.dumps({"id": "x" * 65}), None),
        ('{"id": 7}', None),
        ('{"id": null}', None),
        ('{"sex": "id"}', None),
        ('{"diagnosis": {"id": "A"}}', None),
        ('{"id": "A"', None),
        ('{"id": "A"} x', None),
        ('{"id": "A", "x": 01}', None),
        ('{"id": "A", "x": 1.}', None),
        ('{"id": "A", "x": NaN}', "A"),
        ('{"id": "A", "x": tru}', None),
        ('{"id": "A", "x": "\x01"}', None),
        ('{"id": "A", "x": "\x7f"}', "A"),
        ('{"id": "A", "x": ' + "[" * 100_000 + "]" * 100_000 + "}", None),
        ('["id"]', None),
        ("id", None),
    ],
)
def test_what_counts_as_the_id(text: str, expected: str | None) -> None:
    candidate = Candidate({"line": 1}, text.encode())
    assert judged(candidate) == expected
    assert identify(candidate, TODAY) == expected


def test_a_candidate_without_text_has_the_id_that_its_source_read() -> None:
    candidate = Candidate({"row": 2}, None, raw={"id": "A"}, patient_id="A")
    assert identify(candidate, TODAY) == "A"


@pytest.mark.parametrize("seed", range(60))
def test_it_is_that_of_the_judge_whatever_happens_to_the_text(seed: int) -> None:
    random = Random(seed)
    text = json.dumps({"id": f"P{seed}", **generators.record(seed)}, ensure_ascii=False)
    for _ in range(8):
        at = random.randrange(len(text))
        change = random.choice(('"', "}", "{", ",", " ", "\t", "\x01", "e", "0", "id", '"id":"Q",'))
        broken = text[:at] + change + text[at + random.choice((0, 1, 3)) :]
        candidate = Candidate({"line": 1}, broken.encode())
        assert identify(candidate, TODAY) == judged(candidate), broken[max(0, at - 40) : at + 40]
