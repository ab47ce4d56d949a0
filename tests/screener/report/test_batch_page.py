"""The page of a batch, used as its readers use it: in a browser, with mouse and keyboard."""

from __future__ import annotations

import io
import json
import re
import time
from typing import TYPE_CHECKING, Any

import batches
import pytest
from batches import Batch, clinic, detail, row, summary, texts
from test_page import HOSTILE_HTML, Tags, hostile, printed

from screener.report import words
from screener.report.batch_data import CriterionText, PatientRow, StudyTexts
from screener.report.batch_page import Limits, batch_page
from screener.report.page import patient_page
from screener.report.what_if_view import view

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Visit
    from playwright.sync_api import Browser, Page

EMPTY = "<!DOCTYPE html><html lang='en'><title>Empty</title><body></body></html>"
FIRST_USE = 15
"""First use of the page of 100,000 patients takes at most so many times an empty page's opening."""


@pytest.fixture(scope="module")
def small() -> Batch:
    return clinic(158)


@pytest.fixture(scope="module")
def large() -> Batch:
    return clinic(100_000)


def patients(page: Page) -> list[str]:
    return page.locator("#rows tbody th").all_inner_texts()


def found(page: Page) -> str:
    return page.locator("#found").inner_text()


def expected(batch: Batch, **wanted: Any) -> list[str]:
    """Patients that a reader would pick out of the rows by hand."""
    chosen = batch.rows
    if status := wanted.get("status"):
        chosen = [one for one in chosen if one.status == status]
    if failed := wanted.get("failed"):
        chosen = [one for one in chosen if failed in one.failed]
    if unknown := wanted.get("unknown"):
        chosen = [one for one in chosen if unknown in one.unknown]
    return [one.patient_id for one in chosen]


def label(locator: Any) -> str:
    return " ".join(locator.inner_text().split())


class TestCounts:
    def test_the_numbers_are_those_of_the_summary(
        self, small: Batch, visit: Callable[..., Visit]
    ) -> None:
        page = visit(small.page()).page
        study = small.summary["studies"][0]
        cards = {label(card).split()[1]: label(card) for card in page.locator(".card").all()}
        for status, count in study["status"].items():
            assert cards[status].split()[2] == str(count)
        rows = page.locator(".criteria tbody tr")
        assert rows.count() == len(study["criteria"])
        for place, counts in enumerate(study["criteria"]):
            cells = [int(cell) for cell in rows.nth(place).locator("td").all_inner_texts()]
            names = ("fail", "only_reason", "unknown", "pass")
            assert cells == [counts[name] for name in names]  # type: ignore[literal-required]
        assert "158 of 160 records screened; 2 rejected" in page.locator(".top").inner_text()
        flow = page.locator("section[aria-labelledby^=flow-0] tbody tr").last.inner_text()
        assert flow.split()[-1] == str(study["flow"][-1]["remaining"])

    def test_a_bar_is_divided_as_the_patients_are(
        self, small: Batch, visit: Callable[..., Visit]
    ) -> None:
        page = visit(small.page()).page
        bars = page.locator(".criteria .bar").all()
        for counts, bar in zip(small.summary["studies"][0]["criteria"], bars, strict=True):
            total = bar.bounding_box()["width"]
            parts = {
                rect.get_attribute("class"): rect.bounding_box()["width"] / total
                for rect in bar.locator("rect").all()
            }
            shares = {
                "only": counts["only_reason"],
                "fail": counts["fail"] - counts["only_reason"],
                "unknown": counts["unknown"],
                "pass": counts["pass"],
            }
            wanted = {name: count / 158 for name, count in shares.items() if count}
            assert parts == pytest.approx(wanted, abs=0.01)

    def test_what_to_obtain_leads_to_the_patients_who_need_it(
        self, small: Batch, visit: Callable[..., Visit]
    ) -> None:
        page = visit(small.page()).page
        first = page.locator(".needs tbody tr").first
        need = first.locator("button").evaluate("button => button.dataset.need")
        only, few, in_all = map(int, first.locator("td").all_inner_texts())
        waiting = [one for one in small.rows if need in one.needs]
        assert (in_all, only) == (len(waiting), sum(len(one.needs) == 1 for one in waiting))
        assert few == sum(1 < len(one.needs) <= 3 for one in waiting)
        first.locator("button").click()
        assert patients(page) == [one.patient_id for one in waiting]
        assert page.evaluate("document.activeElement.id") == "patients"

    def test_a_criterion_leads_to_the_patients_whom_it_stops(
        self, small: Batch, visit: Callable[..., Visit]
    ) -> None:
        page = visit(small.page()).page
        page.locator(".criteria button", has_text="I3").click()
        assert patients(page) == expected(small, failed="I3")
        assert page.get_by_label("Criterion").evaluate("it => it.selectedOptions[0].text") == "I3"


