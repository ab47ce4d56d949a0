"""The Patient: sex, date of birth, death. No name, address or number is ever read."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from screener.dates import span
from screener.intake.fhir.codes import Fault
from screener.intake.fhir.values import day

if TYPE_CHECKING:
    from screener.intake.fhir.draft import Draft
    from screener.intake.fhir.resources import Resource


def read(resource: Resource, draft: Draft) -> None:
    """Read a Patient. Raises Fault where a date cannot be."""
    raw = resource.raw
    born = day(raw.get("birthDate"))
    if born and span(born)[0] > date.today():
        raise Fault("the date of birth is in the future")
    draft.born = born
    if raw.get("gender") in ("female", "male", "other"):
        draft.offer("sex", raw["gender"], resource)
    draft.offer("birth_date", born, resource)
    died = day(raw.get("deceasedDateTime"))
    draft.offer("follow_up.death_date", died, resource)
    if raw.get("deceasedBoolean"):
        draft.note("fhir-deceased", "The patient has died; the date is not recorded.")
