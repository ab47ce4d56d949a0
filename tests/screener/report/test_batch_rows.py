from __future__ import annotations

import pytest
from batches import gather, row

from screener.report.batch_rows import Need, Rows, detail_rank

MIXED = [
    row("A", ["I3"]),
    row("B"),
    row("C", [], ["I2", "E1"]),
    row("D", ["E9"], ["I2"]),
    row("E", [], ["I2"]),
    row("F"),
]


def decoded(rows: Rows) -> list[tuple[object, ...]]:
    coded = rows.coded()
    names = ("study", "as_of", "status", "failed", "unknown", "needs", "rescreen_on")
    columns = [[coded[name]["values"][code] for code in coded[name]["of"]] for name in names]
    needs = columns[5]
    columns[5] = [[coded["need_texts"][number] for number in value] for value in needs]
    return list(zip(coded["id"], *columns, strict=True))


def test_rows_come_back_as_they_went_in() -> None:
    expected = [
        tuple(list(it) if isinstance(it, (list, tuple)) else it for it in one) for one in MIXED
    ]
    assert decoded(gather(MIXED, 6)) == expected
    assert gather(MIXED, 6).left_out() == {"eligible": 0, "undetermined": 0, "ineligible": 0}


@pytest.mark.parametrize(
    ("limit", "kept"),
    list(enumerate(["", "B", "BF", "BCF", "BCEF", "ABCEF", "ABCDEF", "ABCDEF"])),
)
def test_those_who_may_be_enrolled_are_kept_in_their_order(limit: int, kept: str) -> None:
    rows = gather(MIXED, limit)
    assert "".join(rows.coded()["id"]) == kept
    assert sum(rows.left_out().values()) == rows.count - len(kept)
    used = {status for _, _, _, status, *_ in decoded(rows)}
    assert set(rows.coded()["status"]["values"]) == used


def test_needs_are_ranked_by_the_patients_whom_they_decide() -> None:
    rows = gather(
        [
            row("A", needs=["x"], status="undetermined"),
            row("B", needs=["x", "y", "x"], status="undetermined"),
            row("C", needs=["y", "z", "w"], status="undetermined"),
            row("D", needs=["y", "z", "w", "v"], status="undetermined"),
            row("E", needs=["v"], status="ineligible"),
            row("F", needs=["x"], status="undetermined", study="other"),
        ],
        limit=1,
    )
    assert rows.needs("dawna-fes") == [
        Need("dawna-fes", "x", 1, 1, 2),
        Need("dawna-fes", "y", 0, 2, 3),
        Need("dawna-fes", "w", 0, 1, 2),
        Need("dawna-fes", "z", 0, 1, 2),
        Need("dawna-fes", "v", 0, 0, 1),
    ]
    assert rows.needs("other") == [Need("other", "x", 1, 0, 1)]
    assert rows.needs("third") == []


def test_full_reports_go_first_to_those_who_are_closest() -> None:
    ranked = sorted([*MIXED, row("G", ["I3", "E9"])], key=detail_rank)
    assert "".join(one.patient_id for one in ranked) == "BFCEADG"


def test_text_is_made_printable() -> None:
    coded = gather([row("a\u202eb", ["E\n9"], rescreen_on=None)], 1).coded()
    assert coded["id"] == ["a\\u202eb"]
    assert coded["failed"]["values"] == [["E 9"]]