class TestTable:
    def test_search(self, small: Batch, visit: Callable[..., Visit]) -> None:
        page = visit(small.page()).page
        page.get_by_label("Search patient").fill("pt-0010")
        assert patients(page) == [f"PT-0010{digit}" for digit in range(10)]
        assert found(page) == "10 of 158 shown"
        page.get_by_label("Search patient").fill("nobody")
        assert patients(page) == []
        assert "No patient matches" in found(page)
        page.get_by_role("button", name="Show all").click()
        assert found(page) == "158 of 158 shown, rows 1 to 50"

    @pytest.mark.parametrize("status", ["eligible", "undetermined", "ineligible"])
    def test_filter_by_status(self, small: Batch, visit: Callable[..., Visit], status: str) -> None:
        page = visit(small.page()).page
        page.get_by_label("Status").select_option(status)
        wanted = expected(small, status=status)
        assert found(page).startswith(f"{len(wanted)} of 158 shown")
        assert patients(page) == wanted[:50]

    @pytest.mark.parametrize(
        ("outcome", "test"),
        [
            ("fails or is unknown", lambda one: "E9" in one.failed or "E9" in one.unknown),
            ("fails", lambda one: "E9" in one.failed),
            ("alone excludes", lambda one: list(one.failed) == ["E9"]),
            ("is unknown", lambda one: "E9" in one.unknown),
        ],
    )
    def test_filter_by_criterion(
        self,
        visit: Callable[..., Visit],
        outcome: str,
        test: Callable[[PatientRow], bool],
    ) -> None:
        rows = [
            row("A", ["E9"]), row("B", ["E9", "I3"]), row("C", [], ["E9"]), row("D"),
            row("E", ["I3"], ["E9"]), row("F", ["I3"]),
        ]  # fmt: skip
        page = visit(Batch(summary(rows), [texts()], rows).page()).page
        page.get_by_label("Criterion").select_option(label="E9")
        page.get_by_label("Outcome").select_option(label=outcome)
        assert patients(page) == [one.patient_id for one in rows if test(one)]

    @pytest.mark.parametrize(
        ("heading", "key"),
        [
            ("Patient", lambda one: [int(part) for part in re.findall(r"\d+", one.patient_id)]),
            ("Status", lambda one: ["eligible", "undetermined", "ineligible"].index(one.status)),
            ("Fails", lambda one: len(one.failed)),
            ("Unknown", lambda one: len(one.unknown)),
            ("To obtain", lambda one: len(one.needs)),
            ("Re-screen on", lambda one: one.rescreen_on or "~"),
        ],
    )
    def test_sort(
        self,
        small: Batch,
        visit: Callable[..., Visit],
        heading: str,
        key: Callable[[PatientRow], Any],
    ) -> None:
        page = visit(small.page()).page
        column = page.locator("#rows thead th", has_text=heading)
        assert page.locator("#rows [aria-sort]").count() == 0
        for way in ("ascending", "descending"):
            column.get_by_role("button").click()
            assert column.get_attribute("aria-sort") == way
            assert page.locator("#rows [aria-sort]").count() == 1
            ordered = sorted(small.rows, key=key, reverse=way == "descending")
            assert patients(page) == [one.patient_id for one in ordered[:50]]

    def test_numbers_in_names_are_sorted_as_numbers(self, visit: Callable[..., Visit]) -> None:
        rows = [row(name) for name in ("P10", "P9", "p1", "P100")]
        page = visit(Batch(summary(rows), [texts()], rows).page()).page
        page.get_by_role("button", name="Patient", exact=True).click()
        assert patients(page) == ["p1", "P9", "P10", "P100"]

    def test_pages_of_the_table(self, small: Batch, visit: Callable[..., Visit]) -> None:
        page = visit(small.page()).page
        every = [one.patient_id for one in small.rows]
        assert patients(page) == every[:50]
        assert page.get_by_role("button", name="First", exact=True).is_disabled()
        page.get_by_role("button", name="Next", exact=True).click()
        assert patients(page) == every[50:100]
        page.get_by_role("button", name="Last", exact=True).click()
        assert patients(page) == every[150:]
        assert found(page) == "158 of 158 shown, rows 151 to 158"
        assert page.get_by_role("button", name="Next", exact=True).is_disabled()
        for typed, shown in (("2", every[50:100]), ("99", every[150:]), ("-3", every[:50])):
            page.get_by_label("Page", exact=True).fill(typed)
            page.get_by_label("Page", exact=True).press("Enter")
            assert patients(page) == shown

    def test_changes_are_told_to_a_screen_reader(
        self, small: Batch, visit: Callable[..., Visit]
    ) -> None:
        page = visit(small.page()).page
        assert page.get_by_role("status").inner_text() == found(page)


