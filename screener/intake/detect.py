"""Tells what form an input has, by its content, and opens it."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from zipfile import BadZipFile, ZipFile

from screener.errors import InputError, Problem
from screener.intake import json_file
from screener.intake.source import BEGINNING
from screener.intake.text import TextFile, lines

if TYPE_CHECKING:
    from datetime import date

    from screener.intake.source import Source

_MAGIC = (
    (b"PK\x03\x04", "a ZIP archive; unpack it"),
    (b"\xd0\xcf\x11\xe0", "an old or a protected Excel or Word file; save it as .xlsx, without a "
     "password"),
    (b"%PDF", "a PDF; export the data as a table or as JSON"),
    (b"BZh", "a bzip2 archive; unpack it, or use gzip or zstd"),
    (b"\xfd7zXZ", "an xz archive; unpack it, or use gzip or zstd"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it"),
)  # fmt: skip
_FORMS = (
    "NDJSON, a JSON array, Parquet, an Excel workbook, a folder of CSV files, FHIR bundles and "
    "bulk exports, and with --mapping one CSV file"
)


@dataclass(frozen=True)
class Found:
    """What is known of an input before it is recognised."""

    path: Path
    name: str
    """The path as the user gave it."""
    magic: bytes
    """The first bytes of the file as it lies on disk; none of a folder."""
    mapping: Path | None
    scratch: Path | None
    """Where temporary files go; None for the system's place."""
    as_of: date | None = None
    """The screening date: of what was only written down later, FHIR is not read."""

    def fault(self, message: str, place: str = "") -> InputError:
        """An error about the input as a whole."""
        return InputError(self.name, [Problem(place, message)])

    def text(self) -> TextFile:
        """The file as text."""
        return TextFile(self.path, self.name)


Recogniser = Callable[[Found], "Source | None"]
"""Opens an input if it is of a certain form, else gives None."""


def open_source(
    path: str | Path,
    mapping: Path | None = None,
    *,
    scratch: Path | None = None,
    as_of: date | None = None,
) -> Source:
    """Open a file or folder of patient records.

    `mapping` says what the columns of a flat CSV file mean; temporary files go to `scratch`, a
    folder. Raises InputError where it is none of the forms, or damaged, and StudyError where the
    mapping is wrong.
    """
    path, name = Path(path), str(path)
    try:
        if path.is_dir():
            magic = b""
        else:
            with path.open("rb") as file:
                magic = file.read(8)
    except (OSError, ValueError) as error:
        raise InputError(name, [Problem("", json_file.unreadable(path, error).message)]) from None
    found = Found(path, name, magic, mapping, scratch, as_of)
    for recognise in RECOGNISERS:
        if source := recognise(found):
            return source
    raise found.fault(f"this is none of the forms that are read: {_FORMS}")


@dataclass(frozen=True)
class Opened:
    """An open input, and where its bytes lie."""

    source: Source
    path: Path
    name: str
    """The input as the user named it."""


@contextmanager
def opened(
    path: str,
    mapping: Path | None = None,
    *,
    scratch: Path | None = None,
    stdin: BinaryIO | None = None,
    as_of: date | None = None,
) -> Iterator[Opened]:
    """Open an input for a while, `-` being standard input, which is first kept on disk.

    Raises what `open_source` raises.
    """
    if path != "-":
        source = open_source(path, mapping, scratch=scratch, as_of=as_of)
        try:
            yield Opened(source, Path(path), path)
        finally:
            source.close()
        return
    name = "standard input"
    stream = stdin or getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise InputError(name, [Problem("", "there is none; give the name of a file")])
    with tempfile.TemporaryDirectory(prefix="trial-screen-", dir=scratch) as folder:
        kept = Path(folder) / "input"
        with kept.open("wb") as file:
            shutil.copyfileobj(stream, file, 1 << 20)
        try:
            source = open_source(kept, mapping, scratch=scratch, as_of=as_of)
        except InputError as error:
            raise InputError(name, error.problems) from None
        try:
            yield Opened(source, kept, name)
        finally:
            source.close()


