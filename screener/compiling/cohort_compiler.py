"""Writes the statements of a study's cohort parts: the index date and the derived variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screener.cohort_plan import CohortPlan, Variable
from screener.compiling import fields
from screener.compiling.fields import BELOW
from screener.compiling.statements import ALWAYS
from screener.plan import BASE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from screener.compiling.compiler import Compiler
    from screener.encoding.cohort_study import Derived

Expression = tuple[tuple[str | int, ...], str]
"""Where an expression stands in the study file, and its text."""


class CohortCompiler:
    """Writes the cohort parts of one study, with the compiler of its criteria."""

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler
        self._study = compiler.encoding.study

    def columns(self) -> set[str]:
        """The facts, parameters and fields that the expressions use, noting what is wrong."""
        return {name for part in (self._index(), self._derived()) for name in self._used(part)}

    def plan(self, layers: list[list[str]], parameters: list[str]) -> CohortPlan:
        """The compiled parts; `layers` are the facts of the whole study."""
        study = self._study
        return CohortPlan(
            index_means=study.index_date.means if study.index_date else "",
            index_statement=self._index_statement(parameters),
            undocumented={item.list: item.source for item in study.undocumented_counts_as_none},
            unknown_counts_as=study.unknown_counts_as,
            variables=[_variable(variable) for variable in study.derived],
            variables_statement=self._variables_statement(layers, parameters),
            table_one=study.table_one,
            flow=study.flow.model_dump(),
        )

    def _index(self) -> Iterator[Expression]:
        index = self._study.index_date
        if index:
            yield ("index_date", "event"), index.event
            yield ("index_date", "day"), index.day
            if index.entry:
                yield ("index_date", "entry"), index.entry

    def _derived(self) -> Iterator[Expression]:
        for place, variable in enumerate(self._study.derived):
            at = ("derived", place)
            if variable.number:
                yield (*at, "number"), variable.number
            for category in variable.categories:
                yield at, category.when

    def _used(self, expressions: Iterator[Expression]) -> set[str]:
        parse, owner = self._compiler.parse, self._study.id
        return {name for at, text in expressions for name in parse(owner, at, text).columns}

    def _index_statement(self, parameters: list[str]) -> str:
        index = self._study.index_date
        if not index:
            return ""
        # Only what leads to the date: this is asked before everything else.
        layers = self._compiler.layers(self._used(self._index()))
        day = f"list_transform([{index.day}], lambda d: {{lo: d.lo, hi: d.hi}})[1]"
        answers = (
            f"({index.event}) AS event, {day} AS day, "
            f"CAST(({index.entry or 'NULL'}) AS VARCHAR) AS entry"
        )
        return self._statement(answers, layers, parameters, self._used(self._index()))

    def _variables_statement(self, layers: list[list[str]], parameters: list[str]) -> str:
        derived = self._study.derived
        if not derived:
            return ""
        truths = [
            f"CAST(({category.when.strip()}) AS BOOLEAN)"
            for variable in derived
            for category in variable.categories
        ]
        numbers = [self._number(variable.number) for variable in derived if variable.number]
        answers = (
            f"CAST([{', '.join(truths)}] AS BOOLEAN[]) AS truths, "
            f"CAST([{', '.join(numbers)}] AS DOUBLE[]) AS numbers"
        )
        return self._statement(answers, layers, parameters, self._used(self._derived()))

    def _statement(
        self, answers: str, layers: list[list[str]], parameters: list[str], used: set[str]
    ) -> str:
        compiler = self._compiler
        facts = {name for layer in layers for name in layer}
        available = facts | set(parameters) | compiler.record_names
        steps = compiler.steps(layers, available, (used & available) | ALWAYS)
        return fields.apart(f"SELECT n, {answers} FROM {BELOW} WHERE variant = {BASE}", steps)  # noqa: S608

    def _number(self, text: str) -> str:
        fact = self._compiler.facts.get(text.strip())
        if fact and fact.type == "bounds":
            name = text.strip()
            return f"CASE WHEN {name}.lo = {name}.hi THEN {name}.lo END"
        return f"({text.strip()})"


def _variable(variable: Derived) -> Variable:
    kind = "number" if variable.number else "any_of" if variable.any_of else "one_of"
    return Variable(
        id=variable.id,
        label=variable.label,
        unit=variable.unit,
        kind=kind,
        categories=[category.label for category in variable.categories],
        unknown=variable.unknown,
        reading=" ".join(variable.reading.split()),
        remark=" ".join(variable.remark.split()),
    )
