"""A batch of invented patients for DAWNA-FES: all that its page is made of, and no more."""

from __future__ import annotations

import io
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import builders
from builders import criterion, result

from screener.report.batch_data import CriterionText, PatientRow, RowReasons, StudyTexts, Summary
from screener.report.batch_page import Limits, batch_page
from screener.report.batch_rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from screener.report.what_if_data import WhatIf
    from screener.result import ScreeningResult, Status

STUDY = "dawna-fes"
CRITERIA = [item.id for item in result().criteria]
NEEDS = {
    "I1": "HER2 ISH of the most recent specimen",
    "I2": builders.FES_NEED,
    "E1": builders.FES_NEED,
    "I4": "the investigator's estimate of life expectancy",
    "I6": "whether the patient is willing to have 18F-FDG PET/CT",
    "I8": "Neutrophil count (ANC) of the last 28 days, with its unit",
    "E3": "MRI of the brain or lumbar puncture",
    "E5": "the investigator's call on visceral crisis",
    "E8": "other malignancies: any, or that there is none",
    "E10": "allergies: any, or that there is none",
}
FAILING = {"I3": 4, "I5": 12, "I7": 6, "I9": 3, "E2": 2, "E4": 5, "E6": 3, "E9": 4}


def gather(rows: Iterable[PatientRow], limit: int) -> Rows:
    """At most so many of some rows, as a run gathers them."""
    gathered = Rows(limit)
    for each in rows:
        gathered.add(each)
    return gathered


@dataclass
class Batch:
    """What `batch_page` takes."""

    summary: Summary
    studies: list[StudyTexts]
    rows: list[PatientRow]
    details: list[ScreeningResult] = field(default_factory=list)
    reasons: list[RowReasons] = field(default_factory=list)

    def page(self, limits: Limits | None = None) -> str:
        """The page as text."""
        file = io.StringIO()
        bounds = limits or Limits()
        batch_page(
            file,
            self.summary,
            self.studies,
            gather(self.rows, bounds.rows),
            details=iter(self.details),
            reasons=iter(self.reasons),
            limits=bounds,
        )
        return file.getvalue()


def texts(what_if: WhatIf | None = None, flow_svg: str | None = None) -> StudyTexts:
    items = [CriterionText(it.id, it.kind, it.text, it.source) for it in result().criteria]
    title = "Dalpiciclib with endocrine therapy after failure of a CDK4/6 inhibitor"
    return StudyTexts(STUDY, title, items, what_if, flow_svg)


def row(
    patient: str,
    failed: list[str] | None = None,
    unknown: list[str] | None = None,
    **fields: Any,
) -> PatientRow:
    """The row of a patient with these criteria failing and unknown."""
    failed, unknown = failed or [], unknown or []
    status: Status = "ineligible" if failed else "undetermined" if unknown else "eligible"
    needs = [] if failed else [NEEDS[item] for item in unknown if item in NEEDS]
    again = "2026-12-02" if failed == ["E9"] else None
    values = {
        "study": STUDY, "as_of": "2026-11-21", "status": status, "failed": failed,
        "unknown": unknown, "needs": list(dict.fromkeys(needs)), "rescreen_on": again,
    }  # fmt: skip
    return PatientRow(patient, **(values | fields))


def detail(one: PatientRow) -> ScreeningResult:
    """The full result behind a row."""
    changed = [
        builders.surgery() if name == "E9" else criterion(name, "fail", reason=f"{name} fails.")
        for name in one.failed
    ]
    for name in one.unknown:
        if name == "I8":
            changed.append(builders.organ_function())
        elif name in {"I2", "E1"}:
            changed.append(builders.no_scan(name))
        else:
            needs = [NEEDS[name]] if name in NEEDS else []
            changed.append(criterion(name, "unknown", reason="Nothing recorded.", needs=needs))
    return result(*changed, patient_id=one.patient_id, needs=list(one.needs))


def reasons(one: PatientRow) -> RowReasons:
    """Why the criteria of a row fail and are unknown, with a date that few others have."""
    day = f"{2025 + len(one.needs) % 2}-{hash_of(one.patient_id) % 12 + 1:02}-15"
    told = [f"{name}: what was recorded on {day}, as of {one.patient_id[:-2]}00, is against it."
            for name in one.failed]  # fmt: skip
    told += [f"{name}: of this nothing is recorded that would decide." for name in one.unknown]
    return RowReasons(one.patient_id, one.study, told)


