"""Trees are gone through by what is known of their nodes, which is all that there is."""

from __future__ import annotations

from typing import Any

import pytest

from screener.compiling import trees
from screener.encoding import parsing
from screener.encoding.catalogue import Catalogue

BESIDE = {"order_bys", "qualified_name", "type_expr", "literal"}


def searched(value: Any) -> list[dict[str, Any]]:
    """The outermost nodes in a value, wherever they lie."""
    if isinstance(value, list):
        return [node for item in value for node in searched(item)]
    if not isinstance(value, dict):
        return []
    if "class" in value:
        return [value]
    return [node for key, item in value.items() if key not in BESIDE for node in searched(item)]


def below(node: dict[str, Any]) -> list[dict[str, Any]]:
    return searched([value for key, value in node.items() if key not in BESIDE])


def every(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node, *(found for part in below(node) for found in every(part))]


@pytest.mark.parametrize("study", ["dawna-fes", "zhou-2026", "palumbo-2024"])
def test_the_parts_of_a_node_are_all_that_lies_below_it(study: str) -> None:
    plan = Catalogue().plan(study)
    texts = [plan.view, plan.whole.statement, plan.facts_statement]
    classes = set()
    for statement in parsing.parsed(filter(None, [*texts, plan.cohort.variables_statement])):
        for outer in searched(statement["statements"]):
            for node in every(outer):
                assert trees.parts(node) == below(node)
                classes.add(node["class"])
    assert classes >= {"CASE", "CAST", "COMPARISON", "CONJUNCTION", "FUNCTION", "LAMBDA"}


@pytest.mark.parametrize(
    "text",
    [
        "a.b BETWEEN lower(c) AND d.e + 1",
        "count(a) FILTER (WHERE b.c = 1)",
        "CASE a WHEN 1 THEN b ELSE c END",
        "list_transform([{a: x.y} for x in l if x.z], lambda e, i: e.a + i)",
        "a COLLATE NOCASE = b AND c IN (d, e) AND NOT f",
        "sum(a) OVER (PARTITION BY b)",
    ],
)
def test_the_same_of_what_no_study_says(text: str) -> None:
    for node in every(trees.read(text)):
        assert trees.parts(node) == below(node)
