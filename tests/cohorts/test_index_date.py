"""Facts are as of each patient's own index date, and what the date leaves open is unknown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from small_cohort import STUDY, plan_of

from screener import ScreeningResult, parse
from screener.errors import StudyError
from screener.result import CriterionResult
from screener.screening import Screener, Settings

AS_OF = date(2024, 12, 31)
DALPICICLIB = {"setting": "advanced", "drugs": ["dalpiciclib"], "start": "2023-05-15"}


@pytest.fixture(scope="module")
def screener(tmp_path_factory: pytest.TempPathFactory) -> Screener:
    return Screener(plan_of(tmp_path_factory.mktemp("study")))


@pytest.fixture(scope="module")
def screen(screener: Screener) -> Callable[..., ScreeningResult]:
    def screened(as_of: date = AS_OF, **record: Any) -> ScreeningResult:
        record = {"id": "P", "sex": "female", "therapies": [DALPICICLIB], **record}
        [result] = screener.screen([parse(record)], as_of)
        return result

    return screened


def criterion(result: ScreeningResult, name: str) -> CriterionResult:
    return next(one for one in result.criteria if one.id == name)


def value(result: ScreeningResult, name: str) -> Any:
    return next(one.value for one in result.derived if one.id == name)


def test_what_came_after_the_index_date_is_left_out(screen: Callable[..., ScreeningResult]) -> None:
    found = screen(
        performance_status=[{"date": "2023-05-15", "ecog": 1}, {"date": "2023-05-16", "ecog": 3}],
        birth_date="1963-05-15",
    )
    assert criterion(found, "B").truth == "met"
    assert criterion(found, "B").reason == "ECOG 1 (2023-05-15)."
    assert found.ignored_entries == 1
    assert value(found, "age") == 60
    assert found.as_of == AS_OF
    assert found.index_date is not None
    assert found.index_date.to_dict() == {
        "means": "first start of dalpiciclib",
        "date": "2023-05-15",
    }


ECOG = [
    ("no date, the same grade", [("2023-05-01", 1), (None, 1)], "met"),
    ("no date, another grade", [("2023-05-01", 1), (None, 3)], "unknown"),
    ("no date, and the worse one is dated", [("2023-05-01", 3), (None, 1)], "unknown"),
    ("only one without a date", [(None, 1)], "unknown"),
    ("the month of the index date", [("2023-05-01", 1), ("2023-05", 3)], "unknown"),
    ("the month before", [("2023-03-01", 1), ("2023-04", 3)], "not_met"),
    ("the month after", [("2023-03-01", 1), ("2023-06", 3)], "met"),
    ("the year of the index date", [("2022-03-01", 1), ("2023", 3)], "unknown"),
    ("two without a date, of one mind", [("2023-03-01", 3), (None, 3), (None, 3)], "not_met"),
]  # fmt: skip


@pytest.mark.parametrize(("entries", "truth"), [c[1:] for c in ECOG], ids=[c[0] for c in ECOG])
def test_an_entry_that_may_lie_after_the_index_date(
    screen: Callable[..., ScreeningResult], entries: list[tuple[str | None, int]], truth: str
) -> None:
    listed = [{"ecog": e, **({"date": d} if d else {})} for d, e in entries]
    assert criterion(screen(performance_status=listed), "B").truth == truth


def test_what_disagrees_says_on_which_entries_it_depends(
    screen: Callable[..., ScreeningResult],
) -> None:
    found = criterion(screen(performance_status=[{"ecog": 1}]), "B")
    assert found.reason == (
        "It depends on whether performance_status[0] had happened by the first start of "
        "dalpiciclib (2023-05-15)."
    )
    assert found.needs == ["the dates of performance_status[0]"]


def test_a_partial_index_date_decides_where_all_its_days_agree(
    screen: Callable[..., ScreeningResult],
) -> None:
    therapies = [{**DALPICICLIB, "start": "2023-05"}]
    ecog = [{"date": "2023-05-20", "ecog": 3}]
    inside = screen(
        therapies=therapies, performance_status=[{"date": "2023-04-30", "ecog": 1}, *ecog]
    )
    assert criterion(inside, "B").truth == "unknown"
    assert criterion(inside, "B").reason == (
        "It depends on the day of the first start of dalpiciclib, known only as "
        "2023-05-01 to 2023-05-31."
    )
    assert criterion(inside, "B").needs == ["the exact date of the first start of dalpiciclib"]
    before = screen(therapies=therapies, performance_status=[{"date": "2023-05-01", "ecog": 1}])
    assert criterion(before, "B").truth == "met"
    born = screen(therapies=therapies, birth_date="1963-05-15")
    assert value(born, "age") is None
    assert value(screen(therapies=therapies, birth_date="1963-06-15"), "age") == 59


def test_without_an_index_date_only_what_needs_no_day_is_known(
    screen: Callable[..., ScreeningResult],
) -> None:
    undated = [{k: v for k, v in DALPICICLIB.items() if k != "start"}]
    found = screen(
        therapies=undated,
        birth_date="1963-05-15",
        performance_status=[{"date": "2020-01-01", "ecog": 1}],
        assessments={"visceral_crisis": True},
    )
    assert criterion(found, "A").truth == "met"
    assert criterion(found, "B").truth == "unknown"
    assert criterion(found, "C").truth == "unknown"
    assert value(found, "age") is None
    assert value(found, "crisis") == "Yes"
    assert found.index_date is not None
    assert found.index_date.date is None
    assert criterion(found, "B").reason == (
        "It depends on the date of the first start of dalpiciclib, which is not known."
    )


def test_a_span_longer_than_can_be_tried_counts_as_no_date(
    screen: Callable[..., ScreeningResult],
) -> None:
    ecog = [{"date": "2020-01-01", "ecog": 1}]
    year = screen(therapies=[{**DALPICICLIB, "start": "2023"}], performance_status=ecog)
    assert criterion(year, "B").truth == "unknown"
    assert year.index_date is not None
    assert year.index_date.date is None


def test_a_drug_that_may_be_dalpiciclib_may_be_the_first(
    screen: Callable[..., ScreeningResult],
) -> None:
    earlier = {"drugs": ["HRX-0000"], "start": "2023-05-10"}
    ecog = [{"date": "2023-05-01", "ecog": 1}]
    late = [*ecog, {"date": "2023-05-12", "ecog": 3}]
    between = screen(therapies=[DALPICICLIB, earlier], performance_status=late)
    assert criterion(between, "B").truth == "unknown"
    either_way = screen(therapies=[DALPICICLIB, earlier], performance_status=ecog)
    assert criterion(either_way, "B").truth == "met"


def test_where_there_is_no_index_date_the_screening_date_stands_for_it(
    screen: Callable[..., ScreeningResult],
) -> None:
    never = screen(therapies=[], performance_status=[{"date": "2024-12-01", "ecog": 1}],
                   birth_date="1964-12-31")  # fmt: skip
    assert criterion(never, "B").truth == "met"
    assert value(never, "age") == 60
    before = screen(as_of=date(2023, 5, 14), performance_status=[{"date": "2023-05-14", "ecog": 1}])
    assert criterion(before, "B").truth == "met"  # dalpiciclib lies ahead: it is not known yet
    assert before.index_date is not None
    assert before.index_date.date is None


def test_what_is_not_documented_counts_as_none_and_is_told(
    screen: Callable[..., ScreeningResult],
) -> None:
    told = "other_malignancies: what is not documented counts as none (a review of charts)"
    absent = screen()
    assert criterion(absent, "C").truth == "not_met"
    assert criterion(absent, "C").assumptions == [told]
    assert told in absent.assumptions
    partial = screen(other_malignancies=[], partial=["other_malignancies"])
    assert (criterion(partial, "C").truth, criterion(partial, "C").assumptions) == (
        "not_met",
        [told],
    )
    whole = screen(other_malignancies=[])
    assert (criterion(whole, "C").truth, criterion(whole, "C").assumptions) == ("not_met", [])
    tumour = {"type": "colon cancer", "solid_tumor": True, "diagnosed": "2010"}
    found = screen(other_malignancies=[tumour], partial=["other_malignancies"])
    assert (criterion(found, "C").truth, criterion(found, "C").assumptions) == ("met", [])


def test_strictly_nothing_counts_as_none(tmp_path: Path) -> None:
    strict = Screener(plan_of(tmp_path), Settings(strict=True))
    record = parse({"id": "P", "sex": "female", "therapies": [DALPICICLIB]})
    [result] = strict.screen([record], AS_OF)
    assert criterion(result, "C").truth == "unknown"
    said = Screener(plan_of(tmp_path), Settings(complete=frozenset({"other_malignancies"})))
    partial = parse({"id": "P", "therapies": [DALPICICLIB], "other_malignancies": [],
                     "partial": ["other_malignancies"]})  # fmt: skip
    [result] = said.screen([partial], AS_OF)
    assert criterion(result, "C").assumptions == [
        "other_malignancies is taken as the whole list (--complete)"
    ]


@pytest.mark.parametrize("counts_as", ["undetermined", "ineligible", "eligible"])
def test_a_study_states_how_it_counts_the_unknown(tmp_path: Path, counts_as: str) -> None:
    screener = Screener(plan_of(tmp_path, f"{STUDY}\nunknown_counts_as: {counts_as}\n"))
    records = [
        {"id": "open", "sex": "female", "therapies": [DALPICICLIB]},
        {"id": "fails", "sex": "male", "therapies": [DALPICICLIB]},
    ]
    results = screener.screen([parse(record) for record in records], AS_OF)
    assert [result.status for result in results] == [counts_as, "ineligible"]
    assert criterion(results[0], "B").outcome == "unknown"


def test_facts_are_as_of_the_index_date_and_open_where_worlds_disagree(screener: Screener) -> None:
    ecog = [{"date": "2023-05-01", "ecog": 1}, {"date": "2023-06-01", "ecog": 3}]
    base = {"id": "P", "therapies": [DALPICICLIB], "performance_status": ecog}
    undated = {**base, "performance_status": [*ecog, {"ecog": 2}]}
    never = {**base, "therapies": [{"drugs": ["dalpiciclib"]}]}
    found = [
        {fact["name"]: fact["value"] for fact in facts}
        for facts in screener.facts([parse(r) for r in (base, undated, never)], AS_OF)
    ]
    assert [facts["ecog_recorded"] for facts in found] == [1, None, None]


def test_an_index_date_that_is_no_span_is_refused(tmp_path: Path) -> None:
    text = STUDY.replace("day: dalpiciclib_started", "day: as_of")
    with pytest.raises(StudyError, match="small-cohort: the facts do not fit together"):
        plan_of(tmp_path, text)