def hash_of(text: str) -> int:
    return sum(map(ord, text))


def summary(rows: list[PatientRow], rejected: int = 0, study: str = STUDY) -> Any:
    """What the program would count over these rows."""
    of_study = [one for one in rows if one.study == study]
    fails = Counter(name for one in of_study for name in one.failed)
    unknowns = Counter(name for one in of_study for name in one.unknown)
    alone = Counter(one.failed[0] for one in of_study if len(one.failed) == 1)
    counts = [
        {
            "id": name,
            "pass": len(of_study) - fails[name] - unknowns[name],
            "fail": fails[name],
            "unknown": unknowns[name],
            "only_reason": alone[name],
        }
        for name in CRITERIA
    ]
    places = {name: place for place, name in enumerate(CRITERIA)}
    first = Counter(min(one.failed, key=places.__getitem__) for one in of_study if one.failed)
    remaining, flow = len(of_study), []
    flow.append({"criterion": None, "label": "Screened", "excluded": 0, "remaining": remaining})
    for name in (name for name in CRITERIA if first[name]):
        excluded = first[name]
        remaining -= excluded
        label = next(it.text for it in result().criteria if it.id == name)
        flow.append(
            {"criterion": name, "label": label, "excluded": excluded, "remaining": remaining}
        )
    statuses = [one.status for one in of_study]
    names: tuple[Status, ...] = ("eligible", "ineligible", "undetermined")
    return {
        "studies": [
            {
                "study": {"id": study, "version": "2024-03-12", "sha256": "9f4c" * 16},
                "as_of": "2026-11-21",
                "status": {name: statuses.count(name) for name in names},
                "criteria": counts,
                "flow": flow,
                "table_one": [
                    {"variable": "ECOG performance status", "category": c, "n": n, "percent": p}
                    for c, n, p in (("0-1", 46, 79.3), ("2", 12, 20.7))
                ],
            }
        ],
        "input": {
            "name": "clinic-export.ndjson",
            "sha256": "ab12" * 16,
            "records": len(of_study) + rejected,
            "screened": len(of_study),
            "rejected": rejected,
        },
        "tool": {"name": "trial-screen", "version": "0.1.0"},
    }  # fmt: skip


def clinic(count: int, seed: int = 7, details: int = 500) -> Batch:
    """Some patients, of whom about a tenth is eligible and a third undetermined."""
    chance = random.Random(seed)
    rows = []
    for number in range(count):
        failed = [name for name, odds in FAILING.items() if chance.random() * 100 < odds * 1.6]
        unknown = [name for name in NEEDS if chance.random() < 0.09]
        rows.append(row(f"PT-{number + 1:05d}", failed, unknown))
    whole = [detail(one) for one in rows[:details]]
    why = [reasons(one) for one in rows]
    return Batch(summary(rows, rejected=2), [texts(what_if())], rows, whole, why)


def what_if() -> WhatIf:
    gains = {"I3": (2, 1), "I5": (14, 9), "I7": (6, 4), "E4": (5, -2), "E9": (3, 0), "E2": (0, 1)}
    names = list(gains)
    return {
        "remove": [
            {"criterion": name, "eligible": gains.get(name, (0, 0))[0],
             "undetermined": gains.get(name, (0, 0))[1]}
            for name in CRITERIA
        ],
        "pairs": [
            {"criteria": [a, b], "eligible": gains[a][0] + gains[b][0] + place,
             "undetermined": gains[a][1] + gains[b][1]}
            for place, a in enumerate(names) for b in names[place + 1 :]
        ],
        "parameters": [
            {
                "name": "platelets_min", "unit": "10*9/L", "current": 90,
                "curve": [
                    {"value": value, "eligible": 70 - value // 3, "undetermined": 45 - value // 9,
                     "ineligible": 43 + value // 3 + value // 9}
                    for value in (50, 75, 90, 100, 125, 150)
                ],
            },
            {
                "name": "fes_valid_days", "unit": "days", "current": 28,
                "curve": [
                    {"value": value, "eligible": 20 + value // 2, "undetermined": 60 - value // 2,
                     "ineligible": 78}
                    for value in (14, 21, 28, 42, 56, 84)
                ],
            },
        ],
    }  # fmt: skip
