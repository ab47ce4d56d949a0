"""Few patients are screened by their full reports, and it makes no difference."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb
import generators
import pytest

from screener.batch import worker
from screener.batch.chunk import Chunk, Done
from screener.batch.general import read_reports
from screener.batch.worker import Task, Worker
from screener.encoding.catalogue import Catalogue
from screener.intake.source import Candidate
from screener.record import parse
from screener.screening import Screener, Settings

DAY = date(2026, 1, 15)
RECORDS = [generators.record(seed) for seed in range(40, 70)]
for _record in RECORDS[::3]:
    _record["partial"] = [name for name in ("therapies", "labs") if name in _record]
SETTINGS = {
    "as stated": Settings(),
    "strictly, and whole lists": Settings(
        {"lab_valid_days": 14}, frozenset({"therapies", "labs"}), strict=True
    ),
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_few_and_many(tmp_path: Path, settings: Settings) -> None:
    screener = Screener(Catalogue().plan("dawna-fes", many=True), settings)
    candidates = [Candidate({"line": n}, json.dumps(it).encode()) for n, it in enumerate(RECORDS)]

    def screened(few: int) -> tuple[Done, Path]:
        folder = tmp_path / str(few)
        folder.mkdir()
        begun = worker.unfinished(folder, 0)
        begun.mkdir()
        (begun / worker.reports(0)).write_bytes(b'{"half')  # of a run that was killed
        task = Task([screener.plan.to_json()], [settings], DAY, DAY, folder, few)
        return Worker(task).screen(Chunk(0, candidates)), begun

    (many, of_many), (few, of_few) = screened(0), screened(len(RECORDS))
    assert few == many
    for name in (worker.LOG, worker.LOG_TABLE, worker.REJECTED):
        assert (of_few / name).read_bytes() == (of_many / name).read_bytes()
    results = [
        duckdb.sql(f"FROM '{it / worker.results(0)}'").fetchall() for it in (of_few, of_many)
    ]
    assert results[0] == results[1]
    reports = read_reports(of_few / worker.reports(0))
    assert reports == screener.screen([parse(record) for record in RECORDS], DAY)
    assert any("(--complete)" in " ".join(it.assumptions) for it in reports) == bool(
        settings.complete
    )
