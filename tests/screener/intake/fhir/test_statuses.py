"""Statuses as exporters write them: in a code of their own, in words, or in none that R4 has."""

from __future__ import annotations

import pytest
from fhir_build import Json, breast, concept, condition, of, problem, read, snomed, why

VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
ASCITES = snomed("389026000")


def both(system: str, code: str, own: str = "X9") -> Json:
    """A code of the hospital's own, and that of FHIR after it."""
    own_coding = {"system": "http://hospital.example/status", "code": own}
    return {"coding": [own_coding, *concept(system, code)["coding"]]}


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        (both(VERIFICATION, "confirmed"), True),
        (both(VERIFICATION, "refuted"), False),
        (both(VERIFICATION, "entered-in-error"), False),
        ({"text": "Confirmed"}, True),
        ({"text": "Refuted"}, False),
        ({"text": "Entered in Error"}, False),
        (concept(VERIFICATION, "Refuted"), False),
        (concept(VERIFICATION, "ruled-out"), False),
        ({}, False),
        ({"coding": [{"code": "unconfirmed"}, {"code": "provisional"}]}, False),
        ({"coding": [{"code": "confirmed"}, {"code": "refuted"}]}, False),
    ],
)
def test_verification_of_a_condition(status: Json, counts: bool) -> None:
    made = read(breast(verificationStatus=status))
    assert ("diagnosis" in made.record) == counts


def test_a_verification_that_is_not_known_is_named() -> None:
    made = read(breast(verificationStatus=concept(VERIFICATION, "ruled-out")))
    assert problem(made, "c") == "its verification status is none that R4 has; it is not used"
    made = read(breast(verificationStatus={"coding": [{"code": "confirmed"}, {"code": "refuted"}]}))
    assert problem(made, "c") == "its verification status says two things; it is not used"
    of_another = condition("x", snomed("38341003"), verificationStatus={"text": "?"})
    assert read(of_another).problems == []


@pytest.mark.parametrize(
    ("more", "present"),
    [
        ({}, True),
        ({"clinicalStatus": both(CLINICAL, "active")}, True),
        ({"clinicalStatus": both(CLINICAL, "resolved")}, False),
        ({"clinicalStatus": {"text": "Inactive"}}, False),
        ({"clinicalStatus": {"text": "Active"}}, True),
        ({"clinicalStatus": {"coding": [{"code": "active"}, {"code": "resolved"}]}}, False),
        ({"clinicalStatus": concept(CLINICAL, "unknown")}, False),
        ({"abatementDateTime": "2025-12-30"}, False),
        ({"abatementString": "after drainage"}, False),
    ],
)
def test_an_effusion_counts_while_it_is_there(more: Json, present: bool) -> None:
    assert bool(read(condition("x", ASCITES, "2025-12", **more)).record["effusions"]) == present


@pytest.mark.parametrize(
    ("mark", "record"),
    [("G", "bone"), ("Z", "bone"), ("V", None), ("A", "refuted"), (None, "bone")],
)
def test_the_certainty_that_german_codes_carry(mark: str | None, record: str | None) -> None:
    coding: Json = {"system": "http://fhir.de/CodeSystem/bfarm/icd-10-gm", "code": "C79.51"}
    if mark:
        coding["extension"] = [
            {"url": "http://fhir.de/StructureDefinition/icd-10-gm-diagnosesicherheit",
             "valueCoding": {"code": mark}}
        ]  # fmt: skip
    found = read(condition("x", {"coding": [coding]})).record["metastases"]
    expected = {
        "bone": [{"site": "bone", "present": True}],
        "refuted": [{"site": "bone", "present": False}],
        None: [],
    }
    assert found == expected[record]


def allergy(name: str, code: Json, **more: object) -> Json:
    return of("AllergyIntolerance", name, code=code, **more)


@pytest.mark.parametrize(
    ("more", "listed"),
    [
        ({"verificationStatus": both("x", "refuted")}, []),
        ({"verificationStatus": both("x", "confirmed")}, ["Latex"]),
        ({"clinicalStatus": both("x", "resolved")}, []),
        ({"clinicalStatus": both("x", "active")}, ["Latex"]),
    ],
)
def test_statuses_of_an_allergy(more: Json, listed: list[str]) -> None:
    assert read(allergy("a", {"text": "Latex"}, **more)).record["allergies"] == listed


@pytest.mark.parametrize(
    "faulty",
    [
        allergy("b", {"text": "Dalpiciclib"}, verificationStatus=concept("x", "1")),
        allergy("b", {"text": "Dalpiciclib"}, clinicalStatus=concept("x", "1")),
        allergy("b", {}),
        allergy("b", {"text": "Dalpiciclib"}, category=["drug"]),
    ],
)
def test_an_allergy_that_cannot_be_read_leaves_none_known_open(faulty: Json) -> None:
    none = allergy("a", snomed("716186003"))
    assert "allergies" not in read(none).record["partial"]
    made = read(none, faulty)
    assert "allergies" in made.record["partial"]
    assert "cannot be read" in why(made, "b")
