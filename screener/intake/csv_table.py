"""A CSV file as a table: the delimiter told by the header, rows numbered by their first line."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from screener.intake.tables import Row
from screener.intake.text import MAX_LINE, TextFile, Utf8Stream, lines

if TYPE_CHECKING:
    from collections.abc import Iterator

DELIMITERS = (",", ";", "\t")
_LONGEST_CELL = 131_072


class CsvTable:
    """One CSV file with a header."""

    def __init__(self, file: TextFile, place: str | None = None) -> None:
        """Read the header.

        Raises InputError where the file is no text, or its first line names no columns.
        """
        self.file = file
        self.name = file.path.name.partition(".")[0]
        self.place = place or file.name
        self._stream: Utf8Stream | None = None
        self._read = 0
        with file.open() as stream:
            first = next(_text_lines(file, stream), "")
        self.delimiter = delimiter(first)
        header = next(self._records(), None)
        if header is None or not any(map(str.strip, header[1])):
            raise file.fault("the first line names no columns; write their names there", "line 1")
        names = [name.strip() for name in header[1]]
        while names and not names[-1]:
            names.pop()
        self.header = tuple(names)

    def rows(self) -> Iterator[Row]:
        """Give the rows that are not blank.

        Raises InputError where quotation marks do not close, with the line.
        """
        records = self._records()
        next(records, None)
        width = len(self.header)
        for line, cells in records:
            if not any(map(str.strip, cells)):
                continue
            fault = ""
            if len(cells) != width and (len(cells) < width or any(cells[width:])):
                fault = (
                    f"{len(cells)} cells where the header has {width}; put a cell that holds the "
                    "delimiter into quotation marks"
                )
            yield Row(line, cells, fault)

    def position(self) -> int:
        """Tell how many bytes have been read, over all readings."""
        open_now = self._stream is not None and not self._stream.closed
        return self._read + (self._stream.position() if open_now and self._stream else 0)

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        with self.file.open() as self._stream:
            source = _text_lines(self.file, self._stream)
            reader = csv.reader(source, delimiter=self.delimiter, strict=True)
            line = 1
            try:
                for record in reader:
                    if record:
                        yield line, record
                    line = reader.line_num + 1
            except csv.Error as error:
                raise self.file.fault(_cause(str(error)), f"line {line}") from None
        self._read += self.file.size


def delimiter(line: str) -> str:
    """Tell the delimiter by a header: the one that divides it into most columns."""

    def count(mark: str) -> int:
        try:
            return len(next(csv.reader([line], delimiter=mark), []))
        except csv.Error:
            return 0

    return max(DELIMITERS, key=count)


def _text_lines(file: TextFile, stream: Utf8Stream) -> Iterator[str]:
    for number, line in lines(stream):
        if len(line) > MAX_LINE:
            raise file.fault(
                f"longer than {MAX_LINE >> 20} MiB, so this is no table; check its line breaks",
                f"line {number}",
            )
        yield line.decode() + "\n"


def _cause(message: str) -> str:
    if "field larger" in message:
        return (
            f"a cell of more than {_LONGEST_CELL:,} characters; a quotation mark that opens a cell "
            "is probably not closed"
        )
    if "unexpected end" in message:
        return "a quotation mark opens a cell here and is not closed; close it"
    if "expected after" in message:
        return (
            "a quotation mark within a quoted cell; write it twice, and put nothing between a "
            "closing one and the delimiter"
        )
    return "not written as CSV: a line break that is not at the end of a row; put it in quotes"
