from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screener.errors import StudyError
from screener.intake import mapping
from screener.intake.mapping import Column, Entry, Mapping

ID = "columns: {No: id}\n"


def loaded(folder: Path, text: str) -> Mapping:
    path = folder / "map.yaml"
    path.write_text(text, "utf-8")
    return mapping.load(path)


def fault(folder: Path, text: str) -> str:
    with pytest.raises(StudyError) as caught:
        loaded(folder, text)
    return str(caught.value).replace(str(folder / "map.yaml"), "map.yaml")


def test_the_template_is_valid_and_shows_every_key() -> None:
    found = mapping.load(mapping.TEMPLATE)
    assert found.complete == ["therapies", "drugs"]
    text = mapping.template_text()
    for part in (Mapping, Entry, Column):
        for key in part.model_fields:
            assert f"{key}:" in text, key


def test_short_and_long_forms(tmp_path: Path) -> None:
    found = loaded(tmp_path, "columns:\n  No: id\n  Sex: {to: sex, values: {1: male}}\n")
    assert found.columns["No"] == Column(to="id")
    assert found.columns["Sex"].values == {"1": "male"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "map.yaml, line 1: : "),
        ("columns: {}\n", "map.yaml, line 1: columns: "),
        ("columns: {Sex: sex}\n", "line 1: columns: no column is `id`"),
        (ID + "colums: {}\n", "line 2: colums: no key that is known here; did you mean `columns`?"),
        (ID + "ignore: x\n", "line 2: ignore: "),
        ("columns:\n  No: id\n  S: sexx\n", "line 3: columns.S: `sexx` is no field here; did you"),
        ("columns:\n  No: id\n  L: labs\n", "line 3: columns.L: `labs` is a list: say under"),
        ("columns:\n  No: id\n  L: partial\n", "`partial` is no field here"),
        ("columns:\n  No: id\n  A: sex\n  B: sex\n", 'line 4: columns.B: `sex` is column "A"'),
        (
            "columns:\n  No: id\n  S:\n    to: sex\n    values:\n      f: femal\n",
            'line 6: columns.S.values.f: "femal" is not allowed; needed is one of `female`',
        ),
        (
            "columns:\n  No: id\n  S: {to: assessments.able_to_swallow, values: {y: yes}}\n",
            "true or false is needed here",
        ),
        (
            "columns:\n  No: id\n  S: {to: life_expectancy_months, values: {y: long}}\n",
            "a number is needed here",
        ),
        (
            "columns:\n  No: id\n  S: {to: birth_date, values: {y: 1.1.2020}}\n",
            "a date is needed here, YYYY-MM-DD",
        ),
        ("columns:\n  No: id\n  S: {to: centre, values: {y: true}}\n", "a word is needed here"),
        (
            "columns:\n  No: id\n  S: {to: sex, unit: g}\n",
            "columns.S.unit: is only for the `value`",
        ),
        ("columns:\n  No: id\n  S: {to: sex, times: 2}\n", "columns.S.times: is only for numbers"),
        ("columns:\n  No: id\n  S: {to: sex, dates: '%Y'}\n", "dates: is only for dates"),
        ("columns:\n  No: id\n  S: {to: sex, decimal: ','}\n", "decimal: is only for numbers"),
        ("columns:\n  No: id\n  S: {to: sex, split: [';']}\n", "split: is only for lists of words"),
        (
            "columns:\n  No: id\n  S: {to: life_expectancy_months, times: 0}\n",
            "columns.S.times: input should be greater than 0",
        ),
        (ID + "dates: dmy\n", "line 2: dates: needed is one of `year month day`"),
        (ID + "decimal: ';'\n", "line 2: decimal: not allowed; needed is '.' or ','"),
        (ID + "one_row_per: visit\n", "needed is 'patient' or 'entry'"),
        (
            ID + "complete: [lab]\n",
            "line 2: complete.0: no list of the record; did you mean `labs`",
        ),
        (ID + "ignore: [No]\n", "line 2: ignore.0: this column is both read and ignored"),
        (ID + "entries:\n  - to: lab\n    columns: {A: value}\n", "line 3: entries.0.to: not all"),
        (ID + "entries:\n  - to: labs\n", "line 3: entries.0.columns: is missing"),
        (
            ID + "entries:\n  - to: labs\n    columns: {A: valeu}\n",
            "line 4: entries.0.columns.A: `valeu` is no field here; did you mean `value`?",
        ),
        (
            ID + "entries:\n  - to: labs\n    set: {tests: anc}\n    columns: {A: value}\n",
            "line 4: entries.0.set.tests: no field of an entry of `labs`; did you mean `test`?",
        ),
        (
            ID + "entries:\n  - to: labs\n    set: {value: 3}\n    columns: {A: value}\n",
            "entries.0.set.value: a column gives this field too",
        ),
        (
            ID + "entries:\n  - to: therapies\n    set: {line: one}\n    columns: {A: drugs}\n",
            "entries.0.set.line: a number is needed here",
        ),
        (
            ID + "entries:\n  - to: labs\n    only_if: B\n    columns: {A: value}\n",
            "line 4: entries.0.only_if: no column of this entry; its columns are `A`",
        ),
        (
            ID + "entries:\n  - to: labs\n    columns: {A: {to: value, unit: g/L}, B: unit}\n",
            "the unit is stated, and a column gives it too",
        ),
        (
            ID + "entries:\n  - to: labs\n    columns: {A: value, B: date}\n    lesions: "
            "[{columns: {C: site}}]\n",
            "only an entry of `imaging` has lesions",
        ),
        (
            ID + "entries:\n  - to: imaging\n    columns: {A: date}\n    lesions:\n"
            "      - columns: {C: sight}\n",
            "entries.0.lesions.0.columns.C: `sight` is no field here",
        ),
        (
            ID + "entries:\n  - to: labs\n    columns: {A: date}\n  - to: labs\n"
            "    columns: {A: date, B: value}\n",
            "entries.0.columns: each of these columns is read for another entry too",
        ),
        (ID + "columns: {}\n", "line 2: `columns` is given twice here"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    assert says in fault(tmp_path, text)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"none\.yaml: cannot be read"):
        mapping.load(tmp_path / "none.yaml")


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_a_mapping_or_told_to_be_none(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.mktemp("map")
    (folder / "map.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(StudyError, match=r"map\.yaml"):
        mapping.load(folder / "map.yaml")
