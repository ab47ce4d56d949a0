"""Whom time alone lets be screened again, against screening on that day."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import screener
from screener.cli import app

SAMPLE = Path(__file__).resolve().parents[3] / "sample_patients" / "eligible.json"
DAY = date(2026, 1, 15)


def operated(name: str, *dates: str | None, **changed: Any) -> dict[str, Any]:
    """An eligible patient but for major operations; None: without a date."""
    record = json.loads(SAMPLE.read_text("utf-8"))
    procedures = [
        {"name": "operation", "major": True, **({"date": day} if day else {})} for day in dates
    ]
    return {**record, "id": name, "procedures": procedures, **changed}


PATIENTS = [
    operated("now"),
    operated("recent", "2025-12-20"),
    operated("partial", "2025-12"),
    operated("both", "2025-12-20", "2025-12"),
    operated("undated", None),
    operated("2025", "2025-12"),
    operated("old-call", "2025-12", follow_up={"last_contact": "2025"}),
    operated("open", "2025-12", life_expectancy_months=None),
    operated("too-late", "2026-01-14"),
]


def listed(folder: Path, until: str, patients: list[dict[str, Any]]) -> list[dict[str, str]]:
    export = folder / "e.ndjson"
    export.write_text("".join(json.dumps(it) + "\n" for it in patients), "utf-8")
    words = ["batch", export, "--out", folder / "o", "--as-of", DAY, "--until", until, "--force"]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.stderr
    with (folder / "o" / "rescreening.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_list_says_what_each_is_then(tmp_path: Path) -> None:
    rows = listed(tmp_path, "2026-12-31", PATIENTS)
    assert [
        (it["rescreen_on"], it["patient_id"], it["failed"], it["status_then"]) for it in rows
    ] == [
        ("2026-01-18", "both", "E9", "undetermined"),
        ("2026-01-18", "recent", "E9", "eligible"),
        ("2026-01-29", "2025", "", "eligible"),
        ("2026-01-29", "old-call", "", "eligible"),
        ("2026-01-29", "partial", "", "eligible"),
        ("2026-02-12", "too-late", "E9", "undetermined"),
    ]
    assert rows[0]["unknown_then"] == "E9"
    assert "current" in rows[-1]["needs_then"]
    by_name = {record["id"]: record for record in PATIENTS}
    for row in rows:
        then = screener.screen(
            by_name[row["patient_id"]],
            study="dawna-fes",
            as_of=date.fromisoformat(row["rescreen_on"]),
        )
        assert then.status == row["status_then"]
        assert "; ".join(then.needs) == row["needs_then"]


@pytest.mark.parametrize(
    ("until", "names"),
    [
        ("2026-01-17", []),
        ("2026-01-18", ["recent"]),
        ("2026-01-28", ["recent"]),
        ("2026-01-29", ["recent", "partial"]),
    ],
)
def test_it_goes_up_to_that_day(until: str, names: list[str], tmp_path: Path) -> None:
    rows = listed(tmp_path, until, PATIENTS[:3])
    assert [row["patient_id"] for row in rows] == names
    calendar = (tmp_path / "o" / "rescreening.ics").read_text("utf-8")
    assert calendar.count("BEGIN:VEVENT") == len(names)


def test_who_is_eligible_by_time_alone_was_not_the_day_before(tmp_path: Path) -> None:
    [row] = listed(tmp_path, "2026-12-31", PATIENTS[2:3])
    assert row["rescreen_on"] == "2026-01-29"
    before = screener.screen(PATIENTS[2], study="dawna-fes", as_of=date(2026, 1, 28))
    assert before.status == "undetermined"
