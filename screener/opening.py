"""Opens the database that the statements of a plan run in, and has DuckDB prepare them.

Preparing takes longer than all else that a single record needs, so it happens in the background, a
statement a thread. DuckDB reads statements from text or, in a fifth of that time, from a file in
which they were kept as macros.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from screener import database
from screener.later import Later

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from screener.plan import Part, Plan

_VIEWED = "viewed"
_MARK = "plan_"
_ROWS = "rows_of_"


class Opened(NamedTuple):
    """A database with its tables, and the cursors on which its statements are being prepared."""

    connection: DuckDBPyConnection
    answering: list[Later[DuckDBPyConnection]]
    """For each part, where `EXECUTE answer` fills its table."""
    filling: Later[DuckDBPyConnection]
    """Where `EXECUTE fill` fills the table `viewed`."""


def of_plan(plan: Plan, parts: Sequence[Part], threads: int = 1) -> Opened:
    """The database of a plan, read from its text.

    Raises:
        database.Error: a statement of the plan fails.
    """
    connection = database.connect(threads)
    connection.execute(f"BEGIN; {_tables(plan, parts)}; {plan.logic}; COMMIT")
    return _opened(connection, plan.view, {part.table: part.statement for part in parts})


def of_file(read: DuckDBPyConnection, plan: Plan) -> Opened:
    """The database of the halves of a plan, from one that was read from the file (`read_file`).

    Raises:
        database.Error: the file was of another plan.
    """
    read.execute(f"PREPARE known AS FROM {_MARK}{plan.sha256}; DEALLOCATE known")
    return _opened(
        read,
        f"FROM {_ROWS}{_VIEWED}()",
        {part.table: f"FROM {_ROWS}{part.table}()" for part in plan.halves},
    )


def read_file(connected: DuckDBPyConnection, path: Path) -> DuckDBPyConnection:
    """Read a file that `write` wrote into an unlocked database, and lock that.

    Raises:
        database.Error: the file is damaged.
    """
    database.be_like(connected, str(path))
    return connected


def write(plan: Plan, path: Path) -> None:
    """Keep in a file what `of_file` reads: tables, macros, and the statements of the halves.

    Raises:
        OSError: the file cannot be written.
    """
    sources = {_VIEWED: plan.view, **{part.table: part.statement for part in plan.halves}}
    statements = [
        _tables(plan, plan.halves),
        f"CREATE TABLE {_MARK}{plan.sha256}(kept BOOLEAN)",
        plan.logic,
        *(f"CREATE MACRO {_ROWS}{name}() AS TABLE {text}" for name, text in sources.items()),
    ]
    try:
        database.write(str(path), "; ".join(statements))
    except database.Error as error:
        raise OSError(str(error)) from None


def _tables(plan: Plan, parts: Sequence[Part]) -> str:
    return "; ".join([plan.tables, *(part.create for part in parts)])


def _opened(connection: DuckDBPyConnection, view: str, answers: Mapping[str, str]) -> Opened:
    cursors = [connection.cursor() for _ in range(len(answers) + 1)]
    # What is optimized is planned anew whenever it runs, which takes longer than it saves.
    for cursor in [connection, *cursors]:
        cursor.execute("PRAGMA disable_optimizer")
    connection.execute("SET lock_configuration = true")
    filling, *answering = cursors

    def preparing(cursor: DuckDBPyConnection, text: str) -> Later[DuckDBPyConnection]:
        return Later(lambda: cursor.execute(f"PREPARE {text}"))

    filled = preparing(filling, f"fill AS INSERT INTO {_VIEWED} {view}")  # it is needed first
    return Opened(
        connection,
        [
            preparing(cursor, f"answer AS INSERT INTO {table} {source}")
            for cursor, (table, source) in zip(answering, answers.items(), strict=True)
        ],
        filled,
    )
