"""YAML is read as its version 1.2 says, and every error names file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from screener.encoding import yaml_file
from screener.errors import StudyError


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def written(content: str | bytes) -> Path:
        path = tmp_path / "study.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("no", "no"),
        ("NO", "NO"),
        ("y", "y"),
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("18", 18),
        ("-3", -3),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("2026-01-15", "2026-01-15"),
        ("2026-01", "2026-01"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("0o17", "0o17"),
        ("3+", "3+"),
        ('"18"', "18"),
        ("'true'", "true"),
        ("|\n  on\n", "on\n"),
        ("[on, 2, null]", ["on", 2, None]),
    ],
)
def test_a_bare_word_means_what_yaml_1_2_says(write: Any, text: str, value: Any) -> None:
    found = yaml_file.load(write(f"key: {text}")).data["key"]
    assert found == value
    assert type(found) is type(value)


def test_keys_are_text_whatever_they_look_like(write: Any) -> None:
    assert yaml_file.load(write("on: 1\nno: 2\n3: 4\ntrue: 5\n")).data == {
        "on": 1, "no": 2, "3": 4, "true": 5,
    }  # fmt: skip


def test_a_version_keeps_its_zero_in_quotation_marks(write: Any) -> None:
    assert yaml_file.load(write('version: "1.10"')).data == {"version": "1.10"}


def test_every_value_knows_its_line(write: Any) -> None:
    file = yaml_file.load(write("# a study\na: 1\nb:\n  - c: 2\n    d: [3,\n        4]\n"))
    assert file.line(("a",)) == 2
    assert file.line(("b",)) == 3
    assert file.line(("b", 0)) == 4
    assert file.line(("b", 0, "d")) == 5
    assert file.line(("b", 0, "d", 1)) == 6
    assert file.line(("b", 0, "missing", 7)) == 4  # the nearest thing around it
    assert str(file.error(("b", 0, "d"), "is wrong")).endswith("study.yaml, line 5: is wrong")


def test_anchors_and_aliases_are_read(write: Any) -> None:
    assert yaml_file.load(write("a: &x [1, 2]\nb: *x\n")).data == {"a": [1, 2], "b": [1, 2]}


def test_a_byte_order_mark_is_no_part_of_the_first_key(write: Any) -> None:
    assert yaml_file.load(write(b"\xef\xbb\xbfid: x\n")).data == {"id": "x"}


def test_an_empty_file_is_nothing(write: Any) -> None:
    assert yaml_file.load(write("# only a comment\n")).data is None


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "`a` is given twice"),
        ("x:\n  - {a: 1}\n  - {b: 1, b: 2}\n", 3, "`b` is given twice"),
        ("on: 1\n'on': 2\n", 2, "`on` is given twice"),
        ("a: [1, 2\nb: 3\n", 2, "not valid YAML"),
        ("a: 1\n\tb: 2\n", 2, "not valid YAML"),
        ("a: 1\nb: 'open\n", 3, "not valid YAML"),
        ("a: 1\nb: *nowhere\n", 2, "not valid YAML"),
        ("a: 1\n? [x, y]\n: 2\n", 2, "a key must be a word"),
        ("a: 1\n---\nb: 2\n", 2, "not valid YAML"),
        (b"a: 1\nb: caf\xe9\n", 2, "not UTF-8 text; save the file as UTF-8"),
        ("id: 乳腺\n".encode("gb18030"), 1, "not UTF-8 text"),
        ("a: 1\nb: 2\n".encode("utf-16"), 1, "not UTF-8 text"),
    ],
)
def test_what_cannot_be_read_names_file_and_line(
    write: Any, content: str | bytes, line: int, message: str
) -> None:
    path = write(content)
    with pytest.raises(StudyError) as caught:
        yaml_file.load(path)
    told = str(caught.value)
    assert told.startswith(f"{path}, line {line}: ")
    assert message in told


def test_a_control_character_is_no_yaml(write: Any) -> None:
    path = write("a: 1\nb: \x07\n")
    with pytest.raises(StudyError, match="not valid YAML") as caught:
        yaml_file.load(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path if kind == "folder" else tmp_path / "nowhere.yaml"
    with pytest.raises(StudyError, match="cannot be read") as caught:
        yaml_file.load(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_nesting_without_end_is_refused(write: Any) -> None:
    with pytest.raises(StudyError, match="not valid YAML"):
        yaml_file.load(write("a: " + "[" * 5_000 + "]" * 5_000))


def test_aliases_within_aliases_are_refused(tmp_path: Path) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 7)]
    path = tmp_path / "laughs.yaml"
    path.write_text("\n".join(levels), "utf-8")
    with pytest.raises(StudyError, match="more than 200,000 values"):
        yaml_file.load(path)
