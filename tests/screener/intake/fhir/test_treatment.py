"""Drugs and regimens, procedures, radiotherapy, allergies, adverse events."""

from __future__ import annotations

import pytest
from fhir_build import (
    Json,
    administration,
    concept,
    condition,
    of,
    problem,
    read,
    request,
    rxnorm,
    snomed,
    statement,
    why,
)  # fmt: skip

from screener.intake.fhir.medications import named

PALBO, LETRO = rxnorm("1601374"), rxnorm("72965")
ALLERGY = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"


def drugs(*resources: Json) -> list[list[str]]:
    return [it["drugs"] for it in read(*resources).record["therapies"]]


@pytest.mark.parametrize(
    ("status", "reason", "given"),
    [
        ("completed", None, True), ("active", None, False), ("on-hold", None, False),
        ("stopped", None, False), ("stopped", "266721009", True), ("stopped", "407563006", True),
        ("stopped", "182992009", True), ("stopped", "105480006", False), ("cancelled", None, False),
        ("draft", None, False), ("entered-in-error", None, False), ("unknown", None, False),
    ],
)  # fmt: skip
def test_an_order_is_no_treatment(status: str, reason: str | None, given: bool) -> None:
    more = {"statusReason": snomed(reason)} if reason else {}
    assert drugs(request("r", PALBO, status, **more)) == ([["palbociclib"]] if given else [])


def test_what_was_only_ordered_is_said() -> None:
    made = read(request("r", PALBO, "active"))
    assert why(made, "r") == "ordered or dispensed, not known to be given"
    assert "so it does not count: palbociclib" in made.notes[0].text


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"intent": "plan"}, "intent plan: not ordered"),
        ({"intent": "proposal"}, "intent proposal: not ordered"),
        ({"intent": "option"}, "intent option: not ordered"),
        ({"doNotPerform": True}, "an order not to give it"),
    ],
)
def test_what_is_not_even_ordered(change: Json, reason: str) -> None:
    made = read(request("r", PALBO, "completed", **change))
    assert made.record["therapies"] == []
    assert why(made, "r") == reason


@pytest.mark.parametrize(
    ("status", "given"),
    [("active", True), ("completed", True), ("stopped", True), ("on-hold", True), ("intended", False),
     ("not-taken", False), ("unknown", False), ("entered-in-error", False)],
)  # fmt: skip
def test_statements(status: str, given: bool) -> None:
    assert bool(drugs(statement("s", PALBO, status))) == given


@pytest.mark.parametrize(
    ("status", "given"),
    [("completed", True), ("in-progress", True), ("stopped", True), ("on-hold", True),
     ("not-done", False), ("unknown", False), ("entered-in-error", False)],
)  # fmt: skip
def test_administrations(status: str, given: bool) -> None:
    assert bool(drugs(administration("a", PALBO, "2025-01-01", status=status))) == given


def test_dispensed_is_not_taken() -> None:
    made = read(of("MedicationDispense", "d", status="completed", medicationCodeableConcept=PALBO))
    assert made.record["therapies"] == []


def test_an_order_that_was_carried_out() -> None:
    made = read(
        request("r", PALBO, "active", authoredOn="2025-01-01"),
        administration("a", PALBO, "2025-01-08", request={"reference": "MedicationRequest/r"}),
        administration("b", PALBO, "2025-02-05", request={"reference": "MedicationRequest/r"}),
    )
    assert made.record["therapies"] == [{"drugs": ["palbociclib"], "start": "2025-01-08"}]
    assert made.origin("therapies[0].drugs[0]") == "MedicationAdministration/a"
    assert made.notes == []


def test_drugs_of_one_group_are_one_regimen() -> None:
    group = {"groupIdentifier": {"system": "http://x", "value": "1"}}
    together = [request("a", PALBO, **group), request("b", LETRO, **group)]
    assert drugs(*together) == [["letrozole", "palbociclib"]]
    assert drugs(request("a", PALBO), request("b", LETRO)) == [["letrozole"], ["palbociclib"]]


def test_drugs_of_one_plan_are_one_regimen() -> None:
    plan = {"basedOn": [{"reference": "CarePlan/1"}]}
    assert drugs(request("a", PALBO, **plan), request("b", LETRO, **plan)) == [
        ["letrozole", "palbociclib"]
    ]


def test_dates_alone_join_nothing() -> None:
    days = {"effectivePeriod": {"start": "2024-01-01", "end": "2025-01-01"}}
    assert len(drugs(statement("a", PALBO, **days), statement("b", LETRO, **days))) == 2


