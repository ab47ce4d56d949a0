"""Columns of the statements of one study, each written by DuckDB once for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screener.compiling import fields, trees

if TYPE_CHECKING:
    from collections.abc import Collection

    from screener.compiling.expressions import Expressions


class Columns:
    """Writes facts, and names that a statement hands on, as parts of a list of columns."""

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions
        self._facts: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def facts(self, names: Collection[str]) -> dict[str, str]:
        """Each fact as its expression, with fields apart, AS its name."""
        new = [name for name in names if name not in self._facts]
        found = [self._expressions.fact_expression(name).tree for name in new]
        written = trees.write_each(zip(new, map(fields.taken_apart, found), strict=True))
        self._facts.update(zip(new, written, strict=True))
        return {name: self._facts[name] for name in names}

    def names(self, names: Collection[str]) -> dict[str, str]:
        """Each name of a column, in quotes where it needs them."""
        new = [name for name in names if name not in self._names]
        written = trees.write_each(("", trees.column(name)) for name in new)
        self._names.update(zip(new, written, strict=True))
        return {name: self._names[name] for name in names}
