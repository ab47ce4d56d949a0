"""Bundles of every type and dialect, and what references lead to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fhir_build import AS_OF, Json, breast, bundled, checked, observation, of, patient, read

from screener.intake.fhir import bundle
from screener.intake.fhir.resources import Index, Resource

SAMPLES = Path(__file__).parents[4] / "sample_patients" / "fhir"
BASE = "http://example.org/fhir"
URN = "urn:uuid:7c9c6a4e-2f0b-4a35-9a55-0d0f4b1f0001"


@pytest.mark.parametrize(
    "kind",
    ["collection", "transaction", "batch", "searchset", "document", "message", "history", None],
)
def test_every_type_of_bundle(kind: str | None) -> None:
    raw = bundled(patient(), breast())
    raw = {key: value for key, value in (raw | {"type": kind}).items() if value}
    assert bundle.read(raw).record["diagnosis"]["cancer"] == "breast"


def test_a_bundle_in_a_bundle() -> None:
    assert (
        bundle.read(bundled(bundled(patient(), breast()))).record["diagnosis"]["cancer"] == "breast"
    )


def test_a_page_of_a_search_says_that_there_is_more() -> None:
    raw = bundled(patient()) | {"link": [{"relation": "next", "url": "http://x"}]}
    assert [it.id for it in bundle.read(raw).notes] == ["fhir-page"]


@pytest.mark.parametrize("raw", [{"entry": 3}, {"entry": {}}, {"entry": "x"}])
def test_entries_that_are_no_list(raw: Json) -> None:
    with pytest.raises(bundle.NotOnePatient, match="`entry` is no list"):
        bundle.read({"resourceType": "Bundle"} | raw)


def test_a_single_resource_is_no_bundle() -> None:
    with pytest.raises(bundle.NotOnePatient, match="a single FHIR resource and no Bundle"):
        bundle.read(patient())


@pytest.mark.parametrize(
    ("urls", "reference", "found"),
    [
        ((None, None), "Patient/p", True),
        ((None, None), f"{BASE}/Patient/p", True),
        ((URN, None), URN, True),
        ((URN, None), "Patient/p", True),
        ((f"{BASE}/Patient/p", f"{BASE}/Observation/o"), "Patient/p", True),
        ((f"{BASE}/Patient/p", f"{BASE}/Observation/o"), f"{BASE}/Patient/p", True),
        ((f"{BASE}/Patient/p", f"{BASE}/Observation/o"), f"{BASE}/Patient/p/_history/3", True),
        ((f"{BASE}/Patient/p", f"{BASE}/Observation/o"), "http://elsewhere.org/Patient/p", False),
        ((f"{BASE}/Patient/p", "http://elsewhere.org/Observation/o"), "Patient/p", False),
        ((None, None), "Patient/q", False),
        ((None, None), "Person/p", False),
        ((None, None), "urn:uuid:0", False),
        ((None, None), "not a reference", False),
        ((None, None), "#p", False),
    ],
)
def test_references(urls: tuple[str | None, str | None], reference: str, found: bool) -> None:
    target = Resource("Patient", patient(), "entry[0]", urls[0])
    source = Resource("Observation", observation("o", "751-8"), "entry[1]", urls[1])
    resolved = Index([target, source]).resolve({"reference": reference}, source)
    assert (resolved is target) == found
    assert resolved is None or found


@pytest.mark.parametrize("reference", [None, 3, {}, {"reference": 5}, {"display": "x"}, []])
def test_what_is_no_reference_leads_nowhere(reference: object) -> None:
    source = Resource("Observation", observation("o", "751-8"), "entry[0]")
    assert Index([source]).resolve(reference, source) is None


def test_a_name_that_two_have_leads_nowhere() -> None:
    two = [
        Resource("Patient", patient(gender=it), f"entry[{n}]")
        for n, it in enumerate(("male", "other"))
    ]
    assert Index(two).resolve({"reference": "Patient/p"}, two[0]) is None


def test_contained_resources() -> None:
    raw = observation("o", "751-8") | {
        "contained": [{"resourceType": "Specimen", "id": "s"}, 3, {"id": 4}]
    }
    source = Resource("Observation", raw, "entry[0]")
    index = Index([source])
    inner = index.resolve({"reference": "#s"}, source)
    assert inner is not None
    assert (inner.kind, inner.label) == ("Specimen", "Observation/o#s")
    assert index.resolve({"reference": "#"}, inner) is source
    assert index.resolve({"reference": "#t"}, source) is None


def test_of_somebody_else() -> None:
    group = {"resourceType": "Group", "id": "g"}
    of_group = observation("o", "89247-1", valueInteger=1) | {"subject": {"reference": "Group/g"}}
    made = read(group, of_group)
    assert made.record["performance_status"] == []


def test_keys_that_are_given_twice(tmp_path: Path) -> None:
    from screener.intake import json_file  # noqa: PLC0415

    text = json.dumps(bundled(patient(), observation("o", "89247-1", valueInteger=1)))
    path = tmp_path / "bundle.json"
    path.write_text(
        text.replace('"valueInteger": 1', '"valueInteger": 1, "valueInteger": 3'), "utf-8"
    )
    (record,) = json_file.read(str(path), today=AS_OF)
    assert record.performance_status == []  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["bundle", "transaction_stu1", "faults", "forty_entries"])
def test_samples_are_read_and_say_that_they_are_made_up(name: str) -> None:
    made = bundle.read(json.loads((SAMPLES / f"{name}.json").read_text("utf-8")), as_of=AS_OF)
    checked(made)
    assert made.record["id"].startswith("FHIR-")
    assert bool(made.problems) == (name in ("faults", "forty_entries"))


def test_the_sample_with_faults_names_each() -> None:
    made = bundle.read(json.loads((SAMPLES / "faults.json").read_text("utf-8")), as_of=AS_OF)
    named = {problem.path.split("/")[1].split(" ")[0] for problem in made.problems}
    assert named == {"o-stage-1", "o-anc-unit", "o-plt-two", "o-ecog-seven", "o-misfiled", "o-other",
                     "o-circle-1", "o-circle-2", "m-dstu2", "m-lost"}  # fmt: skip
    assert [it["test"] for it in made.record["labs"]] == ["anc", "hemoglobin"]
    assert made.record["performance_status"] == []


def test_both_dialects_give_the_same() -> None:
    """STU 1 and 2 write drugs as statements and short names of systems, STU 3 and 4 do not."""
    made = bundle.read(
        json.loads((SAMPLES / "transaction_stu1.json").read_text("utf-8")), as_of=AS_OF
    )
    assert made.record["diagnosis"] == {
        "cancer": "breast",
        "date": "2024-06-03",
        "extent": "metastatic",
    }
    assert made.record["pathology"] == [
        {"date": "2024-06", "er_status": "positive", "her2_status": "negative"}
    ]
    assert made.record["performance_status"] == [{"date": "2026-01-05", "ecog": 2}]
    assert [it["drugs"] for it in made.record["therapies"]] == [
        ["HRX-0000"],
        ["capecitabine"],
        ["ribociclib"],
    ]
    assert made.record["follow_up"] == {"progression_date": "2025-10-07"}


@pytest.mark.parametrize("depth", [5, 2000])
def test_deep_nesting_is_no_crash(depth: int) -> None:
    deep: object = "end"
    for _ in range(depth):
        deep = {"extension": [deep]}
    made = read(of("Procedure", "x", status="completed", code={"text": "x"}, note=deep))
    assert len(made.record["procedures"]) == 1
