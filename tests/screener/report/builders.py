"""Screening results made by hand: DAWNA-FES with invented patients."""

from __future__ import annotations

from datetime import date
from typing import Any

from screener.result import (
    Advisory,
    CriterionResult,
    Evidence,
    Kind,
    Outcome,
    Provenance,
    ScreeningResult,
    Status,
    StudyRef,
    Truth,
)

TRIAL = "NCT05861830"
AS_OF = date(2026, 11, 21)

FES_VALID = "A FES-PET/CT counts for 28 days (fes_valid_days); the registry states no limit."
LAB_VALID = "A laboratory value counts for 28 days (lab_valid_days); the registry states no limit."
ANC_LEAST = "Neutrophils of at least 1.5 ×10⁹/L (anc_min), as in NCT06107673."
SLICE = "CT slices are at most 5 mm thick where the thickness is not recorded."
FES_NEED = "18F-FES PET/CT with a reading per lesion"

HOSTILE = "[bold red]x[/] \x1b[31m \u202e\x9b <script>alert(1)</script> | ` *a* [x](javascript:b)"

# Identifier: (text, item of the source, reason for a pass)
_CRITERIA: dict[str, tuple[str, str, str]] = {
    "AGE": ("18 to 80 completed years of age.", "registry fields", "54 years on 2026-11-21."),
    "DX": (
        "Breast cancer, locally advanced or metastatic.",
        "condition",
        "Breast cancer, metastatic.",
    ),
    "I1": (
        "HR-positive and HER2-negative by the most recent pathology.",
        "inclusion 1",
        "HR-positive and HER2-negative (specimens of 2025-08-14).",
    ),
    "I2": (
        "At least one ER-positive lesion on 18F-FES PET/CT.",
        "inclusion 2",
        "2 of 3 lesions are FES-positive on 2026-11-12.",
    ),
    "I3": (
        "ECOG performance status 0 to 2.",
        "inclusion 3",
        "ECOG 1 on 2026-11-10; 0 to 2 is allowed.",
    ),
    "I4": (
        "Life expectancy of at least 3 months.",
        "inclusion 4",
        "12 months expected; at least 3 are required.",
    ),
    "I5": (
        "Palbociclib, abemaciclib or ribociclib received, and at most 1 line of chemotherapy and "
        "3 lines of endocrine therapy for recurrent or metastatic disease.",
        "inclusion 5",
        "Palbociclib received; 0 lines of chemotherapy and 1 of endocrine therapy.",
    ),
    "I6": ("Willing to have 18F-FDG PET/CT.", "inclusion 6", "Willing to have 18F-FDG PET/CT."),
    "I7": (
        "At least one measurable lesion outside the skull by RECIST 1.1.",
        "inclusion 7",
        "Liver lesion of 23 mm by CT on 2026-11-05; at least 10 mm is measurable.",
    ),
    "I8": (
        "Adequate function of bone marrow, liver and kidneys.",
        "inclusion 8",
        "All seven values are within the limits.",
    ),
    "I9": (
        "Recovered to grade 1 or lower from every adverse event of earlier antitumour therapy.",
        "inclusion 9",
        "No unresolved adverse event of grade 2 or higher.",
    ),
    "E1": (
        "All lesions ER-negative on 18F-FES PET/CT.",
        "exclusion 1",
        "At least one lesion is FES-positive on 2026-11-12.",
    ),
    "E2": ("Earlier treatment with dalpiciclib.", "exclusion 2", "Dalpiciclib was not given."),
    "E3": (
        "Leptomeningeal metastasis confirmed by MRI or lumbar puncture.",
        "exclusion 3",
        "No leptomeningeal metastasis is recorded in a list that is whole.",
    ),
    "E4": (
        "Metastasis of the central nervous system by imaging.",
        "exclusion 4",
        "Brain MRI of 2026-11-05 shows none.",
    ),
    "E5": (
        "Visceral crisis, rapid progression, or not suitable for endocrine therapy.",
        "exclusion 5",
        "The investigator records none of the three.",
    ),
    "E6": (
        "Ascites, pleural effusion with symptoms, or pericardial effusion drained within the "
        "last 4 weeks.",
        "exclusion 6",
        "None of the three effusions is present.",
    ),
    "E7": (
        "Unable to swallow, bowel obstruction, or another disorder of absorption.",
        "exclusion 7",
        "The investigator records none of the three.",
    ),
    "E8": (
        "Another malignancy within the last 5 years, with the exceptions of the registry.",
        "exclusion 8",
        "No other malignancy.",
    ),
    "E9": (
        "Major surgery or major injury within the last 4 weeks, or major surgery planned.",
        "exclusion 9",
        "No major surgery or injury since 2026-10-24, and none planned.",
    ),
    "E10": (
        "Allergy to a component of the treatment.",
        "exclusion 10",
        "Penicillin is not a component of the treatment.",
    ),
}
_PARTS = {
    "I1": ("I1a", "I1b"),
    "I5": ("I5a", "I5b", "I5c"),
    "I8": ("I8a", "I8b", "I8c", "I8d", "I8e", "I8f", "I8g"),
    "E5": ("E5a", "E5b", "E5c"),
    "E6": ("E6a", "E6b", "E6c"),
    "E7": ("E7a", "E7b", "E7c"),
    "E9": ("E9a", "E9b"),
}

