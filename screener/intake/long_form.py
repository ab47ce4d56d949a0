"""Tables in long form: one of patients, and one per list of the record with a row per entry.

Sheets of a workbook and files of a folder are read alike. Rows may stand in any order: they are
kept on disk until the patients are written, in the order of the table of patients.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from screener.errors import InputError, Problem
from screener.intake import cells, fields
from screener.intake.fields import ALLERGIES, LESIONS, PATIENT_ID, PATIENTS, SUBSTANCE
from screener.intake.source import Candidate
from screener.intake.spool import Entry, Spool
from screener.intake.tables import Row, Table, header_faults, nearest
from screener.record import LIST_FIELDS, PARTIAL_NAMES
from screener.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

TABLES = (PATIENTS, *LIST_FIELDS, LESIONS)
"""The tables, by name."""
EXAMINATION = "examination"
"""Column of `imaging` and `lesions` that ties the two together."""
COMPLETE, PARTIAL = "complete", "partial"
STATES = (cells.NONE, COMPLETE, PARTIAL)
"""What the column of a list says in the table of patients, and in `imaging` that of `lesions`."""

_PATH = re.compile(r"(\w+)\[(\d+)\](?:\.lesions\[(\d+)\])?(?:\.(\w+))?")


def columns(name: str) -> tuple[str, ...]:
    """Name the columns of a table in their order."""
    if name == PATIENTS:
        own = [field for field in fields.patient_fields() if field not in {"id", PARTIAL}]
        return (PATIENT_ID, *own, *LIST_FIELDS, PARTIAL)
    own = list(fields.entry_fields(name))
    if name == "imaging":
        return (PATIENT_ID, EXAMINATION, *own, LESIONS)
    if name == LESIONS:
        return (PATIENT_ID, EXAMINATION, *own)
    return (PATIENT_ID, *own)


class LongFormSource:
    """Tables of patients and of their lists, opened."""

    def __init__(
        self,
        name: str,
        tables: Mapping[str, Table],
        *,
        form: str,
        size: int = 0,
        scratch: Path | None = None,
    ) -> None:
        """Check the names of tables and columns.

        Raises InputError with everything that is wrong with them.
        """
        self.form = form
        self.size = size
        self._name = name
        self._tables = tables
        self._scratch = scratch
        self._spool: Spool | None = None
        faults = [
            f"{table.place}: there is no such list in the record; {nearest(key, TABLES)}"
            for key, table in tables.items()
            if key not in TABLES
        ]
        for known, table in tables.items():
            if known in TABLES:
                faults += header_faults(table, columns(known), PATIENT_ID)
        if PATIENTS not in tables:
            faults.append(f"there is no table `{PATIENTS}`, which has one row per patient; add it")
        if LESIONS in tables and EXAMINATION not in tables[LESIONS].header:
            faults.append(
                f"{tables[LESIONS].place}: there is no column `{EXAMINATION}`, which says to which "
                "row of `imaging` a lesion belongs; add it to both"
            )
        if faults:
            raise InputError(name, [Problem("", fault) for fault in faults])

    def candidates(self) -> Iterator[Candidate]:
        """Give the patients in the order of their table, then the rows that belong to none."""
        if self._spool is None:
            self._spool = self._filled()
        spool = self._spool
        table = self._tables[PATIENTS]
        columns = _Columns(table)
        row = None
        for row in table.rows():
            yield _Patient(self._tables, columns, row, spool).candidate()
        if row is None:
            fault = f"{table.place} has no row below its header, so there is no patient to screen"
            raise InputError(self._name, [Problem("", fault)])
        for patient in spool.orphans():
            yield from self._orphan(patient, spool.entries(patient))

    def position(self) -> int:
        """Tell how much of all tables has been read."""
        return sum(table.position() for table in self._tables.values())

    def close(self) -> None:
        """Remove what was kept on disk."""
        if self._spool:
            self._spool.close()
            self._spool = None

    def _filled(self) -> Spool:
        spool = Spool(self._scratch)
        try:
            patients = self._tables[PATIENTS]
            column = patients.header.index(PATIENT_ID)
            spool.add_patients(
                (identifier, row.number)
                for row in patients.rows()
                if (identifier := _word(row, column, PATIENT_ID, []))
            )
            for number, name in enumerate(TABLES):
                if name != PATIENTS and name in self._tables:
                    spool.add(_entries(name, number, self._tables[name]))
            spool.finish()
        except BaseException:
            spool.close()
            raise
        return spool

    def _orphan(self, patient: str, entries: list[Entry]) -> Iterator[Candidate]:
        """Reject rows whose patient is not in the table of patients."""
        if not patient:
            for entry in entries:
                name = TABLES[entry.table]
                place = {"sheet": name, "row": entry.row}
                message = f"the row has no `{PATIENT_ID}`, so it belongs to nobody; fill it in"
                problem = Problem("", f"{_where(self._tables[name], entry.row)}: {message}")
                yield Candidate(place, None, {name: [_raw(entry)]}, (problem,))
            return
        first = entries[0]
        rows: dict[str, list[Any]] = {}
        for entry in entries:
            rows.setdefault(TABLES[entry.table], []).append(_raw(entry))
        name = TABLES[first.table]
        message = (
            f"{_where(self._tables[name], first.row)}: this patient has {len(entries):,} row"
            f"{'' if len(entries) == 1 else 's'} in {listed(rows)} but none in `{PATIENTS}`; add "
            "one there, or correct the id"
        )
        place = {"sheet": name, "row": first.row}
        yield Candidate(place, None, rows, (Problem("id", message),), patient)


def _entries(name: str, number: int, table: Table) -> Iterator[Entry]:
    """Make the entries of a list from its table."""
    known = fields.entry_fields(name)
    places = {column: index for index, column in enumerate(table.header)}
    own = [(index, column, known[column]) for column, index in places.items() if column in known]
    for row in table.rows():
        faults = [("", row.fault)] if row.fault else []
        entry = _values(row, own, faults)
        patient = _word(row, places.get(PATIENT_ID), PATIENT_ID, faults)
        key = _word(row, places.get(EXAMINATION), EXAMINATION, faults)
        if name == "imaging":
            entry[LESIONS] = _state(row, places.get(LESIONS), LESIONS, faults)
        told = json.dumps(faults) if faults else ""
        made = (entry.get(SUBSTANCE) or [None]) if name == ALLERGIES else [entry]
        for item in made:
            yield Entry(patient, number, row.number, cells.as_json(item), told, key)


def _values(
    row: Row, own: Iterable[tuple[int, str, fields.Field]], faults: list[tuple[str, str]]
) -> dict[str, Any]:
    """Read the cells of a row that are not empty; what is wrong is added to `faults`."""
    entry = {}
    for index, column, field in own:
        try:
            found = cells.value(_cell(row, index), field)
        except cells.CellFault as fault:
            faults.append((column, str(fault)))
        else:
            if found is not None:
                entry[column] = found
    return entry


def _cell(row: Row, index: int | None) -> object:
    return row.cells[index] if index is not None and index < len(row.cells) else None


_WORD = fields.Field("", "text", "")


def _word(row: Row, index: int | None, column: str, faults: list[tuple[str, str]]) -> str:
    """Read an id, or another word that is compared with those in other tables."""
    cell = _cell(row, index)
    if cell is None or isinstance(cell, str):
        return (cell or "").strip()
    try:
        return str(cells.value(cell, _WORD) or "")
    except cells.CellFault as fault:
        faults.append((column, str(fault)))
        return ""


def _state(row: Row, index: int | None, column: str, faults: list[tuple[str, str]]) -> str:
    """Read what a cell says about a list: one of `STATES`, or nothing."""
    word = _word(row, index, column, faults).casefold()
    if word and word not in STATES:
        faults.append(
            (column, f"{listed(STATES)} or nothing is needed here; entries go in a table")
        )
        return ""
    return word


def _where(table: Table, row: int, column: str = "") -> str:
    return f"{table.place}, row {row}" + (f", column `{column}`" if column else "")


def _raw(entry: Entry) -> dict[str, Any]:
    return {"row": entry.row, "entry": json.loads(entry.text)}


class _Columns:
    """Where in the table of patients the fields and the lists stand."""

    def __init__(self, table: Table) -> None:
        known = {PATIENT_ID: fields.patient_fields()["id"], **fields.patient_fields()}
        self.own = [(i, name, known[name]) for i, name in enumerate(table.header) if name in known]
        self.lists = {name: i for i, name in enumerate(table.header) if name in LIST_FIELDS}


class _Patient:
    """One row of the table of patients with the rows of its lists."""

    def __init__(
        self, tables: Mapping[str, Table], columns: _Columns, row: Row, spool: Spool
    ) -> None:
        self._tables = tables
        self._table = tables[PATIENTS]
        self._columns = columns
        self._row = row
        self._spool = spool
        self._problems: list[Problem] = []
        self._faulty: dict[str, list[Any]] = {}
        self._partial: list[str] = []

    def candidate(self) -> Candidate:
        """Put the record together."""
        row = self._row
        faults = [("", row.fault)] if row.fault else []
        found = _values(row, self._columns.own, faults)
        identifier = str(found.get(PATIENT_ID, ""))
        named = found.pop(PARTIAL, None)
        record = _nested(found)
        states = {
            name: _state(row, self._columns.lists.get(name), name, faults) for name in LIST_FIELDS
        }
        self._tell(faults)
        by_list: dict[str, list[Entry]] = {}
        for entry in self._spool.entries(identifier) if identifier else ():
            by_list.setdefault(TABLES[entry.table], []).append(entry)
        self._repeated(identifier)
        parts = [cells.as_json(record)[1:-1]] if record else []
        rows: dict[str, list[int]] = {}
        lesions: dict[int, list[int]] = {}
        for name in LIST_FIELDS:
            mine = by_list.get(name, [])
            texts = [entry.text for entry in mine]
            if name == "imaging":
                texts, lesions = self._examinations(mine, by_list.get(LESIONS, []))
            if mine:
                self._tell_entries(name, mine)
            if (mine or states[name]) and self._is_given(name, states[name], len(mine), named):
                parts.append(f'"{name}":[{",".join(texts)}]')
            rows[name] = [entry.row for entry in mine]
        partial_names = self._partial_names(named)
        if partial_names is not None:
            parts.append(f'"{PARTIAL}":{cells.as_json(partial_names)}')
        return Candidate(
            {"sheet": PATIENTS, "row": row.number},
            ("{" + ",".join(parts) + "}").encode(),
            self._raw() if self._problems else None,
            tuple(self._problems),
            where=partial(
                _place_of,
                {name: table.place for name, table in self._tables.items()},
                row.number,
                {name: found for name, found in rows.items() if found},
                lesions,
            ),
        )

    def _tell(self, faults: list[tuple[str, str]]) -> None:
        for column, message in faults:
            place = _where(self._table, self._row.number, column)
            path = "id" if column == PATIENT_ID else column
            self._problems.append(Problem(path, f"{place}: {message}"))

    def _tell_entries(self, name: str, entries: list[Entry], at: str = "") -> None:
        for index, entry in enumerate(entries):
            for column, message in json.loads(entry.faults) if entry.faults else ():
                place = _where(self._tables[name], entry.row, column)
                path = at or f"{name}[{index}]" + (f".{column}" if column else "")
                self._problems.append(Problem(path, f"{place}: {message}"))
                self._keep(name, entry)

    def _keep(self, name: str, entry: Entry) -> None:
        self._faulty.setdefault(name, []).append(_raw(entry))

    def _repeated(self, identifier: str) -> None:
        """Reject all rows of one id: whose the rows of the lists are cannot be told."""
        others = [r for r in self._spool.rows(identifier) if r != self._row.number]
        if others:
            place = _where(self._table, self._row.number, PATIENT_ID)
            rows = ", ".join(map(str, others[:10]))
            message = f"the same id as in row {rows}; give each patient one row and one id"
            self._problems.append(Problem("id", f"{place}: {message}"))

    def _is_given(self, name: str, state: str, count: int, named: list[str] | None) -> bool:
        """Tell whether the record has a list, and note if it may lack entries."""
        sheet = f"`{name}`"
        if count and state == cells.NONE:
            fault = f"`{cells.NONE}`, but there are rows in {sheet}; remove one of the two"
        elif not count and state == COMPLETE:
            fault = (
                f"`{COMPLETE}`, but there is no row in {sheet}; write `{cells.NONE}` if there is "
                "none, or add the rows"
            )
        elif state in {COMPLETE, cells.NONE} and name in (named or ()):
            fault = f"`{state}`, but the column `{PARTIAL}` names the list; remove one of the two"
        else:
            fault = ""
        if fault:
            self._tell([(name, fault)])
        if state == PARTIAL or (count and not state):
            self._partial.append(name)
        return bool(count or state)

    def _partial_names(self, named: list[str] | None) -> list[str] | None:
        """Join what the column `partial` names with what the lists say."""
        unknown = [name for name in named or () if name not in PARTIAL_NAMES]
        both = {*(named or ()), *self._partial}
        joined = [name for name in PARTIAL_NAMES if name in both] + unknown
        return joined if joined or named is not None else None

    def _examinations(
        self, imaging: list[Entry], lesions: list[Entry]
    ) -> tuple[list[str], dict[int, list[int]]]:
        """Put lesions into their examinations; give the texts, and the rows of the lesions."""
        keys: dict[str, int] = {}
        for index, entry in enumerate(imaging):
            if entry.key and keys.setdefault(entry.key, index) != index:
                self._told_at(
                    "imaging", entry, f"imaging[{index}]", "another examination of this patient "
                    "has the same name; give each its own",
                )  # fmt: skip
        found: dict[int, list[Entry]] = {}
        for lesion in lesions:
            at = keys.get(lesion.key, -1)
            if at < 0:
                why = (
                    "no row of `imaging` has this name for the patient; write the same there"
                    if lesion.key
                    else "empty; write here what the examination is called in `imaging`"
                )
                self._told_at(LESIONS, lesion, "imaging", why)
                self._tell_entries(LESIONS, [lesion], "imaging")
            else:
                found.setdefault(at, []).append(lesion)
        texts = []
        for index, entry in enumerate(imaging):
            data = json.loads(entry.text)
            state, mine = data.pop(LESIONS), found.get(index, [])
            for place, lesion in enumerate(mine):
                self._tell_entries(LESIONS, [lesion], f"imaging[{index}].lesions[{place}]")
            if mine and state == cells.NONE:
                self._told_at(
                    "imaging", entry, f"imaging[{index}].lesions",
                    f"`{cells.NONE}`, but there are rows in `{LESIONS}`; remove one of the two",
                    column=LESIONS,
                )  # fmt: skip
            if not mine and state == COMPLETE:
                self._told_at(
                    "imaging", entry, f"imaging[{index}].lesions",
                    f"`{COMPLETE}`, but there is no row in `{LESIONS}`; write `{cells.NONE}` if "
                    "there is none, or add the rows", column=LESIONS,
                )  # fmt: skip
            if state == PARTIAL or (mine and not state):
                self._partial.append(LESIONS)
            if mine or state:
                data[LESIONS] = [json.loads(lesion.text) for lesion in mine]
            texts.append(cells.as_json(data))
        return texts, {index: [lesion.row for lesion in mine] for index, mine in found.items()}

    def _told_at(
        self, name: str, entry: Entry, path: str, message: str, column: str = EXAMINATION
    ) -> None:
        place = _where(self._tables[name], entry.row, column)
        self._problems.append(Problem(path, f"{place}: {message}"))
        self._keep(name, entry)

    def _raw(self) -> dict[str, Any]:
        """What stood in the row, and in the rows of lists that are at fault."""
        row = {
            column: item
            for column, cell in zip(self._table.header, self._row.cells, strict=False)
            if (item := cells.shown(cell)) is not None
        }
        return {PATIENTS: [{"row": self._row.number, "cells": row}], **self._faulty}


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Make objects of the names with a dot."""
    record: dict[str, Any] = {}
    for name, item in flat.items():
        outer, _, inner = ("id" if name == PATIENT_ID else name).partition(".")
        if inner:
            record.setdefault(outer, {})[inner] = item
        else:
            record[outer] = item
    return record


def _place_of(
    tables: dict[str, str],
    patient_row: int,
    rows: dict[str, list[int]],
    lesions: dict[int, list[int]],
    path: str,
) -> str:
    """Find the sheet, row and column of a path of the record."""
    match = _PATH.match(path)
    if match and match[1] in rows and int(match[2]) < len(rows[match[1]]):
        name, index, lesion, column = match[1], int(match[2]), match[3], match[4]
        if lesion is not None:
            name, row = LESIONS, lesions[index][int(lesion)]
        else:
            row = rows[name][index]
        column = SUBSTANCE if name == ALLERGIES else column
    else:
        name, row = PATIENTS, patient_row
        column = PATIENT_ID if path == "id" else path.partition("[")[0]
    return f"{tables[name]}, row {row}" + (f", column `{column}`" if column else "")
