"""Opens DuckDB, closed to everything but memory.

The package `duckdb` is a layer of Python over the module `_duckdb`, and most of the time that its
import takes goes into parts that are not used here. So the module is taken directly where it is as
expected, and the package otherwise.
"""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_LOCKED: dict[str, Any] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
}
_begun: SimpleQueue[DuckDBPyConnection | Exception] = SimpleQueue()
_expected = 0


def connect(threads: int = 1) -> DuckDBPyConnection:
    """A new database in memory, without access to files, network or extensions."""
    global _expected  # noqa: PLW0603  # how many `begin` has under way
    if threads == 1 and _expected:
        _expected -= 1
        opened = _begun.get()
        if not isinstance(opened, Exception):
            return opened
    return _open(threads)


def begin() -> None:
    """Load DuckDB and open a database in the background, for the next `connect`."""
    global _expected  # noqa: PLW0603
    _expected += 1
    threading.Thread(target=_open_ahead, daemon=True).start()


def error() -> type[Exception]:
    """The base of every error of the database."""
    base: type[Exception] = _module().Error
    return base


def _open_ahead() -> None:
    try:
        _begun.put(_open(1))
    except Exception as fault:  # met again, and told, by whoever connects
        _begun.put(fault)


def _open(threads: int) -> DuckDBPyConnection:
    connection: DuckDBPyConnection = _module().connect(config={"threads": threads, **_LOCKED})
    return connection


def _module() -> Any:
    try:
        import _duckdb  # noqa: PLC0415

        _duckdb.connect  # noqa: B018  # a module of that name without it is another
    except (ImportError, AttributeError):
        import duckdb  # noqa: PLC0415

        return duckdb
    return _duckdb
