"""What several tests of inputs share: files made, read, and what is said of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from screener.canonical import canonical_json
from screener.errors import InputError
from screener.intake.detect import open_source
from screener.intake.source import Candidate, located
from screener.record import RecordInvalid, parse

SAMPLES = Path(__file__).resolve().parents[3] / "sample_patients"


def samples() -> list[dict[str, Any]]:
    return [json.loads(path.read_text("utf-8")) for path in sorted(SAMPLES.glob("*.json"))]


def candidates(path: Path, mapping: Path | None = None) -> list[Candidate]:
    source = open_source(path, mapping)
    try:
        return list(source.candidates())
    finally:
        source.close()


def data(candidate: Candidate) -> Any:
    assert candidate.text is not None
    assert b"\n" not in candidate.text
    return json.loads(candidate.text)


def canonical(candidate: Candidate) -> str:
    assert candidate.problems == ()
    return canonical_json(parse(data(candidate)))


def told(candidate: Candidate) -> list[str]:
    return [str(problem) for problem in candidate.problems]


def refused(candidate: Candidate) -> list[str]:
    """What the record's own check says, with the place in the input."""
    with pytest.raises(RecordInvalid) as caught:
        parse(data(candidate))
    return [str(located(candidate, problem)) for problem in caught.value.problems]


def fault(path: Path, mapping: Path | None = None) -> str:
    """What is said of an input that cannot be used as a whole."""
    with pytest.raises(InputError) as caught:
        candidates(path, mapping)
    assert caught.value.source == str(path)
    text = "\n".join(map(str, caught.value.problems))
    assert text.replace("\n", "").isprintable()
    return text
