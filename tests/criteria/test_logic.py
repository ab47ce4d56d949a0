"""The macros of criteria/logic.sql match their truth tables, and SQL the published cases of CQL."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from screener.compiling.lean import lean
from screener.compiling.macros import Macros
from screener.compiling.simplify import Simplifier
from screener.encoding import sql, yaml_file

HERE = Path(__file__).parent
LOGIC = (HERE.parents[1] / "criteria" / "logic.sql").read_text("utf-8")
TABLES = yaml_file.load(HERE / "logic_tables.yaml").data
CQL = yaml_file.load(HERE / "cql_cases.yaml").data
ROWS = [(name, number, row) for name, rows in TABLES["macros"].items()
        for number, row in enumerate(rows, start=1)]  # fmt: skip
OPERATORS = {
    "and": "{0} AND {1}",
    "or": "{0} OR {1}",
    "not": "NOT {0}",
    "implies": "NOT {0} OR {1}",
    "xor": "({0} OR {1}) AND NOT ({0} AND {1})",
}


@pytest.fixture(scope="module")
def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1})
    connection.execute(LOGIC)
    return connection


def as_sql(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return f"[{', '.join(map(as_sql, value))}]"
    text = str(value)
    while "$" in text:
        text = re.sub(r"\$(\w+)", lambda found: f"({TABLES['values'][found[1]]})", text)
    return text


def plain(value: Any) -> Any:
    """What DuckDB returns, as the table writes it."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


@pytest.mark.parametrize(("name", "number", "row"), ROWS, ids=[f"{n}-{i}" for n, i, _ in ROWS])
def test_a_macro_gives_what_its_table_says(
    database: duckdb.DuckDBPyConnection, name: str, number: int, row: list[Any]
) -> None:
    *arguments, expected = row
    call = f"{name}({', '.join(map(as_sql, arguments))})"
    if name == "latest":
        call = f"[e.v for e in {call}]"
    (found,) = database.execute(f"SELECT {call}").fetchone() or ()
    found = plain(found)
    assert found == expected
    assert type(found) is type(expected), f"row {number} of {name}"


@pytest.mark.parametrize(("name", "number", "row"), ROWS, ids=[f"{n}-{i}" for n, i, _ in ROWS])
def test_a_macro_gives_the_same_of_values_in_columns(
    database: duckdb.DuckDBPyConnection, name: str, number: int, row: list[Any]
) -> None:
    """Of constants DuckDB computes the value before it runs; of columns while it runs."""
    *arguments, expected = row
    columns = [f"a{position}" for position in range(len(arguments))]
    given = ", ".join(f"{as_sql(a)} AS {c}" for a, c in zip(arguments, columns, strict=True))
    call = f"{name}({', '.join(columns)})"
    if name == "latest":
        call = f"[e.v for e in {call}]"
    query = f"SELECT {call} FROM (SELECT {given} FROM range(2) OFFSET 0)"
    for (found,) in database.execute(query).fetchall():
        assert plain(found) == expected, f"row {number} of {name}"


@pytest.mark.parametrize(("name", "number", "row"), ROWS, ids=[f"{n}-{i}" for n, i, _ in ROWS])
def test_a_macro_says_the_same_as_a_batch_writes_it(
    database: duckdb.DuckDBPyConnection, name: str, number: int, row: list[Any]
) -> None:
    """What the arguments and the result read is all that is made, in columns that share parts."""
    *arguments, expected = row
    columns = [f"a{position}" for position in range(len(arguments))]
    call = f"{name}({', '.join(columns)})"
    if name == "latest":
        call = f"[e.v for e in {call}]"
    layers = [dict(zip(columns, map(as_sql, arguments), strict=True)), {"found": call}]
    given = "(SELECT 1 AS n)"
    written = lean(Simplifier(Macros(LOGIC)), layers, ["found", "n"], {"n"}, given, {})
    [(found, _)] = database.execute(written.statement).fetchall()
    assert plain(found) == expected, f"row {number} of {name}"


def test_every_macro_has_a_table_and_every_table_a_macro() -> None:
    assert set(TABLES["macros"]) == sql.macro_names(LOGIC)


def test_every_table_reaches_the_unknown() -> None:
    """Some row of each macro has NULL, an unseen entry or an open date among its arguments."""
    open_values = ("None", "NULL", "$lacking", "$unseen", "$undated", "$ever")
    closed = [
        name
        for name, rows in TABLES["macros"].items()
        if not any(word in str(row[:-1]) for row in rows for word in open_values)
    ]
    assert closed == ["weeks_after"]  # it is days_after, for seven times as many days


@pytest.mark.parametrize("operator", CQL)
def test_sql_agrees_with_the_published_cases(
    database: duckdb.DuckDBPyConnection, operator: str
) -> None:
    assert len(CQL[operator]) == (3 if operator == "not" else 9)
    for *operands, expected in CQL[operator]:
        given = [f"CAST({as_sql(operand)} AS BOOLEAN)" for operand in operands]
        (found,) = database.execute(f"SELECT {OPERATORS[operator].format(*given)}").fetchone() or ()
        assert found is expected, (operator, operands)
        columns = ", ".join(f"{value} AS a{i}" for i, value in enumerate(given))
        names = [f"a{i}" for i in range(len(given))]
        query = f"SELECT {OPERATORS[operator].format(*names)} FROM (SELECT {columns} FROM range(2))"
        assert [row[0] for row in database.execute(query).fetchall()] == [expected] * 2


@pytest.mark.parametrize(("macro", "operator"), [("any_true", "or"), ("all_true", "and")])
def test_the_list_macros_are_or_and_and(
    database: duckdb.DuckDBPyConnection, macro: str, operator: str
) -> None:
    for left, right, expected in CQL[operator]:
        operands = ", ".join(f"CAST({as_sql(value)} AS BOOLEAN)" for value in (left, right))
        (found,) = database.execute(f"SELECT {macro}([{operands}])").fetchone() or ()
        assert found is expected, (macro, left, right)
