"""Entries of patients kept on disk until all of one patient are together.

A SQLite file in a folder that only its owner can read, removed when it is closed.
"""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from screener.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CACHE_KIB = 64 * 1024


class Entry(NamedTuple):
    """One row of a list, ready to be put into the record."""

    patient: str
    """The patient's id; empty where the row names none."""
    table: int
    """Which list, by its number."""
    row: int
    """The row or line of the table."""
    text: str
    """The entry as JSON."""
    faults: str
    """What is wrong with it, as a JSON list of pairs of field and message; empty if nothing."""
    key: str
    """What its examination is called, for an examination and its lesions."""


class Spool:
    """Patients and entries, written once and then read by patient."""

    def __init__(self, scratch: Path | None = None) -> None:
        """Begin one in a new folder within `scratch`, or in that of the system."""
        with _room(scratch):
            self._folder = tempfile.TemporaryDirectory(
                prefix="trial-screen-", dir=scratch, ignore_cleanup_errors=True
            )
            path = Path(self._folder.name) / "entries.sqlite"
            self._scratch = scratch
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.executescript(
                f"""
                PRAGMA journal_mode = OFF;
                PRAGMA synchronous = OFF;
                PRAGMA locking_mode = EXCLUSIVE;
                PRAGMA cache_size = -{_CACHE_KIB};
                CREATE TABLE patient (id TEXT, row INTEGER);
                CREATE TABLE entry (
                    patient TEXT, list INTEGER, row INTEGER, text TEXT, faults TEXT, key TEXT
                );
                BEGIN;
                """
            )

    def add(self, entries: Iterable[Entry]) -> None:
        """Keep entries."""
        with _room(self._scratch):
            self._db.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)", entries)

    def add_patients(self, patients: Iterable[tuple[str, int]]) -> None:
        """Keep ids with the row of each."""
        with _room(self._scratch):
            self._db.executemany("INSERT INTO patient VALUES (?, ?)", patients)

    def finish(self) -> None:
        """Make it ready to be read."""
        with _room(self._scratch):
            self._db.execute("CREATE INDEX patient_id ON patient (id, row)")
            self._db.execute("CREATE INDEX entry_patient ON entry (patient, list, row)")
            self._db.execute("COMMIT")

    def entries(self, patient: str) -> list[Entry]:
        """Give the entries of a patient by list and row."""
        query = "SELECT * FROM entry WHERE patient = ? ORDER BY list, row, rowid"
        return [Entry(*row) for row in self._db.execute(query, (patient,))]

    def rows(self, patient: str) -> list[int]:
        """Give the rows on which a patient stands."""
        query = "SELECT row FROM patient WHERE id = ? ORDER BY row"
        return [row for (row,) in self._db.execute(query, (patient,))]

    def patients(self) -> Iterator[str]:
        """Give every patient's id once, in the order of their first rows."""
        query = "SELECT id FROM patient GROUP BY id ORDER BY min(row)"
        for (patient,) in self._db.execute(query):
            yield patient

    def orphans(self) -> Iterator[str]:
        """Give the ids that have entries but are no patients, with the empty one."""
        query = (
            "SELECT patient FROM entry WHERE patient NOT IN (SELECT id FROM patient) "
            "GROUP BY patient ORDER BY min(rowid)"
        )
        for (patient,) in self._db.execute(query):
            yield patient

    def close(self) -> None:
        """Remove it."""
        self._db.close()
        self._folder.cleanup()


@contextmanager
def _room(scratch: Path | None) -> Iterator[None]:
    try:
        yield
    except (sqlite3.OperationalError, OSError) as error:
        where = str(scratch) if scratch else tempfile.gettempdir()
        raise UsageError(
            f"temporary files cannot be written to {where}: {error}; free some room there, or set "
            "TMPDIR to a folder with more"
        ) from None