INTENT = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-procedure-intent"
END = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-treatment-termination-reason"


@pytest.mark.parametrize(
    ("url", "code", "setting"),
    [
        (INTENT, "363676003", "advanced"), (INTENT, "373808002", None), (INTENT, "373846009", "adjuvant"),
        (INTENT, "373847000", "neoadjuvant"), (INTENT, "1", None),
        (INTENT.replace("procedure", "treatment"), "363676003", "advanced"),
    ],
)  # fmt: skip
def test_settings(url: str, code: str, setting: str | None) -> None:
    intent = [{"url": url, "valueCodeableConcept": snomed(code)}]
    assert (
        read(statement("s", PALBO, extension=intent)).record["therapies"][0].get("setting")
        == setting
    )


@pytest.mark.parametrize(
    ("code", "reason"),
    [("266721009", "progression"), ("407563006", "toxicity"), ("182992009", "completed"),
     ("105480006", "patient_choice"), ("419620001", "death"), ("399307001", "other"), ("1", None)],
)  # fmt: skip
def test_stop_reasons(code: str, reason: str | None) -> None:
    for more in (
        {"statusReason": [snomed(code)]},
        {"extension": [{"url": END, "valueCodeableConcept": snomed(code)}]},
    ):
        (entry,) = read(statement("s", PALBO, "stopped", **more)).record["therapies"]
        assert entry.get("stop_reason") == reason


@pytest.mark.parametrize(
    ("raw", "dates"),
    [
        (statement("s", PALBO, effectivePeriod={"start": "2024-01", "end": "2025-02-03"}),
         {"start": "2024-01", "end": "2025-02-03", "ongoing": False}),
        (statement("s", PALBO, "active", effectivePeriod={"start": "2024-01-02"}),
         {"start": "2024-01-02", "ongoing": True}),
        (request("s", PALBO, authoredOn="2024-01-02"), {"ongoing": False}),
        (request("s", PALBO, authoredOn="2024-01-02", dosageInstruction=[
            {"timing": {"repeat": {"boundsPeriod": {"start": "2024-01-05", "end": "2024-06-05"}}}}]),
         {"start": "2024-01-05", "end": "2024-06-05", "ongoing": False}),
    ],
)  # fmt: skip
def test_the_day_of_an_order_is_no_start(raw: Json, dates: Json) -> None:
    (entry,) = read(raw).record["therapies"]
    assert {key: value for key, value in entry.items() if key != "drugs"} == dates


@pytest.mark.parametrize(("when", "number"), [("2026-01-15", 1), ("2026-01-16", 0)])
def test_an_order_of_a_later_day(when: str, number: int) -> None:
    assert len(drugs(request("r", PALBO, authoredOn=when))) == number


@pytest.mark.parametrize(
    ("drug", "names"),
    [
        (PALBO, ["palbociclib"]),
        (concept("RxNorm", "1601374"), ["palbociclib"]),
        (concept("http://www.whocc.no/atc", "L01EF03"), ["abemaciclib"]),
        (rxnorm("1", "palbociclib 125 MG Oral Capsule [Ibrance]"), ["palbociclib"]),
        (rxnorm("1", "trastuzumab emtansine 100 MG Injection"), ["trastuzumab emtansine"]),
        (rxnorm("1", "letrozole 2.5 MG / ribociclib 200 MG Pack"), ["letrozole", "ribociclib"]),
        (concept("http://hl7.org/fhir/sid/ndc", "0069-0187", "IBRANCE, 21 CAPSULE in 1 BOTTLE"), ["palbociclib"]),
        (rxnorm("1", "lisinopril 10 MG Oral Tablet"), ["lisinopril 10 MG Oral Tablet"]),
        ({"text": "HRX-0000"}, ["HRX-0000"]),
        (rxnorm("12345"), ["code 12345"]),
        ({}, []),
    ],
)  # fmt: skip
def test_names_of_drugs(drug: Json, names: list[str]) -> None:
    assert named(drug) == names


@pytest.mark.parametrize("inside", [True, False])
def test_a_medication_that_is_referred_to(inside: bool) -> None:
    medication = {"resourceType": "Medication", "id": "m", "code": PALBO}
    raw = of("MedicationStatement", "s", status="completed",
             medicationReference={"reference": "#m" if inside else "Medication/m"})  # fmt: skip
    assert drugs(
        raw | {"contained": [medication]} if inside else raw, *([] if inside else [medication])
    ) == [["palbociclib"]]


