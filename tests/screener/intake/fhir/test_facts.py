"""Conditions, stages, performance status, laboratory values, variants, progressions."""

from __future__ import annotations

from datetime import date

import pytest
from fhir_build import (
    AS_OF,
    Json,
    breast,
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
    snomed,
    verified,
    why,
)  # fmt: skip

from screener.record import LIST_FIELDS, PARTIAL_NAMES

HISTORY = snomed("1287652008")


def test_every_list_may_lack_entries() -> None:
    made = read(breast())
    lists = [name for name in LIST_FIELDS if name in made.record]
    assert set(made.record["partial"]) == set(lists)
    assert set(lists) == set(LIST_FIELDS) - {"injuries", "imaging"}
    assert set(made.record["partial"]) <= set(PARTIAL_NAMES)


def test_drugs_of_a_regimen_may_be_lacking_too() -> None:
    made = read(of("Procedure", "rt", status="completed", code=snomed("1217123003")))
    assert "drugs" in made.record["partial"]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"gender": "unknown"}, None),
        ({"gender": "male"}, "male"),
        ({"gender": "other"}, "other"),
    ],
)
def test_sex(raw: Json, expected: str | None) -> None:
    from screener.intake.fhir import bundle  # noqa: PLC0415

    entry = {"resource": patient(**raw)}
    made = bundle.read({"resourceType": "Bundle", "type": "collection", "entry": [entry]})
    assert made.record.get("sex") == expected


def test_death() -> None:
    from screener.intake.fhir import bundle  # noqa: PLC0415

    for more, died in (
        ({"deceasedDateTime": "2025-12"}, "2025-12"),
        ({"deceasedBoolean": True}, None),
    ):
        entry = {"resource": patient(**more)}
        made = bundle.read({"resourceType": "Bundle", "entry": [entry]})
        assert made.record.get("follow_up", {}).get("death_date") == died


@pytest.mark.parametrize(
    ("code", "site", "cancer"),
    [
        (snomed("372137005"), None, "breast"),
        (concept("http://hl7.org/fhir/sid/icd-10-cm", "C50.411"), None, "breast"),
        (snomed("254838004"), None, "breast"),
        (snomed("713609000"), None, "breast"),
        (snomed("363346000"), "80248007", "breast"),
        (snomed("363346000"), None, None),
        (snomed("363346000"), "10200004", None),
        (snomed("128462008"), "80248007", None),
    ],
)
def test_the_breast_cancer(code: Json, site: str | None, cancer: str | None) -> None:
    more = {"bodySite": [snomed(site)]} if site else {}
    made = read(condition("x", code, "2020-03", **more))
    assert made.record.get("diagnosis", {}).get("cancer") == cancer


@pytest.mark.parametrize(
    ("status", "counts"),
    [("confirmed", True), ("unconfirmed", False), ("provisional", False), ("differential", False),
     ("refuted", False), ("entered-in-error", False)],
)  # fmt: skip
def test_verification(status: str, counts: bool) -> None:
    made = read(breast(verificationStatus=verified(status)))
    assert ("diagnosis" in made.record) == counts


def test_another_cancer_is_no_diagnosis_to_screen_for() -> None:
    """That no breast cancer is in the extract does not show that there is none."""
    made = read(condition("lung", snomed("254637007"), "2024-05"))
    assert "diagnosis" not in made.record
    assert made.record["other_malignancies"] == [
        {"type": "non-small cell lung cancer", "diagnosed": "2024-05"}
    ]


@pytest.mark.parametrize(
    ("more", "when"),
    [
        ({"onsetDateTime": "2020-03-01T23:30:00-05:00"}, "2020-03-01"),
        ({"onsetPeriod": {"start": "2020-03-02", "end": "2020-03-20"}}, "2020-03"),
        ({"onsetPeriod": {"start": "2020-03", "end": "2020-05"}}, "2020"),
        ({"onsetPeriod": {"start": "2020-03", "end": "2021-05"}}, None),
        ({"onsetPeriod": {"start": "2020-03"}}, None),
        ({"onsetPeriod": {"end": "2020-03"}}, None),
        ({"onsetString": "some years ago"}, None),
        ({"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/condition-assertedDate",
                         "valueDateTime": "2020-04"}]}, "2020-04"),
        ({"recordedDate": "2020-05"}, None),
    ],
)  # fmt: skip
def test_dates_of_conditions(more: Json, when: str | None) -> None:
    made = read(breast(onset=None, **more))
    assert made.record["diagnosis"].get("date") == when


