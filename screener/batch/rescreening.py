"""Whom time alone lets be screened again by a day, and what they are then.

Two kinds of patients: those whom something excludes now that time ends, and those who are
undetermined now and eligible on a later day without anything being recorded, as when an operation
in a month that is over has become old enough on each of its days.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from screener.batch import again, log
from screener.canonical import canonical_json
from screener.dates import span
from screener.record import RecordInvalid, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from screener.batch.batch import Batch
    from screener.batch.folder import RunFolder
    from screener.batch.log import LogRow
    from screener.plan import Plan
    from screener.record import Record
    from screener.result import ScreeningResult
    from screener.screening import Screener

    _Taken = tuple[Record, frozenset[str]]
    """A record, and the lists that nobody can call whole."""

_AT_ONCE: Final = 256
_PARTIAL: Final = re.compile(r':"((?:19|20)\d\d(?:-(?:0[1-9]|1[0-2]))?)"')
"""A partial date as the value of a field in canonical JSON."""


class Due(NamedTuple):
    """A row of the list."""

    rescreen_on: str
    patient_id: str
    study: str
    failed: str
    """The criteria that fail now; empty of who is undetermined now."""
    status_then: str
    """What the same record is on that day."""
    unknown_then: str
    needs_then: str


def due(batch: Batch, folder: RunFolder, numbers: Sequence[int], logs: Sequence[Path]) -> list[Due]:
    """Give those who can be screened again by `batch.until`, by date.

    `numbers` are the chunks of the run, `logs` their logs.
    """
    assert batch.until  # noqa: S101  # it is asked for
    until = batch.until.isoformat()
    timed = {screener.plan.study_id: _timed(screener.plan) for screener in batch.screeners}
    rows: dict[str, list[LogRow]] = {screener.plan.study_id: [] for screener in batch.screeners}
    for row in log.kept(logs):
        waits = row.status == "undetermined" and timed[row.study].issuperset(row.unknown)
        if waits or (row.rescreen_on and row.rescreen_on <= until):
            rows[row.study].append(row)
    wanted = {row.patient_id for some in rows.values() for row in some}
    taken = again.accepted(batch, folder, numbers, wanted, frozenset())
    records = {one.id: (one.record(batch.today), one.unread) for _, one in taken}
    found: list[Due] = []
    for screener in batch.screeners:
        some = rows[screener.plan.study_id]
        failed = {row.patient_id: ";".join(row.failed) for row in some}
        for day, result in _then(screener, some, records, batch.as_of, batch.until):
            found.append(
                Due(
                    day.isoformat(), result.patient_id, result.study.id, failed[result.patient_id],
                    result.status,
                    ";".join(one.id for one in result.criteria if one.outcome == "unknown"),
                    "; ".join(result.needs),
                )
            )  # fmt: skip
    return sorted(found)


def _then(
    screener: Screener,
    rows: Sequence[LogRow],
    records: Mapping[str, _Taken],
    as_of: date,
    until: date,
) -> Iterator[tuple[date, ScreeningResult]]:
    """The day of each patient, and what the record is on it."""
    days = [
        (type(as_of).fromisoformat(row.rescreen_on), records[row.patient_id])
        for row in rows
        if row.rescreen_on
    ]
    yield from _screened(screener, days)
    open_now = [records[row.patient_id] for row in rows if not row.rescreen_on]
    first = screener.turning_days([record for record, _ in open_now], as_of)
    ends = [_at_their_ends(record, as_of) for record, _ in open_now]
    last = screener.turning_days(ends, as_of)
    tried = [
        (day, taken)
        for taken, *each in zip(open_now, first, last, strict=True)
        for day in sorted({day for days in each for day in days})
        if day <= until
    ]
    known: set[str] = set()
    for day, result in _screened(screener, tried):
        if result.status == "eligible" and result.patient_id not in known:
            known.add(result.patient_id)
            yield day, result


def _screened(
    screener: Screener, days: Iterable[tuple[date, _Taken]]
) -> Iterator[tuple[date, ScreeningResult]]:
    """Screen each record on its day, by day."""
    ordered = sorted(days, key=lambda item: (item[0], item[1][0].id))
    for start in range(0, len(ordered), _AT_ONCE):
        some = ordered[start : start + _AT_ONCE]
        each_day = [day for day, _ in some]
        records, unread = zip(*(taken for _, taken in some), strict=True)
        found = screener.screen(records, each_day, unread, assumptions=False)
        yield from zip(each_day, found, strict=True)


def _at_their_ends(record: Record, as_of: date) -> Record:
    """The record with each partial date as its last day, so that windows end at their latest.

    As it was where that would be no valid record, such as a treatment that ends before it starts.
    """
    text = _PARTIAL.sub(lambda found: f':"{_last_day(found[1], as_of)}"', canonical_json(record))
    try:
        return parse(json.loads(text), today=as_of)
    except RecordInvalid:
        return record


def _last_day(partial: str, as_of: date) -> date:
    _, last = span(partial)
    return min(last, as_of)


def _timed(plan: Plan) -> set[str]:
    """The criteria that time alone can end, or that have a part which it can."""

    def turns(index: int) -> bool:
        node = plan.nodes[index]
        return node.clears or any(turns(part) for part in node.parts)

    return {plan.nodes[index].id for index in plan.top if turns(index)}
