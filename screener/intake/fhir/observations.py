"""Observations: which reader each goes to, by its codes, and what it could have decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from screener.dates import span, surely_before
from screener.intake.fhir import genomics, labs, receptors, staging
from screener.intake.fhir.codes import Fault, code_map, codings
from screener.intake.fhir.draft import ABSENCE_DAYS, recent
from screener.intake.fhir.resources import written
from screener.intake.fhir.values import code_of, when

if TYPE_CHECKING:
    from screener.intake.fhir.draft import Draft, Entry
    from screener.intake.fhir.resources import Resource

_RECEPTORS = ("er", "pr", "her2", "her2_ihc", "her2_ish", "her2_ratio", "her2_copies", "ki67")
_OF_THE_CANCER = (*_RECEPTORS, "stage", "m_category", "disease_status", "variant")
_NO_RESULT = {"registered": "no result yet", "cancelled": "cancelled",
              "entered-in-error": "entered in error"}  # fmt: skip
_NOT_DONE = {"not-performed", "not-applicable", "not-asked", "asked-declined", "unsupported"}
_OTHERS = {"RelatedPerson", "Group", "Device", "Practitioner", "Location", "FamilyMemberHistory"}
_COMPONENT_ONLY = ("gene", "protein_change", "dna_change", "named_variant", "origin",
                   "significance")  # fmt: skip


def kinds(raw: dict[str, Any]) -> set[str]:
    """Return what an Observation could be the latest of, as far as its codes are legible."""
    concepts = [raw.get("code")]
    components = raw.get("component")
    if isinstance(components, list):
        concepts += [it.get("code") for it in components if isinstance(it, dict)]
    if not any(isinstance(it.get("code"), str) for it in codings(raw.get("code"))):
        return {"*"}
    return {
        kind for it in concepts for key in code_map().kinds(it) for kind in [_kind(key)] if kind
    }


def _kind(key: str) -> str:
    if key.startswith("lab:"):
        return key
    if key.startswith("her2"):
        return "her2"
    if key == "metastasis_history" or key.startswith("history_of:"):
        return "metastasis"
    return {"m_category": "stage", "variant": "gene"}.get(
        key, key if key in ("er", "pr", "ki67", "ecog", "stage", "disease_status") else ""
    )


def read(resource: Resource, draft: Draft) -> None:
    """Read an Observation. Raises Fault where it cannot be read."""
    raw = resource.raw
    status = raw["status"]
    if status in _NO_RESULT:
        draft.skip(resource, _NO_RESULT[status])
        return
    parts = [raw, *raw.get("component", [])]
    keyed = [(part, _key(part)) for part in parts]
    known = [(part, key) for part, key in keyed if key and key not in _COMPONENT_ONLY]
    if not known:
        draft.skip(resource, "no code that is listed")
        return
    if all(key == "not_used" for _, key in known):
        draft.skip(resource, "measures something that a record does not hold")
        return
    if status != "final" and status not in ("amended", "corrected"):
        raise Fault(f"its status is {status}, so its value may still change")
    if _of_somebody_else(resource, draft):
        draft.skip(resource, "its focus is not the patient")
        return
    if any(key in _OF_THE_CANCER or "history" in key for _, key in known) and not _of_breast(
        resource, draft
    ):
        return
    if when(raw, "effective") is None and draft.written_later(raw, "issued"):
        draft.skip(resource, "written down after the screening date")
        return
    for part, key in known:
        if key != "not_used":
            _read(resource, draft, part, key)


def _key(part: dict[str, Any]) -> str | None:
    meaning = code_map().read(part.get("code"), "observation")
    return meaning.to if meaning else None


def _read(resource: Resource, draft: Draft, part: dict[str, Any], key: str) -> None:
    why = _absent(part)
    if "dataAbsentReason" in part and any(name.startswith("value") for name in part):
        raise Fault("it has a value, and a reason why it has none")
    if why in _NOT_DONE:
        draft.skip(resource, f"no value: {why}")
        return
    if why:
        raise Fault(f"its value is not given: {why}")
    valued = any(name.startswith("value") for name in part)
    if not valued and not key.startswith("history_of:"):
        if part.get("component") or part.get("hasMember"):
            return
        raise Fault("it has no value")
    if key in _RECEPTORS:
        receptors.read(resource, draft, part, key)
    elif key.startswith("lab:"):
        labs.read(resource, draft, part, key)
    elif key == "ecog":
        _ecog(resource, draft, part)
    elif key in ("stage", "m_category"):
        staging.of_observation(resource, draft, part, key)
    elif key == "variant":
        genomics.read(resource, draft)
    elif key == "disease_status":
        _disease_status(resource, draft, part)
    else:
        _history(resource, draft, part, key)


def _absent(part: dict[str, Any]) -> str | None:
    """Return why a value is absent, where it is stated, be it in place of the value."""
    if "dataAbsentReason" in part:
        return code_of(part["dataAbsentReason"]) or "no reason given"
    for coding in codings(part.get("valueCodeableConcept")):
        if code_map().system(coding.get("system")) == "absent_reason":
            return str(coding.get("code"))
    return None


def _of_breast(resource: Resource, draft: Draft) -> bool:
    """Tell whether a finding on a cancer is on the breast cancer, and say so where it is not.

    Raises Fault where it is on something that is not among the resources.
    """
    about = set()
    for reference in resource.raw.get("focus", []):
        found = draft.index.resolve(reference, resource)
        if found is None:
            raise Fault("what it is about (focus) is not among the resources that can be read")
        if found.kind == "Condition":
            about.add(draft.cancers.get(id(found), "unknown"))
    key = _key(resource.raw)
    if not about and key in ("stage", "m_category", "disease_status"):
        about = set(draft.cancers.values())
    elif not about and draft.another_cancer() and _may_be_of_another(resource, draft):
        about = {"unknown"}
        draft.note(
            "fhir-whose-receptors",
            f"Another cancer is recorded ({draft.another_cancer()}), and results of receptors do "
            "not say which cancer they are of: not used. Confirm whether it is the breast cancer.",
        )
    if about <= {"breast"}:
        return True
    draft.skip(resource, "not known to be about the breast cancer")
    return False


def _may_be_of_another(resource: Resource, draft: Draft) -> bool:
    """Tell whether receptors may be of another cancer: neither code nor body site says breast."""
    keyed = [part for part in (resource.raw, *resource.raw.get("component", []))
             if _key(part) in _RECEPTORS]  # fmt: skip
    if all(code_map().read(part.get("code"), "of_breast") for part in keyed):
        return False
    specimen = draft.index.resolve(resource.raw.get("specimen"), resource)
    collection = specimen.raw.get("collection", {}) if specimen else {}
    sites = [resource.raw.get("bodySite"), collection.get("bodySite")]
    found = [code_map().read(site, "body_site") for site in sites]
    return not any(it and it.to == "breast" for it in found)


def _of_somebody_else(resource: Resource, draft: Draft) -> bool:
    """Tell whether the focus of an Observation is somebody or something but the patient's cancer.

    A donor, a relative, an unborn child or a device is what was measured then.
    """
    for reference in resource.raw.get("focus", []):
        found = draft.index.resolve(reference, resource)
        kind = found.kind if found else str(written(reference) or "").split("/")[-2:][0]
        if kind in _OTHERS or (kind == "Patient" and found is None):
            return True
    return False


def _ecog(resource: Resource, draft: Draft, part: dict[str, Any]) -> None:
    quantity = part.get("valueQuantity", {})
    grades = set()
    if "valueInteger" in part or quantity:
        number = part.get("valueInteger", quantity.get("value"))
        if "comparator" in quantity or quantity.get("unit", "{score}") not in (
            "{score}",
            "score",
            "1",
        ):
            raise Fault("its value is no grade")
        grades.add(number)
    elif "valueString" in part:
        text = part["valueString"].strip()
        grades.add(int(text) if text.isdecimal() else None)
    else:
        meaning = code_map().read(part.get("valueCodeableConcept"), "ecog")
        grades.add(int(meaning.to) if meaning else None)
    for concept in part.get("interpretation", []):
        if meaning := code_map().read(concept, "ecog"):
            grades.add(int(meaning.to))
    if len(grades) > 1:
        raise Fault("its value and its interpretation are different grades")
    (grade,) = grades
    if grade not in (0, 1, 2, 3, 4, 5):
        raise Fault("its value is no ECOG grade from 0 to 5")
    values = {"date": when(resource.raw, "effective"), "ecog": int(grade)}
    draft.add("performance_status", values, resource, kind="ecog")


def _disease_status(resource: Resource, draft: Draft, part: dict[str, Any]) -> None:
    meaning = code_map().read(part.get("valueCodeableConcept"), "trend")
    if meaning is None:
        raise Fault("its value is no disease status that is listed")
    date = when(resource.raw, "effective")
    if meaning.to == "worsened" and date:
        draft.progressions.append((date, resource))
    else:
        draft.skip(resource, f"disease status {meaning.to}: a record has no field for it")


def _history(resource: Resource, draft: Draft, part: dict[str, Any], key: str) -> None:
    site = key.partition(":")[2]
    present = part.get("valueBoolean")
    if present is None and "valueCodeableConcept" in part:
        meaning = code_map().read(part["valueCodeableConcept"], "presence")
        if meaning is None:
            raise Fault("whether it is present or absent is not stated")
        present = meaning.to == "present"
    if site or present:
        # When the metastasis was found is not stated: the date is that of the statement.
        values = {"site": site or "unspecified site", "present": present is not False}
        draft.add("metastases", values, resource)
        if values["present"] and not resource.raw.get("focus"):
            draft.unattributed.append(draft.lists["metastases"][-1])
        return
    if present is None:
        raise Fault("whether it is present or absent is not stated")
    stated = when(resource.raw, "effective")
    if recent(stated, draft, ABSENCE_DAYS):
        draft.whole["metastases"] = resource.label
    else:
        draft.skip(resource, f"no metastasis, but not stated within {ABSENCE_DAYS} days before")
    if stated:
        draft.no_metastases.append((stated, resource.label))


def finish(draft: Draft) -> None:
    """Set against each other the metastases and what states that there was none."""
    for stated, label in draft.no_metastases:
        recent = draft.whole.get("metastases") == label
        against = [
            it for it in draft.lists["metastases"] if _contradicts(it, stated, recent=recent)
        ]
        draft.contradict(label, "metastases", against)


def _contradicts(entry: Entry, stated: str, *, recent: bool) -> bool:
    """Tell whether a metastasis contradicts that there was none on a day.

    If that was said within the days for which it stands, all that is not surely later; else what
    is surely as old.
    """
    found = entry.values.get("date")
    if not entry.values["present"]:
        return False
    if recent:
        return not (found and surely_before(stated, found))
    return bool(found) and span(found)[1] <= span(stated)[0]
