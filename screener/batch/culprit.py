"""Finds the record with which a study fails, so that it can be looked at or left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from screener.engine import unanswerable
from screener.errors import StudyError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from screener.batch.judge import Accepted

T = TypeVar("T")


def naming(
    study_id: str, screen: Callable[[Sequence[Accepted]], T], records: Sequence[Accepted]
) -> T:
    """What `screen` gives of some records.

    Raises:
        StudyError: an expression of the study cannot be computed for one of them, the first of
            which is named.
    """
    try:
        return screen(records)
    except StudyError:
        if not records:
            raise
    while len(records) > 1:
        half = len(records) // 2
        try:
            screen(records[:half])
        except StudyError:
            records = records[:half]
        else:
            records = records[half:]
    raise unanswerable(study_id, records[0].id)
