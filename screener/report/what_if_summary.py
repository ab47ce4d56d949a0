"""What-if results in short, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from screener.report.what_if_view import is_steady, more_than_both

if TYPE_CHECKING:
    from screener.report.what_if_data import Curve, Gain, WhatIf

MOST: Final = 5
"""Removals, pairs and thresholds that are shown, each; the page and `summary.json` have all."""


def lines(what_if: WhatIf) -> list[str]:
    """Return the heading and lines of what would follow without a criterion, or at other values."""
    alone = {item["criterion"]: item for item in what_if["remove"]}
    single = _best((item["criterion"], item) for item in what_if["remove"])
    double = _best(
        (" and ".join(pair["criteria"]), pair)
        for pair in what_if["pairs"]
        if more_than_both(pair, alone)
    )
    moving = [curve for curve in what_if["parameters"] if not is_steady(curve)]
    steady = [curve["name"] for curve in what_if["parameters"] if is_steady(curve)]
    found = ["What if a criterion were not asked: more eligible, more undetermined"]
    found += [_gain(name, gain) for name, gain in single] or ["  nobody would be brought by it"]
    if double:
        found += ["What if two were not asked, where that brings more than both alone"]
        found += [_gain(name, gain) for name, gain in double]
    sample = what_if.get("sample")
    of = f", in {sample['patients']:,} of {sample['of']:,} patients" if sample else ""
    found += [f"What if a threshold were another: eligible, undetermined{of}"]
    found += [f"  {_curve(curve)}" for curve in moving[:MOST]]
    if len(moving) > MOST:
        found.append(f"  and {len(moving) - MOST} more in report.html")
    if steady:
        found.append(f"  nobody's status rests on {', '.join(steady)}")
    return found


def _best(gains: Any) -> list[tuple[str, Gain]]:
    ranked = sorted(gains, key=lambda item: (-item[1]["eligible"], -item[1]["undetermined"]))
    return [it for it in ranked if it[1]["eligible"] > 0 or it[1]["undetermined"] > 0][:MOST]


def _gain(name: str, gain: Gain) -> str:
    return f"  {name}: {_signed(gain['eligible'])}, {_signed(gain['undetermined'])}"


def _signed(count: int) -> str:
    return f"{count:+,}" if count else "0"


def _curve(curve: Curve) -> str:
    unit = f" ({curve['unit']})" if curve["unit"] else ""
    points = "; ".join(
        f"{point['value']:g}{' (now)' if point['value'] == curve['current'] else ''}: "
        f"{point['eligible']:,}, {point['undetermined']:,}"
        for point in curve["curve"]
    )
    return f"{curve['name']}{unit}: {points}"
