"""Tables in long form, as a folder of CSV files; test_workbook has what is of workbooks only."""

from __future__ import annotations

import gzip
import json
import pickle
from pathlib import Path
from typing import Any, ClassVar

import pytest
from generators import fields, record
from long_form_writer import tables, write_folder
from reading import candidates, canonical, data, fault, refused, samples, told

from screener.canonical import canonical_json
from screener.errors import InputError, UsageError
from screener.intake.detect import open_source
from screener.intake.long_form import TABLES, columns
from screener.intake.spool import Spool
from screener.record import parse


def folder(path: Path, **files: str) -> Path:
    """A folder of CSV files, one by its name each."""
    for name, text in files.items():
        (path / f"{name}.csv").write_text(text, "utf-8")
    return path


def one(path: Path, **files: str) -> Any:
    (only,) = candidates(folder(path, **files))
    return only


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_the_samples_come_back(tmp_path: Path, delimiter: str, encoding: str) -> None:
    write_folder(tmp_path, tables(samples()), delimiter=delimiter, encoding=encoding)
    got = candidates(tmp_path)
    assert [canonical(it) for it in got] == [canonical_json(parse(it)) for it in samples()]
    assert got[1].place == {"sheet": "patients", "row": 3}


def test_generated_records_come_back(tmp_path: Path) -> None:
    rows = [{**record(seed), "id": f"P{seed}"} for seed in range(150)]
    write_folder(tmp_path, tables(rows))
    got = candidates(tmp_path)
    assert [canonical(it) for it in got] == [canonical_json(parse(it)) for it in rows]


def test_rows_may_stand_in_any_order_and_files_be_packed(tmp_path: Path) -> None:
    rows = tables(samples())
    for name, found in rows.items():
        if name not in {"patients", "labs"}:
            found[1:] = sorted(found[1:], key=lambda row: str(row[0]), reverse=True)
    write_folder(tmp_path, rows)
    labs = tmp_path / "labs.csv"
    (tmp_path / "labs.csv.gz").write_bytes(gzip.compress(labs.read_bytes()))
    labs.unlink()
    got = candidates(tmp_path)
    assert [canonical(it) for it in got] == [canonical_json(parse(it)) for it in samples()]


def test_every_field_of_the_record_is_a_column() -> None:
    written = {
        f"{name}.{column}" if name != "patients" else column
        for name in TABLES
        for column in columns(name)
    }
    for path in fields():
        plain = path.replace("[]", "").replace("imaging.lesions.", "lesions.")
        assert (
            {plain, f"{plain}.substance"} & written
            or plain in {"id", "imaging.lesions"}
            or any(it.startswith(f"{plain}.") for it in written)
        ), path


