from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.report.harmless import harmless


@pytest.mark.parametrize(
    "value",
    [
        "=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\tx", "\rx",
        " =1", '"=1"', "'=1",
        '" \'=HYPERLINK("http://x")', "＝1", "＋1", "－a", "＠a", "-", "=", "\u00a0=1", "\x00=1",
        "+49 30 1234", "-1e", "--1",
    ],
)  # fmt: skip
def test_what_begins_like_a_formula_gets_an_apostrophe(value: str) -> None:
    assert harmless(value) == f"'{value}"


@pytest.mark.parametrize(
    "value",
    ["", "A1", "ECOG 1", "E9;I3", "a=b", "1-2", "-1", "+1.5", "-.5", "-1e-3", "2026-01-12", "'a"],
)
def test_everything_else_stays(value: str) -> None:
    assert harmless(value) == value


@given(st.text("=+-@ \t\r\n\"'`ab1.＝"))
def test_no_cell_begins_like_a_formula_and_none_is_changed_otherwise(value: str) -> None:
    made = harmless(value)
    assert made in {value, f"'{value}"}
    if made == value and value.strip(" \t\r\n\"'`")[:1] in tuple("=+-@＝"):
        float(value or "0")
