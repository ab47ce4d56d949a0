from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from reading import SAMPLES, candidates, data, fault, refused, told

from screener.errors import StudyError
from screener.intake import mapping
from screener.intake.detect import open_source
from screener.intake.flat_csv import FlatCsvSource
from screener.intake.mapped_cells import MOST_VALUES
from screener.record import parse

LABS = """
entries:
  - to: labs
    set: {test: anc}
    columns: {ANC: {to: value, unit: 10*9/L}, Drawn: date}
  - to: labs
    set: {test: hemoglobin}
    columns: {Hb: {to: value, unit: g/dL, decimal: ","}, Drawn: date}
"""


def files(folder: Path, columns: str, text: str, rest: str = "") -> tuple[Path, Path]:
    """A mapping of single columns, given as YAML lines, and a file."""
    (folder / "map.yaml").write_text(f"columns:\n  No: id\n{columns}\n{rest}\n", "utf-8")
    (folder / "flat.csv").write_text(text, "utf-8")
    return folder / "flat.csv", folder / "map.yaml"


def read(folder: Path, columns: str, text: str, rest: str = "") -> list[Any]:
    return candidates(*files(folder, columns, text, rest))


def one(folder: Path, columns: str, text: str, rest: str = "") -> Any:
    (only,) = read(folder, columns, text, rest)
    return only


class TestSamples:
    def test_the_chinese_export(self) -> None:
        path = SAMPLES / "tables" / "registry.csv"
        with pytest.raises(UnicodeDecodeError):
            path.read_text("utf-8")
        first, second, third = candidates(path, SAMPLES / "tables" / "registry.yaml")
        assert data(first) == {
            "id": "DEMO-31",
            "birth_date": "1964-05-17",
            "sex": "female",
            "menopausal_status": "postmenopausal",
            "diagnosis": {"date": "2017-03"},
            "allergies": [],
            "performance_status": [{"ecog": 1, "date": "2026-01-09"}],
            "pathology": [
                {
                    "date": "2025-12-03",
                    "er_status": "positive",
                    "pr_status": "positive",
                    "her2_ihc": "1+",
                }
            ],
            "therapies": [
                {
                    "setting": "advanced",
                    "line": 1,
                    "drugs": ["哌柏西利", "氟维司群"],
                    "start": "2023-07-10",
                    "end": "2025-11-24",
                    "stop_reason": "progression",
                }
            ],
            "labs": [
                {"test": "anc", "value": 3.2, "unit": "10*9/L", "date": "2026-01-09"},
                {"test": "hemoglobin", "value": 128, "unit": "g/L", "date": "2026-01-09"},
            ],
            "metastases": [{"site": "liver", "present": False}],
            "partial": ["pathology", "performance_status", "metastases", "labs"],
        }
        lesion = {"site": "liver", "longest_diameter_mm": 23.5}
        imaging = [{"modality": "CT", "date": "2026-01-06", "lesions": [lesion]}]
        assert data(second)["imaging"] == imaging
        assert data(second)["allergies"] == ["青霉素", "磺胺"]
        assert "lesions" in data(second)["partial"]
        assert [bool(it.problems) for it in (first, second, third)] == [False, False, True]
        assert told(third)[0].startswith('pathology[0].er_status: line 4, column "ER": the mapping')
        for found in (first, second, third):
            parse(data(found))

    def test_the_template_reads_a_file_of_its_columns(self, tmp_path: Path) -> None:
        names = dict.fromkeys(mapping.named_columns(mapping.load(mapping.TEMPLATE)))
        cells = {
            "Patient number": "P", "Born": "3/4/1960", "Sex": "女", "Menopause": "not asked",
            "First diagnosed": "05/2020", "Life expectancy (years)": "1.5", "Allergies": "none",
            "ER": "+", "ER %": "-", "Neutrophils": "3.2", "Blood drawn": "2026-01-09",
            "Hb (g/dL)": "12,5", "Line 1 drugs": "palbociclib + letrozole",
            "Line 2 start": "1/1/2026", "Liver metastasis": "no", "Other cancer": "no",
            "Lung lesion (cm)": "1.2",
        }  # fmt: skip
        header = [*names, "Remarks", "Ward"]
        lines = [header, [cells.get(name, "") for name in header]]
        path = tmp_path / "flat.csv"
        path.write_text("\n".join(";".join(line) for line in lines), "utf-8")
        (only,) = candidates(path, mapping.TEMPLATE)
        assert told(only) == []
        assert data(only) == {
            "id": "P",
            "birth_date": "1960-04-03",
            "sex": "female",
            "diagnosis": {"date": "2020-05"},
            "life_expectancy_months": 18,
            "allergies": [],
            "pathology": [{"er_status": "positive"}],
            "labs": [
                {"test": "anc", "value": 3.2, "unit": "10*9/L", "date": "2026-01-09"},
                {"test": "hemoglobin", "value": 12.5, "unit": "g/dL", "date": "2026-01-09"},
            ],
            "therapies": [
                {"setting": "advanced", "line": 1, "drugs": ["palbociclib", "letrozole"]}
            ],
            "metastases": [{"site": "liver", "present": False}],
            "other_malignancies": [],
            "imaging": [
                {"modality": "CT", "lesions": [{"site": "lung", "longest_diameter_mm": 12}]}
            ],
            "partial": ["pathology", "imaging", "metastases", "labs", "lesions"],
        }
        parse(data(only))


