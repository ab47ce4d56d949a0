from __future__ import annotations

import sys
from datetime import UTC, date, datetime

import pytest
from batches import row
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from screener.errors import UsageError
from screener.report.calendar import rescreening_calendar

ROWS = [
    row("P-2", ["E9"], rescreen_on="2026-12-02"),
    row("P-1", ["E9", "I3"], rescreen_on="2026-12-02"),
    row("P-3", ["I3"]),
    row("P-4", ["E9"], rescreen_on="2026-11-22"),
]


def events(content: bytes) -> list[Calendar]:
    return list(Calendar.from_ical(content).walk("VEVENT"))


def test_events_come_by_date_and_last_a_day() -> None:
    found = events(rescreening_calendar(ROWS))
    assert [(it["summary"], it.decoded("dtstart"), it.decoded("dtend")) for it in found] == [
        ("Re-screen P-4 for dawna-fes", date(2026, 11, 22), date(2026, 11, 23)),
        ("Re-screen P-1 for dawna-fes", date(2026, 12, 2), date(2026, 12, 3)),
        ("Re-screen P-2 for dawna-fes", date(2026, 12, 2), date(2026, 12, 3)),
    ]
    assert {it.decoded("dtstamp") for it in found} == {datetime(2026, 11, 21, tzinfo=UTC)}
    assert all(it["dtstart"].params["VALUE"] == "DATE" for it in found)
    assert {str(it["class"]) for it in found} == {"PRIVATE"}


def test_nothing_of_the_patient_but_the_identifier_is_in_it() -> None:
    content = rescreening_calendar(ROWS).decode()
    assert "E9" not in content
    assert "I3" not in content


@pytest.mark.parametrize(
    ("until", "count"),
    [("2026-11-21", 0), ("2026-11-22", 1), ("2026-12-01", 1), ("2026-12-02", 3), (None, 3)],
)
def test_until_a_day(until: str | None, count: int) -> None:
    day = date.fromisoformat(until) if until else None
    assert len(events(rescreening_calendar(ROWS, day))) == count


def test_an_event_keeps_its_identity_when_its_day_moves() -> None:
    (before,) = events(rescreening_calendar([row("P", rescreen_on="2026-12-02")]))
    later = row("P", rescreen_on="2027-01-02", as_of="2026-12-01")
    (after,) = events(rescreening_calendar([later]))
    assert before["uid"] == after["uid"]
    assert after.decoded("dtstamp") > before.decoded("dtstamp")
    others = [row("Q", rescreen_on="2026-12-02"), row("P", study="s", rescreen_on="2026-12-02")]
    assert before["uid"] not in {it["uid"] for it in events(rescreening_calendar(others))}


def test_the_same_rows_give_the_same_bytes_in_any_order() -> None:
    assert rescreening_calendar(ROWS) == rescreening_calendar(ROWS[::-1])


@given(st.text(min_size=1, max_size=64))
def test_any_identifier_stays_within_its_line(patient: str) -> None:
    content = rescreening_calendar([row(patient, rescreen_on="2026-12-02")])
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    lines = content.replace(b"\r\n ", b"").decode().splitlines()
    assert [line.partition(":")[0].partition(";")[0] for line in lines] == [
        "BEGIN", "VERSION", "PRODID", "CALSCALE", "X-WR-CALNAME", "BEGIN", "SUMMARY", "DTSTART",
        "DTEND", "DTSTAMP", "UID", "CLASS", "DESCRIPTION", "TRANSP", "END", "END",
    ]  # fmt: skip


def test_no_day_makes_an_empty_calendar() -> None:
    assert events(rescreening_calendar([row("P")])) == []


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "icalendar", None)
    with pytest.raises(UsageError, match=r"pip install 'trial-screen\[calendar\]'"):
        rescreening_calendar([])
