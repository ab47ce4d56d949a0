"""The screening log as a table for people, and as it is kept between the steps of a run."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from screener.batch.log import LogRow, keep, kept, write_csv
from screener.report.harmless import harmless

CELLS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\"';,=\n\r\t "))


@given(st.lists(st.lists(CELLS, min_size=1, max_size=10)))
def test_every_cell_is_read_again_as_it_was_and_is_quoted(rows: list[list[str]]) -> None:
    file = io.StringIO(newline="")
    write_csv(file, rows)
    wanted = io.StringIO(newline="")
    table = csv.writer(wanted, lineterminator="\n", quoting=csv.QUOTE_ALL)
    table.writerows([harmless(cell) for cell in row] for row in rows)
    assert file.getvalue() == wanted.getvalue()
    read = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert list(read) == [[harmless(cell) for cell in row] for row in rows]


@given(
    st.lists(
        st.builds(
            LogRow, CELLS, CELLS, CELLS, CELLS,
            st.sampled_from(["eligible", "ineligible", "undetermined"]),
            st.lists(CELLS), st.lists(CELLS), CELLS, st.lists(CELLS), st.none() | CELLS,
        )
    )
)  # fmt: skip
def test_rows_are_kept_as_they_are(rows: list[LogRow]) -> None:
    half = len(rows) // 2
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("first", "second")]
        for path, some in zip(paths, (rows[:half], rows[half:]), strict=True):
            with path.open("wb") as file:
                keep(file, some)
        assert list(kept(paths)) == rows
