"""SQL read and written by DuckDB itself, so that there is no second grammar.

Texts go many at a time: to ask takes DuckDB longer than to parse what is asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from screener import database

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_decode: Callable[[str], dict[str, Any]] = msgspec.json.decode


@cache
def _connection() -> DuckDBPyConnection:
    """One for all studies: it holds no table or macro, and a text means the same in each."""
    connection = database.connect()
    connection.execute("PRAGMA disable_optimizer")
    return connection


def parsed(texts: Iterable[str]) -> list[dict[str, Any]]:
    """What `json_serialize_sql` gives for each text; for what is no SQL, `error` is true in it."""
    return [_decode(found) for found in _each("json_serialize_sql(given)", texts)]


def written(statements: Iterable[dict[str, Any]]) -> list[str]:
    """Parsed statements as text."""
    given = (msgspec.json.encode(statement).decode() for statement in statements)
    return _each("json_deserialize_sql(given::JSON)", given)


def _each(expression: str, given: Iterable[str]) -> list[str]:
    rows = _connection().execute(
        f"SELECT {expression} FROM (SELECT unnest($all::VARCHAR[]) AS given)",  # noqa: S608
        {"all": list(given)},
    )
    return [row[0] for row in rows.fetchall()]
