"""Opens DuckDB, closed to everything but memory.

The package `duckdb` is a layer of Python over the module `_duckdb`, and most of the time that its
import takes goes into parts that are not used here. So the module is taken directly where it is as
expected, and the package otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb as _database
else:
    try:
        import _duckdb as _database

        _database.connect  # noqa: B018  # a module of that name without it is another
    except (ImportError, AttributeError):
        import duckdb as _database

Error = _database.Error
"""Base of every error of the database."""

FileError = _database.IOException
"""A file cannot be read or written: the disk is full, say."""

_LOCKED: dict[str, Any] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
}


def connect(
    threads: int = 1, *, reads: str | None = None, writes: str | None = None
) -> _database.DuckDBPyConnection:
    """A new database in memory, without access to files, network or extensions.

    The exceptions are one file that it `reads`, or the files of one folder that it `writes`.
    """
    if reads is None and writes is None:
        return _quiet(_database.connect(config={"threads": threads, **_LOCKED}))
    connection = _quiet(_database.connect(config={"threads": threads}))
    if reads is not None:
        connection.execute("SET allowed_paths = [?]", [reads])
    if writes is not None:
        connection.execute("SET allowed_directories = [?]", [writes])
    for name, value in _LOCKED.items():
        connection.execute(f"SET {name} = {value}")
    return connection


def _quiet(connection: _database.DuckDBPyConnection) -> _database.DuckDBPyConnection:
    """Without a progress bar, which would go to standard output from a process without a script.

    DuckDB takes such a one, as a worker of a batch is, for an interactive session.
    """
    connection.execute("SET enable_progress_bar = false")
    return connection


def to_arrow(connection: _database.DuckDBPyConnection, query: str) -> Any:
    """The rows of a query as a table of Arrow."""
    import duckdb  # noqa: F401, PLC0415  # adds what the module lacks to its connections

    return connection.sql(query).to_arrow_table()


def from_arrow(connection: _database.DuckDBPyConnection, name: str, table: Any) -> None:
    """Let statements read a table of Arrow by a name."""
    import duckdb  # noqa: F401, PLC0415  # as above

    connection.register(name, table)
