"""Records as a table that DuckDB reads where they lie in memory, in the layout of Apache Arrow.

So no text of a patient is written to a file to be screened.
"""

from __future__ import annotations

from array import array
from datetime import date
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any

import nanoarrow
from nanoarrow.c_array_stream import CArrayStream

from screener import database

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection

_AT_ONCE = 64
"""Records that DuckDB parses at a time. It fills one field of all of them after the other, so what
it parsed of more than these would not stay in the processor's cache."""

_DAY_0 = date(1970, 1, 1).toordinal()
_LATER = nanoarrow.list_(nanoarrow.date32())
_SCHEMA = nanoarrow.c_schema(
    nanoarrow.struct({"n": nanoarrow.int32(), "later": _LATER, "record": nanoarrow.large_string()})
)


class Handed:
    """The table `name` of connections: columns n, from 0, later days, and record, its text.

    What it holds is read anew by each statement, prepared ones as well.
    """

    def __init__(self, name: str, *connections: DuckDBPyConnection) -> None:
        self._rows: Any = None
        self.put([], [])
        for connection in connections:
            database.from_arrow(connection, name, self)

    def put(self, records: Sequence[bytes], later: Sequence[Sequence[date]]) -> None:
        """Hold these records, each one JSON object in UTF-8, and no others."""
        self._rows = None  # so that no two are held at a time
        days = array("i", [day.toordinal() - _DAY_0 for day in chain.from_iterable(later)])
        columns = [
            _column(nanoarrow.int32(), len(records), array("i", range(len(records)))),
            _column(
                _LATER,
                len(records),
                _ends(later, "i"),
                children=[_column(nanoarrow.date32(), len(days), days)],
            ),
            _column(nanoarrow.large_string(), len(records), _ends(records, "q"), b"".join(records)),
        ]
        self._rows = _column(_SCHEMA, len(records), children=columns)

    def __arrow_c_schema__(self) -> object:  # Arrow's protocol
        """The types of the columns, as Arrow's PyCapsule protocol has it."""
        return _SCHEMA.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The rows, as Arrow's PyCapsule protocol has it."""
        size = len(self._rows)
        starts = range(0, size, _AT_ONCE)
        parts = [self._rows[start : min(start + _AT_ONCE, size)] for start in starts]
        return CArrayStream.from_c_arrays(parts, _SCHEMA, validate=False).__arrow_c_stream__()


def _column(kind: Any, length: int, *buffers: Any, children: Sequence[Any] = ()) -> Any:
    """A column without NULLs."""
    return nanoarrow.c_array_from_buffers(
        kind, length, [None, *buffers], null_count=0, children=children
    )


def _ends(items: Sequence[Any], kind: str) -> array[int]:
    """Where each of some items begins, one after the other, and where the last ends."""
    return array(kind, accumulate(map(len, items), initial=0))