def _fhir(found: Found) -> Source | None:
    if found.path.is_file() and not _names_resources(found.path):
        return None
    from screener.intake.fhir import recognise  # noqa: PLC0415

    source = recognise.recognise(found.path, as_of=found.as_of)
    if source:
        _needs_no_mapping(found, "FHIR")
    return source


def _names_resources(path: Path) -> bool:
    """Whether a file may be FHIR; to import what tells it takes longer than to look for a word."""
    with path.open("rb") as file:
        start = file.read(BEGINNING)
    return b"resourceType" in start or b"\\" in start


def _folder(found: Found) -> Source | None:
    if not found.path.is_dir():
        return None
    from screener.intake import csv_folder  # noqa: PLC0415

    if found.mapping:
        raise found.fault("--mapping is for one CSV file, and this is a folder; leave it out")
    if not csv_folder.is_csv_folder(found.path):
        raise found.fault(
            "this folder has no file `patients.csv`; a folder in long form has that, and one file "
            "per list of the record"
        )
    return csv_folder.open_folder(found.path, found.name, found.scratch)


def _parquet(found: Found) -> Source | None:
    if not found.magic.startswith(b"PAR1"):
        return None
    from screener.intake.parquet import ParquetSource  # noqa: PLC0415

    _needs_no_mapping(found, "a Parquet file")
    return ParquetSource(found.path, found.name)


def _workbook(found: Found) -> Source | None:
    if not found.magic.startswith(b"PK\x03\x04"):
        return None
    try:
        with ZipFile(found.path) as archive:
            names = set(archive.namelist())
    except (BadZipFile, OSError, NotImplementedError):
        raise found.fault("a ZIP archive or workbook that is damaged or cut off") from None
    if "[Content_Types].xml" not in names or not any(n.startswith("xl/") for n in names):
        return None
    if "xl/workbook.bin" in names:
        raise found.fault("a binary workbook (.xlsb); save it as .xlsx")
    from screener.intake import workbook  # noqa: PLC0415

    _needs_no_mapping(found, "an Excel workbook")
    return workbook.open_workbook(found.path, found.name, found.scratch)


def _unreadable(found: Found) -> Source | None:
    for magic, what in _MAGIC:
        if found.magic.startswith(magic):
            raise found.fault(f"this is {what}")
    return None


def _json(found: Found) -> Source | None:
    """Recognise JSON by its first lines that are not blank."""
    file = found.text()
    with file.open() as stream:
        first = list(islice((line for _, line in lines(stream) if line.strip()), 2))
    if not first:
        raise found.fault(
            "the file is empty, or holds only white space; `screen template` prints a record to "
            "fill in"
        )
    begins = [line.lstrip()[:1] for line in first]
    if begins[0] == b"[":
        from screener.intake.json_array import JsonArraySource  # noqa: PLC0415

        _needs_no_mapping(found, "JSON")
        return JsonArraySource(file)
    if b"{" not in begins:
        return None
    _needs_no_mapping(found, "JSON")
    if len(first) > 1 and begins[0] == b"{":
        text = [line.decode() for line in first]
        if not json_file.is_by_line(text):
            from screener.intake.json_object import JsonObjectSource  # noqa: PLC0415

            return JsonObjectSource(file)
    from screener.intake.ndjson import NdjsonSource  # noqa: PLC0415

    return NdjsonSource(file)


def _flat_csv(found: Found) -> Source | None:
    if found.mapping is None:
        raise found.fault(
            f"this is none of the forms that are read without a mapping: {_FORMS}. For a CSV file "
            "with a row per patient, `screen template --format mapping` prints one to fill in"
        )
    from screener.intake.flat_csv import FlatCsvSource  # noqa: PLC0415

    return FlatCsvSource(found.text(), found.mapping, found.scratch)


def _needs_no_mapping(found: Found, what: str) -> None:
    if found.mapping:
        raise found.fault(f"--mapping is for a CSV file, and this is {what}; leave it out")


RECOGNISERS: list[Recogniser] = [
    _fhir,  # before the folders and JSON files that it consists of
    _folder,
    _parquet,
    _workbook,
    _unreadable,
    _json,
    _flat_csv,
]
"""How the forms are recognised: the first that gives a source decides."""
