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
    _lock(connection)
    return connection


def unlocked(threads: int = 1) -> _database.DuckDBPyConnection:
    """A new database in memory that nothing locks yet: only for `be_like`, which does."""
    return _quiet(_database.connect(config={"threads": threads}))


def be_like(connection: _database.DuckDBPyConnection, path: str) -> None:
    """Give an unlocked database the tables and macros of a file, without rows, and close it.

    Raises:
        Error: the file is no database, or damaged.
    """
    quoted = path.replace("'", "''")
    connection.execute(
        f"ATTACH '{quoted}' AS kept (READ_ONLY); COPY FROM DATABASE kept TO memory (SCHEMA); "
        "DETACH kept"
    )
    _lock(connection)


def write(path: str, statements: str) -> None:
    """Make a database file of some statements.

    Raises:
        Error: a statement fails, or the file cannot be written.
    """
    with _database.connect(path) as connection:
        connection.execute(statements)


def _lock(connection: _database.DuckDBPyConnection) -> None:
    connection.execute("; ".join(f"SET {name} = {value}" for name, value in _LOCKED.items()))


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
