"""The floor: DuckDB parses NDJSON into the typed columns of the record, and nothing else.

    python benchmarks/bare_parse.py EXPORT.ndjson THREADS

Prints the wall and the CPU seconds of the query alone; every column is read, none is kept.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import duckdb

from screener.compiling.view import structure
from screener.encoding.dictionaries import column_type
from screener.record import Record


def columns() -> dict[str, str]:
    """The columns of a record with their types in DuckDB."""
    schema = Record.model_json_schema()
    used = {n for part in (schema, *schema["$defs"].values()) for n in part.get("properties", ())}
    return {name: column_type(shape) for name, shape in structure(used).items()}


def seconds(export: str, threads: int) -> tuple[int, float, float]:
    """How many records there are; wall and CPU seconds to parse them."""
    connection = duckdb.connect(config={"threads": threads})
    wall, cpu = time.perf_counter(), time.process_time()
    counts: Any = connection.execute(
        "SELECT count(COLUMNS(*)) FROM "
        "read_json($export, columns = $columns, format = 'newline_delimited')",
        {"export": export, "columns": columns()},
    ).fetchone()
    return counts[0], time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    print(*seconds(sys.argv[1], int(sys.argv[2])))
