"""What R4 allows: every type that is read, with what it requires and what it does not have."""

from __future__ import annotations

import pytest
from fhir_build import Json, of, patient, rxnorm, snomed

from screener.intake.fhir import r4

WHEN = {"effectiveDateTime": "2026-01-10"}
VALID: list[Json] = [
    patient(_birthDate={"extension": []}, active=True, deceasedBoolean=False),
    of("Condition", "x", code=snomed("1"), onsetAge={"value": 50}, severity={}, evidence=[]),
    of("Observation", "x", status="final", code=snomed("1"), valueSampledData={}, method={}),
    of(
        "MedicationRequest",
        "x",
        status="active",
        intent="order",
        medicationCodeableConcept=rxnorm("1"),
    ),
    of(
        "MedicationAdministration",
        "x",
        status="completed",
        medicationCodeableConcept=rxnorm("1"),
        **WHEN,
    ),
    of("MedicationStatement", "x", status="active", medicationReference={"reference": "#m"}),
    of("MedicationDispense", "x", status="completed", medicationCodeableConcept=rxnorm("1")),
    {"resourceType": "Medication", "id": "x", "code": rxnorm("1"), "ingredient": []},
    of("Procedure", "x", status="completed", performedString="last year"),
    of("AllergyIntolerance", "x", criticality="high", reaction=[{"manifestation": [{}]}]),
    of("AdverseEvent", "x", actuality="actual", seriousness={}),
    of("Specimen", "x", container=[], processing=[]),
    of("List", "x", status="current", mode="snapshot"),
    of("Composition", "x", status="final", type={}, date="2026", author=[{}], title="x"),
]


def test_every_type_that_is_read_is_tried() -> None:
    assert {it["resourceType"] for it in VALID} == r4.READ


@pytest.mark.parametrize("raw", VALID, ids=lambda it: it["resourceType"])
def test_what_is_valid(raw: Json) -> None:
    assert r4.faults(raw) == []


@pytest.mark.parametrize("raw", VALID, ids=lambda it: it["resourceType"])
def test_an_element_that_r4_does_not_have(raw: Json) -> None:
    assert r4.faults(raw | {"ofAnotherVersion": 1}) == [
        ("ofAnotherVersion", "is no element of it in R4")
    ]


@pytest.mark.parametrize(
    ("index", "name"),
    [(1, "subject"), (2, "status"), (2, "code"), (3, "status"), (3, "intent"), (3, "subject"),
     (3, "medicationCodeableConcept"), (4, "status"), (4, "effectiveDateTime"), (5, "status"),
     (5, "medicationReference"), (6, "status"), (8, "status"), (8, "subject"), (9, "patient"),
     (10, "actuality"), (10, "subject"), (12, "status"), (12, "mode"), (13, "title")],
)  # fmt: skip
def test_what_r4_requires(index: int, name: str) -> None:
    raw = {key: value for key, value in VALID[index].items() if key != name}
    ((what, why),) = r4.faults(raw)
    assert f"`{name}`" in what
    assert why == "missing, but R4 requires it"


@pytest.mark.parametrize(
    ("index", "change", "path", "why"),
    [
        (0, {"birthDate": 1960}, "birthDate", "not text, as R4 requires"),
        (0, {"birthDate": "1960-2-3"}, "birthDate", "not in the form that R4 prescribes"),
        (0, {"deceasedBoolean": "no"}, "deceasedBoolean", "not true or false, as R4 requires"),
        (0, {"gender": "F"}, "gender", "not one of the codes that R4 allows"),
        (0, {"id": "a b"}, "id", "not in the form that R4 prescribes"),
        (1, {"code": []}, "code", "not an object, as R4 requires"),
        (1, {"bodySite": {}}, "bodySite", "not a list, as R4 requires"),
        (1, {"code": {"text": ""}}, "code.text", "empty, which R4 does not allow"),
        (2, {"valueSampledData": None, "valueInteger": 1.5}, "valueInteger", "not a whole number, as R4 requires"),
        (2, {"component": [{"code": {}, "valueQuantity": {"value": True}}]}, "component[0].valueQuantity.value",
         "not a number, as R4 requires"),
        (2, {"issued": "2026-01-10"}, "issued", "not in the form that R4 prescribes"),
        (3, {"groupIdentifier": {"value": 5}}, "groupIdentifier.value", "not text, as R4 requires"),
    ],
)  # fmt: skip
def test_types(index: int, change: Json, path: str, why: str) -> None:
    raw = {key: value for key, value in (VALID[index] | change).items() if value is not None}
    assert r4.faults(raw) == [(path, why)]


@pytest.mark.parametrize(
    "when",
    ["2026", "2026-01", "2026-01-10", "2026-01-10T10:00:00Z", "2026-01-10T23:59:60.123+14:00"],
)
def test_dates_that_r4_allows(when: str) -> None:
    assert r4.faults(VALID[4] | {"effectiveDateTime": when}) == []


@pytest.mark.parametrize("when", ["26", "2026-1", "2026-13", "2026-01-32", "2026-01T10:00:00Z", "2026-01-10T10:00:00",
                                  "2026-01-10 10:00:00Z", "2026-01-10T24:00:00Z", "0000"])  # fmt: skip
def test_dates_that_r4_does_not_allow(when: str) -> None:
    assert r4.faults(VALID[4] | {"effectiveDateTime": when}) == [
        ("effectiveDateTime", "not in the form that R4 prescribes")
    ]


def test_faults_are_at_most_twenty() -> None:
    assert len(r4.faults(VALID[2] | {f"odd{number}": 1 for number in range(30)})) == 20
