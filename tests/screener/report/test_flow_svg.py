"""The flow diagram: well-formed, every text in it as text, every box within the picture."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest
from builders import HOSTILE

from screener.cohort import FlowStep
from screener.report import flow_svg

SVG = "{http://www.w3.org/2000/svg}"
LONG = (
    "Somebody who left for a reason that takes more words than would ever fit in one line of a box"
)


def drawn(*labels: str, included: str = "Included") -> ET.Element:
    steps = [FlowStep(criterion=None, label=labels[0], excluded=0, remaining=1000)]
    for number, label in enumerate(labels[1:], start=1):
        remaining = 1000 - number
        steps.append(FlowStep(criterion=f"C{number}", label=label, excluded=1, remaining=remaining))
    return ET.fromstring(flow_svg.render(steps, included, "A flow", "study-1"))


def texts(picture: ET.Element) -> list[str]:
    return [element.text or "" for element in picture.iter(f"{SVG}text")]


def test_every_label_and_number_is_there() -> None:
    found = drawn("All", "No treatment", "Another tumour")
    assert texts(found) == ["All", "n = 1,000", "No treatment", "n = 1", "Another tumour", "n = 1",
                            "Included", "n = 998"]  # fmt: skip
    assert found.find(f"{SVG}title").text == "A flow"  # type: ignore[union-attr]
    described = found.find(f"{SVG}desc").text  # type: ignore[union-attr]
    assert described == ("All: 1,000. Excluded: No treatment: 1; Another tumour: 1. Included: 998.")


@pytest.mark.parametrize("label", [HOSTILE, "</text><script>", "a & b", "\x00\x1b", "\"'"])
def test_a_label_is_only_ever_text(label: str) -> None:
    found = drawn(label, label, included=label)
    names = {element.tag.removeprefix(SVG) for element in found.iter()}
    assert names <= {"svg", "title", "desc", "defs", "marker", "path", "rect", "text", "line"}
    for element in found.iter():
        assert not any(name.startswith("on") or "href" in name for name in element.attrib)


@pytest.mark.parametrize("label", [LONG, "Donaudampfschifffahrtsgesellschaft" * 4, "既往" * 60])
def test_a_long_label_wraps_within_its_box(label: str) -> None:
    found = drawn(label, label)
    lines = texts(found)
    assert "".join(lines).replace(" ", "").count(label.replace(" ", "")) == 2
    boxes = [
        {name: float(box.attrib[name]) for name in ("x", "y", "width", "height")}
        for box in found.iter(f"{SVG}rect")
        if "x" in box.attrib
    ]
    assert len(boxes) == 3
    width, height = float(found.attrib["width"]), float(found.attrib["height"])
    for box in boxes:
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height
    for text in found.iter(f"{SVG}text"):
        x, y = float(text.attrib["x"]), float(text.attrib["y"])
        assert any(b["x"] < x < b["x"] + b["width"] and b["y"] < y < b["y"] + b["height"]
                   for b in boxes)  # fmt: skip


def test_boxes_do_not_overlap() -> None:
    found = drawn("All", LONG, "short", LONG)
    side = [b.attrib for b in found.iter(f"{SVG}rect") if "x" in b.attrib][1:-1]
    for above, below in pairwise(side):
        assert float(above["y"]) + float(above["height"]) < float(below["y"])


def test_nobody_leaves() -> None:
    assert texts(drawn("All")) == ["All", "n = 1,000", "Included", "n = 1,000"]


def test_ids_begin_with_the_key_so_that_a_page_holds_several() -> None:
    ids = {e.attrib["id"] for e in drawn("All", "x").iter() if "id" in e.attrib}
    assert ids == {"study-1-title", "study-1-desc", "study-1-arrow"}


def test_the_picture_of_the_documentation_is_that_of_the_replica() -> None:
    root = Path(__file__).resolve().parents[3]
    shown = ET.fromstring((root / "docs" / "zhou-2026-flow.svg").read_text("utf-8"))
    numbers = [text.removeprefix("n = ") for text in texts(shown) if text.startswith("n = ")]
    assert numbers == ["158", "87", "9", "3", "1", "58"]
