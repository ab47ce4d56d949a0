"""Values that are valid R4 and yet say two things, or less than they seem to."""

from __future__ import annotations

import pytest
from fhir_build import (
    RXNORM,
    UCUM,
    Json,
    administration,
    breast,
    bundled,
    concept,
    lab,
    observation,
    of,
    patient,
    problem,
    quantity,
    read,
    request,
    rxnorm,
    snomed,
    statement,
    why,
)  # fmt: skip

from screener.intake.fhir import bundle

POSITIVE, NEGATIVE = snomed("10828004"), snomed("260385009")


def interpreted(code: str) -> Json:
    system = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
    return {"interpretation": [concept(system, code)]}


@pytest.mark.parametrize(
    ("code", "value", "said", "used"),
    [
        ("85337-4", {"valueCodeableConcept": POSITIVE}, "POS", True),
        ("85337-4", {"valueCodeableConcept": POSITIVE}, "NEG", False),
        ("85337-4", {"valueCodeableConcept": POSITIVE}, "A", True),
        ("85329-1", {"valueQuantity": quantity(1, "%")}, "POS", True),
        ("85329-1", {"valueQuantity": quantity(1, "%")}, "NEG", False),
        ("85329-1", {"valueQuantity": quantity(0.9, "%")}, "POS", False),
        ("85319-2", {"valueInteger": 3}, "NEG", False),
        ("85319-2", {"valueInteger": 2}, "NEG", True),
        ("85319-2", {"valueInteger": 1}, "NEG", True),
        ("85318-4", {"valueCodeableConcept": NEGATIVE}, "POS", False),
    ],
)
def test_a_value_and_its_opposite_beside_it(code: str, value: Json, said: str, used: bool) -> None:
    made = read(observation("o", code, **value, **interpreted(said)))
    assert bool(made.record["pathology"]) == used
    assert bool(made.problems) != used


@pytest.mark.parametrize(
    ("named", "used"),
    [
        ({"unit": "mg/dL", "code": "mg/dL"}, True),
        ({"unit": "mg/dL", "code": "umol/L"}, False),
        ({"unit": "mg/dL", "code": "10*9/L"}, False),
        ({"unit": "10*9/L", "code": "mg/dL"}, False),
        ({"unit": "milligrams", "code": "mg/dL"}, True),
        ({"unit": "mg/dL", "code": "MGDL"}, True),
    ],
)
def test_a_unit_and_the_code_of_another(named: Json, used: bool) -> None:
    value = {"value": 0.9, "system": UCUM, **named}
    made = read(observation("o", "2160-0", valueQuantity=value))
    assert bool(made.record["labs"]) == used
    if not used:
        assert "its unit and its unit code say different things" in problem(made, "o")


@pytest.mark.parametrize(
    "more", [{"appliesTo": [{"text": "men"}]}, {"age": {"high": quantity(18)}}]
)
def test_limits_of_some_people_only(more: Json) -> None:
    limits = [{"high": quantity(40, "U/L"), **more}]
    (entry,) = read(lab("x", "1742-6", 30, "U/L") | {"referenceRange": limits}).record["labs"]
    assert "upper_limit" not in entry


def test_a_value_and_a_reason_for_having_none() -> None:
    reason = concept("http://terminology.hl7.org/CodeSystem/data-absent-reason", "not-performed")
    made = read(observation("o", "89247-1", valueInteger=0, dataAbsentReason=reason),
                observation("old", "89247-1", "2025-12-30", valueInteger=1))  # fmt: skip
    assert "it has a value, and a reason why it has none" in problem(made, "o")
    assert made.record["performance_status"] == []


@pytest.mark.parametrize(
    ("value", "read_as"), [("1e3", 1000), ("1.20", 1.2), ("2.5E-1", 0.25), ("1e999", None)]
)
def test_decimals_as_json_writes_them(value: str, read_as: float | None) -> None:
    import json  # noqa: PLC0415

    text = json.dumps(lab("o", "777-3", 4321, "10*3/uL")).replace("4321", value)
    made = read(json.loads(text))
    assert [it["value"] for it in made.record["labs"]] == ([] if read_as is None else [read_as])
    assert [it.message for it in made.problems if "not a finite number" in it.message] == (
        ["not valid R4: valueQuantity.value not a finite number; it is not used"]
        if read_as is None
        else []
    )


