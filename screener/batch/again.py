"""Finds records of a run in its input a second time, without judging all of it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screener.batch.judge import Accepted, judge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence, Set

    from screener.batch.batch import Batch
    from screener.batch.folder import RunFolder
    from screener.intake.source import Candidate


def accepted(
    batch: Batch,
    folder: RunFolder,
    numbers: Sequence[int],
    ids: Set[str],
    complete: frozenset[str],
) -> Iterator[tuple[Candidate, Accepted]]:
    """Give the screened records with these ids as they were read and judged, in their order.

    `numbers` are the chunks of the run; lists named in `complete` are taken as whole.
    """
    places = _places(folder, numbers, set(ids))
    wanted = next(places, None)
    for place, candidate in enumerate(batch.source.candidates()):
        if place == wanted:
            record = judge(candidate, batch.today, complete, None)
            assert isinstance(record, Accepted)  # noqa: S101  # it was before
            yield candidate, record
            wanted = next(places, None)
        if wanted is None:
            return


def _places(folder: RunFolder, numbers: Sequence[int], ids: set[str]) -> Iterator[int]:
    """The positions in the input at which ids stand first: a second record is never screened."""
    begin = 0
    for number in numbers:
        done = folder.finished(number)
        assert done is not None  # noqa: S101  # the run is over
        for place, name in enumerate(done.ids, begin):
            if name in ids:
                ids.remove(name)
                yield place
        begin += len(done.ids)
