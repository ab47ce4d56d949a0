"""The outcomes of many records and no more, and the statement that gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from screener.batch.verdicts import asked_of_many
from screener.plan import truth_column

if TYPE_CHECKING:
    from collections.abc import Iterable

    from screener.batch.strictly import Strictly
    from screener.plan import Node, Plan
    from screener.result import Outcome, Status

BY_LETTER: dict[str, Outcome] = {"p": "pass", "f": "fail", "u": "unknown"}
_LETTERS = {outcome: letter for letter, outcome in BY_LETTER.items()}


class Outcomes(NamedTuple):
    """What is found of a patient."""

    status: Status
    letters: str
    """For each of `plan.nodes` the letter of its outcome, as in `BY_LETTER`."""

    def of(self, index: int) -> Outcome:
        """The outcome of the node at a position."""
        return BY_LETTER[self.letters[index]]


def as_letters(outcomes: Iterable[Outcome]) -> str:
    """Write outcomes as letters."""
    return "".join(_LETTERS[outcome] for outcome in outcomes)


def statement(plan: Plan, strictly: Strictly | None = None) -> str:
    """SQL that gives a row for each record of `question`, asked with the base variant.

    Columns: n, status, letters; a text goes to Python in a tenth of the time of a list.
    """
    many = asked_of_many(plan)
    asked = strictly.outcomes(many) if strictly else many.verdicts.on_the_day()
    nodes = range(len(plan.nodes))
    names = [f'"{truth_column(i)}"' for i in nodes]
    letters = ", ".join(f"{_letter(plan.nodes[i], names[i])} AS o{i}" for i in nodes)
    top = ", ".join(f"o{i}" for i in plan.top)
    columns = [
        "n",
        f"CASE WHEN list_contains([{top}], 'f') THEN 'ineligible' "
        f"WHEN list_contains([{top}], 'u') THEN 'undetermined' ELSE 'eligible' END AS status",
        f"concat({', '.join(f'o{i}' for i in nodes)}) AS letters",
    ]
    source = f"(SELECT n, {letters} FROM ({asked}))"  # noqa: S608
    return f"SELECT {', '.join(columns)} FROM {source}"  # noqa: S608


def _letter(node: Node, truth: str) -> str:
    if_true, if_false = "pf" if node.kind == "inclusion" else "fp"
    return f"CASE WHEN {truth} THEN '{if_true}' WHEN NOT {truth} THEN '{if_false}' ELSE 'u' END"
