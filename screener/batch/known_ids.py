"""Finds patients who stand in an input twice, however far apart, without holding all ids."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

    from screener.batch.chunk import Done
    from screener.intake.source import Place


class KnownIds:
    """The ids of the chunks so far, with where each stands first, in a file of SQLite."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        # It is made anew by every process, so nothing of it need outlive one.
        self._db.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE known (id TEXT PRIMARY KEY, place TEXT) WITHOUT ROWID"
        )

    def repeated(self, done: Done) -> dict[int, Place]:
        """The candidates of a chunk whose id stands before, by position, with where it does."""
        ids = [each for each in done.ids if each is not None]
        rows = self._db.execute(
            "SELECT id, place FROM known WHERE id IN (SELECT value FROM json_each(?))",
            [json.dumps(ids)],
        )
        first: dict[str, Place] = {name: json.loads(place) for name, place in rows}
        found: dict[int, Place] = {}
        for position, (name, place) in enumerate(zip(done.ids, done.places, strict=True)):
            if name is None:
                continue
            if name in first:
                found[position] = first[name]
            else:
                first[name] = place
        return found

    def add(self, done: Done) -> None:
        """Take in the ids of a chunk."""
        write = msgspec.json.encode
        rows = [
            (name, write(place))
            for name, place in zip(done.ids, done.places, strict=True)
            if name is not None
        ]
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR IGNORE INTO known VALUES (?, ?)", rows)
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._db.close()
