"""One flat CSV file, read by a mapping: a row per patient, or several that belong together."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from screener.errors import InputError, Problem
from screener.intake import cells, mapping
from screener.intake.cells import CellFault
from screener.intake.csv_table import CsvTable
from screener.intake.fields import LESIONS
from screener.intake.mapped_cells import CellReader, MappedCell, Says
from screener.intake.source import Candidate
from screener.intake.spool import Entry, Spool
from screener.intake.tables import Row, nearest
from screener.record import LIST_FIELDS, PARTIAL_NAMES
from screener.wording import path_text, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from screener.intake.mapping import Group, Mapping
    from screener.intake.text import TextFile

_SHOWN = 20
_NONE_OF_ALL = (
    "the cell says that there is none; say in the mapping under `values` what that means for this "
    "field, or under `none` of the column that the whole list is empty"
)
_BOTH = "one column says that there is none, another gives an entry; correct whichever is wrong"


class FlatCsvSource:
    """A CSV file with its mapping, opened."""

    form = "CSV with a mapping"

    def __init__(self, file: TextFile, mapping_path: Path, scratch: Path | None = None) -> None:
        """Read mapping and header.

        Raises StudyError for the mapping, and InputError with every column that the mapping names
        and the file lacks, or that the file has and the mapping does not name.
        """
        self._map = mapping.load(mapping_path)
        self._table = CsvTable(file)
        self._scratch = scratch
        self._spool: Spool | None = None
        if faults := list(_header_faults(self._table.header, self._map)):
            raise InputError(file.name, [Problem("", fault) for fault in faults])
        self._by_entry = self._map.one_row_per == "entry"
        self.size = file.size
        self._cells = CellReader(self._map, self._table.header)
        self._reader = _Reader(self._map, self._table.header, self._cells)

    @property
    def unmapped(self) -> Counter[tuple[str, str]]:
        """How often each value stood in a column whose `values` do not name it."""
        return self._cells.unmapped

    def candidates(self) -> Iterator[Candidate]:
        """Give the patients in the order of their first rows."""
        self.unmapped.clear()
        if next(self._table.rows(), None) is None:
            message = "there is no row below the header, so there is no patient to screen"
            raise self._table.file.fault(message)
        if not self._by_entry:
            for row in self._table.rows():
                yield self._reader.candidate([row])
            return
        if self._spool is None:
            self._spool = Spool(self._scratch)
            yield from self._fill(self._spool)
        else:
            yield from self._nameless()
        for patient in self._spool.patients():
            entries = self._spool.entries(patient)
            yield self._reader.candidate([_kept(entry) for entry in entries])

    def position(self) -> int:
        """Tell how many bytes have been read."""
        return self._table.position()

    def close(self) -> None:
        """Remove what was kept on disk."""
        if self._spool:
            self._spool.close()
            self._spool = None

    def remarks(self) -> list[str]:
        """After reading: the values that the mapping does not name, by column, with counts."""
        by_column: dict[str, list[str]] = {}
        for (column, value), count in self.unmapped.most_common():
            by_column.setdefault(column, []).append(f"{shown(value)} ({count:,})")
        return [
            f"column {shown(column)}: values that the mapping does not name, with their counts: "
            + ", ".join(told[:_SHOWN])
            + (f" and {len(told) - _SHOWN:,} more" if len(told) > _SHOWN else "")
            + "; add them to its `values`"
            for column, told in by_column.items()
        ]

    def _fill(self, spool: Spool) -> Iterator[Candidate]:
        for row in self._table.rows():
            patient = self._reader.identifier(row)
            if not patient:
                yield self._reader.candidate([row])
                continue
            spool.add_patients([(patient, row.number)])
            text = json.dumps([row.cells, row.fault])
            spool.add([Entry(patient, 0, row.number, text, "", "")])
        spool.finish()

    def _nameless(self) -> Iterator[Candidate]:
        for row in self._table.rows():
            if not self._reader.identifier(row):
                yield self._reader.candidate([row])


def _kept(entry: Entry) -> Row:
    found, fault = json.loads(entry.text)
    return Row(entry.row, found, fault)


def _header_faults(header: Sequence[str], mapped: Mapping) -> Iterator[str]:
    named = dict.fromkeys([*mapping.named_columns(mapped), *mapped.ignore])
    counts = Counter(header)
    for name in named:
        if name not in counts:
            yield (
                f"the mapping names a column {shown(name)}, and the file has none; "
                f"{nearest(name, list(counts))}"
            )
    for name, count in counts.items():
        if not name:
            yield "a column has no name; name it in the first line"
        elif count > 1:
            yield f"there are {count} columns {shown(name)}; give each a name of its own"
        elif name not in named:
            yield f"column {shown(name)} is not in the mapping; add it there, or under `ignore`"


@dataclass(frozen=True, slots=True)
class _Group:
    """How one entry is read."""

    name: str
    cells: tuple[MappedCell, ...]
    constants: dict[str, Any]
    only_if: str | None
    lesions: tuple[_Group, ...] = ()


class _Reader:
    """Makes candidates of rows."""

    def __init__(self, mapped: Mapping, header: Sequence[str], reader: CellReader) -> None:
        self._map = mapped
        self._header = header
        self._cells = reader
        self._single = reader.cells(mapped.columns, None)
        self._id = next(cell for cell in self._single if cell.field.name == "id")
        self._groups = tuple(
            self._group(entry, entry.to, tuple(self._group(it, LESIONS) for it in entry.lesions))
            for entry in mapped.entries
        )
        self._columns = [
            {cell.field.name: cell.name for cell in group.cells} for group in self._groups
        ]
        self._single_columns = {cell.field.name: cell.name for cell in self._single}

    def _group(self, group: Group, name: str, lesions: tuple[_Group, ...] = ()) -> _Group:
        return _Group(
            name,
            self._cells.cells(group.columns, name),
            self._cells.constants(group, name),
            group.only_if,
            lesions,
        )

    def identifier(self, row: Row) -> str:
        """Read the patient's id; empty where there is none."""
        return self._id.text(row)

    def candidate(self, rows: list[Row]) -> Candidate:
        """Make a candidate of the rows of one patient."""
        problems = [Problem("", f"line {it.number}: {it.fault}") for it in rows if it.fault]
        record = self._patient(rows, problems)
        origins: dict[str, list[tuple[int, int]]] = {}
        empty: set[str] = set()
        shortened: set[str] = set()
        for row in rows:
            for number, group in enumerate(self._groups):
                entries = record.setdefault(group.name, [])
                path = f"{group.name}[{len(entries)}]"
                lesions = self._lesions(group, row, path, problems)
                entry = self._entry(group, row, path, problems, empty, bool(lesions))
                if entry is None:
                    continue
                if lesions is not None:
                    entry[LESIONS] = lesions
                    shortened |= {LESIONS} if lesions else set()
                entries.append(entry)
                origins.setdefault(group.name, []).append((number, row.number))
        for name in {group.name for group in self._groups}:
            if name in empty and record[name]:
                problems.append(Problem(name, _BOTH))
            if not record[name] and name not in empty:
                del record[name]
        given = {name for name in LIST_FIELDS if record.get(name)} | shortened
        if names := [it for it in PARTIAL_NAMES if it in given - set(self._map.complete)]:
            record["partial"] = names
        several = len(rows) > 1
        return Candidate(
            {"line": rows[0].number},
            cells.as_json(record).encode(),
            self._raw(rows) if problems else None,
            tuple(problems),
            where=partial(
                _place_of, self._single_columns, self._columns, origins, rows[0].number, several
            ),
        )

    def _patient(self, rows: list[Row], problems: list[Problem]) -> dict[str, Any]:
        """Read the fields of which a patient has one; several rows may not contradict."""
        record: dict[str, Any] = {}
        first: dict[str, tuple[Any, int]] = {}
        for row in rows:
            for cell in self._single:
                found = self._read(cell, row, cell.field.name, problems)
                if found is Says.ABSENT:
                    continue
                if found is Says.NONE:
                    if cell.field.kind != "words":
                        problems.append(self._problem(
                            cell, row, cell.field.name,
                            "the cell says that there is none, and this field is no list; say in "
                            "`values` what it means",
                        ))  # fmt: skip
                        continue
                    found = []
                earlier, line = first.setdefault(cell.field.name, (found, row.number))
                if earlier != found:
                    problems.append(self._problem(
                        cell, row, cell.field.name,
                        f"another value than in line {line} of the same patient; correct "
                        "whichever is wrong",
                    ))  # fmt: skip
                outer, _, inner = cell.field.name.partition(".")
                if inner:
                    record.setdefault(outer, {})[inner] = earlier
                else:
                    record[outer] = earlier
        return record

    def _entry(  # noqa: PLR0913, PLR0917 - where the entry stands, and what is found there
        self,
        group: _Group,
        row: Row,
        path: str,
        problems: list[Problem],
        empty: set[str],
        there: bool = False,
    ) -> dict[str, Any] | None:
        """Read an entry; None where no cell that belongs to it alone is filled, unless `there`."""
        entry: dict[str, Any] = {}
        filled: set[str] = set()
        faults: list[Problem] = []
        for cell in group.cells:
            before = len(faults)
            found = self._read(cell, row, f"{path}.{cell.field.name}", faults)
            if found is Says.NONE and cell.field.kind != "words":
                if cell.column.none is None:
                    at = f"{path}.{cell.field.name}"
                    problems.append(self._problem(cell, row, at, _NONE_OF_ALL))
                empty.add(group.name)
                continue
            if found is not Says.ABSENT or len(faults) > before:
                filled.add(cell.name)
            if found is Says.ABSENT:
                continue
            entry[cell.field.name] = [] if found is Says.NONE else found
            if cell.column.unit:
                entry["unit"] = cell.column.unit
        decisive = {group.only_if} if group.only_if else {it.name for it in group.cells if it.own}
        if not filled & decisive and not there:
            return None
        problems += faults
        return {**group.constants, **entry}

    def _lesions(
        self, group: _Group, row: Row, path: str, problems: list[Problem]
    ) -> list[dict[str, Any]] | None:
        """Read the lesions of an examination; None where no cell says anything of them."""
        found: list[dict[str, Any]] = []
        none: set[str] = set()
        for lesion in group.lesions:
            at = f"{path}.{LESIONS}[{len(found)}]"
            if (made := self._entry(lesion, row, at, problems, none)) is not None:
                found.append(made)
        if found and none:
            problems.append(Problem(f"{path}.{LESIONS}", _BOTH))
        return found if found or none else None

    def _read(self, cell: MappedCell, row: Row, path: str, problems: list[Problem]) -> Any:
        try:
            return self._cells.read(cell, row)
        except CellFault as fault:
            problems.append(self._problem(cell, row, path, str(fault)))
            return Says.ABSENT

    def _problem(self, cell: MappedCell, row: Row, path: str, message: str) -> Problem:
        return Problem(path, f"line {row.number}, column {shown(cell.name)}: {message}")

    def _raw(self, rows: list[Row]) -> Any:
        found = [
            {name: c for name, c in zip(self._header, row.cells, strict=False) if c} for row in rows
        ]
        return found if len(found) > 1 else found[0]


def _place_of(  # noqa: PLR0913, PLR0917 - all but the last are bound beforehand
    single: dict[str, str],
    groups: list[dict[str, str]],
    origins: dict[str, list[tuple[int, int]]],
    line: int,
    several: bool,
    path: str,
) -> str:
    """Find the line and column of a path of the record."""
    column = single.get(path.partition("[")[0])
    for name, found in origins.items():
        for index, (group, row) in enumerate(found):
            prefix = path_text((name, index))
            if path == prefix or path.startswith(f"{prefix}."):
                column, line = groups[group].get(path[len(prefix) + 1 :].partition("[")[0]), row
    return f"line {line}, column {shown(column)}" if column else f"line {line}" if several else ""