class TestValues:
    SEX = "  Sex: {to: sex, values: {f: female, m: male, '?': null}}"

    @pytest.mark.parametrize(
        ("cell", "value"), [("f", "female"), (" m ", "male"), ("?", None), ("", None)]
    )
    def test_a_map(self, tmp_path: Path, cell: str, value: str | None) -> None:
        assert data(one(tmp_path, self.SEX, f"No,Sex\nP,{cell}\n")).get("sex") == value

    def test_a_value_that_no_map_names_is_counted_and_never_guessed(self, tmp_path: Path) -> None:
        rows = "".join(f"P{n},{'F' if n % 3 else 'female'}\n" for n in range(6))
        path, map_path = files(tmp_path, self.SEX, f"No,Sex\n{rows}P9,f\n")
        source = open_source(path, map_path)
        assert isinstance(source, FlatCsvSource)
        for _ in range(2):
            found = list(source.candidates())
            assert [len(it.problems) for it in found] == [1] * 6 + [0]
            assert source.unmapped == {("Sex", "F"): 4, ("Sex", "female"): 2}
            assert source.remarks() == [
                'column "Sex": values that the mapping does not name, with their counts: '
                '"F" (4), "female" (2); add them to its `values`'
            ]
        assert told(found[0]) == [
            'sex: line 2, column "Sex": the mapping does not say what this value stands for; add '
            "it to `values`: known there are `f`, `m`, `?`"
        ]
        assert found[0].raw == {"No": "P0", "Sex": "female"}
        assert "sex" not in data(found[0])

    @pytest.mark.parametrize("different", [MOST_VALUES - 1, MOST_VALUES, MOST_VALUES + 1])
    def test_only_so_many_different_values_are_kept(self, tmp_path: Path, different: int) -> None:
        rows = "".join(f"P{n},x{n}\n" for n in range(different))
        path, map_path = files(tmp_path, self.SEX, f"No,Sex\n{rows}P,x0\n")
        source = open_source(path, map_path)
        assert isinstance(source, FlatCsvSource)
        assert sum(1 for _ in source.candidates()) == different + 1
        assert len(source.unmapped) == min(different, MOST_VALUES)
        assert source.unmapped["Sex", "x0"] == 2
        assert f"and {min(different, MOST_VALUES) - 20:,} more" in source.remarks()[0]

    def test_words_are_mapped_one_by_one(self, tmp_path: Path) -> None:
        columns = "  A: {to: allergies, split: [/], values: {p: penicillin, x: [a, b], n: null}}"
        assert data(one(tmp_path, columns, "No,A\nP,p/x/n\n"))["allergies"] == [
            "penicillin", "a", "b",
        ]  # fmt: skip
        assert "does not say" in told(one(tmp_path, columns, "No,A\nP,p/q\n"))[0]

    def test_without_a_map_the_record_decides(self, tmp_path: Path) -> None:
        found = one(tmp_path, "  Sex: sex\n  Born: birth_date", "No,Sex,Born\nP,femal,1960\n")
        assert refused(found) == [
            'sex: line 2, column "Sex": "femal" is not allowed; needed is one of `female`, `male`, '
            "`other`; did you mean `female`?"
        ]

    @pytest.mark.parametrize(
        ("cell", "value"), [("true", True), ("No", False), ("1", "1"), ("", None)]
    )
    def test_true_and_false(self, tmp_path: Path, cell: str, value: Any) -> None:
        found = data(one(tmp_path, "  S: assessments.able_to_swallow", f"No,S\nP,{cell}\n"))
        assert found.get("assessments", {}).get("able_to_swallow") == value


