"""The baseline table and the flow as text, CSV and HTML."""

from __future__ import annotations

import csv
import io
from html.parser import HTMLParser

import pytest
from builders import HOSTILE
from rich.cells import cell_len

from screener.cohort import FlowStep, TableRow
from screener.report import cohort_table

AGE = TableRow(variable="Age, years", category="Median (range)", n=3, percent=None, median=59.5,
               lowest=34, highest=79)  # fmt: skip
NO_AGE = TableRow(variable="Age, years", category="Not available", n=1, percent=25.0)


def row(category: str, n: int, percent: float, variable: str = "Stage", **more: str) -> TableRow:
    return TableRow(variable=variable, category=category, n=n, percent=percent, **more)  # type: ignore[arg-type]


STAGE = [row("I", 1, 25.0, remark="By the chart."), row("II", 3, 75.0)]
STEPS = [
    FlowStep(criterion=None, label="Screened", excluded=0, remaining=158),
    FlowStep(criterion="I4a", label="No earlier CDK4/6 inhibitor", excluded=87, remaining=71),
]


def test_the_table_as_text() -> None:
    assert cohort_table.table_lines([AGE, *STAGE], 80) == [
        "                                   n (%)",
        "Age, years, median (range)  59.5 (34-79)",
        "Stage",
        "  I                             1 (25.0)",
        "  II                            3 (75.0)",
    ]
    assert cohort_table.remarks([AGE, *STAGE]) == ["Stage: By the chart."]


def test_a_number_of_which_some_are_unknown_has_rows() -> None:
    assert cohort_table.table_lines([AGE, NO_AGE], 80)[1:] == [
        "Age, years",
        "  Median (range)  59.5 (34-79)",
        "  Not available       1 (25.0)",
    ]


def test_subgroups_come_one_after_another() -> None:
    rows = [row("I", 1, 50.0), row("I", 1, 100.0, group="Sex: female")]
    lines = cohort_table.table_lines(rows, 80)
    assert lines == [
        "          n (%)",
        "Stage",
        "  I    1 (50.0)",
        "",
        "Sex: female",
        "",
        "           n (%)",
        "Stage",
        "  I    1 (100.0)",
    ]


def test_the_flow_as_text() -> None:
    assert cohort_table.flow_lines(STEPS, "Included", 80) == [
        "                               Excluded  Remaining",
        "Screened                                       158",
        "  No earlier CDK4/6 inhibitor      - 87         71",
        "Included                                        71",
    ]


@pytest.mark.parametrize("width", [30, 40, 60, 80, 200])
def test_no_line_is_wider_than_asked(width: int) -> None:
    long = [row("既往治疗 " * 10 + "and so on and on", 1, 25.0, variable="Words " * 20)]
    steps = [STEPS[0], STEPS[1].model_copy(update={"label": "many words " * 12})]
    lines = [*cohort_table.table_lines(long, width), *cohort_table.flow_lines(steps, "In", width)]
    assert max(map(cell_len, lines)) <= width


def test_the_table_as_csv() -> None:
    found = list(csv.DictReader(io.StringIO(cohort_table.table_csv([AGE, *STAGE]))))
    assert found[0] == {
        "group": "", "variable": "Age, years", "category": "Median (range)", "n": "3",
        "percent": "", "median": "59.5", "lowest": "34", "highest": "79", "remark": "",
    }  # fmt: skip
    assert [line["percent"] for line in found] == ["", "25", "75"]
    assert found[1]["remark"] == "By the chart."


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x"])
def test_what_a_spreadsheet_would_run_is_text(text: str) -> None:
    [found] = csv.DictReader(io.StringIO(cohort_table.table_csv([row(text, 1, 5.0)])))
    assert found["category"] == f"'{text}"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += f"{data}|"


def test_the_table_as_html() -> None:
    reader = _Reader()
    reader.feed(cohort_table.table_html([AGE, *STAGE]))
    assert "Age, years|" in reader.text
    assert "59.5 (34-79)|" in reader.text
    assert "3 (75.0)|" in reader.text
    assert "Stage: By the chart.|" in reader.text
    assert reader.tags.count("tbody") == 2


def test_text_in_html_is_only_ever_text() -> None:
    hostile = row(HOSTILE, 1, 5.0, variable=HOSTILE, group=HOSTILE, remark=HOSTILE)
    reader = _Reader()
    reader.feed(cohort_table.table_html([hostile]))
    assert set(reader.tags) <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "p"}
