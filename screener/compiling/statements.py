"""What the statements of a plan have in common."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from screener.encoding.study import Criterion

ALWAYS = {"n", "variant", "as_of", "screened_on", "ignored"}
"""Columns that every step of a statement hands on."""


def names_in(text: str, known: set[str]) -> set[str]:
    """The known names that a piece of SQL uses, or seems to: a superset."""
    return set(re.findall(r"\w+", re.sub(r"'(?:[^']|'')*'", "''", text))) & known


def column(criterion: Criterion) -> str:
    """The name of the column that holds the truth of a criterion, without what comes before it."""
    return re.sub(r"\W", "_", criterion.id)


def truth(criterion: Criterion, leaf: Callable[[Criterion], str]) -> str:
    """SQL for the truth of a criterion, of what `leaf` writes for one with its own predicate."""
    if not criterion.parts:
        return leaf(criterion)
    macro = "all_true" if criterion.all else "any_true"
    return f"{macro}([{', '.join(truth(part, leaf) for part in criterion.parts)}])"
