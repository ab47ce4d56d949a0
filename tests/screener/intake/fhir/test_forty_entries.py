"""A whole mCODE bundle, entry by entry: what the record gets from each, or why it gets nothing.

The sample is made up. It has the entries of the official example of a breast cancer patient, in
their order and dialect, with other values. So this table is also that of docs/fhir.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fhir_build import AS_OF, checked

from screener.intake.fhir import bundle

SAMPLE = Path("sample_patients/fhir/forty_entries.json")
ORDERED = "ordered or dispensed, not known to be given"
UNLISTED = "no code that is listed"
NO_FIELD = "measures something that a record does not hold"
NOT_READ = "a resource type that is not read"
OF_ONE_SPECIMEN = "read only for which results are of one specimen"
STAGES_DISAGREE = "disagrees with another on the stage at first diagnosis"

# resource: what the record gets from it, and why it, or some of it, is not used
TABLE: list[tuple[str, dict[str, Any], str]] = [
    ("Patient/FHIR-04", {"id": "FHIR-04", "sex": "female", "birth_date": "1971-06-15"}, ""),
    ("Condition/cancer",
     {"diagnosis.cancer": "breast", "diagnosis.date": "2024-02-19"}, STAGES_DISAGREE),
    ("MedicationRequest/order-epirubicin", {}, ORDERED),
    ("MedicationRequest/order-docetaxel", {}, ORDERED),
    ("MedicationRequest/order-carboplatin", {}, ORDERED),
    ("MedicationRequest/order-letrozole", {}, ORDERED),
    ("Observation/disease-status", {}, "disease status stable: a record has no field for it"),
    ("Observation/variant",
     {"genomics[0].gene": "PIK3CA", "genomics[0].result": "altered",
      "genomics[0].variant": "p.(His1047Arg)", "genomics[0].origin": "somatic",
      "genomics[0].date": "2024-02-28"}, ""),
    ("DiagnosticReport/genomics-report", {}, OF_ONE_SPECIMEN),
    ("Procedure/mastectomy",
     {"procedures[1].name": "Simple mastectomy", "procedures[1].date": "2024-03-08"}, ""),
    ("Observation/comorbidities", {}, UNLISTED),
    ("Procedure/radiotherapy",
     {"therapies[0].drugs[0]": "radiotherapy", "therapies[0].setting": "adjuvant",
      "therapies[0].start": "2024-08-05", "therapies[0].end": "2024-08-26"}, ""),
    ("Observation/stage", {}, STAGES_DISAGREE),
    ("Observation/t-category", {}, NO_FIELD),
    ("Observation/n-category", {}, NO_FIELD),
    ("Observation/m-category", {}, "M0 at staging says nothing of a later day"),
    ("Specimen/biopsy-specimen", {}, "read only for what refers to it"),
    ("Observation/region-studied", {}, NO_FIELD),
    ("Observation/ecog",
     {"performance_status[0].ecog": 1, "performance_status[0].date": "2024-03-19"}, ""),
    ("Observation/er",
     {"pathology[0].er_status": "positive", "pathology[0].date": "2024-02-23"}, ""),
    ("Observation/pr", {"pathology[0].pr_status": "positive"}, ""),
    ("Observation/her2", {"pathology[0].her2_status": "equivocal"}, ""),
    ("Observation/recurrence-score", {}, UNLISTED),
    ("Observation/tumor-size", {}, UNLISTED),
    ("Procedure/biopsy",
     {"procedures[0].name": "Biopsy of breast using ultrasonographic guidance",
      "procedures[0].date": "2024-02-19"}, ""),
    ("Observation/weight", {}, UNLISTED),
    ("Observation/neutrophils",
     {"labs[0].test": "anc", "labs[0].value": 4100, "labs[0].unit": "10*3/uL",
      "labs[0].date": "2024-05-14", "labs[0].lower_limit": 1800, "labs[0].upper_limit": 7500}, ""),
    ("Organization/clinic", {}, NOT_READ),
    ("Observation/smoking", {}, UNLISTED),
    ("Procedure/mammography", {}, "an examination, no intervention"),
    ("FamilyMemberHistory/family-mother", {}, NOT_READ),
    ("FamilyMemberHistory/family-uncle", {}, NOT_READ),
    ("DiagnosticReport/pathology-report", {}, OF_ONE_SPECIMEN),
    ("Observation/pack-years", {}, UNLISTED),
    ("Observation/invasion", {}, UNLISTED),
    ("Observation/margins", {}, UNLISTED),
    ("Observation/sentinel-nodes", {}, UNLISTED),
    ("Observation/dcis", {}, UNLISTED),
    ("Practitioner/oncologist", {}, NOT_READ),
    ("Practitioner/pathologist", {}, NOT_READ),
]  # fmt: skip


def values(value: Any, path: str = "") -> dict[str, Any]:
    """Every value of a record by its path."""
    if isinstance(value, dict):
        inner = [values(it, f"{path}.{key}" if path else key) for key, it in value.items()]
    elif isinstance(value, list):
        inner = [values(it, f"{path}[{number}]") for number, it in enumerate(value)]
    else:
        return {path: value}
    return {name: it for found in inner for name, it in found.items()}


def test_each_entry_gives_what_the_table_says_and_nothing_else() -> None:
    sample = json.loads(SAMPLE.read_text("utf-8"))
    entries = [it["resource"] for it in sample["entry"]]
    assert [f"{it['resourceType']}/{it['id']}" for it in entries] == [row[0] for row in TABLE]
    made = bundle.read(sample, as_of=AS_OF)
    checked(made)

    found = values({key: it for key, it in made.record.items() if key != "partial"})
    assert found == {path: it for _, gives, _ in TABLE for path, it in gives.items()}
    assert {path: made.origin(path) for path in found} == {
        path: resource for resource, gives, _ in TABLE for path in gives
    }
    assert {it.resource: it.why for it in made.unused} == {
        resource: reason for resource, _, reason in TABLE if reason
    }
    assert all(gives or reason for _, gives, reason in TABLE)


def test_what_is_wrong_with_it_is_named() -> None:
    made = bundle.read(json.loads(SAMPLE.read_text("utf-8")), as_of=AS_OF)
    assert {it.path: it.message for it in made.problems} == {
        "Observation/neutrophils": "absolute neutrophil count of 4100 ×10⁹/L is outside 0 to 100, "
        "so the value or its unit is wrong: it is unknown",
        "Condition/cancer and Observation/stage": "they disagree on the stage at first diagnosis: "
        "IIB (Observation/stage), IIIA (Condition/cancer); neither is used",
    }
    (ordered,) = [it.text for it in made.notes if it.id == "fhir-ordered"]
    assert "carboplatin, docetaxel, epirubicin, letrozole. Confirm" in ordered
