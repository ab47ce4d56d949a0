from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import candidates, canonical, data, fault, samples, told

from screener.canonical import canonical_json
from screener.errors import Problem
from screener.intake import json_array, text
from screener.intake.json_array import JsonArraySource
from screener.intake.source import Candidate, located
from screener.intake.text import TextFile
from screener.record import parse


def found(folder: Path, content: str | bytes) -> list[Candidate]:
    return candidates(written(folder, content))


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "array.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


ROWS: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('[]{}",\\\n\r\t :é北', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.dictionaries(st.text('[]{}",\\ab', max_size=3), ROWS), min_size=1, max_size=5),
    st.sampled_from([None, 0, 2, "\t"]),
    st.booleans(),
)
def test_elements_are_those_that_a_parser_finds(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any], indent: Any, escaped: bool
) -> None:
    folder = tmp_path_factory.mktemp("array")
    got = found(folder, json.dumps(rows, indent=indent, ensure_ascii=escaped))
    assert [data(it) for it in got] == rows
    assert [it.place for it in got] == [{"index": index} for index in range(len(rows))]


def test_the_samples_as_one_array(tmp_path: Path) -> None:
    got = found(tmp_path, json.dumps(samples(), indent=1))
    assert [canonical(it) for it in got] == [canonical_json(parse(it)) for it in samples()]


def test_elements_may_be_longer_than_a_block(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(text, "BLOCK", 7)
    rows = [{"id": "a" * n, "x": ['"]\\', {"b": [n]}]} for n in range(30)]
    assert [data(it) for it in found(tmp_path, json.dumps(rows))] == rows


def test_numbers_and_repeated_keys_stay_as_they_are_written(tmp_path: Path) -> None:
    content = '[{"id": "a", "id": "b", "x": 1.10, "y": 1e999, "z": NaN}]'
    assert found(tmp_path, content)[0].text == content[1:-1].encode()


@pytest.mark.parametrize(
    ("element", "name"),
    [("null", "null"), ("true", "true"), ("-3", "a number"), ('"a,]"', "text"), ("[{}]", "a list")],
)
def test_what_is_no_object_is_rejected_alone(tmp_path: Path, element: str, name: str) -> None:
    first, wrong, last = found(tmp_path, f'[{{"id": "a"}}, {element}, {{"id": "b"}}]')
    assert wrong.text is None
    assert wrong.raw == element
    assert told(wrong) == [f"{name} is not a patient record; an object in braces, {{ }}, is"]
    assert (data(first)["id"], data(last)["id"]) == ("a", "b")


def test_a_fault_within_an_element_has_its_line_and_column(tmp_path: Path) -> None:
    broken = '[\n  {"id": "a"},\n  {"id": "b",\n   "sex" "x"},\n  {"id": "c"}\n]'
    element = found(tmp_path, broken)[1]
    assert element.text is not None
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads(element.text)
    problem = Problem(f"line 1, column {caught.value.colno}", "a colon is missing")
    assert str(located(element, problem)) == "line 4, column 10: a colon is missing"


@pytest.mark.parametrize(
    "broken",
    [
        '{"id": "b", "drugs": ["x"}',
        '{"id": "b", "drugs": "x]}',
        '{"id": "b"]',
        '{"id": "b", "name": "two\nlines"}',
        '{"id": "b", [}',
    ],
)
@pytest.mark.parametrize("after", [',\n  {"id": "c"}\n]', "\n]\n"])
def test_where_each_record_begins_a_line_a_broken_one_is_rejected_alone(
    tmp_path: Path, broken: str, after: str
) -> None:
    got = found(tmp_path, f'[\n  {{"id": "a"}},\n  {broken}{after}')
    assert len(got) == (3 if "c" in after else 2)
    assert data(got[0]) == {"id": "a"}
    assert got[1].raw == broken
    with pytest.raises(json.JSONDecodeError):
        data(got[1])
    if len(got) == 3:
        assert data(got[2]) == {"id": "c"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[]", "line 1, column 2: the file holds an empty list"),
        ('[{"id": "a"} {"id": "b"}]', "line 1, column 14: a comma is missing before this"),
        ('[{"id": "a"},]', "line 1, column 14: a comma before a closing bracket"),
        ('[{"id": "a"},\n]', "line 2, column 1: a comma before a closing bracket"),
        ('[{"id": "a"}', "line 1, column 13: the file ends within the list"),
        ('[{"id": "a"},', "a value is needed here"),
        ('[{"id": "a"}] x', "line 1, column 15: the list ends before this"),
        ('[{"id": "a"},{"id": "b', "no closing quotation mark, or the file was cut off"),
        ('[{"id": "a"},{"id": "b"', "the file ends within a record"),
        ('[{"id": "a"},{"x": ["b"}]', "a comma is missing before this, or a bracket"),
        ("[nul", "a value is needed here"),
    ],
)
def test_a_list_that_cannot_be_followed_is_refused(tmp_path: Path, content: str, says: str) -> None:
    message = fault(written(tmp_path, content))
    assert says in message
    assert message.endswith("; 1 came before") == content.startswith('[{"id": "a"}')


def test_candidates_before_a_fault_are_given(tmp_path: Path) -> None:
    source = JsonArraySource(TextFile(written(tmp_path, '[{"id": "a"}, {"id": "b"}')))
    given = source.candidates()
    assert data(next(given)) == {"id": "a"}
    assert data(next(given)) == {"id": "b"}


@pytest.mark.parametrize(("size", "refuses"), [(99, False), (100, False), (3000, True)])
def test_an_endless_record_is_refused(
    tmp_path: Path, monkeypatch: Any, size: int, refuses: bool
) -> None:
    monkeypatch.setattr(text, "BLOCK", 50)
    monkeypatch.setattr(json_array, "MAX_LINE", 200)
    path = written(tmp_path, json.dumps([{"id": "a"}, {"id": "x" * size}]))
    if refuses:
        assert "longer than" in fault(path)
    else:
        assert len(candidates(path)) == 2
