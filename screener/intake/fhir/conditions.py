"""Conditions: the breast cancer, other cancers, metastases, effusions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from screener.intake.fhir import staging
from screener.intake.fhir.codes import Fault, code_map, codings
from screener.intake.fhir.values import (
    active,
    bounds,
    code_of,
    covering,
    day,
    extension,
    verification,
)

if TYPE_CHECKING:
    from screener.intake.fhir.draft import Draft
    from screener.intake.fhir.resources import Resource

KINDS = ("diagnosis", "stage", "metastasis")
"""What a Condition that cannot be read could have decided."""

_ROLES = ("cancer", "cancer_unspecified", "metastasis", "effusion")
_PRIMARIES = ("condition-related", "mcode-related-primary-cancer-condition")
_UNCONFIRMED = {"unconfirmed", "provisional", "differential"}


def read(resource: Resource, draft: Draft) -> None:  # noqa: PLR0912 - one per kind of condition
    """Read a Condition. Raises Fault where it contradicts itself."""
    raw = resource.raw
    if code_of(raw.get("verificationStatus")) == "entered-in-error":
        draft.skip(resource, "entered in error")
        return
    meaning = code_map().read(raw.get("code"), *_ROLES)
    if meaning is None:
        draft.skip(resource, "no code that is listed")
        return
    verified = _certainty(raw) or verification(raw)
    if verified == "entered-in-error":
        draft.skip(resource, "entered in error")
        return
    role, to = meaning.role, meaning.to
    if role == "cancer_unspecified":
        sites = raw.get("bodySite", [])
        at_breast = [code_map().read(site, "body_site") for site in sites]
        if to == "unspecified" and at_breast and all(it and it.to == "breast" for it in at_breast):
            role, to = "cancer", "breast"
    if verified == "refuted":
        _refuted(resource, draft, role, to)
        return
    if verified in _UNCONFIRMED:
        draft.skip(resource, f"not confirmed: {verified}")
        draft.doubts.add("metastases" if role in ("metastasis", "cancer_unspecified") else "")
        return
    began = onset(resource)
    if began is None and draft.written_later(raw, "recordedDate"):
        draft.skip(resource, "written down after the screening date")
        return
    if role == "cancer_unspecified":
        draft.cancers[id(resource)] = "unknown"
        draft.doubts.add("metastases")
        draft.skip(resource, "a cancer whose origin its code does not say")
    elif role == "effusion":
        if active(raw) is not False and not any(it.startswith("abatement") for it in raw):
            draft.add("effusions", {"kind": to, "present": True, "date": began}, resource)
        else:
            draft.skip(resource, "no longer active")
    elif role == "metastasis":
        _metastasis(resource, draft, to, began)
    elif to == "breast":
        draft.cancers[id(resource)] = "breast"
        draft.offer("diagnosis.cancer", "breast", resource)
        draft.offer("diagnosis.date", began, resource)
        staging.of_condition(resource, draft)
    else:
        draft.cancers[id(resource)] = "other"
        draft.add("other_malignancies", {"type": to, "diagnosed": began}, resource)


def _certainty(raw: dict[str, Any]) -> str | None:
    """Return what the German edition of ICD-10 says of certainty, in the words of FHIR.

    There a diagnosis is coded together with whether it is excluded (A) or suspected (V); such a
    code must not be read as the diagnosis. G (certain) and Z (after it) leave the diagnosis as it
    is.
    """
    found = {
        str(item.get("valueCoding", {}).get("code"))
        for coding in codings(raw.get("code"))
        for item in extension(coding, "icd-10-gm-diagnosesicherheit")
        if isinstance(item.get("valueCoding", {}), dict)
    }
    if "A" in found:
        return "refuted"
    return "provisional" if "V" in found else None


def onset(resource: Resource) -> str | None:
    """Return when a condition began: its onset, else the date on which it was asserted."""
    raw = resource.raw
    if "onsetDateTime" in raw:
        return day(raw["onsetDateTime"])
    if "onsetPeriod" in raw:
        # R4: it began at some time within the period, so one end alone says nothing.
        start, end = bounds(raw["onsetPeriod"])
        return covering([start, end]) if start and end else None
    for item in extension(raw, "condition-assertedDate"):
        return day(item.get("valueDateTime"))
    return None


def _refuted(resource: Resource, draft: Draft, role: str, to: str) -> None:
    if role == "metastasis":
        # Undated on purpose: that it was refuted says nothing of a later day.
        draft.add("metastases", {"site": to, "present": False}, resource)
    else:
        draft.skip(resource, "refuted")


def _metastasis(resource: Resource, draft: Draft, site: str, began: str | None) -> None:
    stated = False
    for item in extension(resource.raw, *_PRIMARIES):
        primary = draft.index.resolve(item.get("valueReference"), resource)
        if primary is None:
            raise Fault("its primary cancer is not among the resources that can be read")
        roles = ("cancer", "cancer_unspecified")
        meaning = code_map().read(primary.raw.get("code"), *roles)
        if meaning and meaning.role == "cancer" and meaning.to != "breast":
            draft.skip(resource, "a metastasis of another cancer")
            return
        stated = stated or bool(meaning and meaning.to == "breast")
    draft.add("metastases", {"site": site, "present": True, "date": began}, resource)
    if not stated:
        draft.unattributed.append(draft.lists["metastases"][-1])


def finish(draft: Draft) -> None:
    """Take out the metastases that may be of another cancer that the patient has or had."""
    other = draft.another_cancer()
    loose = [it for it in draft.lists["metastases"] if it in draft.unattributed]
    if not other or not loose:
        return
    draft.lists["metastases"] = [it for it in draft.lists["metastases"] if it not in loose]
    draft.doubts.add("metastases")
    labels = sorted({entry.origins[""] for entry in loose})
    for label in labels:
        draft.withheld(label, f"it may be of another cancer ({other})")
    draft.note(
        "fhir-whose-metastasis",
        f"Another cancer is recorded ({other}), and which cancer is meant is not stated of "
        f"{', '.join(labels)}: not used. Confirm whether it is a metastasis of the breast cancer.",
    )
