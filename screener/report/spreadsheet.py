"""The screening log as an Excel workbook."""

from __future__ import annotations

from datetime import date, datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from screener.errors import UsageError
from screener.report.words import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

LOG_COLUMNS: Final = {
    "patient_id": 16, "study": 14, "study_version": 14, "as_of": 12, "status": 15, "failed": 18,
    "unknown": 18, "reasons": 70, "needs": 50, "rescreen_on": 13,
}  # fmt: skip
"""The columns of the screening log, with their widths in characters."""

LONGEST: Final = 32_767
"""Characters that a cell holds; what is longer is cut and ends in an ellipsis."""
MOST_ROWS: Final = 1_048_575
"""Rows that a sheet holds beside its header."""

_DATES: Final = {"as_of", "rescreen_on"}
_FILL: Final = {"eligible": "#E3F1E8", "undetermined": "#FBF0D9", "ineligible": "#F9E4E2"}
_MADE: Final = datetime(2000, 1, 1)  # a workbook knows no time zones
"""Stands as the day of creation, so that the same log gives the same bytes."""
_AS_TEXT: Final = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def require() -> None:
    """Find out before any work is done whether a workbook can be written.

    Raises:
        UsageError: the extra `excel` is not installed.
    """
    if find_spec("xlsxwriter") is None:
        raise UsageError(
            "an Excel workbook needs XlsxWriter; install it: pip install 'trial-screen[excel]'"
        )


def write_log_xlsx(
    path: Path, rows: Iterable[Sequence[str | date | None]], most_rows: int = MOST_ROWS
) -> None:
    """Write a screening log as a workbook, row by row in constant memory.

    Each row holds the values of `LOG_COLUMNS` in their order; a date may be ISO text, and an empty
    text or None is an empty cell. All else is text: nothing becomes a formula, a link or a number.
    After `most_rows` the log goes on in a further sheet. An existing file is replaced; that it
    appears complete or not at all is the caller's part.

    Raises:
        UsageError: the extra `excel` is not installed.
    """
    require()
    from xlsxwriter import Workbook  # type: ignore[import-untyped]  # noqa: PLC0415

    with Workbook(str(path), _AS_TEXT) as book:
        book.set_properties({"title": "Screening log", "created": _MADE})
        styles = _styles(book)
        sheet, at = _begun(book, styles), 0
        for row in rows:
            if at == most_rows:
                _end(sheet, at)
                sheet, at = _begun(book, styles), 0
            at += 1
            for column, (name, value) in enumerate(zip(LOG_COLUMNS, row, strict=True)):
                _write(sheet, (at, column), name, value, styles)
        _end(sheet, at)


def _styles(book: Any) -> dict[str, Any]:
    text = {"num_format": "@", "valign": "top"}
    day = {"num_format": "yyyy-mm-dd", "valign": "top", "align": "left"}
    return {
        "header": book.add_format({"bold": True, "bottom": 1}),
        "text": book.add_format({**text, "text_wrap": True}),
        "date": book.add_format(day),
        **{status: book.add_format({**text, "bg_color": fill}) for status, fill in _FILL.items()},
    }


def _begun(book: Any, styles: dict[str, Any]) -> Any:
    """Begin a sheet with its header, which stays in view and on every printed page."""
    number = len(book.worksheets()) + 1
    sheet = book.add_worksheet("Screening log" if number == 1 else f"Screening log {number}")
    sheet.freeze_panes(1, 1)
    sheet.repeat_rows(0)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    for column, (name, width) in enumerate(LOG_COLUMNS.items()):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, name, styles["header"])
    return sheet


def _end(sheet: Any, rows: int) -> None:
    sheet.autofilter(0, 0, rows, len(LOG_COLUMNS) - 1)


def _write(
    sheet: Any, at: tuple[int, int], name: str, value: str | date | None, styles: dict[str, Any]
) -> None:
    day = _day(value) if name in _DATES else None
    if day:
        sheet.write_datetime(*at, datetime(day.year, day.month, day.day), styles["date"])
    elif value:
        text = visible(str(value))
        text = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
        style = styles.get(text, styles["text"]) if name == "status" else styles["text"]
        sheet.write_string(*at, text, style)


def _day(value: str | date | None) -> date | None:
    """Return a day that a workbook can hold as such; of 1900 its calendar has a day too many."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            return None
    return value if value and value.year > 1900 else None
