"""Concludes: from what the engine answered about one record to its result."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from screener.answer import Answer, outcome
from screener.result import (
    Advisory,
    CriterionResult,
    DerivedValue,
    Evidence,
    IndexDay,
    Provenance,
    ScreeningResult,
    Status,
    StudyRef,
    Truth,
)

if TYPE_CHECKING:
    from screener.plan import Node, Plan

TOOL = "trial-screen"

ONLY_ASSUMED = "Decided only by assumed values, not used here: "
"""How the reason begins of what nothing but strictness leaves open; the values follow."""


class Conclusions:
    """Writes the results of one study.

    `given` are the parameters that the site set, `complete` the lists that the user calls whole.
    """

    def __init__(self, plan: Plan, given: Collection[str], complete: Collection[str]) -> None:
        self._plan = plan
        self._given = given
        self._complete = complete

    def result(
        self,
        patient_id: str,
        original: str,
        answer: Answer,
        as_of: date,
        derived: list[DerivedValue],
    ) -> ScreeningResult:
        """The result of one patient; `original` is the record as it was given."""
        plan = self._plan
        shown = [self._criterion(index, answer) for index in plan.top]
        clears = {c.id: c.clears_on for c in shown if c.outcome == "fail"}
        rescreen = first_day_without_fail(plan, answer, clears) if clears else None
        status: Status = "eligible"
        if clears:
            status = "ineligible"
        elif any(c.outcome == "unknown" for c in shown):
            status = plan.cohort.unknown_counts_as
        helps = status == "undetermined" or rescreen is not None
        assumptions = _distinct(a for c in shown for a in c.assumptions)
        return ScreeningResult(
            patient_id=patient_id,
            study=StudyRef(id=plan.study_id, version=plan.version, sha256=plan.sha256),
            as_of=as_of,
            index_date=IndexDay(means=plan.cohort.index_means, date=answer.index.text)
            if answer.index
            else None,
            status=status,
            criteria=shown,
            needs=_distinct(need for c in shown for need in c.needs) if helps else [],
            rescreen_on=rescreen,
            advisories=[
                Advisory(id=rule.id, text=text)
                for rule, text in zip(plan.advisories, answer.advisories(), strict=True)
                if text
            ],
            assumptions=assumptions,
            ignored_entries=answer.ignored,
            derived=derived,
            provenance=Provenance(
                record_sha256=hashlib.sha256(original.encode()).hexdigest(),
                tool=TOOL,
                tool_version=_version(),
            ),
        )

    def _criterion(self, index: int, answer: Answer) -> CriterionResult:
        node = self._plan.nodes[index]
        truth = answer.truth(index)
        meaning = outcome(node.kind, truth)
        parts = [self._criterion(part, answer) for part in node.parts]
        needs: list[str] = []
        shown: list[Evidence] = []
        rests_on = answer.rests_on(index)
        if node.leaf is None:
            reason = _compound_reason(node, truth, parts)
            if truth is None:
                needs = _distinct(need for part in parts for need in part.needs)
        else:
            shown = evidence(self._plan, self._plan.leaves[node.leaf].facts, answer.columns)
            if truth is not None:
                reason = answer.reason(node.leaf)
            elif answer.disagreed(index):
                reason, needs = answer.why_open
            elif answer.known_but_assumed(index):
                names = answer.rests_on_assumed(index)
                reason = f"{ONLY_ASSUMED}{', '.join(names)}."
                needs = [f"a confirmed value of {name}" for name in names]
            else:
                whys = answer.explanations(node.leaf)
                reason = " ".join(_distinct(why["say"] for why in whys))
                needs = _distinct(why["ask"] for why in whys if why["ask"])
                rests_on = _distinct([*rests_on, *(n for why in whys for n in why["rests_on"])])
        assumptions = [self._assumption(name) for name in rests_on]
        whole = answer.rests_on_lists(index) if truth is not None else []
        assumptions += [self._whole(name) for name in whole]
        return CriterionResult(
            id=node.id,
            kind=node.kind,  # type: ignore[arg-type]  # from the study's closed vocabulary
            text=node.text,
            source=node.source,
            truth=_TRUTHS[truth],
            outcome=meaning,
            reason=reason,
            evidence=shown,
            needs=needs,
            assumptions=_distinct([*assumptions, *(a for part in parts for a in part.assumptions
                                                   if part.truth != "unknown")]),
            clears_on=clears_on(self._plan, index, answer) if meaning == "fail" else None,
            parts=parts,
        )  # fmt: skip

    def _whole(self, name: str) -> str:
        if name in self._complete:
            return f"{name} is taken as the whole list (--complete)"
        source = self._plan.cohort.undocumented[name]
        return f"{name}: what is not documented counts as none ({source})"

    def _assumption(self, name: str) -> str:
        parameter = self._plan.parameters[name]
        value = parameter["value"]
        if isinstance(value, bool):
            value = "yes" if value else "no"
        elif isinstance(value, float):
            value = f"{value:g}"
        elif isinstance(value, list):
            value = ", ".join(value)
        unit = parameter["unit"] if parameter["unit"] != "truth value" else ""
        how = "set by the site" if name in self._given else f"assumed: {parameter['source']}"
        return f"{name} = {value}{' ' + unit if unit else ''} ({how})"


_TRUTHS: dict[bool | None, Truth] = {True: "met", False: "not_met", None: "unknown"}


def _compound_reason(node: Node, truth: bool | None, parts: list[CriterionResult]) -> str:
    meaning = outcome(node.kind, truth)
    deciding = [part for part in parts if part.outcome == meaning]
    if meaning == "pass":
        return " ".join(part.reason for part in deciding)
    return " ".join(f"{part.id}: {part.reason}" for part in deciding)


def evidence(plan: Plan, facts: Iterable[str], columns: Mapping[str, Any]) -> list[Evidence]:
    """The recorded values that facts rest on."""
    found: dict[str, Evidence] = {}

    def add(path: str, value: Any, when: Mapping[str, Any] | None) -> None:
        if isinstance(value, dict):  # a date as a span
            value = value["text"]
        if value is None:
            return
        if isinstance(value, Decimal):
            value = int(value) if value == value.to_integral_value() else float(value)
        day = when["text"] if when else None
        found.setdefault(path, Evidence(path=path, value=value, date=day))

    for spec in (spec for fact in facts for spec in plan.evidence.get(fact, [])):
        column = columns[spec["column"]]
        if "path" in spec:
            rest = spec["path"].split(".")[1:]
            add(spec["path"], column[rest[0]] if rest and column else column, None)
            continue
        for entry in column or []:
            for item in (entry[spec["within"]] or []) if spec["within"] else [entry]:
                for name, key in spec["fields"].items():
                    if item["path"] is not None:
                        path = f"{item['path']}.{name}" if name else item["path"]
                        add(path, item[key], entry.get("date"))
    return list(found.values())


def clears_on(plan: Plan, index: int, answer: Answer) -> date | None:
    """The first day on which a failing criterion no longer fails, if only time is needed."""
    if not answer.could_clear(index):
        return None
    failing = [part for part in plan.nodes[index].parts if answer.fails(part)]
    if not all(clears_on(plan, part, answer) for part in failing):
        return None
    return next((day for day in answer.days if not answer.fails(index, day)), None)


def first_day_without_fail(
    plan: Plan, answer: Answer, clears: Mapping[Any, date | None]
) -> date | None:
    """The first day without a fail, if each of those there are clears on a day."""
    days = [day for day in clears.values() if day is not None]
    if len(days) < len(clears):
        return None
    for day in answer.days:
        if day >= max(days) and not any(answer.fails(index, day) for index in plan.top):
            return day
    return None


def _distinct(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))


def _version() -> str:
    from screener import __version__  # noqa: PLC0415

    return __version__