def test_dates_that_disagree() -> None:
    made = read(breast("a", "2020-03-01"), breast("b", "2021-03-01"))
    assert made.record["diagnosis"] == {"cancer": "breast"}
    assert "2020-03-01 (Condition/a), 2021-03-01 (Condition/b); neither is used" in str(
        made.problems
    )


@pytest.mark.parametrize(
    ("code", "site"),
    [("94222008", "bone"), ("94381002", "liver"), ("94391008", "lung"), ("94225005", "brain"),
     ("94392001", "lymph_node"), ("94579000", "skin"), ("94253005", "chest_wall")],
)  # fmt: skip
def test_metastases(code: str, site: str) -> None:
    found = read(condition("m", snomed(code))).record["metastases"]
    assert found == [{"site": site, "present": True}]


def test_a_refuted_metastasis_is_absent_without_a_day() -> None:
    refuted = condition(
        "m", snomed("94225005"), "2025-01-01", verificationStatus=verified("refuted")
    )
    assert read(refuted).record["metastases"] == [{"site": "brain", "present": False}]


def test_a_metastasis_of_another_cancer() -> None:
    made = read(
        condition("lung", snomed("254637007")),
        condition("m", snomed("94225005"), extension=[
            {"url": "http://hl7.org/fhir/StructureDefinition/condition-related",
             "valueReference": {"reference": "Condition/lung"}}]),
    )  # fmt: skip
    assert made.record["metastases"] == []
    assert why(made, "m") == "a metastasis of another cancer"


def history(when: str, **value: object) -> Json:
    return observation("h", HISTORY, when, **value)


@pytest.mark.parametrize(
    ("when", "whole"),
    [("2025-12-17", False), ("2025-12-18", True), ("2025-12-19", True), ("2026-01-15", True),
     ("2026-01-16", False), ("2025-12", False), ("2018-11-16", False)],
)  # fmt: skip
def test_no_history_of_metastasis_stands_for_28_days(when: str, whole: bool) -> None:
    made = read(history(when, valueBoolean=False), as_of=date(2026, 1, 15))
    assert made.record["metastases"] == []
    assert ("metastases" not in made.record["partial"]) == whole


@pytest.mark.parametrize(
    "against",
    [
        condition("x", snomed("94222008")),
        condition("x", snomed("94222008"), verificationStatus=verified("provisional")),
        condition("x", snomed("128462008")),
        {"resourceType": "Condition", "id": "x"},
        None,
    ],
)
def test_what_speaks_against_no_metastasis(against: Json | None) -> None:
    made = read(history("2026-01-10", valueBoolean=False), against)
    assert "metastases" in made.record["partial"]


@pytest.mark.parametrize(
    ("stated", "found", "kept"),
    [
        ("2026-01-10", "2026-01-09", False), ("2026-01-10", "2026-01-10", False),
        ("2026-01-10", "2026-01-11", True), ("2026-01-10", None, False), ("2026-01-10", "2026", False),
        ("2018-11-16", "2018-11-16", False), ("2018-11-16", "2018-11-17", True), ("2018-11-16", None, True),
    ],
)  # fmt: skip
def test_no_metastasis_against_one(stated: str, found: str | None, kept: bool) -> None:
    """Recently none: whatever is not surely later contradicts it. Long ago: what is surely older."""
    made = read(history(stated, valueBoolean=False), condition("m", snomed("94381002"), found))
    assert len(made.record["metastases"]) == kept
    assert ("fhir-contradiction" in {it.id for it in made.notes}) == (not kept)
    assert "metastases" in made.record["partial"]


def test_a_refuted_one_does_not_speak_against_it() -> None:
    refuted = condition("x", snomed("94222008"), verificationStatus=verified("refuted"))
    made = read(history("2026-01-10", valueBoolean=False), refuted)
    assert "metastases" not in made.record["partial"]


def test_a_history_of_metastasis() -> None:
    made = read(history("2026-01-10", valueBoolean=True),
                observation("l", snomed("1098951000119108")))  # fmt: skip
    assert {it["site"] for it in made.record["metastases"]} == {"unspecified site", "liver"}
    assert all("date" not in it for it in made.record["metastases"])


