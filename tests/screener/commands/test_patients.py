"""Screening patients: exit codes, reports, and what decides them."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from program import DAY, ESCAPE, ROOT, run, start, statuses
from small_study import ELIGIBLE, INELIGIBLE, REJECTED, UNDETERMINED, write

from screener.result import ScreeningResult

if TYPE_CHECKING:
    from collections.abc import Sequence


class TestExitCodes:
    @pytest.mark.parametrize(
        ("records", "code"),
        [
            (ELIGIBLE, 0),
            (INELIGIBLE, 1),
            (UNDETERMINED, 3),
            (REJECTED, 4),
            ([INELIGIBLE, ELIGIBLE, UNDETERMINED], 0),
            ([INELIGIBLE, UNDETERMINED], 3),
            ([INELIGIBLE, REJECTED], 4),
            ([ELIGIBLE, REJECTED], 4),
        ],
    )
    def test_they_tell_the_status(
        self, small: Sequence[object], tmp_path: Path, records: object, code: int
    ) -> None:
        path = write(tmp_path / "p.json", records)
        assert run(*small, path, "--format", "json").code == code

    def test_several_studies_count_together(self, studies: Path, tmp_path: Path) -> None:
        both = ["--criteria", studies, "--study", "small", "--study", "other", "--as-of", DAY]
        path = write(tmp_path / "p.json", {**INELIGIBLE, "life_expectancy_months": 12})
        ran = run(*both, path, "--format", "json")
        assert ran.code == 0
        assert statuses(ran) == [("P-2", "small", "ineligible"), ("P-2", "other", "eligible")]

    def test_a_process_ends_with_them(self, small: Sequence[object], several: str) -> None:
        ran = start(*small, several)
        assert ran.code == 0
        assert "P-1" in ran.out
        assert ran.err == ""
        assert start(*small, "missing.json").code == 4
        assert start("--nonsense").code == 2


class TestReports:
    def test_the_default_is_a_table_for_dawna_fes(self) -> None:
        ran = run(ROOT / "sample_patients" / "eligible.json", "--as-of", DAY)
        assert ran.code == 0
        assert "ELIGIBLE" in ran.out.splitlines()[0]
        assert "dawna-fes" in ran.out
        assert ran.err == ""

    def test_json_of_one_patient_and_study_is_one_object(
        self, small: Sequence[object], eligible: str
    ) -> None:
        ran = run(*small, eligible, "--format", "json")
        result = ScreeningResult.from_json(ran.out)
        assert result.status == "eligible"
        assert ran.out == result.to_json() + "\n"

    def test_json_of_several_is_an_array_by_patient_then_study(
        self, studies: Path, several: str
    ) -> None:
        options = ["--criteria", studies, "--study", "small", "--study", "other", "--as-of", DAY]
        ran = run(*options, several, "--format", "json")
        assert statuses(ran) == [
            ("P-2", "small", "ineligible"),
            ("P-2", "other", "ineligible"),
            ("P-1", "small", "eligible"),
            ("P-1", "other", "eligible"),
            ("P-3", "small", "undetermined"),
            ("P-3", "other", "undetermined"),
        ]
        assert ran.out.startswith("[\n  {\n")

    def test_its_shape_does_not_depend_on_what_is_rejected(
        self, small: Sequence[object], tmp_path: Path
    ) -> None:
        path = write(tmp_path / "p.json", [ELIGIBLE, REJECTED])
        assert statuses(run(*small, path, "--format", "json")) == [("P-1", "small", "eligible")]

    def test_several_files_are_screened_in_order(
        self, small: Sequence[object], eligible: str, tmp_path: Path
    ) -> None:
        second = write(tmp_path / "b.json", INELIGIBLE)
        ran = run(*small, second, eligible, "--format", "json")
        assert [patient for patient, _, _ in statuses(ran)] == ["P-2", "P-1"]

    def test_several_tables_begin_with_an_overview(
        self, small: Sequence[object], several: str
    ) -> None:
        ran = run(*small, several)
        assert ran.out.startswith("3 patients: 1 eligible, 1 ineligible, 1 undetermined")

    def test_html(self, small: Sequence[object], eligible: str, several: str) -> None:
        ran = run(*small, eligible, "--format", "html")
        assert ran.code == 0
        assert ran.out.startswith("<!DOCTYPE html>\n")
        assert "<title>Screening of P-1</title>" in ran.out
        assert "All 2 criteria pass." in ran.out
        ran = run(*small, several, "--format", "html")
        assert '<h1 id="overview">' in ran.out

    def test_markdown(self, small: Sequence[object], eligible: str) -> None:
        ran = run(*small, eligible, "--format", "markdown")
        assert ran.out.startswith("# ")
        assert "| P-1 | small, version 1.10" in ran.out

    def test_nothing_is_coloured_or_cropped_in_a_pipe(
        self, small: Sequence[object], tmp_path: Path
    ) -> None:
        name = "long-" * 12
        path = write(tmp_path / "p.json", [{**ELIGIBLE, "id": name}, INELIGIBLE])
        ran = start(*small, path, TERM="xterm-256color", COLORTERM="truecolor")
        assert ESCAPE not in ran.out
        assert "…" not in ran.out
        assert name in ran.out

    def test_every_encoding_can_show_it(self, small: Sequence[object], eligible: str) -> None:
        options = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
        assert start(*small, eligible, **options).code == 0
        in_json = start(*small, eligible, "--format", "json", **options)
        assert json.loads(in_json.out)["patient_id"] == "P-1"
        shown = start("show", small[1], **options)
        assert shown.code == 0
        assert "Grown up." in shown.out


class TestWhereThingsStand:
    def test_options_come_before_or_after(self, small: Sequence[object], eligible: str) -> None:
        before = run("--format", "json", *small, eligible)
        after = run(eligible, "--format", "json", *small)
        assert before.out == after.out
        assert before.code == after.code == 0

    def test_a_file_named_like_a_command_is_screened(
        self, small: Sequence[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        write(tmp_path / "studies", ELIGIBLE)
        for args in (["./studies", *small], [*small, "studies"]):
            assert run(*args, "--format", "json").json["patient_id"] == "P-1"
        assert run("studies").out.startswith("dawna-fes")

    def test_a_command_in_the_wrong_place_is_told(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        ran = run("--format", "json", "studies")
        assert ran.code == 2
        assert "the command studies comes first" in ran.err
        assert "./studies" in ran.err

    def test_standard_input(self, small: Sequence[object]) -> None:
        lines = "\n".join(json.dumps(record) for record in (ELIGIBLE, INELIGIBLE))
        ran = run("-", *small, "--format", "json", stdin=lines.encode())
        assert [patient for patient, _, _ in statuses(ran)] == ["P-1", "P-2"]

    def test_after_two_dashes_everything_is_a_file(
        self, small: Sequence[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        write(tmp_path / "--strict", ELIGIBLE)
        assert run(*small, "--", "--strict").code == 0

    def test_all_studies(self, studies: Path, eligible: str) -> None:
        options = ["--criteria", studies, "--study", "all", "--as-of", DAY, "--format", "json"]
        found = [study for _, study, _ in statuses(run(*options, eligible))]
        assert found == sorted(found)
        assert {"small", "other", "dawna-fes"} <= set(found)


class TestSettings:
    def test_the_day_decides(self, small: Sequence[object], tmp_path: Path) -> None:
        path = write(tmp_path / "p.json", {**ELIGIBLE, "birth_date": "2008-01-16"})
        options = [*small[:2], "--format", "json", path, "--as-of"]
        before = run(*options, "2026-01-15")
        assert (before.code, before.json["rescreen_on"]) == (1, "2026-01-16")
        assert run(*options, "2026-01-16").code == 0

    def test_a_planned_start_may_lie_ahead(self, small: Sequence[object], tmp_path: Path) -> None:
        day, born = (date.today() + timedelta(days) for days in (60, 30))
        path = write(tmp_path / "p.json", {**ELIGIBLE, "birth_date": born.isoformat()})
        ran = run(*small[:2], path, "--as-of", day, "--format", "json")
        assert (ran.code, ran.json["as_of"]) == (1, day.isoformat())
        assert run(*small[:2], path).code == 4

    def test_set(self, small: Sequence[object], eligible: str) -> None:
        ran = run(*small, eligible, "--set", "adult_age = 65", "--format", "json")
        assert ran.code == 1
        assert "set by the site" in ran.json["assumptions"][0]

    def test_site(self, small: Sequence[object], eligible: str, tmp_path: Path) -> None:
        site = tmp_path / "site.yaml"
        site.write_text("adult_age: 65\n", "utf-8")
        assert run(*small, eligible, "--site", site).code == 1
        assert run(*small, eligible, "--site", site, "--set", "adult_age=18").code == 0

    def test_a_name_applies_where_it_exists(
        self, studies: Path, eligible: str, tmp_path: Path
    ) -> None:
        site = tmp_path / "site.yaml"
        site.write_text("adult_age: 65\nmonths_needed: 13\n", "utf-8")
        options = ["--criteria", studies, "--study", "small", "--study", "other", "--as-of", DAY]
        ran = run(*options, eligible, "--site", site, "--format", "json")
        assert [status for _, _, status in statuses(ran)] == ["ineligible", "ineligible"]

    def test_complete(self, small: Sequence[object], tmp_path: Path) -> None:
        path = write(tmp_path / "p.json", {**ELIGIBLE, "partial": ["therapies"]})
        assert run(*small, path).code == 3
        ran = run(*small, path, "--complete", "therapies", "--format", "json")
        assert ran.code == 0
        assert any("--complete" in text for text in ran.json["assumptions"])

    def test_strict(self, small: Sequence[object], eligible: str) -> None:
        ran = run(*small, eligible, "--strict", "--format", "json")
        assert (ran.code, ran.json["criteria"][0]["outcome"]) == (3, "unknown")
