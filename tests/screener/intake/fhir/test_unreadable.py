"""Entries that cannot be read: each is named, and what it could have decided is unknown."""

from __future__ import annotations

import pytest
from fhir_build import (
    LOINC,
    Json,
    breast,
    bundled,
    checked,
    concept,
    condition,
    lab,
    loinc,
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

ANC, ECOG, ER = "751-8", "89247-1", "85337-4"


def ecogs(*resources: Json) -> list[int]:
    return [it["ecog"] for it in read(*resources).record["performance_status"]]


BAD_ECOG = observation("bad", ECOG, "2026-01-08", valueInteger=7)


@pytest.mark.parametrize(
    ("when", "counts"),
    [
        ("2026-01-07", False),
        ("2026-01-08", False),
        ("2026-01-09", True),
        ("2026-01", False),
        (None, False),
    ],
)
def test_only_what_is_surely_later_counts(when: str | None, counts: bool) -> None:
    assert ecogs(BAD_ECOG, observation("good", ECOG, when, valueInteger=1)) == (
        [1] if counts else []
    )


def test_what_is_withheld_says_why() -> None:
    made = read(BAD_ECOG, observation("good", ECOG, "2026-01-07", valueInteger=1))
    assert why(made, "good") == "Observation/bad, which cannot be read, may be later"
    assert problem(made, "bad") == "its value is no ECOG grade from 0 to 5; it is not used"


def test_an_undated_one_may_be_the_latest() -> None:
    bad = observation("bad", ECOG, None, valueInteger=7)
    assert ecogs(bad, observation("good", ECOG, "2026-01-14", valueInteger=1)) == []


def test_other_kinds_are_not_withheld() -> None:
    made = read(BAD_ECOG, lab("anc", ANC, 2, "10*9/L", "2026-01-01"))
    assert len(made.record["labs"]) == 1


@pytest.mark.parametrize(
    "entry", [None, 3, "text", [], {}, {"id": "x"}, {"resourceType": 5}, {"resourceType": ""}]
)
def test_an_entry_of_which_nothing_is_legible_may_be_anything(entry: object) -> None:
    good = [observation("ecog", ECOG, valueInteger=1), lab("anc", ANC, 2, "10*9/L"),
            observation("er", ER, valueString="positive")]  # fmt: skip
    made = read(entry, *good)
    assert [made.record[it] for it in ("performance_status", "labs", "pathology")] == [[], [], []]
    assert made.problems[0].path == "entry[1]"


def test_entries_without_a_resource_on_purpose() -> None:
    raw = bundled(patient(), observation("ecog", ECOG, valueInteger=1), kind="transaction")
    raw["entry"].append({"request": {"method": "DELETE", "url": "Observation/old"}})
    made = bundle.read(raw)
    assert made.problems == []
    assert len(made.record["performance_status"]) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": "done"}, "not valid R4: status not one of the codes that R4 allows"),
        ({"status": None}, "not valid R4: status not one of the codes that R4 allows"),
        ({"code": "751-8"}, "not valid R4: code not an object, as R4 requires"),
        ({"valueQuantity": {"value": "2.5"}}, "not valid R4: valueQuantity.value not a number, as R4 requires"),
        ({"valueQuantity": {"value": float("inf")}}, "valueQuantity.value not a finite number"),
        ({"effectiveDateTime": "10.01.2026"}, "effectiveDateTime not in the form that R4 prescribes"),
        ({"effectiveDateTime": "2026-01-10T10:00"}, "effectiveDateTime not in the form that R4 prescribes"),
        ({"effectiveDateTime": "2026-02-30"}, "a date that cannot be: the day is not between 01 and 28"),
        ({"patient": {"reference": "Patient/p"}}, "not valid R4: patient is no element of it in R4"),
        ({"comments": "free text"}, "not valid R4: comments is no element of it in R4"),
        ({"valueString": "2.5"}, "`valueQuantity` and `valueString`: two values where R4 allows one"),
        ({"modifierExtension": [{"url": "http://x"}]}, "modifierExtension changes the meaning"),
        ({"implicitRules": "http://x"}, "implicitRules changes the meaning"),
        ({"component": [{"valueString": "x"}]}, "component[0].code missing, but R4 requires it"),
        ({"component": [{"code": {}, "value": 1}]}, "component[0].value is no element of it in R4"),
        ({"subject": {}}, "whose it is (subject) is not among the resources"),
        ({"subject": {"reference": "Patient/other"}}, "whose it is (subject) is not among the resources"),
        ({"subject": {"identifier": {"value": "1"}}}, "whose it is (subject) is not among the resources"),
        ({"status": "preliminary"}, "its status is preliminary, so its value may still change"),
        ({"status": "unknown"}, "its status is unknown, so its value may still change"),
        ({"valueQuantity": quantity(2, "10*9/L", comparator="<")}, "its value is a limit"),
        ({"valueQuantity": quantity(2, "10*9/L") | {"unit": "/uL"}}, "its unit and its unit code say different things"),
        ({"valueQuantity": quantity(2e9, "10*9/L")}, "beyond what can be measured"),
        ({"valueQuantity": {"unit": "10*9/L"}}, "its value is no quantity"),
        ({"effectiveDateTime": "1959-12-31"}, "it is dated before the date of birth"),
        ({"code": concept("http://snomed.info/sct", ANC)}, "code 751-8 is of loinc, and stands under another"),
        ({"code": {"coding": [{"system": LOINC, "code": ANC}, {"system": LOINC, "code": "777-3"}]}},
         "its codes say different things: lab:anc and lab:platelets"),
    ],
)  # fmt: skip
def test_a_faulty_observation_is_named_and_older_values_do_not_decide(
    change: Json, message: str
) -> None:
    older = lab("older", ANC, 3, "10*9/L", "2025-12-01")
    made = read(lab("bad", ANC, 2, "10*9/L") | change, older)
    assert message in problem(made, "bad")
    assert made.record["labs"] == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": "cancelled"}, "cancelled"),
        ({"status": "entered-in-error"}, "entered in error"),
        ({"status": "registered"}, "no result yet"),
        ({"dataAbsentReason": concept("x", "not-performed")}, "no value: not-performed"),
    ],
)
def test_what_never_was_leaves_older_values_alone(change: Json, reason: str) -> None:
    bad = observation("bad", ANC) | change
    made = read(bad, lab("older", ANC, 3, "10*9/L", "2025-12-01"))
    assert why(made, "bad") == reason
    assert len(made.record["labs"]) == 1


