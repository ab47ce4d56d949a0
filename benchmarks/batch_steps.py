"""Looks into one worker of a batch: the verdicts alone, and the share of each step.

    python benchmarks/batch_steps.py EXPORT.ndjson WORKERS

Screens NDJSON for the verdicts alone, with everything that a batch does for them and without
reasons, log and files, which no command gives; prints how many records have each status.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from records import SCREENED_ON

from screener.batch import verdicts
from screener.batch.bulk import Bulk
from screener.batch.chunk import Chunk, chunks
from screener.batch.judge import Accepted, judge
from screener.batch.log import keep, write_csv
from screener.catalogue import Catalogue
from screener.engine import Words
from screener.intake.detect import opened
from screener.screening import Screener

STEPS = {
    "INSERT INTO question": "parse, view",
    "EXECUTE fill": "parse, view",
    "INSERT INTO terms": "words",
    "EXECUTE decide": "texts",
    "SELECT n, as_of, truths": "rescreening",
    "COPY": "Parquet",
}
"""What the statements of a batch are for, by how they begin; all others: log, counts."""
ALONE = "INSERT INTO verdicts BY NAME "


class Alone:
    """A worker that gives the verdicts and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.bulk = Bulk(Screener(Catalogue().plan("dawna-fes")), folder)
        bare = verdicts.statement(self.bulk.plan, reasons=False)
        self.bulk.connection.execute(f"PREPARE alone AS {ALONE}{bare}")

    def screen(self, chunk: Chunk) -> Counter[str]:
        """How many records of a chunk have each status."""
        found = accepted(chunk)
        self.bulk._ask(found, [SCREENED_ON] * len(found), [()] * len(found))
        ask = self.bulk.connection.execute
        ask("DELETE FROM verdicts")
        ask("EXECUTE alone")
        return Counter(dict(ask("SELECT status, count(*) FROM verdicts GROUP BY 1").fetchall()))


def accepted(chunk: Chunk) -> list[Accepted]:
    """The valid records of a chunk."""
    judged = (judge(it, SCREENED_ON, frozenset(), None) for it in chunk.candidates)
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
    """A connection that notes the CPU time of each kind of statement."""

    def __init__(self, connection: Any, spent: defaultdict[str, float]) -> None:
        self._connection = connection
        self._spent = spent

    def execute(self, query: str, *values: Any) -> Any:
        """Run a statement; before the full verdicts come those alone, to tell the two apart."""
        if query == "EXECUTE decide":
            begun = time.process_time()
            self._connection.execute("EXECUTE alone")
            self._spent["answers"] += time.process_time() - begun
            self._spent["texts"] -= time.process_time() - begun
            self._connection.execute("DELETE FROM verdicts")
        step = next((s for begins, s in STEPS.items() if query.startswith(begins)), "log, counts")
        begun = time.process_time()
        try:
            return self._connection.execute(query, *values)
        finally:
            self._spent[step] += time.process_time() - begun


def shares(export: str, number: int = 4) -> tuple[dict[str, float], int]:
    """CPU seconds of each step of one worker over some chunks, and their records.

    One chunk more goes before them and is not counted.
    """
    spent: defaultdict[str, float] = defaultdict(float)
    counted = 0

    @contextmanager
    def step(name: str) -> Iterator[None]:
        begun = time.process_time()
        yield
        spent[name] += time.process_time() - begun

    with tempfile.TemporaryDirectory() as folder, opened(export) as found:
        worker, given = Alone(Path(folder)), chunks(found.source)
        bulk = worker.bulk
        bulk.connection = Timed(bulk.connection, spent)  # type: ignore[assignment]
        for turn in range(number + 1):
            with step("read"):
                chunk = next(iter(islice(given, 1)), None)
            if chunk is None:
                break
            with step("judge"):
                records = accepted(chunk)
            so_far = spent["words"]
            with step("words"):
                words = Words()
                for record in records:
                    words.read(record.record)
            before, read_again = sum(spent.values()), spent["words"] - so_far
            begun = time.process_time()
            log = bulk.screen(records, SCREENED_ON, Path(folder) / "results.parquet").log
            taken = time.process_time() - begun
            # What is no statement reads the words, which was timed above, or makes the log.
            spent["log, counts"] += taken - read_again - (sum(spent.values()) - before)
            with (
                step("log, counts"),
                (Path(folder) / "log.csv").open("w", encoding="utf-8", newline="") as table,
                (Path(folder) / "log.ndjson").open("w", encoding="utf-8") as lines,
            ):
                write_csv(table, (row.cells() for row in log))
                keep(lines, log)
            if turn == 0:
                spent.clear()
            else:
                counted += len(records)
    return dict(spent), counted


if __name__ == "__main__":
    print(*(f"{status} {n}" for status, n in sorted(alone(sys.argv[1], int(sys.argv[2])).items())))
