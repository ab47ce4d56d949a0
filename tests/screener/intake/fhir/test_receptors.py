"""ER, PR, HER2, Ki-67: values, thresholds, specimens, contradictions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from fhir_build import (
    Json,
    concept,
    loinc,
    observation,
    of,
    problem,
    quantity,
    read,
    snomed,
    why,
)  # fmt: skip

from screener.intake.fhir.receptors import hybridised

ER, PR, HER2, IHC, ISH = "85337-4", "85339-0", "48676-1", "85319-2", "85318-4"
RATIO, COPIES = "49683-6", "74860-8"


def one(*resources: Json) -> Json:
    (entry,) = read(*resources).record["pathology"]
    return {key: value for key, value in entry.items() if key != "date"}


@pytest.mark.parametrize(
    ("value", "entry"),
    [
        ({"valueCodeableConcept": snomed("10828004")}, {"er_status": "positive"}),
        ({"valueCodeableConcept": snomed("260385009")}, {"er_status": "negative"}),
        ({"valueCodeableConcept": loinc("LA6576-8")}, {"er_status": "positive"}),
        ({"valueCodeableConcept": {"text": "Negative"}}, {"er_status": "negative"}),
        ({"valueString": "POSITIVE"}, {"er_status": "positive"}),
        ({"valueQuantity": quantity(80, "%")}, {"er_percent": 80}),
        ({"valueQuantity": quantity(0, "%")}, {"er_percent": 0}),
        ({"valueQuantity": quantity(100, "%")}, {"er_percent": 100}),
        ({"valueQuantity": quantity(0.9, "%", comparator=">=")}, None),
        ({"valueQuantity": quantity(1, "%", comparator=">=")}, {"er_status": "positive"}),
        ({"valueQuantity": quantity(1.1, "%", comparator=">=")}, {"er_status": "positive"}),
        ({"valueQuantity": quantity(0.9, "%", comparator=">")}, None),
        ({"valueQuantity": quantity(1, "%", comparator=">")}, {"er_status": "positive"}),
        ({"valueQuantity": quantity(0.9, "%", comparator="<")}, {"er_status": "negative"}),
        ({"valueQuantity": quantity(1, "%", comparator="<")}, {"er_status": "negative"}),
        ({"valueQuantity": quantity(1.1, "%", comparator="<")}, None),
        ({"valueQuantity": quantity(0.9, "%", comparator="<=")}, {"er_status": "negative"}),
        ({"valueQuantity": quantity(1, "%", comparator="<=")}, None),
        ({"valueRange": {"low": {"value": 1}, "high": {"value": 10}}}, {"er_status": "positive"}),
        ({"valueRange": {"low": {"value": 0}, "high": {"value": 0.9}}}, {"er_status": "negative"}),
        ({"valueRange": {"low": {"value": 0}, "high": {"value": 1}}}, None),
        ({"valueQuantity": quantity(80)}, None),
        ({"valueQuantity": quantity(80, "fmol/mg")}, None),
        ({"valueQuantity": quantity(101, "%")}, None),
        ({"valueCodeableConcept": snomed("42425007")}, None),
        ({"valueCodeableConcept": {"text": "see report"}}, None),
    ],
)
def test_oestrogen_receptor(value: Json, entry: Json | None) -> None:
    made = read(observation("er", ER, **value))
    found = [{k: v for k, v in it.items() if k != "date"} for it in made.record["pathology"]]
    assert found == ([entry] if entry else [])
    assert bool(made.problems) == (entry is None)


@pytest.mark.parametrize(
    ("code", "value", "entry"),
    [
        (HER2, {"valueCodeableConcept": loinc("LA6577-6")}, {"her2_status": "negative"}),
        (HER2, {"valueCodeableConcept": loinc("LA11885-3")}, {"her2_status": "equivocal"}),
        (HER2, {"valueString": "2+"}, {"her2_ihc": "2+"}),
        (IHC, {"valueString": "0"}, {"her2_ihc": "0"}),
        (IHC, {"valueString": "3+"}, {"her2_ihc": "3+"}),
        (IHC, {"valueInteger": 0}, {"her2_ihc": "0"}),
        (IHC, {"valueInteger": 3}, {"her2_ihc": "3+"}),
        (IHC, {"valueQuantity": {"value": 2, "unit": "+"}}, {"her2_ihc": "2+"}),
        (IHC, {"valueInteger": 4}, None),
        (IHC, {"valueInteger": -1}, None),
        (IHC, {"valueQuantity": {"value": 2.5}}, None),
        (IHC, {"valueQuantity": {"value": 2, "comparator": ">"}}, None),
        (IHC, {"valueQuantity": {"value": 2, "unit": "%"}}, None),
        (IHC, {"valueCodeableConcept": snomed("10828004")}, {"her2_ihc": "3+"}),
        (IHC, {"valueCodeableConcept": snomed("42425007")}, {"her2_ihc": "2+"}),
        (IHC, {"valueCodeableConcept": snomed("260385009")}, {"her2_status": "negative"}),
        (ISH, {"valueString": "Not amplified"}, {"her2_ish": "negative"}),
        (ISH, {"valueCodeableConcept": snomed("10828004")}, {"her2_ish": "positive"}),
        (ISH, {"valueInteger": 2}, None),
        (ISH, {"valueString": "2+"}, None),
        ("29593-1", {"valueQuantity": quantity(15, "%")}, {"ki67_percent": 15}),
        ("29593-1", {"valueString": "positive"}, None),
        (RATIO, {"valueQuantity": {"value": 2.4, "comparator": ">"}}, None),
        (RATIO, {"valueRatio": {"numerator": {"value": 4}, "denominator": {"value": 0}}}, None),
        (RATIO, {"valueRatio": {"numerator": {"value": 4}}}, None),
        (COPIES, {"valueString": "many"}, None),
    ],
)
def test_her2_and_ki67(code: str, value: Json, entry: Json | None) -> None:
    made = read(observation("x", code, **value))
    found = [{k: v for k, v in it.items() if k != "date"} for it in made.record["pathology"]]
    assert found == ([entry] if entry else [])
    assert bool(made.problems) == (entry is None)


@pytest.mark.parametrize("code", ["32996-1", "42914-2", "51981-9", "85331-7"])
def test_what_is_no_status_never_counts(code: str) -> None:
    made = read(observation("x", code, valueCodeableConcept=snomed("10828004")))
    assert made.record["pathology"] == []
    assert why(made, "x") == "measures something that a record does not hold"


GROUPS: list[tuple[Any, Any, dict[Any, str]]] = [
    # ratio, copies, by IHC: none, 0, 1+, 2+, 3+
    ("2.0", "4.0", dict.fromkeys((None, "0", "1+", "2+", "3+"), "positive")),  # group 1
    ("2.1", "6.0", dict.fromkeys((None, "0", "1+", "2+", "3+"), "positive")),
    ("2.0", "3.9", {None: "equivocal", "0": "negative", "1+": "negative", "2+": "negative", "3+": "positive"}),
    ("1.9", "6.0", {None: "equivocal", "0": "negative", "1+": "negative", "2+": "positive", "3+": "positive"}),
    ("1.9", "6.1", {None: "equivocal", "2+": "positive"}),
    ("1.9", "5.9", {None: "equivocal", "0": "negative", "1+": "negative", "2+": "negative", "3+": "positive"}),
    ("1.9", "4.0", {None: "equivocal", "2+": "negative"}),
    ("1.9", "3.9", dict.fromkeys((None, "0", "1+", "2+", "3+"), "negative")),  # group 5
    ("1.99", "3.99", {None: "negative"}),
    (None, "6.0", {None: "positive"}),
    (None, "5.9", {None: "equivocal"}),
    (None, "4.0", {None: "equivocal"}),
    (None, "3.9", {None: "negative"}),
    ("2.5", None, {None: "equivocal", "2+": "equivocal"}),
    ("1.0", None, {None: "equivocal"}),
    (None, None, {None: None}),
]  # fmt: skip


@pytest.mark.parametrize(("ratio", "copies", "answers"), GROUPS)
def test_in_situ_hybridisation_by_asco_cap_2018(
    ratio: str | None, copies: str | None, answers: dict[str | None, str | None]
) -> None:
    for ihc, answer in answers.items():
        numbers = [None if it is None else Decimal(it) for it in (ratio, copies)]
        assert hybridised(*numbers, ihc)[0] == answer, ihc


def test_numbers_and_ihc_of_one_specimen_are_read_together() -> None:
    found = one(
        observation("ihc", IHC, valueString="2+"),
        observation(
            "ratio", RATIO, valueRatio={"numerator": {"value": 7}, "denominator": {"value": 4}}
        ),
        observation("copies", COPIES, valueQuantity={"value": 7}),
    )
    assert found == {"her2_ihc": "2+", "her2_ish": "positive"}


def test_a_group_that_needs_ihc_says_so() -> None:
    made = read(
        observation("ratio", RATIO, valueQuantity={"value": 1.8}),
        observation("copies", COPIES, valueQuantity={"value": 4.5}),
    )
    assert made.record["pathology"][0]["her2_ish"] == "equivocal"
    assert "ISH group 4: decided together with IHC" in made.notes[0].text


def test_the_laboratorys_reading_decides_what_numbers_leave_open() -> None:
    found = one(
        observation("ish", ISH, valueString="negative"),
        observation("ratio", RATIO, valueQuantity={"value": 1.8}),
        observation("copies", COPIES, valueQuantity={"value": 4.5}),
    )
    assert found == {"her2_ish": "negative"}


def test_a_reading_that_contradicts_the_numbers_stands_beside_them() -> None:
    made = read(
        observation("ish", ISH, valueString="positive"),
        observation("ratio", RATIO, valueQuantity={"value": 1.1}),
        observation("copies", COPIES, valueQuantity={"value": 2.2}),
    )
    assert sorted(it["her2_ish"] for it in made.record["pathology"]) == ["negative", "positive"]
    assert {it["date"] for it in made.record["pathology"]} == {"2026-01-10"}


def test_results_of_one_day_are_of_one_specimen_unless_they_say_otherwise() -> None:
    specimens = [of("Specimen", "a"), of("Specimen", "b")]
    er = observation("er", ER, valueString="positive")
    pr = observation("pr", PR, valueString="negative")
    assert len(read(er, pr).record["pathology"]) == 1
    of_two = [
        er | {"specimen": {"reference": "Specimen/a"}},
        pr | {"specimen": {"reference": "Specimen/b"}},
    ]
    assert len(read(*of_two, *specimens).record["pathology"]) == 2


def test_a_report_ties_results_of_different_days() -> None:
    report = of("DiagnosticReport", "r", status="final", code=loinc("22637-3"),
                result=[{"reference": "Observation/er"}, {"reference": "Observation/pr"}])  # fmt: skip
    er = observation("er", ER, "2026-01-03", valueString="positive")
    pr = observation("pr", PR, "2026-01-12", valueString="negative")
    (entry,) = read(er, pr, report).record["pathology"]
    assert entry == {"date": "2026-01", "er_status": "positive", "pr_status": "negative"}


def test_date_and_site_come_from_the_specimen() -> None:
    specimen = of("Specimen", "s", collection={"collectedDateTime": "2025-12-01T10:00:00Z",
                  "bodySite": snomed("10200004")})  # fmt: skip
    er = observation("er", ER, None, valueString="positive", specimen={"reference": "Specimen/s"})
    assert read(er, specimen).record["pathology"] == [
        {"date": "2025-12-01", "site": "liver", "er_status": "positive"}
    ]


def test_a_specimen_that_is_not_there_is_named_and_the_result_counts() -> None:
    er = observation("er", ER, valueString="positive", specimen={"reference": "Specimen/none"})
    made = read(er)
    assert made.record["pathology"][0]["er_status"] == "positive"
    assert "its specimen is not among the resources" in problem(made, "er")


def test_two_values_of_one_marker_both_stand() -> None:
    made = read(
        observation("a", ER, valueQuantity=quantity(60, "%")),
        observation("b", ER, valueQuantity=quantity(0, "%")),
    )
    assert [it["er_percent"] for it in made.record["pathology"]] == [0, 60]


def test_components_of_a_panel() -> None:
    panel = observation("panel", concept("http://x", "receptors"), component=[
        {"code": loinc(ER), "valueString": "positive"},
        {"code": loinc(PR), "valueQuantity": quantity(5, "%")},
        {"code": loinc(IHC), "valueInteger": 1},
    ])  # fmt: skip
    assert one(panel) == {"er_status": "positive", "pr_percent": 5, "her2_ihc": "1+"}


def test_what_is_about_another_cancer_does_not_count() -> None:
    lung = of("Condition", "lung", code=snomed("254637007"))
    er = observation("er", ER, valueString="positive", focus=[{"reference": "Condition/lung"}])
    made = read(lung, er)
    assert made.record["pathology"] == []
    assert why(made, "er") == "not known to be about the breast cancer"
