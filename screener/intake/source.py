"""What every form of input gives: candidates for records, each with the place where it stands.

A form only finds the records and writes each as JSON; whether it is valid is decided once, for all
forms, by `screener.record`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from screener.errors import Problem

if TYPE_CHECKING:
    from screener.intake.fhir.draft import Extract

Place = dict[str, Any]
"""Where a record stands, as `rejected.ndjson` names it: {"line": 3}, {"index": 2} in a JSON array,
{"sheet": "patients", "row": 5}; counted as the user sees it, lines and rows from 1."""

BEGINNING = 1 << 16
"""Bytes of a file by which FHIR is told from records."""


class Candidate(NamedTuple):
    """What may be a record."""

    place: Place
    text: bytes | None
    """The record as one JSON object in UTF-8 on one line; None where none could be made of it."""
    raw: Any = None
    """What stood there, for a rejected record: text, or cells by column; None if it is `text`."""
    problems: tuple[Problem, ...] = ()
    """What is wrong beside what `screener.record` finds in `text`. Any makes it rejected."""
    patient_id: str | None = None
    """The patient's id where it is legible and `text` is None."""
    where: Callable[[str], str] | None = None
    """Finds what stands at a path of the record in the input: "sheet `labs`, row 7, column `value`"
    for `labs[1].value`; and "line 9, column 3" for "line 1, column 60", a place in `text`. Empty
    where nothing more exact than `place` is known. Can be pickled."""
    extract: Extract | None = None
    """What else is known where the record was read from FHIR: the resource of each value, and what
    was not used."""
    unread: frozenset[str] = frozenset()
    """Lists that may hold what could not be read, so that nobody can call them whole."""


class Source(Protocol):
    """An input, opened. Reading it twice gives the same candidates in the same order.

    Raises InputError, at opening or while it is read, where the input as a whole cannot be used.
    """

    form: str
    """What it was recognised as, in words: `NDJSON`, `Excel workbook`."""
    size: int
    """How much there is to read, in bytes or rows; 0 where that is not known."""

    def candidates(self) -> Iterator[Candidate]:
        """Give the candidates in the order in which they stand."""
        ...

    def position(self) -> int:
        """Tell how much of `size` has been read."""
        ...

    def close(self) -> None:
        """Remove what was kept on disk meanwhile; the candidates already given stay good."""
        ...


def located(candidate: Candidate, problem: Problem) -> Problem:
    """Say of a problem found in `candidate.text` where it stands in what the user gave."""
    place = candidate.where(problem.path) if candidate.where else ""
    if not place:
        return problem
    if problem.path.startswith("line "):
        return Problem(place, problem.message)
    return Problem(problem.path, f"{place}: {problem.message}")
