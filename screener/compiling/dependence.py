"""What the truth of a criterion rests on, and a statement of nothing but some truths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from screener.compiling.statements import ALWAYS, names_in, truth
from screener.encoding.study import every

if TYPE_CHECKING:
    from collections.abc import Sequence

    from screener.compiling.compiler import Compiler
    from screener.encoding.study import Criterion
    from screener.plan import Plan


@dataclass(frozen=True)
class RestsOn:
    """The facts, parameters and fields of the record by which the truth of a criterion is told."""

    facts: frozenset[str]
    parameters: frozenset[str]
    fields: frozenset[str]


def rests_on(compiler: Compiler, criterion: Criterion) -> RestsOn:
    """What a criterion and its parts rest on, directly or by way of facts.

    What only a reason shows does not count, nor what only a day of re-screening rests on.
    """
    return _behind(compiler, set(_named(compiler, [criterion])))


def index_rests_on(compiler: Compiler) -> RestsOn:
    """What a patient's own index date rests on; nothing where the study has none."""
    study = compiler.encoding.study
    index = study.index_date
    if not index:
        return _behind(compiler, set())
    texts = {"event": index.event, "day": index.day, "entry": index.entry}
    return _behind(
        compiler,
        {
            name
            for key, text in texts.items()
            if text
            for name in compiler.parse(study.id, ("index_date", key), text).columns
        },
    )


def _behind(compiler: Compiler, names: set[str]) -> RestsOn:
    facts: set[str] = set()
    while new := (names & compiler.facts.keys()) - facts:
        facts |= new
        for name in new:
            names |= compiler.fact_expression(name).columns
    return RestsOn(
        frozenset(facts),
        frozenset(names & compiler.parameters.keys()),
        frozenset(names & compiler.record_names),
    )


def truths_statement(compiler: Compiler, plan: Plan, criteria: Sequence[Criterion]) -> str:
    """SQL over `viewed` and `variants`: n, variant, and t0, t1, … as the truths of criteria."""
    layers = compiler.layers(set(_named(compiler, criteria)))
    truths = ", ".join(
        f"{truth(criterion, lambda leaf: f'CAST(({leaf.met_when}) AS BOOLEAN)')} AS t{number}"
        for number, criterion in enumerate(criteria)
    )
    available = {n for layer in layers for n in layer} | {*plan.parameters} | compiler.record_names
    steps = compiler.steps(layers, available, ALWAYS | names_in(truths, available))
    return f"SELECT n, variant, {truths} FROM {steps}"  # noqa: S608


def _named(compiler: Compiler, criteria: Sequence[Criterion]) -> list[str]:
    """What predicates name."""
    return [
        name
        for one in every(list(criteria))
        if one.met_when
        for name in compiler.parse(one.id, ("met_when",), one.met_when, predicate=True).columns
    ]
