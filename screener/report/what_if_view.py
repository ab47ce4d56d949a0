"""What-if results laid out: which pairs stand where in the matrix, and the points of each curve."""

from __future__ import annotations

from math import floor, log10
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from screener.report.what_if_data import Curve, Gain, PairRemoval, WhatIf

WIDTH: Final = 640
HEIGHT: Final = 260
LEFT, RIGHT, TOP, BOTTOM = 56, 128, 22, 44
_SHADES: Final = 4


def view(what_if: WhatIf) -> dict[str, Any]:
    """Return what a page shows: removals, the matrix of pairs, and a drawing per parameter.

    The matrix has the criteria whose removal brings somebody: alone, or more with another than both
    alone.
    """
    useful = [item for item in what_if["remove"] if _changes(item)]
    alone = {item["criterion"]: item for item in what_if["remove"]}
    members = {item["criterion"] for item in useful}
    members |= {
        name for pair in what_if["pairs"] if more_than_both(pair, alone)
        for name in pair["criteria"]
    }  # fmt: skip
    names = [item["criterion"] for item in what_if["remove"] if item["criterion"] in members]
    # A criterion paired with itself is that one alone: the diagonal.
    gains: dict[frozenset[str], Gain] = {
        frozenset((item["criterion"],)): item for item in what_if["remove"]
    }
    gains |= {frozenset(pair["criteria"]): pair for pair in what_if["pairs"]}
    most = max((gain["eligible"] for gain in gains.values()), default=0)
    return {
        "remove": sorted(useful, key=lambda item: (-item["eligible"], -item["undetermined"])),
        "without_effect": [item["criterion"] for item in what_if["remove"] if not _changes(item)],
        "most": max((item["eligible"] for item in useful), default=0),
        "matrix": {
            "names": names,
            "rows": [
                [_cell(gains.get(frozenset((row, column))), most) for column in names[: place + 1]]
                for place, row in enumerate(names)
            ],
        },
        "parameters": [
            _drawing(curve)
            for curve in what_if["parameters"]
            if curve["curve"] and not is_steady(curve)
        ],
        "steady": [
            {
                "name": curve["name"],
                "current": curve["current"],
                "unit": curve["unit"],
                "low": curve["curve"][0]["value"],
                "high": curve["curve"][-1]["value"],
            }
            for curve in what_if["parameters"]
            if is_steady(curve)
        ],
        "sample": what_if.get("sample"),
        "unknown_counts_as": what_if.get("unknown_counts_as"),
    }


def is_steady(curve: Curve) -> bool:
    """Whether the patients divide in the same way at several values: it decides nothing."""
    counts = [{**point, "value": 0} for point in curve["curve"]]
    return len(counts) > 1 and all(count == counts[0] for count in counts)


def more_than_both(pair: PairRemoval, alone: Mapping[str, Gain]) -> bool:
    """Whether without both criteria more change than the sum of those without each."""
    first, second = (alone[name] for name in pair["criteria"])
    return (
        pair["eligible"] != first["eligible"] + second["eligible"]
        or pair["undetermined"] != first["undetermined"] + second["undetermined"]
    )


def _changes(gain: Gain) -> bool:
    return bool(gain["eligible"] or gain["undetermined"])


def _cell(gain: Gain | None, most: int) -> dict[str, Any] | None:
    if gain is None:
        return None
    shade = -(-_SHADES * gain["eligible"] // most) if most and gain["eligible"] > 0 else 0
    return {
        "eligible": gain["eligible"],
        "undetermined": gain["undetermined"],
        "shade": shade,
    }


def _drawing(curve: Curve) -> dict[str, Any]:
    points = curve["curve"]
    values = [point["value"] for point in points]
    low, high = min(*values, curve["current"]), max(*values, curve["current"])
    top = max([1, *(max(point["eligible"], point["undetermined"]) for point in points)])
    rungs = _ticks(0, top)
    ceiling = max(rungs[-1], top)

    def x(value: float) -> float:
        share = (value - low) / (high - low) if high > low else 0.5
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(count: float) -> float:
        return round(HEIGHT - BOTTOM - count / ceiling * (HEIGHT - TOP - BOTTOM), 1)

    ends = [
        ("eligible", y(points[-1]["eligible"])),
        ("undetermined", y(points[-1]["undetermined"])),
    ]
    ends.sort(key=lambda end: end[1])
    if ends[1][1] - ends[0][1] < 16:  # so that the names do not overlap
        middle = (ends[0][1] + ends[1][1]) / 2
        ends = [(ends[0][0], middle - 8), (ends[1][0], middle + 8)]
    return {
        **curve,
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "top": TOP,
        "bottom": HEIGHT - BOTTOM,
        "eligible": [(x(point["value"]), y(point["eligible"])) for point in points],
        "undetermined": [(x(point["value"]), y(point["undetermined"])) for point in points],
        "across": [(x(value), f"{value:g}") for value in _ticks(low, high) if low <= value <= high],
        "up": [(y(count), f"{count:,.0f}") for count in rungs],
        "at": x(curve["current"]),
        "names": [(name, round(place + 4, 1)) for name, place in ends],
    }


def _ticks(low: float, high: float) -> list[float]:
    """Return round values that cover a range in about five steps of 1, 2 or 5 times a power."""
    if high <= low:
        return [low]
    raw = (high - low) / 5
    power = 10.0 ** floor(log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))
    first, last = floor(low / step), -floor(-high / step)
    return [round(number * step, 10) for number in range(first, last + 1)]
