"""The definitions of zhou-2026 that go wrong most easily, at every edge: `edges.yaml`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from screener import load_study, parse
from screener.encoding import yaml_file

EDGES = yaml_file.load(Path(__file__).parent / "edges.yaml").data
CASES = [
    (variable, number, case)
    for variable, cases in EDGES.items()
    if isinstance(cases, list)
    for number, case in enumerate(cases, start=1)
]


@pytest.fixture(scope="module")
def found() -> list[dict[str, Any]]:
    """The derived variables of every case."""
    records = [
        parse({"id": "E", "therapies": [*case["therapies"],
                                        case.get("dalpiciclib", EDGES["dalpiciclib"])]})
        for _, _, case in CASES
    ]  # fmt: skip
    as_of = date.fromisoformat(EDGES["as_of"])
    derived = load_study("zhou-2026").derived(records, as_of)
    return [{value.id: value.value for value in values} for values in derived]


@pytest.mark.parametrize(
    "place", range(len(CASES)), ids=[f"{v}-{n}: {case['why']}" for v, n, case in CASES]
)
def test_an_edge(found: list[dict[str, Any]], place: int) -> None:
    variable, _, case = CASES[place]
    assert found[place][variable] == case["is"], case["why"]


def test_every_definition_has_all_its_answers() -> None:
    """Each that may be unknown is; and each category of the three hard ones occurs."""
    for variable in ("endocrine_resistance", "sequential", "lines"):
        answers = {case["is"] for case in EDGES[variable]}
        assert None in answers
        assert len(answers) >= 3
    assert all(case["why"] for _, _, case in CASES)
