from __future__ import annotations

import io
import json
import os
import sys
import threading
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screener.errors import InputError
from screener.intake import json_file
from screener.intake.json_file import MAX_BYTES, read
from screener.record import Record

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 21)
P = '{"id": "P"}'


def taken(content: str | bytes) -> list[Record | InputError]:
    raw = content if isinstance(content, bytes) else content.encode()
    return read("-", today=TODAY, stdin=io.BytesIO(raw))


def ids(items: list[Record | InputError]) -> list[str | None]:
    return [item.id if isinstance(item, Record) else None for item in items]


def refused(content: str | bytes) -> tuple[str, str]:
    """Path and message of the one problem of a file that cannot be read."""
    with pytest.raises(InputError) as caught:
        taken(content)
    return told(caught.value)


def told(error: object) -> tuple[str, str]:
    assert isinstance(error, InputError)
    (problem,) = error.problems
    assert problem.message.isprintable()
    return problem.path, problem.message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (P, ["P"]),
        (f"\n {P}\t\r\n", ["P"]),
        ('{\n  "id":\n  "P"\n}\n', ["P"]),
        ('{"id": "P", "allergies": [\n"a"\n]}', ["P"]),
        ('{"id": "P", "therapies": [\n{"line": 1},\n{"line": 2}\n]}', ["P"]),
        ('{"id": "P", "diagnosis": {}\n}', ["P"]),
        (f"[{P}]", ["P"]),
        (f'[\n{P},\n{{"id": "Q"}}\n]', ["P", "Q"]),
        (f'{P}\n{{"id": "Q"}}', ["P", "Q"]),
        (f'{P}\r\n\r\n  \n {{"id": "Q"}} \r\n', ["P", "Q"]),
        (f"\ufeff{P}", ["P"]),
        (f'\ufeff{P}\n{{"id": "Q"}}', ["P", "Q"]),
        ('{"id": "病人-1"}', ["病人-1"]),
        (r'{"id": "\u75c5"}', ["病"]),
    ],
)
def test_accepted(content: str, expected: list[str]) -> None:
    assert ids(taken(content)) == expected