_OUTCOMES: dict[tuple[Kind, Outcome], Truth] = {
    ("inclusion", "pass"): "met",
    ("inclusion", "fail"): "not_met",
    ("exclusion", "pass"): "not_met",
    ("exclusion", "fail"): "met",
    ("inclusion", "unknown"): "unknown",
    ("exclusion", "unknown"): "unknown",
}


def criterion(id: str, outcome: Outcome = "pass", **fields: Any) -> CriterionResult:  # noqa: A002
    """A criterion or part; what DAWNA-FES says of it unless it is given."""
    kind: Kind = fields.pop("kind", "exclusion" if id.startswith("E") else "inclusion")
    text, item, reason = _CRITERIA.get(id, (f"Statement {id}.", f"item {id}", f"{id} is fine."))
    defaults = {
        "kind": kind,
        "text": text,
        "source": f"{TRIAL}, {item}",
        "truth": _OUTCOMES[kind, outcome],
        "reason": reason,
        "parts": [criterion(part) for part in _PARTS.get(id, ())] if outcome == "pass" else [],
    }
    return CriterionResult(**{"id": id, "outcome": outcome, **defaults, **fields})


def result(*changed: CriterionResult, **fields: Any) -> ScreeningResult:
    """DAWNA-FES in which every criterion passes but those given."""
    by_id = {item.id: item for item in changed}
    criteria = [by_id.pop(id_) if id_ in by_id else criterion(id_) for id_ in _CRITERIA]
    return screening([*criteria, *by_id.values()], **fields)


def screening(criteria: list[CriterionResult], **fields: Any) -> ScreeningResult:
    """A result with just these criteria, and the status that follows from them."""
    outcomes = {item.outcome for item in criteria}
    status: Status = "eligible"
    if "fail" in outcomes:
        status = "ineligible"
    elif "unknown" in outcomes:
        status = "undetermined"
    defaults = {
        "patient_id": "PUMCH-0417",
        "study": StudyRef(id="dawna-fes", version="2024-03-12", sha256="9f4c1d2e77ab" + "0" * 52),
        "as_of": AS_OF,
        "status": status,
        "criteria": criteria,
        "needs": [],
        "provenance": Provenance(
            record_sha256="51d0c3aa90fe" + "0" * 52, tool="trial-screen", tool_version="0.1.0"
        ),
    }
    return ScreeningResult(**{**defaults, **fields})