@pytest.mark.parametrize("reason", ["unknown", "error", "masked"])
def test_a_value_that_is_withheld_by_the_source(reason: str) -> None:
    bad = observation("bad", ANC, dataAbsentReason=concept("x", reason))
    made = read(bad, lab("older", ANC, 3, "10*9/L", "2025-12-01"))
    assert f"its value is not given: {reason}" in problem(made, "bad")
    assert made.record["labs"] == []


def test_an_absent_reason_in_place_of_the_value() -> None:
    absent = concept("http://terminology.hl7.org/CodeSystem/data-absent-reason", "not-applicable")
    made = read(observation("bad", "21901-4", valueCodeableConcept=absent))
    assert why(made, "bad") == "no value: not-applicable"


def test_a_value_that_is_missing_without_a_word() -> None:
    made = read(observation("bad", ANC), lab("older", ANC, 3, "10*9/L", "2025-12-01"))
    assert "it has no value" in problem(made, "bad")
    assert made.record["labs"] == []


def test_one_receptor_that_cannot_be_read_leaves_the_other_of_its_specimen() -> None:
    made = read(
        observation("older", ER, "2024-05-01", valueString="positive"),
        observation("er", ER, valueString="unclear"),
        observation("pr", "85339-0", valueString="positive"),
    )
    assert made.record["pathology"] == [{"date": "2026-01-10", "pr_status": "positive"}]


def test_her2_that_cannot_be_read_takes_all_her2_of_its_specimen() -> None:
    made = read(
        observation("ish", "85318-4", valueString="unclear"),
        observation("ihc", "85319-2", valueInteger=2),
        observation("er", ER, valueString="positive"),
    )
    assert made.record["pathology"] == [{"date": "2026-01-10", "er_status": "positive"}]


@pytest.mark.parametrize("kind", ["MedicationOrder", "DiagnosticOrder", "ProcedureRequest"])
def test_resources_of_other_versions_are_refused_by_name(kind: str) -> None:
    made = read({"resourceType": kind, "id": "old", "patient": {"reference": "Patient/p"}})
    assert f"{kind} is a resource of DSTU2" in problem(made, "old")
    assert "export the data as R4" in problem(made, "old")


def test_a_cycle_is_named_and_nothing_in_it_is_read() -> None:
    made = read(
        lab("a", "1742-6", 30, "U/L") | {"hasMember": [{"reference": "Observation/b"}]},
        lab("b", "1920-8", 30, "U/L") | {"derivedFrom": [{"reference": "Observation/c"}]},
        lab("c", "777-3", 200, "10*9/L") | {"hasMember": [{"reference": "Observation/a"}]},
        lab("d", ANC, 3, "10*9/L") | {"hasMember": [{"reference": "Observation/a"}]},
        lab("e", "718-7", 130, "g/L") | {"hasMember": [{"reference": "Observation/e"}]},
    )
    for name in "abce":
        assert problem(made, name) == "it refers to itself, by way of others; it is not used"
    assert [it["test"] for it in made.record["labs"]] == ["anc"]