@pytest.mark.parametrize(
    ("content", "path", "says"),
    [
        # no record
        ("", "", "the file is empty; `screen template`"),
        (" \r\n\t", "", "only white space"),
        ("\ufeff", "", "only white space"),
        ("null", "", "null is not a patient record"),
        ("true", "", "true is not a patient record"),
        ("3", "", "a number is not a patient record"),
        ('"x"', "", "text is not a patient record"),
        ("[]", "", "an empty list"),
        # not JSON
        ('{"id": "P",}', "line 1, column 11", "a comma before a closing bracket"),
        ('{"labs": [\n1,\n]}', "line 2, column 2", "a comma before a closing bracket"),
        ("{'id': 'P'}", "line 1, column 2", "single quotation marks"),
        ('{"id": “P”}', "line 1, column 8", "typographic quotation marks"),
        ('{"id": "P"， "sex": null}', "line 1, column 11", "a full-width comma"),
        ('{"id"： "P"}', "line 1, column 6", "a full-width colon"),
        ('{"id": "P" "sex": null}', "line 1, column 12", "a comma is missing"),
        ('{"id" "P"}', "line 1, column 7", "a colon is missing"),
        ('{id: "P"}', "line 1, column 2", "the name of a field is needed here"),
        ('{"id": "P", "labs": [', "line 1, column 22", "it was cut off"),
        ('{"id": "P"', "line 1, column 11", "it was cut off"),
        ('{"id": "P', "line 1, column 8", "no closing quotation mark"),
        ('{"id": P}', "line 1, column 8", "text stands in double quotation marks"),
        ('{"ongoing": True}', "line 1, column 13", "in lower case"),
        ('{"ongoing": None}', "line 1, column 13", "null for None"),
        ('{"id": "a\tb"}', "line 1, column 10", "a line break or tab within text"),
        (r'{"id": "a\x"}', "line 1, column 10", "a backslash that stands for itself"),
        ("// note\n{}", "line 1, column 1", "comments are not allowed"),
        ('{\n# note\n"id": 1}', "line 2, column 1", "comments are not allowed"),
        (f"{P} {P}", "line 1, column 13", "several records go one on each line"),
        ('{\n"id": "P"\n}\n{\n"id": "Q"\n}', "line 4, column 1", "several records go one"),
        ("[" * 100_000, "", "nested too deeply"),
        ('{"a":' * 100_000, "", "nested too deeply"),
        # not UTF-8
        (P.encode("utf-16"), "", "this is UTF-16 text"),
        ("\ufeff{}".encode("utf-16-be"), "", "`iconv -f UTF-16 -t UTF-8 OLD > NEW`"),
        (P.encode("utf-16-le"), "", "`iconv -f UTF-16LE -t UTF-8 OLD > NEW`"),
        (P.encode("utf-16-be"), "", "this is UTF-16BE text"),
        (P.encode("utf-32"), "", "this is UTF-32 text"),
        (P.encode("utf-32-be"), "", "this is UTF-32BE text"),
        ('{"centre": "北京肿瘤医院"}'.encode("gb18030"), "", "`iconv -f GB18030 -t UTF-8"),
        ('{"centre": "北"}'.encode("gb18030"), "", "this is GB18030 text"),
        ('{\n"centre": "Genève"}'.encode("latin-1"), "line 2, byte 15", "not UTF-8 from here on"),
        ('{"centre": "北京'.encode()[:-1], "line 1, byte 16", "the file ends within a character"),
        (b"\xef\xbb\xbf\xff", "line 1, byte 4", "not UTF-8 from here on"),
        (b"\x7fELF\x02\x00", "line 1", "a NUL byte"),
        (b'{"id":\n"\x00"}', "line 2", "a NUL byte"),
        (b"PK\x03\x04\x00", "", "a ZIP archive or Excel workbook"),
        (b"\x1f\x8b\x08", "", "a gzip archive"),
        (b"PAR1\x00", "", "a Parquet file"),
        (b"%PDF-1.7", "", "a PDF"),
    ],
)
def test_a_file_that_cannot_be_read(content: str | bytes, path: str, says: str) -> None:
    where, message = refused(content)
    assert where == path
    assert says in message


@pytest.mark.parametrize(
    ("content", "path", "says"),
    [
        ('{"id": "P", "sex": "x"}', "sex", '"x" is not allowed'),
        ('{"id": "P", "sex": null, "sex": "male"}', "sex", '"sex" is given twice'),
        (
            '{"id": "P", "therapies": [{}, {"end": "2021", "end": "2022"}]}',
            "therapies[1].end",
            '"end" is given twice',
        ),
        ('{"id": "P", "life_expectancy_months": NaN}', "life_expectancy_months", "not finite"),
        (
            '{"id": "P", "life_expectancy_months": -Infinity}',
            "life_expectancy_months",
            "not finite",
        ),
        ('{"id": "P", "life_expectancy_months": 1e999}', "life_expectancy_months", "not finite"),
        (f'{{"id": "P", "life_expectancy_months": {"9" * 30}}}', "life_expectancy_months", "9999"),
        (
            f'{{"id": "P", "life_expectancy_months": {"9" * 31}}}',
            "life_expectancy_months",
            "not finite",
        ),
        (
            f'{{"id": "P", "performance_status": [{{"ecog": {"9" * 9999}}}]}}',
            "performance_status[0].ecog",
            "not finite",
        ),
        (r'{"id": "P", "centre": "a\ud800"}', "centre", "half of a surrogate pair"),
    ],
)
def test_an_invalid_record(content: str, path: str, says: str) -> None:
    (item,) = taken(content)
    where, message = told(item)
    assert where == path
    assert says in message
    assert isinstance(item, InputError)
    assert item.patient_id == "P"
    assert item.source == "standard input"


