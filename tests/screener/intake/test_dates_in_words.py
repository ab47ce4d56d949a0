from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.intake.cells import CellFault
from screener.intake.dates_in_words import read

DAY, MONTH, YEAR = "day month year", "month day year", "year month day"


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        # the same in every order
        ("2026-01-15", None, "2026-01-15"),
        ("2026-01-15", DAY, "2026-01-15"),
        ("2026-01", DAY, "2026-01"),
        ("2026", MONTH, "2026"),
        ("2026/1/5", None, "2026-01-05"),
        ("2026.1.5", DAY, "2026-01-05"),
        ("2026年1月5日", None, "2026-01-05"),
        ("2026年1月5号", None, "2026-01-05"),
        ("2026年1月", None, "2026-01"),
        ("2026年", None, "2026"),
        ("２０２６－０１－０５", None, "2026-01-05"),
        ("20260105", None, "2026-01-05"),
        ("2026-01-05 10:30", None, "2026-01-05"),
        ("2026-01-05T10:30:00.000Z", None, "2026-01-05"),
        ("01/2026", None, "2026-01"),
        ("1.2026", MONTH, "2026-01"),
        # only one reading
        ("25/12/2024", None, "2024-12-25"),
        ("12/25/2024", None, "2024-12-25"),
        ("04/04/2024", None, "2024-04-04"),
        ("29.2.2024", None, "2024-02-29"),
        # the order stated
        ("03/04/2024", DAY, "2024-04-03"),
        ("03/04/2024", MONTH, "2024-03-04"),
        ("3.4.2024", DAY, "2024-04-03"),
        ("03 04 2024", DAY, "2024-04-03"),
        ("3-4-2024 08:15", DAY, "2024-04-03"),
        # months by name
        ("4 Mar 2024", None, "2024-03-04"),
        ("March 4, 2024", None, "2024-03-04"),
        ("04-MAR-2024", DAY, "2024-03-04"),
        ("Mar 2024", None, "2024-03"),
        ("February 2024", None, "2024-02"),
        # a format
        ("15.01.26", "%d.%m.%y", "2026-01-15"),
        ("01/2026", "%m/%Y", "2026-01"),
        ("FY2026", "FY%Y", "2026"),
        ("2026-015", "%Y-%j", "2026-01-15"),
    ],
)
def test_read(text: str, order: str | None, expected: str) -> None:
    assert read(text, order) == expected


@pytest.mark.parametrize(
    ("text", "order", "says"),
    [
        ("03/04/2024", None, "03/04/2024 is 2024-04-03 or 2024-03-04: which number is the day"),
        ("1.2.2024", None, "which number is the day is not stated; write `dates:`"),
        ("12/12/24", None, "a year of two digits can be of either century"),
        ("24-03-04", YEAR, "a year of two digits"),
        ("03/04/2024", YEAR, "03/04/2024 is not in the order `year month day`"),
        ("25/12/2024", MONTH, "there is no day 12 of month 25 in 2024; if day and month are"),
        ("12/25/2024", DAY, "there is no day 12 of month 25 in 2024"),
        ("29/02/2023", None, "there is no day 29 of month 2 in 2023"),
        ("2024-13-01", None, "there is no day 1 of month 13 in 2024"),
        ("13/2024", None, "there is no day 1 of month 13 in 2024"),
        ("20241301", None, "there is no day 1 of month 13"),
        ("0000-01-01", None, "there is no day 1 of month 1 in 0"),
        ("yesterday", None, "not a date that can be read"),
        ("Monday", None, "not a date that can be read"),
        ("4 Mar", None, "not a date that can be read"),
        ("Mar 24", None, "not a date that can be read"),
        ("45355", None, "not a date that can be read"),
        ("10", None, "not a date that can be read"),
        ("about 2024", None, "not a date that can be read"),
        ("Rossi 2024", None, "not a date that can be read"),
        ("2024-03-04 to 2024-05-01", None, "not a date that can be read"),
        ("4.3.2024", "%Y-%m-%d", "not written in the format `%Y-%m-%d`"),
        ("31.02.2024", "%d.%m.%Y", "not written in the format"),
    ],
)
def test_refused(text: str, order: str | None, says: str) -> None:
    with pytest.raises(CellFault) as caught:
        read(text, order)
    assert says in str(caught.value)
    assert "Rossi" not in str(caught.value)


DAYS = st.dates(date(1800, 1, 1), date(2199, 12, 31))


@given(DAYS, st.sampled_from("/-. "))
def test_a_stated_order_gives_the_day_that_was_written(day: date, mark: str) -> None:
    text = f"{day.day}{mark}{day.month}{mark}{day.year}"
    assert read(text, DAY) == day.isoformat()
    swapped = f"{day.month:02}{mark}{day.day:02}{mark}{day.year}"
    assert read(swapped, MONTH) == day.isoformat()
    assert read(f"{day.year}{mark}{day.month}{mark}{day.day}") == day.isoformat()


@given(DAYS)
def test_without_an_order_a_day_is_read_only_if_there_is_one_reading(day: date) -> None:
    text = f"{day.day}/{day.month}/{day.year}"
    if day.day <= 12 and day.day != day.month:
        with pytest.raises(CellFault, match="which number is the day"):
            read(text)
    else:
        assert read(text) == day.isoformat()


@given(DAYS, st.sampled_from(["%d %b %Y", "%B %d, %Y", "%d-%b-%Y"]))
def test_names_of_months_are_read(day: date, form: str) -> None:
    # dateutil takes numbers up to 31 for days, so the year must be the four digits
    assert read(day.strftime(form)) == day.isoformat()
    assert read((day + timedelta(0)).strftime("%b %Y")) == day.isoformat()[:7]