@pytest.mark.parametrize("name", ["stage", "referenceRange", "dosageInstruction"])
def test_a_modifier_within_an_element_is_not_overlooked(name: str) -> None:
    inside = [{"modifierExtension": [{"url": "http://x.example/not", "valueBoolean": True}]}]
    raw = {
        "stage": breast("o"),
        "referenceRange": lab("o", "751-8", 3, "10*9/L"),
        "dosageInstruction": request("o", rxnorm("1601374")),
    }[name]
    made = read(raw | {name: inside})
    assert f"{name}[0].modifierExtension changes the meaning" in problem(made, "o")


def stage(name: str, code: str, when: str = "2025-10-01") -> Json:
    return observation(name, "21908-9", when, valueCodeableConcept=snomed(code))


def m_category(name: str, code: str, when: str = "2025-10-01") -> Json:
    return observation(name, "21907-1", when, valueCodeableConcept=snomed(code))


STAGE_IV, STAGE_II, M0, M1 = "1222837003", "1222765007", "1229901006", "1229903009"


@pytest.mark.parametrize(
    ("said", "metastatic"),
    [
        ([stage("a", STAGE_IV)], True),
        ([stage("a", STAGE_IV), m_category("b", M1)], True),
        ([stage("a", STAGE_IV), m_category("b", M0)], False),
        ([stage("a", STAGE_IV), m_category("b", M0, "2025-09-30")], True),
        ([m_category("a", M1), stage("b", STAGE_II)], False),
        ([m_category("a", M1), stage("b", STAGE_II, "2025-09-30")], True),
        ([m_category("a", M1), m_category("b", M0)], False),
    ],
)
def test_stages_of_one_day_that_contradict_each_other(said: list[Json], metastatic: bool) -> None:
    made = read(breast(), *said)
    assert (made.record["diagnosis"].get("extent") == "metastatic") == metastatic
    assert bool(made.problems) != metastatic


@pytest.mark.parametrize(
    ("code", "display", "names"),
    [
        ("1601374", "palbociclib", ["palbociclib"]),
        ("1601374", "Ibrance", ["palbociclib"]),
        ("1601374", "PALBOCICLIB 125 mg capsule", ["palbociclib"]),
        ("1601374", "something", ["palbociclib"]),
        ("1601374", "letrozole", None),
        ("72965", "dalpiciclib 150 MG", None),
    ],
)
def test_a_code_with_the_name_of_another_drug(code: str, display: str, names: list | None) -> None:
    made = read(statement("s", concept(RXNORM, code, display)))
    assert [it["drugs"] for it in made.record["therapies"]] == ([names] if names else [])
    if not names:
        assert "its code is that of" in problem(made, "s")


@pytest.mark.parametrize(
    ("medication", "names"),
    [
        ({"ingredient": [{"itemCodeableConcept": rxnorm("1873916")},
                         {"itemCodeableConcept": rxnorm("72965")}]}, ["letrozole", "ribociclib"]),
        ({"ingredient": [{"itemCodeableConcept": rxnorm("1873916")}, {}]}, None),
        ({"ingredient": []}, None),
        ({"code": rxnorm("72965"), "status": "entered-in-error"}, None),
    ],
)  # fmt: skip
def test_a_medication_by_its_ingredients(medication: Json, names: list[str] | None) -> None:
    drug = {"resourceType": "Medication", "id": "m", **medication}
    given = administration("a", {}, "2025-03-01")
    del given["medicationCodeableConcept"]
    given["medicationReference"] = {"reference": "Medication/m"}
    made = read(drug, given)
    assert [it["drugs"] for it in made.record["therapies"]] == ([names] if names else [])


def test_the_planned_end_of_an_order_that_was_stopped_is_no_end() -> None:
    period = {"start": "2025-01-10", "end": "2026-12-31"}
    more = {"dosageInstruction": [{"timing": {"repeat": {"boundsPeriod": period}}}],
            "statusReason": snomed("407563006")}  # fmt: skip
    (entry,) = read(request("m", rxnorm("1601374"), "stopped", **more)).record["therapies"]
    assert (entry["start"], entry.get("end"), entry["ongoing"]) == ("2025-01-10", None, False)


