"""Writes the statement that gives the verdict on many records, with every reason, as columns.

For one record `screening.py` puts reasons and needs together from single texts. For a hundred
thousand that would take longer than the screening itself, so here the same is said in SQL, of the
same texts; a test holds the two against each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from screener.plan import truth_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from screener.batch.strictly import Strictly
    from screener.plan import Many, Node, Plan

BETWEEN_REASONS = " | "
BETWEEN_IDS = ";"
"""An id of a criterion holds none."""

MACROS = """
CREATE MACRO in_order(l) AS list_transform([list_filter(l, lambda x: x IS NOT NULL)], lambda v:
    list_filter(v, lambda x, i: list_position(v, x) = i))[1];
"""
"""The distinct items of a list in the order in which they first stand."""


def asked_of_many(plan: Plan) -> Many:
    """What a plan for many records asks.

    Raises:
        ValueError: the plan is one for a few.
    """
    if plan.many is None:
        raise ValueError(f"the plan of {plan.study_id} is for a few records; load it for many")
    return plan.many


def statement(plan: Plan, strictly: Strictly | None = None) -> str:
    """SQL that gives a row for each record of `question`, asked with the base variant.

    Columns: n, status; t<position>, the truths, and reasons of `plan.nodes`; ids of the criteria
    that fail and that are unknown, with `BETWEEN_IDS`; why, each after its id; later, the days on
    which the record may be without a fail if only time is needed; needs, where something obtained
    could help.
    """
    nodes, top = plan.nodes, plan.top
    many = asked_of_many(plan)
    truths = ", ".join(f'"{truth_column(i)}" AS t{i}' for i in range(len(nodes)))
    status = (
        f"CASE WHEN {_any(fails(nodes[i], f't{i}') for i in top)} THEN 'ineligible' "
        f"WHEN {_any(f't{i} IS NULL' for i in top)} THEN 'undetermined' ELSE 'eligible' END"
    )
    asked = strictly.explained(many) if strictly else many.explained.on_the_day()
    source = f"(SELECT *, {status} AS status FROM (SELECT *, {truths} FROM ({asked})))"
    waits = f"status = 'ineligible' AND ({_any(_stays(plan, i) for i in top)}) IS NOT TRUE"
    later = f"CASE WHEN {waits} THEN list_filter(days, lambda d: d > as_of) ELSE [] END"
    source = f"(SELECT *, {later} AS later FROM {source})"
    source = _with_texts(plan, source)
    asks = ", ".join(
        f"CASE WHEN {' AND '.join([*(f't{k} IS NULL' for k in line), *more])} THEN {ask} END"
        for i, line in enumerate(_lines(plan))
        if (leaf := nodes[i].leaf) is not None
        for ask, more in _asks(i, many.asks[leaf], strictly)
    )
    failed = [(fails(nodes[i], f"t{i}"), f"'{nodes[i].id}'") for i in top]
    unknown = [(f"t{i} IS NULL", f"'{nodes[i].id}'") for i in top]
    why = [(f"({passes(nodes[i], f't{i}')}) IS NOT TRUE", _named(plan, i)) for i in top]
    columns = [
        "n", *(f"t{i}" for i in range(len(nodes))), "status", "later",
        f"[{', '.join(f'r{i}' for i in range(len(nodes)))}] AS reasons",
        f"{_joined(failed, BETWEEN_IDS)} AS failed",
        f'{_joined(unknown, BETWEEN_IDS)} AS "unknown"',
        f"{_joined(why, BETWEEN_REASONS)} AS why",
        f"CASE WHEN status = 'undetermined' OR len(later) > 0 THEN in_order([{asks}]::VARCHAR[]) "
        "ELSE [] END AS needs",
    ]  # fmt: skip
    return f"SELECT {', '.join(columns)} FROM {source}"


def _asks(
    index: int, asks: Sequence[str], strictly: Strictly | None
) -> Iterable[tuple[str, list[str]]]:
    """What to obtain where a leaf is open, as SQL, and tests of whether it is for this one."""
    if strictly is None or index not in strictly.deciding:
        return [(ask, []) for ask in asks]
    deciding = strictly.deciding[index]
    confirmed = [(f"'a confirmed value of {it.name}'", [it.column]) for it in deciding]
    return [*confirmed, *((ask, [f"NOT opened{index}"]) for ask in asks)]


def outcome(node: Node, truth: str) -> str:
    """SQL for what the truth of a node means: pass, fail or unknown."""
    return (
        f"CASE WHEN {passes(node, truth)} THEN 'pass' "
        f"WHEN {fails(node, truth)} THEN 'fail' ELSE 'unknown' END"
    )


def passes(node: Node, truth: str) -> str:
    """SQL that is true where a node passes."""
    return truth if node.kind == "inclusion" else f"NOT {truth}"


def fails(node: Node, truth: str) -> str:
    """SQL that is true where a node fails."""
    return f"NOT {truth}" if node.kind == "inclusion" else truth


def _any(tests: Iterable[str]) -> str:
    return " OR ".join(tests) or "false"


def _stays(plan: Plan, index: int) -> str:
    """SQL that is true where a node fails in a way that time cannot end; else false or NULL."""
    node = plan.nodes[index]
    if not node.parts:
        return "false" if node.clears else fails(node, f"t{index}")
    parts = _any(_stays(plan, part) for part in node.parts)
    return f"({fails(node, f't{index}')} AND ({parts}))"


def _lines(plan: Plan) -> list[list[int]]:
    """Each of `plan.nodes`, after those that it is a part of."""
    lines: list[list[int]] = [[i] for i in range(len(plan.nodes))]
    for i, node in enumerate(plan.nodes):  # parts come after their criterion
        for part in node.parts:
            lines[part] = [*lines[i], part]
    return lines


def _named(plan: Plan, index: int) -> str:
    return f"'{plan.nodes[index].id}: ' || r{index}"


def _with_texts(plan: Plan, source: str) -> str:
    """Add r<i>, the reason, of each node that others form; leaves have theirs."""
    nodes = plan.nodes
    done = {i for i, node in enumerate(nodes) if node.leaf is not None}
    while len(done) < len(nodes):
        ready = [i for i, node in enumerate(nodes) if i not in done and done.issuperset(node.parts)]
        columns = ", ".join(f"{_compound(plan, i)} AS r{i}" for i in ready)
        source = f"(SELECT *, {columns} FROM {source})"
        done.update(ready)
    return source


def _compound(plan: Plan, index: int) -> str:
    """The reason of a compound node is that of the parts which decide."""
    node, nodes = plan.nodes[index], plan.nodes
    parts = node.parts
    passing = _joined([(passes(nodes[p], f"t{p}"), f"r{p}") for p in parts])
    failing = _joined([(fails(nodes[p], f"t{p}"), _named(plan, p)) for p in parts])
    unknown = _joined([(f"t{p} IS NULL", _named(plan, p)) for p in parts])
    return (
        f"CASE WHEN {passes(node, f't{index}')} THEN {passing} "
        f"WHEN {fails(node, f't{index}')} THEN {failing} ELSE {unknown} END"
    )


def _joined(cases: Iterable[tuple[str, str]], between: str = " ") -> str:
    """SQL for one text of those whose test is true."""
    texts = ", ".join(f"CASE WHEN {test} THEN {text} END" for test, text in cases)
    return f"concat_ws('{between}', {texts})"
