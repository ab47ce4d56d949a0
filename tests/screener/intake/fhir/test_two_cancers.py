"""Patients with another cancer: whose metastasis, whose receptors, whose treatment."""

from __future__ import annotations

import pytest
from fhir_build import (
    Json,
    administration,
    breast,
    concept,
    condition,
    observation,
    of,
    read,
    rxnorm,
    snomed,
    why,
)

ICD = "http://hl7.org/fhir/sid/icd-10-cm"
LUNG = condition("lung", snomed("254637007"), "2019-01")
BASAL = condition("skin", concept(ICD, "C44.311"), "2019-01")
LIVER = snomed("94381002")
POSITIVE = snomed("10828004")


def related(name: str) -> Json:
    url = "http://hl7.org/fhir/StructureDefinition/condition-related"
    return {"extension": [{"url": url, "valueReference": {"reference": f"Condition/{name}"}}]}


@pytest.mark.parametrize(
    ("others", "more", "present"),
    [
        ([], {}, True),
        ([LUNG], {}, False),
        ([BASAL], {}, True),
        ([LUNG], related("c"), True),
        ([LUNG], related("lung"), False),
    ],
)
def test_a_metastasis_may_be_of_the_other_cancer(
    others: list[Json], more: Json, present: bool
) -> None:
    made = read(breast(), *others, condition("m", LIVER, "2025-01", **more))
    assert bool(made.record["metastases"]) == present
    assert "metastases" in made.record["partial"]


def test_the_report_asks_whose_metastasis_it_is() -> None:
    made = read(breast(), LUNG, condition("m", LIVER))
    (note,) = [it.text for it in made.notes if it.id == "fhir-whose-metastasis"]
    assert "Another cancer is recorded (Condition/lung)" in note
    assert "Condition/m: not used" in note
    assert why(made, "m") == "it may be of another cancer (Condition/lung)"


@pytest.mark.parametrize(
    ("others", "focus", "present"),
    [
        ([], None, True),
        ([LUNG], None, False),
        ([LUNG], "c", True),
        ([LUNG], "lung", False),
    ],
)
def test_a_history_of_metastasis_of_whichever_cancer(
    others: list[Json], focus: str | None, present: bool
) -> None:
    more = {"focus": [{"reference": f"Condition/{focus}"}]} if focus else {}
    history = observation("h", snomed("1098951000119108"), **more)
    assert bool(read(breast(), *others, history).record["metastases"]) == present


@pytest.mark.parametrize(
    ("code", "others", "more", "used"),
    [
        ("16112-5", [], {}, True),
        ("16112-5", [LUNG], {}, False),
        ("16112-5", [BASAL], {}, True),
        ("85337-4", [LUNG], {}, True),
        ("16112-5", [LUNG], {"bodySite": snomed("80248007")}, True),
        ("16112-5", [LUNG], {"bodySite": snomed("39607008")}, False),
        ("16112-5", [LUNG], {"specimen": {"reference": "Specimen/s"}}, True),
        ("16112-5", [LUNG], {"focus": [{"reference": "Condition/c"}]}, True),
        ("16112-5", [LUNG], {"focus": [{"reference": "Condition/lung"}]}, False),
    ],
)
def test_receptors_of_whichever_cancer(
    code: str, others: list[Json], more: Json, used: bool
) -> None:
    specimen = of("Specimen", "s", collection={"bodySite": snomed("76752008")})
    result = observation("er", code, valueCodeableConcept=POSITIVE, **more)
    made = read(breast(), *others, specimen, result)
    assert bool(made.record["pathology"]) == used
    asked = any(it.id == "fhir-whose-receptors" for it in made.notes)
    assert asked == (not used and "focus" not in more)


@pytest.mark.parametrize(
    ("more", "used"),
    [
        ({}, True),
        ({"reasonCode": [concept(ICD, "C34.90")]}, False),
        ({"reasonCode": [concept(ICD, "C50.911")]}, True),
        ({"reasonCode": [concept(ICD, "C34.90"), concept(ICD, "C50.911")]}, True),
        ({"reasonCode": [concept(ICD, "C78.7")]}, True),
        ({"reasonCode": [{"text": "cancer"}]}, True),
        ({"reasonReference": [{"reference": "Condition/lung"}]}, False),
        ({"reasonReference": [{"reference": "Condition/c"}]}, True),
        ({"reasonCode": [concept(ICD, "C34.90")],
          "reasonReference": [{"reference": "Condition/c"}]}, True),
    ],
)  # fmt: skip
def test_treatment_of_whichever_cancer(more: Json, used: bool) -> None:
    drug = administration("a", rxnorm("40048"), "2025-02-01", **more)
    rays = of("Procedure", "r", status="completed", code=snomed("1217123003"), **more)
    made = read(breast(), LUNG, drug, rays)
    assert len(made.record["therapies"]) == (2 if used else 0)


@pytest.mark.parametrize(
    ("focus", "used"),
    [("Patient/p", True), ("Patient/donor", False), ("RelatedPerson/x", False), ("Device/d", False),
     ("http://x.example/fhir/RelatedPerson/x", False)],
)  # fmt: skip
def test_what_was_measured_in_somebody_else(focus: str, used: bool) -> None:
    ecog = observation("o", "89247-1", valueInteger=1, focus=[{"reference": focus}])
    assert bool(read(ecog).record["performance_status"]) == used
