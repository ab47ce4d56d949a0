from __future__ import annotations

import sys
import tracemalloc
from datetime import date, datetime
from typing import TYPE_CHECKING

import pytest
from openpyxl import load_workbook

from screener.errors import UsageError
from screener.report.spreadsheet import LOG_COLUMNS, LONGEST, write_log_xlsx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROW = (
    "P-1", "dawna-fes", "2024-03-12", "2026-11-21", "ineligible", "E9", "I2;E1",
    "E9: Major surgery.", "18F-FES PET/CT", "2026-12-02",
)  # fmt: skip


def test_the_log_opens_again_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    write_log_xlsx(path, [ROW, ("P-2", *ROW[1:4], "eligible", "", None, "", "", None)])
    book = load_workbook(path)
    (sheet,) = book.worksheets
    values = list(sheet.iter_rows(values_only=True))
    assert values[0] == tuple(LOG_COLUMNS)
    assert values[1] == (*ROW[:3], datetime(2026, 11, 21), *ROW[4:9], datetime(2026, 12, 2))
    assert values[2] == (
        "P-2", *ROW[1:3], datetime(2026, 11, 21), "eligible", None, None, None, None, None,
    )  # fmt: skip
    assert sheet.freeze_panes == "B2"
    assert sheet.auto_filter.ref == "A1:J3"
    assert sheet.print_title_rows == "$1:$1"
    for letter, width in zip("ABCDEFGHIJ", LOG_COLUMNS.values(), strict=True):
        # Neighbours of one width are read as one.
        of = "F" if letter == "G" else letter
        assert sheet.column_dimensions[of].width == pytest.approx(width, abs=1)
    assert sheet["D2"].number_format == "yyyy-mm-dd"
    assert sheet["E2"].fill.fgColor.rgb != sheet["E3"].fill.fgColor.rgb


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "@SUM(A1)", "{=1}", "http://example.com", "mailto:a@b.c", "0012", "-5", "1e3"],
)
def test_everything_is_text(text: str, tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    write_log_xlsx(path, [(text,) * 10])
    sheet = load_workbook(path).active
    for cell in sheet[2]:
        assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)


def test_control_characters_are_spelled_and_long_text_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    texts = ["a\x1b\u202eb\nc\ud800", "x" * LONGEST, "x" * (LONGEST + 1)]
    write_log_xlsx(path, [(text, *ROW[1:]) for text in texts])
    sheet = load_workbook(path).active
    first, whole, cut = (sheet.cell(number, 1).value for number in (2, 3, 4))
    assert first == "a\\x1b\\u202eb c\\ud800"
    assert whole == texts[1]
    assert cut == "x" * (LONGEST - 1) + "…"


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (date(2026, 1, 2), datetime(2026, 1, 2)),
        ("1901-01-01", datetime(1901, 1, 1)),
        ("1900-12-31", "1900-12-31"),
        ("2026-01", "2026-01"),
        ("soon", "soon"),
    ],
)
def test_a_day_is_a_date_where_a_workbook_has_it(
    value: str | date, read: object, tmp_path: Path
) -> None:
    path = tmp_path / "log.xlsx"
    write_log_xlsx(path, [(*ROW[:3], value, *ROW[4:])])
    assert load_workbook(path).active["D2"].value == read


@pytest.mark.parametrize(("count", "sheets"), [(0, [0]), (3, [3]), (4, [3, 1]), (7, [3, 3, 1])])
def test_a_long_log_goes_on_in_a_further_sheet(
    count: int, sheets: list[int], tmp_path: Path
) -> None:
    path = tmp_path / "log.xlsx"
    write_log_xlsx(path, [(f"P-{number}", *ROW[1:]) for number in range(count)], most_rows=3)
    book = load_workbook(path)
    names = ["Screening log", "Screening log 2", "Screening log 3"]
    assert book.sheetnames == names[: len(sheets)]
    assert [sheet.max_row - 1 for sheet in book] == sheets
    assert all(sheet["A1"].value == "patient_id" for sheet in book)
    patients = [cell.value for sheet in book for cell in sheet["A"][1:]]
    assert patients == [f"P-{number}" for number in range(count)]


def test_the_same_log_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        write_log_xlsx(tmp_path / name, [ROW] * 3)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        write_log_xlsx(tmp_path / "log.xlsx", rows(count))
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    def rows(count: int) -> Iterator[tuple[str, ...]]:
        for number in range(count):
            yield f"P-{number}", *ROW[1:7], f"Reason {number}.", *ROW[8:]

    peak(10)  # so that imports do not count
    assert peak(5_000) < 2 * peak(500)


def test_a_row_of_another_length_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zip"):
        write_log_xlsx(tmp_path / "log.xlsx", [ROW[:9]])


def test_without_the_extra_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(UsageError, match=r"pip install 'trial-screen\[excel\]'"):
        write_log_xlsx(tmp_path / "log.xlsx", [])