class TestReport:
    def test_it_says_what_the_page_of_one_patient_says(
        self, small: Batch, visit: Callable[..., Visit]
    ) -> None:
        place = next(i for i, one in enumerate(small.rows) if one.needs and "I8" in one.unknown)
        one = detail(small.rows[place])
        seen = visit(small.page())
        page = seen.page
        page.get_by_label("Search patient").fill(one.patient_id)
        page.get_by_role("button", name=one.patient_id).click()
        body = page.locator("#report-body")
        shown = " ".join(body.inner_text().split())
        alone = visit(patient_page([one])).page
        whole = " ".join(alone.locator("article.sheet").inner_text().split())
        note = whole.index("A screening aid")
        assert shown == whole[:note].strip()
        assert (
            body.evaluate("it => it.querySelectorAll('.finding').length")
            == alone.locator(".finding").count()
        )
        assert seen.trouble == []

    def test_a_patient_without_full_report_opens_to_what_is_known(
        self, small: Batch, visit: Callable[..., Visit]
    ) -> None:
        page = visit(Batch(small.summary, small.studies, small.rows).page()).page
        one = next(one for one in small.rows if list(one.failed) == ["E9"] and one.unknown)
        page.get_by_label("Search patient").fill(one.patient_id)
        page.get_by_role("button", name=one.patient_id).click()
        shown = " ".join(page.locator("#report-body").inner_text().split())
        assert "✗ E9 exclusion, NCT05861830, exclusion 9 Major surgery or major injury" in shown
        for name in one.unknown:
            assert f"? {name}" in shown
        assert "2026-12-02, by time alone" in shown
        assert f"screen RECORD --study dawna-fes --as-of {one.as_of} --format html" in shown

    def test_from_one_patient_to_the_next(self, small: Batch, visit: Callable[..., Visit]) -> None:
        page = visit(small.page()).page
        page.get_by_role("button", name="PT-00050").click()
        assert page.get_by_role("dialog").is_visible()
        page.get_by_role("button", name="Next patient").click()
        assert page.locator("#report-place").inner_text() == "PT-00051, 51 of 158"
        assert "PT-00051" in page.locator("#report-body").inner_text()
        page.get_by_role("button", name="Close").click()
        assert patients(page)[0] == "PT-00051"
        assert page.evaluate("document.activeElement.textContent") == "PT-00051"
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Previous patient").click()
        assert "PT-00050" in page.locator("#report-body").inner_text()

    def test_two_studies_have_a_report_each(self, visit: Callable[..., Visit]) -> None:
        rows = [row("A", ["I3"]), row("A", study="other"), row("B", study="other")]
        both = summary(rows)
        both["studies"] += summary(rows, study="other")["studies"]
        other = StudyTexts("other", "Another study", texts().criteria)
        details = [detail(rows[0])]
        seen = visit(Batch(both, [texts(), other], rows, details).page())
        page = seen.page
        assert page.locator("#rows tbody td:nth-child(2)").all_inner_texts() == [
            "dawna-fes", "other", "other",
        ]  # fmt: skip
        page.get_by_label("Study").select_option("other")
        assert patients(page) == ["A", "B"]
        page.locator("#rows").get_by_role("button", name="A", exact=True).click()
        assert "is not in this page" in page.locator("#report-body").inner_text()
        page.keyboard.press("Escape")
        page.locator(".criteria").first.get_by_role("button", name="I3").click()
        assert patients(page) == ["A"]
        assert page.get_by_label("Study").input_value() == "dawna-fes"
        assert seen.faults() == []


