"""The page of an amendment in a browser."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from test_page import HOSTILE_HTML, Tags

from screener.report.compare_page import compare_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Visit

    from screener.report.compare_data import Comparison


def comparison(**fields: Any) -> Comparison:
    """An amendment that raises one threshold, adds a criterion and drops another."""
    made: Any = {
        "old": {"id": "dawna-fes", "version": "2024-03-12", "sha256": "ab" * 32},
        "new": {"id": "dawna-fes", "version": "2025-01-20", "sha256": "cd" * 32},
        "as_of": "2026-11-21",
        "rules": [],
        "criteria": [
            {
                "id": "I5", "change": "changed", "old_text": "At most 1 line.",
                "new_text": "At most 2 lines.", "parameters": [
                    {"name": "max_lines", "old": "1", "new": "2"},
                    {"name": "window", "old": None, "new": "28 days"},
                ],
                "old": {"pass": 121, "fail": 37, "unknown": 0},
                "new": {"pass": 140, "fail": 18, "unknown": 0},
            },
            {
                "id": "I10", "change": "added", "old_text": None, "new_text": "Consent is given.",
                "parameters": [], "old": None, "new": {"pass": 100, "fail": 0, "unknown": 58},
            },
            {
                "id": "E7", "change": "changed", "old_text": "Unable to swallow.",
                "new_text": "Unable to swallow.", "parameters": [],
                "old": {"pass": 158, "fail": 0, "unknown": 0},
                "new": {"pass": 157, "fail": 1, "unknown": 0},
            },
        ],
        "unchanged": 18,
        "moves": [
            {"old": "ineligible", "new": "eligible", "patients": 2},
            {"old": "eligible", "new": "undetermined", "patients": 1},
            {"old": "ineligible", "new": "ineligible", "patients": 150},
            {"old": "eligible", "new": "ineligible", "patients": 1},
        ],
        "causes": [
            {"criterion": "I5", "old": "fail", "new": "pass", "patients": 2},
            {"criterion": "I10", "old": None, "new": "unknown", "patients": 1},
            {"criterion": "E7", "old": "pass", "new": "fail", "patients": 1},
        ],
        "patients": [
            {"patient_id": "P-4", "old": "eligible", "new": "ineligible", "criteria": ["E7"]},
            {"patient_id": "P-1", "old": "eligible", "new": "undetermined", "criteria": ["I10"]},
            {"patient_id": "P-2", "old": "ineligible", "new": "eligible", "criteria": ["I5"]},
            {"patient_id": "P-3", "old": "ineligible", "new": "eligible", "criteria": ["I5", "E7"]},
        ],
        "input": {
            "name": "clinic.ndjson", "sha256": "ef" * 32, "records": 155, "screened": 154,
            "rejected": 1,
        },
        "tool": {"name": "trial-screen", "version": "0.1.0"},
    }  # fmt: skip
    return made | fields


def cells(visit: Visit, heading: str) -> list[list[str]]:
    """The rows of the table under a heading."""
    panel = visit.page.locator("section", has=visit.page.get_by_role("heading", name=heading))
    return [
        [" ".join(cell.split()) for cell in line.locator("th, td").all_inner_texts()]
        for line in panel.locator("tbody tr").all()
    ]


def test_it_says_who_changes_and_by_what(visit: Callable[..., Visit]) -> None:
    seen = visit(compare_page(comparison()))
    assert "4 of 154 patients change status." in seen.page.locator("header").inner_text()
    assert cells(seen, "Status before and after") == [
        ["was ✓ eligible", "0", "1", "1"],
        ["was ? undetermined", "0", "0", "0"],
        ["was ✗ ineligible", "2", "0", "150"],
    ]
    first, added, same = cells(seen, "Criteria that changed")
    assert first == [
        "I5 changed", "At most 1 line. max_lines 1 window –",
        "At most 2 lines. max_lines 2 window 28 days", "37 / 0 / 121", "18 / 0 / 140",
    ]  # fmt: skip
    assert added == ["I10 added", "–", "Consent is given.", "–", "0 / 58 / 100"]
    assert same[1:3] == ["Unable to swallow.", "the same text"]
    assert cells(seen, "By which criterion") == [
        ["I5", "✗ fail", "✓ pass", "2"],
        ["I10", "not asked", "? unknown", "1"],
        ["E7", "✓ pass", "✗ fail", "1"],
    ]
    assert cells(seen, "Patients who change status") == [
        ["P-2", "✗ ineligible", "✓ eligible", "I5"],
        ["P-3", "✗ ineligible", "✓ eligible", "I5, E7"],
        ["P-1", "✓ eligible", "? undetermined", "I10"],
        ["P-4", "✓ eligible", "✗ ineligible", "E7"],
    ]
    assert seen.trouble == []


@pytest.mark.parametrize(("most", "shown"), [(3, 3), (4, 4), (5, 4)])
def test_patients_who_are_left_out_are_counted(
    visit: Callable[..., Visit], most: int, shown: int
) -> None:
    seen = visit(compare_page(comparison(), most))
    assert len(cells(seen, "Patients who change status")) == shown
    left = seen.page.locator(".left-out").all_inner_texts()
    assert [text.startswith("3 of 4 are listed") for text in left] == [True] * (shown < 4)


def test_nothing_changed(visit: Callable[..., Visit]) -> None:
    moves = [{"old": "eligible", "new": "eligible", "patients": 3}]
    same = comparison(criteria=[], unchanged=1, moves=moves, causes=[], patients=[])
    seen = visit(compare_page(same))
    text = seen.page.locator("main").inner_text()
    assert "0 of 3 patients change status." in text
    assert "1 criterion is the same in both." in text
    assert "No patient changes status." in text
    assert "Patients who change status" not in text
    assert seen.faults() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_anyone_can_read_it(visit: Callable[..., Visit], scheme: str, width: int) -> None:
    seen = visit(
        compare_page(comparison()), color_scheme=scheme, viewport={"width": width, "height": 800}
    )
    assert seen.faults() == []
    assert seen.page.evaluate("document.documentElement.scrollWidth") == width


def test_no_text_becomes_markup(visit: Callable[..., Visit]) -> None:
    usual = {tag for tag, _ in Tags(compare_page(comparison())).found}
    text = json.dumps(comparison())
    for plain in (
        "P-1",
        "I5",
        "At most 1 line.",
        "max_lines",
        "28 days",
        "clinic.ndjson",
        "2024-03-12",
    ):
        text = text.replace(json.dumps(plain), json.dumps(HOSTILE_HTML))
    html = compare_page(json.loads(text))
    assert {tag for tag, _ in Tags(html).found} == usual
    seen = visit(html)
    assert seen.page.locator("main").inner_text().count("<img src=x onerror=alert(2)>") >= 7
    assert seen.trouble == []
    assert len(seen.requests) == 1
