"""What is impossible in a record although each value by itself is allowed.

The rules read a record before and after it has become a model, so that a record with another error
is told everything at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

from pydantic import BaseModel

from screener.dates import span, surely_before
from screener.errors import Problem
from screener.wording import Place, is_number, path_text, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

DATED = {
    "diagnosis": ("date", "advanced_since"),
    "pathology": ("date",),
    "performance_status": ("date",),
    "therapies": ("start", "end", "progression_date"),
    "procedures": ("date",),
    "injuries": ("date",),
    "imaging": ("date",),
    "metastases": ("date",),
    "effusions": ("date", "drainage_date"),
    "labs": ("date",),
    "adverse_events": ("onset", "resolved"),
    "other_malignancies": ("diagnosed",),
    "genomics": ("date",),
    "follow_up": ("last_contact", "progression_date", "death_date"),
}
_ORDERED = (
    ("therapies", "start", "end", "a treatment cannot end before it starts"),
    ("adverse_events", "onset", "resolved", "an event cannot be over before it begins"),
)


def impossibilities(record: dict[str, Any], today: date) -> Iterator[Problem]:
    """Find everything impossible in the fields of a record; `today` bounds the date of birth."""
    if _is_date(birth := record.get("birth_date")):
        yield from _against_birth(record, birth, today)
    for name, first, last, why in _ORDERED:
        for place, entry in _entries(record, name):
            if _precedes(entry.get(last), entry.get(first)):
                yield Problem(
                    path_text((*place, last)),
                    f"{entry[last]} is before {entry[first]} (`{first}`): {why}; "
                    "correct whichever is wrong",
                )
    for place, entry in _entries(record, "labs"):
        lower, upper = entry.get("lower_limit"), entry.get("upper_limit")
        if is_number(lower) and is_number(upper) and upper < lower:
            yield Problem(
                path_text((*place, "upper_limit")),
                f"{shown(upper)} is below {shown(lower)} (`lower_limit`); the upper limit is at "
                "least the lower one: correct whichever is wrong",
            )
    partial = record.get("partial")
    if isinstance(partial, list):
        yield from _repetitions(partial)


def _against_birth(record: dict[str, Any], birth: str, today: date) -> Iterator[Problem]:
    if span(birth)[0] > today:
        yield Problem("birth_date", f"{birth} is in the future: today is {today}; correct the date")
    for name, fields in DATED.items():
        for place, entry in _entries(record, name):
            for field in fields:
                text = entry.get(field)
                if isinstance(text, str) and text < birth and _precedes(text, birth):
                    yield Problem(
                        path_text((*place, field)),
                        f"{text} is before the date of birth, {birth} (`birth_date`); "
                        "correct whichever is wrong",
                    )


def _repetitions(partial: list[object]) -> Iterator[Problem]:
    seen = set()
    for index, name in enumerate(partial):
        if isinstance(name, str):
            if name in seen:
                yield Problem(f"partial[{index}]", f"`{name}` is named twice; name it once")
            seen.add(name)


def _entries(record: dict[str, Any], name: str) -> Iterable[tuple[Place, dict[str, Any]]]:
    value = record.get(name)
    if not value:
        return ()
    if isinstance(value, list):
        return [((name, index), members(entry)) for index, entry in enumerate(value)]
    return (((name,), members(value)),)


def members(value: object) -> dict[str, Any]:
    """Return the fields of an object, be it decoded JSON or a model; of anything else, none."""
    if isinstance(value, dict):
        return value
    return value.__dict__ if isinstance(value, BaseModel) else {}


def _is_date(value: object) -> TypeGuard[str]:
    if not isinstance(value, str):
        return False
    try:
        span(value)
    except ValueError:
        return False
    return True


def _precedes(one: object, other: object) -> bool:
    """Tell whether both are dates and `one` is surely earlier; then the texts sort that way too."""
    return (
        isinstance(one, str)
        and isinstance(other, str)
        and one < other
        and _is_date(one)
        and _is_date(other)
        and surely_before(one, other)
    )
