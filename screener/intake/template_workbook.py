"""An empty Excel workbook to fill in: a sheet per table of the long form, and one that explains."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from screener.errors import UsageError
from screener.intake import fields
from screener.intake.fields import LESIONS, PATIENT_ID, PATIENTS, Field
from screener.intake.long_form import EXAMINATION, PARTIAL, STATES, TABLES, columns
from screener.intake.tables import letters
from screener.intake.workbook import READ_ME
from screener.record import LIST_FIELDS, PARTIAL_NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

_LAST_ROW = 1_048_576
_TEXT = "@"
"""The number format of text: Excel then makes no date or number of what is entered."""

EXPLANATION = (
    ("How to fill in this workbook", ""),
    ("patients", "One row per patient. Only `patient_id` is required."),
    ("the other sheets", "One row per entry: per specimen, regimen, laboratory value, … The column "
     "`patient_id` says whose it is; rows may stand in any order."),
    ("columns", "A comment on each header says what it means, in which unit, and what is allowed. "
     "Columns and sheets that you do not need can be deleted; names may not be changed."),
    ("Absent, empty and false", ""),
    ("an empty cell", "Nobody recorded it. What depends on it is unknown."),
    ("false", "It was recorded as absent, such as `present` for a site without metastasis."),
    ("a list in `patients`", "Each list has a column in the sheet `patients`, which says how far "
     "the list goes:"),
    ("  none", "It was looked for, and there is none. There are no rows."),
    ("  complete", "The rows are all there is: what is not among them was not."),
    ("  partial", "There may be more than the rows. What they show counts; that something is not "
     "among them proves nothing."),
    ("  empty, with rows", "As `partial`."),
    ("  empty, without rows", "Nobody recorded the list: it is unknown."),
    ("How cells are written", ""),
    ("dates", "2026-01-15, or 2026-01 or 2026 where no more is recorded; a date cell of Excel "
     "counts too."),
    ("true and false", "`true` or `yes`, `false` or `no`."),
    ("several words", "In `drugs` and `kinds`, divided by a semicolon: `letrozole; palbociclib`. "
     "A word that holds a semicolon stands in double quotation marks. The word `none` says that "
     "there is none. Such a cell is whole unless `partial` names it."),
    ("partial", "Further lists of this patient that may lack entries, divided by a semicolon: "
     "`drugs` stands for the drugs of every regimen, `lesions` for the lesions of every "
     "examination."),
    ("lesions", "Give each row of `imaging` that has lesions a name or number in `examination`, "
     "different for each examination of the patient, and write the same beside its lesions. The "
     "column `lesions` of `imaging` says none, complete or partial, as for a list."),
    ("formulas", "The value that Excel last saved counts. Cells that show an error are refused."),
    ("merged cells", "Are refused: write the value into each row."),
    ("hidden sheets", "Are refused if they are named for a list; others are not read."),
)  # fmt: skip


def workbook() -> bytes:
    """Make the workbook.

    Raises UsageError where the package that writes workbooks is not installed.
    """
    try:
        import openpyxl  # noqa: PLC0415 - only workbooks need it
    except ImportError:
        raise UsageError(
            "writing Excel workbooks needs the package openpyxl: `pip install trial-screen[excel]`"
        ) from None
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    _explain(book.create_sheet(READ_ME))
    for name in TABLES:
        _sheet(book.create_sheet(name), name)
    book.active = 1
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def column_field(table: str, column: str) -> Field:
    """What a column of a table means, whether it is a field of the record or not."""
    if column == PATIENT_ID:
        described = "Pseudonymous patient identifier: the same in all sheets."
        return Field(column, "text", described, required=True)
    if column == EXAMINATION:
        described = (
            "Name or number of the examination, so that `lesions` can refer to it."
            if table == "imaging"
            else "The examination that the lesion was seen on: as it is called in `imaging`."
        )
        return Field(column, "text", described, required=table == LESIONS)
    if (table == PATIENTS and column in LIST_FIELDS) or (table == "imaging" and column == LESIONS):
        described = (
            f"How far the list `{column}` goes: `none` if it was looked for and there is none, "
            "`complete` if the rows are all there is, `partial` if there may be more. Empty, it is "
            "unknown, or partial if there are rows."
        )
        return Field(column, "text", described, STATES)
    if table == PATIENTS:
        field = fields.patient_fields()[column]
        if column == PARTIAL:
            described = "Further lists of this patient that may lack entries."
            return Field(column, "words", described, PARTIAL_NAMES)
        return field
    return fields.entry_fields(table)[column]


def comment(field: Field) -> str:
    """Explain a column."""
    parts = [field.description]
    if field.kind == "boolean":
        parts.append("true or false; empty if nobody recorded it.")
    elif field.kind == "date":
        parts.append("YYYY-MM-DD, or YYYY-MM or YYYY.")
    elif field.kind == "words":
        parts.append("Several are divided by a semicolon.")
    elif field.kind == "integer":
        parts.append("A whole number.")
    if field.options:
        parts.append(f"Allowed: {', '.join(field.options)}.")
    elif field.examples:
        parts.append(f"For example: {', '.join(field.examples)}.")
    if field.required:
        parts.append("Required in each row.")
    return "\n".join(parts)


def _sheet(sheet: Any, name: str) -> None:
    from openpyxl.comments import Comment  # noqa: PLC0415
    from openpyxl.styles import Font, PatternFill  # noqa: PLC0415

    sheet.freeze_panes = "B2"
    for number, column in enumerate(columns(name), 1):
        field = column_field(name, column)
        cell = sheet.cell(1, number, column)
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", start_color="FFE3ECF5" if field.required else "FFF2F2F2")
        text = comment(field)
        cell.comment = Comment(text, "trial-screen", height=40 + 18 * (len(text) // 40 + 3))
        cell.comment.width = 320
        letter = letters(number)
        sheet.column_dimensions[letter].width = max(12, len(column) + 3)
        if field.kind in {"text", "date", "words"}:
            sheet.column_dimensions[letter].number_format = _TEXT
        if field.kind == "boolean":
            _offer(sheet, letter, ("true", "false"))
        elif field.options and field.kind != "words":
            _offer(sheet, letter, field.options)


def _offer(sheet: Any, letter: str, words: Sequence[str]) -> None:
    """Let the words be chosen from a list."""
    from openpyxl.worksheet.datavalidation import DataValidation  # noqa: PLC0415

    listed = ",".join(words)
    offer = DataValidation("list", formula1=f'"{listed}"', allow_blank=True, showErrorMessage=True)
    offer.error = f"Allowed: {', '.join(words)}, or an empty cell."[:255]
    offer.add(f"{letter}2:{letter}{_LAST_ROW}")
    sheet.add_data_validation(offer)


def _explain(sheet: Any) -> None:
    from openpyxl.styles import Alignment, Font  # noqa: PLC0415

    sheet.column_dimensions["A"].width = 26
    sheet.column_dimensions["B"].width = 100
    for number, (word, meaning) in enumerate(EXPLANATION, 1):
        first, second = sheet.cell(number, 1, word), sheet.cell(number, 2, meaning or None)
        first.font = Font(bold=not meaning)
        first.alignment = Alignment(vertical="top")
        second.alignment = Alignment(wrap_text=True, vertical="top")