def test_two_drugs_in_one_concept_contradict() -> None:
    made = read(statement("s", {"coding": PALBO["coding"] + LETRO["coding"]}))
    assert "its codes say different things: letrozole and palbociclib" in problem(made, "s")
    assert made.record["therapies"] == []


def test_drugs_for_another_cancer() -> None:
    made = read(condition("lung", snomed("254637007")),
                statement("s", PALBO, reasonReference=[{"reference": "Condition/lung"}]))  # fmt: skip
    assert why(made, "s") == "given for another cancer"


def procedure(code: str, status: str = "completed", **more: object) -> Json:
    return of("Procedure", "p", status=status, code=snomed(code), **more)


@pytest.mark.parametrize(
    ("status", "entry"),
    [
        ("completed", {"name": "Mastectomy", "date": "2025-12-20"}),
        ("stopped", {"name": "Mastectomy", "date": "2025-12-20"}),
        ("preparation", {"name": "Mastectomy", "date": "2025-12-20", "planned": True}),
        ("not-done", None), ("entered-in-error", None), ("on-hold", None), ("unknown", None),
    ],
)  # fmt: skip
def test_procedures(status: str, entry: Json | None) -> None:
    code = {"coding": [{"system": "http://snomed.info/sct", "code": "392021009",
                        "display": "Mastectomy (procedure)"}]}  # fmt: skip
    raw = of("Procedure", "p", status=status, code=code, performedDateTime="2025-12-20T08:00:00Z")
    assert read(raw).record["procedures"] == ([entry] if entry else [])


def test_an_examination_is_no_procedure_and_an_unnamed_one_is_named_as_a_fault() -> None:
    assert why(read(procedure("71651007")), "p") == "an examination, no intervention"
    unnamed = of("Procedure", "p", status="completed")
    assert "what was done is not stated" in problem(read(unnamed), "p")
    assert read(procedure("1")).record["procedures"] == [{"name": "code 1"}]


def test_radiotherapy_is_a_treatment() -> None:
    days = {"performedPeriod": {"start": "2025-03-03", "end": "2025-04-11"}}
    assert read(procedure("1217123003", **days)).record["therapies"] == [
        {"drugs": ["radiotherapy"], "start": "2025-03-03", "end": "2025-04-11"}
    ]
    assert read(procedure("1217123003", "in-progress", **days)).record["therapies"] == [
        {"drugs": ["radiotherapy"], "start": "2025-03-03", "ongoing": True}
    ]
    assert read(procedure("1217123003", "preparation")).record["therapies"] == []


def allergy(name: str, code: Json, verification: str = "confirmed", **more: object) -> Json:
    return of("AllergyIntolerance", name, code=code,
              verificationStatus=concept(ALLERGY, verification), **more)  # fmt: skip


NONE, NO_DRUG, PEANUT = snomed("716186003"), snomed("409137002"), {"text": "Peanut"}


@pytest.mark.parametrize(
    ("resources", "found", "whole"),
    [
        ([allergy("a", {"text": "Penicillin (substance)"})], ["Penicillin"], False),
        ([allergy("a", rxnorm("56946"))], ["paclitaxel"], False),
        ([allergy("a", NONE)], [], True),
        ([allergy("a", NO_DRUG)], [], True),
        ([allergy("a", NONE), allergy("b", PEANUT)], [], False),
        ([allergy("a", NO_DRUG), allergy("b", PEANUT)], [], False),
        ([allergy("a", NO_DRUG), allergy("b", PEANUT, category=["food"])], ["Peanut"], True),
        ([allergy("a", NONE, "entered-in-error")], [], False),
        ([allergy("a", NONE, "refuted")], [], False),
        ([allergy("a", NONE), allergy("b", PEANUT, "refuted")], [], True),
        ([allergy("a", NONE), allergy("b", PEANUT, "unconfirmed")], [], False),
        ([allergy("a", NONE, clinicalStatus=concept("x", "resolved"))], [], False),
        ([allergy("a", NONE, recordedDate="2026-01-16")], [], False),
        ([allergy("a", NONE), None], [], False),
        ([allergy("a", {"text": "No known allergies"})], [], True),
        ([allergy("a", {"text": "NKDA"}), allergy("b", PEANUT, category=["food"])], ["Peanut"], True),
        ([allergy("a", concept("http://snomed.info/sct", "429625007"))], [], False),
        ([allergy("a", NONE), allergy("b", concept("http://snomed.info/sct", "429625007"))], [], True),
        ([of("AllergyIntolerance", "a", reaction=[
            {"substance": {"text": "Latex"}, "manifestation": [{"text": "rash"}]}])], ["Latex"], False),
        ([of("AllergyIntolerance", "a")], [], False),
    ],
)  # fmt: skip
def test_allergies(resources: list[Json], found: list[str], whole: bool) -> None:
    made = read(*resources)
    assert made.record["allergies"] == found
    assert ("allergies" not in made.record["partial"]) == whole


