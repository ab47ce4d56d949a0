"""Looks into one worker of a batch: the verdicts alone, and the share of each step.

    python benchmarks/batch_steps.py EXPORT.ndjson WORKERS

Screens NDJSON for the verdicts alone, with everything that a batch does for them and without
reasons, log and files, which no command gives; prints how many records have each status.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from records import SCREENED_ON

from screener.batch import outcomes, verdicts
from screener.batch.bulk import Bulk
from screener.batch.chunk import Chunk, chunks
from screener.batch.judge import Accepted, judge_all
from screener.batch.log import keep, write_csv
from screener.encoding.catalogue import Catalogue
from screener.intake.detect import opened
from screener.later import Later
from screener.screening import Screener

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STEPS = {
    "DELETE FROM terms": "words",
    "SELECT list_transform": "words",
    "INSERT INTO terms": "words",
    "DELETE FROM day": "hand over",
    "INSERT INTO day": "hand over",
    "EXECUTE decide": "texts",
    "SELECT n, [": "rescreening",
    "EXECUTE ask_again": "rescreening",
    "COPY": "Parquet",
    "CHECKPOINT": "memory",
}
"""What the statements of a batch are for, by how they begin."""
REST = "log, counts"
"""What all other statements are for."""


class Alone:
    """A worker that gives the verdicts and nothing else."""

    def __init__(self, folder: Path) -> None:
        _collect_seldom()
        screener = Screener(Catalogue().plan("dawna-fes", many=True))
        self._bulk = Bulk(screener, folder, reasons=False)

    def screen(self, chunk: Chunk) -> Counter[str]:
        """How many records of a chunk have each status."""
        found = self._bulk.outcomes(accepted(chunk), SCREENED_ON)
        return Counter[str](it.status for it in found)


def _collect_seldom() -> None:
    """Collect garbage as seldom as the program does."""
    gc.set_threshold(100_000, 50, 50)


def accepted(chunk: Chunk) -> list[Accepted]:
    """The valid records of a chunk."""
    judged = judge_all(chunk.candidates, SCREENED_ON, frozenset(), {})
    return [it for it in judged if isinstance(it, Accepted)]


_worker: list[Alone] = []


def _begin(folder: str) -> None:
    _worker.append(Alone(Path(folder)))


def _screen(chunk: Chunk) -> Counter[str]:
    return _worker[0].screen(chunk)


def alone(export: str, workers: int) -> Counter[str]:
    """Screen an export for the verdicts alone."""
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, opened(export) as found:
        given = chunks(found.source)
        if workers == 1:
            worker = Alone(Path(folder))
            for chunk in given:
                total += worker.screen(chunk)
            return total
        with ProcessPoolExecutor(
            workers, get_context("spawn"), initializer=_begin, initargs=(folder,)
        ) as pool:
            waiting = []
            for chunk in given:  # as a batch does, a few chunks at a time
                waiting.append(pool.submit(_screen, chunk))
                if len(waiting) > workers:
                    total += waiting.pop(0).result()
            for future in waiting:
                total += future.result()
    return total


class Timed:
    """A connection that notes the CPU time of each kind of statement, with that spent before it."""

    since = 0.0
    """When the last step ended, on the clock of the process; the same for all connections."""

    def __init__(self, connection: DuckDBPyConnection, spent: defaultdict[str, float]) -> None:
        self._connection = connection
        self._spent = spent

    def execute(self, query: str, *values: Any) -> Any:
        """Run a statement; before the full verdicts comes what they rest on, to tell it apart."""
        if query == "EXECUTE decide":
            self._connection.execute("EXECUTE seen")
            seen = self.note("parse, view")
            self._connection.execute("EXECUTE alone")
            alone = self.note("answers")
            self._spent["answers"] -= seen
            self._spent["texts"] -= alone
        found = self._connection.execute(query, *values)
        self.note(next((s for begins, s in STEPS.items() if query.startswith(begins)), REST))
        return found

    def note(self, step: str) -> float:
        """Add the CPU time since the last note to a step, and return it."""
        before, Timed.since = self.since, time.process_time()
        self._spent[step] += self.since - before
        return self.since - before


def shares(export: str, number: int = 4) -> tuple[dict[str, float], int]:
    """CPU seconds of each step of one worker over some chunks, and their records.

    One chunk more goes before them and is not counted.
    """
    _collect_seldom()
    spent: defaultdict[str, float] = defaultdict(float)
    counted = 0
    with tempfile.TemporaryDirectory() as folder, opened(export) as found:
        given = chunks(found.source)
        bulk = Bulk(Screener(Catalogue().plan("dawna-fes", many=True)), Path(folder))
        connection, again = bulk.prepared.result(), bulk.again.result()
        view = verdicts.asked_of_many(bulk.plan).verdicts.view
        for name, statement in {
            "seen": f"SELECT count(COLUMNS(*)) FROM ({view})",
            "alone": outcomes.statement(bulk.plan),
        }.items():
            connection.execute(f"PREPARE {name} AS {statement}")
        timed = Timed(connection, spent)
        bulk.connection = timed  # type: ignore[assignment]
        bulk.again = Later(lambda: Timed(again, spent))  # type: ignore[arg-type,return-value]
        for turn in range(number + 1):
            Timed.since = time.process_time()
            chunk = next(given, None)
            timed.note("read")
            if chunk is None:
                break
            records = accepted(chunk)
            timed.note("judge")
            log = bulk.screen(records, SCREENED_ON, Path(folder) / "results.parquet").log
            with (
                (Path(folder) / "log.csv").open("w", encoding="utf-8", newline="") as table,
                (Path(folder) / "log.ndjson").open("wb") as lines,
            ):
                write_csv(table, (row.cells() for row in log))
                keep(lines, log)
            timed.note(REST)
            if turn == 0:
                spent.clear()
            else:
                counted += len(records)
    return dict(spent), counted


if __name__ == "__main__":
    print(*(f"{status} {n}" for status, n in sorted(alone(sys.argv[1], int(sys.argv[2])).items())))
