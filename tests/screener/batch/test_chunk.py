"""Chunks reach a worker as they are."""

from __future__ import annotations

import pickle

from screener.batch.chunk import Chunk
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
