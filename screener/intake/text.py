"""Files of text as a stream of UTF-8 without a byte order mark, whatever they are written in.

Compressed files (gzip, zstd) are unpacked on the way, UTF-16 and GB18030 converted. Nothing is
loaded whole, and no file is read twice to find out what it is: as long as a text is plain ASCII,
UTF-8 and GB18030 are one; what it is, is decided where the first other character stands.
"""

from __future__ import annotations

import codecs
import gzip
import io
import sys
import zlib
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, cast

from screener.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK = 1 << 17
"""Bytes that are read at once: so few that what is made of them stays in the processor's cache."""
MAX_LINE = 64 << 20
"""Bytes of one line, or of one record, that are read."""

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_BOMS = (  # the longer first: UTF-32 begins as UTF-16 does
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ENOUGH = 1 << 16
"""Bytes after the first that is not ASCII by which an encoding is told."""
_CHANCE = 8
"""Characters of GB18030 in a row that may happen to be UTF-8 as well; more are UTF-8."""
_NAMES = {"utf-8": "UTF-8", "gb18030": "GB18030", "utf-16-le": "UTF-16LE", "utf-16-be": "UTF-16BE"}


class TextFile:
    """A file of text that can be read from the start any number of times."""

    def __init__(self, path: Path, name: str | None = None) -> None:
        """Take a file that exists; `name` stands for it in messages."""
        self.path = path
        self.name = name or str(path)
        self.size = path.stat().st_size

    def open(self) -> Utf8Stream:
        """Open it.

        Raises InputError, now or while it is read, where it is damaged or no text known here.
        """
        return Utf8Stream(self)

    def head(self, size: int = BLOCK) -> bytes:
        """Give the beginning, at least `size` bytes unless the file is shorter."""
        with self.open() as stream:
            parts, length = [], 0
            while length < size and (block := stream.block()):
                parts.append(block)
                length += len(block)
        return b"".join(parts)

    def fault(self, message: str, place: str = "") -> InputError:
        """An error about the file."""
        return InputError(self.name, [Problem(place, message)])


class Utf8Stream(io.RawIOBase):
    """The text of a file as UTF-8, in blocks, or as a raw stream to be wrapped in a buffer."""

    def __init__(self, file: TextFile) -> None:
        super().__init__()
        self._file = file
        try:
            self._disk: BinaryIO = file.path.open("rb")
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise file.fault(f"cannot be read: {why}") from None
        self._packed = ""
        self._source = self._unpacked()
        self._decoder: codecs.IncrementalDecoder | None = None
        self._decided = False
        self._encoding = "utf-8"
        self._pushed_back = b""
        self._carry = b""
        self._rest = memoryview(b"")
        self._lines = 0
        self._in_line = 0
        self._begin()

    # What io.RawIOBase asks for.

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, target: Any, /) -> int:
        """Fill a buffer as far as one block goes."""
        if not self._rest:
            self._rest = memoryview(self.block())
        view = memoryview(target).cast("B")
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._disk.close()
        super().close()

    # Blocks.

    def block(self) -> bytes:
        """Give the next part of the text, empty only at the end; a character is never divided.

        Raises InputError where the file is damaged or not in an encoding known here; it names
        line and byte.
        """
        while True:
            data = self._read()
            text = self._converted(data) if self._decoder else self._checked(self._carry + data)
            if text or not data:
                break
        newline = text.rfind(b"\n")
        if newline >= 0:
            self._lines += text.count(b"\n")
            self._in_line = len(text) - newline - 1
        else:
            self._in_line += len(text)
        return text

    def position(self) -> int:
        """Tell how many bytes of the file on disk have been read."""
        return 0 if self._disk.closed else self._disk.tell()

    def _unpacked(self) -> BinaryIO:
        magic = self._disk.read(4)
        self._disk.seek(0)
        if magic.startswith(_GZIP):
            self._packed = "gzip"
            return cast("BinaryIO", gzip.GzipFile(fileobj=self._disk))
        if magic == _ZSTD:
            self._packed = "zstd"
            return _zstd_file(self._disk)
        return self._disk

    def _read(self) -> bytes:
        if self._pushed_back:
            data, self._pushed_back = self._pushed_back, b""
            return data
        try:
            return self._source.read(BLOCK)
        except EOFError:
            why = f"the {self._packed} data end too early: the file was cut off; get it again"
        except (zlib.error, gzip.BadGzipFile, OSError) as error:
            if not self._packed:
                why = f"cannot be read: {getattr(error, 'strerror', None) or 'damaged'}"
            else:
                why = f"the {self._packed} data are damaged; get the file again"
        except _zstd_error():
            why = "the zstd data are damaged, or need more memory than is allowed; get it again"
        raise self._file.fault(why, self._here()) from None

    def _begin(self) -> None:
        """Find a byte order mark, or UTF-16 without one."""
        head = self._read()
        marks = (mark for mark in _BOMS if head.startswith(mark[0]))
        bom, encoding = next(marks, (b"", _utf16(head)))
        if encoding == "utf-32":
            raise self._file.fault(
                "this is UTF-32 text: convert it with `iconv -f UTF-32 -t UTF-8 OLD > NEW`"
            )
        if encoding.startswith("utf-16"):
            self._decoder = codecs.getincrementaldecoder(encoding)()
        self._decided = bool(bom)
        self._encoding = encoding or "utf-8"
        self._pushed_back = head[len(bom) :]

    def _converted(self, data: bytes) -> bytes:
        assert self._decoder is not None  # noqa: S101  # for the type checker
        try:
            return self._decoder.decode(data, final=not data).encode()
        except UnicodeError:
            name = _NAMES[self._encoding]
            advice = "it was cut off or damaged; get the file again"
            raise self._file.fault(f"not {name} from here on: {advice}", self._here()) from None

    def _checked(self, data: bytes) -> bytes:
        if data.isascii():
            self._carry = b""
            return data
        if not self._decided:
            return self._decide(data)
        end = self._utf8_end(data)
        self._carry = data[end:]
        return data[:end]

    def _utf8_end(self, data: bytes) -> int:
        """How far the data are whole characters."""
        try:
            data.decode()
        except UnicodeDecodeError as error:
            if error.reason != "unexpected end of data":
                self._not_utf8(data, error.start)
            more = self._read()
            if not more:
                self._not_utf8(data, error.start, cut_off=True)
            self._pushed_back = more
            return error.start
        return len(data)

    def _decide(self, data: bytes) -> bytes:
        """Tell UTF-8 from GB18030 at the first character that is not ASCII."""
        self._decided = True
        first = next(place for place, byte in enumerate(data) if byte > 0x7F)
        while len(data) - first < _ENOUGH and (more := self._read()):
            data += more
        window = data[first:]
        try:
            codecs.getincrementaldecoder("utf-8")().decode(window)
        except UnicodeDecodeError as error:
            before = window[: error.start].decode()
            if sum(not c.isascii() for c in before) <= _CHANCE and is_gb18030(window):
                self._encoding = "gb18030"
                self._decoder = codecs.getincrementaldecoder("gb18030")()
                self._carry = b""
                return self._converted(data) if data else b""
        end = self._utf8_end(data)
        self._carry = data[end:]
        return data[:end]

    def _not_utf8(self, data: bytes, start: int, *, cut_off: bool = False) -> NoReturn:
        if cut_off:
            why = "the file ends within a character, so it was probably cut off; get it again"
        else:
            why = (
                "not UTF-8 from here on, and not GB18030 or UTF-16 either; save the file as UTF-8, "
                "or convert it: `iconv -f ENCODING -t UTF-8 OLD > NEW`"
            )
        line = self._lines + data.count(b"\n", 0, start) + 1
        newline = data.rfind(b"\n", 0, start)
        byte = start - newline if newline >= 0 else self._in_line + start + 1
        raise self._file.fault(why, f"line {line}, byte {byte}") from None

    def _here(self) -> str:
        return f"after line {self._lines}" if self._lines else ""