class TestNumbersAndDates:
    @pytest.mark.parametrize(
        ("settings", "cell", "value"),
        [
            ("", "18", 18),
            ("", "1.5", 1.5),
            ("", "1,5", "1,5"),
            (", decimal: ','", "1,5", 1.5),
            (", decimal: ','", "15", 15),
            (", times: 12", "1.5", 18),
            (", times: 0.1", "3", 0.3),
            (", times: 12, decimal: ','", "0,25", 3),
            (", times: 12", "long", "long"),
        ],
    )
    def test_numbers(self, tmp_path: Path, settings: str, cell: str, value: Any) -> None:
        columns = f"  L: {{to: life_expectancy_months{settings}}}"
        found = one(tmp_path, columns, f'No;L\nP;"{cell}"\n')
        assert told(found) == []
        assert data(found)["life_expectancy_months"] == value

    def test_a_point_where_a_comma_is_stated(self, tmp_path: Path) -> None:
        columns = "  L: {to: life_expectancy_months, decimal: ','}"
        (message,) = told(one(tmp_path, columns, "No,L\nP,1.500\n"))
        assert "a point in a number whose decimal mark is a comma" in message

    def test_a_date_with_two_readings_needs_an_order(self, tmp_path: Path) -> None:
        text = "No,B\nP,03/04/1960\n"
        (message,) = told(one(tmp_path, "  B: birth_date", text))
        assert message.startswith('birth_date: line 2, column "B": 03/04/1960 is 1960-04-03 or')
        stated = one(tmp_path, "  B: {to: birth_date, dates: month day year}", text)
        assert data(stated)["birth_date"] == "1960-03-04"
        general = one(tmp_path, "  B: birth_date", text, "dates: day month year")
        assert data(general)["birth_date"] == "1960-04-03"
        both = "  B: {to: birth_date, dates: month day year}"
        assert data(one(tmp_path, both, text, "dates: day month year")) == data(stated)


class TestAbsentAndNone:
    @pytest.mark.parametrize(
        ("cell", "value"),
        [("", None), ("NA", None), ("na", None), ("none", []), ("NONE", []), ("latex", ["latex"])],
    )
    def test_words_of_the_whole_file(self, tmp_path: Path, cell: str, value: Any) -> None:
        rest = "absent: [NA]\nnone: [None]"
        found = one(tmp_path, "  A: allergies", f"No,A\nP,{cell}\n", rest)
        assert data(found).get("allergies") == value
        assert data(found).get("partial") == (["allergies"] if value else None)

    def test_words_of_a_column_replace_them(self, tmp_path: Path) -> None:
        columns = "  A: {to: allergies, absent: [x], none: [y]}\n  C: centre"
        rest = "absent: [NA]\nnone: [none]"
        assert data(one(tmp_path, columns, "No,A,C\nP,NA,NA\n", rest)) == {
            "id": "P", "allergies": ["NA"], "partial": ["allergies"],
        }  # fmt: skip
        assert "allergies" not in data(one(tmp_path, columns, "No,A,C\nP,x,\n", rest))
        assert data(one(tmp_path, columns, "No,A,C\nP,y,\n", rest))["allergies"] == []

    def test_none_of_a_single_field_is_no_answer(self, tmp_path: Path) -> None:
        (message,) = told(one(tmp_path, "  C: centre", "No,C\nP,none\n", "none: [none]"))
        assert "this field is no list; say in `values` what it means" in message

    ENTRY = "none: [no]\nentries:\n  - to: metastases\n    set: {{site: liver, present: true}}\n" \
            "    columns: {{M: {}}}"  # fmt: skip

    def test_none_in_a_column_of_an_entry_is_never_taken_for_the_whole_list(
        self, tmp_path: Path
    ) -> None:
        found = one(tmp_path, "", "No,M\nP,no\n", self.ENTRY.format("date"))
        assert "say in the mapping under `values` what that means" in told(found)[0]
        stated = one(tmp_path, "", "No,M\nP,no\n", self.ENTRY.format("{to: date, none: [no]}"))
        assert told(stated) == []
        assert data(stated) == {"id": "P", "metastases": []}

    def test_none_and_an_entry_contradict(self, tmp_path: Path) -> None:
        rest = (
            "entries:\n  - to: allergies_\n".replace("allergies_", "injuries")
            + "    columns: {A: {to: description, none: [no]}}\n  - to: injuries\n"
            "    columns: {B: description}\n"
        )
        found = one(tmp_path, "", "No,A,B\nP,no,fall\n", rest)
        assert told(found)[0].startswith("injuries: one column says that there is none")
        lesions = (
            "entries:\n  - to: imaging\n    set: {modality: CT}\n    columns: {D: date}\n"
            "    lesions:\n      - columns: {A: {to: site, none: [no]}}\n"
            "      - columns: {B: site}\n"
        )
        text = "No,D,A,B\nP,2026,no,liver\n"
        found = one(tmp_path, "", text, lesions)
        assert told(found)[0].startswith("imaging[0].lesions: one column says that there is none")
        assert data(one(tmp_path, "", "No,D,A,B\nP,2026,no,\n", lesions))["imaging"] == [
            {"modality": "CT", "date": "2026", "lesions": []}
        ]

    @pytest.mark.parametrize(("complete", "partial"), [("[]", ["labs"]), ("[labs]", None)])
    def test_lists_are_partial_unless_named(
        self, tmp_path: Path, complete: str, partial: Any
    ) -> None:
        rest = f"complete: {complete}\n{LABS}"
        found = data(one(tmp_path, "", "No,ANC,Hb,Drawn\nP,3,,2026\n", rest))
        assert found.get("partial") == partial


