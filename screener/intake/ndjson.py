"""NDJSON: one patient record on each line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screener.errors import Problem
from screener.intake.source import Candidate
from screener.intake.text import MAX_LINE, TextFile, lines

if TYPE_CHECKING:
    from collections.abc import Iterator

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
                if len(line) > MAX_LINE:
                    yield _too_long({"line": number}, line)
                elif text := line.strip(_SPACE):
                    yield Candidate({"line": number}, text)

    def position(self) -> int:
        """Tell how many bytes of the file have been read."""
        return self._stream.position() if self._stream and not self._stream.closed else self.size

    def close(self) -> None:
        """Close the file."""
        if self._stream:
            self._stream.close()


def _too_long(place: dict[str, int], line: bytes) -> Candidate:
    message = (
        f"the line is longer than {MAX_LINE >> 20} MiB, which is more than any record; "
        "end each record with a line break"
    )
    begins = line[:_SHOWN].decode(errors="ignore")
    return Candidate(place, None, raw=begins, problems=(Problem("", message),))
