"""Writes the statement that gives the verdict on many records, with every reason, as columns.

For one record `screening.py` puts reasons and needs together from single texts. For a hundred
thousand that would take longer than the screening itself, so here the same is said in SQL, of the
same texts; a test holds the two against each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from screener.plan import Many, Node, Plan

_OUTCOMES = {"inclusion": "('pass', 'fail')", "exclusion": "('fail', 'pass')"}

MACROS = """
CREATE MACRO in_order(l) AS list_transform([list_filter(l, lambda x: x IS NOT NULL)], lambda v:
    list_filter(v, lambda x, i: list_position(v, x) = i))[1];
CREATE MACRO joined_by(l, s) AS coalesce(array_to_string(l, s), '');
CREATE MACRO in_words(l) AS joined_by(in_order(l), ' ');
"""
"""The distinct items of a list in the order in which they first stand, as a list and as a text;
a list as a text, empty if it has nothing."""


def asked_of_many(plan: Plan) -> Many:
    """What a plan for many records asks.

    Raises:
        ValueError: the plan is one for a few.
    """
    if plan.many is None:
        raise ValueError(f"the plan of {plan.study_id} is for a few records; load it for many")
    return plan.many


def statement(plan: Plan) -> str:
    """SQL that gives a row for each record of `question`, asked with the base variant.

    Columns: n, status; truths, outcomes and reasons of `plan.nodes`; needs of the record whatever
    its status; days on which a fail could clear.
    """
    nodes = plan.nodes
    truths = ", ".join(f"truths[{i + 1}] AS t{i}" for i in range(len(nodes)))
    outcomes = ", ".join(f"{_outcome(node, f't{i}')} AS o{i}" for i, node in enumerate(nodes))
    asked = asked_of_many(plan).explained.on_the_day()
    source = f"(SELECT *, {outcomes} FROM (SELECT *, {truths} FROM ({asked})))"
    listed = ", ".join(f"o{i}" for i in range(len(nodes)))
    top = ", ".join(f"o{i}" for i in plan.top)
    columns = [
        "n", "truths", f"[{listed}] AS outcomes", f"[{top}] AS top", "days",
        f"CASE WHEN list_contains([{top}], 'fail') THEN 'ineligible' "
        f"WHEN list_contains([{top}], 'unknown') THEN 'undetermined' ELSE 'eligible' END AS status",
    ]  # fmt: skip
    source = _with_texts(plan, source)
    needs = ", ".join(f"coalesce(n{i}, [])" for i in plan.top)
    columns.append(f"[{', '.join(f'r{i}' for i in range(len(nodes)))}] AS reasons")
    columns.append(f"in_order(flatten([{needs}])) AS needs")
    return f"SELECT {', '.join(columns)} FROM {source}"


def _outcome(node: Node, truth: str) -> str:
    if_true, if_false = ("pass", "fail") if node.kind == "inclusion" else ("fail", "pass")
    return (
        f"CASE WHEN {truth} THEN '{if_true}' WHEN NOT {truth} THEN '{if_false}' ELSE 'unknown' END"
    )


def _with_texts(plan: Plan, source: str) -> str:
    """Add r<i> and n<i>, reason and needs, of each node that others form; leaves have them."""
    nodes = plan.nodes
    done = {i for i, node in enumerate(nodes) if node.leaf is not None}
    while len(done) < len(nodes):
        ready = [i for i, node in enumerate(nodes) if i not in done and done.issuperset(node.parts)]
        columns = ", ".join(text for i in ready for text in _compound(plan, i))
        source = f"(SELECT *, {columns} FROM {source})"
        done.update(ready)
    return source


def _compound(plan: Plan, index: int) -> list[str]:
    """The reason of a compound node is that of the parts which decide; so are its needs."""
    parts = plan.nodes[index].parts
    plain = ", ".join(f"CASE WHEN o{p} = 'pass' THEN r{p} END" for p in parts)
    named = ", ".join(
        f"CASE WHEN o{p} = o{index} THEN '{plan.nodes[p].id}: ' || r{p} END" for p in parts
    )
    needs = ", ".join(f"coalesce(n{p}, [])" for p in parts)
    return [
        f"CASE WHEN o{index} = 'pass' THEN joined_by([{plain}], ' ') "
        f"ELSE joined_by([{named}], ' ') END AS r{index}",
        f"CASE WHEN t{index} IS NULL THEN in_order(flatten([{needs}])) END AS n{index}",
    ]
