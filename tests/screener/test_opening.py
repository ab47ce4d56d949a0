"""A database from a kept file is that of the plan's text, as closed, and only ever of that plan."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from small_study import OTHER, STUDY

from screener import database, opening, plan_cache
from screener.encoding.catalogue import Catalogue
from screener.engine import Engine
from screener.plan import Plan
from screener.record import parse
from screener.screening import Screener

DAY = date(2026, 1, 15)
RECORDS = [
    parse({"id": "empty"}),
    parse({"id": "young", "birth_date": "2020-02-03"}),
    parse({"id": "grown", "birth_date": "1970-02-03", "therapies": []}),
]


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setenv(plan_cache.FOLDER_VARIABLE, str(tmp_path / "a user's cache"))
    path = tmp_path / "small.yaml"
    path.write_text(STUDY, "utf-8")
    return Catalogue().plan(path)


def kept(plan: Plan) -> Path:
    path = plan_cache.database(plan.sha256)
    assert path
    return path


def results(plan: Plan) -> list[object]:
    return [result.to_dict() for result in Screener(plan).screen(RECORDS, DAY)]


def from_text(plan: Plan) -> list[object]:
    kept(plan).unlink()
    return results(plan)


def test_both_forms_answer_the_same(small: Plan) -> None:
    found = results(small)
    assert {result["status"] for result in found if isinstance(result, dict)} == {
        "undetermined",
        "ineligible",
    }
    assert found == from_text(small)


def test_two_engines_share_a_kept_file(small: Plan) -> None:
    first, second = Engine(small, few=True), Engine(small, few=True)
    assert [e.connection.execute("SELECT 1").fetchone() for e in (first, second)] == [(1,), (1,)]
    assert kept(small).is_file()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/hostname')",
        "ATTACH '{kept}' AS again (READ_ONLY)",
        "COPY (SELECT 1) TO '{kept}.csv'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET threads = 8",
    ],
)
def test_a_database_from_a_file_is_closed_as_well(small: Plan, statement: str) -> None:
    connection = Engine(small, few=True).connection
    with pytest.raises(database.Error):
        connection.execute(statement.format(kept=str(kept(small)).replace("'", "''")))
    assert connection.execute("SELECT database_name FROM duckdb_databases()").fetchall() == [
        ("memory",), ("system",), ("temp",),
    ]  # fmt: skip


def turned_over(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for place in range(12_288, len(content), 1_000):
        content[place] ^= 0xFF
    path.write_bytes(content)


def of_another(path: Path) -> None:
    other = path.parent / "other.yaml"
    other.write_text(OTHER, "utf-8")
    path.write_bytes(kept(Catalogue().plan(other)).read_bytes())


HARMS: list[Callable[[Path], object]] = [
    turned_over,
    of_another,
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(b"no database" * 1_000),
    lambda path: path.write_bytes(path.read_bytes()[:20_000]),
]


@pytest.mark.parametrize("harm", HARMS)
def test_a_damaged_file_is_done_without(small: Plan, harm: Callable[[Path], object]) -> None:
    harm(kept(small))
    with pytest.raises(database.Error):
        opening.of_file(opening.read_file(database.unlocked(), kept(small)), small)
    assert results(small) == from_text(small)


def test_a_file_that_cannot_be_written_is_told(small: Plan, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing"):
        opening.write(small, tmp_path / "missing" / "plan.duckdb")
