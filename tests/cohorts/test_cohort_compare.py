"""Two versions of a cohort: what changes beside its criteria, and for whom."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from small_cohort import STUDY
from typer.testing import CliRunner

from screener.cli import app

LATER = STUDY.replace('version: "1"', 'version: "2"')
OPEN = {
    "id": "P-1",
    "sex": "female",
    "therapies": [{"drugs": ["dalpiciclib"], "start": "2023-05-15"}],
}
ECOG = {
    "performance_status": [{"date": "2023-05-01", "ecog": 1}, {"date": "2024-01-01", "ecog": 3}]
}
NO_INDEX = "".join(
    line for line in LATER.splitlines(keepends=True)
    if not line.startswith(("index_date:", "  means:", "  event:", "  day:", "  entry:"))
)  # fmt: skip
NOT_DOCUMENTED = LATER.replace(
    "undocumented_counts_as_none:\n  - {list: other_malignancies, source: a review of charts}\n", ""
)


def compared(
    folder: Path, new: str, patients: list[dict[str, Any]], form: str, old: str = STUDY
) -> str:
    (folder / "old.yaml").write_text(old, "utf-8")
    (folder / "new.yaml").write_text(new, "utf-8")
    (folder / "e.ndjson").write_text("".join(json.dumps(it) + "\n" for it in patients), "utf-8")
    words = ["compare", folder / "old.yaml", folder / "new.yaml", folder / "e.ndjson",
             "--as-of", "2024-12-31", "--format", form]  # fmt: skip
    result = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "100"})
    assert result.exit_code == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize(
    ("new", "rules"),
    [
        (LATER, []),
        (LATER.replace("  means: first start", "  means:   first start"), []),
        (
            LATER.replace("  means: first start of dalpiciclib", "  means: first dose"),
            [("index_date", "first start of dalpiciclib", "first dose", ["text"])],
        ),
        (
            LATER.replace("  day: dalpiciclib_started", "  day: span('2023-01-01')"),
            [("index_date", *2 * ["first start of dalpiciclib"], ["condition"])],
        ),
        (NO_INDEX, [("index_date", "first start of dalpiciclib", None, [])]),
        (NOT_DOCUMENTED, [("undocumented_counts_as_none", "other_malignancies", None, [])]),
        (
            f"{LATER}\nunknown_counts_as: ineligible\n",
            [("unknown_counts_as", "undetermined", "ineligible", [])],
        ),
    ],
)
def test_rules_that_changed_are_named(
    new: str, rules: list[tuple[Any, ...]], tmp_path: Path
) -> None:
    found = json.loads(compared(tmp_path, new, [OPEN], "json"))
    assert [(it["rule"], it["old"], it["new"], it["differs"]) for it in found["rules"]] == rules
    assert found["criteria"] == []
    assert found["unchanged"] == 3


def test_a_threshold_behind_the_index_date_is_named(tmp_path: Path) -> None:
    shifted = LATER.replace(
        "  day: dalpiciclib_started\n  entry: dalpiciclib_entry\n",
        "  day: '{lo: days_before(dalpiciclib_started.lo, days_earlier), "
        "hi: days_before(dalpiciclib_started.hi, days_earlier)}'\n"
        "parameters:\n  days_earlier: {value: 1, unit: days, source: made up}\n",
    )
    other = shifted.replace("value: 1,", "value: 2,")
    found = json.loads(compared(tmp_path, other, [OPEN], "json", old=shifted))
    [rule] = found["rules"]
    assert rule["differs"] == ["parameters"]
    assert rule["parameters"] == [{"name": "days_earlier", "old": "1 days", "new": "2 days"}]


def test_who_changes_status_by_the_index_date(tmp_path: Path) -> None:
    one = {**OPEN, **ECOG}
    found = json.loads(compared(tmp_path, NO_INDEX, [one], "json"))
    assert found["patients"] == [
        {"patient_id": "P-1", "old": "eligible", "new": "ineligible", "criteria": ["B"]}
    ]
    told = compared(tmp_path, NO_INDEX, [one], "table")
    assert (
        "Rules of the study that changed\n  Index date of each patient\n"
        "    before: first start of dalpiciclib\n    now: the screening date for all\n" in told
    )


@pytest.mark.parametrize("form", ["table", "html"])
def test_who_changes_status_by_how_the_unknown_is_counted(form: str, tmp_path: Path) -> None:
    new = f"{LATER}\nunknown_counts_as: ineligible\n"
    told = compared(tmp_path, new, [OPEN], form)
    assert "Who has something unknown counts as" in told
    assert "Every criterion judges those who change status as before." in told
    assert "no criterion; how the unknown is counted" in told
    assert "No patient changes status" not in told


def test_the_page_has_the_rules(tmp_path: Path) -> None:
    page = compared(tmp_path, NOT_DOCUMENTED, [OPEN], "html")
    assert "Counts as none where nothing is documented" in page
    assert '<td class="text" data-label="Before">other_malignancies</td>' in page
    assert '<td class="text" data-label="Now">nothing</td>' in page
    same = compared(tmp_path, LATER, [OPEN], "html")
    assert "Rules of the study" not in same
    assert "No patient changes status." in same
