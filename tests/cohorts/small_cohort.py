"""A small cohort study, with an index date, a policy, a flow and every form of variable."""

from __future__ import annotations

from pathlib import Path

from screener.encoding.catalogue import Catalogue
from screener.plan import Plan

STUDY = """\
id: small-cohort
title: A made-up cohort
version: "1"
sources: [made up]
as_of_means: the day of review
examples_as_of: 2024-12-31

index_date:
  means: first start of dalpiciclib
  event: earlier_dalpiciclib
  day: dalpiciclib_started
  entry: dalpiciclib_entry

undocumented_counts_as_none:
  - {list: other_malignancies, source: a review of charts}

criteria:
  - id: A
    kind: inclusion
    text: Female.
    source: item 1
    met_when: female
    met: Female.
    not_met: Not female.
  - id: B
    kind: inclusion
    text: ECOG 0 or 1.
    source: item 2
    met_when: ecog_recorded <= 1
    met: "{ecog_entries}."
    not_met: "{ecog_entries}."
  - id: C
    kind: exclusion
    text: Another solid tumour.
    source: item 3
    met_when: other_solid_tumour
    met: There is one.
    not_met: There is none.

flow:
  screened: All of them
  included: Those who remain
  steps:
    - {criterion: C, label: Had another tumour}
    - {criterion: A, label: Were not women, optional: true}

derived:
  - {id: age, label: Age, unit: years, source: made up, number: age}
  - id: crisis
    label: Visceral crisis
    source: made up
    remark: Only a call.
    yes_if: visceral_crisis
  - id: stage
    label: Stage
    source: made up
    unknown: Not said
    one_of:
      - {label: I, when: stage_group = 'I'}
      - {label: II, when: stage_group = 'II'}
  - id: sites
    label: Sites
    source: made up
    any_of:
      - {label: Liver, when: liver_metastases}
      - {label: Bone, when: bone_metastases}

table_one: [age, crisis, stage, sites]
"""


def plan_of(folder: Path, text: str = STUDY) -> Plan:
    """The compiled study."""
    path = folder / "small-cohort.yaml"
    path.write_text(text, "utf-8")
    return Catalogue().plan(path)