class TestAbsentEmptyAndPartial:
    @pytest.mark.parametrize(
        ("state", "rows", "expected"),
        [
            ("", 0, {}),
            ("none", 0, {"labs": []}),
            ("None ", 0, {"labs": []}),
            ("partial", 0, {"labs": [], "partial": ["labs"]}),
            ("complete", 1, {"labs": [{"test": "anc", "value": 3}]}),
            ("partial", 1, {"labs": [{"test": "anc", "value": 3}], "partial": ["labs"]}),
            ("", 1, {"labs": [{"test": "anc", "value": 3}], "partial": ["labs"]}),
        ],
    )
    def test_a_list(self, tmp_path: Path, state: str, rows: int, expected: Any) -> None:
        found = one(
            tmp_path,
            patients=f"patient_id,labs\nP,{state}\n",
            labs="patient_id,test,value\n" + "P,anc,3\n" * rows,
        )
        assert told(found) == []
        assert data(found) == {"id": "P", **expected}

    @pytest.mark.parametrize(
        ("patient", "rows", "says"),
        [
            ("none,", 1, "labs: `patients.csv`, row 2, column `labs`: `none`, but there are rows"),
            ("complete,", 0, "`complete`, but there is no row in `labs`; write `none`"),
            ("penicillin,", 0, "`none`, `complete`, `partial` or nothing is needed here"),
            ("complete,labs", 1, "`complete`, but the column `partial` names the list"),
            ("none,labs", 0, "`none`, but the column `partial` names the list"),
        ],
    )
    def test_what_contradicts_is_told(
        self, tmp_path: Path, patient: str, rows: int, says: str
    ) -> None:
        found = one(
            tmp_path,
            patients=f"patient_id,labs,partial\nP,{patient}\n",
            labs="patient_id,test,value\n" + "P,anc,3\n" * rows,
        )
        assert says in told(found)[0]

    @pytest.mark.parametrize(
        ("state", "rows", "lesions", "partial"),
        [
            ("", 0, None, None),
            ("none", 0, [], None),
            ("complete", 1, [{"site": "liver"}], None),
            ("partial", 1, [{"site": "liver"}], ["lesions"]),
            ("", 1, [{"site": "liver"}], ["lesions"]),
            ("partial", 0, [], ["lesions"]),
        ],
    )
    def test_lesions(
        self, tmp_path: Path, state: str, rows: int, lesions: Any, partial: Any
    ) -> None:
        found = one(
            tmp_path,
            patients="patient_id,imaging\nP,complete\n",
            imaging=f"patient_id,examination,modality,lesions\nP,a,CT,{state}\n",
            lesions="patient_id,examination,site\n" + "P,a,liver\n" * rows,
        )
        assert told(found) == []
        record_ = parse(data(found))
        assert record_.imaging is not None
        got = record_.imaging[0].lesions
        assert (got if got is None else [{"site": it.site} for it in got]) == lesions
        assert record_.partial == partial

    @pytest.mark.parametrize(
        ("cell", "words"),
        [
            ("", None),
            ("none", []),
            ("letrozole", ["letrozole"]),
            (" letrozole ;  palbociclib;", ["letrozole", "palbociclib"]),
            ('"""a; b""; c"', ["a; b", "c"]),
        ],
    )
    def test_lists_of_words(self, tmp_path: Path, cell: str, words: Any) -> None:
        found = one(
            tmp_path,
            patients="patient_id,therapies\nP,complete\n",
            therapies=f"patient_id,setting,drugs\nP,advanced,{cell}\n",
        )
        (therapy,) = data(found)["therapies"]
        assert therapy.get("drugs") == words

    def test_allergies_are_a_table_of_one_column(self, tmp_path: Path) -> None:
        found = one(
            tmp_path,
            patients="patient_id,allergies,partial\nP,complete,drugs; lesions\n",
            allergies="patient_id,substance\nP,latex; penicillin\nP,乳胶\n",
        )
        assert data(found)["allergies"] == ["latex", "penicillin", "乳胶"]
        assert data(found)["partial"] == ["lesions", "drugs"]
        assert found.where("allergies[2]") == "`allergies.csv`, row 3, column `substance`"


