"""Whether an input is FHIR, and the source that reads it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from screener.errors import InputError, Problem
from screener.intake import json_file
from screener.intake.fhir import bundle
from screener.intake.fhir.bulk import ENDINGS, BulkSource
from screener.intake.source import BEGINNING, Candidate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

_COMPRESSED = (".gz", ".zip", ".bz2", ".xz", ".zst", ".7z", ".tar")


@dataclass
class BundleSource:
    """FHIR bundles: one in each file, or several in a file, one on each line or in an array.

    Raises InputError, while it is read, where a file is no JSON.
    """

    files: list[Path]
    as_of: date | None = None
    """The screening date: what was written down after it is not used."""
    form: str = "FHIR bundles"
    size: int = 0
    _read: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.files = sorted(self.files)
        self.size = sum(path.stat().st_size for path in self.files)

    def position(self) -> int:
        """Tell how many bytes have been read."""
        return self._read

    def close(self) -> None:
        """Nothing is kept once the candidates have been read."""

    def candidates(self) -> Iterator[Candidate]:
        """Give one candidate a bundle, in the order of the files and of the bundles in them."""
        self._read = 0
        several = len(self.files) > 1
        for path in self.files:
            for place, data, fault in json_file.values(str(path)):
                at = {**({"file": path.name} if several else {}), **place}
                problem = fault
                if problem is None and not bundle.is_fhir(data):
                    problem = Problem(
                        "", "no FHIR resource; a file holds bundles or records, not both"
                    )
                if problem is None:
                    try:
                        made = bundle.read(dict(data), as_of=self.as_of)  # type: ignore[call-overload]
                    except bundle.NotOnePatient as error:
                        problem = bundle.rejected(error)
                    else:
                        text = json.dumps(made.record, ensure_ascii=False).encode()
                        yield Candidate(at, text, extract=made, unread=frozenset(made.unread()))
                        continue
                yield Candidate(at, None, None, (problem,))
            self._read += path.stat().st_size


def recognise(path: Path, *, as_of: date | None = None) -> BulkSource | BundleSource | None:
    """Return the source that reads an input, None where it is no FHIR.

    A folder is one if it holds NDJSON files of resources, or JSON files of bundles; a file if it
    begins with a resource. `as_of` is the screening date. Raises InputError where a folder holds
    both.
    """
    if path.is_dir():
        inside = sorted(it for it in path.iterdir() if it.is_file() and not it.name.startswith("."))
        kinds = {it: _kind(it) for it in inside}
        lines = [it for it in inside if it.suffix in ENDINGS and kinds[it] not in (None, "Bundle")]
        bundles = [it for it in inside if kinds[it] == "Bundle"]
        if lines and bundles:
            raise InputError(
                str(path),
                [Problem("", "the folder holds both bundles and files of a bulk export; give each "
                             "a folder of its own")],
            )  # fmt: skip
        if lines:
            _refuse_unread(path, kinds)
            # A file whose first line is broken is one of the export too: its lines are named.
            return BulkSource([it for it in inside if it.suffix in ENDINGS], as_of)
        return BundleSource(bundles, as_of) if bundles else None
    kind = _kind(path)
    if kind is None:
        return None
    return BundleSource([path], as_of) if kind == "Bundle" else BulkSource([path], as_of)


def _refuse_unread(folder: Path, kinds: dict[Path, str | None]) -> None:
    """Raise InputError where files beside those of an export hold resources that would be lost."""
    problems = [
        Problem(it.name, "it is compressed; unpack it first, so that none of it is lost")
        for it in kinds
        if it.suffix in _COMPRESSED
    ]
    problems += [
        Problem(it.name, "it holds FHIR resources, but is not called .ndjson; rename it, or take "
                         "it out of the folder")
        for it, kind in kinds.items()
        if kind is not None and it.suffix not in ENDINGS
    ]  # fmt: skip
    if problems:
        raise InputError(str(folder), problems)


def _kind(path: Path) -> str | None:
    """Return the type of the resource that a file begins with, as far as its beginning shows."""
    try:
        with path.open("rb") as file:
            start = file.read(BEGINNING).decode("utf-8-sig", "ignore").lstrip()
    except OSError:
        return None
    start = start.removeprefix("[").lstrip()
    return _first_kind(start) or (_whole_kind(path) if '"resourceType"' in start else None)


def _whole_kind(path: Path) -> str | None:
    """Return the same of a file whose first object names its type late: it has to be read whole."""
    try:
        data = next(iter(json_file.values(str(path))))[1]
    except InputError:
        return None
    kind = data.get("resourceType") if isinstance(data, dict) else None
    return kind if isinstance(kind, str) else None


def _first_kind(start: str) -> str | None:
    """Return the `resourceType` of the first object of a text, if it stands in the text."""
    if not start.startswith("{"):
        return None
    depth, key, at = 0, "", json.JSONDecoder()
    position = 0
    while position < len(start):
        character = start[position]
        if character == '"':
            try:
                text, position = at.raw_decode(start, position)
            except ValueError:
                return None
            if depth == 1 and key == "resourceType":
                return text if isinstance(text, str) else None
            if depth == 1:
                key = text
            continue
        if character in "{[":
            depth += 1
        elif character in "}]":
            depth -= 1
            if depth == 0:
                return None
        elif character == "," and depth == 1:
            key = ""
        position += 1
    return None
