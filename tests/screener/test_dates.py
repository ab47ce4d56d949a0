from __future__ import annotations

from datetime import date, timedelta

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from screener.dates import FIRST_YEAR, LAST_YEAR, span, surely_before

DAYS = st.dates(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31))


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-11-21", date(2026, 11, 21), date(2026, 11, 21)),
        ("2026-01", date(2026, 1, 1), date(2026, 1, 31)),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        ("2023-02", date(2023, 2, 1), date(2023, 2, 28)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("1900-02", date(1900, 2, 1), date(1900, 2, 28)),
        ("2000-02-29", date(2000, 2, 29), date(2000, 2, 29)),
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("1800", date(1800, 1, 1), date(1800, 12, 31)),
        ("2200-12", date(2200, 12, 1), date(2200, 12, 31)),
    ],
)
def test_span(text: str, first: date, last: date) -> None:
    assert span(text) == (first, last)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not written as"),
        ("26-11-21", "not written as"),
        ("2026-1-2", "not written as"),
        ("2026-11-2", "not written as"),
        ("2026-11-", "not written as"),
        ("20261121", "not written as"),
        ("2026/11/21", "not written as"),
        ("21.11.2026", "not written as"),
        ("2026-W47", "not written as"),
        ("2026-11-21T00:00", "not written as"),
        (" 2026", "not written as"),
        ("2026\n", "not written as"),
        ("-2026", "not written as"),
        ("２０２６", "not written as"),
        ("٢٠٢٦-١١", "not written as"),
        ("1799", "the year is not between 1800 and 2200"),
        ("2201-01-01", "the year is not between 1800 and 2200"),
        ("2026-00", "the month is not"),
        ("2026-13", "the month is not"),
        ("2026-11-00", "the day is not between 01 and 30"),
        ("2026-11-31", "the day is not between 01 and 30"),
        ("2023-02-29", "the day is not between 01 and 28"),
        ("1900-02-29", "the day is not between 01 and 28"),
    ],
)
def test_refused_with_the_reason_and_without_the_text(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        span(text)
    assert not text.strip() or text.strip() not in str(caught.value)


@given(DAYS)
def test_the_three_precisions_contain_each_other(day: date) -> None:
    written = day.isoformat()
    assert span(written) == (day, day)
    first = day.replace(day=1)
    assert span(written[:7]) == (first, first + relativedelta(months=1) - timedelta(days=1))
    assert span(written[:4]) == (date(day.year, 1, 1), date(day.year, 12, 31))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("2026-11-20", "2026-11-21", True),
        ("2026-11-21", "2026-11-21", False),
        ("2026-11-22", "2026-11-21", False),
        ("2026-10", "2026-11-01", True),
        ("2026-11", "2026-11-21", False),
        ("2026", "2026-12-31", False),
        ("2025", "2026-01-01", True),
        ("2026-01-01", "2026", False),
    ],
)
def test_surely_before(one: str, other: str, expected: bool) -> None:
    assert surely_before(one, other) is expected
