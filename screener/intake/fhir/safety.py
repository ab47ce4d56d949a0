"""Allergies, adverse events, and lists that are stated to be empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from screener.intake.fhir.codes import Fault, code_map, codings, display
from screener.intake.fhir.draft import ABSENCE_DAYS, recent
from screener.intake.fhir.medications import named
from screener.intake.fhir.values import active, clipped, code_of, day, extension, verification

if TYPE_CHECKING:
    from screener.intake.fhir.draft import Draft
    from screener.intake.fhir.resources import Resource

STANDS_DAYS = {"allergies": ABSENCE_DAYS, "procedures": 0}
"""So many days a list that is stated to be empty stands for. What a patient is allergic to changes
slowly; an operation may have been on any day since."""
_NOT_DRUGS = {"food", "environment"}


def allergy(resource: Resource, draft: Draft) -> None:
    """Read an AllergyIntolerance: a substance, or that none is known."""
    raw = resource.raw
    verified = verification(raw)
    if verified in ("entered-in-error", "refuted"):
        draft.skip(resource, verified.replace("-", " "))
        return
    if draft.written_later(raw, "recordedDate"):
        draft.skip(resource, "written down after the screening date")
        return
    if active(raw) is False:
        draft.skip(resource, "no longer active")
        return
    if verified == "unconfirmed":
        draft.doubts.add("allergies")
        draft.skip(resource, "not confirmed")
        return
    none = code_map().read(raw.get("code"), "no_allergy")
    if none and none.to == "others":
        draft.skip(resource, "no allergy that is not to a drug: a record has no field for it")
        return
    if none:
        draft.no_allergies[none.to] = resource.label
        return
    concept = raw.get("code")
    if concept is None:
        listed = [it.get("substance") for it in raw.get("reaction", [])]
        concept = listed[0] if len(listed) == 1 else None
    names = named(concept)
    if not names:
        raise Fault("the substance is not named")
    categories = set(raw.get("category", []))
    kind = "allergy" if categories and categories <= _NOT_DRUGS else "drug allergy"
    for name in names:
        draft.add("allergies", {"": name}, resource, kind=kind)


def adverse_event(resource: Resource, draft: Draft) -> None:
    """Read an AdverseEvent; its grade only where it is given by CTCAE."""
    raw = resource.raw
    if raw["actuality"] != "actual":
        draft.skip(resource, "a potential event")
        return
    term = display(raw.get("event"))
    if term is None:
        raise Fault("the event is not named")
    grade = _grade(raw)
    if grade == 0:
        draft.skip(resource, "grade 0: it did not occur")
        return
    onset = day(raw.get("date"))
    if onset is None and draft.written_later(raw, "recordedDate", "detected"):
        draft.skip(resource, "written down after the screening date")
        return
    outcome = code_map().read(raw.get("outcome"), "ae_outcome")
    ongoing = {"resolved": False, "ongoing": True}.get(outcome.to) if outcome else None
    values = {"term": clipped(term), "grade": grade, "onset": onset, "ongoing": ongoing}
    draft.add("adverse_events", values, resource)


def _grade(raw: dict[str, Any]) -> int | None:
    for item in extension(raw, "ctcae-grade"):
        concept = item.get("valueCodeableConcept")
        words = [concept.get("text")] if isinstance(concept, dict) else []
        words += [it.get("code") for it in codings(concept)]
        grades = {int(it) for it in words if isinstance(it, str) and it in "012345" and it}
        if len(grades) != 1:
            raise Fault("its CTCAE grade is not one from 0 to 5")
        return grades.pop()
    return None


def stated_empty(resource: Resource, draft: Draft) -> None:
    """Read a List or Composition: the lists that it states to be empty, as far as known."""
    raw = resource.raw
    if raw["status"] not in ("current", "final", "amended"):
        draft.skip(resource, f"status {raw['status']}")
        return
    sections = [raw] if resource.kind == "List" else list(_sections(raw))
    found = []
    for section in sections:
        meaning = code_map().read(section.get("code"), "no_list")
        if meaning and code_of(section.get("emptyReason")) == "nilknown":
            found.append(meaning.to)
    if not found or draft.written_later(raw, "date"):
        draft.skip(resource, "states no list to be empty that a record holds")
        return
    stated = day(raw.get("date"))
    for name in found:
        if not recent(stated, draft, STANDS_DAYS[name]):
            days = STANDS_DAYS[name]
            within = f"within {days} days before" if days else "on"
            draft.skip(
                resource, f"says that there are no {name}, but not {within} the screening date"
            )
        elif name == "allergies":
            draft.no_allergies["all"] = resource.label
        else:
            draft.whole[name] = resource.label


def _sections(raw: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    waiting = [it for it in raw.get("section", []) if isinstance(it, dict)]
    while waiting:
        section = waiting.pop()
        found.append(section)
        inner = section.get("section")
        waiting += [it for it in inner if isinstance(it, dict)] if isinstance(inner, list) else []
    return found


def finish(draft: Draft) -> None:
    """Take the allergies as whole where it is stated that none is known, and none is listed."""
    for to, kinds in (("all", ("allergy", "drug allergy")), ("drugs", ("drug allergy",))):
        if label := draft.no_allergies.get(to):
            draft.whole["allergies"] = label
            against = [it for it in draft.lists["allergies"] if it.kind in kinds]
            draft.contradict(label, "allergies", against)
