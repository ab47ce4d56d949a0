"""The entries of the lists of some records, gathered: what is done to all is done at once."""

from __future__ import annotations

from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Gathered:
    """Some records, or what has the fields of records. Each list is gathered once."""

    def __init__(self, records: Sequence[Any]) -> None:
        self.records = records
        self._entries: dict[str, list[Any]] = {}

    def entries(self, name: str) -> list[Any]:
        """The entries of the lists of this name in all records, one after the other."""
        found = self._entries.get(name)
        if found is None:
            found = self._entries[name] = entries_of(self.records, name)
        return found


def entries_of(objects: Iterable[Any], name: str) -> list[Any]:
    """The entries of the lists of this name in some objects, one after the other."""
    return list(chain.from_iterable(filter(None, map(attrgetter(name), objects))))


def values_of(objects: Iterable[Any], name: str) -> set[Any]:
    """What the fields of this name hold in some objects, None aside."""
    found = set(map(attrgetter(name), objects))
    found.discard(None)
    return found
