"""Fields of structs stand apart in what DuckDB binds, and mean what they meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from screener import database
from screener.compiling import fields, trees
from screener.encoding.catalogue import Catalogue

if TYPE_CHECKING:
    from screener.compiling.trees import Tree

TABLE = "(SELECT {b: {c: 1}, x: [{y: 2}, NULL]} AS a, [{y: 3}] AS l)"

CASES = {
    "a field": ("a.b.c", "((a).b).c", 1),
    "in a lambda": (
        "list_transform(a.x, lambda e: e.y)", "list_transform((a).x, (lambda e: (e).y))", [2, None],
    ),
    "in two lambdas": (
        "list_transform(l, lambda e: list_transform(a.x, lambda o: o.y + e.y))",
        "list_transform(l, (lambda e: list_transform((a).x, (lambda o: ((o).y + (e).y)))))",
        [[5, None]],
    ),
    "of what is no name": ("a.x[1].y", "((a).x[1]).y", 2),
    "of an empty value": ("CASE WHEN a.b.c = 2 THEN a.b END.c", None, None),
    "in a comprehension": ("[e.y + 1 for e in l if e.y = 3]", None, [4]),
    "in a struct of names": ("{y: a.b.c}.y", None, 1),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_field_is_the_same_apart(case: str) -> None:
    text, apart, value = CASES[case]
    found = fields.apart(f"SELECT {text} AS v FROM {TABLE}")
    if apart:
        assert f"SELECT {apart} AS v FROM" in found
    with database.connect() as connection:
        assert connection.execute(found).fetchall() == [(value,)]


def test_a_field_keeps_its_name() -> None:
    with database.connect() as connection:
        found = connection.execute(fields.apart(f"SELECT a.b.c AS v, l FROM {TABLE}"))
        assert [column[0] for column in found.description or []] == ["v", "l"]


def test_macros_take_fields_apart_too() -> None:
    written = fields.apart_in_macros(
        "-- of one and of many\n"
        "CREATE MACRO in_all(s, l) AS\n    s.y + list_sum(list_transform(l, lambda e: e.y));"
    )
    assert _dotted(trees.read(written.partition(" AS ")[2].removesuffix(";"))) == []
    with database.connect() as connection:
        connection.execute(written)
        asked = "SELECT in_all({y: 1}, [{y: 2}, {y: 3}])"
        assert connection.execute(asked).fetchall() == [(6,)]


@pytest.mark.parametrize("study", ["dawna-fes", "zhou-2026", "palumbo-2024"])
def test_all_that_is_bound_of_a_study_is_apart(study: str) -> None:
    plan = Catalogue().plan(study)
    parts = [plan.whole, *plan.halves]
    statements = [plan.view, plan.bare_view, plan.facts_statement, *(p.statement for p in parts)]
    statements += [plan.cohort.index_statement, plan.cohort.variables_statement]
    for statement in filter(None, statements):
        dotted: list[Tree] = []
        trees.rewritten(statement, lambda tree, found=dotted: found.extend(_dotted(tree)) or tree)
        assert dotted == []


def _dotted(tree: Tree) -> list[Tree]:
    own = [tree] if trees.is_column(tree) and len(tree["column_names"]) > 1 else []
    return own + [node for part in trees.parts(tree) for node in _dotted(part)]