def surgery() -> CriterionResult:
    """E9 failing for three more weeks by one of its two parts."""
    until = date(2026, 12, 2)
    return criterion(
        "E9",
        "fail",
        reason="Major surgery within the last 4 weeks.",
        clears_on=until,
        parts=[
            criterion(
                "E9a",
                "fail",
                text="Major surgery or major injury within the last 4 weeks.",
                reason="Internal fixation of the left femur on 2026-11-03, 18 days before; more "
                "than 28 are required.",
                evidence=[
                    Evidence(
                        path="procedures[1].name",
                        value="Internal fixation, left femur",
                        date="2026-11-03",
                    ),
                    Evidence(path="procedures[1].major", value=True, date="2026-11-03"),
                ],
                clears_on=until,
            ),
            criterion("E9b", text="Major surgery planned.", reason="None is planned."),
        ],
    )


def organ_function() -> CriterionResult:
    """I8 unknown by one part of seven, with an assumed threshold."""
    return criterion(
        "I8",
        "unknown",
        reason="1 of 7 parts is unknown: I8a.",
        needs=["Neutrophil count (ANC) of the last 28 days, with its unit"],
        assumptions=[LAB_VALID, ANC_LEAST],
        parts=[
            criterion(
                "I8a",
                "unknown",
                text="Neutrophils (ANC) at least 1.5 ×10⁹/L.",
                reason="The latest neutrophil count, 1.8 ×10⁹/L, is of 2026-10-02: older than "
                "28 days.",
                evidence=[Evidence(path="labs[0].value", value=1.8, date="2026-10-02")],
                needs=["Neutrophil count (ANC) of the last 28 days, with its unit"],
                assumptions=[LAB_VALID, ANC_LEAST],
            ),
            *(criterion(f"I8{letter}", assumptions=[LAB_VALID]) for letter in "bcdefg"),
        ],
    )


def no_scan(id_: str) -> CriterionResult:
    """I2 or E1, unknown for want of a recent scan."""
    return criterion(
        id_,
        "unknown",
        reason="The latest FES-PET/CT is of 2026-09-30, 52 days before; it counts for 28.",
        evidence=[Evidence(path="imaging[0].date", value="2026-09-30", date="2026-09-30")],
        needs=[FES_NEED],
        assumptions=[FES_VALID],
    )


def typical() -> ScreeningResult:
    """One fail that time clears, three unknowns, and everything else that a report can hold."""
    return result(
        surgery(),
        organ_function(),
        no_scan("I2"),
        no_scan("E1"),
        criterion("I7", assumptions=[SLICE]),
        needs=[FES_NEED, "Neutrophil count (ANC) of the last 28 days, with its unit"],
        rescreen_on=date(2026, 12, 2),
        assumptions=[
            FES_VALID,
            SLICE,
            LAB_VALID,
            ANC_LEAST,
            "The list other_malignancies is whole (--complete).",
        ],
        advisories=[
            Advisory(
                id="ovarian_suppression",
                text="The patient is premenopausal: arm A also requires ovarian suppression.",
            )
        ],
        ignored_entries=2,
    )


def hostile() -> ScreeningResult:
    """Every text that a study or a record can bring in, made to break a report."""
    item = Evidence(path=HOSTILE, value=HOSTILE, date=HOSTILE)
    texts: dict[str, Any] = {
        "text": HOSTILE,
        "source": HOSTILE,
        "reason": HOSTILE,
        "evidence": [item],
        "needs": [HOSTILE, "# other " + HOSTILE],
        "assumptions": [HOSTILE],
    }
    part = criterion(HOSTILE, "unknown", **{**texts, "reason": "# part " + HOSTILE})
    return screening(
        [
            criterion("I1", "fail", **texts, parts=[part, criterion(HOSTILE)]),
            criterion(HOSTILE, "fail", **texts),
            criterion(HOSTILE, "unknown", **texts),
            criterion(HOSTILE, **{**texts, "reason": "- 1. # " + HOSTILE}),
        ],
        patient_id=HOSTILE,
        study=StudyRef(id=HOSTILE, version=HOSTILE, sha256=HOSTILE),
        needs=["1. " + HOSTILE, "# " + HOSTILE, HOSTILE],
        assumptions=["- " + HOSTILE],
        advisories=[Advisory(id=HOSTILE, text="> " + HOSTILE)],
        provenance=Provenance(record_sha256=HOSTILE, tool=HOSTILE, tool_version=HOSTILE),
    )