def lines(stream: Utf8Stream, limit: int = MAX_LINE) -> Iterator[tuple[int, bytes]]:
    """Give the lines with their numbers, from 1, without the line end.

    Of a line longer than `limit` bytes, one byte more than `limit` is given.
    """
    number, length = 1, 0
    parts: list[bytes] = []
    while block := stream.block():
        start = 0
        while (end := block.find(b"\n", start)) >= 0:
            if parts:
                parts.append(block[start:end])
                yield number, b"".join(parts)[: limit + 1]
                parts, length = [], 0
            else:
                yield number, block[start:end]
            number, start = number + 1, end + 1
        if start < len(block) and length <= limit:
            parts.append(block[start:])
            length += len(block) - start
    if parts:
        yield number, b"".join(parts)[: limit + 1]


def is_gb18030(data: bytes) -> bool:
    """Tell Chinese text in GB18030 from bytes in any other encoding; an end cut off does not count.

    Almost any bytes can be read as GB18030. Chinese is taken for granted only where at least seven
    tenths of what is not ASCII are the 3,755 commonest characters (GB 2312, level 1), which
    neighbours among accented Latin or Cyrillic letters seldom give.
    """
    try:
        text = codecs.getincrementaldecoder("gb18030")().decode(data)
    except UnicodeDecodeError:
        return False
    others = [c for c in text if not c.isascii() and not _is_sign(c)]
    common = _common()
    return len(others) > 0 and sum(c in common for c in others) >= 0.7 * len(others)


def _is_sign(character: str) -> bool:
    """Tell whether it is punctuation or a full-width form, as Chinese text has them too."""
    code = ord(character)
    return 0x2000 <= code < 0x2700 or 0x3000 <= code < 0x3040 or 0xFF00 <= code < 0xFFF0


@cache
def _common() -> frozenset[str]:
    rows = range(0xB0, 0xD8)
    pairs = (bytes((row, cell)) for row in rows for cell in range(0xA1, 0xFF))
    return frozenset(pair.decode("gb2312", errors="ignore") for pair in pairs) - {""}


def _utf16(head: bytes) -> str:
    """Name the UTF-16 that a text without byte order mark is in, or nothing."""
    part = head[:_ENOUGH]
    part = part[: len(part) // 2 * 2]
    even, odd = part[::2].count(0), part[1::2].count(0)
    if not (even or odd) or (even and odd):
        return ""
    encoding = "utf-16-be" if even else "utf-16-le"
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(part)
    except UnicodeDecodeError:
        return ""
    recognisable = text.lstrip()[:1] in {"{", "["} or ("\n" in text and text.count("\x00") == 0)
    return encoding if recognisable else ""


def _zstd_file(disk: BinaryIO) -> BinaryIO:
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415
    else:
        from backports import zstd  # noqa: PLC0415
    return cast("BinaryIO", zstd.ZstdFile(disk))


def _zstd_error() -> type[Exception]:
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415
    else:
        from backports import zstd  # noqa: PLC0415
    return zstd.ZstdError
