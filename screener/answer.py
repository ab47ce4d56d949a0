"""What the engine answers about one record, over all variants and days."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from screener.plan import BASE, STRICT, Part, Plan

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from screener.engine import Answered
    from screener.index_date import Index
    from screener.omissions import Omission
    from screener.result import Outcome


class Answer:
    """What the engine says of one record."""

    def __init__(self, plan: Plan, *, strict: bool, without: Sequence[Omission]) -> None:
        self._plan = plan
        self._strict = strict
        self._without = without
        self._truths: dict[tuple[int, date | None], list[bool | None]] = {}
        self._reasons: dict[int, str] = {}
        self._whys: dict[str, dict[str, Any] | None] = {}
        self._open: dict[str, bool] = {}
        self._advisories: dict[int, str | None] = {}
        self.screened_on: date | None = date.min
        self.ignored = 0
        self.columns: dict[str, Any] = {}
        self.days: list[date] = []
        """Days after the screening date on which a fail could clear."""
        self.later: Answer | None = None
        """The answers on those days."""
        self.without_list: dict[str, list[bool | None]] = {}
        """The truths of all criteria if a list that the user or the study calls whole were not."""
        self.index: Index | None = None
        """The patient's own index date, if the study has one."""
        self.why_open: tuple[str, list[str]] = ("", [])
        """Why what is asked of several days or ways is open where they disagree; what to obtain."""
        self._disagreed: set[int] = set()

    def add(self, part: Part, row: Answered) -> None:
        """Take in what a part of the plan says for one variant and day."""
        known = self._truths.setdefault((row.variant, row.as_of), [None] * len(self._plan.nodes))
        for index, truth in zip(part.nodes, row.truths, strict=True):
            known[index] = truth
        if row.variant == BASE and row.as_of == row.screened_on:
            self.screened_on = now = row.screened_on
            self.ignored = row.ignored
            later = {day for day in row.days if day and now and day > now}
            self.days = sorted(later.union(self.days))

    def say(
        self, part: Part, opens: Sequence[str], keys: Sequence[str], row: tuple[Any, ...]
    ) -> None:
        """Take in a row of `reasons.statement`, which explains `opens` with `keys`."""
        _, reasons, opened, whys, told, *columns = row
        self._reasons.update(zip(part.leaves, reasons, strict=True))
        self._open.update(zip(opens, opened, strict=True))
        self._whys.update(zip(keys, whys, strict=True))
        self._advisories.update(zip(part.advisories, told, strict=True))
        for name, value in zip(part.shown, columns, strict=True):
            # Each part reads only the fields of an object that it needs.
            known = self.columns.get(name)
            if isinstance(value, dict) and isinstance(known, dict):
                known.update(value)
            else:
                self.columns[name] = value

    def truths_of_leaves(self) -> list[bool | None]:
        """The truth of each leaf, as the study states them."""
        truths = self._truths[BASE, self.screened_on]
        return [truths[i] for i, node in enumerate(self._plan.nodes) if node.leaf is not None]

    def agree(self, others: Sequence[Answer], why_open: tuple[str, list[str]]) -> None:
        """Keep only the truths that the answers on other days, or in other ways, share."""
        self.why_open = why_open
        for (variant, day), own in self._truths.items():
            agreed = agreed_truths(
                self._plan, [own, *(other.truths_of(variant) for other in others)]
            )
            if variant == BASE:
                pairs = enumerate(zip(agreed, own, strict=True))
                self._disagreed = {n for n, (truth, before) in pairs if truth != before}
            self._truths[variant, day] = agreed

    def truths_of(self, variant: int) -> list[bool | None]:
        """The truths of one variant, of an answer about a single day."""
        return next(truths for (number, _), truths in self._truths.items() if number == variant)

    def disagreed(self, index: int) -> bool:
        """Whether a criterion is unknown only since days or ways disagree."""
        return index in self._disagreed

    def truth(self, index: int, day: date | None = None) -> bool | None:
        """Truth of a criterion; strictly, only what holds without the assumed parameters too."""
        if day is not None and day != self.screened_on and self.later:
            return self.later.truth(index, day)
        day = day or self.screened_on
        truth = self._truths[(BASE, day)][index]
        strict = self._truths.get((STRICT, day)) if self._strict else None
        return truth if strict is None or strict[index] == truth else None

    def fails(self, index: int, day: date | None = None) -> bool:
        """Whether a criterion fails."""
        return outcome(self._plan.nodes[index].kind, self.truth(index, day)) == "fail"

    def could_clear(self, index: int) -> bool:
        """Whether a failing criterion fails only in ways that time could end."""
        node = self._plan.nodes[index]
        if not node.parts:
            return node.clears
        return all(self.could_clear(part) for part in node.parts if self.fails(part))

    def only_time(self) -> bool:
        """Whether some criterion fails in a way that time could end."""
        return any(node.clears and self.fails(index) for index, node in enumerate(self._plan.nodes))

    def reason(self, leaf: int) -> str:
        """Why a leaf is met or not met."""
        return self._reasons[leaf]

    def advisories(self) -> list[str | None]:
        """The text of each advisory of the study, or None where it does not apply."""
        return [self._advisories.get(index) for index in range(len(self._plan.advisories))]

    def explanations(self, leaf: int) -> list[dict[str, Any]]:
        """Why the facts of a leaf leave it open: {say, ask, rests_on} each."""
        found = {
            key: self._whys[key]
            for fact in self._plan.leaves[leaf].facts
            for name, key in self._plan.explains[fact]
            if self._open[name]
        }
        return [why for why in found.values() if why]

    def known_but_assumed(self, index: int) -> bool:
        """Whether only strictness makes a criterion unknown."""
        return self._strict and self._truths[(BASE, self.screened_on)][index] is not None

    def rests_on(self, index: int) -> list[str]:
        """The reported parameters without which the truth that is told would be another."""
        if self.truth(index) is None and self.known_but_assumed(index):
            return []
        found = self._decisive(index)
        return [name for name in found if not self._assumed(name)] if self._strict else found

    def rests_on_assumed(self, index: int) -> list[str]:
        """The assumed parameters without which a criterion would not be decided."""
        return [name for name in self._decisive(index) if self._assumed(name)]

    def rests_on_lists(self, index: int) -> list[str]:
        """The lists without whose being whole the truth would be another."""
        truth = self._truths[(BASE, self.screened_on)][index]
        return [name for name, truths in self.without_list.items() if truths[index] != truth]

    def _assumed(self, name: str) -> bool:
        return bool(self._plan.parameters[name]["assumed"])

    def _decisive(self, index: int) -> list[str]:
        """The reported parameters without which the truth would be another, however strict."""
        day = self.screened_on
        base = self._truths[BASE, day][index]
        found: list[str] = []
        for omission, truths in zip(self._without, self._truths_without, strict=True):
            if truths.get(index, base) != base and not {*found}.intersection(omission.names):
                found += omission.names
        strict = self._truths.get((STRICT, day))
        if strict is None or strict[index] == base or any(map(self._assumed, found)):
            return found
        # Several, each of which another can stand in for.
        return found + [n for n in self._plan.nodes[index].rests_on if self._assumed(n)]

    @cached_property
    def _truths_without(self) -> list[dict[int, bool | None]]:
        """For each omission the truths of what it concerns, with all other parameters."""
        base = self._truths[BASE, self.screened_on]
        found: list[dict[int, bool | None]] = []
        for omission in self._without:
            asked = self._truths[omission.variant, self.screened_on]
            truths: dict[int, bool | None] = {}
            for index in omission.nodes:
                node = self._plan.nodes[index]
                parts = {truths.get(part, base[part]) for part in node.parts}
                truths[index] = _together(parts, any_of=node.any_of) if parts else asked[index]
            found.append(truths)
        return found


def _together(parts: Collection[bool | None], *, any_of: bool) -> bool | None:
    """The truth of a criterion that any of its parts makes met, or all of them do."""
    if any_of in parts:
        return any_of
    return None if None in parts else not any_of


def agreed_truths(plan: Plan, worlds: Sequence[Sequence[bool | None]]) -> list[bool | None]:
    """The truths that all worlds share, of a compound criterion only where a part shows it."""
    found: list[bool | None] = [None] * len(plan.nodes)
    for index in reversed(range(len(plan.nodes))):  # parts come after their criterion
        truths = {world[index] for world in worlds}
        truth = truths.pop() if len(truths) == 1 else None
        parts = plan.nodes[index].parts
        if parts and not any(found[part] == truth for part in parts):
            truth = None
        found[index] = truth
    return found


def outcome(kind: str, truth: bool | None) -> Outcome:
    """What the truth of a criterion means for the patient."""
    if truth is None:
        return "unknown"
    return "pass" if truth == (kind == "inclusion") else "fail"
