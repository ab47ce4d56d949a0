"""Derived variables: from what the engine says of their categories to one value each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screener.index_date import agreed
from screener.result import DerivedValue

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from screener.cohort_plan import Variable

OTHER = "Other"
"""The category of those who are certainly in none that is named."""

Row = tuple["Sequence[bool | None]", "Sequence[float | None]"]
"""The truths of all categories of all variables, and the values of all numbers."""


def values(variables: Sequence[Variable], worlds: Sequence[Row]) -> list[DerivedValue]:
    """The values of one patient: what all worlds of an uncertain index date share."""
    truths = iter([agreed(column) for column in zip(*(row[0] for row in worlds), strict=True)])
    numbers = iter([agreed(column) for column in zip(*(row[1] for row in worlds), strict=True)])
    return [_value(variable, truths, numbers) for variable in variables]


def _value(
    variable: Variable, truths: Iterator[bool | None], numbers: Iterator[float | None]
) -> DerivedValue:
    if variable.kind == "number":
        return DerivedValue(id=variable.id, label=variable.label, value=_number(next(numbers)))
    found = {label: next(truths) for label in variable.categories}
    held = [label for label, truth in found.items() if truth]
    open_ones = [label for label, truth in found.items() if truth is None]
    if variable.kind == "any_of":
        value = held if held or not open_ones else None
        return DerivedValue(id=variable.id, label=variable.label, value=value, open=open_ones)
    if len(held) == 1:
        return DerivedValue(id=variable.id, label=variable.label, value=held[0])
    none_named = not held and not open_ones
    return DerivedValue(id=variable.id, label=variable.label, value=OTHER if none_named else None)


def _number(value: float | None) -> int | float | None:
    return int(value) if value is not None and value.is_integer() else value
