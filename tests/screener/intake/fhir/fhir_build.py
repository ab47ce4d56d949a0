"""FHIR resources for tests, as short as R4 allows. All made up."""

from __future__ import annotations

from datetime import date
from typing import Any

from screener.intake.fhir import bundle
from screener.intake.fhir.draft import Extract
from screener.record import parse

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
UCUM = "http://unitsofmeasure.org"
PATIENT = "Patient/p"
AS_OF = date(2026, 1, 15)
Json = dict[str, Any]


def concept(system: str, code: str, display: str | None = None) -> Json:
    coding = {"system": system, "code": code}
    return {"coding": [coding | ({"display": display} if display else {})]}


def loinc(code: str) -> Json:
    return concept(LOINC, code)


def snomed(code: str) -> Json:
    return concept(SNOMED, code)


def patient(**more: Any) -> Json:
    return {
        "resourceType": "Patient",
        "id": "p",
        "gender": "female",
        "birthDate": "1960-02-03",
    } | more


def of(kind: str, name: str, **more: Any) -> Json:
    subject = "patient" if kind == "AllergyIntolerance" else "subject"
    return {"resourceType": kind, "id": name, subject: {"reference": PATIENT}} | more


def observation(name: str, code: Json | str, when: str | None = "2026-01-10", **more: Any) -> Json:
    raw = of(
        "Observation", name, status="final", code=loinc(code) if isinstance(code, str) else code
    )
    return raw | ({"effectiveDateTime": when} if when else {}) | more


def quantity(value: float, unit: str | None = None, **more: Any) -> Json:
    coded = {"unit": unit, "system": UCUM, "code": unit} if unit else {}
    return {"value": value} | coded | more


def lab(name: str, code: str, value: float, unit: str | None, when: str = "2026-01-10") -> Json:
    return observation(name, code, when, valueQuantity=quantity(value, unit))


def condition(name: str, code: Json, onset: str | None = None, **more: Any) -> Json:
    raw = of("Condition", name, code=code)
    return raw | ({"onsetDateTime": onset} if onset else {}) | more


def breast(name: str = "c", onset: str | None = "2020-03-01", **more: Any) -> Json:
    return condition(name, snomed("254837009"), onset, **more)


def verified(code: str) -> Json:
    return concept("http://terminology.hl7.org/CodeSystem/condition-ver-status", code)


def statement(name: str, drug: Json, status: str = "completed", **more: Any) -> Json:
    return of("MedicationStatement", name, status=status, medicationCodeableConcept=drug) | more


def request(name: str, drug: Json, status: str = "completed", **more: Any) -> Json:
    return of("MedicationRequest", name, status=status, intent="order",
              medicationCodeableConcept=drug) | more  # fmt: skip


def administration(name: str, drug: Json, when: str, **more: Any) -> Json:
    return of("MedicationAdministration", name, status="completed", effectiveDateTime=when,
              medicationCodeableConcept=drug) | more  # fmt: skip


def rxnorm(code: str, display: str | None = None) -> Json:
    return concept(RXNORM, code, display)


def bundled(*resources: Any, kind: str = "collection") -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": it} for it in resources]}


def read(*resources: Any, as_of: date = AS_OF) -> Extract:
    """Read resources with a patient, and check what every extract has to hold."""
    made = bundle.read(bundled(patient(), *resources), as_of=as_of)
    checked(made)
    return made


def checked(made: Extract) -> None:
    """The record is valid, and every resource is accounted for."""
    parse(made.record, today=AS_OF)
    told = set(made.origins.values()) | {it.resource for it in made.unused}
    assert len(told) >= 1
    assert all(it.why for it in made.unused)


def why(made: Extract, name: str) -> str:
    """Why a resource was not used."""
    (found,) = {it.why for it in made.unused if it.resource.endswith(f"/{name}")}
    return found


def problem(made: Extract, name: str) -> str:
    """What is wrong with a resource."""
    (found,) = {it.message for it in made.problems if it.path.endswith(f"/{name}")}
    return found