class TestEntries:
    def test_a_common_date_makes_no_entry(self, tmp_path: Path) -> None:
        text = 'No,ANC,Hb,Drawn\nP,,,2026-01-09\nQ,3,,2026-01-09\nR,,"9,5",\n'
        found = [data(it) for it in read(tmp_path, "", text, LABS)]
        assert found == [
            {"id": "P"},
            {
                "id": "Q",
                "labs": [{"test": "anc", "value": 3, "unit": "10*9/L", "date": "2026-01-09"}],
                "partial": ["labs"],
            },
            {
                "id": "R",
                "labs": [{"test": "hemoglobin", "value": 9.5, "unit": "g/dL"}],
                "partial": ["labs"],
            },
        ]

    def test_only_if(self, tmp_path: Path) -> None:
        rest = (
            "entries:\n  - to: performance_status\n    only_if: E\n    columns: {E: ecog, D: date}"
        )
        first, second = read(tmp_path, "", "No,E,D\nP,,2026\nQ,1,2026\n", rest)
        assert data(first) == {"id": "P"}
        assert data(second)["performance_status"] == [{"ecog": 1, "date": "2026"}]
        without = rest.replace("    only_if: E\n", "")
        first, _ = read(tmp_path, "", "No,E,D\nP,,2026\nQ,1,2026\n", without)
        assert refused(first)[0].startswith('performance_status[0].ecog: line 2, column "E": miss')

    def test_a_wrong_cell_still_makes_its_entry(self, tmp_path: Path) -> None:
        rest = "entries:\n  - to: injuries\n    columns: {D: date}"
        found = one(tmp_path, "", "No,D\nP,3/4/2020\n", rest)
        assert told(found)[0].startswith('injuries[0].date: line 2, column "D": 3/4/2020 is')

    def test_a_lesion_alone_makes_its_examination(self, tmp_path: Path) -> None:
        rest = (
            "entries:\n  - to: imaging\n    set: {modality: CT}\n    columns: {D: date}\n"
            "    lesions: [{columns: {L: longest_diameter_mm}}]\n"
        )
        found = one(tmp_path, "", "No,D,L\nP,,12\n", rest)
        assert data(found)["imaging"] == [
            {"modality": "CT", "lesions": [{"longest_diameter_mm": 12}]}
        ]

    def test_places_follow_the_entries_that_are_there(self, tmp_path: Path) -> None:
        _, found = read(tmp_path, "", 'No,ANC,Hb,Drawn\nP,,,\nQ,,"x",2026\n', LABS)
        assert told(found) == []
        assert refused(found) == [
            'labs[0].value: line 3, column "Hb": "x" is not allowed; needed is a number from '
            "-1,000,000,000 to 1,000,000,000; write it without quotation marks, and nothing but "
            "the value"
        ]
        again = pickle.loads(pickle.dumps(found))
        assert again.where("labs[0].value") == 'line 3, column "Hb"'
        assert again.where("labs[0].test") == ""


