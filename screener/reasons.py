"""Words the answers: reasons, explanations of what is unknown and advisories, from known facts.

Each truth of each criterion has a text of its own, and a record needs one of them. For a few
records only those are written into the statement, since reading a statement takes DuckDB longer
than running it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from screener.plan import BASE

if TYPE_CHECKING:
    from screener.plan import Leaf, Part, Plan

_WHY = "STRUCT(say VARCHAR, ask VARCHAR, rests_on VARCHAR[])[]"


def explained(
    plan: Plan, part: Part, wanted: Sequence[Collection[bool | None]]
) -> tuple[list[str], list[str]]:
    """The facts, and the keys of their explanations, that could be why a leaf is unknown.

    `wanted` holds, for each of `plan.leaves`, the truths that occur; those of `part` count.
    """
    pairs = [
        pair
        for leaf in part.leaves
        if None in wanted[leaf]
        for fact in plan.leaves[leaf].facts
        for pair in plan.explains[fact]
    ]
    return list(dict.fromkeys(n for n, _ in pairs)), list(dict.fromkeys(key for _, key in pairs))


def statement(plan: Plan, part: Part, wanted: Sequence[Collection[bool | None]]) -> str:
    """SQL that gives for each record of a part's table n and everything that `wanted` asks for.

    That is the reason of each leaf of the part, whether each fact of `explained` is open, the
    explanations, the texts of the advisories, and the columns that evidence is read from.
    """
    facts, keys = explained(plan, part, wanted)
    columns = [
        "n",
        _listed([_reason(f"t{i}", plan.leaves[i], wanted[i]) for i in part.leaves], "VARCHAR[]"),
        _listed([plan.opens[name] for name in facts], "BOOLEAN[]"),
        _listed([plan.whys[key] for key in keys], _WHY),
        _listed([plan.advisories[i].sql for i in part.advisories], "VARCHAR[]"),
        *part.shown,
    ]
    # The truths of the leaves stand among those of all nodes.
    truths = ", ".join(
        f"truths[{position}] AS t{leaf}"
        for position, index in enumerate(part.nodes, 1)
        if (leaf := plan.nodes[index].leaf) is not None
    )
    return (
        f"SELECT {', '.join(columns)} FROM (SELECT *, {truths} FROM {part.table} "  # noqa: S608
        f"WHERE variant = {BASE} AND as_of IS NOT DISTINCT FROM screened_on)"
    )


def _reason(truth: str, leaf: Leaf, truths: Collection[bool | None]) -> str:
    """The reason of a leaf; where its truth is unknown it says nothing that is meant."""
    if True in truths and False in truths and leaf.met != leaf.not_met:
        return f"CASE WHEN {truth} THEN {leaf.met} ELSE {leaf.not_met} END"
    if True in truths:
        return leaf.met
    return leaf.not_met if False in truths else "NULL"


def _listed(items: Sequence[str], kind: str) -> str:
    return f"CAST([{', '.join(items)}] AS {kind})"
