"""The screening log: one row per patient and study."""

from __future__ import annotations

import csv
import json
from typing import IO, TYPE_CHECKING, NamedTuple

from screener.report.harmless import harmless

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from screener.result import Status


class LogRow(NamedTuple):
    """A row of the screening log."""

    patient_id: str
    study: str
    study_version: str
    as_of: str
    status: Status
    failed: list[str]
    """The criteria that fail, by id."""
    unknown: list[str]
    reasons: str
    """Why those criteria fail or are unknown, each after its id."""
    needs: list[str]
    """What to obtain; empty where nothing obtained could help."""
    rescreen_on: str | None

    def cells(self) -> list[str]:
        """The row as a table for people holds it, before it is made harmless."""
        return [
            self.patient_id, self.study, self.study_version, self.as_of, self.status,
            ";".join(self.failed), ";".join(self.unknown), self.reasons, "; ".join(self.needs),
            self.rescreen_on or "",
        ]  # fmt: skip


def write_csv(file: IO[str], rows: Iterable[Iterable[str]]) -> None:
    """Write cells as CSV in which no spreadsheet finds a formula.

    Every cell is quoted: where a semicolon separates cells, one within a text begins a cell of its
    own.
    """
    table = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    table.writerows([harmless(cell) for cell in row] for row in rows)


def keep(file: IO[str], rows: Iterable[LogRow]) -> None:
    """Write rows so that `kept` reads them again as they are."""
    file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def kept(paths: Iterable[Path]) -> Iterator[LogRow]:
    """Read the rows that were kept in some files, one after the other."""
    for path in paths:
        with path.open(encoding="utf-8") as file:
            for line in file:
                yield LogRow(*json.loads(line))
