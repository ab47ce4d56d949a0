"""Cells of a flat CSV file as values of the record, each as the mapping says of its column."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

from screener.intake import cells, dates_in_words, mapping
from screener.intake.cells import CellFault
from screener.wording import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from screener.intake.fields import Field
    from screener.intake.mapping import Column, Columns, Group, Mapping
    from screener.intake.tables import Row

MOST_VALUES = 1000
"""Different values that no map names and that are counted."""


class Says(Enum):
    """What a cell says that holds no value."""

    ABSENT = "nobody recorded it"
    NONE = "it was looked for, and there is none"


@dataclass(frozen=True, slots=True)
class MappedCell:
    """How the cells of one column are read for one field."""

    index: int
    name: str
    column: Column
    field: Field
    own: bool
    """Whether the column is read for this field only."""
    values: dict[str, Any] | None
    absent: frozenset[str]
    none: frozenset[str]
    dates: str | None
    comma: bool
    split: tuple[str, ...]

    def text(self, row: Row) -> str:
        """The cell as it is written, without white space around it."""
        return str(row.cells[self.index]).strip() if self.index < len(row.cells) else ""


class CellReader:
    """Reads cells, and counts the values that the mapping does not name."""

    def __init__(self, mapped: Mapping, header: Sequence[str]) -> None:
        self._map = mapped
        self._shared = mapping.shared_columns(mapped)
        self._places = {name: index for index, name in enumerate(header)}
        self.unmapped: Counter[tuple[str, str]] = Counter()

    def cells(self, columns: Columns, list_name: str | None) -> tuple[MappedCell, ...]:
        """Say how the columns of an entry, or of the patient, are read."""
        known = mapping.target_fields(list_name)
        return tuple(self._cell(name, it, known[it.to]) for name, it in columns.items())

    @staticmethod
    def constants(group: Group, list_name: str) -> dict[str, Any]:
        """The fields of an entry that are equal for all patients."""
        known = mapping.target_fields(list_name)
        return {name: _constant(value, known[name]) for name, value in group.set.items()}

    def read(self, cell: MappedCell, row: Row) -> Any:  # noqa: PLR0911 - one per kind of cell
        """Give the value of a cell, or what it says instead.

        Raises CellFault where it cannot be read, or the mapping does not name it.
        """
        text = cell.text(row)
        if cell.values is not None and text in cell.values:
            value = cell.values[text]
            return Says.ABSENT if value is None else value
        if not text or text.casefold() in cell.absent:
            return Says.ABSENT
        if text.casefold() in cell.none:
            return Says.NONE
        if cell.field.kind == "words":
            return self._words(cell, text)
        if cell.values is not None:
            raise self._unnamed(cell, text)
        if cell.field.kind == "date":
            return dates_in_words.read(text, cell.dates)
        if cell.field.kind in {"number", "integer"}:
            return _number(cell, text)
        return cells.value(text, cell.field)

    def _cell(self, name: str, column: Column, field: Field) -> MappedCell:
        general, values = self._map, column.values
        return MappedCell(
            self._places[name],
            name,
            column,
            field,
            name not in self._shared,
            None
            if values is None
            else {key.strip(): _constant(value, field) for key, value in values.items()},
            _folded(general.absent if column.absent is None else column.absent),
            _folded(general.none if column.none is None else column.none),
            column.dates or general.dates,
            (column.decimal or general.decimal) == ",",
            tuple(general.split if column.split is None else column.split),
        )

    def _words(self, cell: MappedCell, text: str) -> list[Any]:
        words = [text]
        for mark in cell.split:
            words = [part for word in words for part in word.split(mark)]
        words = [word.strip() for word in words if word.strip()]
        if cell.values is None:
            return words
        found: list[Any] = []
        for word in words:
            if word not in cell.values:
                raise self._unnamed(cell, word)
            found += cell.values[word] or []
        return found

    def _unnamed(self, cell: MappedCell, text: str) -> CellFault:
        key = (cell.name, text[:200])
        if key in self.unmapped or len(self.unmapped) < MOST_VALUES:
            self.unmapped[key] += 1
        return CellFault(
            "the mapping does not say what this value stands for; add it to `values`: known there "
            f"are {listed(cell.values or ())}"
        )


def _folded(words: Sequence[str]) -> frozenset[str]:
    return frozenset(word.strip().casefold() for word in words)


def _constant(value: Any, field: Field) -> Any:
    """A value that the mapping gives, as the field takes it."""
    if field.kind == "words" and value is not None:
        return [str(word) for word in (value if isinstance(value, list) else [value])]
    return str(value) if field.kind in {"text", "date"} and value is not None else value


def _number(cell: MappedCell, text: str) -> Any:
    if cell.comma:
        if "." in text:
            raise CellFault("a point in a number whose decimal mark is a comma; correct it")
        text = text.replace(",", ".")
    read = cells.plain_number if cell.field.kind == "integer" else cells.number
    value = read(text)
    if cell.column.times is None or isinstance(value, str):
        return value
    product = Decimal(text) * Decimal(str(cell.column.times))
    return int(product) if product == product.to_integral_value() else float(product)
