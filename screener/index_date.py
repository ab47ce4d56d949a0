"""Screening as of each patient's own index date, where a study has one.

The engine is first asked for the date itself, then about the record as of that day. What the record
leaves open is tried in every way that could matter, and what all ways agree on holds:

- a date that is known only to the month: each of its days;
- an entry without a date, or with one that spans the index date, may lie before it or after. So the
  record is asked about with all such entries, and once more without them, with their lists marked
  as partial. No choice among them can say what neither of these says: of every such entry it is
  open whether it is the latest, a count without an upper bound holds for any number of them, and a
  list that may lack entries proves no absence;
- no date at all: a day that is NULL, which leaves unknown whatever depends on it.

Where there certainly is no such day, the screening date stands for it.
"""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from screener.canonical import canonical_json, with_fields
from screener.dates import EVENT_DATE, span
from screener.engine import Question

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from screener.record import Record

MOST_DAYS = 92
"""Days of a partial index date that are tried one by one; a longer span counts as no date."""


class Index(msgspec.Struct, frozen=True):
    """A patient's index date, as far as the record tells."""

    event: bool | None
    """Whether there is such a day at all."""
    lo: date | None
    hi: date | None
    text: str | None
    """The date, or both ends of the span; None where it is not known."""
    entry: str | None = None
    """Path of the entry that began on that day, where it is certain which one."""

    @property
    def days(self) -> list[date]:
        """The days that it may be, if they are few enough to try each."""
        if self.event is False or self.lo is None or self.hi is None:
            return []
        number = (self.hi - self.lo).days + 1
        return [self.lo + timedelta(days=n) for n in range(number)] if number <= MOST_DAYS else []


class Asked(msgspec.Struct, frozen=True):
    """What to ask about a record, so that what its index date leaves open stays open."""

    worlds: list[Question]
    """The ways in which the record may have been on that day. Reasons are told from the first."""
    index: Index | None = None
    """None where the study has no index date of its own, and the screening date counts."""
    uncertain: tuple[str, ...] = ()
    """Paths of entries of which it is not known whether they had happened by the index date."""


def index_of(event: bool | None, day: dict[str, Any] | None, entry: str | None) -> Index:
    """The index date that the engine gives for a record."""
    if event is False or day is None or day["lo"] is None or day["hi"] is None:
        return Index(event, None, None, None)
    lo, hi = day["lo"], day["hi"]
    if lo == hi:
        return Index(event, lo, hi, lo.isoformat(), entry)
    known = (hi - lo).days < MOST_DAYS
    return Index(event, lo, hi, f"{lo} to {hi}" if known else None, entry)


def asked(record: Record, text: str, index: Index, cutoff: date) -> Asked:
    """What to ask about a record, of which `text` is the canonical text.

    `cutoff` is the screening date, up to which it is followed.
    """
    days = index.days

    def world(of: Record, day: date | None) -> Question:
        return _world(text if of is record else canonical_json(of), day, index, cutoff)

    if index.event is False:
        return Asked([world(record, cutoff)], index)
    if not days:
        without = _without(record, dict.fromkeys(EVENT_DATE))
        return Asked([world(record, cutoff), world(without, None)], index)
    worlds, paths = [], dict[str, None]()
    for day in days:
        on_day = _begun(record, index.entry, day) if len(days) > 1 else record
        worlds.append(world(on_day, day))
        open_entries = _uncertain(on_day, day, cutoff)
        if open_entries:
            worlds.append(world(_without(on_day, open_entries), day))
            paths |= {f"{name}[{n}]": None for name, found in open_entries.items() for n in found}
    return Asked(worlds, index, tuple(paths))


def _begun(record: Record, entry: str | None, day: date) -> Record:
    """The record with a day as the date of the entry at a path."""
    found = re.fullmatch(r"(\w+)\[(\d+)\]", entry or "")
    if not found or found[1] not in EVENT_DATE:
        return record
    name, entries = found[1], list(getattr(record, found[1]))
    changed = with_fields(entries[int(found[2])], {EVENT_DATE[name]: day.isoformat()})
    entries[int(found[2])] = changed
    return with_fields(record, {name: entries})


def _world(text: str, day: date | None, index: Index, cutoff: date) -> Question:
    known = {
        "lo": index.lo and index.lo.isoformat(),
        "hi": index.hi and index.hi.isoformat(),
        "text": index.text,
    }
    more = {"cutoff": cutoff.isoformat(), "index_event": index.event, "index_date": known}
    return Question(f"{text[:-1]},{json.dumps(more)[1:]}", day)


def _uncertain(record: Record, day: date, cutoff: date) -> dict[str, set[int]]:
    """By list, the entries of which it is open whether they had happened by a day."""
    found = {name: set(_straddling(record, name, day, cutoff)) for name in EVENT_DATE}
    return {name: entries for name, entries in found.items() if entries}


def _straddling(record: Record, name: str, day: date, cutoff: date) -> Iterator[int]:
    for number, entry in enumerate(getattr(record, name) or []):
        if getattr(entry, "planned", None):
            continue
        when = getattr(entry, EVENT_DATE[name])
        lo, hi = span(when) if when else (date.min, cutoff)
        if lo <= day < min(hi, cutoff):
            yield number


def _without(record: Record, entries: dict[str, set[int]] | dict[str, None]) -> Record:
    """The record without some entries of some lists (None: without all), which are then partial."""
    changed: dict[str, Any] = {"partial": sorted({*(record.partial or []), *entries})}
    for name, numbers in entries.items():
        kept = getattr(record, name) or []
        if numbers is None:
            changed[name] = None
        else:
            changed[name] = [entry for n, entry in enumerate(kept) if n not in numbers]
    return with_fields(record, changed)


def as_given(record: Record, day: date, cutoff: date | None, index_date: str | None) -> Question:
    """A record as of any day, with follow-up up to another day or an index date that is said."""
    index = Index(None, None, None, None)
    if index_date:
        index = Index(True, *span(index_date), index_date)
    return _world(canonical_json(record), day, index, cutoff or day)


def agreed(values: Sequence[Any]) -> Any:
    """The value that is the same in all worlds, or None."""
    first = values[0]
    return first if all(value == first for value in values[1:]) else None


def why_open(of: Asked, means: str) -> tuple[str, list[str]]:
    """Why worlds disagree, as a reason and what to obtain."""
    index = of.index or Index(None, None, None, None)
    exact = f"the exact date of the {means}"
    if not index.days:
        return f"It depends on the date of the {means}, which is not known.", [exact]
    reasons, needs = [], []
    if len(index.days) > 1:
        reasons.append(f"on the day of the {means}, known only as {index.text}")
        needs.append(exact)
    if of.uncertain:
        named = ", ".join(of.uncertain)
        day = index.text if len(index.days) == 1 else "that day"
        reasons.append(f"on whether {named} had happened by the {means} ({day})")
        needs.append(f"the dates of {named}")
    return f"It depends {', and '.join(reasons)}.", needs
