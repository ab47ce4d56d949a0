"""Decides of each candidate whether it is a valid record; if not, what is told of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from screener import quick
from screener.canonical import canonical_json, with_partial
from screener.engine import Words
from screener.entries import Gathered
from screener.errors import InputError, Problem
from screener.intake.json_file import read_one
from screener.intake.source import located

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from screener.intake.source import Candidate, Place
    from screener.record import Record


class _Named(msgspec.Struct):
    id: str


_NAMED = msgspec.json.Decoder(_Named)
_LINE = re.compile(r"line 1(?=,|$)")


_AT_ONCE = 32
"""Records that are judged together where all are in order: as many as the cache holds."""


class Accepted(NamedTuple):
    """A valid record."""

    id: str
    text: bytes
    """The record as one JSON object in UTF-8 on one line."""
    words: Words
    """Its words, with those of the records that were judged together with it."""
    unread: frozenset[str] = frozenset()
    """Lists that nobody can call whole."""

    def record(self, today: date) -> Record:
        """The record itself; `today` is the day as of which it was accepted, or a later one."""
        found: Record | None = quick.kept(today).accept(self.text)
        if found is not None:
            return found
        from screener.record import parse  # noqa: PLC0415  # builds the models

        return parse(json.loads(self.text), today=today)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that cannot be screened, as `rejected.ndjson` tells of it."""

    place: Place
    patient_id: str | None
    problems: list[Problem]
    raw: Any

    def line(self) -> str:
        """The row of `rejected.ndjson`."""
        row = {
            **self.place,
            "patient_id": self.patient_id,
            "errors": [{"path": it.path, "message": it.message} for it in self.problems],
            "raw": self.raw,
        }
        return json.dumps(row, ensure_ascii=False) + "\n"


def judge_all(
    candidates: Sequence[Candidate],
    today: date,
    complete: frozenset[str],
    earlier: Mapping[int, Place],
) -> Iterator[Accepted | Rejected]:
    """Accept or reject candidates as `judge` does each; `earlier` is by position.

    Those that follow each other are taken together as long as nothing is wrong with them.
    """
    for start in range(0, len(candidates), _AT_ONCE):
        yield from _judged(candidates, range(len(candidates))[start : start + _AT_ONCE], today,
                           complete, earlier)  # fmt: skip


def _judged(
    candidates: Sequence[Candidate],
    which: range,
    today: date,
    complete: frozenset[str],
    earlier: Mapping[int, Place],
) -> Iterator[Accepted | Rejected]:
    """Judge some together, or else in halves, so that one in error costs the others little."""
    some = candidates[which.start : which.stop]
    if len(which) == 1:
        yield judge(some[0], today, complete, earlier.get(which.start))
        return
    texts = [it.text for it in some if it.text is not None and not it.problems]
    plain = len(texts) == len(some) and earlier.keys().isdisjoint(which)
    found = quick.kept(today).accept_all(texts) if plain else None
    if found is None or (complete and any(record.partial for record in found.records)):
        half = len(which) // 2
        for part in (which[:half], which[half:]):
            yield from _judged(candidates, part, today, complete, earlier)
        return
    words = Words.of(found)
    for candidate, text, record in zip(some, texts, found.records, strict=True):
        yield Accepted(record.id, text, words, candidate.unread)


def judge(
    candidate: Candidate, today: date, complete: frozenset[str], earlier: Place | None
) -> Accepted | Rejected:
    """Accept or reject a candidate.

    `today` bounds the date of birth; lists named in `complete` are taken as whole; `earlier` is
    where the same id stands before.
    """
    complete -= candidate.unread
    if candidate.text is not None and not candidate.problems and earlier is None:
        record = quick.kept(today).accept(candidate.text)
        if record is not None and not (complete and record.partial):
            return Accepted(
                record.id, candidate.text, Words.of(Gathered([record])), candidate.unread
            )
    problems = list(candidate.problems)
    identifier = candidate.patient_id
    if candidate.text is not None:
        found = read_one("", candidate.text.decode(errors="replace"), today=today)
        if isinstance(found, InputError):
            problems += [_placed(candidate, problem) for problem in found.problems]
            identifier = found.patient_id
        else:
            identifier = found.id
            if not problems and earlier is None:
                rest = [name for name in found.partial or () if name not in complete]
                whole = with_partial(found, rest) if found.partial else found
                text = canonical_json(whole).encode()
                words = Words.of(Gathered([whole]))
                return Accepted(found.id, text, words, candidate.unread)
    if earlier is not None:
        told = (
            f"the same id as the record at {place_in_words(earlier)}; "
            "give each patient one record and one id"
        )
        problems.insert(0, Problem("id", told))
    raw = candidate.raw
    if raw is None and candidate.text is not None:
        raw = candidate.text.decode(errors="replace")
    return Rejected(candidate.place, identifier, problems, raw)


def identify(candidate: Candidate, today: date) -> str | None:
    """The id by which `judge` would know a candidate, as a rule without judging it."""
    from screener.record import legible_id  # noqa: PLC0415  # builds the models

    text = candidate.text
    if text is not None and b"\\" not in text and text.count(b'"id"') == 1:
        try:
            name = legible_id(_NAMED.decode(text).id)
            # Of a text that is no JSON, no id counts; what is skipped is not looked at closely.
            msgspec.json.format(text, indent=-1)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            name = None
        if name is not None:
            return name
    found = judge(candidate, today, frozenset(), None)
    return found.id if isinstance(found, Accepted) else found.patient_id


def place_in_words(place: Place) -> str:
    """Write a place: `line 3`, `sheet patients, row 5`."""
    return ", ".join(f"{name} {value}" for name, value in place.items())


def _placed(candidate: Candidate, problem: Problem) -> Problem:
    """Tell a place in the text as one in the input."""
    problem = located(candidate, problem)
    if "line" in candidate.place and candidate.where is None:
        path = _LINE.sub(f"line {candidate.place['line']}", problem.path)
        return Problem(path, problem.message)
    return problem


def words_of(records: Iterable[Accepted]) -> Words:
    """The words of some records; others may be among them, which is no harm."""
    words = Words()
    for some in {id(record.words): record.words for record in records}.values():
        for mine, more in zip(vars(words).values(), vars(some).values(), strict=True):
            mine.update(more)
    return words
