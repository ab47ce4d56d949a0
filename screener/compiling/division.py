"""Divides a study into parts that are asked together, each by a statement and table of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screener.compiling import fields
from screener.compiling.fields import BELOW
from screener.compiling.scratch import table
from screener.compiling.statements import ALWAYS, column, names_in, truth
from screener.encoding.study import every, leaves
from screener.plan import Part

if TYPE_CHECKING:
    from screener.compiling.compiler import Compiler
    from screener.encoding.study import AdvisoryRule, Criterion
    from screener.plan import Advisory, Leaf, Node


_EACH = ("n", "variant", "as_of", "screened_on", "ignored", "truths", "days")
"""The columns of every part."""


class Division:
    """Writes parts of a study whose expressions are sound."""

    def __init__(
        self,
        compiler: Compiler,
        nodes: list[Node],
        told: list[Leaf],
        advisories: list[Advisory],
        used: list[str],
    ) -> None:
        self._compiler = compiler
        self._study = compiler.encoding.study
        self._nodes = nodes
        self._told = told
        self._advisories = advisories
        self._used = used
        self._types: dict[str, str] = {}

    def halves(self) -> list[tuple[list[Criterion], list[int]]]:
        """Two groups of criteria and advisories with little in common and equally much to bind."""
        compiler, study = self._compiler, self._study

        def facts_of(criteria: list[Criterion], rules: list[AdvisoryRule]) -> set[str]:
            return {n for layer in compiler.needed(criteria, rules) for n in layer}

        def size(names: set[str]) -> int:
            return sum(len(compiler.facts[n].sql) for n in names)

        groups: list[set[str]] = [set(), set()]
        chosen: dict[str, int] = {}
        for criterion in sorted(study.criteria, key=lambda c: -size(facts_of([c], []))):
            names = facts_of([criterion], [])
            best = min((0, 1), key=lambda g: (size(groups[g] | names), g))
            chosen[criterion.id] = best
            groups[best] |= names
        halves: list[tuple[list[Criterion], list[int]]] = [
            ([c for c in study.criteria if chosen[c.id] == group], []) for group in (0, 1)
        ]
        for index, rule in enumerate(study.advisories):
            names = facts_of([], [rule])
            best = min((0, 1), key=lambda g: (size(names - groups[g]), g))
            groups[best] |= names
            halves[best][1].append(index)
        return [half for half in halves if half[0]]

    def part(self, name: str, criteria: list[Criterion], rules: list[int]) -> Part:
        """The statement of some criteria and advisories, and the table that it fills.

        Raises:
            StudyError: the facts do not fit together.
        """
        compiler = self._compiler
        single = leaves(criteria)
        chosen = {c.id for c in every(criteria)}
        here = [i for i, node in enumerate(self._nodes) if node.id in chosen]
        own = [leaf for i in here if (leaf := self._nodes[i].leaf) is not None]
        layers = compiler.needed(criteria, [self._study.advisories[i] for i in rules])
        explains = compiler.explanations(criteria)
        opens = {n for pairs in explains.values() for n, _ in pairs}
        keys = {key for pairs in explains.values() for _, key in pairs}
        shown = sorted({spec["column"] for leaf in own for n in self._told[leaf].facts
                        for spec in compiler.evidence(n)})  # fmt: skip
        read = [
            *shown,
            *(text for leaf in own for text in (self._told[leaf].met, self._told[leaf].not_met)),
            *(compiler.is_open(n) for n in sorted(opens)),
            *(text for text, key in compiler.whys.items() if key in keys),
            *(self._advisories[i].sql for i in rules),
        ]
        available = {n for layer in layers for n in layer} | {*self._used} | compiler.record_names
        columns = names_in(" ".join(read), available) - ALWAYS
        days = ", ".join(f"({c.clears_after})" for c in single if c.clears_after)
        truths = ", ".join(f"CAST(({c.met_when}) AS BOOLEAN) AS t_{column(c)}" for c in single)
        handed = columns | ALWAYS | names_in(days, available)
        steps = compiler.steps(layers, available, handed | names_in(truths, available))
        answers = ", ".join([
            f"[{', '.join(self._truth(self._nodes[i]) for i in here)}] AS truths",
            f"CAST(flatten([{days}]) AS DATE[]) AS days" if days else "CAST([] AS DATE[]) AS days",
            *sorted(columns),
        ])  # fmt: skip
        statement = fields.apart(
            f"SELECT n, variant, as_of, screened_on, ignored, {answers} FROM "  # noqa: S608
            f"(SELECT {', '.join(sorted(handed))}, {truths} FROM {BELOW})",
            steps,
        )
        create = table(name, self._types_of([*_EACH, *sorted(columns)], statement))
        return Part(name, create, statement, here, own, rules, shown)

    def _types_of(self, columns: list[str], statement: str) -> dict[str, str]:
        """The types of the columns that a statement gives.

        A column is the same in each part, so that parts of what was bound are not bound again.
        """
        if not self._types.keys() >= set(columns):
            self._types |= self._compiler.scratch.types(statement)
        return {name: self._types[name] for name in columns}

    def _truth(self, node: Node) -> str:
        criterion = next(c for c in every(self._study.criteria) if c.id == node.id)
        return truth(criterion, lambda leaf: f"t_{column(leaf)}")