def test_a_specimen_that_was_entered_in_error() -> None:
    specimen = of("Specimen", "s", status="entered-in-error")
    made = read(specimen, observation("o", "85337-4", valueCodeableConcept=POSITIVE,
                                      specimen={"reference": "Specimen/s"}))  # fmt: skip
    assert made.record["pathology"] == []
    assert "its specimen was entered in error" in problem(made, "o")


@pytest.mark.parametrize(
    ("component", "found"),
    [
        ([], "wild_type"),
        ([{"code": concept("http://loinc.org", "48002-0"),
           "valueCodeableConcept": concept("http://loinc.org", "LA6684-0")}], "wild_type"),
        ([{"code": concept("http://loinc.org", "81255-2"),
           "valueCodeableConcept": {"text": "rs121913279"}}], None),
        ([{"code": {"text": "codon"}, "valueString": "1047"}], None),
    ],
)  # fmt: skip
def test_one_variant_absent_is_no_wild_type(component: list[Json], found: str | None) -> None:
    gene = {"code": concept("http://loinc.org", "48018-6"),
            "valueCodeableConcept": concept("http://www.genenames.org", "HGNC:8975")}  # fmt: skip
    made = read(observation("o", "69548-6", component=[gene, *component],
                            valueCodeableConcept=concept("http://loinc.org", "LA9634-2")))  # fmt: skip
    assert [it["result"] for it in made.record["genomics"]] == ([found] if found else [])


def test_a_variant_whose_gene_cannot_be_read_withholds_no_other() -> None:
    def variant(name: str, gene: Json) -> Json:
        part = {"code": concept("http://loinc.org", "48018-6"), "valueCodeableConcept": gene}
        return observation(name, "69548-6", component=[part],
                           valueCodeableConcept=concept("http://loinc.org", "LA9633-4"))  # fmt: skip

    known = variant("a", concept("http://www.genenames.org", "HGNC:3467"))
    entrez = variant("b", concept("https://www.ncbi.nlm.nih.gov/gene", "5728", "PTEN"))
    made = read(known, entrez, variant("c", {"text": "a gene"}))
    assert sorted(it["gene"] for it in made.record["genomics"]) == ["ESR1", "PTEN"]
    assert why(made, "c") == "the gene is not stated in a way that can be read"
    assert made.problems == []


def test_primitives_whose_value_is_in_an_extension_only() -> None:
    unknown = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
                              "valueCode": "unknown"}]}  # fmt: skip
    who = patient(_birthDate=unknown, name=[{"family": "A"}, {"family": "B"}])
    del who["birthDate"]
    dated = observation("o", "89247-1", None, valueInteger=1, _effectiveDateTime=unknown)
    empty = observation("n", "751-8", _valueInteger=unknown)
    made = bundle.read(bundled(who, dated), as_of=None)
    assert "birth_date" not in made.record
    assert made.record["performance_status"] == [{"ecog": 1}]
    assert "it has no value" in problem(read(empty), "n")


@pytest.mark.parametrize(
    ("more", "score"),
    [
        ({"valueQuantity": {"value": 2}}, "2+"),
        ({"valueQuantity": {"value": 2, "unit": "{score}", "code": "{score}"}}, "2+"),
        ({"valueQuantity": {"value": 2, "code": "{ratio}"}}, None),
        ({"valueQuantity": {"value": 2, "unit": "{ratio}"}}, None),
        ({"valueQuantity": {"value": 2}, "method": {"text": "FISH"}}, None),
        ({"valueInteger": 2, "method": {"text": "In situ hybridization"}}, None),
        ({"valueInteger": 2, "method": {"text": "Immunohistochemistry"}}, "2+"),
    ],
)
def test_a_ratio_is_not_taken_for_a_score(more: Json, score: str | None) -> None:
    made = read(observation("o", "48676-1", **more))
    assert [it["her2_ihc"] for it in made.record["pathology"]] == ([score] if score else [])
    assert bool(made.problems) != bool(score)


@pytest.mark.parametrize(
    "system",
    ["http://snomed.info/sct", "http://snomed.info/sct|20230731",
     "http://snomed.info/sct/731000124108", "http://snomed.info/sct/731000124108/version/20230901"],
)  # fmt: skip
def test_editions_of_snomed_ct(system: str) -> None:
    ecog = observation("o", concept(system, "423740007"), valueInteger=1)
    assert len(read(ecog).record["performance_status"]) == 1
