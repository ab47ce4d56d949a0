"""The page of a batch whose every text is markup or script."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from batches import Batch, clinic
from pages import patients
from test_page import HOSTILE_HTML, Tags, hostile

from screener.report.batch_data import CriterionText, PatientRow, RowReasons, StudyTexts

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Visit


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
    reasons = [RowReasons(it.patient_id, text, [text] * 2) for it in rows]
    return Batch(whole, [StudyTexts(text, text, criteria, what_if, svg)], rows, [one], reasons)


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
