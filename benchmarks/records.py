"""Made-up patient records for benchmarks: about 2.3 kB each, all criteria of DAWNA-FES reached.

    python benchmarks/records.py NUMBER FILE.ndjson

The same number gives the same file. Most findings are as in a clinic that screens for the trial;
now and then one is missing, old, partial, contradictory or against a criterion, independently of
the others, so that each outcome of each criterion occurs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

SCREENED_ON = date(2026, 1, 15)

_CDK = ("palbociclib", "Ibrance", "abemaciclib", "ribociclib", "瑞波西利", "Verzenios")
_PARTNERS = ("letrozole", "fulvestrant", "anastrozole", "exemestane", "来曲唑")
_CHEMOTHERAPY = ("capecitabine", "paclitaxel", "vinorelbine", "eribulin", "docetaxel")
_SITES = ("bone", "liver", "lung", "lymph_node", "pleura", "skin")
_EVENTS = ("fatigue", "neutropenia", "nausea", "arthralgia", "diarrhoea", "anaemia")
_OTHERS = ("papillary thyroid cancer", "colon cancer", "basal cell carcinoma", "melanoma")
_ALLERGIES = ("penicillin", "latex", "contrast medium", "letrozole", "dalpiciclib", "ibuprofen")
_LABS = (
    ("anc", "10*9/L", 1.2, 6.5, None),
    ("platelets", "10*9/L", 85, 390, None),
    ("hemoglobin", "g/L", 84, 152, None),
    ("bilirubin", "umol/L", 4, 36, 21),
    ("alt", "U/L", 9, 118, 40),
    ("ast", "U/L", 9, 105, 35),
    ("creatinine_clearance", "mL/min", 26, 120, None),
)


def records(number: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Give records with the ids B0000001, B0000002 and so on."""
    draw = Random(seed)
    for position in range(1, number + 1):
        yield _record(f"B{position:07d}", draw)


def write(number: int, path: Path, seed: int = 0) -> None:
    """Write records, one a line."""
    with path.open("w", encoding="utf-8") as file:
        for record in records(number, seed):
            file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")


def _day(draw: Random, least: int, most: int) -> str:
    return (SCREENED_ON - timedelta(days=draw.randint(least, most))).isoformat()


def _maybe(draw: Random, chance: float, record: dict[str, Any], name: str, value: Any) -> None:
    if draw.random() < chance:
        record[name] = value


def _record(identifier: str, draw: Random) -> dict[str, Any]:
    sites = draw.sample(_SITES, draw.randint(1, 2))
    advanced = draw.randint(400, 1600)
    record: dict[str, Any] = {"id": identifier}
    _maybe(draw, 0.98, record, "birth_date", _day(draw, 6600, 30000))
    record["sex"] = "female" if draw.random() < 0.99 else "male"
    _maybe(draw, 0.9, record, "menopausal_status",
           draw.choice(("premenopausal", "postmenopausal", "postmenopausal")))  # fmt: skip
    record["diagnosis"] = {
        "cancer": "breast" if draw.random() < 0.98 else "ovary",
        "date": _day(draw, advanced + 400, advanced + 3000),
        "initial_stage": draw.choice(("I", "IIA", "IIB", "IIIA", "IV")),
        "extent": draw.choice(("metastatic",) * 18 + ("locally_advanced", "early")),
        "advanced_since": _day(draw, advanced, advanced),
    }
    record["pathology"] = [_specimen(draw, advanced + 400), _specimen(draw, draw.randint(5, 300))]
    _maybe(draw, 0.95, record, "performance_status",
           [{"date": _day(draw, 1, 32), "ecog": draw.choice((0, 0, 1, 1, 1, 2, 3))}])  # fmt: skip
    _maybe(draw, 0.9, record, "life_expectancy_months", draw.choice((2, 3, 6, 12, 18, 24)))
    record["therapies"] = _therapies(draw, advanced)
    _maybe(draw, 0.97, record, "procedures", _procedures(draw))
    _maybe(draw, 0.95, record, "injuries", [])
    record["imaging"] = _imaging(draw, sites)
    found = [
        {"site": site, "present": True, "date": _day(draw, 5, advanced), "confirmed_by": "imaging"}
        for site in sites
    ]
    if draw.random() < 0.85:
        found.append({"site": "brain", "present": draw.random() < 0.06,
                      "date": _day(draw, 2, 40), "confirmed_by": "mri"})  # fmt: skip
    if draw.random() < 0.02:
        found.append({"site": "leptomeninges", "present": True, "confirmed_by": "lumbar_puncture"})
    record["metastases"] = found
    _maybe(draw, 0.93, record, "effusions", _effusions(draw))
    taken = _day(draw, 1, 31)
    record["labs"] = [_lab(draw, lab, taken) for lab in _LABS if draw.random() < 0.98]
    _maybe(draw, 0.93, record, "adverse_events", _events(draw))
    _maybe(draw, 0.93, record, "other_malignancies",
           [{"type": draw.choice(_OTHERS), "diagnosed": _day(draw, 300, 4000)}]
           if draw.random() < 0.05 else [])  # fmt: skip
    _maybe(draw, 0.95, record, "allergies",
           [draw.choice(_ALLERGIES)] if draw.random() < 0.15 else [])  # fmt: skip
    record["assessments"] = {
        name: usual if draw.random() < 0.97 else not usual
        for name, usual in (
            ("visceral_crisis", False), ("rapid_progression", False),
            ("suitable_for_endocrine_therapy", True), ("able_to_swallow", True),
            ("bowel_obstruction", False), ("absorption_disorder", False),
            ("willing_fdg_pet", True),
        )
        if draw.random() < 0.98
    }  # fmt: skip
    if draw.random() < 0.05:
        record["partial"] = draw.sample(("therapies", "metastases", "adverse_events"), 1)
    return record


