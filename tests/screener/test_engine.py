"""The database that runs a study is closed, and tells nothing of a record when it fails."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from small_study import STUDY

from screener import database
from screener.encoding.catalogue import Catalogue
from screener.engine import Engine, Question, Words
from screener.errors import StudyError
from screener.plan import BASE
from screener.record import parse
from screener.screening import Screener

DAY = date(2026, 1, 15)


def small(folder: Path, text: str = STUDY) -> Screener:
    path = folder / "small.yaml"
    path.write_text(text, "utf-8")
    return Screener(Catalogue().plan(path))


def test_an_expression_that_cannot_be_computed(tmp_path: Path) -> None:
    text = STUDY.replace("met_when: bowel_obstruction", "met_when: cast(born as integer) > 5")
    assert text != STUDY
    screener = small(tmp_path, text)
    [empty] = screener.screen([parse({"id": "empty"})], DAY)
    assert empty.status == "undetermined"
    record = parse({"id": "P", "birth_date": "1970-02-03"})
    for ask in (screener.screen, screener.truths):
        with pytest.raises(StudyError, match="small: an expression") as failed:
            ask([record], DAY)
        assert "1970" not in str(failed.value)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/hostname')",
        "COPY (SELECT 1) TO '/tmp/written-by-a-study.csv'",
        "ATTACH '/tmp/attached-by-a-study.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET threads = 8",
    ],
)
def test_a_study_reaches_nothing_outside(tmp_path: Path, statement: str) -> None:
    plan = small(tmp_path).plan
    connection = Engine(plan).connection
    with pytest.raises(database.Error):
        connection.execute(statement)
    assert not list(Path("/tmp").glob("*-by-a-study*"))


def test_few_and_many_records_give_the_same(tmp_path: Path) -> None:
    screener = small(tmp_path)
    records = [
        parse({"id": f"P{n}", "birth_date": f"{2000 + n % 20}-02-03", "therapies": []})
        for n in range(40)
    ]
    many = screener.screen(records, DAY)
    few = [result for record in records[:6] for result in screener.screen([record], DAY)]
    assert [r.to_dict() for r in many[:6]] == [r.to_dict() for r in few]
    assert {r.status for r in many} == {"undetermined", "ineligible"}


def test_the_same_questions_are_asked_again_with_other_parameters(tmp_path: Path) -> None:
    plan = small(tmp_path).plan
    engine = Engine(plan)
    born = [Question(f'{{"id":"P","birth_date":"{year}-01-01"}}', DAY) for year in (1990, 2010)]
    age = plan.nodes[plan.top[0]].id
    assert age == "A1"

    def grown_up(questions: list[Question], at: int) -> list[bool | None]:
        [rows] = engine.ask(questions, [{"variant": BASE, "adult_age": at}], Words())
        return [row.truths[plan.top[0]] for row in sorted(rows, key=lambda row: row.n)]

    assert grown_up(born, 18) == [True, False]
    assert grown_up(born, 16) == [True, True]
    assert grown_up(born[1:], 18) == [False]
    assert grown_up(born, 18) == [True, False]


def test_each_record_on_a_day_of_its_own(tmp_path: Path) -> None:
    screener = small(tmp_path)
    records = [parse({"id": f"P{n}", "birth_date": "2008-01-15"}) for n in range(3)]
    days = [date(2026, 1, 14), date(2026, 1, 15), date(2026, 1, 16)]
    found = screener.screen(records, days)
    alone = [screener.screen([record], day)[0] for record, day in zip(records, days, strict=True)]
    assert found == alone
    assert [result.as_of for result in found] == days
    assert [result.criteria[0].truth for result in found] == ["not_met", "met", "met"]
    assert [result.criteria[0].clears_on for result in found] == [days[1], None, None]
