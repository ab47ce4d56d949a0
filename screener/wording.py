"""Values and places of a record in words, safe to print."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterable

Place = tuple[int | str, ...]
"""Keys and list positions, from the outside in."""
LONGEST = 60
"""Characters of a value that are shown."""


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether a value is a number, which true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def kind(value: object) -> str:
    """Name what a value is, not what it says."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if is_number(value):
        return "a number"
    for known, name in ((str, "text"), (list, "a list"), (dict, "an object")):
        if isinstance(value, known):
            return name
    return f"a value of type {type(value).__name__}"


def shown(value: object) -> str:
    """Write a value as in JSON, shortened, without a character that a terminal would obey."""
    if isinstance(value, float) and not math.isfinite(value):
        return "a number that is not finite"
    if value is not None and not isinstance(value, str | int | float):
        return kind(value)
    if isinstance(value, int) and abs(value) >= 10**LONGEST:
        return "a number of very many digits"
    if isinstance(value, str) and len(value) > LONGEST:
        value = value[: LONGEST - 1] + "…"
    return json.dumps(value, ensure_ascii=not str(value).isprintable())


def listed(words: Iterable[str]) -> str:
    """Write names one after the other."""
    return ", ".join(f"`{word}`" for word in words)


def path_text(place: Place) -> str:
    """Write keys and list positions as a path: `therapies[2].end`."""
    path = ""
    for step in place:
        if isinstance(step, int):
            path += f"[{step}]"
        elif step.isidentifier() and len(step) <= LONGEST:
            path += f".{step}" if path else step
        else:
            path += f"[{shown(step)}]"
    return path
