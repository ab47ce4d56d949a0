"""Patient records in JSON: one object, an array of objects, or one object on each line.

What concerns the file as a whole is raised; records that are invalid are returned beside the valid
ones. No message about the file quotes it, because messages go to terminals and logs.
"""

from __future__ import annotations

import errno
import json
import stat
import sys
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from screener.errors import InputError, Problem
from screener.intake.json_text import DECODER, SPACE, FileFault, decode, repeated_keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from screener.intake.fhir.draft import Extract
    from screener.quick import Quick
    from screener.record import Record

MAX_BYTES = 64 * 1024 * 1024
MAX_RECORDS = 100_000

_BOM_UTF8 = b"\xef\xbb\xbf"
_BOMS = (  # the longer first: UTF-32 begins as UTF-16 does
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_MAGIC = (
    (b"PK\x03\x04", "a ZIP archive or Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF"),
    (b"PAR1", "a Parquet file"),
)


def read(  # noqa: PLR0913
    source: str,
    *,
    today: date | None = None,
    stdin: BinaryIO | None = None,
    quick: Quick | None = None,
    as_of: date | None = None,
    extracts: dict[int, Extract] | None = None,
) -> list[Record | InputError]:
    """Read the records of a file, or of standard input where `source` is `-`.

    A FHIR bundle stands for the record made of it: what was written down after `as_of` is not used,
    and `extracts` is given what else is known of such a record, by the identity of the record.

    Returns one item per record, in order: the record, or the InputError that says why it cannot be
    screened, with the record's place before each path where the file can hold several. Raises
    InputError where the file itself cannot be read. `today` bounds the date of birth; `stdin`
    stands for standard input. A file of one record that `quick` accepts is read by it, without
    building the models.
    """
    name = "standard input" if source == "-" else source
    try:
        content = _load(source, stdin)
        if quick and content[:1] == b"{" and (record := quick.accept(content)) is not None:
            return [record]
        text = _decode(content)
        found = _find(text)
    except FileFault as fault:
        raise InputError(name, [Problem(fault.place, fault.message)]) from None
    if len(found) > 1 and all(_is_loose(candidate.data) for candidate in found):
        return _from_bulk(name, found, today, as_of, {} if extracts is None else extracts)
    items: list[Record | InputError] = []
    first: dict[str, str] = {}
    for candidate in found:
        if _is_fhir(candidate.data):
            item = _from_fhir(name, candidate, today, as_of, {} if extracts is None else extracts)
        else:
            item = _record(name, candidate, today)
        identifier = item.patient_id if isinstance(item, InputError) else item.id
        if identifier is not None:
            earlier = first.setdefault(identifier, candidate.place)
            if earlier != candidate.place:
                item = _repeated(name, candidate, identifier, earlier, item)
        items.append(item)
    return items


def read_one(source: str, text: str, *, today: date | None = None) -> Record | InputError:
    """Read one record from its JSON text.

    Paths of an InputError are those in the record; a place in the text counts its lines from 1.
    """
    try:
        candidate = _candidate("", decode(text))
    except FileFault as fault:
        candidate = _Candidate("", fault=Problem(fault.place, fault.message))
    return _record(source, candidate, today)


def values(source: str) -> Iterator[tuple[dict[str, Any], object, Problem | None]]:
    """Give the values of a file: one, those of an array, or one a line, as they are.

    Each with its place (`{"line": 3}`, `{"index": 2}`, nothing for the only one) and what is wrong
    with it. Raises InputError where the file itself cannot be read.
    """
    try:
        found = _find(_decode(_load(source, None)))
    except FileFault as fault:
        raise InputError(source, [Problem(fault.place, fault.message)]) from None
    for it in found:
        place: dict[str, Any] = {}
        if it.place.startswith("["):
            place = {"index": int(it.place[1:-1])}
        elif it.place:
            place = {"line": int(it.place.removeprefix("line "))}
        yield place, it.data, it.fault


@dataclass
class _Candidate:
    """What may be a record: decoded JSON, or the reason why it is none."""

    place: str
    """`[2]` in an array, `line 3` of several lines, empty for a file of one record."""
    data: object = None
    fault: Problem | None = None


def _record(source: str, candidate: _Candidate, today: date | None) -> Record | InputError:
    from screener.record import RecordInvalid, parse  # noqa: PLC0415  # builds the models

    if candidate.fault:
        return InputError(source, [candidate.fault])
    repeated = [
        Problem(_join(candidate.place, path), f"{key} is given twice; keep the right one")
        for path, key in repeated_keys(candidate.data)
    ]
    try:
        record = parse(candidate.data, today=today)
    except RecordInvalid as invalid:
        told = [Problem(_join(candidate.place, it.path), it.message) for it in invalid.problems]
        identifier = invalid.patient_id
    else:
        if not repeated:
            return record
        told, identifier = [], record.id
    if "id" in getattr(candidate.data, "keys_twice", ()):  # either may be the patient's
        identifier = None
    return InputError(source, repeated + told, identifier)


def _is_fhir(data: object) -> bool:
    return isinstance(data, dict) and isinstance(data.get("resourceType"), str)


def _is_loose(data: object) -> bool:
    """Tell whether a value is a FHIR resource outside a bundle, or cannot be read at all."""
    return data is None or (_is_fhir(data) and _members(data).get("resourceType") != "Bundle")


def _from_bulk(
    source: str,
    found: list[_Candidate],
    today: date | None,
    as_of: date | None,
    extracts: dict[int, Extract],
) -> list[Record | InputError]:
    from screener.intake.fhir import bulk  # noqa: PLC0415 - only FHIR needs it
    from screener.intake.fhir.resources import Resource  # noqa: PLC0415
    from screener.record import RecordInvalid, parse  # noqa: PLC0415

    items: list[Record | InputError] = [
        InputError(source, [it.fault]) for it in found if it.fault is not None
    ]
    resources = [
        Resource(str(_members(it.data)["resourceType"]), _members(it.data), it.place)
        for it in found
        if it.fault is None
    ]
    for _, patient, made in bulk.grouped(resources, as_of=as_of):
        if isinstance(made, Problem):
            items.append(InputError(source, [made], patient))
            continue
        try:
            record = parse(made.record, today=today)
        except RecordInvalid as invalid:
            items.append(InputError(source, invalid.problems, invalid.patient_id))
        else:
            extracts[id(record)] = made
            items.append(record)
    return items


def _from_fhir(
    source: str,
    candidate: _Candidate,
    today: date | None,
    as_of: date | None,
    extracts: dict[int, Extract],
) -> Record | InputError:
    from screener.intake.fhir import bundle  # noqa: PLC0415 - only FHIR needs it
    from screener.record import RecordInvalid, parse  # noqa: PLC0415

    data = _members(candidate.data)
    try:
        made = bundle.read(data, as_of=as_of)
        record = parse(made.record, today=today)
    except bundle.NotOnePatient as error:
        return InputError(source, [Problem(candidate.place, str(error))])
    except RecordInvalid as invalid:
        told = [Problem(_join(candidate.place, it.path), it.message) for it in invalid.problems]
        return InputError(source, told, invalid.patient_id)
    extracts[id(record)] = made
    return record


def _members(data: object) -> dict[str, Any]:
    """The fields of an object; of anything else, none."""
    return data if isinstance(data, dict) else {}


def _repeated(
    source: str, candidate: _Candidate, identifier: str, earlier: str, item: Record | InputError
) -> InputError:
    problem = Problem(
        _join(candidate.place, "id"),
        f"the same id as the record at {earlier}; give each patient one record and one id",
    )
    others = item.problems if isinstance(item, InputError) else []
    return InputError(source, [problem, *others], identifier)


def _join(place: str, path: str) -> str:
    if not place or not path:
        return place or path
    if place.startswith("["):
        return f"{place}{path}" if path.startswith("[") else f"{place}.{path}"
    return f"{place}, {path}"


# Bytes.


def _load(source: str, stdin: BinaryIO | None) -> bytes:
    if source == "-":
        stream = stdin or getattr(sys.stdin, "buffer", None)
        if stream is None:
            raise FileFault("there is no standard input; give the name of a file")
        try:
            content: bytes = stream.read(MAX_BYTES + 1)
        except (OSError, ValueError):  # a folder, a broken device, or closed
            raise FileFault("standard input cannot be read; give the name of a file") from None
    else:
        path = Path(source)
        try:
            status = path.stat()
            if stat.S_ISDIR(status.st_mode):
                raise FileFault(
                    "this is a folder; give its JSON files, such as `screen FOLDER/*.json`"
                )
            if stat.S_ISREG(status.st_mode) and status.st_size > MAX_BYTES:
                raise _too_large()
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            raise unreadable(path, error) from None
    if len(content) > MAX_BYTES:
        raise _too_large()
    return content


def _too_large() -> FileFault:
    return FileFault(
        f"larger than {MAX_BYTES >> 20} MiB, which is more than is read at once; divide it into "
        "files of fewer patients, one JSON object a line"
    )


def unreadable(path: Path, error: OSError | ValueError) -> FileFault:
    """Say why a file cannot be read, and which it may have been."""
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.ENOENT:
        return FileFault(f"there is no such file{_similar(path)}")
    if code in {errno.EACCES, errno.EPERM}:
        return FileFault("no permission to read this file; ask its owner, or copy it")
    if isinstance(error, OSError):
        return FileFault(f"cannot be read: {error.strerror or type(error).__name__}")
    return FileFault("this cannot be the name of a file")


def _similar(path: Path) -> str:
    """Name up to three files of the same folder with a similar name."""
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - only a wrong name needs it

    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.name.isprintable()]
    except OSError:
        return f"; nor is there a folder `{path.parent}`" if str(path.parent).isprintable() else ""
    near = process.extract(path.name, names, scorer=fuzz.ratio, limit=3, score_cutoff=60)
    return f"; similar names there: {', '.join(f'`{name}`' for name, *_ in near)}" if near else ""


