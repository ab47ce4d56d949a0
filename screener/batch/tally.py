"""Counts over many patients that can be added up: what `summary.json` says of one study."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from screener.plan import Plan

STATUSES = ("eligible", "ineligible", "undetermined")
OUTCOMES = ("pass", "fail", "unknown")


@dataclass
class Tally:
    """The counts of one study over some of its patients."""

    status: dict[str, int]
    nodes: list[list[int]]
    """For each of `plan.nodes` how many pass, fail and are unknown."""
    only: list[int]
    """For each of `plan.top` how many patients it alone excludes."""
    first: list[int]
    """For each of `plan.top` how many patients it excludes as the first in the study's order."""
    needs: Counter[str] = field(default_factory=Counter)
    """What to obtain, and of how many patients that are undetermined."""
    population: dict[str, Any] | None = None
    """The counts of `cohort.Population`, of a study that has a flow or a baseline table."""
    close: Counter[str] = field(default_factory=Counter)
    """How many patients are close to eligible, by what fails and is unknown (`removal.code`)."""

    @staticmethod
    def empty(plan: Plan) -> Tally:
        """The counts over no patients."""
        return Tally(
            dict.fromkeys(STATUSES, 0),
            [[0, 0, 0] for _ in plan.nodes],
            [0] * len(plan.top),
            [0] * len(plan.top),
        )

    def add(self, other: Tally) -> None:
        """Add the counts over other patients."""
        for name, count in other.status.items():
            self.status[name] += count
        for mine, theirs in zip(self.nodes, other.nodes, strict=True):
            mine[:] = [a + b for a, b in zip(mine, theirs, strict=True)]
        self.only = [a + b for a, b in zip(self.only, other.only, strict=True)]
        self.first = [a + b for a, b in zip(self.first, other.first, strict=True)]
        self.needs += other.needs
        if self.population and other.population:
            from screener.cohort import Population  # noqa: PLC0415  # few studies need it

            self.population = Population.together(self.population, other.population)
        else:
            self.population = self.population or other.population
        self.close += other.close

    def as_json(self) -> dict[str, Any]:
        """The counts as JSON data."""
        return {**vars(self), "needs": dict(self.needs), "close": dict(self.close)}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Tally:
        """The counts that `as_json` gave."""
        counted = {name: Counter(data[name]) for name in ("needs", "close")}
        return Tally(**{**data, **counted})

    @property
    def screened(self) -> int:
        """How many patients are counted."""
        return sum(self.status.values())

    def criteria(self, plan: Plan) -> list[dict[str, Any]]:
        """The counts of each criterion, as `summary.json` has them; `parts` within it."""

        def counts(index: int) -> dict[str, Any]:
            node = plan.nodes[index]
            found: dict[str, Any] = {"id": node.id}
            found |= dict(zip(OUTCOMES, self.nodes[index], strict=True))
            if index in plan.top:
                found["only_reason"] = self.only[plan.top.index(index)]
            if node.parts:
                found["parts"] = [counts(part) for part in node.parts]
            return found

        return [counts(index) for index in plan.top]

    def flow(self, plan: Plan) -> list[dict[str, Any]]:
        """How many remain after each criterion in the study's order.

        Each excluded patient counts once, at the first criterion that excludes it. Who is
        undetermined is not excluded.
        """
        if self.population:
            from screener.cohort import Population  # noqa: PLC0415

            flow = Population.from_data(plan, self.population).flow()
            return [step.model_dump() for step in flow]
        remaining = self.screened
        steps: list[dict[str, Any]] = [
            {"criterion": None, "label": "Screened", "excluded": 0, "remaining": remaining}
        ]
        for index, excluded in zip(plan.top, self.first, strict=True):
            remaining -= excluded
            node = plan.nodes[index]
            steps.append({"criterion": node.id, "label": node.text, "excluded": excluded,
                          "remaining": remaining})  # fmt: skip
        return steps

    def table_one(self, plan: Plan) -> list[dict[str, Any]]:
        """The rows of the study's baseline table; none where it has no such table."""
        if not self.population:
            return []
        from screener.cohort import Population  # noqa: PLC0415

        rows = Population.from_data(plan, self.population).table_one()
        return [row.model_dump(exclude_defaults=True) for row in rows]
