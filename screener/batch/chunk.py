"""One piece of a batch: the candidates that a worker screens at a time, and what comes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from screener.intake.source import Candidate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from screener.intake.source import Place, Source

SIZE = 4096
"""Candidates of a chunk. Fixed, so that a run ends with the same bytes however often it stops."""

SMALL = 8
"""Chunks of that size. Later ones are twice as large: each statement of DuckDB takes a tenth of a
second however little it is asked, but a small export is to be divided among the workers."""


@dataclass(frozen=True)
class Chunk:
    """Candidates that follow each other in the input."""

    number: int
    candidates: list[Candidate]
    earlier: Mapping[int, Place] = field(default_factory=dict)
    """Candidates whose id stands earlier in the input, by position, with where it first does."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Go to a worker by columns, which takes a tenth of the time: most have but a text."""
        places = [candidate.place for candidate in self.candidates]
        texts = [candidate.text for candidate in self.candidates]
        more = {
            position: tuple(candidate[2:])
            for position, candidate in enumerate(self.candidates)
            if candidate[2:] != _NO_MORE
        }
        return _chunk, (self.number, places, texts, more, self.earlier)


_NO_MORE = Candidate({}, None)[2:]


def _chunk(
    number: int,
    places: Sequence[Place],
    texts: Sequence[bytes | None],
    more: Mapping[int, tuple[Any, ...]],
    earlier: Mapping[int, Place],
) -> Chunk:
    candidates = list(map(Candidate, places, texts))
    for position, rest in more.items():
        candidates[position] = Candidate(*candidates[position][:2], *rest)
    return Chunk(number, candidates, earlier)


@dataclass
class Done:
    """What came of a chunk beside its files."""

    number: int
    records: int = 0
    rejected: int = 0
    ids: list[str | None] = field(default_factory=list)
    """The id of each candidate, where it is legible, so that a second patient of it is found."""
    places: list[Place] = field(default_factory=list)
    tallies: list[dict[str, Any]] = field(default_factory=list)
    """The counts of each study, as `tally.Tally.as_json` gives them."""


def chunks(source: Source) -> Iterator[Chunk]:
    """Divide an input; raises what reading it raises."""
    held: list[Candidate] = []
    number, size = 0, SIZE
    for candidate in source.candidates():
        # What is known of its source beside would be heavy to hand on, and is read again.
        held.append(candidate._replace(extract=None) if candidate.extract else candidate)
        if len(held) == size:
            yield Chunk(number, held)
            held, number = [], number + 1
            size = SIZE if number < SMALL else 2 * SIZE
    if held:
        yield Chunk(number, held)
