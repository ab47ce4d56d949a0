"""Partial dates: a day, a month or a year as text, read as the span of days that it covers."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache

FIRST_YEAR = 1800
LAST_YEAR = 2200

EVENT_DATE = {
    "pathology": "date",
    "performance_status": "date",
    "therapies": "start",
    "procedures": "date",
    "injuries": "date",
    "imaging": "date",
    "metastases": "date",
    "effusions": "date",
    "labs": "date",
    "adverse_events": "onset",
    "other_malignancies": "diagnosed",
    "genomics": "date",
}
"""The date of an entry, by list of the record: when it happened."""

_PARTS = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_DAY = timedelta(days=1)


@lru_cache(maxsize=4096)
def span(text: str) -> tuple[date, date]:
    """Return the first and last day of `YYYY-MM-DD` (the same day), `YYYY-MM` or `YYYY`.

    Anything else raises ValueError: another form, no day of the calendar, or a year outside
    `FIRST_YEAR` to `LAST_YEAR`. The message says which and does not repeat the text.
    """
    match = _PARTS.fullmatch(text)
    if match is None:
        raise ValueError("not written as YYYY-MM-DD, YYYY-MM or YYYY in digits 0-9")
    year = int(match[1])
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"the year is not between {FIRST_YEAR} and {LAST_YEAR}")
    if match[2] is None:
        return date(year, 1, 1), date(year, 12, 31)
    month = int(match[2])
    if not 1 <= month <= 12:
        raise ValueError("the month is not between 01 and 12")
    first = date(year, month, 1)
    last = date(year + month // 12, month % 12 + 1, 1) - _DAY
    if match[3] is None:
        return first, last
    if not 1 <= int(match[3]) <= last.day:
        raise ValueError(f"the day is not between 01 and {last.day}, the last of that month")
    day = first.replace(day=int(match[3]))
    return day, day


def surely_before(one: str, other: str) -> bool:
    """Tell whether every day of `one` is before every day of `other`."""
    return span(one)[1] < span(other)[0]
