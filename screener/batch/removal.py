"""Whom the removal of one or two criteria would bring, from counts that can be added up.

Only patients with at most two fails can be brought by it, so these are counted by which criteria
fail and which are unknown; what is unknown in more than two criteria in all stays unknown whatever
is removed, so there it is enough that something is.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from screener.report.what_if_data import Gain, PairRemoval, Removal

MOST = 2
"""Criteria that are removed together."""

_MORE = "*"
"""Stands for unknown criteria that no removal can cover."""


def code(failed: Sequence[int], unknown: Sequence[int] | None) -> str:
    """Name the patients who fail and leave open these criteria, by position; None: too many."""
    return f"{_listed(failed)}|{_MORE if unknown is None else _listed(unknown)}"


def coded(failed: Sequence[int], unknown: Sequence[int]) -> str | None:
    """Name the patients whom a patient is counted with; None for one whom no removal brings."""
    if len(failed) > MOST:
        return None
    return code(failed, unknown if len(failed) + len(unknown) <= MOST else None)


def removals(
    close: Counter[str], criteria: Sequence[str]
) -> tuple[list[Removal], list[PairRemoval]]:
    """How many more would be eligible and undetermined without each criterion, and each pair.

    `close` counts patients by `code`, `criteria` names the criteria by position.
    """
    known = [(_decode(name), count) for name, count in close.items()]
    return (
        [{"criterion": name, **_gain(known, (place,))} for place, name in enumerate(criteria)],
        [
            {"criteria": [criteria[first], criteria[second]], **_gain(known, (first, second))}
            for first, second in combinations(range(len(criteria)), 2)
        ],
    )


_Patients = tuple[frozenset[int], "frozenset[int] | None"]


def _gain(known: Iterable[tuple[_Patients, int]], removed: Iterable[int]) -> Gain:
    without = frozenset(removed)
    gain: Gain = {"eligible": 0, "undetermined": 0}
    for (failed, unknown), count in known:
        if not failed:
            gain["undetermined" if unknown is None or unknown else "eligible"] -= count
        if failed <= without:
            gain["eligible" if unknown is not None and unknown <= without else "undetermined"] += (
                count
            )
    return gain


def _listed(places: Sequence[int]) -> str:
    return ",".join(map(str, places))


def _decode(name: str) -> _Patients:
    failed, unknown = name.split("|")
    return _places(failed), None if unknown == _MORE else _places(unknown)


def _places(text: str) -> frozenset[int]:
    return frozenset(map(int, text.split(","))) if text else frozenset()
