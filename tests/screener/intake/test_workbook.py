"""What of the long form is of workbooks only, and the template workbook filled in."""

from __future__ import annotations

import io
import re
import sys
import zipfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, ClassVar

import openpyxl
import pytest
from generators import record
from long_form_writer import tables
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from reading import SAMPLES, candidates, canonical, data, fault, refused, samples, told

from screener.canonical import canonical_json
from screener.errors import InputError, UsageError
from screener.intake import fields
from screener.intake.detect import open_source
from screener.intake.long_form import STATES, TABLES, columns
from screener.intake.template_workbook import EXPLANATION, workbook
from screener.record import parse


def book(path: Path, **sheets: list[list[Any]]) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    path = path / "export.xlsx"
    made.save(path)
    return path


def one(path: Path, **sheets: list[list[Any]]) -> Any:
    (only,) = candidates(book(path, **sheets))
    return only


def edited(path: Path, part: str, old: str, new: str) -> Path:
    """Change the text of a part of a workbook, which openpyxl would not write so."""
    content = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(content, "w") as target:
        for name in source.namelist():
            text = source.read(name)
            if name == part:
                changed = text.decode().replace(old, new)
                assert changed != text.decode()
                text = changed.encode()
            target.writestr(name, text)
    path.write_bytes(content.getvalue())
    return path


def filled(path: Path, records: list[dict[str, Any]]) -> Path:
    """The template, filled in."""
    made = openpyxl.load_workbook(io.BytesIO(workbook()))
    for name, rows in tables(records).items():
        for number, row in enumerate(rows[1:], 2):
            for column, value in enumerate(row, 1):
                made[name].cell(number, column, value)
    path = path / "filled.xlsx"
    made.save(path)
    return path


class TestTemplate:
    def test_filled_in_with_the_samples_it_gives_the_samples(self, tmp_path: Path) -> None:
        got = candidates(filled(tmp_path, samples()))
        assert [canonical(it) for it in got] == [canonical_json(parse(it)) for it in samples()]
        assert got[2].place == {"sheet": "patients", "row": 4}

    def test_filled_in_with_generated_records_it_gives_them(self, tmp_path: Path) -> None:
        rows = [{**record(seed), "id": f"P{seed}"} for seed in range(25)]
        got = candidates(filled(tmp_path, rows))
        assert [canonical(it) for it in got] == [canonical_json(parse(it)) for it in rows]

    def test_every_column_is_explained_and_offers_its_words(self) -> None:
        made = openpyxl.load_workbook(io.BytesIO(workbook()))
        assert made.sheetnames == ["read me", *TABLES]
        for name in TABLES:
            sheet = made[name]
            assert sheet.freeze_panes == "B2"
            header = [cell.value for cell in sheet[1]]
            assert header == list(columns(name))
            offers = {
                str(it.sqref).partition("2:")[0]: it.formula1
                for it in sheet.data_validations.dataValidation
            }
            known = fields.patient_fields() if name == "patients" else fields.entry_fields(name)
            for cell in sheet[1]:
                field = known.get(cell.value)
                if field is None:
                    assert len(cell.comment.text) > 20
                    continue
                assert field.description in cell.comment.text or cell.value == "partial"
                if field.options and field.kind != "words":
                    assert offers[cell.column_letter] == f'"{",".join(field.options)}"'
                    assert all(word in cell.comment.text for word in field.options)
                if field.kind == "boolean":
                    assert offers[cell.column_letter] == '"true,false"'
                assert len(offers.get(cell.column_letter, "")) <= 257

    def test_dates_and_words_are_text_so_that_nothing_is_changed_on_entry(self) -> None:
        made = openpyxl.load_workbook(io.BytesIO(workbook()))
        place = columns("pathology").index("her2_ihc")
        letter = "ABCDEFGHIJKLMNOP"[place]
        assert made["pathology"].column_dimensions[letter].number_format == "@"
        assert made["pathology"].column_dimensions["B"].number_format == "@"

    def test_the_first_sheet_explains_absent_empty_and_false(self) -> None:
        made = openpyxl.load_workbook(io.BytesIO(workbook()))
        text = "\n".join(str(cell.value) for row in made["read me"] for cell in row)
        for word, meaning in EXPLANATION:
            assert word in text
            assert meaning in text
        assert all(state in text for state in STATES)

    def test_empty_it_holds_no_patient(self, tmp_path: Path) -> None:
        path = tmp_path / "t.xlsx"
        path.write_bytes(workbook())
        assert "sheet `patients` has no row below its header" in fault(path)


