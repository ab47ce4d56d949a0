"""An Excel workbook in long form: a sheet `patients`, and one sheet per list of the record.

Nothing is calculated. A formula counts as the value that was stored with it when the workbook was
last saved; where none was, the cell is refused.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from screener.errors import InputError, Problem
from screener.intake.cells import MonthOrYear, Unreadable
from screener.intake.fields import PATIENTS
from screener.intake.long_form import TABLES, LongFormSource
from screener.intake.tables import Row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READ_ME = "read me"
"""The sheet that explains the others."""

_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z0-9:]+)"')
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_BLOCK = 1 << 20
_OVERLAP = 200
_SHOWN = 10
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_NO_VALUE = (
    "a formula whose value is not stored in the file; open it in the spreadsheet program, save it, "
    "or enter the value itself"
)


def open_workbook(path: Path, name: str, scratch: Path | None = None) -> LongFormSource:
    """Open a workbook.

    Raises InputError where it is damaged or protected, or its sheets are not those of the record,
    merge cells or are hidden.
    """
    try:
        import openpyxl  # noqa: PLC0415 - only workbooks need it
    except ImportError:
        raise _fault(
            name,
            "reading Excel workbooks needs the package openpyxl: `pip install trial-screen[excel]`",
        ) from None
    # It warns of what it does not keep, quoting cells; nothing here depends on that.
    warnings.filterwarnings("ignore", module=r"openpyxl\b")
    try:
        values = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
        formulas = openpyxl.load_workbook(path, read_only=True, keep_links=False)
    except Exception:  # a broken file makes its reader raise almost anything
        raise _fault(
            name, "the workbook cannot be read; open it in the spreadsheet program and save it anew"
        ) from None
    sheets: dict[str, Sheet] = {}
    faults = []
    for title in values.sheetnames:
        if title.strip().casefold() == READ_ME:
            continue
        sheet = values[title]
        key = title.strip()
        hidden = sheet.sheet_state != "visible"
        if key not in TABLES and hidden:
            continue  # such as the words of a drop-down list
        made = Sheet(path, name, sheet, formulas[title])
        if hidden:
            faults.append(f"{made.place} is hidden; show it, or delete it if it does not count")
        elif key in sheets:
            faults.append(f"there are two sheets {title!r}; keep one")
        elif key in TABLES or made.header:
            faults += made.faults()
            sheets[key] = made
    if faults:
        raise InputError(name, [Problem("", fault) for fault in faults])
    heights = {key: sheet.height or 0 for key, sheet in sheets.items()}
    size = sum(heights.values()) + heights.get(PATIENTS, 0)
    return LongFormSource(name, sheets, form="Excel workbook", size=size, scratch=scratch)


class Sheet:
    """One sheet as a table."""

    def __init__(self, path: Path, name: str, values: Any, formulas: Any) -> None:
        self.name = values.title
        self.place = f"sheet `{values.title}`"
        self.height = values.max_row
        self._file = name
        self._sheet = values
        self._read = 0
        for sheet in (values, formulas):
            sheet.reset_dimensions()  # what some programs write there is wrong
        self._merged, has_formulas = _features(path, values._worksheet_path)
        self._formulas = formulas if has_formulas else None
        first = next(iter(self._rows()), None)
        cells = [] if first is None or first.number != 1 else list(first.cells)
        self.header = tuple("" if cell is None else str(cell).strip() for cell in cells)

    def faults(self) -> Iterator[str]:
        """Say what is wrong with the sheet as a whole."""
        if self._merged:
            more = f" and {len(self._merged) - _SHOWN:,} more" if len(self._merged) > _SHOWN else ""
            yield (
                f"{self.place}: merged cells {', '.join(self._merged[:_SHOWN])}{more}; unmerge "
                "them, and write the value into each row that it is meant for"
            )

    def rows(self) -> Iterator[Row]:
        """Give the rows that are not blank."""
        for row in self._rows():
            if row.number > 1:
                yield row

    def position(self) -> int:
        """Tell how many rows have been read, over all readings."""
        return self._read

    def _rows(self) -> Iterator[Row]:
        shadow = iter(self._formulas.iter_rows()) if self._formulas else None
        try:
            for number, cells in enumerate(self._sheet.iter_rows(), 1):
                self._read += 1
                written = next(shadow) if shadow else ()
                found = [_value(cell) for cell in cells]
                for place, cell in enumerate(written):
                    if cell.data_type == "f" and found[place] is None:
                        empty = cells[place].data_type == "str"  # a formula that gives no text
                        found[place] = None if empty else Unreadable(_NO_VALUE)
                while found and found[-1] is None:
                    found.pop()
                if found:
                    width = len(getattr(self, "header", found))
                    fault = "" if len(found) <= width else "cells to the right of the last column"
                    yield Row(number, found, fault)
        except (zipfile.BadZipFile, OSError, ValueError, KeyError, IndexError, SyntaxError):
            raise _fault(self._file, f"{self.place} is damaged; save the workbook anew") from None


def _value(cell: Any) -> Any:
    """The value of a cell; None if it is empty or blank."""
    value = cell.value
    if value is None:
        return None
    kind = cell.data_type
    if kind == "e":
        shown = str(value) if re.fullmatch(r"#[A-Z0-9/!?_]{2,20}", str(value)) else "an error"
        return Unreadable(f"the spreadsheet shows {shown} here; correct the formula or the value")
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, datetime | date) and (parts := _date_parts(cell.number_format)):
        return MonthOrYear(value.strftime("%Y-%m" if parts == "month" else "%Y"))
    return value


def _date_parts(number_format: str) -> str:
    """Tell whether a date is shown as a month or year only: it was entered as that."""
    form = _QUOTED.sub("", number_format or "").casefold()
    if "d" in form or "y" not in form or "general" in form:
        return ""
    return "month" if "m" in form else "year"


def _features(path: Path, part: str) -> tuple[list[str], bool]:
    """Find merged cells, and whether there are formulas, in the text of a sheet."""
    merged: list[str] = []
    formulas = False
    tail = b""
    with zipfile.ZipFile(path) as archive, archive.open(part) as file:
        while block := file.read(_BLOCK):
            text = tail + block
            formulas = formulas or _FORMULA.search(text) is not None
            merged += [ref.decode() for ref in _MERGED.findall(text) if ref.decode() not in merged]
            tail = text[-_OVERLAP:]
    return merged, formulas


def _fault(name: str, message: str) -> InputError:
    return InputError(name, [Problem("", message)])
