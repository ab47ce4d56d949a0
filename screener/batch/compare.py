"""Asks two versions of a study about the same patients, and keeps whose status changes by what."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from screener import __version__
from screener.batch.amendment import amendment
from screener.batch.chunk import Chunk, Done, chunks
from screener.batch.culprit import naming
from screener.batch.general import engine_for
from screener.batch.judge import Accepted, Rejected, judge, judge_all
from screener.batch.known_ids import KnownIds
from screener.batch.outcomes import BY_LETTER
from screener.batch.run import Progress
from screener.batch.tally import STATUSES
from screener.conclusion import TOOL
from screener.errors import InputError, Problem
from screener.report.compare_page import urgency

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from screener.batch.amendment import Amendment, Version
    from screener.batch.outcomes import Outcomes
    from screener.intake.source import Source
    from screener.plan import Plan
    from screener.report.batch_data import StudyName
    from screener.report.compare_data import Comparison, Counts, PatientChange
    from screener.result import Outcome, Status
    from screener.screening import Screener


@dataclass(frozen=True)
class Comparing:
    """What is compared, and on whom."""

    source: Source
    name: str
    """The input as the user named it."""
    sha256: str
    old: Screener
    new: Screener
    as_of: date
    today: date
    scratch: Path
    """A folder for temporary files; who changes status is kept there."""


@dataclass(frozen=True)
class Compared:
    """What came of it: all but the patients who change status, and where these are kept."""

    comparison: Comparison
    """Without patients."""
    kept: Path

    def patients(self) -> Iterator[PatientChange]:
        """Everyone who changes status, in the order of the input."""
        with self.kept.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)

    def foremost(self, most: int) -> list[PatientChange]:
        """At most so many of them, those who become eligible first."""
        ranked = ((urgency(it), number, it) for number, it in enumerate(self.patients()))
        return [patient for _, _, patient in heapq.nsmallest(most, ranked)]


def compare(
    comparing: Comparing,
    versions: tuple[Version, Version],
    *,
    rejected: Callable[[Rejected], None],
    report: Callable[[Progress], None],
) -> Compared:
    """Screen all patients for both versions.

    `rejected` is called with each record that cannot be screened, `report` after each chunk.

    Raises:
        InputError: the input as a whole cannot be read on, or has no patient in it.
        StudyError: an expression of a version cannot be computed for one of the records.
        OSError: a temporary file cannot be written.
    """
    changes = amendment(*versions)
    both = (comparing.old, comparing.new)
    counts = [_Counts(screener.plan) for screener in both]
    moves: Counter[tuple[Status, Status]] = Counter()
    causes: Counter[tuple[str, Outcome | None, Outcome | None]] = Counter()
    progress = Progress(size=comparing.source.size)
    known = KnownIds(comparing.scratch / "ids.sqlite")
    kept = comparing.scratch / "changes.ndjson"
    try:
        # Two threads: DuckDB computes without holding up Python.
        with ThreadPoolExecutor(2) as pool, kept.open("w", encoding="utf-8") as file:
            engines = list(pool.map(lambda screener: engine_for(screener, reasons=False), both))
            for chunk in chunks(comparing.source):
                records = list(_accepted(comparing, chunk, known, rejected))
                asked = [
                    pool.submit(
                        naming,
                        it.plan.study_id,
                        partial(it.outcomes, as_of=comparing.as_of),
                        records,
                    )
                    for it in engines
                ]
                found = [future.result() for future in asked]
                for one, outcomes in zip(counts, found, strict=True):
                    one.add(outcomes)
                for record, old, new in zip(records, *found, strict=True):
                    moves[old.status, new.status] += 1
                    if old.status == new.status:
                        continue
                    why = list(_judged_otherwise(counts, old, new))
                    causes.update(why)
                    moved: PatientChange = {
                        "patient_id": record.id,
                        "old": old.status,
                        "new": new.status,
                        "criteria": [criterion for criterion, *_ in why],
                    }
                    file.write(json.dumps(moved, ensure_ascii=False) + "\n")
                progress.records += len(chunk.candidates)
                progress.rejected += len(chunk.candidates) - len(records)
                progress.position = comparing.source.position()
                report(progress)
    finally:
        known.close()
    if not progress.records:
        raise InputError(comparing.name, [Problem("", "there is no patient in it to screen")])
    for change in changes.changes:
        change["old"], change["new"] = (one.of(change["id"]) for one in counts)
    return Compared(_comparison(comparing, changes, moves, causes, progress), kept)


def _comparison(
    comparing: Comparing,
    changes: Amendment,
    moves: Counter[tuple[Status, Status]],
    causes: Counter[tuple[str, Outcome | None, Outcome | None]],
    progress: Progress,
) -> Comparison:
    ranked = sorted(causes.items(), key=lambda item: (-item[1], [str(it) for it in item[0]]))
    return {
        "old": _name(comparing.old.plan),
        "new": _name(comparing.new.plan),
        "as_of": comparing.as_of.isoformat(),
        "rules": changes.rules,
        "criteria": changes.changes,
        "unchanged": changes.unchanged,
        "moves": [
            {"old": old, "new": new, "patients": moves[old, new]}
            for old in _statuses()
            for new in _statuses()
            if moves[old, new]
        ],
        "causes": [
            {"criterion": criterion, "old": old, "new": new, "patients": count}
            for (criterion, old, new), count in ranked
        ],
        "patients": [],
        "input": {
            "name": comparing.name,
            "sha256": comparing.sha256,
            "records": progress.records,
            "screened": progress.records - progress.rejected,
            "rejected": progress.rejected,
        },
        "tool": {"name": TOOL, "version": __version__},
    }


class _Counts:
    """How often each criterion and part of one version passes, fails and is unknown."""

    def __init__(self, plan: Plan) -> None:
        self._ids = [node.id for node in plan.nodes]
        self.top = {plan.nodes[index].id: index for index in plan.top}
        self._counts: list[Counter[str]] = [Counter() for _ in plan.nodes]

    def add(self, patients: list[Outcomes]) -> None:
        for counter, *letters in zip(self._counts, *(it.letters for it in patients), strict=True):
            counter.update(letters)

    def of(self, criterion: str) -> Counts | None:
        if criterion not in self._ids:
            return None
        counter = self._counts[self._ids.index(criterion)]
        return cast("Counts", {outcome: counter[letter] for letter, outcome in BY_LETTER.items()})


def _accepted(
    comparing: Comparing, chunk: Chunk, known: KnownIds, rejected: Callable[[Rejected], None]
) -> Iterator[Accepted]:
    """Judge a chunk: give the valid records, and say of the others that they are not."""
    complete = comparing.old.settings.complete
    judged = list(judge_all(chunk.candidates, comparing.today, complete, {}))
    done = Done(
        chunk.number,
        ids=[it.id if isinstance(it, Accepted) else it.patient_id for it in judged],
        places=[candidate.place for candidate in chunk.candidates],
    )
    for position, earlier in known.repeated(done).items():
        judged[position] = judge(chunk.candidates[position], comparing.today, complete, earlier)
    known.add(done)
    for one in judged:
        if isinstance(one, Accepted):
            yield one
        else:
            rejected(one)


def _judged_otherwise(
    counts: list[_Counts], old: Outcomes, new: Outcomes
) -> Iterator[tuple[str, Outcome | None, Outcome | None]]:
    """The criteria that judge a patient otherwise; one that is not asked decides as a pass does."""
    before, now = (one.top for one in counts)
    for criterion in [*now, *(each for each in before if each not in now)]:
        was = old.of(before[criterion]) if criterion in before else None
        is_ = new.of(now[criterion]) if criterion in now else None
        if (was or "pass") != (is_ or "pass"):
            yield criterion, was, is_


def _statuses() -> tuple[Status, ...]:
    return cast("tuple[Status, ...]", STATUSES)


def _name(plan: Plan) -> StudyName:
    return {"id": plan.study_id, "version": plan.version, "sha256": plan.sha256}
