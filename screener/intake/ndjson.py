"""NDJSON: one patient record on each line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screener.errors import Problem
from screener.intake.source import Candidate
from screener.intake.text import MAX_LINE, TextFile, lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from screener.intake.source import Place
    from screener.intake.text import Utf8Stream

_SPACE = b" \t\r\n"
_SHOWN = 1000


class NdjsonSource:
    """A file of one JSON object a line. Blank lines are no records."""

    form = "NDJSON"

    def __init__(self, file: TextFile) -> None:
        self.file = file
        self.size = file.size
        self._stream: Utf8Stream | None = None

    def open(self) -> Utf8Stream:
        """Open the text as UTF-8 from the start; `position` then follows it."""
        self._stream = self.file.open()
        return self._stream

    def candidates(self) -> Iterator[Candidate]:
        """Give the lines that are not blank."""
        with self.open() as stream:
            for number, line in lines(stream):
                if found := candidate({"line": number}, line):
                    yield found

    def position(self) -> int:
        """Tell how many bytes of the file have been read."""
        return self._stream.position() if self._stream and not self._stream.closed else self.size

    def close(self) -> None:
        """Close the file."""
        if self._stream:
            self._stream.close()


def candidate(place: Place, line: bytes) -> Candidate | None:
    """What stands on a line; None where it is blank."""
    if len(line) > MAX_LINE:
        return _too_long(place, line)
    text = line.strip(_SPACE)
    return Candidate(place, text) if text else None


def _too_long(place: Place, line: bytes) -> Candidate:
    message = (
        f"the line is longer than {MAX_LINE >> 20} MiB, which is more than any record; "
        "end each record with a line break"
    )
    begins = line[:_SHOWN].decode(errors="ignore")
    return Candidate(place, None, raw=begins, problems=(Problem("", message),))
