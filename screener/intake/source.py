"""What every form of input gives: candidates for records, each with the place where it stands.

A form only finds the records and writes each as JSON; whether it is valid is decided once, for all
forms, by `screener.record`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from screener.errors import Problem

if TYPE_CHECKING:
    from screener.intake.fhir.draft import Extract

Place = dict[str, Any]
"""Where a record stands, as `rejected.ndjson` names it: {"line": 3}, {"index": 2} in a JSON array,
{"sheet": "patients", "row": 5}; counted as the user sees it, lines and rows from 1."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be a record."""

    place: Place
    text: bytes | None
    """The record as one JSON object in UTF-8 on one line; None where none could be made of it."""
    raw: Any = None
    """What stood there, for a rejected record: text, or cells by column; None if it is `text`."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with it beside what `screener.record` finds in `text`. Any rejects it."""
    patient_id: str | None = None
    """The patient's id where it is legible and `text` is None."""
    extract: Extract | None = None
    """What else is known where the record was read from FHIR: the resource of each value, and what
    was not used."""


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