class TestKeyboard:
    def test_everything_without_a_mouse(self, small: Batch, visit: Callable[..., Visit]) -> None:
        page = visit(small.page()).page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.keyboard.press("Enter")
        reach(page, "#find")
        page.keyboard.type("pt-0004")
        page.keyboard.press("Tab")
        page.keyboard.type("inel")  # a list takes what is typed
        wanted = [name for name in expected(small, status="ineligible") if "PT-0004" in name]
        assert patients(page) == wanted
        reach(page, "#rows thead button")
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        assert patients(page) == wanted[::-1]
        reach(page, "#rows tbody button")
        page.keyboard.press("Enter")
        assert page.locator("dialog[open]").count() == 1
        inside = "document.querySelector('dialog').contains(document.activeElement)"
        assert page.evaluate(inside)
        for _ in range(12):  # the page behind it is out of reach; the browser's own bar is not
            page.keyboard.press("Tab")
            assert page.evaluate(f"{inside} || document.activeElement === document.body")
        page.keyboard.press("Escape")
        assert page.locator("dialog[open]").count() == 0
        assert page.evaluate("document.activeElement.textContent") == wanted[-1]

    def test_the_focus_can_be_seen(self, small: Batch, visit: Callable[..., Visit]) -> None:
        page = visit(small.page()).page
        for _ in range(30):
            page.keyboard.press("Tab")
            style = page.evaluate(
                "(({outlineStyle, outlineWidth}) => [outlineStyle, outlineWidth])"
                "(getComputedStyle(document.activeElement))"
            )
            assert style == ["solid", "3px"]


