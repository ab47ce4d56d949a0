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
    from screener.plan import Leaf, Plan

_WHY = "STRUCT(say VARCHAR, ask VARCHAR, rests_on VARCHAR[])[]"


def explained(plan: Plan, wanted: Sequence[Collection[bool | None]]) -> tuple[list[str], list[str]]:
    """The facts, and the keys of their explanations, that could be why a leaf is unknown.

    `wanted` holds, for each leaf, the truths that occur.
    """
    pairs = [
        pair
        for leaf, truths in zip(plan.leaves, wanted, strict=True)
        if None in truths
        for fact in leaf.facts
        for pair in plan.explains[fact]
    ]
    return list(dict.fromkeys(n for n, _ in pairs)), list(dict.fromkeys(key for _, key in pairs))


def statement(plan: Plan, wanted: Sequence[Collection[bool | None]], source: str) -> str:
    """SQL that gives for each record of `source` n and everything that `wanted` asks for.

    That is the reason of each leaf, whether each fact of `explained` is open, the explanations, the
    texts of the advisories, and the columns that evidence is read from. `source` has the columns of
    the table `known`.
    """
    facts, keys = explained(plan, wanted)
    columns = [
        "n",
        _listed([_reason(f"t{i}", leaf, truths)
                 for i, (leaf, truths) in enumerate(zip(plan.leaves, wanted, strict=True))],
                "VARCHAR[]"),
        _listed([plan.opens[name] for name in facts], "BOOLEAN[]"),
        _listed([plan.whys[key] for key in keys], _WHY),
        _listed([rule.sql for rule in plan.advisories], "VARCHAR[]"),
        *plan.shown,
    ]  # fmt: skip
    # The truths of the leaves stand among those of all nodes.
    truths = ", ".join(
        f"truths[{index + 1}] AS t{node.leaf}"
        for index, node in enumerate(plan.nodes)
        if node.leaf is not None
    )
    return (
        f"SELECT {', '.join(columns)} FROM (SELECT *, {truths} FROM {source} "  # noqa: S608
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