class TestPlaces:
    FILES: ClassVar[dict[str, str]] = {
        "patients": "patient_id,birth_date,diagnosis.extent\nP,1960-13-01,distant\n",
        "labs": 'patient_id,test,value\n\nP,"two\nlines",3\nP,anc,"3,5"\n',
        "imaging": "patient_id,examination,modality\nP,1,CT\nP,2,CAT\n",
        "lesions": "patient_id,examination,site,lymph_node\nP,2,liver,1\n",
    }

    def test_every_error_names_table_row_and_column(self, tmp_path: Path) -> None:
        found = one(tmp_path, **self.FILES)
        assert told(found) == []
        places = [message.partition(": ")[2].partition(": ")[0] for message in refused(found)]
        assert places == [
            "`patients.csv`, row 2, column `birth_date`",
            "`patients.csv`, row 2, column `diagnosis.extent`",
            "`imaging.csv`, row 3, column `modality`",
            "`lesions.csv`, row 2, column `lymph_node`",
            "`labs.csv`, row 3, column `test`",
            "`labs.csv`, row 5, column `value`",
        ]

    def test_candidates_can_be_sent_to_another_process(self, tmp_path: Path) -> None:
        found = one(tmp_path, **self.FILES)
        again = pickle.loads(pickle.dumps(found))
        assert again.where("labs[1].value") == found.where("labs[1].value")
        assert again.where("id") == "`patients.csv`, row 2, column `patient_id`"
        assert again.where("labs[7]") == "`patients.csv`, row 2, column `labs`"

    def test_rows_without_a_patient_are_rejected_by_name(self, tmp_path: Path) -> None:
        path = folder(
            tmp_path,
            patients="patient_id\nP\n",
            labs="patient_id,test,value\nQ,anc,3\nP,anc,1\nQ,alt,4\n,ast,5\n",
            allergies="patient_id,substance\nQ,latex\n",
        )
        first, orphan, nameless = candidates(path)
        assert data(first)["labs"] == [{"test": "anc", "value": 1}]
        assert (orphan.place, orphan.patient_id) == ({"sheet": "labs", "row": 2}, "Q")
        assert told(orphan) == [
            "id: `labs.csv`, row 2: this patient has 3 rows in `labs`, `allergies` but none in "
            "`patients`; add one there, or correct the id"
        ]
        assert orphan.text is None
        assert orphan.raw["labs"][1] == {"row": 4, "entry": {"test": "alt", "value": 4}}
        assert nameless.place == {"sheet": "labs", "row": 5}
        assert told(nameless) == [
            "`labs.csv`, row 5: the row has no `patient_id`, so it belongs to nobody; fill it in"
        ]

    def test_a_patient_without_id_is_rejected(self, tmp_path: Path) -> None:
        found = one(tmp_path, patients="patient_id,sex\n,female\n")
        assert refused(found)[0].startswith(
            "id: `patients.csv`, row 2, column `patient_id`: missing, but required"
        )

    def test_an_id_on_two_rows_rejects_both(self, tmp_path: Path) -> None:
        found = candidates(folder(tmp_path, patients="patient_id\nP\nQ\n P \n"))
        assert [bool(it.problems) for it in found] == [True, False, True]
        assert told(found[0]) == [
            "id: `patients.csv`, row 2, column `patient_id`: the same id as in row 4; give each "
            "patient one row and one id"
        ]
        assert "the same id as in row 2" in told(found[2])[0]
        assert found[0].raw == {"patients": [{"row": 2, "cells": {"patient_id": "P"}}]}

    @pytest.mark.parametrize(
        ("imaging", "lesions", "says"),
        [
            ("P,1,CT", "P,2,liver", "`lesions.csv`, row 2, column `examination`: no row of"),
            ("P,1,CT", "P,,liver", "`lesions.csv`, row 2, column `examination`: empty; write"),
            ("P,,CT", "P,1,liver", "`lesions.csv`, row 2, column `examination`: no row of"),
            ("P,1,CT\nP,1,MRI", "P,1,liver", "`imaging.csv`, row 3, column `examination`: another"),
        ],
    )
    def test_lesions_without_their_examination(
        self, tmp_path: Path, imaging: str, lesions: str, says: str
    ) -> None:
        found = one(
            tmp_path,
            patients="patient_id\nP\n",
            imaging=f"patient_id,examination,modality\n{imaging}\n",
            lesions=f"patient_id,examination,site\n{lesions}\n",
        )
        assert says in told(found)[0]

    @pytest.mark.parametrize(
        ("state", "lesions", "says"),
        [
            ("none", "P,1,liver\n", "`none`, but there are rows"),
            ("complete", "", "`complete`, but"),
        ],
    )
    def test_lesions_that_contradict_their_examination(
        self, tmp_path: Path, state: str, lesions: str, says: str
    ) -> None:
        found = one(
            tmp_path,
            patients="patient_id\nP\n",
            imaging=f"patient_id,examination,modality,lesions\nP,1,CT,{state}\n",
            lesions=f"patient_id,examination,site\n{lesions}",
        )
        assert says in told(found)[0]
        assert told(found)[0].startswith("imaging[0].lesions: `imaging.csv`, row 2, column")

    def test_a_row_of_the_wrong_length_rejects_its_patient(self, tmp_path: Path) -> None:
        found = one(
            tmp_path,
            patients="patient_id\nP\n",
            labs="patient_id,test,value\nP,anc,3,5\n",
        )
        assert told(found) == [
            "labs[0]: `labs.csv`, row 2: 4 cells where the header has 3; put a cell that holds the "
            "delimiter into quotation marks"
        ]
        short = folder(tmp_path, labs="patient_id,test,value\nP,anc\n")
        assert "2 cells where the header has 3" in told(candidates(short)[0])[0]