# Text.


def _decode(content: bytes) -> str:
    if not content:
        raise FileFault("the file is empty; `screen template` prints a record to fill in")
    for magic, what in _MAGIC:
        if content.startswith(magic):
            raise FileFault(
                f"this is {what}, not JSON; unpack an archive first, and export other forms as JSON"
            )
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            raise _encoded(encoding)
    guess = json.detect_encoding(content)
    if guess.startswith(("utf-16", "utf-32")) and _is_json_in(content, guess):
        raise _encoded(guess.upper().replace("-LE", "LE").replace("-BE", "BE"))
    if b"\x00" in content:
        line = content.count(b"\n", 0, content.index(b"\x00")) + 1
        raise FileFault("a NUL byte, so this is not text or is damaged", f"line {line}")
    try:
        text = content.removeprefix(_BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        cut_off = error.reason == "unexpected end of data"
        if not cut_off and _is_chinese(content):
            raise _encoded("GB18030") from None
        start = len(content) - len(content.removeprefix(_BOM_UTF8)) + error.start
        line_start = content.rfind(b"\n", 0, start) + 1
        line = content.count(b"\n", 0, start) + 1
        if cut_off:
            why = "the file ends within a character, so it was probably cut off; get it again"
        else:
            why = "not UTF-8 from here on; save the file as UTF-8"
        raise FileFault(why, f"line {line}, byte {start - line_start + 1}") from None
    if not text.strip(SPACE):
        raise FileFault(
            "the file holds only white space; `screen template` prints a record to fill in"
        )
    return text


def _encoded(encoding: str) -> FileFault:
    return FileFault(
        f"this is {encoding} text, and JSON must be UTF-8: convert it with "
        f"`iconv -f {encoding} -t UTF-8 OLD > NEW`"
    )


def _is_json_in(content: bytes, encoding: str) -> bool:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return text.strip(SPACE)[:1] in {"{", "["}


def _is_chinese(content: bytes) -> bool:
    """Tell GB18030 from western text: there, bytes above 127 come in pairs, here mostly alone."""
    if not _is_json_in(content, "gb18030"):
        return False
    text = content.decode("gb18030")
    letters = sum(1 for character in text if "\u4e00" <= character <= "\u9fff")
    high = sum(1 for byte in content if byte > 0x7F)
    return letters > 0 and high > 1.5 * letters


def _find(text: str) -> list[_Candidate]:
    """Decode the text and tell its records apart."""
    if is_by_line([line for _, line in islice(_lines(text), 2)]):
        return _bounded(_line(number, line) for number, line in _lines(text))
    data = decode(text)
    if isinstance(data, dict):
        return [_Candidate("", data)]
    if not isinstance(data, list):
        raise FileFault(f"{_name(data)} is not a patient record; an object in braces, {{ }}, is")
    if not data:
        raise FileFault("the file holds an empty list, so there is no patient to screen")
    return _bounded(_candidate(f"[{index}]", item) for index, item in enumerate(data))


def _bounded(candidates: Iterator[_Candidate]) -> list[_Candidate]:
    found = list(islice(candidates, MAX_RECORDS + 1))
    if len(found) > MAX_RECORDS:
        raise FileFault(f"more than {MAX_RECORDS:,} records; divide it into several files")
    return found


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Give the lines that are not blank, with their numbers."""
    start, number = 0, 1
    while start <= len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        line = text[start:end]
        if line.strip(SPACE):
            yield number, line
        start, number = end + 1, number + 1


def is_by_line(lines: list[str]) -> bool:
    """Tell by its first two lines whether a file has one object on each line.

    Two objects in a row are nothing else: within one object, a comma would separate them. One
    that is broken still counts if it ends as an object does, so that only that line is rejected.
    """
    if len(lines) < 2 or not lines[0].lstrip(SPACE).startswith("{"):
        return False
    try:
        return isinstance(DECODER.decode(lines[0]), dict)
    except (json.JSONDecodeError, RecursionError):
        ends = lines[0].rstrip(SPACE).endswith("}")
        return ends and lines[1].lstrip(SPACE).startswith("{")


def _line(number: int, line: str) -> _Candidate:
    place = f"line {number}"
    try:
        return _candidate(place, decode(line, number))
    except FileFault as fault:
        return _Candidate(place, fault=Problem(fault.place or place, fault.message))


def _candidate(place: str, data: object) -> _Candidate:
    if isinstance(data, dict):
        return _Candidate(place, data)
    message = f"{_name(data)} is not a patient record; an object in braces, {{ }}, is"
    return _Candidate(place, fault=Problem(place, message))


def _name(data: object) -> str:
    if data is None or isinstance(data, bool):
        return json.dumps(data)
    if isinstance(data, str):
        return "text"
    return "a list" if isinstance(data, list) else "a number"
