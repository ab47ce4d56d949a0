"""Records as text that is the same for equal content, whichever type holds them.

A record is read as its models or, where it is surely valid, as the plainer types of `quick`; both
have the same fields.
"""

from __future__ import annotations

import json
from copy import copy
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from screener.record import PartialName, Record


def canonical_json(record: Record) -> str:
    """Write the record as the one text that all records of equal content share.

    Keys are sorted, unknown values left out, and a whole number is written without a decimal point
    (60 and 60.0 are one value). The text's SHA-256 identifies the record in a result.
    """
    return _CANONICAL.encode(_plain(record))


_Entry = TypeVar("_Entry")


def with_fields(record: _Entry, changes: Mapping[str, Any]) -> _Entry:
    """A copy of a record, or of an entry of one, with other values of some fields."""
    if hasattr(record, "__struct_fields__"):
        changed = copy(record)
        for name, value in changes.items():
            setattr(changed, name, value)  # an object of its own, and not a model
        return changed
    copied: _Entry = record.model_copy(update=changes)  # type: ignore[attr-defined]  # a model
    return copied


def with_partial(record: Record, names: list[PartialName]) -> Record:
    """The same record with other lists named as partial."""
    return with_fields(record, {"partial": names})


_CANONICAL = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
)


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is str or kind is bool or kind is int:
        return value
    if kind is float:
        return int(value) if value.is_integer() else value
    if kind is list:
        return [_plain(item) for item in value]
    if names := getattr(kind, "__struct_fields__", None):
        return {n: _plain(it) for n in names if (it := getattr(value, n)) is not None}
    return {key: _plain(item) for key, item in value.__dict__.items() if item is not None}
