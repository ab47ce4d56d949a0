"""Two versions of a study on the same patients, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from screener.report.paragraphs import paragraph
from screener.report.terminal import console_for
from screener.report.words import NO_CRITERION, RULE, WITHOUT_RULE, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TextIO

    from screener.report.compare_data import (
        Comparison,
        CriterionChange,
        ParameterChange,
        PatientChange,
        RuleChange,
    )
    from screener.result import Status

MOST_PATIENTS: Final = 30
"""Patients who are listed by name; the others are counted."""

_ORDER: Final[tuple[Status, ...]] = ("eligible", "undetermined", "ineligible")


def render(one: Comparison, patients: Sequence[PatientChange], stream: TextIO) -> None:
    """Write a comparison to a stream, with some of the patients who change status by name."""
    console = console_for(stream)

    def say(text: str, style: str = "", indent: int = 0) -> None:
        paragraph(console, text, indent=indent, style=style)

    moves = {(move["old"], move["new"]): move["patients"] for move in one["moves"]}
    screened = sum(moves.values())
    changed = sum(count for (old, new), count in moves.items() if old != new)
    old, new = one["old"], one["new"]
    say(f"From {old['id']}, version {old['version']}, to {new['id']}, version {new['version']}, "
        f"as of {one['as_of']}", "bold")  # fmt: skip
    rejected = one["input"]["rejected"]
    left = f"; {rejected:,} rejected" if rejected else ""
    say(f"{changed:,} of {screened:,} patients change status{left}")
    console.print()
    say("Status before (rows) and now (columns)", "bold")
    console.print(_table(
        ["", *_ORDER],
        ([was, *(f"{moves.get((was, now), 0):,}" for now in _ORDER)] for was in _ORDER),
        figures=3,
    ))  # fmt: skip
    console.print()
    if one["rules"]:
        say("Rules of the study that changed", "bold")
        for rule in one["rules"]:
            _rule(rule, say)
        console.print()
    say("Criteria that changed", "bold")
    for change in one["criteria"]:
        _change(change, say)
    same = one["unchanged"]
    say(f"{same:,} {'criterion is' if same == 1 else 'criteria are'} the same in both")
    if not changed:
        return
    console.print()
    say("By which criterion", "bold")
    if not one["causes"]:
        say("Every criterion judges those who change status as before.", indent=2)
    console.print(_table(
        ["Criterion", "Before", "Now", "Patients"],
        ([it["criterion"], it["old"] or "not asked", it["new"] or "not asked",
          f"{it['patients']:,}"] for it in one["causes"]),
        figures=1,
    ))  # fmt: skip
    console.print()
    say("Patients who change status", "bold")
    console.print(_table(
        ["Patient", "Before", "Now", "By"],
        ([it["patient_id"], it["old"], it["new"], ", ".join(it["criteria"]) or NO_CRITERION]
         for it in patients),
    ))  # fmt: skip
    if changed > len(patients):
        say(f"{len(patients):,} of {changed:,} are listed; --format json gives all")


def _rule(rule: RuleChange, say: Callable[..., None]) -> None:
    say(RULE[rule["rule"]], indent=2)
    for label, text in (("before", rule["old"]), ("now", rule["new"])):
        say(f"{label}: {text or WITHOUT_RULE[rule['rule']]}", indent=4)
    if rule["differs"]:
        say(f"changed: {', '.join(rule['differs'])}", indent=4)
    _behind(rule["parameters"], rule["facts"], say)


def _behind(
    parameters: Sequence[ParameterChange], facts: Sequence[str], say: Callable[..., None]
) -> None:
    for parameter in parameters:
        before, now = (parameter["old"], parameter["new"])
        say(f"{parameter['name']}: {before or 'not there'} -> {now or 'not there'}", indent=4)
    if facts:
        say(f"facts defined otherwise: {', '.join(facts)}", indent=4)


def _change(change: CriterionChange, say: Callable[..., None]) -> None:
    what: str = change["change"]
    if differs := change.get("differs"):
        what += f": {', '.join(differs)}"
    say(f"{change['id']} {what}; {_counts(change)}", indent=2)
    if change["new_text"] == change["old_text"]:
        say(change["new_text"] or "", indent=4)
    else:
        for label, text in (("before", change["old_text"]), ("now", change["new_text"])):
            if text is not None:
                say(f"{label}: {text}", indent=4)
    _behind(change["parameters"], change.get("facts", []), say)


def _counts(change: CriterionChange) -> str:
    sides = [
        f"{label} {side['pass']:,} pass, {side['fail']:,} fail, {side['unknown']:,} unknown"
        for label, side in (("before", change["old"]), ("now", change["new"]))
        if side
    ]
    return "; ".join(sides)


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]], *, figures: int = 0) -> Any:
    """Return a table whose last columns are figures."""
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, title in enumerate(titles):
        right = number >= len(titles) - figures
        table.add_column(title, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    return table
