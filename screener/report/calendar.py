"""Days on which screening again is worth it, as a calendar to import (iCalendar, RFC 5545)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from importlib.util import find_spec
from typing import TYPE_CHECKING

from screener.errors import UsageError
from screener.report.words import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from screener.report.batch_data import PatientRow


def require() -> None:
    """Find out before any work is done whether a calendar can be written.

    Raises:
        UsageError: the extra `calendar` is not installed.
    """
    if find_spec("icalendar") is None:
        raise UsageError(
            "a calendar needs icalendar; install it: pip install 'trial-screen[calendar]'"
        )


def rescreening_calendar(rows: Iterable[PatientRow], until: date | None = None) -> bytes:
    """Return a calendar with an event of a whole day for each row that has a day to screen again.

    Rows without such a day, and with one after `until`, are left out. An event holds the
    pseudonymous identifier, the study and dates, nothing else of the patient. Its identity rests on
    patient and study alone, so that importing a later calendar moves it; the same rows give the
    same bytes.

    Raises:
        UsageError: the extra `calendar` is not installed.
    """
    require()
    from icalendar import Calendar, Event  # noqa: PLC0415

    due = [
        (date.fromisoformat(row.rescreen_on), visible(row.patient_id), row.study, row.as_of)
        for row in rows
        if row.rescreen_on
    ]
    calendar = Calendar()
    calendar.add("prodid", "-//trial-screen//re-screening//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("x-wr-calname", "Re-screening")
    for day, patient, study, screened in sorted(due):
        if until and day > until:
            continue
        event = Event()
        event.add("uid", f"{_digest(patient, study)}@trial-screen")
        # The moment of writing would make every file another one; the day of screening orders them.
        event.add("dtstamp", datetime.combine(date.fromisoformat(screened), time(), UTC))
        event.add("dtstart", day)
        event.add("dtend", day + timedelta(days=1))
        event.add("summary", f"Re-screen {patient} for {visible(study)}")
        event.add(
            "description",
            f"Time alone ends by this day what stood against it, as screened on {screened}. "
            "Findings that are too old by then have to be renewed.",
        )
        event.add("transp", "TRANSPARENT")
        event.add("class", "PRIVATE")
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _digest(patient: str, study: str) -> str:
    return sha256(f"{study}\n{patient}".encode()).hexdigest()[:32]
