"""Statements for many records say what the plain ones say, and compute nothing beside."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import duckdb
import generators
import pytest

from screener import database
from screener.compiling.lean import Case, Lean, lean
from screener.compiling.macros import Macros
from screener.compiling.simplify import Simplifier
from screener.encoding.catalogue import Catalogue
from screener.engine import Words, put_terms
from screener.entries import Gathered
from screener.omissions import variants
from screener.plan import Bulk, Plan, truth_column
from screener.record import Record

DAY = date(2026, 1, 15)
LOGIC = """
CREATE MACRO certainly(c) AS coalesce(c, false);
CREATE MACRO any_true(l) AS list_transform([l], lambda v:
    CASE WHEN list_contains(v, true) THEN true WHEN list_count(v) = len(v) THEN false END)[1];
CREATE MACRO larger_of(a, b) AS list_transform([{a: a, b: b}], lambda v:
    CASE WHEN v.a >= v.b THEN v.a WHEN v.a < v.b THEN v.b END)[1];
"""
ENTRIES = """(SELECT 1 AS n, [{kind: 'a', size: 1, note: 'x'}, {kind: 'b', size: 2, note: 'y'},
    {kind: NULL, size: NULL, note: 'z'}] AS entries)"""


def written(
    wanted: list[str],
    *layers: dict[str, str],
    when: dict[str, list[Case]] | None = None,
) -> Lean:
    return lean(Simplifier(Macros(LOGIC)), layers, wanted, {"n", "entries"}, ENTRIES, when or {})


def rows(found: Lean) -> list[tuple[Any, ...]]:
    return duckdb.sql(found.statement).fetchall()


def test_a_field_that_nothing_reads_is_not_made() -> None:
    found = written(
        ["big"],
        {"seen": "[{kind: x.kind, size: x.size, note: x.note} for x in entries]"},
        {"big": "any_true([x.size >= 2 for x in seen])"},
    )
    assert rows(found) == [(True,)]
    made = found.statement.replace(ENTRIES, "")
    assert "note" not in made
    assert "kind" not in made
    assert ("entries", "size") in found.paths
    assert ("entries", "note") not in found.paths


def test_capital_letters_make_no_difference() -> None:
    found = written(
        ["sizes"],
        {"seen": "[{Kind: X.KIND, Size: x.size} for x in entries]"},
        {"sizes": "list_transform(seen, lambda E: e.SIZE) || [larger_of(seen[1].Size, 0)]"},
    )
    assert rows(found) == [([1, 2, None, 1],)]


def test_a_column_that_nothing_reads_is_not_computed() -> None:
    found = written(["one"], {"one": "n", "other": "len(entries)"})
    assert rows(found) == [(1,)]
    assert "entries" not in found.statement.replace(ENTRIES, "")


@pytest.mark.parametrize(
    "use",
    [
        "list_distinct([{kind: x.kind, size: x.size} for x in entries])",
        "[{kind: x.kind, size: x.size} for x in entries]",
        "list_contains(seen, seen[1])",
        "seen[1] = seen[2]",
    ],
)
def test_what_is_taken_as_a_whole_keeps_all_fields(use: str) -> None:
    seen = "[{kind: x.kind, size: x.size} for x in entries]"
    found = written(["used"], {"seen": seen}, {"used": use})
    plain = f"SELECT {use} FROM (SELECT *, {seen} AS seen FROM {ENTRIES})"
    assert rows(found) == duckdb.sql(plain).fetchall()


def test_structs_that_may_stand_in_one_place_keep_the_same_fields() -> None:
    found = written(
        ["sizes", "kind"],
        {"first": "[{kind: x.kind, size: x.size} for x in entries]",
         "second": "[{kind: 'c', size: x.size + 1} for x in entries]"},
        {"sizes": "[x.size for x in first || second]", "kind": "first[1].kind"},
    )  # fmt: skip
    assert rows(found) == [([1, 2, None, 2, 3, None], "a")]


def test_a_list_that_is_written_out_is_gone_through_beforehand() -> None:
    found = written(
        ["a", "b"],
        {"kinds": "[{kind: k.kind, of: [x.size for x in entries if certainly(x.kind = k.kind)]} "
                  "for k in [{kind: 'a'}, {kind: 'b'}]]"},
        {"a": "kinds[1].of", "b": "kinds[2].of"},
    )  # fmt: skip
    assert rows(found) == [([1], [2])]
    assert found.statement.count("list_filter") == 2
    assert "list_value" not in found.statement


def test_what_stands_several_times_is_computed_once() -> None:
    largest = "list_filter(list_transform(entries, lambda x: x.size), lambda s: certainly(s > 1))"
    found = written(["one", "two"], {"one": f"len({largest})", "two": f"{largest}[1]"})
    assert rows(found) == [(1, 2)]
    assert found.statement.count("list_filter") == 1


def test_what_is_read_in_some_cases_is_computed_in_these() -> None:
    failing = "any_true([cast(x.note AS INTEGER) > 1 for x in entries])"
    found = written(
        ["told"],
        {"big": "any_true([coalesce(x.size >= 5, false) for x in entries])", "number": failing},
        {"text": "NOT number"},
        {"told": "CASE WHEN big THEN text END"},
        when={"text": [("big", True)]},
    )
    assert rows(found) == [(None,)]


def test_nothing_that_could_fail_is_computed_where_a_case_does_not_choose_it() -> None:
    failing = "any_true([cast(x.note AS INTEGER) > 1 for x in entries])"
    found = written(["safe"], {"safe": f"CASE WHEN n = 2 THEN {failing} AND {failing} END"})
    assert rows(found) == [(None,)]


def test_a_value_that_is_named_twice() -> None:
    found = written(["larger"], {"larger": "larger_of(len(entries) * 2, entries[2].size)"})
    assert rows(found) == [(6,)]


def answers(
    plan: Plan, bulk: Bulk | None, records: list[dict[str, Any]], *, days: bool = True
) -> list[Any]:
    """The truths and days of records, by the whole statement of a plan or one for many records."""
    connection = database.connect()
    connection.execute(f"{plan.tables}; {plan.logic}")
    put_terms(connection, plan, Words.of(Gathered(list(map(Record.model_validate, records)))))
    [base] = variants(plan, [], strict=False)[:1]
    names = ["variant", *plan.parameters]
    marks = ", ".join("?" for _ in names)
    connection.execute(f"INSERT INTO variants VALUES ({marks})", [base[name] for name in names])
    connection.execute(
        "INSERT INTO question SELECT unnest($n), $day, [$later], unnest($records)",
        {"n": list(range(len(records))), "day": DAY, "later": date(2026, 3, 1),
         "records": [json.dumps(record) for record in records]},
    )  # fmt: skip
    connection.execute("INSERT INTO day VALUES (?)", [DAY])
    if bulk:
        names = (f'"{truth_column(place)}"' for place in range(len(plan.nodes)))
        statement, truths = bulk.on_later_days(), f"[{', '.join(names)}] AS truths"
    else:
        statement, truths = plan.whole.statement, "truths"
        connection.execute(f"INSERT INTO viewed {plan.view}")
    return connection.execute(
        f"SELECT n, variant, as_of, screened_on, {truths} {', days' if days else ''} "
        f"FROM ({statement}) ORDER BY ALL"
    ).fetchall()


def test_many_records_have_the_truths_and_days_that_each_has_alone() -> None:
    plan = Catalogue().plan("dawna-fes", many=True)
    assert plan.many
    records = [generators.record(seed, DAY) for seed in range(200)]
    expected = answers(plan, None, records)
    assert len(expected) == 2 * len(records)
    assert answers(plan, plan.many.explained, records) == expected
    truths = [row[:-1] for row in expected]
    assert answers(plan, plan.many.verdicts, records, days=False) == truths
