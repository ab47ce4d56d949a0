"""Chunks reach a worker as they are."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from screener.batch import chunk
from screener.batch.chunk import SMALL, Chunk, chunks
from screener.errors import Problem
from screener.intake.source import Candidate


def test_a_chunk_reaches_a_worker_as_it_is() -> None:
    candidates = [
        Candidate({"line": 1}, b"{}"),
        Candidate({"line": 2}, None, raw="x", problems=(Problem("", "too long"),)),
        Candidate({"sheet": "patients", "row": 5}, b"{}", {"a": 1}, (), "P", str.upper),
        Candidate({"line": 4}, b"[]", unread=frozenset({"labs"})),
        Candidate({"line": 5}, None),
    ]
    chunk = Chunk(7, candidates, {1: {"line": 1}})
    assert pickle.loads(pickle.dumps(chunk)) == chunk
    assert pickle.loads(pickle.dumps(Chunk(0, []))) == Chunk(0, [])


class _Given:
    """So many candidates."""

    form, size = "", 0

    def __init__(self, number: int) -> None:
        self._number = number

    def candidates(self) -> Any:
        return (Candidate({"line": n}, b"{}") for n in range(1, self._number + 1))

    def position(self) -> int:
        return 0

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("number", "sizes"),
    [
        (0, []),
        (1, [1]),
        (3, [3]),
        (4, [3, 1]),
        (3 * SMALL, [3] * SMALL),
        (3 * SMALL + 6, [*[3] * SMALL, 6]),
        (3 * SMALL + 7, [*[3] * SMALL, 6, 1]),
    ],
)
def test_a_long_input_is_divided_into_larger_chunks(
    number: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunk, "SIZE", 3)
    found = list(chunks(_Given(number)))
    assert [len(it.candidates) for it in found] == sizes
    assert [it.number for it in found] == list(range(len(sizes)))
    places = [candidate.place["line"] for it in found for candidate in it.candidates]
    assert places == list(range(1, number + 1))