def test_a_stage_and_its_assessment_may_refer_to_each_other() -> None:
    made = read(
        breast(stage=[{"summary": snomed("1222766008"), "assessment": [{"reference": "Observation/s"}]}]),
        observation("s", "21908-9", "2020-03-20", focus=[{"reference": "Condition/c"}],
                    valueCodeableConcept=snomed("1222766008")),
    )  # fmt: skip
    assert made.problems == []
    assert made.record["diagnosis"]["initial_stage"] == "IIA"


def test_references_that_lead_nowhere_are_named() -> None:
    made = read(
        of("MedicationStatement", "m", status="completed", medicationReference={"reference": "Medication/x"}),
        observation("er", ER, valueString="positive", focus=[{"reference": "Condition/x"}]),
        statement("n", rxnorm("72965"), reasonReference=[{"reference": "Condition/x"}]),
        condition("liver", snomed("94381002"), extension=[
            {"url": "http://hl7.org/fhir/StructureDefinition/condition-related",
             "valueReference": {"reference": "Condition/x"}}]),
    )  # fmt: skip
    for name in ("m", "er", "n", "liver"):
        assert "not among the resources" in problem(made, name)
    assert [it["drugs"] for it in made.record["therapies"]] == [["letrozole"]]


def test_a_condition_that_cannot_be_read_takes_dates_that_it_may_contradict() -> None:
    stage = observation("s", "21908-9", "2020-03-20", valueCodeableConcept=snomed("1222766008"),
                        focus=[{"reference": "Condition/c"}])  # fmt: skip
    made = read(breast(), condition("bad", snomed("254837009"), "2020-13-01"), stage)
    assert made.record["diagnosis"] == {"cancer": "breast"}


def test_one_bad_entry_does_not_sink_the_rest() -> None:
    made = read(
        breast("c"), {"resourceType": "Condition", "id": "bad"}, request("r", rxnorm("1601374"))
    )
    assert made.record["diagnosis"]["cancer"] == "breast"
    assert made.record["therapies"][0]["drugs"] == ["palbociclib"]


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ([], "holds no Patient"),
        ([patient(), patient(id="q")], "more than one Patient"),
        ([{"resourceType": "Patient"}], "the Patient has no id"),
        ([patient(id="with space")], "the Patient has no id, or one that R4 does not allow"),
    ],
)
def test_a_bundle_of_none_or_two(resources: list[Json], message: str) -> None:
    with pytest.raises(bundle.NotOnePatient, match=message):
        bundle.read(bundled(*resources))


def test_an_invalid_patient_leaves_the_rest() -> None:
    made = bundle.read(
        bundled(patient(birthDate="3.2.1960"), observation("e", ECOG, valueInteger=1))
    )
    checked(made)
    assert "birth_date" not in made.record
    assert (
        problem(made, "p")
        == "not valid R4: birthDate not in the form that R4 prescribes; it is not used"
    )
    assert made.record["performance_status"] == [{"date": "2026-01-10", "ecog": 1}]


def test_a_birth_in_the_future() -> None:
    made = bundle.read(
        bundled(patient(birthDate="2199-01-01"), observation("e", ECOG, valueInteger=1))
    )
    assert "the date of birth is in the future" in problem(made, "p")
    assert len(made.record["performance_status"]) == 1


def test_two_resources_of_one_id() -> None:
    made = read(observation("e", ECOG, valueInteger=1), observation("e", ECOG, valueInteger=2),
                observation("old", ECOG, "2025-12-01", valueInteger=0))  # fmt: skip
    assert "another resource of the same id says something else" in problem(made, "e")
    assert made.record["performance_status"] == []


def test_the_newest_version_counts() -> None:
    versions = [
        observation(
            "e", ECOG, valueInteger=grade, meta={"lastUpdated": f"2026-01-1{grade}T00:00:00Z"}
        )
        for grade in (2, 1, 0)
    ]
    made = read(*versions)
    assert [it["ecog"] for it in made.record["performance_status"]] == [2]
    assert why(made, "e") == "an older version"


def test_the_same_resource_twice_is_one() -> None:
    made = read(statement("a", rxnorm("72965")), statement("b", rxnorm("72965")))
    assert len(made.record["therapies"]) == 1
    assert why(made, "b") == "the same as another resource"


def test_no_message_repeats_free_text() -> None:
    secret = "Mrs Example of 1 Sample Street"
    bad = observation("bad", ECOG, valueString=secret, note=[{"text": secret}], comments=secret)
    odd = observation("odd", ANC, valueQuantity={"value": 1, "unit": secret})
    made = read(bad, odd, condition("c", loinc(secret)))
    assert secret not in str([str(it) for it in made.problems])
