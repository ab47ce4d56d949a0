"""Records as a table that DuckDB reads where they lie."""

from __future__ import annotations

from datetime import date

import pytest

from screener import database
from screener.batch.handed import Handed

DAYS = [date(2024, 2, 29), date(1969, 12, 31), date(2200, 12, 31)]


@pytest.mark.parametrize("number", [0, 1, 2, 63, 64, 65, 2047, 2048, 2049, 5000])
def test_rows_of_any_number(number: int) -> None:
    connection = database.connect()
    handed = Handed("handed", connection)
    records = [f'{{"id":"é {n} 好"}}' + n % 7 * " " for n in range(number)]
    later = [DAYS[: n % 4] for n in range(number)]
    handed.put([text.encode() for text in records], later)
    rows = connection.execute("SELECT n, later, record FROM handed").fetchall()
    assert rows == list(zip(range(number), later, records, strict=True))


def test_a_prepared_statement_reads_what_is_held_now() -> None:
    connection = database.connect()
    handed = Handed("handed", connection)
    connection.execute("SET lock_configuration = true")
    connection.execute("PREPARE asked AS SELECT record, len(later) FROM handed")
    assert connection.execute("EXECUTE asked").fetchall() == []
    for given in ([b"{}", b"[]"], [b"{}"], [], [b"", b"x" * 5_000_000]):
        handed.put(given, [DAYS] * len(given))
        found = connection.execute("EXECUTE asked").fetchall()
        assert found == [(text.decode(), 3) for text in given]