def test_repeated_keys_are_told_with_whatever_else_is_wrong() -> None:
    (item,) = taken('{"id": "P", "sex": "x", "sex": "y", "labs": 3}')
    assert isinstance(item, InputError)
    assert [problem.path for problem in item.problems] == ["sex", "sex", "labs"]


def test_of_two_ids_in_one_record_neither_is_taken() -> None:
    (item,) = taken('{"id": "P", "id": "Q"}')
    assert told(item) == ("id", '"id" is given twice; keep the right one')
    assert isinstance(item, InputError)
    assert item.patient_id is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f'[{P}, 1, {{"id": "Q"}}]', ["P", "[1]", "Q"]),
        (f'[{P}, {{"id": "Q", "labs": [{{}}, 3]}}]', ["P", "[1].labs[0].test"]),
        (f'[{P}, {{"id": "Q", "": 1}}]', ["P", '[1][""]']),
        (f"[{P}, []]", ["P", "[1]"]),
        (f'{P}\n\n{{"id": "Q", "sex": "x"}}\n{{"id": "R"}}', ["P", "line 3, sex", "R"]),
        (f"{P}\n3\n[]", ["P", "line 2", "line 3"]),
        (f'{P}\n{{"id": }}\n{{"id": "R"}}', ["P", "line 2, column 8", "R"]),
        (f'{{"id": P}}\n{{"id": "Q"}}\n{P}', ["line 1, column 8", "Q", "P"]),
        (f'{P}\n  {{"id": "Q"', ["P", "line 2, column 13"]),
        (f"{P}\n" + "[" * 100_000, ["P", "line 2"]),
        (f"{P}\n{P}", ["P", "line 2, id"]),
        (f"[{P}, {P}, {P}]", ["P", "[1].id", "[2].id"]),
        ('[{"id": "Q", "sex": 1}, {"id": "Q"}]', ["[0].sex", "[1].id"]),
    ],
)
def test_of_several_records_the_valid_ones_are_taken(content: str, expected: list[str]) -> None:
    found = [
        item.id if isinstance(item, Record) else item.problems[0].path for item in taken(content)
    ]
    assert found == expected


def test_a_repeated_id_names_the_first() -> None:
    _, by_line = taken(f"{P}\n{P}")
    assert "the record at line 1;" in told(by_line)[1]
    _, _, in_array = taken(f'[{{"id": "Q"}}, {P}, {P}]')
    assert "the record at [1];" in told(in_array)[1]
    assert isinstance(in_array, InputError)
    assert in_array.patient_id == "P"


def test_the_text_of_a_broken_file_is_never_repeated() -> None:
    for content in (
        '{"centre": "Zhang Wei" "x"}',
        '{"centre": Zhang}',
        '{"centre": "Zhang',
        '{"id": "P"}\n{"centre": "Zhang" 1}',
        '"Zhang"',
        '["Zhang"]',
    ):
        try:
            items = taken(content)
        except InputError as error:
            items = [error]
        errors = [item for item in items if isinstance(item, InputError)]
        assert errors
        assert not any("Zhang" in str(error) for error in errors)


def test_too_many_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_file, "MAX_RECORDS", 2)
    assert ids(taken(f'[{P}, {{"id": "Q"}}]')) == ["P", "Q"]
    assert "more than 2 records" in refused("[1, 2, 3]")[1]
    assert "more than 2 records" in refused(f"{P}\n1\n2")[1]


# Files.


def cannot_open(path: str) -> str:
    with pytest.raises(InputError) as caught:
        read(path)
    assert caught.value.source == path
    assert caught.value.patient_id is None
    return told(caught.value)[1]


def test_a_file_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "病人 1.json"
    path.write_text(P, encoding="utf-8")
    assert ids(read(str(path), today=TODAY)) == ["P"]


