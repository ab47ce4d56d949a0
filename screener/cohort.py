"""The flow of patients through a study and its baseline table, counted one patient at a time.

A `Population` holds counts only, so that any number of patients fits, and the counts of its parts
add up to those of the whole, in any order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from screener.derived import OTHER
from screener.errors import UsageError

if TYPE_CHECKING:
    from screener.cohort_plan import Variable
    from screener.plan import Plan
    from screener.result import DerivedValue, Outcome, ScreeningResult, Status

LEFT_OPEN = "Left open by the record"
"""The step at which those leave the flow of whom nothing fails and something is unknown."""
MEDIAN = "Median (range)"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FlowStep(_Frozen):
    """One step of the flow: who leaves at it, and who is left."""

    criterion: str | None = Field(description="Its id; null at the start and for those left open.")
    label: str
    excluded: int
    remaining: int


class TableRow(_Frozen):
    """One row of the baseline table."""

    variable: str
    category: str
    n: int = Field(description="Patients; of a number, those of whom it is known.")
    percent: float | None = Field(
        description="Of all patients of the group, to one decimal; null for a number."
    )
    median: float | None = None
    lowest: float | None = None
    highest: float | None = None
    group: str | None = Field(default=None, description="The subgroup, in a table by one.")
    remark: str = Field(
        default="", description="On the first row of a variable: what to know of its figures."
    )


class Population:
    """Counts of a screened population, or of a part of it, for one study.

    `by` names a derived variable by whose categories the table is made.

    Raises:
        UsageError: the study has no such variable, or it has no categories.
    """

    def __init__(self, plan: Plan, by: str | None = None) -> None:
        self._plan = plan
        self._group = self._grouping(by) if by else None
        self.screened = 0
        self._included = 0
        self._left: Counter[str] = Counter()
        """Patients who leave, by the criterion at which they do; "" for those left open."""
        self._members: Counter[str] = Counter()
        """Included patients by subgroup; "" for all of them."""
        self._counts: Counter[tuple[str, str, str]] = Counter()
        """Included patients by subgroup, variable and category."""
        self._numbers: Counter[tuple[str, str, float]] = Counter()
        """Included patients by subgroup, variable and value."""

    def add(
        self, status: Status, outcomes: Mapping[str, Outcome], derived: Iterable[DerivedValue]
    ) -> None:
        """Count a patient; `outcomes` are those of all criteria of the study, by id."""
        self.screened += 1
        if status != "eligible":
            failed = (name for name in self._order() if outcomes.get(name) == "fail")
            self._left[next(failed, "")] += 1
            return
        self._included += 1
        values = {value.id: value for value in derived}
        for group in self._groups(values):
            self._members[group] += 1
            for variable in self._variables():
                self._count(group, variable, values.get(variable.id))

    def add_result(self, result: ScreeningResult) -> None:
        """Count the patient of a result."""
        outcomes = {criterion.id: criterion.outcome for criterion in result.criteria}
        self.add(result.status, outcomes, result.derived)

    def to_data(self) -> dict[str, Any]:
        """The counts as JSON data, for `from_data`."""
        return {
            "screened": self.screened,
            "included": self._included,
            "left": dict(self._left),
            "members": dict(self._members),
            "counts": [[*key, n] for key, n in sorted(self._counts.items())],
            "numbers": [[*key, n] for key, n in sorted(self._numbers.items())],
        }

    @staticmethod
    def together(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
        """Add up what `to_data` gave of two parts of a population."""

        def summed(name: str) -> list[list[Any]]:
            counts: Counter[tuple[Any, ...]] = Counter()
            for *key, n in (*one[name], *other[name]):
                counts[tuple(key)] += n
            return [[*key, n] for key, n in sorted(counts.items())]

        return {
            "screened": one["screened"] + other["screened"],
            "included": one["included"] + other["included"],
            "left": dict(Counter(one["left"]) + Counter(other["left"])),
            "members": dict(Counter(one["members"]) + Counter(other["members"])),
            "counts": summed("counts"),
            "numbers": summed("numbers"),
        }

    @staticmethod
    def from_data(plan: Plan, data: Mapping[str, Any], by: str | None = None) -> Population:
        """The population of which `to_data` gave the counts."""
        found = Population(plan, by)
        found.screened, found._included = data["screened"], data["included"]
        found._left.update(data["left"])
        found._members.update(data["members"])
        found._counts.update({(g, v, c): n for g, v, c, n in data["counts"]})
        found._numbers.update({(g, v, float(x)): n for g, v, x, n in data["numbers"]})
        return found

    def flow(self) -> list[FlowStep]:
        """The steps in the study's order; every patient who leaves is counted once."""
        steps = {step["criterion"]: step for step in self._plan.cohort.flow["steps"]}
        remaining = self.screened
        label = self._plan.cohort.flow["screened"]
        found = [FlowStep(criterion=None, label=label, excluded=0, remaining=remaining)]
        texts = {self._plan.nodes[n].id: self._plan.nodes[n].text for n in self._plan.top}
        for name in self._order():
            excluded = self._left[name]
            if not excluded and steps and (name not in steps or steps[name]["optional"]):
                continue
            remaining -= excluded
            label = steps[name]["label"] if name in steps else f"{name}: {texts[name]}"
            found.append(
                FlowStep(criterion=name, label=label, excluded=excluded, remaining=remaining)
            )
        if self._left[""]:
            found.append(
                FlowStep(criterion=None, label=LEFT_OPEN, excluded=self._left[""],
                         remaining=remaining - self._left[""])
            )  # fmt: skip
        return found

    def table_one(self) -> list[TableRow]:
        """The rows of the study's baseline table, of the included patients.

        By subgroups, all patients come first, then each subgroup. Who is in no category for certain
        has a row of their own.
        """
        groups = ["", *self._group_labels()]
        return [
            row
            for group in groups
            for variable in self._variables()
            for row in self._rows(group, variable)
        ]

    # What is counted -----------------------------------------------------------------------------

    def _order(self) -> list[str]:
        stated = [step["criterion"] for step in self._plan.cohort.flow["steps"]]
        every = [self._plan.nodes[index].id for index in self._plan.top]
        return [*stated, *(name for name in every if name not in stated)]

    def _variables(self) -> list[Variable]:
        known = {variable.id: variable for variable in self._plan.cohort.variables}
        return [known[name] for name in self._plan.cohort.table_one]

    def _grouping(self, by: str) -> Variable:
        from screener.encoding.catalogue import nearest  # noqa: PLC0415

        known = {v.id: v for v in self._plan.cohort.variables if v.kind != "number"}
        if by not in known:
            raise UsageError(
                f"{self._plan.study_id} has no variable {by} with categories{nearest(by, known)}; "
                f"it has {', '.join(known) or 'none'}"
            )
        return known[by]

    def _groups(self, values: Mapping[str, DerivedValue]) -> list[str]:
        """The subgroups that a patient counts in, all patients being one."""
        if not self._group:
            return [""]
        return ["", *_categories(self._group, values.get(self._group.id))]

    def _group_labels(self) -> list[str]:
        if not self._group:
            return []
        named = self._group.categories
        more = [label for label in (OTHER, self._group.unknown) if self._members[label]]
        return [*named, *more]

    def _count(self, group: str, variable: Variable, value: DerivedValue | None) -> None:
        if variable.kind == "number" and value and isinstance(value.value, int | float):
            self._numbers[group, variable.id, float(value.value)] += 1
            return
        for category in _categories(variable, value):
            self._counts[group, variable.id, category] += 1

    def _rows(self, group: str, variable: Variable) -> list[TableRow]:
        label = f"{variable.label}, {variable.unit}" if variable.unit else variable.label
        shown = f"{self._group.label}: {group}" if self._group and group else None

        def row(category: str, n: int, **more: Any) -> TableRow:
            percent = None if more else _percent(n, self._members[group])
            return TableRow(
                variable=label, category=category, n=n, percent=percent, group=shown, **more
            )  # fmt: skip

        counted = {c: self._counts[group, variable.id, c] for c in variable.categories}
        rows = [row(category, n) for category, n in counted.items()]
        if variable.kind == "number":
            values = {
                value: n
                for (of, name, value), n in self._numbers.items()
                if (of, name) == (group, variable.id)
            }
            known = sorted(values)
            ends = {"lowest": known[0], "highest": known[-1]} if known else {}
            rows = [row(MEDIAN, sum(values.values()), median=_median(values), **ends)]
        for category in (OTHER, variable.unknown):
            n = self._counts[group, variable.id, category]
            if n and category not in counted:
                rows.append(row(category, n))
        return [rows[0].model_copy(update={"remark": variable.remark}), *rows[1:]]


