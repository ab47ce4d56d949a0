"""A file of one JSON object that spans several lines."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from screener.intake.json_array import LINE_BREAKS, place_in_file
from screener.intake.source import Candidate
from screener.intake.text import MAX_LINE, TextFile

if TYPE_CHECKING:
    from collections.abc import Iterator


class JsonObjectSource:
    """A file of one record."""

    form = "JSON"

    def __init__(self, file: TextFile) -> None:
        self.file = file
        self.size = file.size
        self._read = 0

    def candidates(self) -> Iterator[Candidate]:
        """Give the record.

        Raises InputError where the file is too large for one.
        """
        text = self.file.head(MAX_LINE + 1)
        if len(text) > MAX_LINE:
            raise self.file.fault(
                f"one object of more than {MAX_LINE >> 20} MiB; several records go one on each "
                "line, or in a list"
            )
        self._read = self.size
        where = partial(place_in_file, text, 1, 1)
        yield Candidate({"line": 1}, text.translate(LINE_BREAKS).rstrip(), where=where)

    def position(self) -> int:
        """Tell how many bytes have been read."""
        return self._read

    def close(self) -> None:
        """Nothing is kept between readings."""
