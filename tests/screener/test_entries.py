"""The entries of the lists of some records."""

from __future__ import annotations

import pytest

from screener.entries import Gathered, entries_of, values_of
from screener.record import Record, parse

LAB = {"test": "anc", "value": 1.5}
RECORDS = [
    parse({"id": "absent"}),
    parse({"id": "two", "labs": [{**LAB, "unit": "10*9/L"}, {**LAB, "test": "alt"}]}),
    parse({"id": "none", "labs": []}),
    parse({"id": "one", "labs": [LAB], "allergies": ["letrozole"]}),
]


def test_entries_follow_each_other_in_the_order_of_the_records() -> None:
    given = Gathered(RECORDS)
    assert [lab.test for lab in given.entries("labs")] == ["anc", "alt", "anc"]
    assert given.entries("allergies") == ["letrozole"]
    assert given.entries("therapies") == []
    assert entries_of(RECORDS, "labs") == given.entries("labs")


@pytest.mark.parametrize(("name", "values"), [("unit", {"10*9/L"}), ("test", {"anc", "alt"}),
                                              ("date", set())])  # fmt: skip
def test_values_are_told_once_and_none_is_no_value(name: str, values: set[str]) -> None:
    labs = Gathered(RECORDS).entries("labs")
    assert values_of(labs, name) == values


def test_of_no_record_there_is_no_entry() -> None:
    none: list[Record] = []
    assert Gathered(none).entries("labs") == []
