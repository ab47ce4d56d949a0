"""Asks without some parameters, to see which outcomes rest on them.

Each question takes time, so parameters that share no predicate are left out of the same one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from screener.plan import BASE, STRICT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from screener.plan import Plan


class Omission(NamedTuple):
    """A parameter that is left out, or some of which each could stand in for the others."""

    names: tuple[str, ...]
    variant: int
    """The variant of the question that is without them, and perhaps without others too."""
    nodes: list[int]
    """The criteria and parts that may rest on them, parts before what they are parts of."""


def omissions(plan: Plan, reported: Sequence[str]) -> list[Omission]:
    """What to leave out to see which outcomes rest on the parameters that are reported.

    Each of them, then those of one predicate of which either may carry an outcome. What no
    predicate rests on needs no question.
    """
    either = [[name for name in names if name in reported] for names in plan.alternatives]
    wanted = [[name] for name in reported] + [names for names in either if len(names) > 1]
    taken: list[set[int]] = []
    found: list[Omission] = []
    for names in wanted:
        nodes = [n for n, node in enumerate(plan.nodes) if not set(names).isdisjoint(node.rests_on)]
        leaves = {n for n in nodes if plan.nodes[n].leaf is not None}
        if not leaves:
            continue
        free = (place for place, others in enumerate(taken) if others.isdisjoint(leaves))
        place = next(free, len(taken))
        if place == len(taken):
            taken.append(set())
        taken[place] |= leaves
        found.append(Omission(tuple(names), place + 1, nodes[::-1]))
    return found


def variants(plan: Plan, without: Sequence[Omission], *, strict: bool) -> list[dict[str, Any]]:
    """The parameter sets to ask with.

    The base set; one (`STRICT`) with every assumed parameter unknown; and those of the omissions.
    """
    base = {name: parameter["value"] for name, parameter in plan.parameters.items()}
    assumed = {n: None for n, p in plan.parameters.items() if p["assumed"]}
    asked = [{"variant": BASE, **base}]
    if assumed or strict:
        asked.append({"variant": STRICT, **base, **assumed})
    left_out: dict[int, dict[str, None]] = {}
    for omission in without:
        left_out.setdefault(omission.variant, {}).update(dict.fromkeys(omission.names))
    asked += [{"variant": number, **base, **names} for number, names in left_out.items()]
    return asked
