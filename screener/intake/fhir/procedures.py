"""Procedures: operations and other interventions; radiotherapy is a treatment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screener.intake.fhir import medications
from screener.intake.fhir.codes import Fault, code_map, codings, display
from screener.intake.fhir.values import clipped, when

if TYPE_CHECKING:
    from screener.intake.fhir.draft import Draft
    from screener.intake.fhir.resources import Resource

_DONE = {"in-progress", "stopped", "completed"}


def read(resource: Resource, draft: Draft) -> None:
    """Read a Procedure. Raises Fault where what was done is not stated."""
    raw = resource.raw
    status = raw["status"]
    planned = status == "preparation"
    if status not in _DONE and not planned:
        draft.skip(resource, f"status {status}: not done, or not known to be")
        return
    meaning = code_map().read(raw.get("code"), "procedure")
    kind = meaning.to if meaning else None
    if kind == "examination":
        draft.skip(resource, "an examination, no intervention")
        return
    if kind == "radiotherapy":
        _radiotherapy(resource, draft, planned=planned)
        return
    codes = [it["code"] for it in codings(raw.get("code")) if isinstance(it.get("code"), str)]
    words = display(raw.get("code")) or (f"code {codes[0]}" if codes else None)
    if words is None:
        raise Fault("what was done is not stated")
    values = {"name": clipped(words), "date": when(raw, "performed"), "planned": planned or None}
    draft.add("procedures", values, resource)


def _radiotherapy(resource: Resource, draft: Draft, *, planned: bool) -> None:
    raw = resource.raw
    if planned:
        draft.skip(resource, "planned, not known to be given")
        return
    if medications.for_another_cancer(resource, draft):
        draft.skip(resource, "given for another cancer")
        return
    start, end = medications.ended(raw)
    over = raw["status"] != "in-progress"
    values = {
        "setting": medications.setting(raw),
        "drugs": ["radiotherapy"],
        "start": start,
        "end": end if over else None,
        "ongoing": None if over else True,
        "stop_reason": medications.stop_reason(raw),
    }
    draft.add("therapies", values, resource)