def test_no_allergy_against_an_allergy_names_both() -> None:
    made = read(allergy("a", NO_DRUG), allergy("b", rxnorm("56946")))
    assert "says that there is none (allergies), against AllergyIntolerance/b" in problem(made, "a")
    assert why(made, "b") == "AllergyIntolerance/a says that there is none"
    assert "AllergyIntolerance/b: neither is used" in made.notes[0].text


def empty_list(code: str, reason: str, **more: object) -> Json:
    empty = concept("http://terminology.hl7.org/CodeSystem/list-empty-reason", reason)
    raw = of("List", "l", status="current", mode="snapshot", code=concept("http://loinc.org", code),
             date="2026-01-15T08:00:00+01:00")  # fmt: skip
    raw = raw | {"emptyReason": empty} | more
    return {name: value for name, value in raw.items() if value is not None}


@pytest.mark.parametrize(
    ("raw", "name", "whole"),
    [
        (empty_list("48765-2", "nilknown"), "allergies", True),
        (empty_list("48765-2", "nilknown", date="2025-12-18"), "allergies", True),
        (empty_list("48765-2", "nilknown", date="2025-12-17"), "allergies", False),
        (empty_list("48765-2", "nilknown", date="2025-12"), "allergies", False),
        (empty_list("48765-2", "nilknown", date=None), "allergies", False),
        (empty_list("47519-4", "nilknown"), "procedures", True),
        (empty_list("47519-4", "nilknown", date="2026-01-14"), "procedures", False),
        (empty_list("48765-2", "notasked"), "allergies", False),
        (empty_list("48765-2", "unavailable"), "allergies", False),
        (empty_list("48765-2", "nilknown", status="retired"), "allergies", False),
        (empty_list("48765-2", "nilknown", date="2026-02-01"), "allergies", False),
        (of("Composition", "c", status="final", type={"text": "Summary"}, date="2026-01-10",
            author=[{"display": "x"}], title="Summary", section=[{"section": [{
                "code": concept("http://loinc.org", "48765-2"),
                "emptyReason": concept("x", "nilknown")}]}]), "allergies", True),
    ],
)  # fmt: skip
def test_lists_that_are_stated_to_be_empty(raw: Json, name: str, whole: bool) -> None:
    assert (name not in read(raw).record["partial"]) == whole


def test_an_empty_list_that_is_not_empty() -> None:
    made = read(empty_list("47519-4", "nilknown"), procedure("1"))
    assert "procedures" in made.record["partial"]
    assert problem(made, "l") == "it says that there is none, but others speak of procedures"


def event(**more: object) -> Json:
    return of("AdverseEvent", "e", actuality="actual", event={"text": "Neutropenia"}, **more)


GRADE = "http://hl7.org/fhir/us/ctcae/StructureDefinition/ctcae-grade"


def graded(text: str) -> Json:
    return {"extension": [{"url": GRADE, "valueCodeableConcept": {"text": text}}]}


@pytest.mark.parametrize(
    ("more", "entry"),
    [
        ({}, {"term": "Neutropenia"}),
        ({"date": "2025-11-02", **graded("3")}, {"term": "Neutropenia", "grade": 3, "onset": "2025-11-02"}),
        (graded("5"), {"term": "Neutropenia", "grade": 5}),
        (graded("0"), None),
        (graded("6"), None),
        ({"severity": concept("x", "severe")}, {"term": "Neutropenia"}),
        ({"outcome": concept("http://terminology.hl7.org/CodeSystem/adverse-event-outcome", "ongoing")},
         {"term": "Neutropenia", "ongoing": True}),
        ({"outcome": concept("http://terminology.hl7.org/CodeSystem/adverse-event-outcome", "resolved")},
         {"term": "Neutropenia", "ongoing": False}),
        ({"actuality": "potential"}, None),
        ({"recordedDate": "2026-01-16"}, None),
    ],
)  # fmt: skip
def test_adverse_events(more: Json, entry: Json | None) -> None:
    assert read(event() | more).record["adverse_events"] == ([entry] if entry else [])