def summarise(plan: Plan, results: Iterable[ScreeningResult], by: str | None = None) -> Population:
    """The counts of some results of one study.

    Raises:
        UsageError: the study has no variable `by`, or it has no categories.
    """
    found = Population(plan, by)
    for result in results:
        found.add_result(result)
    return found


def _categories(variable: Variable, value: DerivedValue | None) -> Sequence[str]:
    """The categories that a value counts in; of what is open, that of the unknown."""
    if value is None:
        return [variable.unknown]
    if variable.kind == "any_of":
        held = value.value if isinstance(value.value, list) else []
        return [*held, *([variable.unknown] if value.open else [])]
    return [value.value] if isinstance(value.value, str) else [variable.unknown]


def _percent(n: int, total: int) -> float | None:
    if not total:
        return None
    exact = Decimal(100 * n) / Decimal(total)
    return float(exact.quantize(Decimal("0.1"), ROUND_HALF_UP))


def _median(values: Mapping[float, int]) -> float | None:
    """The middle value, or the mean of both middle ones; None of nothing."""
    total = sum(values.values())
    if not total:
        return None
    middle, seen = [], 0
    for value in sorted(values):
        seen, before = seen + values[value], seen
        middle += [value for place in ((total - 1) // 2, total // 2) if before <= place < seen]
    return (middle[0] + middle[1]) / 2