class TestCells:
    @pytest.mark.parametrize(
        ("cell", "form", "value"),
        [
            (date(1960, 2, 29), None, "1960-02-29"),
            (datetime(1960, 2, 29, 15, 30), None, "1960-02-29"),
            ("1960-02", None, "1960-02"),
            (" 1960-02-29 ", None, "1960-02-29"),
            (1960, None, "1960"),
            (date(1960, 2, 1), "mmm-yy", "1960-02"),
            (date(1960, 2, 1), "yyyy-mm", "1960-02"),
            (date(1960, 2, 1), '[$-804]yyyy"年"m"月"', "1960-02"),
            (date(1960, 1, 1), "yyyy", "1960"),
            (date(1960, 2, 1), "dd/mm/yyyy", "1960-02-01"),
            (date(1960, 2, 1), "m/d/yy h:mm", "1960-02-01"),
        ],
    )
    @pytest.mark.parametrize("epoch", [1900, 1904])
    def test_dates(self, tmp_path: Path, cell: Any, form: Any, value: str, epoch: int) -> None:
        made = openpyxl.Workbook()
        if epoch == 1904:
            made.epoch = CALENDAR_MAC_1904
        sheet = made.worksheets[0]
        sheet.title = "patients"
        sheet.append(["patient_id", "birth_date"])
        sheet.append(["P", cell])
        if form:
            sheet["B2"].number_format = form
        path = tmp_path / "dates.xlsx"
        made.save(path)
        (only,) = candidates(path)
        assert told(only) == []
        assert data(only)["birth_date"] == value

    @pytest.mark.parametrize(
        ("column", "cell", "value"),
        [
            ("patient_id", 12, "12"),
            ("patient_id", 12.0, "12"),
            ("patient_id", "0012", "0012"),
            ("life_expectancy_months", "18", 18),
            ("life_expectancy_months", 18.5, 18.5),
            ("assessments.visceral_crisis", True, True),
            ("assessments.visceral_crisis", "false", False),
            ("diagnosis.initial_stage", 0, "0"),
            ("centre", "  North ", "North"),
            ("centre", 3.5, "3.5"),
            ("centre", True, "true"),
        ],
    )
    def test_others(self, tmp_path: Path, column: str, cell: Any, value: Any) -> None:
        columns_ = ["patient_id", column] if column != "patient_id" else [column]
        found = data(one(tmp_path, patients=[columns_, ["P", cell][-len(columns_) :]]))
        outer, _, inner = column.replace("patient_id", "id").partition(".")
        got = found[outer][inner] if inner else found[outer]
        assert (type(got), got) == (type(value), value)

    def test_whole_numbers_that_excel_holds_as_others(self, tmp_path: Path) -> None:
        path = book(tmp_path, patients=[["patient_id"], ["P"]],
                    performance_status=[["patient_id", "ecog"], ["P", 2]])  # fmt: skip
        edited(path, "xl/worksheets/sheet2.xml", "<v>2</v>", "<v>2.0</v>")
        assert data(candidates(path)[0])["performance_status"] == [{"ecog": 2}]

    @pytest.mark.parametrize(
        ("column", "cell", "says"),
        [
            ("birth_date", "#REF!", "the spreadsheet shows #REF! here; correct the formula"),
            ("birth_date", time(10, 30), "a time of day stands where a date is needed"),
            ("life_expectancy_months", "#N/A", "the spreadsheet shows #N/A here"),
            ("life_expectancy_months", date(2026, 1, 2), "a date stands where a number is needed"),
            ("centre", date(2026, 1, 2), "a date stands where text is needed, as a spreadsheet"),
            ("assessments.visceral_crisis", "#VALUE!", "the spreadsheet shows #VALUE! here"),
            ("birth_date", "=A2", "a formula whose value is not stored in the file"),
            ("centre", '=IF(1,"","x")', "a formula whose value is not stored in the file"),
        ],
    )
    def test_cells_without_a_value(self, tmp_path: Path, column: str, cell: Any, says: str) -> None:
        found = one(tmp_path, patients=[["patient_id", column], ["P", cell]])
        (message,) = told(found)
        assert message.startswith(f"{column}: sheet `patients`, row 2, column `{column}`: {says}")

    def test_a_serial_number_is_no_date(self, tmp_path: Path) -> None:
        found = one(tmp_path, patients=[["patient_id", "birth_date"], ["P", 46034]])
        (message,) = refused(found)
        assert message.startswith("birth_date: sheet `patients`, row 2, column `birth_date`: ")
        assert '"46034" is not a date' in message

    def test_a_date_outside_the_calendar_is_refused_in_silence(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        path = book(tmp_path, patients=[["patient_id", "birth_date"], ["P", date(2026, 1, 2)]])
        edited(path, "xl/worksheets/sheet1.xml", "<v>46024</v>", "<v>99999999</v>")
        assert "the spreadsheet shows #VALUE! here" in told(candidates(path)[0])[0]
        assert capfd.readouterr().err == ""

    @pytest.mark.parametrize(
        ("stored", "value"), [("<v>18</v>", 18), ("<v>18.0</v>", 18.0), ("<v>7</v>", 7)]
    )
    def test_of_a_formula_the_stored_value_counts(
        self, tmp_path: Path, stored: str, value: float
    ) -> None:
        """Nothing is calculated: what is stored differs from what the formula would give."""
        name = "life_expectancy_months"
        path = book(tmp_path, patients=[["patient_id", name], ["P", "=9*9"]])
        (empty,) = re.findall("<v ?/>|<v></v>", _sheet(path))
        edited(path, "xl/worksheets/sheet1.xml", empty, stored)
        assert data(candidates(path)[0])[name] == value

    def test_a_formula_that_gives_empty_text_is_an_empty_cell(self, tmp_path: Path) -> None:
        path = book(tmp_path, patients=[["patient_id", "centre"], ["P", '=""']])
        edited(path, "xl/worksheets/sheet1.xml", 'r="B2"', 'r="B2" t="str"')
        (only,) = candidates(path)
        assert told(only) == []
        assert data(only) == {"id": "P"}


def _sheet(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        return archive.read("xl/worksheets/sheet1.xml").decode()


class TestSheets:
    ROWS: ClassVar[list[list[Any]]] = [["patient_id", "sex"], ["P", "female"]]

    def saved(self, path: Path, change: Any) -> Path:
        made = openpyxl.Workbook()
        sheet = made.worksheets[0]
        sheet.title = "patients"
        for row in self.ROWS:
            sheet.append(row)
        change(made)
        path = path / "changed.xlsx"
        made.save(path)
        return path

    def test_merged_cells_are_refused_with_their_place(self, tmp_path: Path) -> None:
        def change(made: Any) -> None:
            sheet = made["patients"]
            sheet.merge_cells("A2:A4")
            sheet.merge_cells("C1:D1")

        message = fault(self.saved(tmp_path, change))
        assert message.startswith("sheet `patients`: merged cells A2:A4, C1:D1; unmerge them")

    def test_more_than_ten_are_counted(self, tmp_path: Path) -> None:
        def change(made: Any) -> None:
            for row in range(2, 40, 2):
                made["patients"].merge_cells(f"A{row}:A{row + 1}")

        assert "and 9 more; unmerge" in fault(self.saved(tmp_path, change))

    @pytest.mark.parametrize("state", ["hidden", "veryHidden"])
    def test_a_hidden_list_is_refused_and_another_not_read(
        self, tmp_path: Path, state: str
    ) -> None:
        def change(made: Any) -> None:
            for name in ("labs", "words"):
                made.create_sheet(name).append(["patient_id"])
                made[name].sheet_state = state

        message = fault(self.saved(tmp_path, change))
        assert message == ("sheet `labs` is hidden; show it, or delete it if it does not count")

    def test_an_unknown_sheet_is_refused_unless_it_is_empty(self, tmp_path: Path) -> None:
        def change(made: Any) -> None:
            made.create_sheet("Sheet2")
            made.create_sheet("lab").append(["patient_id", "test"])

        message = fault(self.saved(tmp_path, change))
        assert message == ("sheet `lab`: there is no such list in the record; did you mean `labs`?")

    def test_notes_beside_the_table_are_refused(self, tmp_path: Path) -> None:
        def change(made: Any) -> None:
            made["patients"]["F2"] = "a note"

        (only,) = candidates(self.saved(tmp_path, change))
        assert told(only) == ["sheet `patients`, row 2: cells to the right of the last column"]

    def test_blank_rows_and_cells_are_skipped(self, tmp_path: Path) -> None:
        def change(made: Any) -> None:
            made["patients"].append(["  ", None])
            made["patients"].append(["Q", "   "])

        first, second = candidates(self.saved(tmp_path, change))
        assert (first.place["row"], second.place["row"]) == (2, 4)
        assert data(second) == {"id": "Q"}

    def test_the_header_is_the_first_row(self, tmp_path: Path) -> None:
        path = book(tmp_path, patients=[[None], ["patient_id"], ["P"]])
        assert "there is no column `patient_id`" in fault(path)

    def test_headers_that_are_numbers_or_missing(self, tmp_path: Path) -> None:
        path = book(tmp_path, patients=[["patient_id", 2026, None, "sex"], ["P", 1, 2, "female"]])
        assert '"2026" is no column here' in fault(path)
        assert "column C has cells but no name" in fault(path)

    def test_a_wrong_size_in_the_file_hides_no_rows(self, tmp_path: Path) -> None:
        path = book(tmp_path, patients=[*self.ROWS, ["Q", "male"]])
        text = _sheet(path)
        size = re.search(r'<dimension ref="[^"]*"', text)
        assert size is not None
        edited(path, "xl/worksheets/sheet1.xml", size[0], '<dimension ref="A1:A1"')
        assert [data(it) for it in candidates(path)] == [
            {"id": "P", "sex": "female"},
            {"id": "Q", "sex": "male"},
        ]


class TestFiles:
    def test_damaged(self, tmp_path: Path) -> None:
        path = book(tmp_path, patients=[["patient_id"], ["P"]])
        edited(path, "xl/workbook.xml", "<sheets>", "<broken>")
        assert "the workbook cannot be read; open it" in fault(path)

    def test_a_damaged_sheet(self, tmp_path: Path) -> None:
        path = book(tmp_path, patients=[["patient_id"], *([f"P{n}"] for n in range(50))])
        edited(path, "xl/worksheets/sheet1.xml", "</row></sheetData>", "</sheetData>")
        assert "sheet `patients` is damaged; save the workbook anew" in fault(path)

    def test_a_binary_workbook(self, tmp_path: Path) -> None:
        path = tmp_path / "x.xlsb"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("[Content_Types].xml", "")
            archive.writestr("xl/workbook.bin", "")
        assert "a binary workbook (.xlsb); save it as .xlsx" in fault(path)

    def test_a_word_document(self, tmp_path: Path) -> None:
        path = tmp_path / "x.docx"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("[Content_Types].xml", "")
            archive.writestr("word/document.xml", "")
        assert "a ZIP archive; unpack it" in fault(path)

    def test_without_the_package(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = book(tmp_path, patients=[["patient_id"], ["P"]])
        monkeypatch.setitem(sys.modules, "openpyxl", None)
        with pytest.raises(InputError, match=r"pip install trial-screen\[excel\]"):
            open_source(path)
        with pytest.raises(UsageError, match=r"pip install trial-screen\[excel\]"):
            workbook()


@pytest.mark.parametrize("name", ["patients.xlsx", "long_form"])
def test_the_samples_as_tables_are_the_samples(name: str) -> None:
    from_json = {it["id"]: canonical_json(parse(it)) for it in samples()}
    got = candidates(SAMPLES / "tables" / name)
    assert [canonical(it) for it in got] == [from_json["DEMO-01"], from_json["DEMO-09"]]
