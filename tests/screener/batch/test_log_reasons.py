from __future__ import annotations

import pytest

from screener.batch.log import LogRow
from screener.batch.log_reasons import each_reason


@pytest.mark.parametrize(
    ("failed", "unknown", "reasons", "each"),
    [
        ([], [], "", []),
        (["I3"], [], "I3: ECOG 3.", ["ECOG 3."]),
        (["E2"], ["I3", "E5"], "I3: None. | E2: Given. | E5: Open.", ["Given.", "None.", "Open."]),
        (["E2"], ["I3"], "I3: a | b: c | E2: Given: twice.", ["Given: twice.", "a | b: c"]),
        (["E2"], ["I3"], "I3: a | I3: b | E2: c", ["c", "a | I3: b"]),
        (["E2", "E3"], [], "E2: a", ["a", ""]),
    ],
)
def test_reasons_are_told_criterion_by_criterion(
    failed: list[str], unknown: list[str], reasons: str, each: list[str]
) -> None:
    row = LogRow("P", "s", "1", "2026-01-15", "ineligible", failed, unknown, reasons, [], None)
    assert each_reason(row) == each
