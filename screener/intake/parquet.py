"""A Parquet file with the record's fields as columns, lists and objects nested.

DuckDB reads it and writes each row as JSON, by a statement made from the types of the columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from screener import database
from screener.errors import InputError, Problem
from screener.intake.fields import resolve
from screener.intake.source import Candidate
from screener.intake.tables import nearest
from screener.record_schema import Node, schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ROWS = 2048
_INTEGERS = {
    "tinyint", "smallint", "integer", "bigint", "hugeint",
    "utinyint", "usmallint", "uinteger", "ubigint", "uhugeint",
}  # fmt: skip
_TIMES = {"timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns", "timestamp with time zone"}
_TEXTS = {"varchar", "enum", "uuid"}


class ParquetSource:
    """A Parquet file, opened."""

    form = "Parquet"

    def __init__(self, path: Path, name: str) -> None:
        """Check the columns.

        Raises InputError where it is damaged, or with every column that the record has not or
        whose type cannot be the field's.
        """
        self._name = name
        self._read = 0
        self._path = str(path.resolve())
        if any(mark in self._path for mark in "*?["):
            raise self._error("the path has a character `*`, `?` or `[`; rename the file or folder")
        connection = self._connection()
        try:
            connection.execute("SELECT * FROM read_parquet(?) LIMIT 0", [self._path])
            columns = [(str(name), kind) for name, kind, *_ in connection.description]
            (counted,) = connection.execute(
                "SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata(?)", [self._path]
            ).fetchall()
        except database.Error:
            raise self._error("the Parquet file is damaged or cut off; get it again") from None
        finally:
            connection.close()
        self.size = int(counted[0] or 0)
        row = JsonRow(columns)
        self._select = row.select
        faults = row.faults
        if not self.size:
            faults.append("the file has no rows, so there is no patient to screen")
        if faults:
            raise InputError(name, [Problem("", fault) for fault in faults])

    def candidates(self) -> Iterator[Candidate]:
        """Give the rows."""
        connection = self._connection()
        try:
            statement = f"SELECT CAST({self._select} AS VARCHAR) FROM read_parquet(?)"
            result = connection.execute(statement, [self._path])
            self._read = 0
            while rows := result.fetchmany(_ROWS):
                for (text,) in rows:
                    self._read += 1
                    yield Candidate({"row": self._read}, text.encode())
        except database.Error:
            raise self._error(
                "the Parquet file is damaged; get it again", f"after row {self._read}"
            ) from None
        finally:
            connection.close()

    def position(self) -> int:
        """Tell how many rows have been read."""
        return self._read

    def close(self) -> None:
        """Nothing is kept between readings."""

    def _connection(self) -> Any:
        """A database that may read this file and nothing else."""
        return database.connect(reads=self._path)

    def _error(self, message: str, place: str = "") -> InputError:
        return InputError(self._name, [Problem(place, message)])


class JsonRow:
    """The expression that gives the JSON of a row, made from the types of its columns."""

    def __init__(self, columns: list[tuple[str, Any]]) -> None:
        """Take the columns, each with its type of DuckDB."""
        self.faults: list[str] = []
        """What is wrong with the columns."""
        self.select = self._object(schema(), columns, (), None)
        """The expression, as SQL."""
        if "id" not in dict(columns):
            self.faults.append("there is no column `id`, which names the patient; add it")

    def _value(  # noqa: PLR0911 - one per kind of value
        self, node: Node, kind: Any, path: tuple[str, ...], ref: str
    ) -> str:
        """Write the expression that gives the JSON of one value."""
        node = resolve(node)
        if str(kind).strip('"') == "NULL":  # a column in which nothing was ever recorded
            return "NULL"
        match node["type"]:
            case "array":
                if kind.id != "list":
                    return self._refuse(path, kind, "a list")
                variable = f"x{len(path)}"
                inner = self._value(
                    node["items"], dict(kind.children)["child"], (*path, ""), variable
                )
                return f"to_json(list_transform({ref}, lambda {variable}: {inner}))"
            case "object":
                if kind.id != "struct":
                    return self._refuse(path, kind, "an object (struct)")
                return self._object(node, list(kind.children), path, ref)
            case "number" | "integer":
                return self._number(node["type"], kind, path, ref)
            case "boolean":
                if kind.id in {"boolean", "varchar"} | _INTEGERS:
                    return f"to_json({ref})"
                return self._refuse(path, kind, "true or false")
        if node.get("format") == "Date" and kind.id in {"date"} | _TIMES:
            return f"to_json(strftime(CAST({ref} AS DATE), '%Y-%m-%d'))"
        if kind.id in _TEXTS | _INTEGERS:
            return f"to_json(CAST({ref} AS VARCHAR))"
        if kind.id in {"double", "float"}:  # whole numbers of a column that has empty cells
            return (
                f"to_json(CASE WHEN {ref} = trunc({ref}) AND abs({ref}) < 1e15 "
                f"THEN CAST(CAST({ref} AS BIGINT) AS VARCHAR) ELSE CAST({ref} AS VARCHAR) END)"
            )
        return self._refuse(
            path, kind, "a date or text" if node.get("format") == "Date" else "text"
        )

    def _object(
        self, node: Node, columns: list[tuple[str, Any]], path: tuple[str, ...], ref: str | None
    ) -> str:
        known = node["properties"]
        parts = []
        for name, kind in columns:
            if name not in known:
                advice = nearest(name, list(known))
                self.faults.append(f"{_column((*path, name))} is not in the record; {advice}")
                continue
            inner = f"{ref}.{_quoted(name)}" if ref else _quoted(name)
            parts.append(f"'{name}', {self._value(known[name], kind, (*path, name), inner)}")
        made = f"json_object({', '.join(parts)})"
        return made if ref is None else f"CASE WHEN {ref} IS NULL THEN NULL ELSE {made} END"

    def _number(self, needed: str, kind: Any, path: tuple[str, ...], ref: str) -> str:
        if kind.id in {"varchar"} | _INTEGERS:  # text is refused as such, with its path
            return f"to_json({ref})"
        if kind.id == "decimal":
            if needed == "number":
                return f"to_json(CAST({ref} AS DOUBLE))"
            whole = f"{ref} = trunc({ref})"
        elif kind.id in {"double", "float"}:
            # A float of 32 bits is taken by its shortest text, so that 0.1 stays 0.1.
            value = f"CAST(CAST({ref} AS VARCHAR) AS DOUBLE)" if kind.id == "float" else ref
            finite = (
                f"CASE WHEN isfinite({ref}) THEN to_json({value}) "
                f"ELSE to_json(CAST({ref} AS VARCHAR)) END"
            )
            if needed == "number":
                return finite
            whole = f"isfinite({ref}) AND abs({ref}) < 1e15 AND {ref} = trunc({ref})"
            return f"CASE WHEN {whole} THEN to_json(CAST({ref} AS BIGINT)) ELSE {finite} END"
        else:
            return self._refuse(path, kind, "a number")
        return (
            f"CASE WHEN {whole} THEN to_json(CAST({ref} AS BIGINT)) "
            f"ELSE to_json(CAST({ref} AS DOUBLE)) END"
        )

    def _refuse(self, path: tuple[str, ...], kind: Any, needed: str) -> str:
        self.faults.append(f"{_column(path)} has the type {str(kind)[:60]}; needed is {needed}")
        return "NULL"


def _column(path: tuple[str, ...]) -> str:
    return f"column `{'.'.join(step for step in path if step)}`"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
