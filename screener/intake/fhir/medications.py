"""Drugs: requests, administrations, statements and dispenses, as regimens.

An order is no treatment. A drug counts as given where an administration or a statement says so, or
where its order is completed, or was stopped for a reason that only a drug that was taken gives.
Resources belong to one regimen where they refer to each other, to one plan, or carry one group
identifier; dates alone do not join them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from screener.dates import surely_before
from screener.encoding import yaml_file
from screener.intake.fhir.codes import Fault, code_map, codings, display
from screener.intake.fhir.resources import links, written
from screener.intake.fhir.values import bounds, clipped, day, extension, when

if TYPE_CHECKING:
    from collections.abc import Iterable

    from screener.intake.fhir.draft import Draft
    from screener.intake.fhir.resources import Resource

_ORDERS = {"order", "original-order", "reflex-order", "filler-order", "instance-order"}
_NOT_GIVEN = {
    "MedicationRequest": {"draft", "cancelled", "entered-in-error"},
    "MedicationAdministration": {"not-done", "entered-in-error", "unknown"},
    "MedicationStatement": {"not-taken", "intended", "entered-in-error", "unknown"},
    "MedicationDispense": {"preparation", "cancelled", "entered-in-error", "declined", "unknown"},
}
"""Statuses under which a drug was not given, or nobody says that it was."""
_TAKEN = {"progression", "toxicity", "completed"}
"""Reasons to stop that only a drug that was taken gives."""


@dataclass
class Course:
    """What one resource says of a drug."""

    resource: Resource
    drugs: list[str]
    given: bool
    setting: str | None
    start: str | None
    end: str | None
    ongoing: bool | None
    stop_reason: str | None
    keys: set[str] = field(default_factory=set)
    """What ties it to others: labels of resources, plans, group identifiers."""


def read(resource: Resource, draft: Draft) -> None:
    """Read one resource on a drug. Raises Fault where it cannot be read."""
    raw, kind = resource.raw, resource.kind
    status = raw["status"]
    if status in _NOT_GIVEN[kind]:
        draft.skip(resource, f"status {status}: not given, or not known to be")
        return
    if kind == "MedicationRequest":
        if raw.get("doNotPerform"):
            draft.skip(resource, "an order not to give it")
            return
        if raw["intent"] not in _ORDERS:
            draft.skip(resource, f"intent {raw['intent']}: not ordered")
            return
    if for_another_cancer(resource, draft):
        draft.skip(resource, "given for another cancer")
        return
    start, end = _dates(resource)
    draft.check(start, end)
    if start is None and draft.written_later(raw, "authoredOn", "dateAsserted", "whenHandedOver"):
        draft.skip(resource, "written down after the screening date")
        return
    stop_reason = _stop_reason(raw)
    given = kind in ("MedicationAdministration", "MedicationStatement") or (
        kind == "MedicationRequest"
        and (status == "completed" or (status == "stopped" and stop_reason in _TAKEN))
    )
    ongoing = True if kind == "MedicationStatement" and status == "active" and not end else None
    if kind != "MedicationAdministration" and status in ("completed", "stopped") and given:
        ongoing = False
    course = Course(
        resource, _drugs(resource, draft), given, setting(raw), start, end, ongoing, stop_reason,
        _keys(resource, draft),
    )  # fmt: skip
    draft.courses.append(course)


def _dates(resource: Resource) -> tuple[str | None, str | None]:
    """Return the first and the last day of a drug, where the resource states them.

    The day of an order is neither: it may be the renewal of an older one.
    """
    raw = resource.raw
    if resource.kind == "MedicationRequest":
        stated = [
            bounds(it.get("timing", {}).get("repeat", {}).get("boundsPeriod"))
            for it in raw.get("dosageInstruction", [])
        ]
        starts = [start for start, _ in stated if start]
        ends = [end for _, end in stated if end]
        # The end of one that was stopped is the planned one, not the day on which it was.
        over = raw["status"] == "completed"
        return min(starts, default=None), max(ends, default=None) if over else None
    if resource.kind == "MedicationDispense":
        return None, None
    if "effectivePeriod" in raw:
        start, end = bounds(raw["effectivePeriod"])
        return start, end if resource.kind == "MedicationStatement" else None
    return when(raw, "effective"), None


def setting(raw: dict[str, Any]) -> str | None:
    """Return the setting that the intent of a treatment states."""
    for item in extension(raw, "mcode-procedure-intent", "mcode-treatment-intent"):
        meaning = code_map().read(item.get("valueCodeableConcept"), "intent")
        if meaning and meaning.to != "none":
            return meaning.to
    return None


def _stop_reason(raw: dict[str, Any]) -> str | None:
    reasons = raw.get("statusReason", [])
    reasons = reasons if isinstance(reasons, list) else [reasons]
    reasons += [
        it.get("valueCodeableConcept")
        for it in extension(raw, "mcode-treatment-termination-reason")
    ]
    found = {m.to for it in reasons if (m := code_map().read(it, "stop_reason"))}
    return next(iter(found)) if len(found) == 1 else None


def stop_reason(raw: dict[str, Any]) -> str | None:
    """Return why a treatment was stopped, where one reason is stated."""
    return _stop_reason(raw)


def _drugs(resource: Resource, draft: Draft) -> list[str]:
    raw = resource.raw
    concept: object = raw.get("medicationCodeableConcept")
    if concept is None:
        found = draft.index.resolve(raw.get("medicationReference"), resource)
        if found is None or found.kind != "Medication":
            raise Fault("its medication is not among the resources that can be read")
        if found.raw.get("status") == "entered-in-error":
            raise Fault("its medication was entered in error")
        concept = found.raw.get("code")
        if concept is None:
            return _mixed(found)
    names = named(concept)
    if not names:
        raise Fault("its drug is not named")
    return names


def _mixed(medication: Resource) -> list[str]:
    """Name the drugs of a Medication that only its ingredients name, each by code."""
    names = []
    for item in medication.raw.get("ingredient", []):
        found = named(item.get("itemCodeableConcept"))
        if not found:
            raise Fault("an ingredient of its medication is not named")
        names += found
    if not names:
        raise Fault("its drug is not named")
    return list(dict.fromkeys(names))


def named(concept: object) -> list[str]:
    """Name the drugs of a concept: by code, by the ingredients of a product, else as displayed."""
    meaning = code_map().read(concept, "drug")
    if meaning:
        _agree(concept, meaning.to)
        return [meaning.to]
    for coding in codings(concept):
        words = coding.get("display")
        if isinstance(words, str) and (found := ingredients(words)):
            return found
    if words := display(concept):
        return [clipped(words)]
    for coding in codings(concept):
        if isinstance(coding.get("code"), str):
            return [clipped(f"code {coding['code']}")]
    return []


def _agree(concept: object, drug: str) -> None:
    """Raise Fault where the words beside a code are those of another drug."""
    for coding in codings(concept):
        words = coding.get("display")
        found = ingredients(words) if isinstance(words, str) else []
        if found and drug not in found:
            raise Fault(f"its code is that of {drug}, its display that of {', '.join(found)}")


def ingredients(product: str) -> list[str]:
    """Return the drugs that the name of a coded product contains, by their dictionary names.

    `palbociclib 125 MG Oral Capsule [Ibrance]` holds palbociclib once. The longest names go first,
    so that a conjugate is not taken for the antibody in it.
    """
    return list(_ingredients(product))


@lru_cache(maxsize=10_000)
def _ingredients(product: str) -> tuple[str, ...]:
    words = f" {_plain(product)} "
    found = []
    for name, generic in _names():
        if f" {name} " in words:
            words = words.replace(f" {name} ", " | ")
            if generic not in found:
                found.append(generic)
    return tuple(sorted(found))


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.lower()))


@lru_cache(maxsize=1)
def _names() -> list[tuple[str, str]]:
    from screener.encoding.catalogue import packaged  # noqa: PLC0415

    data = yaml_file.load(packaged() / "drugs.yaml", "drugs.yaml").data
    names = {
        _plain(str(name)): drug["name"]
        for drug in data["drugs"]
        for name in [drug["name"], *drug["names"]]
        if len(str(name)) > 4
    }
    return sorted(names.items(), key=lambda it: (-len(it[0]), it[0]))


def for_another_cancer(resource: Resource, draft: Draft) -> bool:
    """Tell whether every reason that a treatment states is a cancer that is not of the breast."""
    reasons = set()
    for concept in resource.raw.get("reasonCode", []):
        meaning = code_map().read(concept, "cancer", "cancer_unspecified", "metastasis")
        other = meaning and meaning.role == "cancer" and meaning.to != "breast"
        reasons.add("other" if other else "unknown")
    for reference in resource.raw.get("reasonReference", []):
        found = draft.index.resolve(reference, resource)
        if found is None:
            draft.warn(
                resource, "the reason that it refers to is not among the resources that can be read"
            )
        reasons.add(draft.cancers.get(id(found), "unknown") if found else "unknown")
    return reasons == {"other"}


def _keys(resource: Resource, draft: Draft) -> set[str]:
    raw = resource.raw
    keys = {resource.label}
    for reference in (it for it in links(raw) if it is not raw.get("priorPrescription")):
        found = draft.index.resolve(reference, resource)
        text = written(reference)
        if found or text:
            keys.add(found.label if found else str(text))
    identifier = raw.get("groupIdentifier", {})
    if identifier.get("value"):
        keys.add(f"group {identifier.get('system')} {identifier['value']}")
    return keys


def finish(draft: Draft) -> None:
    """Put courses that belong together into regimens, and name what was ordered only."""
    ordered = []
    for regimen in _regimens(draft.courses):
        given = [course for course in regimen if course.given]
        drugs = {drug: c for c in sorted(given, key=_order, reverse=True) for drug in c.drugs}
        for course in regimen:
            if not course.given and not set(course.drugs) <= drugs.keys():
                ordered.append(course)
                draft.skip(course.resource, "ordered or dispensed, not known to be given")
        if given:
            _enter(draft, regimen, given, drugs)
    if ordered:
        names = sorted({drug for course in ordered for drug in course.drugs})
        draft.note(
            "fhir-ordered",
            "Ordered or dispensed, but nothing says that it was given, so it does not count: "
            f"{', '.join(names)}. Confirm whether it was.",
        )


def _order(course: Course) -> tuple[str, str]:
    return course.start or "", course.resource.label


def _regimens(courses: Iterable[Course]) -> list[list[Course]]:
    regimens: list[list[Course]] = []
    for course in sorted(courses, key=lambda it: it.resource.label):
        joined = [it for it in regimens if any(course.keys & other.keys for other in it)]
        regimens = [it for it in regimens if it not in joined]
        regimens.append([course, *(other for it in joined for other in it)])
    return regimens


def _enter(
    draft: Draft, regimen: list[Course], given: list[Course], drugs: dict[str, Course]
) -> None:
    settings = {course.setting for course in regimen if course.setting}
    reasons = {course.stop_reason for course in regimen if course.stop_reason}
    starts = [course.start for course in given if course.start]
    ends = [course.end for course in given if course.end]
    ongoing = {course.ongoing for course in given if course.ongoing is not None}
    start, end = min(starts, default=None), max(ends, default=None)
    first = min(given, key=_order).resource
    if start and end and surely_before(end, start):
        draft.warn(first, "it ends before it starts: neither date is used")
        start = end = None
    names = sorted(drugs)
    values = {
        "setting": next(iter(settings)) if len(settings) == 1 else None,
        "drugs": names,
        "start": start,
        "end": end,
        "ongoing": next(iter(ongoing)) if len(ongoing) == 1 else None,
        "stop_reason": next(iter(reasons)) if len(reasons) == 1 else None,
    }
    origins = {f"drugs[{n}]": drugs[name].resource.label for n, name in enumerate(names)}
    for name in ("setting", "start", "end", "ongoing", "stop_reason"):
        if (value := values[name]) is not None:
            stated = [c for c in regimen if getattr(c, name) == value]
            origins[name] = min(stated, key=_order).resource.label
    draft.add("therapies", values, first, **origins)


def ended(raw: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return first and last day of a Procedure that lasts."""
    if "performedPeriod" in raw:
        return bounds(raw["performedPeriod"])
    return day(raw.get("performedDateTime")), None
