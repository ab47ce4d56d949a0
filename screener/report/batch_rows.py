"""The patients of a batch, gathered row by row into what a page can carry.

Rows are coded by column: each distinct value once, and for each row its number. Memory is bounded
by the number of rows to keep, not by the number of patients. Where there are more, those who may
still be enrolled stay: eligible before undetermined before ineligible patients.
"""

from __future__ import annotations

from array import array
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from screener.report.words import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from screener.report.batch_data import PatientRow
    from screener.result import Status

FEW: Final = 3
"""With at most so many things to obtain, a patient counts as nearly decided."""

_ORDER: Final[tuple[Status, ...]] = ("eligible", "undetermined", "ineligible")
_COLUMNS: Final = ("study", "as_of", "status", "failed", "unknown", "needs", "rescreen_on")


class Need(NamedTuple):
    """Something to obtain, and the undetermined patients of one study whom it would help."""

    study: str
    text: str
    only: int
    """Patients for whom nothing else is open."""
    few: int
    """Patients for whom one or two other things are open too."""
    patients: int
    """All patients for whom it is open."""


class Rows:
    """Rows as they come, counted in full and kept up to a limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = {status: _Kept() for status in _ORDER}
        self._codes: list[dict[Any, int]] = [{} for _ in _COLUMNS]
        self._needs: dict[tuple[str, str], list[int]] = {}
        self.count = 0
        """Rows seen."""

    def add(self, row: PatientRow) -> None:
        """Take a row."""
        if row.status == "undetermined":
            self._count_needs(row.study, list(dict.fromkeys(row.needs)))
        kept = self._kept[row.status]
        if len(kept.ids) < self._limit:
            kept.ids.append(visible(row.patient_id))
            kept.places.append(self.count)
            values = (row.study, row.as_of, row.status, tuple(row.failed), tuple(row.unknown),
                      tuple(row.needs), row.rescreen_on)  # fmt: skip
            for column, codes, value in zip(kept.columns, self._codes, values, strict=True):
                column.append(codes.setdefault(value, len(codes)))
        kept.seen += 1
        self.count += 1

    def needs(self, study: str) -> list[Need]:
        """Rank what to obtain for a study: first what decides the most patients by itself."""
        ranked = [
            Need(study, visible(text), *counts)
            for (of, text), counts in self._needs.items()
            if of == study
        ]
        return sorted(ranked, key=lambda one: (-one.only, -one.few, -one.patients, one.text))

    def left_out(self) -> dict[Status, int]:
        """Count the rows that are not kept, by status."""
        room, left = self._limit, {}
        for status in _ORDER:
            taken = min(room, self._kept[status].seen)
            room -= taken
            left[status] = self._kept[status].seen - taken
        return left

    def coded(self) -> dict[str, Any]:
        """Return what is kept as JSON, in the order in which it came.

        `id` lists the patients. Every other column has `values`, and `of`: for each row the number
        of its value. In `needs`, a value is a list of numbers into `need_texts`.
        """
        left = self.left_out()
        all_of = self._kept.items()
        groups = [kept.first(kept.seen - left[status]) for status, kept in all_of]
        places = list(chain.from_iterable(group.places for group in groups))
        order = sorted(range(len(places)), key=places.__getitem__)
        ids = list(chain.from_iterable(group.ids for group in groups))
        found: dict[str, Any] = {"id": [ids[at] for at in order]}
        for number, name in enumerate(_COLUMNS):
            codes = list(chain.from_iterable(group.columns[number] for group in groups))
            of = list(map(codes.__getitem__, order))
            values = list(self._codes[number])
            # Codes are numbered as they come; where rows are left out, some of them come no more.
            found[name] = _only_used(of, values) if any(left.values()) else _all_used(of, values)
        texts: dict[str, int] = {}
        needs = found["needs"]
        needs["values"] = [
            [texts.setdefault(text, len(texts)) for text in value] for value in needs["values"]
        ]
        found["need_texts"] = list(texts)
        return found

    def _count_needs(self, study: str, needs: Sequence[str]) -> None:
        for need in needs:
            counts = self._needs.setdefault((study, need), [0, 0, 0])
            counts[0] += len(needs) == 1
            counts[1] += 1 < len(needs) <= FEW
            counts[2] += 1


class _Kept:
    """The first rows of one status."""

    def __init__(self) -> None:
        self.seen = 0
        self.ids: list[str] = []
        self.places = array("Q")
        self.columns = [array("L") for _ in _COLUMNS]

    def first(self, number: int) -> _Kept:
        """So many of them."""
        found = _Kept()
        found.ids, found.places = self.ids[:number], self.places[:number]
        found.columns = [column[:number] for column in self.columns]
        return found


def detail_rank(row: PatientRow) -> tuple[int, int]:
    """Say how much a patient's full report is worth its place in a page; the least comes first.

    Those who may be enrolled come first, and among the others those who are closest to it.
    """
    distance = len(row.needs) if row.status == "undetermined" else len(row.failed)
    return _ORDER.index(row.status), distance


def _only_used(of: list[int], values: list[Any]) -> dict[str, Any]:
    numbers: dict[int, int] = {}
    renumbered = [numbers.setdefault(code, len(numbers)) for code in of]
    return _all_used(renumbered, [values[code] for code in numbers])


def _all_used(of: list[int], values: list[Any]) -> dict[str, Any]:
    return {"values": [_printable(value) for value in values], "of": of}


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    return value if value is None else [visible(item) for item in value]
