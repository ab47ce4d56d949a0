"""What the plain program knows of three-valued truth and of partial dates.

A truth is True, False or None: not known. A span is the first and the last possible day.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Any, NamedTuple, Protocol, TypeVar

from screener.record import Record

Truth = bool | None
T = TypeVar("T")
FOUR_WEEKS = timedelta(days=28)
"""How long findings are valid, and how long ago surgery and drainage are to be."""


class Span(NamedTuple):
    """The days that a date, as recorded, may mean."""

    first: date
    last: date


class Dated(Protocol):
    """Something of which is known when it happened."""

    @property
    def at(self) -> Span:
        """The days on which it may have happened."""


D = TypeVar("D", bound=Dated)


class Seen(NamedTuple):
    """An entry of a list with the days on which it may have happened."""

    entry: Any
    at: Span


def negation(truth: Truth) -> Truth:
    """Not."""
    return None if truth is None else not truth


def every(truths: Iterable[Truth]) -> Truth:
    """And."""
    unknown = False
    for truth in truths:
        if truth is False:
            return False
        unknown = unknown or truth is None
    return None if unknown else True


def some(truths: Iterable[Truth]) -> Truth:
    """Or."""
    unknown = False
    for truth in truths:
        if truth:
            return True
        unknown = unknown or truth is None
    return None if unknown else False


def among(truths: Iterable[Truth], *, whole: bool) -> Truth:
    """Whether one of a list is true; a list that may lack entries never says no."""
    found = some(truths)
    return found if found or whole else None


def agreed(values: Sequence[T | None]) -> T | None:
    """The value that all have; None where one has none, where they differ, and for no values."""
    if not values or any(value != values[0] for value in values):
        return None
    return values[0]


def same(value: object, wanted: object) -> Truth:
    """Whether a value that may not be recorded is the one wanted."""
    return None if value is None else value == wanted


@cache
def span(text: str) -> Span:
    """The days of `YYYY-MM-DD`, `YYYY-MM` or `YYYY`."""
    if len(text) == 4:
        return Span(date(int(text), 1, 1), date(int(text), 12, 31))
    if len(text) == 7:
        year, month = int(text[:4]), int(text[5:])
        return Span(date(year, month, 1), date(year, month, monthrange(year, month)[1]))
    day = date.fromisoformat(text)
    return Span(day, day)


def since(days: Span | None, day: date) -> Truth:
    """Whether it was on that day or later."""
    if days is None or days.first < day <= days.last:
        return None
    return days.first >= day


def until(days: Span | None, day: date) -> Truth:
    """Whether it was on that day or earlier."""
    if days is None or days.first <= day < days.last:
        return None
    return days.last <= day


def within(days: Span | None, first: date, last: date) -> Truth:
    """Whether it was from one day to another, both included."""
    return every((since(days, first), until(days, last)))


def anniversary(day: date, year: int) -> date:
    """The same day of another year; of 29 February, 28 February where there is none."""
    leap = (day.month, day.day) == (2, 29)
    return day.replace(year=year, day=monthrange(year, 2)[1] if leap else day.day)


def years_between(born: date, day: date) -> int:
    """Completed years."""
    return day.year - born.year - (day < anniversary(born, day.year))


def happened(entries: Iterable[Any] | None, field: str, as_of: date) -> list[Seen]:
    """The entries that count, with their days: not those dated after the screening date."""
    found = []
    for entry in entries or ():
        text = getattr(entry, field)
        if text is None:
            found.append(Seen(entry, Span(date.min, as_of)))
        elif (days := span(text)).first <= as_of:
            found.append(Seen(entry, Span(days.first, min(days.last, as_of))))
    return found


def latest(seen: list[D]) -> list[D]:
    """The entries that may be the latest: none is certainly later."""
    if not seen:
        return []
    last = max(it.at.first for it in seen)
    return [it for it in seen if it.at.last >= last]


def latest_at(seen: Sequence[Dated]) -> Span | None:
    """When the latest of them happened."""
    if not seen:
        return None
    return Span(max(it.at.first for it in seen), max(it.at.last for it in seen))


@dataclass
class Patient:
    """A record and the day on which it is screened."""

    record: Record
    as_of: date
    _seen: dict[str, list[Seen]] = field(default_factory=dict)

    def whole(self, name: str) -> bool:
        """Whether a list is given, with all its entries."""
        return getattr(self.record, name) is not None and name not in (self.record.partial or ())

    def seen(self, name: str, dated: str = "date") -> list[Seen]:
        """The entries of a list that had happened."""
        if name not in self._seen:
            self._seen[name] = happened(getattr(self.record, name), dated, self.as_of)
        return self._seen[name]

    def recent(self, at: Span | None) -> Truth:
        """Whether it was within 28 days."""
        return since(at, self.as_of - FOUR_WEEKS)

    def call(self, name: str) -> Truth:
        """What the investigator says."""
        found: Truth = getattr(self.record.assessments, name, None)
        return found


Criterion = Callable[[Patient], Truth]
"""Gives the truth of a statement about a patient."""
