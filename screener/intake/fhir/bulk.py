"""FHIR bulk exports: NDJSON files with the resources of many patients, one file a resource type.

The lines of a patient are spread over all files. So the files are read twice: once to note where
the lines of each patient stand, in a database on disk that holds nothing of a patient but the id,
and once patient by patient. Memory does not grow with the export.
"""

from __future__ import annotations

import json
import re
import sqlite3
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from screener.errors import InputError, Problem
from screener.intake.fhir.bundle import KEY_TWICE, NotOnePatient, subject_of
from screener.intake.fhir.extract import extract
from screener.intake.fhir.r4 import READ
from screener.intake.fhir.resources import Resource
from screener.intake.source import Candidate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from screener.intake.fhir.draft import Extract

ENDINGS = (".ndjson", ".jsonl")
_SHARED = frozenset({"Medication", "Specimen"})
"""Types that may stand without saying whose they are; found when something refers to them."""
_OWNER = re.compile(r'"(?:subject|patient)"\s*:\s*\{[^{}]*"reference"\s*:\s*"[^"]*Patient/([^"/]+)')
_PATIENT = re.compile(r"(?:.*/)?Patient/([A-Za-z0-9\-.]{1,64})(?:/_history/.*)?")
_REFERENCE = re.compile(r'"reference"\s*:\s*"(?:[^"]*/)?(Medication|Specimen)/([^"/]+)')
_NOBODYS = (
    "no FHIR resource that says whose it is (subject), or no valid JSON: it can be counted to no "
    "patient; correct it and export again"
)
_TABLES = """
CREATE TABLE lines(
    patient TEXT, kind TEXT, file INTEGER, line INTEGER, start INTEGER, size INTEGER);
CREATE TABLE shared(kind TEXT, id TEXT, file INTEGER, line INTEGER, start INTEGER, size INTEGER);
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an export: where it stands, and what it holds."""

    file: str
    number: int
    text: bytes

    @property
    def place(self) -> str:
        """Its place, as messages name it."""
        return f"{self.file}, line {self.number}"


def owner(raw: dict[str, Any]) -> str | None:
    """Return the id of the patient that a resource is of, None where it does not say."""
    if raw.get("resourceType") == "Patient":
        return raw["id"] if isinstance(raw.get("id"), str) else None
    for name in ("subject", "patient"):
        reference = raw.get(name)
        text = reference.get("reference") if isinstance(reference, dict) else None
        if isinstance(text, str) and (found := _PATIENT.fullmatch(text)):
            return found[1]
    return None


def resource_of(line: Line) -> Resource:
    """Read a line as a resource; one without a kind where it is none."""
    repeated = False

    def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        found = dict(pairs)
        repeated = repeated or len(found) != len(pairs)
        return found

    try:
        raw = json.loads(line.text, object_pairs_hook=object_of)
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict):
        return Resource("", {}, line.place)
    kind = raw.get("resourceType")
    kind = kind if isinstance(kind, str) and kind.isalpha() else ""
    return Resource(kind, raw, line.place, fault=KEY_TWICE if repeated else "")


def grouped(
    resources: Iterable[Resource], *, as_of: date | None = None
) -> Iterator[tuple[Resource, str | None, Extract | Problem]]:
    """Make an extract a patient of the resources of several, all in memory.

    Gives the first resource of each patient, the id and the extract, or why there is none. What
    does not show whose it is comes by itself.
    """
    of_patient: dict[str, list[Resource]] = {}
    shared: list[Resource] = []
    for resource in resources:
        whose = owner(resource.raw)
        if whose is not None:
            of_patient.setdefault(whose, []).append(resource)
        elif resource.kind in _SHARED:
            shared.append(resource)
        elif resource.kind in READ:
            yield resource, None, Problem(resource.place, _NOBODYS)
    for patient, own in of_patient.items():
        try:
            made = extract([*own, *shared], subject_of(own), as_of=as_of)
        except NotOnePatient as error:
            yield own[0], patient, Problem(own[0].place, _of_export(error))
        else:
            yield own[0], patient, made


def _of_export(error: NotOnePatient) -> str:
    return str(error).replace("the bundle", "the export")


