"""A JSON array of patient records, read as a stream.

Only the ends of the elements are found here; each is given as it is written, so that numbers,
repeated keys and mistakes are judged by the same code as in a file of one record.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from screener.errors import InputError, Problem
from screener.intake.source import Candidate
from screener.intake.text import MAX_LINE, TextFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from screener.intake.text import Utf8Stream

_STRING = rb'"(?:[^"\\\n]++|\\.)*+"'
_TO_BRACKET = re.compile(
    rb'[^"{}\[\]]*+(?:' + _STRING + rb'[^"{}\[\]]*+)*+([{}\[\]])',
    re.DOTALL,
)
_DIVIDED = re.compile(  # a line break within a text: no JSON, whatever follows
    rb'[^"{}\[\]]*+(?:' + _STRING + rb'[^"{}\[\]]*+)*+"(?:[^"\\\n]++|\\.)*+\n',
    re.DOTALL,
)
_SCALAR = re.compile(rb"(?:" + _STRING + rb'|[^"\s,\[\]{}]++)(?=[\s,\]])', re.DOTALL)
_SPACE = re.compile(rb"[ \t\r\n]*+")
_LAST = re.compile(rb"\s*\]\s*\Z")
_CLOSES = {b"{": b"}", b"[": b"]"}
LINE_BREAKS = bytes.maketrans(b"\r\n", b"\t\t")
"""Line breaks become tabs: space between tokens, and as forbidden as they within a text."""
_PLACE = re.compile(r"line 1, column ([0-9]+)")
_LINE_AND_COLUMN = re.compile(r"line ([0-9]+), column ([0-9]+)")


class JsonArraySource:
    """A file that holds one list of objects."""

    form = "JSON array"

    def __init__(self, file: TextFile) -> None:
        self.file = file
        self.size = file.size
        self._stream: Utf8Stream | None = None

    def candidates(self) -> Iterator[Candidate]:
        """Give the elements of the list."""
        with self.file.open() as self._stream:
            yield from _Elements(self.file, self._stream).candidates()

    def position(self) -> int:
        """Tell how many bytes of the file have been read."""
        return self._stream.position() if self._stream and not self._stream.closed else self.size

    def close(self) -> None:
        """Close the file."""
        if self._stream:
            self._stream.close()


class _Broken(Exception):  # noqa: N818 - is caught here
    """The brackets or texts of an element do not close."""


class _Elements:
    """The elements of a list, found in a buffer of which what is done with is dropped."""

    def __init__(self, file: TextFile, stream: Utf8Stream) -> None:
        self._file = file
        self._stream = stream
        self._buffer = b""
        self._at = 0
        self._line, self._column = 1, 1
        self._step = 1
        self._count = 0
        self._margin: bytes | None = None
        """White space before the element on its line; None where other things stand before it."""

    def candidates(self) -> Iterator[Candidate]:
        if self._next() != b"[":
            raise self._fault("a list, which begins with [, is needed here")
        self._pass(1)
        if self._next() == b"]":
            raise self._fault("the file holds an empty list, so there is no patient to screen")
        while True:
            yield self._element()
            self._count += 1
            following = self._next()
            if following == b"]":
                break
            if following != b",":
                raise self._fault(
                    "a comma is missing before this, or a bracket is not closed"
                    if following
                    else "the file ends within the list; it was cut off, or a closing ] is missing"
                )
            self._pass(1)
            if self._next() == b"]":
                raise self._fault("a comma before a closing bracket; remove the comma")
        self._pass(1)
        if self._next():
            raise self._fault("the list ends before this; one file holds one list")

    def _element(self) -> Candidate:
        place = {"index": self._count}
        first = self._next()
        line, column = self._line, self._column
        raw = None
        try:
            end = self._end(first)
            text = self._buffer[self._at : end]
        except _Broken:
            end = self._resume()
            text = self._buffer[self._at : end]
            raw = text.decode()
        self._pass(end - self._at)
        if first == b"{":
            where = partial(place_in_file, text, line, column)
            return Candidate(place, text.translate(LINE_BREAKS), raw, where=where)
        message = f"{_kind(first)} is not a patient record; an object in braces, {{ }}, is"
        return Candidate(place, None, text.decode(), (Problem("", message),))

    # The buffer.

    def _more(self) -> bool:
        """Read on: ever more at once while one element is not found to end."""
        if len(self._buffer) - self._at > MAX_LINE:
            raise self._fault(
                f"the record that begins here is longer than {MAX_LINE >> 20} MiB, which is more "
                "than any record; look for a bracket that is not closed"
            )
        blocks = []
        for _ in range(self._step):
            if not (block := self._stream.block()):
                break
            blocks.append(block)
        self._step = min(2 * self._step, 16)
        self._buffer = self._buffer[self._at :] + b"".join(blocks)
        self._at = 0
        return bool(blocks)

    def _pass(self, count: int) -> None:
        """Go on by some bytes, following line and column."""
        passed = self._buffer[self._at : self._at + count]
        newline = passed.rfind(b"\n")
        if newline >= 0:
            self._line += passed.count(b"\n")
            self._column = 1
        before = b"" if newline >= 0 else self._margin
        rest = passed[newline + 1 :]
        self._margin = before + rest if before is not None and not rest.strip() else None
        self._column += len(rest.decode(errors="replace"))
        self._at += count
        self._step = 1

    def _next(self) -> bytes:
        """Pass white space; give the byte after it, or nothing at the end."""
        while True:
            match = _SPACE.match(self._buffer, self._at)
            self._pass(len(match[0]) if match else 0)
            if self._at < len(self._buffer):
                return self._buffer[self._at : self._at + 1]
            if not self._more():
                return b""

    def _end(self, first: bytes) -> int:
        """Find where the element that begins here ends."""
        if first not in _CLOSES:
            while not (scalar := _SCALAR.match(self._buffer, self._at)):
                if not self._more():
                    raise self._fault("a value is needed here; text stands in quotation marks")
            return scalar.end()
        expected = [_CLOSES[first]]
        after = 1  # counted from where the element begins: the buffer moves
        while expected:
            found = _TO_BRACKET.match(self._buffer, self._at + after)
            if found is None:
                if _DIVIDED.match(self._buffer, self._at + after) or not self._more():
                    raise _Broken
                continue
            bracket = found[1]
            if bracket in _CLOSES:
                expected.append(_CLOSES[bracket])
            elif bracket == expected[-1]:
                expected.pop()
            else:
                raise _Broken
            after = found.end() - self._at
        return self._at + after

    def _resume(self) -> int:
        """Find where a broken element ends, by how the file is laid out.

        If it begins on a line of its own, the next line that begins likewise begins the next one.
        """
        if self._margin is not None:
            following = re.compile(rb",?[ \t\r]*\n" + re.escape(self._margin) + rb"\{")
            while not (found := following.search(self._buffer, self._at + 1)):
                if not self._more():
                    found = _LAST.search(self._buffer, self._at + 1)
                    break
            if found:
                return found.start()
        self._explain()
        raise self._fault("the brackets or quotation marks of this record do not close")

    def _explain(self) -> None:
        """Raise the usual cause and its place, as for a file of one record."""
        from screener.intake import json_text  # noqa: PLC0415

        text = self._buffer[self._at :].decode(errors="replace")
        try:
            json_text.decode(text)
        except json_text.FileFault as fault:
            raise self._fault(
                fault.message, _moved(fault.place, self._line, self._column)
            ) from None

    def _fault(self, message: str, place: str = "") -> InputError:
        place = place or f"line {self._line}, column {self._column}"
        before = f"; {self._count:,} came before" if self._count else ""
        return self._file.fault(message + before, place)


def place_in_file(text: bytes, line: int, column: int, path: str) -> str:
    """Find a place in an element written on one line where it stands in the file."""
    match = _PLACE.fullmatch(path)
    if match is None:
        return ""
    before = text.decode(errors="replace")[: int(match[1]) - 1]
    row, newline, rest = before.count("\n"), before.rfind("\n"), len(before)
    inner = f"line {row + 1}, column {rest - newline}"
    return _moved(inner, line, column)


def _moved(place: str, line: int, column: int) -> str:
    """Move a place in an element by where the element begins."""
    match = _LINE_AND_COLUMN.fullmatch(place)
    if match is None:
        return ""
    row, at = int(match[1]), int(match[2])
    return f"line {line + row - 1}, column {at + column - 1 if row == 1 else at}"


def _kind(first: bytes) -> str:
    """Name what a value is by its first byte."""
    if first == b'"':
        return "text"
    names = {b"[": "a list", b"t": "true", b"f": "false", b"n": "null"}
    return names.get(first, "a number" if first in b"-0123456789" else "this")