class TestSeveralRows:
    REST = "one_row_per: entry\n" + LABS
    SEX = "  Sex: sex"

    def test_rows_of_one_patient_are_put_together(self, tmp_path: Path) -> None:
        text = "No,Sex,ANC,Hb,Drawn\nP,female,1,,2025\nQ,male,,,\nP,,2,,2026\nP,female,,,\n"
        first, second = read(tmp_path, self.SEX, text, self.REST)
        assert (first.place, second.place) == ({"line": 2}, {"line": 3})
        assert [it["value"] for it in data(first)["labs"]] == [1, 2]
        assert (data(first)["sex"], data(second)["sex"]) == ("female", "male")
        assert first.where("labs[1].value") == 'line 4, column "ANC"'

    def test_what_a_patient_has_once_may_not_differ(self, tmp_path: Path) -> None:
        text = "No,Sex,ANC,Hb,Drawn\nP,female,1,,\nP,male,2,,\n"
        (found,) = read(tmp_path, self.SEX, text, self.REST)
        assert told(found) == [
            'sex: line 3, column "Sex": another value than in line 2 of the same patient; correct '
            "whichever is wrong"
        ]
        assert len(found.raw) == 2

    def test_rows_without_id_are_rejected_one_by_one(self, tmp_path: Path) -> None:
        text = "No,Sex,ANC,Hb,Drawn\nP,female,1,,\n,male,2,,\n,male,3,,\n"
        path, map_path = files(tmp_path, self.SEX, text, self.REST)
        source = open_source(path, map_path)
        for _ in range(2):
            found = list(source.candidates())
            assert sorted(it.place["line"] for it in found) == [2, 3, 4]
            nameless = [it for it in found if "id" not in data(it)]
            assert refused(nameless[0])[0].startswith('id: line 3, column "No": missing')
        source.close()

    def test_one_row_each_leaves_repeated_ids_to_be_told_later(self, tmp_path: Path) -> None:
        found = read(tmp_path, self.SEX, "No,Sex\nP,female\nP,male\n")
        assert [data(it)["id"] for it in found] == ["P", "P"]


class TestHeader:
    def test_every_column_is_accounted_for(self, tmp_path: Path) -> None:
        path, map_path = files(
            tmp_path,
            "  Sex: sex\n  Born: birth_date",
            "No,Sexe,Born,Born,,Note\nP,f,,,,\n",
            "ignore: [Remark]",
        )
        assert fault(path, map_path).split("\n") == [
            'the mapping names a column "Sex", and the file has none; did you mean `Sexe`?',
            'the mapping names a column "Remark", and the file has none; known here are `No`, '
            "`Sexe`, `Born`, `Note`",
            'column "Sexe" is not in the mapping; add it there, or under `ignore`',
            'there are 2 columns "Born"; give each a name of its own',
            "a column has no name; name it in the first line",
            'column "Note" is not in the mapping; add it there, or under `ignore`',
        ]

    def test_a_header_alone(self, tmp_path: Path) -> None:
        path, map_path = files(tmp_path, "", "No\n")
        assert "no row below the header" in fault(path, map_path)

    def test_a_row_of_the_wrong_length_is_rejected(self, tmp_path: Path) -> None:
        first, second = read(tmp_path, "  Sex: sex", "No,Sex\nP,female,x\nQ\n")
        assert told(first)[0].startswith("line 2: 3 cells where the header has 2")
        assert told(second)[0].startswith("line 3: 1 cells where the header has 2")

    def test_a_wrong_mapping_is_no_fault_of_the_data(self, tmp_path: Path) -> None:
        path, map_path = files(tmp_path, "  Sex: sexx", "No,Sex\nP,female\n")
        with pytest.raises(StudyError, match=r"map\.yaml, line 3: columns\.Sex"):
            candidates(path, map_path)
