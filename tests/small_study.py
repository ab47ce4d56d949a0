"""A study of two criteria, and records for it, so that a test of the program runs quickly."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

CRITERIA = Path(__file__).resolve().parents[1] / "criteria"

STUDY = """\
# A made-up study.
id: small
title: >-
  A small study, to try
  the program
version: "1.10"
registry: NCT00000000
sources: ["made up"]
as_of_means: the screening date
examples_as_of: 2026-01-15

parameters:
  adult_age: {value: 18, unit: years, source: made up, assumed: true}

criteria:
  - id: A1
    kind: inclusion
    text: Grown up.
    source: item 1
    reading: By completed years.
    met_when: at_least(age, adult_age)
    met: "Age {age}; at least {adult_age}."
    not_met: "Age {age}; at least {adult_age}."
    clears_after: "years_after([birth_date], adult_age)"
    examples:
      - {record: {birth_date: "2000-01-01"}, truth: met}
      - {record: {birth_date: "2020-01-01"}, truth: not_met, why: a child}
      - {record: {}, truth: unknown}
  - id: X1
    kind: exclusion
    text: Any of two.
    source: item 2
    any:
      - id: X1a
        text: Dalpiciclib was given.
        met_when: earlier_dalpiciclib
        met: It was given.
        not_met: It was not given.
        examples:
          - {record: {therapies: [{drugs: [dalpiciclib]}]}, truth: met}
          - {record: {therapies: []}, truth: not_met}
          - {record: {}, truth: unknown}
      - id: X1b
        text: The bowel is obstructed.
        met_when: bowel_obstruction
        met: It is.
        not_met: It is not.
        examples:
          - {record: {assessments: {bowel_obstruction: true}}, truth: met}
          - {record: {assessments: {bowel_obstruction: false}}, truth: not_met}
          - {record: {}, truth: unknown}

advisories:
  - {id: child, when: "at_most(age, 17)", text: "Age {age}: ask the parents."}
"""

OTHER = """\
id: other
title: Another small study
version: "2"
sources: ["made up"]
as_of_means: the screening date
examples_as_of: 2026-01-15
parameters:
  months_needed: {value: 3, unit: months, source: made up}
criteria:
  - id: L1
    kind: inclusion
    text: Expected to live.
    source: item 1
    met_when: life_expectancy >= months_needed
    met: "{life_expectancy} months."
    not_met: "{life_expectancy} months."
    examples:
      - {record: {life_expectancy_months: 3}, truth: met}
      - {record: {life_expectancy_months: 2}, truth: not_met}
      - {record: {}, truth: unknown}
"""

FACTS = """\
examples_as_of: 2026-01-15
facts:
  - name: bowel_obstruction
    label: obstruction
    means: The bowel is obstructed.
    type: boolean
    source: record
    sql: assessments.bowel_obstruction
    unknown: [{say: Not recorded., ask: whether the bowel is obstructed}]
    examples:
      - {record: {assessments: {bowel_obstruction: true}}, value: true}
"""

WITH_OWN_FACTS = """\
id: own-facts
title: A study with facts of its own
version: "1"
sources: ["made up"]
as_of_means: the screening date
examples_as_of: 2026-01-15
criteria:
  - id: X1
    kind: exclusion
    text: The bowel is obstructed.
    source: item 1
    met_when: bowel_obstruction
    met: It is.
    not_met: It is not.
    examples:
      - {record: {assessments: {bowel_obstruction: true}}, truth: met}
      - {record: {assessments: {bowel_obstruction: false}}, truth: not_met}
      - {record: {}, truth: unknown}
"""

ELIGIBLE: dict[str, Any] = {
    "id": "P-1",
    "birth_date": "1970-01-01",
    "therapies": [],
    "assessments": {"bowel_obstruction": False},
    "life_expectancy_months": 12,
}
INELIGIBLE = {**ELIGIBLE, "id": "P-2", "birth_date": "2020-01-01", "life_expectancy_months": 1}
UNDETERMINED = {**ELIGIBLE, "id": "P-3", "birth_date": None, "life_expectancy_months": None}
REJECTED = {**ELIGIBLE, "id": "P-4", "birth_date": "1970-13"}


def write(path: Path, data: object) -> str:
    """Write a record or several as JSON; the path as an argument."""
    path.write_text(json.dumps(data), "utf-8")
    return str(path)


def encoding_folder(folder: Path, study: str = WITH_OWN_FACTS, facts: str = FACTS) -> Path:
    """A folder with facts, logic and dictionaries of its own, and one study."""
    (folder / "studies").mkdir(parents=True)
    (folder / "facts").mkdir()
    for name in ("logic.sql", "drugs.yaml", "sites.yaml", "labs.yaml", "neoplasms.yaml"):
        shutil.copy(CRITERIA / name, folder)
    (folder / "studies" / "own-facts.yaml").write_text(study, "utf-8")
    (folder / "facts" / "few.yaml").write_text(facts, "utf-8")
    return folder
