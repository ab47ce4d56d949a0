"""The package as other Python programs use it."""

from __future__ import annotations

import doctest
import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from small_study import ELIGIBLE, INELIGIBLE, OTHER, REJECTED, STUDY, UNDETERMINED

import screener

DAY = date(2026, 1, 15)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("studies") / "small.yaml"
    path.write_text(STUDY, "utf-8")
    path.with_name("other.yaml").write_text(OTHER, "utf-8")
    return path


def test_the_example_of_the_documentation_is_true() -> None:
    ran = doctest.testmod(screener)
    assert ran.attempted >= 7
    assert ran.failed == 0


def test_every_public_name_is_there_and_listed() -> None:
    for name in screener.__all__:
        assert getattr(screener, name) is not None
    assert set(screener.__all__) <= set(dir(screener))
    with pytest.raises(AttributeError, match="'screener' has no attribute 'nothing'"):
        screener.nothing  # noqa: B018


def test_importing_it_imports_nothing_slow() -> None:
    code = (
        "import sys, screener\n"
        "print(*{'pydantic', 'duckdb', '_duckdb', 'yaml', 'typer', 'rich'} & sys.modules.keys())"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""


@pytest.mark.parametrize(
    ("record", "status"),
    [(ELIGIBLE, "eligible"), (INELIGIBLE, "ineligible"), (UNDETERMINED, "undetermined")],
)
def test_one_record_is_screened(study: Path, record: dict[str, object], status: str) -> None:
    as_data = screener.screen(record, study, DAY)
    as_record = screener.screen(screener.parse(record), study, DAY)
    assert as_data == as_record
    assert isinstance(as_data, screener.ScreeningResult)
    assert as_data.status == status
    assert as_data.as_of == DAY


def test_many_records_are_screened_in_order(study: Path) -> None:
    loaded = screener.load_study(study)
    records = [screener.parse(item) for item in (INELIGIBLE, ELIGIBLE, UNDETERMINED)]
    results = loaded.screen(records, DAY)
    assert [result.patient_id for result in results] == ["P-2", "P-1", "P-3"]
    assert results[1] == screener.screen(ELIGIBLE, study, DAY)


def test_settings_are_the_sites(study: Path) -> None:
    older = screener.Settings(thresholds={"adult_age": 65})
    assert screener.screen(ELIGIBLE, study, DAY, settings=older).status == "ineligible"
    strict = screener.Settings(strict=True)
    assert screener.screen(ELIGIBLE, study, DAY, settings=strict).status == "undetermined"


def test_a_study_is_found_in_further_folders(study: Path) -> None:
    assert {"small", "other", "dawna-fes"} <= set(screener.studies([study.parent]))
    assert "small" not in screener.studies()
    result = screener.screen(ELIGIBLE, "other", DAY, criteria=[study.parent])
    assert (result.study.id, result.status) == ("other", "eligible")


def test_the_day_is_today_unless_given(study: Path) -> None:
    assert screener.screen(ELIGIBLE, study).as_of in {date.today(), date.today() - timedelta(1)}


def test_a_day_to_come_may_be_screened_for(study: Path) -> None:
    day = date.today() + timedelta(days=60)
    born = (date.today() + timedelta(days=30)).isoformat()
    result = screener.screen({**ELIGIBLE, "birth_date": born}, study, day)
    assert (result.status, result.as_of) == ("ineligible", day)


def test_what_is_wrong_is_an_exception_of_its_kind(study: Path) -> None:
    with pytest.raises(screener.RecordInvalid) as invalid:
        screener.screen(REJECTED, study, DAY)
    assert invalid.value.patient_id == "P-4"
    assert [problem.path for problem in invalid.value.problems] == ["birth_date"]
    with pytest.raises(screener.UsageError, match="did you mean dawna-fes"):
        screener.load_study("dawna-fex")
    with pytest.raises(screener.ScreenError, match="adult_agee"):
        screener.load_study(study, settings=screener.Settings(thresholds={"adult_agee": 1}))
    broken = study.with_name("broken.yaml")
    broken.write_text("id: x\n", "utf-8")
    with pytest.raises(screener.StudyError, match=r"broken\.yaml, line 1"):
        screener.load_study(broken)
    broken.unlink()


def test_a_result_is_plain_json(study: Path) -> None:
    result = screener.screen(ELIGIBLE, study, DAY)
    data = json.loads(result.to_json())
    assert data["study"]["id"] == "small"
    assert screener.ScreeningResult.from_json(result.to_json()) == result