@pytest.mark.parametrize(
    ("when", "stage"),
    [("2020-02-20", "IIA"), ("2020-06-30", "IIA"), ("2020-07-01", "IIA"), ("2020-07-02", None),
     ("2020-07", None), ("2020-06", "IIA"), (None, None)],
)  # fmt: skip
def test_the_stage_at_first_diagnosis_is_of_its_first_four_months(
    when: str | None, stage: str | None
) -> None:
    made = read(
        breast(), observation("s", "21908-9", when, valueCodeableConcept=snomed("261614003"))
    )
    assert made.record["diagnosis"].get("initial_stage") == stage


@pytest.mark.parametrize(
    ("value", "stage"),
    [(snomed("1222806003"), "IIIC"), (snomed("261640009"), "IIIC"), (snomed("48105005"), "IIIC"),
     (concept("http://cancerstaging.org", "3C"), "IIIC"), ({"text": "Stage IIIC"}, "IIIC"),
     (concept("AJCC", "0"), "0")],
)  # fmt: skip
def test_ways_to_write_a_stage(value: Json, stage: str) -> None:
    made = read(breast(), observation("s", "21902-2", "2020-03-20", valueCodeableConcept=value))
    assert made.record["diagnosis"]["initial_stage"] == stage


def test_stage_iv_and_m1_are_metastatic() -> None:
    iv = observation("s", "21908-9", "2025-03-20", valueCodeableConcept=snomed("258228008"))
    assert read(breast(), iv).record["diagnosis"] == {
        "cancer": "breast", "date": "2020-03-01", "extent": "metastatic"}  # fmt: skip
    m1 = observation("m", "21901-4", "2025-03-20", valueCodeableConcept=snomed("1229916009"))
    assert read(breast(onset=None), m1).record["diagnosis"] == {
        "cancer": "breast", "extent": "metastatic", "distant_metastasis_confirmed": True}  # fmt: skip


def test_m0_says_nothing_of_today() -> None:
    m0 = observation("m", "21907-1", "2020-03-20", valueCodeableConcept=snomed("1229901006"))
    assert "extent" not in read(breast(), m0).record["diagnosis"]


def test_a_stage_of_nobody_knows_which_cancer() -> None:
    iv = observation("s", "21908-9", "2020-03-20", valueCodeableConcept=snomed("258228008"))
    made = read(breast(), condition("lung", snomed("254637007")), iv)
    assert "initial_stage" not in made.record["diagnosis"]
    assert why(made, "s") == "not known to be about the breast cancer"


def test_stages_that_disagree_are_both_named() -> None:
    made = read(
        breast(
            stage=[
                {"summary": snomed("1222806003"), "assessment": [{"reference": "Observation/s"}]}
            ]
        ),
        observation("s", "21908-9", "2020-03-20", valueCodeableConcept=snomed("1222769001")),
    )
    assert "initial_stage" not in made.record["diagnosis"]
    (found,) = made.problems
    assert "IIB (Observation/s), IIIC (Condition/c); neither is used" in found.message