def test_today_reaches_the_record(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text('{"id": "P", "birth_date": "2020-01-02"}')
    (item,) = read(str(path), today=date(2020, 1, 1))
    assert told(item)[0] == "birth_date"
    assert ids(read(str(path), today=date(2020, 1, 2))) == ["P"]


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "patient-01.json").touch()
    (tmp_path / "notes.txt").touch()
    assert "similar names there: `patient-01.json`" in cannot_open(str(tmp_path / "patient1.json"))
    assert cannot_open(str(tmp_path / "zzz")) == "there is no such file"
    assert "nor is there a folder" in cannot_open(str(tmp_path / "none" / "p.json"))


@pytest.mark.parametrize(
    ("name", "says"),
    [("", "a folder"), ("a\0b", "cannot be the name"), ("x" * 5_000, "cannot be read: ")],
)
def test_a_name_that_is_none(name: str, says: str) -> None:
    assert says in cannot_open(name)


def test_a_folder(tmp_path: Path) -> None:
    assert "this is a folder; give its JSON files" in cannot_open(str(tmp_path))


@pytest.mark.parametrize("error", [PermissionError(13, "denied"), OSError(5, "broken disk")])
def test_a_file_that_the_system_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    path = tmp_path / "p.json"
    path.write_text(P)

    def refuse(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("pathlib.Path.open", refuse)
    expected = "no permission" if isinstance(error, PermissionError) else "broken disk"
    assert expected in cannot_open(str(path))


def test_a_file_of_one_gigabyte_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "export.json"
    with path.open("wb") as file:
        file.truncate(10**9)
    monkeypatch.delattr("pathlib.Path.open")
    assert "larger than 64 MiB" in cannot_open(str(path))


def test_the_limit_itself_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_file, "MAX_BYTES", len(P))
    assert ids(taken(P)) == ["P"]
    assert "larger than" in refused(P + " ")[1]
    assert "divide it into files of fewer patients" in refused(P + " ")[1]


@pytest.mark.skipif(sys.platform == "win32", reason="needs /dev/zero")
def test_a_stream_without_end_is_read_to_the_limit_only() -> None:
    asked: list[int] = []

    class Endless(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            asked.append(size or -1)
            return b" " * (size or 0)

    with pytest.raises(InputError, match="larger than 64 MiB"):
        read("-", stdin=Endless())
    assert asked == [MAX_BYTES + 1]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=(P,))
    writer.start()
    assert ids(read(str(path))) == ["P"]
    writer.join()


def test_standard_input_missing_or_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.BytesIO()
    closed.close()
    with pytest.raises(InputError, match="standard input cannot be read"):
        read("-", stdin=closed)
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(InputError, match="there is no standard input"):
        read("-")


def test_an_interruption_passes() -> None:
    class Interrupted(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read("-", stdin=Interrupted())


# Anything at all.

SYNTAX = (
    st.sampled_from(["{", "}", "[", "]", ",", ":", "\n", '"', "'", " ", "null", "-", "1", "1e999"])
    | st.sampled_from(["\\u", "\\ud800", "\ufeff", "\x00", "é", "北京", '"id"', '"P"', '"labs"'])
    | st.sampled_from(["NaN", P, f"{P}\n"])
)
CONTENT = (
    st.binary(max_size=80)
    | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.lists(SYNTAX, max_size=14).flatmap(
        lambda parts: st.sampled_from(["utf-8", "utf-16", "utf-16-le", "gb18030", "utf-32"]).map(
            lambda encoding: "".join(parts).encode(encoding)
        )
    )
    | st.dictionaries(st.sampled_from(["id", "labs", "x"]), st.text() | st.integers()).map(
        lambda data: json.dumps(data).encode()
    )
)


@settings(deadline=None, max_examples=600)
@given(CONTENT)
def test_nothing_but_input_error_is_raised(content: bytes) -> None:
    try:
        items = taken(content)
    except InputError as error:
        items = [error]
    assert items
    for item in items:
        if isinstance(item, InputError):
            assert item.problems
            assert all(str(problem).isprintable() for problem in item.problems)
        else:
            assert isinstance(item, Record)
