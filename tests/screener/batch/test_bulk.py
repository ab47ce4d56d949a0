"""The engine of a batch on records that say little."""

from __future__ import annotations

from datetime import date

import screener
from screener.batch.bulk import Bulk
from screener.batch.judge import Accepted, judge
from screener.intake.source import Candidate

DAY = date(2026, 1, 15)


def test_a_first_record_without_a_word_for_the_dictionaries_is_screened() -> None:
    found = judge(Candidate({"line": 1}, b'{"id": "A"}'), DAY, frozenset(), None)
    assert isinstance(found, Accepted)
    screened = Bulk(screener.load_study("dawna-fes")).screen([found], DAY)
    assert [(row[0], row[4]) for row in screened.log] == [("A", "undetermined")]
