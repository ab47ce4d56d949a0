"""Which values of a parameter are tried: first far apart, then where something changes."""

from __future__ import annotations

from itertools import pairwise
from math import ceil, floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

MOST = 9
"""Values of the second round, besides the present one."""
_FACTORS = (0, 0.25, 0.5, 1, 2, 4)
_FOR_NONE = (0, 1, 2, 5, 10, 100)


def coarse(current: float) -> list[float]:
    """Values from none to four times the present one, which is among them; rising.

    A whole number is taken to be counted in whole ones.
    """
    if not current:
        return list(_FOR_NONE)
    return sorted({_whole(factor * current, current) for factor in _FACTORS} | {current})


def fine(current: float, found: Mapping[float, Hashable]) -> list[float]:
    """Round values over the range in which what was `found` at the coarse ones changes; rising.

    The present value is among them, and so are the ends of the range; if it is an end, there is one
    value beyond. Nothing changes: none.
    """
    values = sorted(found)
    if len(set(found.values())) <= 1:
        return []
    low = next(v for v, w in pairwise(values) if found[w] != found[values[0]])
    high = next(v for v, w in pairwise(values[::-1]) if found[w] != found[values[-1]])
    low, high = min(low, current), max(high, current)
    step = _step((high - low) / (MOST - 1), whole=isinstance(current, int))
    first, last = ceil(low / step), floor(high / step)
    rungs = {_whole(number * step, current) for number in range(first, last + 1)}
    beyond = {max(low - step, 0)} if current == low else set()
    beyond |= {high + step} if current == high else set()
    return sorted(rungs | {low, high, current} | {_whole(value, current) for value in beyond})


def _whole(value: float, like: float) -> float:
    value = round(value) if isinstance(like, int) else round(value, 6)
    return int(value) if value == int(value) else value


def _step(least: float, *, whole: bool) -> float:
    """The least round step: 1, 2, 2.5 or 5 times a power of ten; of whole numbers no 2.5."""
    power = 10.0 ** floor(log10(least))
    steps = [factor * power for factor in (1, 2, 2.5, 5, 10)]
    if whole:
        steps = [max(1, step) for step in steps if step < 1 or step.is_integer()]
    return next(step for step in steps if step >= least * (1 - 1e-9) or step == steps[-1])