class TestCells:
    @pytest.mark.parametrize(
        ("column", "cell", "value"),
        [
            ("life_expectancy_months", "18", 18),
            ("life_expectancy_months", " 1.50 ", 1.5),
            ("life_expectancy_months", ".5", 0.5),
            ("life_expectancy_months", "1e1", 10.0),
            ("life_expectancy_months", "1_000", "1_000"),
            ("life_expectancy_months", "NaN", "NaN"),
            ("life_expectancy_months", "1e999", "1e999"),
            ("assessments.visceral_crisis", "TRUE", True),
            ("assessments.visceral_crisis", "no", False),
            ("assessments.visceral_crisis", "0", "0"),
            ("birth_date", "1960", "1960"),
            ("birth_date", "1960-02-29 00:00:00", "1960-02-29"),
            ("birth_date", "1960-02-29T10:00", "1960-02-29T10:00"),
            ("diagnosis.initial_stage", "0", "0"),
            ("centre", "007", "007"),
        ],
    )
    def test_patients(self, tmp_path: Path, column: str, cell: str, value: Any) -> None:
        found = data(one(tmp_path, patients=f"patient_id,{column}\nP,{cell}\n"))
        outer, _, inner = column.partition(".")
        got = found[outer][inner] if inner else found[outer]
        assert (type(got), got) == (type(value), value)

    @pytest.mark.parametrize(("cell", "value"), [("2", 2), ("2.0", 2), ("2.5", 2.5)])
    def test_whole_numbers(self, tmp_path: Path, cell: str, value: float) -> None:
        found = one(
            tmp_path,
            patients="patient_id\nP\n",
            performance_status=f"patient_id,ecog\nP,{cell}\n",
        )
        (rating,) = data(found)["performance_status"]
        assert (type(rating["ecog"]), rating["ecog"]) == (type(value), value)

    @pytest.mark.parametrize(
        ("cell", "says"),
        [
            ('"a; ""b"', "quotation marks that do not close"),
            ('"a\nb"', "a line break; divide words with a semicolon"),
        ],
    )
    def test_words_that_cannot_be_told_apart(self, tmp_path: Path, cell: str, says: str) -> None:
        found = one(
            tmp_path,
            patients="patient_id\nP\n",
            therapies=f"patient_id,drugs\nP,{cell}\n",
        )
        assert told(found)[0].startswith("therapies[0].drugs: `therapies.csv`, row 2, column")
        assert says in told(found)[0]
        assert found.raw["therapies"] == [{"row": 2, "entry": {}}]