def reach(page: Page, selector: str) -> None:
    """Press Tab until the first element of this kind has the focus."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement === document.querySelector(s)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached")


class TestReaders:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [390, 1280])
    def test_anyone_can_read_it(
        self, small: Batch, visit: Callable[..., Visit], scheme: str, width: int
    ) -> None:
        """axe-core: names, structure, and the contrast of every text, with and without a report."""
        seen = visit(small.page(), color_scheme=scheme, viewport={"width": width, "height": 800})
        assert seen.faults() == []
        assert seen.page.evaluate("document.documentElement.scrollWidth") == width
        seen.page.locator("#rows tbody button").nth(1).click()
        assert seen.faults(context="dialog") == []
        assert seen.trouble == []

    def test_it_is_printed_without_controls(
        self, small: Batch, visit: Callable[..., Visit], tmp_path: Path
    ) -> None:
        page = visit(small.page()).page
        whole = "\n".join(printed(page.pdf(prefer_css_page_size=True), tmp_path))
        assert "What to obtain first" in whole
        assert "PT-00050" in whole
        assert "Search patient" not in whole
        page.locator("#rows tbody button").nth(1).click()
        sheets = printed(page.pdf(prefer_css_page_size=True), tmp_path)
        assert len(sheets) >= 2
        assert "PT-00002" in sheets[0]
        assert "record sha256" in sheets[-1]
        assert "What to obtain first" not in "".join(sheets)
        assert page.locator("#printed *").count() == 0

    def test_without_script_it_says_where_the_patients_are(
        self, small: Batch, visit: Callable[..., Visit]
    ) -> None:
        page = visit(small.page(), java_script_enabled=False).page
        assert page.locator("noscript p").is_visible()
        assert not page.locator("#filters").is_visible()


def made_of_markup() -> Batch:
    """Two studies whose every text is markup and script, and patients who go with them."""
    text = HOSTILE_HTML
    one = hostile()
    rows = [
        PatientRow(text, text, text, "undetermined", [], [text], [text, text + "2"], text),
        PatientRow(text + "3", text, text, "ineligible", [text], [text], [], text),
    ]
    counts = {"id": text, "pass": 0, "fail": 1, "unknown": 2, "only_reason": 1}
    value = {"value": 1, "eligible": 1, "undetermined": 1, "ineligible": 0}
    gain = {"eligible": 1, "undetermined": 1}
    what_if: Any = {
        "remove": [{"criterion": text, **gain}, {"criterion": "b", **gain}],
        "pairs": [{"criteria": [text, "b"], **gain}],
        "parameters": [{"name": text, "unit": text, "current": 1, "curve": [value, value]}],
    }
    svg = f"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(5)'><text>{'</svg>'}</text></svg>"
    study = {
        "study": {"id": text, "version": text, "sha256": text},
        "as_of": text,
        "status": {"eligible": 0, "ineligible": 1, "undetermined": 1},
        "criteria": [counts],
        "flow": [{"criterion": text, "label": text, "excluded": 1, "remaining": 1}],
        "table_one": [{"variable": text, "category": text, "n": 1, "percent": 100.0}],
    }
    whole: Any = {
        "studies": [study],
        "input": {"name": text, "sha256": text, "records": 3, "screened": 2, "rejected": 1},
        "tool": {"name": text, "version": text},
    }
    criteria = [CriterionText(text, "exclusion", text, text)]
    return Batch(whole, [StudyTexts(text, text, criteria, what_if, svg)], rows, [one])


class TestHostile:
    def test_no_text_becomes_markup_or_runs(self, visit: Callable[..., Visit]) -> None:
        batch = made_of_markup()
        html = batch.page()
        tags = Tags(html).found
        usual = {tag for tag, _ in Tags(clinic(3).page()).found}
        assert {tag for tag, _ in tags} <= usual | {"img"}
        names = {name for _, attributes in tags for name in attributes}
        assert not [name for name in names if name.startswith("on") or name == "style"]
        seen = visit(html)
        page = seen.page
        page.evaluate(
            "() => { window.added = []; new MutationObserver((all) => all.forEach((one) => "
            "one.addedNodes.forEach((node) => node.querySelectorAll && "
            "[node, ...node.querySelectorAll('*')].forEach((it) => added.push(it.localName)))))"
            ".observe(document, {subtree: true, childList: true}); }"
        )
        for place in range(2):
            page.locator("#rows tbody button").nth(place).click()
            shown = page.locator("#report-body").inner_text()
            assert "<img src=x onerror=alert(2)>" in shown
            page.keyboard.press("Escape")
        page.locator(".criteria button").click()
        assert len(patients(page)) == 2
        page.locator(".needs button").first.click()
        assert len(patients(page)) == 1
        added = set(page.evaluate("added"))
        assert added
        assert not added & {"script", "img", "svg", "style", "a", "iframe"}
        assert seen.trouble == []
        assert [it for it in seen.requests[1:] if not it.startswith("data:image/svg")] == []

    def test_a_script_that_is_not_the_page_s_own_is_refused(
        self, small: Batch, visit: Callable[..., Visit]
    ) -> None:
        html = small.page().replace("</main>", "<script>alert(1)</script></main>")
        seen = visit(html)
        assert "dialog" not in seen.trouble
        assert any("Content Security Policy" in said for said in seen.trouble)
        assert patients(seen.page)

    def test_the_page_can_reach_no_network(self, small: Batch, visit: Callable[..., Visit]) -> None:
        page = visit(small.page()).page
        tried = page.evaluate(
            "Promise.allSettled([fetch('http://127.0.0.1:9/'), new Promise((_, no) => { "
            "const i = new Image(); i.onerror = no; i.src = 'http://127.0.0.1:9/x.png'; })])"
        )
        assert [one["status"] for one in tried] == ["rejected", "rejected"]
        policy = re.search(r'Content-Security-Policy" content="([^"]+)"', small.page())
        assert policy
        rules = policy[1].replace("&#39;", "'").split("; ")
        assert rules[0] == "default-src 'none'"
        assert not [rule for rule in rules if "unsafe" in rule or "http" in rule]


class TestBounds:
    def test_what_is_left_out_is_said(self, small: Batch, visit: Callable[..., Visit]) -> None:
        seen = visit(small.page(Limits(rows=100, details=10)))
        page = seen.page
        first, second = page.locator(".left-out").all_inner_texts()
        assert first == (
            "The table holds 100 of 158 screenings; 58 ineligible ones are left out. All are in "
            "screening_log.csv. The counts above are of all."
        )
        assert second.startswith("10 of 100 screenings open to the full report")
        assert found(page) == "100 of 100 shown, rows 1 to 50"
        assert page.locator("script[id^='report-']").count() == 10

    def test_nothing_is_said_where_nothing_is_left_out(self, small: Batch) -> None:
        assert 'class="left-out"' not in small.page()

    def test_reports_are_bounded_by_their_length_too(self, small: Batch) -> None:
        one = len(json.dumps(small.page(Limits(details=1)))) - len(
            json.dumps(small.page(Limits(details=0)))
        )
        html = small.page(Limits(detail_characters=5 * one))
        assert (
            3
            <= html.count('id="report-')
            - len(("place", "previous", "next", "print", "close", "body"))
            <= 8
        )

    def test_details_are_not_read_beyond_the_limit(self, small: Batch) -> None:
        taken = iter(small.details)
        batch_page(
            io.StringIO(),
            small.summary,
            small.studies,
            small.rows,
            details=taken,
            limits=Limits(details=3),
        )
        assert next(taken) is small.details[3]

    def test_the_same_batch_gives_the_same_page(self, small: Batch) -> None:
        assert small.page() == small.page()

    def test_an_empty_batch_has_a_page(self, visit: Callable[..., Visit]) -> None:
        seen = visit(Batch(summary([]), [texts()], []).page())
        assert "No patient matches" in found(seen.page)
        assert seen.trouble == []
        assert seen.faults() == []


class TestLarge:
    def test_first_use_of_100_000_patients(
        self, large: Batch, browser: Browser, tmp_path: Path
    ) -> None:
        """First use: the page is open, and has answered a search among all patients."""
        empty, full = tmp_path / "empty.html", tmp_path / "full.html"
        empty.write_text(EMPTY, "utf-8")
        full.write_text(large.page(), "utf-8")
        assert full.stat().st_size < 7_000_000
        times: dict[Path, list[float]] = {empty: [], full: []}
        for _ in range(5):
            for file, taken in times.items():
                context = browser.new_context()
                page = context.new_page()
                begun = time.perf_counter()
                page.goto(file.as_uri())
                if file is full:
                    page.get_by_label("Search patient").fill("PT-99999")
                    assert found(page) == "1 of 100,000 shown"
                taken.append(time.perf_counter() - begun)
                context.close()
        assert min(times[full]) <= FIRST_USE * min(times[empty])

    def test_it_works_as_the_small_one_does(
        self, large: Batch, visit: Callable[..., Visit]
    ) -> None:
        seen = visit(large.page())
        page = seen.page
        page.get_by_label("Status").select_option("eligible")
        wanted = expected(large, status="eligible")
        assert found(page) == f"{len(wanted):,} of 100,000 shown, rows 1 to 50"
        page.get_by_role("button", name="Patient", exact=True).dblclick()
        assert patients(page) == wanted[:-51:-1]
        page.locator("#rows tbody button").first.click()
        assert page.locator("#report-place").inner_text() == f"{wanted[-1]}, 1 of {len(wanted):,}"
        assert words.CAVEAT in page.locator("#report-body").inner_text()
        assert seen.trouble == []


class TestWhatIf:
    def test_gains_are_shown_with_unknowns_apart(
        self, small: Batch, visit: Callable[..., Visit]
    ) -> None:
        page = visit(small.page()).page
        panel = page.locator("section[aria-labelledby=what-if-0]")
        gains = [label(line) for line in panel.locator("table").first.locator("tbody tr").all()]
        assert gains == ["I5 +14 +9", "I7 +6 +4", "E4 +5 -2", "E9 +3 0", "I3 +2 +1", "E2 0 +1"]
        assert "No patient more without one of these: AGE, DX, I1," in panel.inner_text()
        matrix = panel.locator(".matrix tbody tr")
        assert matrix.count() == 6
        assert [label(cell) for cell in matrix.nth(1).locator("td").all()] == [
            "+16 ? undetermined +10",
            "+14 ? undetermined +9",
        ]
        panel.locator("summary").first.click()
        values = [label(line) for line in panel.locator("details tbody tr").all()]
        assert values[2] == "90 (now) 40 35 83"

    def test_curves_run_through_their_points(self) -> None:
        first, second = view(batches.what_if())["parameters"]
        falling = [y for _, y in first["eligible"]]
        assert falling == sorted(falling)  # down the page
        assert first["at"] == first["eligible"][2][0]
        assert second["eligible"][0][0] == second["left"]
        assert second["eligible"][-1][0] == second["right"]
        assert [text for _, text in first["up"]] == ["0", "20", "40", "60"]

    def test_a_single_value_and_no_patients_make_a_drawing_too(self) -> None:
        point: Any = {"value": 3, "eligible": 0, "undetermined": 0, "ineligible": 0}
        flat = view(
            {
                "remove": [],
                "pairs": [],
                "parameters": [
                    {"name": "n", "unit": "", "current": 3, "curve": [point]},
                    {"name": "none", "unit": "", "current": 3, "curve": []},
                ],
            }
        )
        assert [one["name"] for one in flat["parameters"]] == ["n"]
        ((_, top), (_, bottom)) = flat["parameters"][0]["names"]
        assert bottom - top == 16

    def test_a_pair_that_was_not_computed_is_no_zero(self, visit: Callable[..., Visit]) -> None:
        gains = batches.what_if()
        gains["pairs"] = [pair for pair in gains["pairs"] if pair["criteria"] != ["I3", "I7"]]
        rows = [row("A")]
        page = visit(Batch(summary(rows), [texts(gains)], rows).page()).page
        cells = page.locator(".matrix tbody tr").nth(2).locator("td")
        assert [label(cell).split()[0] for cell in cells.all()] == ["·", "+21", "+6"]
