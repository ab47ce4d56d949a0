"""Dates as other systems write them, read without a guess of which number is the day."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from typing import Literal

from screener.intake.cells import CellFault

Order = Literal["year month day", "day month year", "month day year"]
DAY_FIRST, MONTH_FIRST = "day month year", "month day year"

_TIME = re.compile(r"(.*[0-9])[T ]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?Z?")
_PARTS = re.compile(r"([0-9]{1,4})[-/. ]([0-9]{1,4})(?:[-/. ]([0-9]{1,4}))?")
_YEAR = re.compile(r"[0-9]{4}")
_COMPACT = re.compile(r"((?:18|19|20|21)[0-9]{2})([0-9]{2})([0-9]{2})")
_ONE_YEAR = re.compile(r"(?<![0-9])[0-9]{4}(?![0-9])")
_CHINESE = str.maketrans({"年": "-", "月": "-", "日": "", "号": ""})
_HOW = "write `dates:` for its column in the mapping, such as `day month year`"
_UNREADABLE = "not a date that can be read; write it as YYYY-MM-DD, or give the format in `dates:`"


def read(text: str, order: str | None = None) -> str:
    """Write a date as YYYY-MM-DD, or YYYY-MM or YYYY where no more is given.

    `order` is one of `Order`, or a format as of `strptime` with a percent sign in it. Raises
    CellFault where the text is no date, the year has two digits, or day and month cannot be told
    apart.
    """
    if order and "%" in order:
        return _by_format(text, order)
    plain = unicodedata.normalize("NFKC", text).translate(_CHINESE).strip().rstrip("-")
    if time := _TIME.fullmatch(plain):
        plain = time[1].strip()
    if _YEAR.fullmatch(plain):
        return plain
    if compact := _COMPACT.fullmatch(plain):
        return _day(int(compact[1]), int(compact[2]), int(compact[3]))
    if parts := _PARTS.fullmatch(plain):
        return _by_numbers(plain, [part for part in parts.groups() if part], order)
    return _by_words(plain)


def _by_numbers(text: str, parts: list[str], order: str | None) -> str:
    long = [place for place, part in enumerate(parts) if len(part) == 4]
    if long not in ([0], [len(parts) - 1]):
        raise CellFault("a year of two digits can be of either century; write it with four")
    numbers = [int(part) for part in parts]
    if len(parts) == 2:
        year, month = numbers if long == [0] else reversed(numbers)
        _day(year, month, 1)
        return f"{year:04}-{month:02}"
    if long == [0]:
        return _day(*numbers)
    one, two, year = numbers
    if order == DAY_FIRST:
        return _day(year, two, one)
    if order == MONTH_FIRST:
        return _day(year, one, two)
    if order is not None:
        raise CellFault(f"{text} is not in the order `{order}` that the mapping states")
    if one <= 12 and two <= 12 and one != two:
        raise CellFault(
            f"{text} is {_day(year, two, one)} or {_day(year, one, two)}: which number is the day "
            f"is not stated; {_HOW}"
        )
    return _day(year, two, one) if one > 12 or one == two else _day(year, one, two)


def _by_words(text: str) -> str:
    """Read a date with the name of its month."""
    from dateutil import parser  # noqa: PLC0415 - few files need it

    if not _ONE_YEAR.search(text) or not any(c.isalpha() for c in text):
        raise CellFault(_UNREADABLE)
    try:  # what the text lacks is taken from the default: so it differs between the two
        one = parser.parse(text, default=datetime(2000, 1, 1))
        two = parser.parse(text, default=datetime(2001, 2, 2))
    except (ValueError, OverflowError):
        raise CellFault(_UNREADABLE) from None
    if one.year != two.year or one.month != two.month:
        raise CellFault(_UNREADABLE)
    return one.date().isoformat() if one.day == two.day else f"{one.year:04}-{one.month:02}"


def _by_format(text: str, form: str) -> str:
    try:
        found = datetime.strptime(text, form)
    except ValueError:
        raise CellFault(f"not written in the format `{form}` that the mapping states") from None
    codes = set(re.findall(r"%-?([A-Za-z])", form))
    if codes & set("djDxc"):
        return found.date().isoformat()
    return f"{found.year:04}-{found.month:02}" if codes & set("mbB") else f"{found.year:04}"


def _day(year: int, month: int, day: int) -> str:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        raise CellFault(
            f"there is no day {day} of month {month} in {year}; if day and month are the other way "
            f"round, {_HOW}"
        ) from None
