"""The page of a batch, used as its readers use it: in a browser, with mouse and keyboard."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from batches import Batch, detail, row, summary, texts
from pages import expected, found, patients

from screener.report.batch_data import PatientRow, StudyTexts
from screener.report.page import patient_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Visit
    from playwright.sync_api import Page


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

    def test_without_the_full_report_the_reasons_are_told(
        self, small: Batch, visit: Callable[..., Visit]
    ) -> None:
        batch = replace(small, details=small.details[:3])
        page = visit(batch.page()).page
        place = next(i for i, it in enumerate(small.rows) if i > 3 and it.failed and it.unknown)
        one, why = small.rows[place], small.reasons[place]
        page.get_by_label("Search patient").fill(one.patient_id)
        page.get_by_role("button", name=one.patient_id).click()
        body = page.locator("#report-body")
        told = body.locator(".finding").all_inner_texts()
        assert len(told) == len(why.reasons) == len(one.failed) + len(one.unknown)
        for shown, reason in zip(told, why.reasons, strict=True):
            assert " ".join(shown.split()).endswith(f"Reason {reason}")

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
        assert "are not in this page for this patient" in page.locator("#report-body").inner_text()
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
