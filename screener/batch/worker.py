"""What one worker does: judges and screens chunks, and leaves a folder of files of each."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from screener.batch.bulk import Bulk
from screener.batch.chunk import Chunk, Done
from screener.batch.culprit import naming
from screener.batch.general import General, engine_for
from screener.batch.judge import Accepted, judge_all
from screener.batch.log import keep, write_csv
from screener.batch.tally import Tally
from screener.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from screener.batch.bulk import Screened
    from screener.screening import Settings

LOG, LOG_TABLE, REJECTED, DONE = "log.ndjson", "log.csv", "rejected.ndjson", "done.json"
FORM = 2
"""What these files and those of `results` hold: another for each change, so that no run is
continued from files that are read otherwise."""


@dataclass(frozen=True)
class Task:
    """What every chunk of a run is screened for."""

    plans: list[str]
    """The compiled studies as JSON, with the thresholds of the site in them."""
    settings: list[Settings]
    as_of: date
    today: date
    """Bounds dates of birth, whenever the run is continued."""
    folder: Path
    """Where the folders of finished chunks go."""
    few: int = 0
    """How many patients there are, where the page holds the full report of each; else 0."""

    @property
    def complete(self) -> frozenset[str]:
        """The lists that the user calls whole."""
        return self.settings[0].complete


class Worker:
    """Screens chunks of a run, one after the other."""

    def __init__(self, task: Task) -> None:
        from screener.screening import Screener  # noqa: PLC0415

        os.umask(0o077)  # what is written is for its owner only
        self._task = task
        self._studies: list[Bulk | General] = []
        for plan, settings in zip(task.plans, task.settings, strict=True):
            screener = Screener(Plan.from_json(plan), settings)
            if task.few:
                screener.begin(task.few)
                self._studies.append(General(screener, task.folder))
            else:
                self._studies.append(engine_for(screener, task.folder))

    def screen(self, chunk: Chunk) -> Done:
        """Screen a chunk; its files then stand in a folder named `unfinished(number)`.

        Raises:
            StudyError: an expression of a study cannot be computed for one of the records.
            OSError: a file cannot be written.
        """
        task = self._task
        folder = unfinished(task.folder, chunk.number)
        folder.mkdir(mode=0o700, exist_ok=True)
        done = Done(chunk.number, records=len(chunk.candidates))
        accepted: list[Accepted] = []
        # A full report tells itself which lists it takes as whole.
        complete = frozenset[str]() if task.few else task.complete
        with (folder / REJECTED).open("w", encoding="utf-8") as rejected:
            for found in judge_all(chunk.candidates, task.today, complete, chunk.earlier):
                if isinstance(found, Accepted):
                    accepted.append(found)
                    done.ids.append(found.id)
                else:
                    rejected.write(found.line())
                    done.rejected += 1
                    done.ids.append(found.patient_id)
            done.places.extend(candidate.place for candidate in chunk.candidates)
        screened = [self._screen(number, accepted, folder) for number in range(len(self._studies))]
        rows = [
            row
            for of_record in zip(*(each.log for each in screened), strict=True)
            for row in of_record
        ]
        with (folder / LOG_TABLE).open("w", encoding="utf-8", newline="") as table:
            write_csv(table, (row.cells() for row in rows))
        with (folder / LOG).open("wb") as log:
            keep(log, rows)
        done.tallies = [each.tally.as_json() for each in screened]
        return done

    def _screen(self, number: int, accepted: Sequence[Accepted], folder: Path) -> Screened:
        study, task = self._studies[number], self._task
        screen = partial(study.screen, as_of=task.as_of, file=folder / results(number))
        if task.few:
            screen = partial(screen, reports=folder / reports(number))
        return naming(study.plan.study_id, screen, accepted)


def unfinished(folder: Path, number: int) -> Path:
    """Where the files of a chunk are written."""
    return folder / f"{number:06d}.part"


def results(number: int) -> str:
    """The name of the file that holds the results of the study with this number."""
    return f"results-{number}.parquet"


def reports(number: int) -> str:
    """The name of the file that holds the full reports, if there are few patients."""
    return f"reports-{number}.ndjson"


def write_done(done: Done, folder: Path) -> None:
    """Note what came of a chunk, beside its files."""
    (folder / DONE).write_bytes(msgspec.json.encode(done))


def read_done(folder: Path) -> Done:
    """Read what `write_done` noted."""
    return Done(**msgspec.json.decode((folder / DONE).read_bytes()))


def tallies(done: Done) -> list[Tally]:
    """The counts of each study in a chunk."""
    return [Tally.from_json(data) for data in done.tallies]
