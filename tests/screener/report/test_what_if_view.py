"""What-if results, as drawn and as shown in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import batches
from batches import Batch, row, summary, texts
from pages import label

from screener.report.what_if_view import view

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Visit


class TestWhatIf:
    def test_gains_are_shown_with_unknowns_apart(
        self, small: Batch, visit: Callable[..., Visit]
    ) -> None:
        page = visit(small.page()).page
        panel = page.locator("section[aria-labelledby=what-if-0]")
        gains = [label(line) for line in panel.locator("table").first.locator("tbody tr").all()]
        short = [" ".join(gain.split()[:1] + gain.split()[-2:]) for gain in gains]
        assert short == ["I5 +14 +9", "I7 +6 +4", "E4 +5 −2", "E9 +3 0", "I3 +2 +1", "E2 0 +1"]
        assert "Palbociclib, abemaciclib or ribociclib received" in gains[0]
        assert (
            "Without any one of these, nobody’s status changes: AGE, DX, I1," in panel.inner_text()
        )
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

    def test_thresholds_that_decide_nothing_are_named_and_not_drawn(
        self, visit: Callable[..., Visit]
    ) -> None:
        gains = batches.what_if()
        point: Any = {"eligible": 40, "undetermined": 35, "ineligible": 83}
        for name in ("idle", "idle_too"):
            gains["parameters"].append(
                {"name": name, "unit": "days", "current": 7, "criteria": [],
                 "curve": [{"value": value, **point} for value in (0, 7, 28)]}
            )  # fmt: skip
        gains["sample"] = {"patients": 158, "of": 12345}
        shown = view(gains)
        assert [one["name"] for one in shown["steady"]] == ["idle", "idle_too"]
        assert not {"idle", "idle_too"} & {one["name"] for one in shown["parameters"]}
        rows = [row("A")]
        seen = visit(Batch(summary(rows), [texts(gains)], rows).page())
        said = seen.page.locator("section[aria-labelledby=what-if-0]").inner_text()
        assert "idle (now 7 days; tried from 0 to 28), idle_too (now 7 days; tried" in said
        assert "a sample of 158 of the 12,345 patients" in said
        assert seen.faults() == []

    def test_many_curves_are_folded(self, visit: Callable[..., Visit]) -> None:
        gains = batches.what_if()
        first = gains["parameters"][0]
        gains["parameters"] = [{**first, "name": f"n{number}"} for number in range(8)]
        rows = [row("A")]
        page = visit(Batch(summary(rows), [texts(gains)], rows).page()).page
        assert page.get_by_role("heading", name="n5: now").is_visible()
        assert not page.get_by_role("heading", name="n6: now").is_visible()
        assert not page.get_by_text("are not printed").is_visible()
        page.get_by_text("2 more thresholds, with less effect", exact=True).click()
        assert page.get_by_role("heading", name="n7: now").is_visible()

    def test_a_criterion_without_effect_is_in_the_matrix_if_it_matters_with_another(self) -> None:
        nothing: Any = {"eligible": 0, "undetermined": 0}
        names = ["A", "B", "C"]
        pairs: Any = [{"criteria": [a, b], **nothing} for a in names for b in names if a < b]
        gains: Any = {"remove": [{"criterion": name, **nothing} for name in names],
                      "pairs": pairs, "parameters": []}  # fmt: skip
        assert view(gains)["matrix"]["names"] == []
        pairs[0]["eligible"] = 2
        assert view(gains)["matrix"]["names"] == ["A", "B"]
