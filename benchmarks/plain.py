"""A straightforward program for one study: what `screen batch` is measured against.

    python benchmarks/plain.py EXPORT.ndjson LOG.csv YYYY-MM-DD

Screens NDJSON for DAWNA-FES, a record at a time in one process, with the pydantic model of the
record and a plain function for each criterion, and writes a screening log with the csv module. It
gives no reasons and reads no other form of input. The criteria are written a second time, from
their description and not from the encoding: a test compares the two record by record.
"""

from __future__ import annotations

import csv
import sys
from datetime import date
from pathlib import Path
from typing import Any

import plain_criteria as c
import plain_imaging as imaging
import plain_therapy as therapy
from plain_logic import Criterion, Patient, Truth, every, negation, some
from pydantic import ValidationError

from screener.record import Record


def _call(name: str) -> Criterion:
    return lambda patient: patient.call(name)


def _not_called(name: str) -> Criterion:
    return lambda patient: negation(patient.call(name))


CRITERIA: dict[str, Criterion | dict[str, Criterion]] = {
    "AGE": c.age,
    "DX": c.disease,
    "I1": {"I1a": c.hormone_receptor_positive, "I1b": c.her2_negative},
    "I2": imaging.fes_positive,
    "I3": c.ecog,
    "I4": c.life_expectancy,
    "I5": {
        "I5a": therapy.earlier_inhibitor,
        "I5b": therapy.chemotherapy_lines,
        "I5c": therapy.endocrine_lines,
    },
    "I6": _call("willing_fdg_pet"),
    "I7": imaging.measurable,
    "I8": {
        "I8a": c.at_least("anc", "1.5"),
        "I8b": c.at_least("platelets", "90"),
        "I8c": c.at_least("hemoglobin", "90"),
        "I8d": c.bilirubin,
        "I8e": c.transaminase("alt"),
        "I8f": c.transaminase("ast"),
        "I8g": c.at_least("creatinine_clearance", "30"),
    },
    "I9": c.toxicity,
    "E1": imaging.fes_negative,
    "E2": therapy.dalpiciclib,
    "E3": c.leptomeningeal,
    "E4": c.central_nervous_system,
    "E5": {
        "E5a": _call("visceral_crisis"),
        "E5b": _call("rapid_progression"),
        "E5c": _not_called("suitable_for_endocrine_therapy"),
    },
    "E6": {"E6a": c.ascites, "E6b": c.pleural_effusion, "E6c": c.pericardial_drainage},
    "E7": {
        "E7a": _not_called("able_to_swallow"),
        "E7b": _call("bowel_obstruction"),
        "E7c": _call("absorption_disorder"),
    },
    "E8": c.other_malignancy,
    "E9": {"E9a": c.surgery_or_injury, "E9b": c.planned_surgery},
    "E10": c.allergy,
}
"""The criteria, or their parts: an inclusion needs all of its parts, an exclusion any."""


def truths(record: Record, as_of: date) -> dict[str, Truth]:
    """The truth of each criterion and each part."""
    patient = Patient(record, as_of)
    found: dict[str, Truth] = {}
    for name, criterion in CRITERIA.items():
        if isinstance(criterion, dict):
            parts = {part: function(patient) for part, function in criterion.items()}
            found[name] = (every if name.startswith("I") else some)(parts.values())
            found |= parts
        else:
            found[name] = criterion(patient)
    return found


def verdict(found: dict[str, Truth]) -> tuple[str, list[str], list[str]]:
    """The status, the criteria that fail, and those that are unknown."""
    failed = [name for name in CRITERIA if found[name] is name.startswith("E")]
    unknown = [name for name in CRITERIA if found[name] is None]
    return "ineligible" if failed else "undetermined" if unknown else "eligible", failed, unknown


def screen(export: Path, log: Path, as_of: date) -> tuple[int, int]:
    """Screen an export and write its log; the numbers of records screened and rejected."""
    screened = rejected = 0
    with export.open("rb") as lines, log.open("w", encoding="utf-8", newline="") as file:
        table: Any = csv.writer(file)
        table.writerow(("patient_id", "status", "failed", "unknown"))
        for line in lines:
            try:
                record = Record.model_validate_json(line)
            except ValidationError:
                rejected += 1
                continue
            status, failed, unknown = verdict(truths(record, as_of))
            table.writerow((record.id, status, ";".join(failed), ";".join(unknown)))
            screened += 1
    return screened, rejected


if __name__ == "__main__":
    print("screened {}, rejected {}".format(
        *screen(Path(sys.argv[1]), Path(sys.argv[2]), date.fromisoformat(sys.argv[3]))
    ))  # fmt: skip