@pytest.mark.parametrize(
    ("value", "grade"),
    [
        *[({"valueInteger": n}, n) for n in range(6)],
        ({"valueInteger": -1}, None), ({"valueInteger": 6}, None),
        ({"valueCodeableConcept": loinc("LA9624-3")}, 2),
        ({"valueCodeableConcept": snomed("422512005")}, 1),
        ({"valueQuantity": {"value": 1, "unit": "{score}"}}, 1),
        ({"valueQuantity": {"value": 1.5}}, None),
        ({"valueQuantity": {"value": 1, "unit": "%"}}, None),
        ({"valueString": "3"}, 3), ({"valueString": "good"}, None), ({"valueBoolean": True}, None),
        ({"valueInteger": 1, "interpretation": [loinc("LA9623-5")]}, 1),
        ({"valueInteger": 1, "interpretation": [loinc("LA9622-7")]}, None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("code", ["89247-1", "89262-0"])
def test_ecog(code: str, value: Json, grade: int | None) -> None:
    made = read(observation("e", code, **value))
    assert [it["ecog"] for it in made.record["performance_status"]] == (
        [] if grade is None else [grade]
    )
    assert bool(made.problems) == (grade is None)


def test_karnofsky_is_no_ecog() -> None:
    made = read(observation("k", "89243-0", valueInteger=90))
    assert made.record["performance_status"] == []
    assert why(made, "k") == "measures something that a record does not hold"


@pytest.mark.parametrize(
    ("more", "when"),
    [
        ({"effectiveDateTime": "2026-01-10T23:59:59+13:00"}, "2026-01-10"),
        ({"effectiveDateTime": "2026"}, "2026"),
        ({"effectiveInstant": "2026-01-10T10:00:00Z"}, "2026-01-10"),
        ({"effectivePeriod": {"start": "2026-01-10", "end": "2026-01-12"}}, "2026-01"),
        ({"effectivePeriod": {"start": "2026-01-10"}}, "2026-01-10"),
        ({"effectivePeriod": {"start": "2025-12-30", "end": "2026-01-02"}}, None),
        ({"effectiveTiming": {"event": ["2026-01-10"]}}, "2026-01-10"),
        ({"issued": "2026-01-10T10:00:00Z"}, None),
    ],
)
def test_dates_of_observations(more: Json, when: str | None) -> None:
    (entry,) = read(observation("e", "89247-1", None, valueInteger=1, **more)).record[
        "performance_status"
    ]
    assert entry.get("date") == when


def test_a_period_that_ends_before_it_starts() -> None:
    period = {"effectivePeriod": {"start": "2026-01-10", "end": "2026-01-09"}}
    made = read(observation("e", "89247-1", None, valueInteger=1, **period))
    assert "a period that ends before it starts" in problem(made, "e")


@pytest.mark.parametrize(
    ("when", "used"), [("2026-01-15T09:00:00Z", True), ("2026-01-16T09:00:00Z", False)]
)
def test_what_was_written_down_after_the_screening_date(when: str, used: bool) -> None:
    made = read(
        observation("e", "89247-1", None, valueInteger=1, issued=when),
        condition("m", snomed("94222008"), recordedDate=when),
        as_of=AS_OF,
    )
    assert [len(made.record[it]) for it in ("performance_status", "metastases")] == [used, used]


@pytest.mark.parametrize(
    ("code", "test", "value", "unit"),
    [("751-8", "anc", 2.5, "10*3/uL"), ("26499-4", "anc", 2.5, "K/uL"), ("777-3", "platelets", 200, "10*9/L"),
     ("718-7", "hemoglobin", 12.1, "g/dL"), ("1975-2", "bilirubin", 0.7, "mg/dL"),
     ("14631-6", "bilirubin", 12, "umol/L"), ("1742-6", "alt", 30, "U/L"), ("1920-8", "ast", 30, "U/L"),
     ("2160-0", "creatinine", 0.8, "mg/dL"), ("2164-2", "creatinine_clearance", 80, "mL/min"),
     ("10230-1", "lvef", 60, "%"), ("76634-5", "qtcf", 420, "ms")],
)  # fmt: skip
def test_labs(code: str, test: str, value: float, unit: str) -> None:
    made = read(lab("x", code, value, unit))
    assert made.record["labs"] == [
        {"test": test, "date": "2026-01-10", "value": value, "unit": unit}
    ]
    assert made.problems == []


@pytest.mark.parametrize(
    ("named", "unit"),
    [
        ({"unit": "K/uL"}, "K/uL"),
        ({"unit": "thousand cells", "code": "10*3/uL"}, "10*3/uL"),
        ({"unit": "10*9/L", "code": "unity"}, "10*9/L"),
        ({"code": "10*9/L"}, "10*9/L"),
    ],
)
def test_the_unit_that_is_accepted_counts(named: Json, unit: str) -> None:
    made = read(observation("x", "751-8", valueQuantity={"value": 2, **named}))
    assert made.record["labs"][0]["unit"] == unit
    assert made.problems == []


@pytest.mark.parametrize(
    ("value", "unit", "message"),
    [
        (3000, "10*3/uL", "neutrophil count of 3000 ×10⁹/L is outside 0 to 100"),
        (2, "K", "its unit is not accepted for absolute neutrophil count"),
        (2, "mg/dL", "its unit is not accepted"),
        (2, None, "without a unit"),
        (100.1, "10*9/L", "outside 0 to 100"),
        (-0.1, "10*9/L", "outside 0 to 100"),
    ],
)
def test_values_that_are_unknown_in_the_record_stand_there(
    value: float, unit: str | None, message: str
) -> None:
    made = read(lab("x", "751-8", value, unit), lab("old", "751-8", 3, "10*9/L", "2025-12-20"))
    assert message in problem(made, "x")
    assert len(made.record["labs"]) == 2


@pytest.mark.parametrize("value", [0, 100])
def test_plausible_bounds_are_plausible(value: float) -> None:
    assert read(lab("x", "751-8", value, "10*9/L")).problems == []


@pytest.mark.parametrize(
    ("ranges", "limits"),
    [
        ([{"low": quantity(5, "U/L"), "high": quantity(40, "U/L")}], (5, 40)),
        ([{"high": quantity(40, "U/L")}], (None, 40)),
        ([{"high": quantity(40)}], (None, None)),
        ([{"high": quantity(0.6, "ukat/L")}], (None, None)),
        ([{"high": quantity(40, "U/L")}, {"high": quantity(50, "U/L")}], (None, None)),
        ([{"high": quantity(40, "U/L"), "type": concept("x", "normal")},
          {"high": quantity(90, "U/L"), "type": concept("x", "treatment")}], (None, 40)),
        ([{"low": quantity(50, "U/L"), "high": quantity(40, "U/L")}], (None, None)),
        ([{"text": "up to 40"}], (None, None)),
    ],
)  # fmt: skip
def test_limits(ranges: list[Json], limits: tuple[float | None, float | None]) -> None:
    (entry,) = read(lab("x", "1742-6", 30, "U/L") | {"referenceRange": ranges}).record["labs"]
    assert (entry.get("lower_limit"), entry.get("upper_limit")) == limits


def gene(code: str = "HGNC:8975", display: str | None = None) -> Json:
    return {
        "code": loinc("48018-6"),
        "valueCodeableConcept": concept("http://www.genenames.org", code, display),
    }


def variant(presence: str, *components: Json, **more: object) -> Json:
    return observation(
        "v", "69548-6", valueCodeableConcept=loinc(presence), component=list(components), **more
    )


PROTEIN = {
    "code": loinc("48005-3"),
    "valueCodeableConcept": concept("http://varnomen.hgvs.org", "p.H1047R"),
}


def test_an_altered_gene() -> None:
    origin = {"code": loinc("48002-0"), "valueCodeableConcept": loinc("LA6684-0")}
    plasma = of(
        "Specimen", "s", type=concept("http://terminology.hl7.org/CodeSystem/v2-0487", "PLAS")
    )
    made = read(
        variant("LA9633-4", gene(), PROTEIN, origin, specimen={"reference": "Specimen/s"}), plasma
    )
    assert made.record["genomics"] == [{
        "gene": "PIK3CA", "result": "altered", "variant": "p.H1047R", "origin": "somatic",
        "specimen": "ctdna", "date": "2026-01-10"}]  # fmt: skip


def significance(code: str) -> Json:
    return {"code": loinc("53037-8"), "valueCodeableConcept": loinc(code)}


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (
            variant("LA9634-2", gene(), gene("HGNC:3467")),
            [("ESR1", "wild_type"), ("PIK3CA", "wild_type")],
        ),
        (variant("LA9634-2", gene(), PROTEIN), []),
        (variant("LA9633-4", gene("9999", "NEW1")), [("NEW1", "altered")]),
        (variant("LA9633-4", gene("1100")), [("BRCA1", "altered")]),
        (variant("LA9633-4", gene(), significance("LA6668-3")), [("PIK3CA", "altered")]),
        (variant("LA9633-4", gene(), significance("LA26333-7")), []),
        (variant("LA9633-4", gene(), significance("LA6675-8")), []),
        (variant("LA9633-4"), []),
        (variant("LA9633-4", gene(), gene("HGNC:3467")), []),
        (variant("LA6576-8", gene()), []),
    ],
)
def test_genes(raw: Json, found: list[tuple[str, str]]) -> None:
    made = read(raw)
    assert [(it["gene"], it["result"]) for it in made.record["genomics"]] == found


def status(name: str, code: str, when: str) -> Json:
    return observation(name, "97509-4", when, valueCodeableConcept=snomed(code))


def test_progression() -> None:
    worse = status("a", "271299001", "2025-10-07")
    assert read(breast(), worse).record["follow_up"] == {"progression_date": "2025-10-07"}
    assert "follow_up" not in read(breast(), worse, status("b", "271299001", "2025-12-01")).record
    assert "follow_up" not in read(breast(), status("a", "268910001", "2025-10-07")).record
    unread = status("b", "1", "2025-12-01")
    assert "follow_up" not in read(breast(), worse, unread).record


@pytest.mark.parametrize(("state", "number"), [("active", 1), ("resolved", 0)])
def test_effusions(state: str, number: int) -> None:
    clinical = concept("http://terminology.hl7.org/CodeSystem/condition-clinical", state)
    made = read(condition("a", snomed("389026000"), "2025-12", clinicalStatus=clinical))
    assert (
        made.record["effusions"]
        == [{"kind": "ascites", "present": True, "date": "2025-12"}] * number
    )
