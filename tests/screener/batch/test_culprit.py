"""A study that fails on some records fails with the name of the first of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from functools import partial

import pytest
from small_study import CRITERIA, STUDY

from screener.batch.bulk import Bulk
from screener.batch.culprit import naming
from screener.batch.general import General
from screener.batch.judge import Accepted, judge
from screener.compiling.compiler import Compiler
from screener.encoding import study
from screener.errors import StudyError
from screener.intake.source import Candidate
from screener.screening import Screener

DAY = date(2026, 1, 15)


def accepted(name: str, born: str | None) -> Accepted:
    record = {"id": name, **({"birth_date": born} if born else {})}
    found = judge(Candidate({"line": 1}, json.dumps(record).encode()), DAY, frozenset(), None)
    assert isinstance(found, Accepted)
    return found


@pytest.fixture(scope="module")
def screener(tmp_path_factory: pytest.TempPathFactory) -> Screener:
    path = tmp_path_factory.mktemp("study") / "small.yaml"
    failing = STUDY.replace("met_when: bowel_obstruction", "met_when: cast(born as integer) > 5")
    path.write_text(failing, "utf-8")
    return Screener(Compiler(study.load(path, CRITERIA)).compile(many=True))


@pytest.mark.parametrize("way", [Bulk, General])
@pytest.mark.parametrize("wrong", [[0], [6], [3, 5], [2, 3, 4, 5, 6]])
def test_the_first_of_them(
    screener: Screener, way: type[Bulk | General], wrong: Sequence[int]
) -> None:
    records = [accepted(f"P{n}", "1970-02-03" if n in wrong else None) for n in range(7)]
    engine = way(screener)
    screen = partial(engine.screen, as_of=DAY)
    with pytest.raises(StudyError, match=f"for the record of P{wrong[0]}, ") as failed:
        naming("small", screen, records)
    assert "1970" not in str(failed.value)
    right = [record for n, record in enumerate(records) if n not in wrong]
    assert len(naming("small", screen, right).log) == len(right)


def test_what_needs_no_record_to_fail() -> None:
    def screen(_: object) -> None:
        raise StudyError("of no record")

    with pytest.raises(StudyError, match="of no record"):
        naming("small", screen, [])
