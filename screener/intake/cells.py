"""Cells of tables as values of the record.

A cell that cannot be what its column holds is passed on as it is written, so that the record's own
check refuses it in its own words. Refused here is only what would be lost or changed on the way.
"""

from __future__ import annotations

import csv
import json
import math
import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from screener.intake.fields import Field

NONE = "none"
"""In a list: it was looked for, and there is none."""

_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_MIDNIGHT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]00:00(?::00(?:\.0+)?)?")
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}
_MOST_DIGITS = 30
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class CellFault(ValueError):  # noqa: N818 - becomes a Problem with its place
    """A cell from which no value can be made; the message does not repeat it."""


class MonthOrYear(str):
    """A date cell that is shown without day, or without month: `2026-01`, `2026`."""

    __slots__ = ()


class Unreadable:
    """A cell that holds no value, such as an error; made by what reads the file."""

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        self.why = why


def value(cell: object, field: Field) -> Any:  # noqa: PLR0911 - one per kind of field
    """Make the JSON value of a cell; None if it is empty, which is "not recorded".

    Raises CellFault where the cell has no value, or Excel made a date of a text.
    """
    if type(cell) is str:
        cell = cell.strip()
        if field.kind == "text":
            return cell or None
    elif isinstance(cell, Unreadable):
        raise CellFault(cell.why)
    if cell is None or cell == "":
        return None
    match field.kind:
        case "date":
            return _date(cell)
        case "number":
            return number(cell) if isinstance(cell, str) else _number(cell, field.kind)
        case "integer":
            return plain_number(cell) if isinstance(cell, str) else _number(cell, field.kind)
        case "boolean":
            return _TRUTH.get(cell.casefold(), cell) if isinstance(cell, str) else _plain(cell)
        case "words":
            return words(_text(cell))
    return _text(cell)


def words(text: str) -> list[str]:
    """Divide a cell at each `;`; `none` is an empty list.

    A word that holds a semicolon itself stands in double quotation marks.
    """
    if text.casefold() == NONE:
        return []
    if "\n" in text or "\r" in text:
        raise CellFault("a line break; divide words with a semicolon: `a; b`")
    try:
        (row,) = csv.reader([text], delimiter=";", skipinitialspace=True, strict=True)
    except (csv.Error, ValueError):
        raise CellFault(
            "quotation marks that do not close; write words as `a; b`, and a word that holds a "
            'semicolon as `"a; b"`'
        ) from None
    return [word.strip() for word in row if word.strip()]


def number(text: str) -> Any:
    """Read digits as a number, with a decimal point; any other text stays text."""
    if not _NUMBER.fullmatch(text) or len(text) > _MOST_DIGITS:
        return text
    found = float(text)
    if not math.isfinite(found):
        return text
    whole = text.lstrip("+-").isdigit()
    return int(text) if whole else found


def plain_number(text: str) -> Any:
    """Read digits as the number that a whole-number field takes: 2.0, as exports write it, is 2."""
    found = number(text)
    return int(found) if isinstance(found, float) and found.is_integer() else found


def as_json(data: object) -> str:
    """Write a value as JSON on one line."""
    return _ENCODER.encode(data)


def shown(cell: object) -> Any:
    """Write a cell as it can stand in JSON, for a rejected record."""
    if isinstance(cell, Unreadable):
        return None
    if cell is None or isinstance(cell, str | bool | int):
        return cell
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else str(cell)
    if isinstance(cell, dict):
        return {str(key): shown(item) for key, item in cell.items()}
    if isinstance(cell, list | tuple):
        return [shown(item) for item in cell]
    return str(cell)


def _number(cell: object, kind: str) -> Any:
    if isinstance(cell, Decimal):
        cell = int(cell) if cell == cell.to_integral_value() else float(cell)
    if isinstance(cell, float):
        if not math.isfinite(cell):
            raise CellFault("not a number (NaN or infinite); leave it empty if it is not known")
        return int(cell) if kind == "integer" and cell.is_integer() else cell
    if isinstance(cell, datetime | date | time | timedelta):
        raise CellFault(
            "a date stands where a number is needed; format the cell as a number and enter it again"
        )
    return _plain(cell)


def _plain(cell: object) -> Any:
    return cell if isinstance(cell, str | bool | int | float) else str(cell)


def _date(cell: object) -> str:
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, time | timedelta):
        raise CellFault("a time of day stands where a date is needed")
    text = _text(cell)
    if len(text) <= 10:
        return text
    midnight = _MIDNIGHT.fullmatch(text)  # a date, as several programs export it
    return midnight[1] if midnight else text


def _text(cell: object) -> str:
    if isinstance(cell, str):
        return str(cell)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if not math.isfinite(cell):
            raise CellFault("not a number (NaN or infinite); leave it empty if it is not known")
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime | date | time | timedelta):
        raise CellFault(
            "a date stands where text is needed, as a spreadsheet makes one of what looks like it; "
            "format the cell as text and enter it again"
        )
    return str(cell)