def _specimen(draw: Random, days: int) -> dict[str, Any]:
    entry: dict[str, Any] = {"date": _day(draw, days, days), "specimen": "metastasis"}
    _maybe(draw, 0.97, entry, "er_percent", draw.choice((0, 5, 60, 80, 90, 95)))
    _maybe(draw, 0.9, entry, "pr_percent", draw.choice((0, 1, 20, 70)))
    _maybe(draw, 0.97, entry, "her2_ihc", draw.choice(("0", "1+", "1+", "2+", "3+")))
    if entry.get("her2_ihc") == "2+":
        _maybe(draw, 0.7, entry, "her2_ish", draw.choice(("negative", "negative", "positive")))
    return entry


def _therapies(draw: Random, advanced: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"setting": "adjuvant", "drugs": [draw.choice(_PARTNERS)],
         "start": _day(draw, advanced + 800, advanced + 2500),
         "end": _day(draw, advanced + 100, advanced + 700), "stop_reason": "completed"}
    ]  # fmt: skip
    start = advanced
    for line in range(1, draw.randint(1, 4) + 1):
        end = max(start - draw.randint(80, 400), 8)
        kind = draw.random()
        if kind < 0.45 or (line == 1 and kind < 0.97):
            drugs = [draw.choice(_CDK), draw.choice(_PARTNERS)]
        elif kind < 0.9:
            drugs = [draw.choice(_CHEMOTHERAPY)]
        else:
            drugs = [draw.choice(("SHR6390", "达尔西利", "HRX-0000", "everolimus"))]
        entry = {"setting": "advanced", "line": line, "drugs": drugs,
                 "start": _day(draw, start, start), "end": _day(draw, end, end),
                 "stop_reason": "progression"}  # fmt: skip
        if draw.random() < 0.03:
            del entry["line"]
        found.append(entry)
        start = end
    return found


def _procedures(draw: Random) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": "mastectomy", "date": _day(draw, 2000, 3000), "major": True}
    ]
    if draw.random() < 0.06:
        found.append({"name": "hip replacement", "date": _day(draw, 3, 60), "major": True})
    if draw.random() < 0.02:
        found.append({"name": "laparotomy", "planned": True, "major": True})
    return found


def _imaging(draw: Random, sites: list[str]) -> list[dict[str, Any]]:
    found = [
        {"date": _day(draw, 3, 31), "modality": draw.choice(("CT", "CT", "MRI")),
         "lesions": [_lesion(draw, site) for site in sites]}
    ]  # fmt: skip
    if draw.random() < 0.9:
        found.append({
            "date": _day(draw, 2, 31), "modality": "FES-PET/CT",
            "lesions": [
                {"site": site, "fes": draw.choice(("positive", "positive", "negative")),
                 "suv_max": 4.2}
                if draw.random() < 0.5
                else {"site": site, "suv_max": round(draw.uniform(0.8, 6), 1)}
                for site in sites
            ],
        })  # fmt: skip
    return found


def _lesion(draw: Random, site: str) -> dict[str, Any]:
    size = draw.randint(7, 45)
    entry = {"site": site, "longest_diameter_mm": size, "slice_thickness_mm": 1.25}
    if site == "lymph_node":
        entry["short_axis_mm"] = max(5, size - 6)
    return entry


def _effusions(draw: Random) -> list[dict[str, Any]]:
    day = _day(draw, 3, 30)
    found: list[dict[str, Any]] = [
        {"kind": "ascites", "present": draw.random() < 0.04, "date": day},
        {"kind": "pleural", "present": draw.random() < 0.08, "date": day,
         "symptomatic": draw.random() < 0.3},
        {"kind": "pericardial", "present": False, "date": day},
    ]  # fmt: skip
    if draw.random() < 0.02:
        found[2] |= {"present": True, "drainage_required": True, "drainage_date": _day(draw, 2, 50)}
    return found


def _events(draw: Random) -> list[dict[str, Any]]:
    found = []
    for _ in range(draw.randint(0, 2)):
        entry = {"term": draw.choice(_EVENTS), "grade": draw.choice((1, 1, 2, 3)),
                 "onset": _day(draw, 20, 600)}  # fmt: skip
        if draw.random() < 0.85:
            entry["resolved"] = _day(draw, 1, 19)
        elif draw.random() < 0.5:
            entry["ongoing"] = True
        found.append(entry)
    return found


def _lab(
    draw: Random, lab: tuple[str, str, float, float, float | None], day: str
) -> dict[str, Any]:
    test, unit, least, most, upper = lab
    value = round(draw.uniform(least, most), 1)
    entry: dict[str, Any] = {"test": test, "date": day, "value": value, "unit": unit}
    if upper is not None:
        entry["upper_limit"] = upper
    return entry


if __name__ == "__main__":
    write(int(sys.argv[1]), Path(sys.argv[2]))
