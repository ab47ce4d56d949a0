"""Runs a batch: reads the input, has workers screen its chunks, and brings the outputs together."""

from __future__ import annotations

import atexit
import gc
import hashlib
import itertools
import json
import os
import sqlite3
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from screener import __version__
from screener.batch import outputs, worker
from screener.batch.chunk import SIZE, SMALL, Chunk, Done, chunks
from screener.batch.folder import DAY, RunFolder
from screener.batch.known_ids import KnownIds
from screener.batch.tally import Tally
from screener.batch.worker import Task, Worker
from screener.conclusion import TOOL
from screener.errors import InputError, Problem, ScreenError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date

    from screener.batch.batch import Batch
    from screener.screening import Screener


class Stopped(ScreenError):  # noqa: N818  # the run, not the program, is what went wrong
    """The run could not go on, through no fault of the input; it can be continued (exit code 74).

    74 is EX_IOERR of sysexits.h.
    """

    exit_code = 74


@dataclass
class Progress:
    """How far a run has come."""

    position: int = 0
    size: int = 0
    records: int = 0
    rejected: int = 0
    resumed: int = 0
    """Records of chunks that an earlier process had finished."""


def digest(path: Path) -> str:
    """SHA-256 over a file, or over the names and contents of the files of a folder."""
    if path.is_dir():
        total = hashlib.sha256()
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            total.update(f"{file.relative_to(path).as_posix()}\n{digest(file)}\n".encode())
        return total.hexdigest()
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def run(
    batch: Batch, *, resume: bool, force: bool, report: Callable[[Progress], None]
) -> dict[str, Any]:
    """Screen a batch, write its outputs, and return the content of `summary.json`.

    `report` is called after each chunk.

    Raises:
        UsageError: the folder cannot be used.
        InputError: the input as a whole cannot be read on.
        StudyError: an expression of a study cannot be computed for one of the records.
        Stopped: a file cannot be written, or a worker was ended.
    """
    os.umask(0o077)
    try:
        folder = RunFolder(batch.out, _identity(batch), resume=resume, force=force)
        try:
            begun = date.fromisoformat(folder.run[DAY])
            return _run(replace(batch, today=begun), folder, report)
        finally:
            folder.close()
    except (OSError, sqlite3.OperationalError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise Stopped(
            f"--out {batch.out}: cannot be written: {why}. What is finished is kept; free some "
            "room, and continue with --resume"
        ) from None
    except BrokenProcessPool:
        raise Stopped(
            "a worker was ended by the system, perhaps for want of memory. What is finished is "
            "kept; continue with --resume, and fewer --workers"
        ) from None


def _run(batch: Batch, folder: RunFolder, report: Callable[[Progress], None]) -> dict[str, Any]:
    known = KnownIds(folder.parts / "ids.sqlite")
    tallies = [Tally.empty(screener.plan) for screener in batch.screeners]
    progress = Progress(size=batch.source.size)
    numbers = []
    try:
        for done in _screened(batch, folder, known, progress):
            numbers.append(done.number)
            progress.records += done.records
            progress.rejected += done.rejected
            progress.position = batch.source.position()
            for tally, more in zip(tallies, worker.tallies(done), strict=True):
                tally.add(more)
            report(progress)
    finally:
        known.close()
    if not numbers:
        raise InputError(batch.name, [Problem("", "there is no patient in it to screen")])
    source = {
        "name": batch.name,
        "sha256": batch.sha256,
        "records": progress.records,
        "screened": progress.records - progress.rejected,
        "rejected": progress.rejected,
    }
    content = summary(batch.screeners, batch.as_of, tallies, source)
    folder.publish(outputs.write(batch, folder, numbers, content, tallies))
    return content


def _identity(batch: Batch) -> dict[str, Any]:
    """What makes two runs the same; an unfinished one is continued by no other."""
    settings = batch.screeners[0].settings
    return {
        "form of finished chunks": worker.FORM,
        "input": batch.sha256,
        "study": [[s.plan.study_id, s.plan.sha256] for s in batch.screeners],
        "screening date": batch.as_of.isoformat(),
        "thresholds": json.loads(
            json.dumps([dict(s.settings.thresholds) for s in batch.screeners], default=str)
        ),
        "complete lists": sorted(settings.complete),
        "strictness": settings.strict,
        "outputs": [
            batch.workbook,
            batch.until.isoformat() if batch.until else None,
            bool(batch.relaxed),
        ],
        "version": __version__,
        DAY: batch.today.isoformat(),
        "chunk size": [SIZE, SMALL],
    }


def _screened(
    batch: Batch, folder: RunFolder, known: KnownIds, progress: Progress
) -> Iterator[Done]:
    """Give what came of each chunk, in order; at most a few are in the works at a time."""
    given = chunks(batch.source)
    first = list(itertools.islice(given, 2))
    workers = min(batch.workers, len(first))
    small = len(first[0].candidates) if len(first) == 1 else 0
    few = small if small <= outputs.DETAILS else 0
    if small > few:
        # One process screens them, and another core prepares what the full reports will need.
        for screener in batch.screeners:
            screener.begin(outputs.DETAILS)
    task = Task(
        [screener.plan.to_json() for screener in batch.screeners],
        [screener.settings for screener in batch.screeners],
        batch.as_of,
        batch.today,
        folder.parts,
        few,
    )
    waiting: deque[tuple[Chunk, Future[Done] | None]] = deque()
    with _Team(task, workers) as team:

        def next_done() -> Done:
            chunk, future = waiting.popleft()
            if future is None:
                done = folder.finished(chunk.number)
                assert done is not None  # noqa: S101  # it was there a moment ago
                progress.resumed += done.records
            else:
                done = future.result()
                if earlier := known.repeated(done):
                    again = Chunk(chunk.number, chunk.candidates, earlier)
                    done = team.submit(again).result()
                folder.finish(done)
            known.add(done)
            return done

        for chunk in itertools.chain(first, given):
            finished = folder.chunk(chunk.number).is_dir()
            waiting.append((chunk, None if finished else team.submit(chunk)))
            if len(waiting) > workers:
                yield next_done()
        while waiting:
            yield next_done()


class _Team:
    """The workers: processes, or this one where a single one is asked for."""

    def __init__(self, task: Task, number: int) -> None:
        self._task = task
        self._number = number
        self._alone: Worker | None = None
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> _Team:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def submit(self, chunk: Chunk) -> Future[Done]:
        """Have a chunk screened."""
        if self._number == 1:
            self._alone = self._alone or Worker(self._task)
            future: Future[Done] = Future()
            future.set_result(self._alone.screen(chunk))
            return future
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._number, get_context("spawn"), initializer=_begin, initargs=(self._task,)
            )
        return self._pool.submit(_screen, chunk)


