"""A database in which the statements of one study are bound and never run."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from screener import database
from screener.errors import StudyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from duckdb import DuckDBPyConnection

    from screener.encoding.study import Encoding


class Scratch:
    """Has the macros of an encoding, and the tables that were made in it.

    It is opened when it is first asked. Each study has one of its own: another one's macros may
    have the same names.
    """

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding

    @cached_property
    def connection(self) -> DuckDBPyConnection:
        """The database itself, for expressions of macros."""
        connection = database.connect()
        connection.execute(f"PRAGMA disable_optimizer; {self._encoding.logic}")
        return connection

    def make(self, tables: str) -> None:
        """Make tables that stay."""
        self.connection.execute(tables)

    def types(self, statement: str) -> dict[str, str]:
        """The columns that a statement gives, and their types.

        Raises:
            StudyError: the statement does not fit its tables.
        """
        try:
            columns = self.connection.execute(f"DESCRIBE {statement}").fetchall()
        except database.Error as error:
            raise self._unfit(error) from None
        return {name: kind for name, kind, *_ in columns}

    def bind(self, statements: Iterable[str]) -> None:
        """Have DuckDB bind statements, so that a wrong type is found now.

        Raises:
            StudyError: a statement does not fit its tables.
        """
        try:
            for text in statements:
                self.connection.execute(f"PREPARE checked AS {text}; DEALLOCATE checked")
        except database.Error as error:
            raise self._unfit(error) from None

    def _unfit(self, error: Exception) -> StudyError:
        return StudyError(f"{self._encoding.study.id}: the facts do not fit together: {error}")


def table(name: str, types: Mapping[str, str]) -> str:
    """SQL that creates a table."""
    return f"CREATE TABLE {name}(" + ", ".join(f'"{c}" {kind}' for c, kind in types.items()) + ")"
