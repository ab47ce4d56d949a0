from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import builders
import pytest
from builders import HOSTILE, criterion, result, screening
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from screener.report import markdown, words
from screener.result import Evidence, ScreeningResult

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
BLOCKS = {"heading", "paragraph", "bullet_list", "ordered_list", "list_item", "inline", "hr"}
TABLE = {"table", "thead", "tbody", "tr", "th", "td"}
NASTY = [
    HOSTILE,
    "# heading #",
    "- item",
    "-",
    "+ item",
    "1. item",
    "12) item",
    "===",
    "---",
    "- - -",
    "> quote",
    "~~~",
    "```sh",
    "    indented",
    "a\n\nb\n# c",
    "![x](http://x/y.png)",
    "[x]: http://x",
    "<http://x>",
    "&lt;b&gt; &amp;",
    "a\\|b | c \\",
    "**a** __b__ ~~c~~ _d_ a_b_c `e`",
    "$x$ :smile: @who www.example.com http://example.com mailto:a@example.com",
    "| - | - |",
    "<!-- comment",
    "``a`b```",
]


def tokens(source: str) -> Iterator[Token]:
    for token in PARSER.parse(source):
        yield token
        yield from token.children or []


def kinds(source: str) -> set[str]:
    return {token.type.removesuffix("_open").removesuffix("_close") for token in tokens(source)}


def text_of(source: str) -> str:
    leaves = (token for token in tokens(source) if token.type in ("text", "code_inline"))
    return "".join(token.content for token in leaves)


def headings(source: str) -> list[str]:
    parsed = PARSER.parse(source)
    return [
        following.content for token, following in pairwise(parsed) if token.type == "heading_open"
    ]


def rows(source: str) -> list[list[str]]:
    """The cells of every table row."""
    found: list[list[str]] = []
    inside = False
    for token in PARSER.parse(source):
        if token.type == "tr_open":
            found.append([])
        inside = token.type in ("td_open", "th_open") or (inside and token.type == "inline")
        if token.type == "inline" and inside:
            found[-1].append("".join(child.content for child in token.children or []))
    return found


def test_sections_come_in_the_order_of_the_terminal() -> None:
    assert headings(markdown.render([builders.typical()])) == [
        "✗ INELIGIBLE by the record; the investigator decides",
        "✗ FAIL (1)",
        "? UNKNOWN (3)",
        "✓ PASS (17)",
        "To obtain",
        "Re-screening",
        "Assumptions",
        "Advisories",
        "Not used",
    ]


def test_the_whole_content_is_there() -> None:
    one = builders.typical()
    report = text_of(markdown.render([one]))
    assert "1 of 21 criteria fails: E9 (E9a). 3 are unknown: I2, I8, E1." in report
    assert "procedures[1].name = Internal fixation, left femur (2026-11-03)" in report
    assert "Clears: on 2026-12-02, by time alone" in report
    for item in one.criteria:
        assert item.reason in report
        for part in item.parts:
            assert (part.reason in report) == (part.outcome != "pass")
    for text in (*one.needs, *one.assumptions, *(note.text for note in one.advisories)):
        assert text in report
    assert report.endswith(words.provenance(one))


def test_parts_are_nested_below_the_whole() -> None:
    report = markdown.render([builders.typical()])
    assert "\n- ✗ **E9** exclusion (NCT05861830, exclusion 9): Major surgery" in report
    assert "\n  - ✗ **E9a**: Major surgery" in report
    assert "\n    - Evidence:\n      - `procedures[1].name` = Internal" in report
    assert "\n  - Passing: 1 of 2 parts: E9b\n" in report


def test_passes_and_overview_are_tables() -> None:
    one = builders.typical()
    source = markdown.render([one, result(patient_id="A|B")])
    table = rows(source)
    assert table[:3] == [
        ["Patient", "Study", "Status", "Fails", "Unknown"],
        ["PUMCH-0417", "dawna-fes", "✗ INELIGIBLE", "E9", "I2, I8, E1"],
        ["A|B", "dawna-fes", "✓ ELIGIBLE", "–", "–"],
    ]
    assert ["E10", "Penicillin is not a component of the treatment."] in table
    assert headings(source)[0] == "2 patients: 1 eligible, 1 ineligible"
    assert source.count("\n---\n") == 2


@pytest.mark.parametrize("several", [False, True])
def test_recorded_text_makes_no_markup(several: bool) -> None:
    one = builders.hostile()
    source = markdown.render([one, one] if several else [one])
    expected = {*BLOCKS, *TABLE, "text", "strong", "code_inline"}
    assert kinds(source) <= expected
    assert all(char == "\n" or char.isprintable() for char in source)
    widths = [len(row) for row in rows(source)]
    overview = [5, 5, 5] if several else []
    assert widths == overview + [3, 3, 2, 2] * (2 if several else 1)
    assert text_of(source).count(words.visible(HOSTILE)) > 20
    assert len(headings(source)) == (17 if several else 8)


@pytest.mark.parametrize("text", NASTY)
def test_nasty_text_comes_out_as_text_wherever_it_stands(text: str) -> None:
    check_everywhere(text)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab1 \\`*_{}[]()<>#+-.!|~&:@$=\n\t\"'") | st.characters()))
def test_any_text_comes_out_as_text_wherever_it_stands(text: str) -> None:
    check_everywhere(text)


def check_everywhere(text: str) -> None:
    seen = words.visible(text)
    escaped = markdown.escape(text)
    for before in ("", "- ", "1. ", "Text\n\n", "# "):
        source = before + escaped
        assert kinds(source) <= {*BLOCKS, "text"}, source
        assert text_of(source) == text_of(before) + seen
    if not seen:
        return
    source = f"| a | b |\n| --- | --- |\n| {escaped} | {escaped} |\n"
    assert rows(source) == [["a", "b"], [seen, seen]]
    coded = f"- x: {markdown.code(text)} y"
    assert kinds(coded) <= {*BLOCKS, "text", "code_inline"}
    assert text_of(coded) == f"x: {seen} y"


def test_evidence_paths_are_code_and_values_text() -> None:
    evidence = [Evidence(path="therapies[0].drugs[1]", value="a`b|c<i>", date="2026-05")]
    source = markdown.render([result(criterion("E2", "fail", evidence=evidence))])
    assert "`therapies[0].drugs[1]` = a\\`b\\|c\\<i\\> (2026-05)" in source


@pytest.mark.parametrize(
    ("results", "start"),
    [
        ([result()], "# ✓ ELIGIBLE by the record"),
        ([result(criterion("I2", "unknown"))], "# ? UNDETERMINED by the record"),
        ([screening([])], "# ✓ ELIGIBLE by the record"),
    ],
)
def test_a_report_starts_with_the_verdict(results: list[ScreeningResult], start: str) -> None:
    source = markdown.render(results)
    assert source.startswith(start)
    assert source.endswith("51d0c3aa90fe\n")


def test_no_results_make_an_empty_text() -> None:
    assert markdown.render([]) == ""