@dataclass
class BulkSource:
    """A bulk export: the NDJSON files of a folder, or some that are named.

    Raises InputError, while it is read, where a file cannot be.
    """

    files: list[Path]
    as_of: date | None = None
    """The screening date: what was written down after it is not used."""
    form: str = "FHIR bulk export"
    size: int = 0
    unowned: Counter[str] = field(default_factory=Counter, init=False)
    """Resources of types that are not read and that are of no patient, counted by type."""
    _read: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.files = sorted(self.files)
        self.size = 2 * sum(path.stat().st_size for path in self.files)

    def position(self) -> int:
        """Tell how much has been read; every file is read twice."""
        return self._read

    def close(self) -> None:
        """Nothing is kept once the candidates have been read."""

    def candidates(self) -> Iterator[Candidate]:
        """Give one candidate a patient, in the order in which patients first stand in the export.

        A line that cannot be read and does not show whose it is comes as a candidate of its own.
        """
        self._read = 0
        self.unowned.clear()
        with tempfile.TemporaryDirectory(prefix="trial-screen-") as folder:  # only the owner's
            connection = sqlite3.connect(Path(folder) / "lines.db")
            try:
                connection.executescript(
                    f"PRAGMA journal_mode=OFF;PRAGMA synchronous=OFF;{_TABLES}"
                )
                yield from self._note(connection)
                connection.execute("CREATE INDEX of_patient ON lines(patient)")
                connection.execute("CREATE INDEX of_name ON shared(kind, id)")
                yield from self._patients(connection)
            finally:
                connection.close()

    def _note(self, connection: sqlite3.Connection) -> Iterator[Candidate]:
        for number, path in enumerate(self.files):
            noted, shared, faulty = [], [], []
            for line, start in _lines(path):
                self._read += len(line.text)
                at = (number, line.number, start, len(line.text))
                kind, name, whose = _noted(line.text)
                if whose is None and not kind:
                    found = set(_OWNER.findall(line.text.decode("utf-8", "replace")))
                    whose = found.pop() if len(found) == 1 else None
                if whose is not None:
                    noted.append((whose, kind, *at))
                elif kind in _SHARED and name:
                    shared.append((kind, name, *at))
                elif not kind or kind in READ:
                    faulty.append(line)
                else:
                    self.unowned[kind] += 1
                if len(noted) > 50_000:
                    connection.executemany("INSERT INTO lines VALUES (?,?,?,?,?,?)", noted)
                    noted.clear()
            connection.executemany("INSERT INTO lines VALUES (?,?,?,?,?,?)", noted)
            connection.executemany("INSERT INTO shared VALUES (?,?,?,?,?,?)", shared)
            for line in faulty:
                yield _ownerless(line)

    def _patients(self, connection: sqlite3.Connection) -> Iterator[Candidate]:
        opened = [_open(path) for path in self.files]
        try:
            first = "SELECT patient, min(rowid) FROM lines GROUP BY patient ORDER BY 2"
            for patient, _ in connection.execute(first):
                rows = connection.execute(
                    "SELECT file, line, start, size FROM lines WHERE patient = ? ORDER BY 1, 2",
                    (patient,),
                )
                lines = [self._line(opened, row) for row in rows]
                self._read += sum(len(line.text) for line in lines)
                yield self._candidate(patient, lines, self._shared(connection, opened, lines))
        finally:
            for file in opened:
                file.close()

    def _line(self, opened: list[BinaryIO], row: tuple[int, int, int, int]) -> Line:
        file, number, start, size = row
        opened[file].seek(start)
        return Line(self.files[file].name, number, opened[file].read(size))

    def _shared(
        self, connection: sqlite3.Connection, opened: list[BinaryIO], lines: list[Line]
    ) -> list[Line]:
        named = {
            name
            for line in lines
            for name in _REFERENCE.findall(line.text.decode("utf-8", "replace"))
        }
        return [
            self._line(opened, row)
            for kind, name in sorted(named)
            for row in connection.execute(
                "SELECT file, line, start, size FROM shared WHERE kind = ? AND id = ?", (kind, name)
            )
        ]

    def _candidate(self, patient: str, lines: list[Line], shared: list[Line]) -> Candidate:
        place = {"file": lines[0].file, "line": lines[0].number}
        try:
            own = [resource_of(line) for line in lines]
            needed = [resource_of(line) for line in shared]
            made = extract([*own, *needed], subject_of(own), as_of=self.as_of)
        except NotOnePatient as error:
            problem = Problem(lines[0].place, _of_export(error))
            return Candidate(place, None, patient, (problem,), patient_id=patient)
        text = json.dumps(made.record, ensure_ascii=False).encode()
        return Candidate(place, text, extract=made, unread=frozenset(made.unread()))


def _noted(text: bytes) -> tuple[str, str | None, str | None]:
    """Return the type of a resource, its id and the id of its patient, as far as legible."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict):
        return "", None, None
    kind, name = raw.get("resourceType"), raw.get("id")
    kind = kind if isinstance(kind, str) and kind.isalpha() else ""
    return kind, name if isinstance(name, str) else None, owner(raw)


def _ownerless(line: Line) -> Candidate:
    problem = Problem(line.place, _NOBODYS)
    raw = line.text.decode("utf-8", "replace")
    return Candidate({"file": line.file, "line": line.number}, None, raw, (problem,))


def _lines(path: Path) -> Iterator[tuple[Line, int]]:
    """Give the lines of a file that are not blank, each with where it starts."""
    with _open(path) as file:
        start = 0
        for number, text in enumerate(file, start=1):
            begin = text.removeprefix(b"\xef\xbb\xbf") if number == 1 else text
            if begin.strip():
                yield Line(path.name, number, begin.rstrip(b"\r\n")), start + len(text) - len(begin)
            start += len(text)


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise InputError(str(path), [Problem("", f"cannot be read: {why}")]) from None