_worker: list[Worker] = []
"""The worker of this process."""


def _begin(task: Task) -> None:
    # Taking the database apart would only keep the parent waiting; all is written before.
    atexit.register(os._exit, 0)
    gc.set_threshold(100_000, 50, 50)  # as `__main__` does: a chunk makes many rows and no cycles
    _worker.append(Worker(task))


def _screen(chunk: Chunk) -> Done:
    return _worker[0].screen(chunk)


def summary(
    screeners: Sequence[Screener], as_of: date, tallies: Sequence[Tally], source: dict[str, Any]
) -> dict[str, Any]:
    """The content of `summary.json`; `source` is what it says of the input."""
    studies = []
    for screener, tally in zip(screeners, tallies, strict=True):
        plan = screener.plan
        if tally.screened != source["screened"]:
            raise RuntimeError("records are not screened plus rejected")
        needs = sorted(tally.needs.items(), key=lambda item: (-item[1], item[0]))
        studies.append(
            {
                "study": {"id": plan.study_id, "version": plan.version, "sha256": plan.sha256},
                "as_of": as_of.isoformat(),
                "status": tally.status,
                "criteria": tally.criteria(plan),
                "flow": tally.flow(plan),
                "table_one": tally.table_one(plan),
                "needs": [{"need": need, "patients": count} for need, count in needs],
            }
        )
    return {
        "studies": studies,
        "input": source,
        "tool": {"name": TOOL, "version": __version__},
    }