class TestFaultsOfTheFolder:
    def test_everything_wrong_with_the_headers_is_told(self, tmp_path: Path) -> None:
        folder(
            tmp_path,
            patients="patient id,sex,sex\nP,female,female\n",
            labs="patient_id,test,valeu,,x\nP,anc,3,4,5\n",
            lesions="patient_id,site\nP,liver\n",
        )
        assert fault(tmp_path).split("\n") == [
            '`labs.csv`: "valeu" is no column here; did you mean `value`?',
            "`labs.csv`: column D has cells but no name; name it",
            '`labs.csv`: "x" is no column here; known here are `patient_id`, `test`, `date`, '
            "`value`, `unit`, `lower_limit`, `upper_limit`",
            '`patients.csv`: "patient id" is no column here; did you mean `patient_id`?',
            '`patients.csv`: there are two columns "sex"; keep one',
            "`patients.csv`: there is no column `patient_id`; the first row names the columns",
            "`lesions.csv`: there is no column `examination`, which says to which row of `imaging` "
            "a lesion belongs; add it to both",
        ]

    def test_files_that_are_no_list_are_named(self, tmp_path: Path) -> None:
        folder(tmp_path, patients="patient_id\nP\n", lab="patient_id\n")
        (tmp_path / "notes.docx").write_bytes(b"")
        (tmp_path / ".DS_Store").write_bytes(b"")
        (tmp_path / "README.txt").write_text("explains")
        message = fault(tmp_path)
        assert "`lab.csv` is no CSV file of a list; did you mean `labs`?" in message
        assert "`notes.docx` is no CSV file of a list" in message
        assert message.count("\n") == 1

    def test_a_list_in_two_files(self, tmp_path: Path) -> None:
        folder(tmp_path, patients="patient_id\nP\n")
        (tmp_path / "patients.tsv").write_text("patient_id\n")
        assert "`patients.tsv` and `patients.csv` hold the same list" in fault(tmp_path)

    def test_without_patients(self, tmp_path: Path) -> None:
        folder(tmp_path, labs="patient_id,test,value\nP,anc,3\n")
        assert "there is no table `patients`" in fault(tmp_path)
        folder(tmp_path, patients="patient_id\n")
        assert "`patients.csv` has no row below its header" in fault(tmp_path)

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("", "line 1: the first line names no columns"),
            (",,\nP\n", "line 1: the first line names no columns"),
            ('patient_id,centre\nP,"a\nQ,b\n', "line 2: a quotation mark opens a cell here"),
            ('patient_id,centre\nP,a\nQ,"a"b\n', "line 3: a quotation mark within a quoted cell"),
            ('patient_id,centre\nP,"' + "x" * 200_000, "line 2: a cell of more than 131,072"),
            ("patient_id,centre\nP,a\rb\n", "line 2: not written as CSV: a line break"),
        ],
    )
    def test_what_is_no_csv(self, tmp_path: Path, text: str, says: str) -> None:
        (tmp_path / "patients.csv").write_bytes(text.encode())
        with pytest.raises(InputError) as caught:
            candidates(tmp_path)
        assert says in str(caught.value)
        assert caught.value.source == f"{tmp_path}/patients.csv"

    def test_line_numbers_count_line_breaks_within_cells(self, tmp_path: Path) -> None:
        found = candidates(
            folder(tmp_path, patients='patient_id,centre\nP,"a\r\nb\nc"\n\nQ,d\n"R",e')
        )
        assert [it.place["row"] for it in found] == [2, 6, 7]


def test_what_is_kept_is_removed_and_progress_is_told(tmp_path: Path) -> None:
    write_folder(tmp_path / "in", tables(samples()))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    source = open_source(tmp_path / "in", scratch=scratch)
    first = [it.text for it in source.candidates()]
    assert source.position() == source.size
    assert [it.text for it in source.candidates()] == first
    source.close()
    assert list(scratch.iterdir()) == []


def test_where_nothing_can_be_kept_it_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"temporary files cannot be written to .*set TMPDIR"):
        Spool(tmp_path / "missing")


def test_messages_repeat_no_free_text(tmp_path: Path) -> None:
    found = one(
        tmp_path,
        patients="patient_id,labs\nP,Maria Rossi\n",
        imaging="patient_id,examination,modality\nP,Maria Rossi,CT\nP,Maria Rossi,CT\n",
        lesions="patient_id,examination,site\nP,Rossi M,liver\n",
        therapies='patient_id,drugs\nP,"""Rossi"\n',
    )
    assert len(told(found)) == 4
    assert "Rossi" not in json.dumps(told(found))
