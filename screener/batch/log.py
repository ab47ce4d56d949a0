"""The screening log: one row per patient and study."""

from __future__ import annotations

import csv
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import msgspec

from screener.report.harmless import harmless

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from screener.result import Status

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(list[Any])


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
    for row in rows:
        cells = list(map(harmless, row))
        joined = '","'.join(cells)
        if joined.count('"') == 2 * (len(cells) - 1):  # no cell has one, so there is no more to it
            file.write(f'"{joined}"\n')
        else:
            table.writerow(cells)


def keep(file: IO[bytes], rows: Iterable[LogRow]) -> None:
    """Write rows so that `kept` reads them again as they are."""
    file.write(_ENCODER.encode_lines(rows))


def kept(paths: Iterable[Path]) -> Iterator[LogRow]:
    """Read the rows that were kept in some files, one after the other."""
    for path in paths:
        yield from map(LogRow._make, _DECODER.decode_lines(path.read_bytes()))
