"""The page of a batch: what it counts, whom it can be read by, and what bounds it."""

from __future__ import annotations

import io
import json
import time
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest
from batches import Batch, clinic, gather, summary, texts, what_if
from pages import expected, found, label, patients
from test_page import printed

from screener.report import words
from screener.report.batch_page import Limits, batch_page

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Visit
    from playwright.sync_api import Browser

EMPTY = "<!DOCTYPE html><html lang='en'><title>Empty</title><body></body></html>"
FIRST_USE = 15
"""First use of the page of 100,000 patients takes at most so many times an empty page's opening."""


@pytest.fixture(scope="module")
def large() -> Batch:
    return clinic(100_000)


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


class TestReaders:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [375, 1280])
    def test_wide_tables_scroll_within_the_page(
        self, small: Batch, visit: Callable[..., Visit], scheme: str, width: int
    ) -> None:
        gains = what_if()
        names = [item["criterion"] for item in gains["remove"]]
        gains["remove"] = [{"criterion": it, "eligible": 1200, "undetermined": 3} for it in names]
        gains["pairs"] = [
            {"criteria": [a, b], "eligible": 2500, "undetermined": -1200}
            for place, a in enumerate(names) for b in names[place + 1 :]
        ]  # fmt: skip
        batch = replace(small, studies=[texts(gains)])
        seen = visit(batch.page(), color_scheme=scheme, viewport={"width": width, "height": 800})
        assert seen.page.evaluate("document.documentElement.scrollWidth") == width
        assert seen.faults() == []

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [375, 1280])
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


class TestBounds:
    def test_what_is_left_out_is_said(self, small: Batch, visit: Callable[..., Visit]) -> None:
        seen = visit(small.page(Limits(rows=100, details=10)))
        page = seen.page
        first, second = page.locator(".left-out").all_inner_texts()
        assert first == (
            "The table holds 100 of 158 screenings; 58 ineligible ones are left out. All are in "
            "screening_log.csv. The counts above are of all."
        )
        assert second == (
            "10 of 100 screenings open to the full report with evidence, the others to what fails, "
            "what is unknown and what to obtain, with the reasons. All reasons are in "
            "screening_log.csv, and `screen RECORD --format html` makes the report of one patient."
        )
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

    def test_reasons_are_bounded_by_their_length(self, small: Batch) -> None:
        def said(characters: int, **changed: Any) -> str:
            limits = Limits(details=10, reason_characters=characters)
            return replace(small, **changed).page(limits)

        first = small.reasons[10:]
        one = first[0]
        length = len(one.patient_id) + len(one.study) + sum(map(len, one.reasons))
        length += 6 * (len(one.reasons) + 1)
        assert "obtain, without the reasons." in said(length - 1, reasons=first)
        assert "obtain, 1 of them with the reasons." in said(length, reasons=first)
        assert "obtain, without the reasons." in said(length, reasons=[])

    def test_details_are_not_read_beyond_the_limit(self, small: Batch) -> None:
        taken = iter(small.details)
        batch_page(
            io.StringIO(),
            small.summary,
            small.studies,
            gather(small.rows, 100),
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
        assert full.stat().st_size < 8_000_000
        times: dict[Path, list[float]] = {empty: [], full: []}
        for _ in range(7):
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
        # Medians: an empty page is sometimes there in half its usual time.
        assert median(times[full]) <= FIRST_USE * median(times[empty])

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
