"""The page of one patient, as text and as a browser shows it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import builders
import pytest
from builders import HOSTILE, criterion, result, screening
from pypdf import PdfReader

from screener.report import words
from screener.report.page import data, patient_page, percent
from screener.report.sheet import sheet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Visit

HOSTILE_HTML = (
    "</style></script><script>alert(1)</script><img src=x onerror=alert(2)>"
    "\"'><svg onload=alert(3)><!--<a href='javascript:alert(4)'>{{ 7*7 }}{% x %}&amp;\\3c \u202e"
)


class Tags(HTMLParser):
    """Every element that a page makes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def hostile() -> Any:
    """The hostile result with every text replaced by markup and script."""
    text = builders.hostile().to_json()
    return type(builders.hostile()).from_json(text.replace(_inside(HOSTILE), _inside(HOSTILE_HTML)))


def _inside(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def test_everything_that_the_terminal_says_is_there(visit: Callable[..., Visit]) -> None:
    one = builders.typical()
    seen = visit(patient_page([one]))
    shown = " ".join(seen.page.locator("main").inner_text().split())
    assert shown.startswith("✗ INELIGIBLE by the record; the investigator decides 1 of 21 criteria")
    assert words.verdict(one) in shown
    assert "Evidence procedures[1].name = Internal fixation, left femur (2026-11-03)" in shown
    for item in one.criteria:
        assert item.text in shown
        assert item.reason in shown or any(part.reason in shown for part in item.parts)
    for text in (*one.needs, *one.assumptions, *(note.text for note in one.advisories)):
        assert text in shown
    assert words.rescreening(one) in shown
    assert words.not_used(one) in shown
    assert words.provenance(one) in shown
    assert seen.trouble == []


def test_headings_come_in_order_of_urgency(visit: Callable[..., Visit]) -> None:
    page = visit(patient_page([builders.typical()])).page
    titles = page.locator("h1, .group > h2").all_inner_texts()
    assert [" ".join(title.split()) for title in titles] == [
        "✗ INELIGIBLE by the record; the investigator decides",
        "✗ FAIL (1)",
        "? UNKNOWN (3)",
        "To obtain",
        "Re-screening",
        "✓ PASS (17)",
        "Advisories",
        "Not used",
        "Assumptions",
    ]
    levels = page.eval_on_selector_all("h1,h2,h3,h4,h5,h6", "all => all.map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_evidence_of_a_pass_opens_by_keyboard(visit: Callable[..., Visit]) -> None:
    evidence = [builders.Evidence(path="performance_status[0].ecog", value=1, date="2026-11-10")]
    page = visit(patient_page([result(criterion("I3", evidence=evidence))])).page
    value = page.get_by_text("performance_status[0].ecog")
    assert not value.is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert page.locator(".skip").bounding_box()["y"] >= 0
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert value.is_visible()


def test_parts_of_a_pass_are_listed_once() -> None:
    parts = [criterion("I8a", reason="ANC 2.4."), criterion("I8b", reason="Platelets 176.")]
    joined = criterion("I8", reason="ANC 2.4. Platelets 176.", parts=parts)
    own = criterion("I5", reason="Both hold.", parts=parts)
    first, second = sheet(screening([joined, own]))["passed"]
    assert (first["reason"], [part["reason"] for part in first["parts"]]) == (
        "",
        ["ANC 2.4.", "Platelets 176."],
    )
    assert second["reason"] == "Both hold. (I8a, I8b)"


def test_an_unknown_that_counts_as_a_pass_says_so() -> None:
    part = criterion("I8a", "unknown", reason="Nothing is recorded.")
    item = criterion("I8", truth="unknown", reason="Nothing is recorded.", parts=[part])
    (passed,) = sheet(screening([item]))["passed"]
    assert passed["reason"] == ("Nothing is recorded. (unknown, counted as a pass; unknown: I8a)")
    assert passed["parts"][0]["outcome"] == "unknown"


def test_several_results_begin_with_an_overview(visit: Callable[..., Visit]) -> None:
    both = [builders.typical(), result(patient_id="PUMCH-0533")]
    seen = visit(patient_page(both))
    page = seen.page
    assert page.locator("h1").inner_text() == "2 patients: 1 eligible, 1 ineligible"
    assert page.locator(".overview tbody tr").count() == 2
    page.get_by_role("link", name="PUMCH-0533").click()
    assert page.evaluate("document.querySelector(location.hash).innerText").startswith("✓ ELIGIBLE")
    assert page.title() == "Screening of PUMCH-0417, PUMCH-0533"
    assert seen.faults() == []


def test_nothing_of_a_record_becomes_markup(visit: Callable[..., Visit]) -> None:
    usual = {tag for tag, _ in Tags(patient_page([builders.typical()] * 2)).found}
    html = patient_page([hostile(), hostile()])
    tags = Tags(html).found
    assert {tag for tag, _ in tags} <= usual | {"details", "summary"}
    names = {name for _, attributes in tags for name in attributes}
    assert not [name for name in names if name.startswith("on") or name in {"src", "style"}]
    assert {link["href"] for tag, link in tags if tag == "a"} == {"#main", "#sheet0", "#sheet1"}
    seen = visit(html)
    shown = " ".join(seen.page.locator("main").inner_text().split())
    assert shown.count("</style></script><script>alert(1)</script><img src=x onerror") > 20
    assert "{{ 7*7 }}{% x %}&amp;\\3c \\u202e" in shown
    assert "\u202e" not in html
    assert seen.trouble == []
    assert len(seen.requests) == 1


def test_the_page_forbids_all_but_its_own_style() -> None:
    html = patient_page([builders.typical()])
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy
    rules = policy[1].replace("&#39;", "'").split("; ")
    assert rules[0] == "default-src 'none'"
    assert re.fullmatch(r"style-src 'sha256-[A-Za-z0-9+/]{43}='", rules[1])
    assert rules[2:] == ["base-uri 'none'", "form-action 'none'"]
    assert "<script" not in html
    assert not re.findall(r"(?:href|src)=\"(?!#)", html)


def test_a_style_that_is_not_the_page_s_own_is_refused(visit: Callable[..., Visit]) -> None:
    html = patient_page([builders.typical()])
    seen = visit(html.replace("<style>", "<style>body { color: red } </style><style>"))
    assert any("Content Security Policy" in said for said in seen.trouble)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_anyone_can_read_it(visit: Callable[..., Visit], scheme: str, width: int) -> None:
    """axe-core: names, structure, and the contrast of every text."""
    for results in ([builders.typical()], [result()], [hostile()]):
        seen = visit(
            patient_page(results),
            color_scheme=scheme,
            viewport={"width": width, "height": 800},
        )
        assert seen.faults() == []
        assert seen.page.evaluate("document.documentElement.scrollWidth") == width
        dark = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (dark == "rgb(16, 21, 26)") == (scheme == "dark")


def test_outcomes_are_told_by_word_and_symbol_beside_colour(visit: Callable[..., Visit]) -> None:
    page = visit(patient_page([builders.typical()])).page
    for name, symbol in (("fail", "✗"), ("unknown", "?"), ("pass", "✓")):
        assert (
            page.locator(f".group > h2.{name}")
            .inner_text()
            .startswith(f"{symbol} {words.OUTCOME_WORD[name]}")
        )


def test_on_paper_every_sheet_names_the_patient(
    visit: Callable[..., Visit], tmp_path: Path
) -> None:
    page = visit(patient_page([builders.typical(), result(patient_id='P"9\\;}')])).page
    texts = printed(page.pdf(prefer_css_page_size=True), tmp_path)
    typical = [text for text in texts if "PUMCH-0417 · dawna-fes" in text]
    other = [text for text in texts if 'P"9\\;} · dawna-fes' in text]
    assert len(texts) == 1 + len(typical) + len(other)
    assert len(typical) >= 2
    assert "Investigator’s decision" in typical[-1]
    assert all(f"{place} / {len(texts)}" in text for place, text in enumerate(texts, 1))
    assert "Skip to the content" not in "".join(texts)


def printed(pdf: bytes, folder: Path) -> list[str]:
    """The text of each sheet of paper."""
    file = folder / "printed.pdf"
    file.write_bytes(pdf)
    texts = [sheet.extract_text() for sheet in PdfReader(file).pages]
    return [" ".join(normalize("NFKC", text).split()) for text in texts]


@pytest.mark.parametrize(
    ("count", "total", "said"),
    [
        (0, 0, "–"),
        (0, 3, "0 %"),
        (3, 3, "100 %"),
        (1, 3, "33.3 %"),
        (1, 1000, "0.1 %"),
        (1, 1001, "<0.1 %"),
        (999, 1000, "99.9 %"),
        (1000, 1001, ">99.9 %"),
    ],
)
def test_a_share_is_never_rounded_to_none_or_all(count: int, total: int, said: str) -> None:
    assert percent(count, total) == said


@pytest.mark.parametrize("text", ["</script>", "<!--<script>", "]]>", "\u2028", "é\\u003c"])
def test_data_stays_within_its_element_and_unchanged(text: str) -> None:
    written = data({text: [text]})
    assert "<" not in written
    assert json.loads(written) == {text: [text]}
