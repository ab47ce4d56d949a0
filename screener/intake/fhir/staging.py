"""Stage groups and M categories: the stage at first diagnosis, and whether it is metastatic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from screener.dates import span
from screener.intake.fhir.codes import Fault, code_map
from screener.intake.fhir.values import when

if TYPE_CHECKING:
    from datetime import date

    from screener.intake.fhir.draft import Draft
    from screener.intake.fhir.resources import Resource

INITIAL_MONTHS = 4
"""A stage counts as that of first diagnosis up to so many months after it (AJCC manual, 8th
edition, chapter 1: clinical staging ends within 4 months of diagnosis, progression aside)."""


@dataclass(frozen=True, slots=True)
class Staged:
    """One stage group, as some resource states it."""

    stage: str
    date: str | None
    resource: Resource


def of_condition(resource: Resource, draft: Draft) -> None:
    """Collect the stages that a Condition states, dated by the assessments that they name."""
    for stage in resource.raw.get("stage", []):
        meaning = code_map().read(stage.get("summary"), "stage")
        if meaning is None:
            continue
        dates = []
        for reference in stage.get("assessment", []):
            found = draft.index.resolve(reference, resource)
            if found is None:
                draft.warn(
                    resource,
                    "an assessment of its stage is not among the resources that can be read",
                )
            elif found.kind == "Observation" and (dated := when(found.raw, "effective")):
                dates.append(dated)
        draft.stages.append(Staged(meaning.to, dates[0] if len(dates) == 1 else None, resource))


def of_observation(resource: Resource, draft: Draft, part: dict[str, Any], key: str) -> None:
    """Collect the stage group or M category that an Observation states."""
    concept = part.get("valueCodeableConcept")
    if concept is None and "valueString" in part:
        concept = {"text": part["valueString"]}
    meaning = code_map().read(concept, key)
    if meaning is None:
        raise Fault("its value is no stage or category that is listed")
    staged = Staged(meaning.to, when(resource.raw, "effective"), resource)
    if key == "stage":
        draft.stages.append(staged)
        return
    draft.m_categories.append(staged)
    if meaning.to == "M0":
        draft.skip(resource, "M0 at staging says nothing of a later day")


def finish(draft: Draft, diagnosed: str | None) -> None:
    """Offer the stage at first diagnosis, and stage IV as metastatic disease."""
    initial = []
    for staged in draft.stages:
        at_first = diagnosed and staged.date and _initial(staged.date, diagnosed)
        if at_first and not draft.blocked("stage", None):
            initial.append(staged)
            draft.offer("diagnosis.initial_stage", staged.stage, staged.resource)
        elif staged.stage != "IV":
            draft.skip(staged.resource, "not known to be the stage at first diagnosis")
    agreed = len({staged.stage for staged in initial}) <= 1
    for staged in draft.stages:
        if staged.stage == "IV" and (agreed or staged not in initial):
            _metastatic(staged, draft)
    for category in draft.m_categories:
        given = category.stage != "M0" and _metastatic(category, draft)
        if given and category.stage == "pM1":
            draft.offer("diagnosis.distant_metastasis_confirmed", True, category.resource)


def _metastatic(staged: Staged, draft: Draft) -> bool:
    """Offer metastatic disease, unless something of the same day says that there was none."""
    against = [
        it
        for it in (*draft.stages, *draft.m_categories)
        if it.date == staged.date and it.date and it.stage not in ("IV", "cM1", "pM1")
    ]
    if not against:
        draft.offer("diagnosis.extent", "metastatic", staged.resource)
        return True
    sides = ", ".join(sorted({f"{it.stage} ({it.resource.label})" for it in (staged, *against)}))
    draft.warn(staged.resource, f"its stage contradicts another of the same day: {sides}")
    draft.note("fhir-contradiction", f"The extract disagrees on the extent: {sides}.")
    draft.withheld(staged.resource.label, "contradicts another stage of the same day")
    return False


def _initial(staged: str, diagnosed: str) -> bool:
    return span(staged)[1] <= _months_after(span(diagnosed)[0])


def _months_after(day: date) -> date:
    month = day.month - 1 + INITIAL_MONTHS
    year, month = day.year + month // 12, month % 12 + 1
    last = span(f"{year:04}-{month:02}")[1].day
    return day.replace(year=year, month=month, day=min(day.day, last))
