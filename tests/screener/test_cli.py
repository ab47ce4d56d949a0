"""The program as its users meet it: every command, option, exit code and message."""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from small_study import (
    ELIGIBLE,
    INELIGIBLE,
    OTHER,
    REJECTED,
    STUDY,
    UNDETERMINED,
    encoding_folder,
    write,
)
from typer.testing import CliRunner

from screener import __version__
from screener.cli import COMMANDS, app, main
from screener.commands import ending
from screener.intake import mapping
from screener.result import ScreeningResult
from screener.screening import Screener

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
DAY = "2026-01-15"
PROGRAM = [sys.executable, "-m", "screener"]
ESCAPE = "\x1b"


class Ran:
    """What a run of the program gave."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(*args: object, stdin: bytes = b"", **env: str) -> Ran:
    """Run the program in this process."""
    result = CliRunner().invoke(app, [str(arg) for arg in args], input=stdin, env=env)
    return Ran(result.exit_code, result.stdout, result.stderr)


def start(*args: object, stdin: bytes = b"", **env: str) -> Ran:
    """Run the program in a process of its own."""
    ran = subprocess.run(
        [*PROGRAM, *map(str, args)],
        input=stdin,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        check=False,
    )
    return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())


def statuses(ran: Ran) -> list[tuple[str, str, str]]:
    return [(one["patient_id"], one["study"]["id"], one["status"]) for one in ran.json]


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studies")
    (folder / "small.yaml").write_text(STUDY, "utf-8")
    (folder / "other.yaml").write_text(OTHER, "utf-8")
    return folder


@pytest.fixture
def small(studies: Path) -> Sequence[object]:
    """Options that choose the small study and a day."""
    return ["--study", studies / "small.yaml", "--as-of", DAY]


@pytest.fixture
def eligible(tmp_path: Path) -> str:
    return write(tmp_path / "eligible.json", ELIGIBLE)


@pytest.fixture
def several(tmp_path: Path) -> str:
    return write(tmp_path / "several.json", [INELIGIBLE, ELIGIBLE, UNDETERMINED])


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


def _lines(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


USAGE_ERRORS: list[tuple[list[str], list[str]]] = [
    ([], ["Usage:", "PATIENT", "-h"]),
    (["--format", "json"], ["Missing argument", "PATIENT"]),
    (["--formt", "json", "P"], ["--formt", "--format"]),
    (["P", "--format", "xml"], ["--format", "xml", "table", "json", "markdown"]),
    (["P", "--study"], ["--study", "requires an argument"]),
    (["-", "-"], ["standard input can be read only once"]),
    (["P", "--study", "dawna-fex"], ["no study dawna-fex", "did you mean dawna-fes", "Known:"]),
    (["P", "--study", "x/y.yaml"], ["x/y.yaml: there is no such study file"]),
    (["P", "--criteria", "nowhere"], ["--criteria nowhere: there is no such folder"]),
    (["P", "--as-of", "yesterday"], ["--as-of yesterday", "YYYY-MM-DD", "2026-01-31"]),
    (["P", "--as-of", "2026-1-5"], ["--as-of 2026-1-5", "YYYY-MM-DD"]),
    (["P", "--as-of", "20260115"], ["--as-of 20260115", "YYYY-MM-DD"]),
    (["P", "--as-of", "2026-W03-4"], ["--as-of", "YYYY-MM-DD"]),
    (["P", "--as-of", "2026-01"], ["--as-of 2026-01", "a day is needed"]),
    (["P", "--as-of", "2026-02-29"], ["--as-of 2026-02-29", "not between 01 and 28"]),
    (["P", "--as-of", "2026-13-01"], ["the month is not between 01 and 12"]),
    (["P", "--as-of", "0001-01-01"], ["the year is not between 1800 and 2200"]),
    (["P", "--as-of", "２０２６-01-01"], ["YYYY-MM-DD"]),
    (["P", "--complete", "therapy"], ["--complete therapy", "did you mean therapies", "labs"]),
    (["P", "--set", "adult_age"], ["--set adult_age", "NAME=VALUE"]),
    (["P", "--set", "=5"], ["--set =5", "NAME=VALUE"]),
    (["P", "--set", "adult_age="], ["NAME=VALUE"]),
    (["P", "--set", "adult_agee=5"], ["adult_agee", "did you mean adult_age", "screen show"]),
    (["P", "--set", "adult_age=old"], ["adult_age", "number", "old"]),
    (["P", "--set", "adult_age=nan"], ["adult_age", "number"]),
    (["P", "--set", "adult_age=-1"], ["adult_age", "number"]),
    (["P", "--set", "adult_age=1", "--set", "adult_age=2"], ["given twice; keep one"]),
    (["P", "--site", "missing.yaml"], ["missing.yaml: cannot be read"]),
    (["P", "--force"], ["--force is about --output"]),
    (["P", "--output", "no/such/file"], ["--output no/such/file", "no folder no/such", "create"]),
    (["P", "--output", "."], ["--output .", "the name of a file"]),
    (["P", "--output", "P", "--force"], ["--output P: this is an input"]),
    (["show"], ["Missing argument", "STUDY"]),
    (["show", "dawna"], ["no study dawna", "did you mean dawna-fes"]),
    (["show", "SMALL", "X1c"], ["small has no criterion X1c; did you mean X1", "A1, X1, X1a"]),
    (["check", "dawna"], ["no study dawna"]),
    (["check", "missing.yaml"], ["missing.yaml: there is no such study file"]),
    (["studies", "more"], ["unexpected extra argument"]),
    (["studies", "--format", "markdown"], ["--format", "markdown"]),
    (["facts"], ["Missing argument", "PATIENT"]),
    (["template", "--format", "xlsx"], ["a workbook is not printed", "--output patients.xlsx"]),
    (["template", "--format", "pdf"], ["--format", "pdf"]),
]


class TestWrongUsage:
    @pytest.mark.parametrize(("args", "parts"), USAGE_ERRORS, ids=lambda x: " ".join(x)[:40])
    def test_it_is_told_with_code_2(
        self,
        studies: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        args: list[str],
        parts: list[str],
    ) -> None:
        monkeypatch.chdir(tmp_path)
        write(tmp_path / "P", ELIGIBLE)
        path = str(studies / "small.yaml")
        args = [path if arg == "SMALL" else arg for arg in args]
        if args[:1] == ["P"] and not {"--study", "--criteria"} & set(args):
            args += ["--study", path]
        ran = run(*args)
        assert ran.code == 2
        assert ran.out == ""
        for part in parts:
            assert part in " ".join(ran.err.split())

    @pytest.mark.parametrize(
        ("text", "parts"),
        [
            ("- adult_age\n", ["line 1", "NAME: VALUE", "anc_min: 1.0"]),
            ("", ["line 1", "NAME: VALUE"]),
            ("# ours\n\nadult_agee: 20\n", ["line 3", "adult_agee", "did you mean adult_age"]),
            ("adult_age:\n", ["line 1", "adult_age needs a number"]),
            ("adult_age: {value: 20}\n", ["line 1", "adult_age needs a number"]),
            ("adult_age: [1, 2]\n", ["line 1", "adult_age needs a number"]),
            ("adult_age: old\n", ["adult_age", "number", "old"]),
            ("adult_age: 1\nadult_age: 2\n", ["line 2", "given twice"]),
            ("adult_age: [\n", ["line 2", "not valid YAML"]),
        ],
    )
    def test_a_site_file_is_told_by_line(
        self,
        small: Sequence[object],
        eligible: str,
        tmp_path: Path,
        text: str,
        parts: list[str],
    ) -> None:
        site = tmp_path / "site.yaml"
        site.write_text(text, "utf-8")
        ran = run(*small, eligible, "--site", site)
        assert (ran.code, ran.out) == (2, "")
        for part in parts:
            assert part in ran.err

    def test_a_faulty_study_is_told_by_file_and_line(
        self, studies: Path, eligible: str, tmp_path: Path
    ) -> None:
        study = tmp_path / "faulty.yaml"
        study.write_text(STUDY.replace("at_least(age", "at_least(agee"), "utf-8")
        for args in (
            [eligible, "--study", study],
            ["show", study],
            ["facts", eligible, "--study", study],
        ):
            ran = run(*args)
            assert (ran.code, ran.out) == (2, "")
            assert re.search(r"faulty\.yaml, line \d+: A1: .*agee; did you mean age\?", ran.err)


class TestRejected:
    def test_a_record_is_named_with_everything_wrong(
        self, small: Sequence[object], tmp_path: Path
    ) -> None:
        bad = {**REJECTED, "therapies": [{"start": "2024-05", "end": "2023"}], "sexx": "female"}
        path = write(tmp_path / "p.json", bad)
        ran = run(*small, path)
        assert (ran.code, ran.out) == (4, "")
        assert f"{path}: patient P-4 cannot be screened, 3 problems:" in ran.err
        for part in ("  birth_date: ", "  therapies[0]", "  sexx: ", "did you mean `sex`"):
            assert part in ran.err

    def test_the_others_of_its_file_are_screened(
        self, small: Sequence[object], tmp_path: Path
    ) -> None:
        path = tmp_path / "p.json"
        records = [ELIGIBLE, REJECTED, {"birth_date": "1970"}]
        path.write_text(_lines(*map(json.dumps, records), '{"id": "P-5",}'), "utf-8")
        ran = run(*small, path, "--format", "json")
        assert ran.code == 4
        assert statuses(ran) == [("P-1", "small", "eligible")]
        assert "patient P-4 cannot be screened, 1 problem:\n  line 2, birth_date: " in ran.err
        assert "a record cannot be screened, 1 problem:\n  line 3, id: missing" in ran.err
        assert re.search(r"line 4, column \d+: not valid JSON", ran.err)
        assert "1 of 4 were screened" in ran.err

    def test_many_problems_are_counted(self, small: Sequence[object], tmp_path: Path) -> None:
        path = write(tmp_path / "p.json", {"id": "P", **{f"x{n}": 1 for n in range(50)}})
        ran = run(*small, path)
        assert "50 problems" in ran.err
        assert "and 30 more" in ran.err
        assert len(ran.err.splitlines()) == 22

    @pytest.mark.parametrize(
        ("content", "parts"),
        [
            (b'{"id": "P",\n "sex" "male"}', ["line 2, column 8", "not valid JSON"]),
            (b"", ["the file is empty", "screen template"]),
            (b"[]", ["no patient"]),
            (b'"text"', ["not a patient record"]),
            (b"[" * 10_000, ["nested too deeply"]),
            ('{"id": "P"}'.encode("utf-16"), ["UTF-16", "iconv"]),
            (b"PK\x03\x04rest", ["Excel"]),
            (b'{"id": "\xff"}', ["not UTF-8"]),
        ],
        ids=["json", "empty", "none", "text", "deep", "utf-16", "excel", "latin-1"],
    )
    def test_a_file_is_told(
        self, small: Sequence[object], tmp_path: Path, content: bytes, parts: list[str]
    ) -> None:
        path = tmp_path / "p.json"
        path.write_bytes(content)
        for args in ([*small, path], ["facts", *small, path]):
            ran = run(*args)
            assert (ran.code, ran.out) == (4, "")
            assert ran.err.startswith(f"Error: {path}: ")
            for part in parts:
                assert part in ran.err
        from_stdin = run(*small, "-", stdin=content)
        assert from_stdin.code == 4
        assert from_stdin.err.startswith("Error: standard input: ")

    def test_a_missing_file_or_a_folder_is_told(
        self, small: Sequence[object], eligible: str, tmp_path: Path
    ) -> None:
        missing = run(*small, tmp_path / "eligibel.json")
        assert missing.code == 4
        assert "there is no such file; similar names there: `eligible.json`" in missing.err
        assert "this is a folder" in run(*small, tmp_path).err
        with_another = run(*small, tmp_path / "no.json", eligible, "--format", "json")
        assert with_another.code == 4
        assert statuses(with_another) == [("P-1", "small", "eligible")]

    def test_messages_hold_nothing_of_a_patient_but_the_id(
        self, small: Sequence[object], tmp_path: Path
    ) -> None:
        bad = {
            "id": "P-9",
            "centre": "SECRET\x1b[31m",
            "diagnosis": {"cancer": ["SECRET"]},
            "procedures": [{"name": "SECRET" * 100}],
            "labs": [{"test": "SECRET\u202e", "value": "SECRET"}],
        }
        ran = run(*small, write(tmp_path / "p.json", bad), "--format", "json")
        assert ran.code == 4
        assert "patient P-9" in ran.err
        assert ESCAPE not in ran.err
        assert "\u202e" not in ran.err
        assert ran.err.count("SECRET") <= ran.err.count("labs[0].value: ")

    def test_no_name_can_steer_a_terminal(self, small: Sequence[object], tmp_path: Path) -> None:
        path = tmp_path / "\x1b[31mred\n\u202e.json"
        ran = run(*small, path)
        assert ran.code == 4
        assert ESCAPE not in ran.err
        assert "\\x1b[31mred" in ran.err

    def test_recorded_text_is_only_text(self, small: Sequence[object], tmp_path: Path) -> None:
        hostile = "[red]x[/red] <b>|`*_~ {age} %s \\"
        record = {
            **ELIGIBLE,
            "id": hostile,
            "centre": hostile,
            "therapies": [{"drugs": [hostile, "'; DROP TABLE question; --"]}],
            "allergies": [hostile, "🤧" * 50, "過敏"],
        }
        path = write(tmp_path / "p.json", record)
        for form in ("table", "markdown", "json"):
            ran = run(*small, path, "--format", form)
            assert ran.code == 3
            assert ESCAPE not in ran.out
        assert run(*small, path, "--format", "json").json["patient_id"] == hostile
        assert hostile in run(*small, path).out
        assert run("facts", *small, path).code == 0


class TestOutput:
    def test_only_the_user_can_read_it(
        self, small: Sequence[object], eligible: str, tmp_path: Path
    ) -> None:
        target = tmp_path / "report.md"
        ran = run(*small, eligible, "--format", "markdown", "--output", target)
        assert (ran.code, ran.out, ran.err) == (0, "", "")
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
        assert target.read_text("utf-8") == run(*small, eligible, "--format", "markdown").out
        assert {path.name for path in tmp_path.iterdir()} == {"report.md", "eligible.json"}

    def test_a_table_is_written_as_into_a_pipe(
        self, small: Sequence[object], eligible: str, tmp_path: Path
    ) -> None:
        target = tmp_path / "report.txt"
        run(*small, eligible, "-o", target)
        text = target.read_text("utf-8")
        assert text == run(*small, eligible).out
        assert ESCAPE not in text

    def test_a_file_is_replaced_only_by_force(
        self, small: Sequence[object], eligible: str, tmp_path: Path
    ) -> None:
        target = tmp_path / "report.txt"
        target.write_text("old")
        ran = run(*small, eligible, "-o", target)
        assert ran.code == 2
        assert "there is such a file; --force replaces it" in ran.err
        assert target.read_text() == "old"
        assert run(*small, eligible, "-o", target, "--force").code == 0
        assert "P-1" in target.read_text("utf-8")
        assert stat.S_IMODE(target.stat().st_mode) == 0o600

    def test_one_that_appears_meanwhile_is_kept(
        self,
        small: Sequence[object],
        eligible: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        target = tmp_path / "report.txt"
        monkeypatch.setattr("screener.commands.output.check", lambda *_, **__: target.touch())
        ran = run(*small, eligible, "-o", target)
        assert ran.code == 2
        assert target.read_text() == ""

    def test_a_file_system_without_links_will_do(
        self,
        small: Sequence[object],
        eligible: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def no_links(*_: object) -> None:
            raise PermissionError("no links here")

        monkeypatch.setattr(os, "link", no_links)
        target = tmp_path / "report.txt"
        assert run(*small, eligible, "-o", target).code == 0
        assert "P-1" in target.read_text("utf-8")

    def test_a_link_is_not_followed(
        self, small: Sequence[object], eligible: str, tmp_path: Path
    ) -> None:
        link, real = tmp_path / "link", tmp_path / "real"
        real.write_text("old")
        link.symlink_to(real)
        ran = run(*small, eligible, "-o", link, "--force")
        assert ran.code == 2
        assert "folder, link or device" in ran.err
        assert real.read_text() == "old"

    def test_a_full_disk_is_told_and_leaves_the_old_file(
        self,
        small: Sequence[object],
        eligible: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        target = tmp_path / "out" / "report.txt"
        target.parent.mkdir()
        target.write_text("old")

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        ran = run(*small, eligible, "-o", target, "--force")
        assert ran.code == 2
        assert "cannot be written: No space left on device" in ran.err
        assert [path.name for path in target.parent.iterdir()] == ["report.txt"]
        assert target.read_text() == "old"

    def test_nothing_is_written_where_nothing_was_screened(
        self, small: Sequence[object], tmp_path: Path
    ) -> None:
        target = tmp_path / "report.txt"
        path = write(tmp_path / "p.json", REJECTED)
        assert run(*small, path, "-o", target).code == 4
        assert not target.exists()

    def test_a_reader_who_leaves_ends_it_quietly(
        self, small: Sequence[object], tmp_path: Path
    ) -> None:
        many = [{**ELIGIBLE, "id": f"P-{number}"} for number in range(200)]
        path = write(tmp_path / "many.json", many)
        for args in ([*small, path], [*small, path, "--format", "json"], ["--help"]):
            reading, writing = os.pipe()
            os.close(reading)
            ran = subprocess.run(
                [*PROGRAM, *map(str, args)],
                stdout=writing,
                stderr=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                check=False,
            )
            os.close(writing)
            assert ran.stderr == b""
            assert ran.returncode == ending.CLOSED_PIPE

    @pytest.mark.parametrize(
        ("redirection", "code", "message"),
        [
            ("> /dev/full", 2, "Error: standard output cannot be written: No space left on device"),
            (">&-", 0, ""),
            ("--set x=1 2>&-", 2, ""),
        ],
    )
    def test_a_full_or_closed_output_is_no_defect(
        self,
        small: Sequence[object],
        eligible: str,
        redirection: str,
        code: int,
        message: str,
    ) -> None:
        words = " ".join(shlex.quote(str(word)) for word in [*PROGRAM, *small, eligible])
        ran = subprocess.run(
            ["bash", "-c", f"{words} {redirection}"],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=False,
        )
        assert (ran.returncode, ran.stdout) == (code, "")
        assert ran.stderr.startswith(message)
        assert len(ran.stderr.splitlines()) == bool(message)

    def test_an_interrupt_ends_it_quietly(
        self, small: Sequence[object], eligible: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Screener, "screen", interrupted)
        ran = run(*small, eligible)
        assert (ran.code, ran.out, ran.err) == (130, "", "")
        monkeypatch.setattr("screener.cli.app", interrupted)
        with pytest.raises(SystemExit) as ended:
            main([])
        assert ended.value.code == 130


class TestDefects:
    @pytest.fixture(autouse=True)
    def _defect(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError("SECRET of a patient")

        monkeypatch.setattr(Screener, "screen", fail)

    def test_one_line_tells_it_without_the_record(
        self, small: Sequence[object], eligible: str
    ) -> None:
        ran = run(*small, eligible)
        assert (ran.code, ran.out) == (70, "")
        assert len(ran.err.splitlines()) == 1
        assert "RuntimeError at screening.py, line " in ran.err
        assert "defect of the program" in ran.err
        assert "SECRET" not in ran.err

    def test_the_traceback_is_shown_on_demand(self, small: Sequence[object], eligible: str) -> None:
        ran = run(*small, eligible, TRIAL_SCREEN_DEBUG="1")
        assert ran.code == 70
        assert "Traceback" in ran.err
        assert "SECRET" in ran.err


class TestStudies:
    def test_they_are_listed(self, studies: Path) -> None:
        ran = run("studies", "--criteria", studies)
        assert ran.code == 0
        assert "small\n  A small study, to try the program\n  Version: 1.10\n" in ran.out
        assert "dawna-fes\n" in ran.out

    def test_as_json(self, studies: Path) -> None:
        ran = run("studies", "--criteria", studies, "--format", "json")
        found = {study["id"]: study for study in ran.json}
        assert found["small"] == {
            "id": "small",
            "version": "1.10",
            "registry": "NCT00000000",
            "title": "A small study, to try the program",
            "file": str(studies / "small.yaml"),
        }
        assert found["other"]["registry"] is None


class TestShow:
    def test_a_study(self, studies: Path) -> None:
        ran = run("show", "small", "--criteria", studies)
        assert ran.code == 0
        for part in (
            "small, version 1.10\n",
            "A small study, to try the program\n",
            "Date of screening: the screening date\n",
            "- made up\n",
            "A1: Grown up.\n  Source: item 1\n  Reading: By completed years.\n",
            "  Met when:\n    at_least(age, adult_age)\n  Facts: age\n",
            "X1: Any of two.\n",
            "  Met if any of these is met:\n  X1a: Dalpiciclib was given.\n",
            "adult_age = 18 years (assumed: made up)\n",
            "age [years]: Completed years",
            "Obtain: date of birth.",
            "child: Age {age}: ask the parents.\n  When: at_most(age, 17)\n",
        ):
            assert part in ran.out
        assert "Example" not in ran.out

    @pytest.mark.parametrize("name", ["A1", "a1"])
    def test_a_criterion(self, studies: Path, name: str) -> None:
        ran = run("show", studies / "small.yaml", name)
        assert ran.code == 0
        assert ran.out.startswith("A1 of small, version 1.10\nKind: inclusion\nA1: Grown up.\n")
        for part in (
            'Example met, as of 2026-01-15: {"birth_date": "2000-01-01"}',
            "Example not_met (a child), as of 2026-01-15:",
            "Example unknown, as of 2026-01-15: {}",
            "adult_age = 18 years",
        ):
            assert part in ran.out
        assert "X1" not in ran.out
        assert "bowel_obstruction" not in ran.out

    def test_a_part(self, studies: Path) -> None:
        ran = run("show", studies / "small.yaml", "X1b")
        assert "bowel_obstruction" in ran.out
        assert "PARAMETERS" not in ran.out

    def test_as_json(self, studies: Path) -> None:
        study = run("show", studies / "small.yaml", "--format", "json").json
        assert [item["id"] for item in study["criteria"]] == ["A1", "X1"]
        assert [part["id"] for part in study["criteria"][1]["parts"]] == ["X1a", "X1b"]
        assert study["criteria"][1]["met_if"] == "any"
        assert {fact["name"] for fact in study["facts"]} == {
            "age",
            "earlier_dalpiciclib",
            "bowel_obstruction",
        }
        assert {
            "name": "adult_age",
            "value": 18,
            "unit": "years",
            "source": "made up",
            "assumed": True,
        } in study["parameters"]
        assert study["advisories"][0]["id"] == "child"
        part = run("show", studies / "small.yaml", "X1", "--format", "json").json
        examples = part["criterion"]["parts"][0]["examples"]
        assert [example["truth"] for example in examples] == ["met", "not_met", "unknown"]

    def test_every_criterion_of_every_study_has_a_page(self) -> None:
        shown = run("show", "dawna-fes", "--format", "json").json
        assert all(fact["unknown"] for fact in shown["facts"])
        ran = run("show", "dawna-fes", "I2")
        assert "18F-FES" in ran.out
        assert "fes_valid_days = 28 days" in ran.out


class TestFacts:
    def test_each_has_value_definition_and_evidence(
        self, small: Sequence[object], eligible: str
    ) -> None:
        ran = run("facts", eligible, *small)
        assert ran.code == 0
        assert ran.out.startswith("Facts of P-1 for small, as of 2026-01-15\n")
        assert "age: 56 years\n  Completed years of age" in ran.out
        assert "\n  birth_date = 1970-01-01\n" in ran.out

    def test_as_json(self, small: Sequence[object], eligible: str, several: str) -> None:
        one = run("facts", eligible, *small, "--format", "json").json
        assert (one["patient_id"], one["study"]["id"], one["as_of"]) == ("P-1", "small", DAY)
        facts = {fact["name"]: fact for fact in one["facts"]}
        assert facts["bowel_obstruction"]["value"] is False
        assert facts["age"]["evidence"] == [
            {"path": "birth_date", "value": "1970-01-01", "date": None}
        ]
        many = run("facts", several, *small, "--format", "json").json
        assert [each["patient_id"] for each in many] == ["P-2", "P-1", "P-3"]

    def test_what_is_not_known_is_unknown(self, small: Sequence[object], tmp_path: Path) -> None:
        path = write(tmp_path / "p.json", {"id": "P", "partial": ["therapies"], "therapies": []})
        assert "earlier dalpiciclib: unknown\n" in run("facts", path, *small).out
        whole = run("facts", path, *small, "--complete", "therapies")
        assert "earlier dalpiciclib: no\n" in whole.out

    def test_a_rejected_record_is_told(self, small: Sequence[object], tmp_path: Path) -> None:
        path = write(tmp_path / "p.json", [REJECTED, ELIGIBLE])
        ran = run("facts", path, *small)
        assert ran.code == 4
        assert "patient P-4 cannot be screened" in ran.err
        assert "Facts of P-1" in ran.out


class TestCheck:
    def test_a_sound_study_has_no_fault(self, tmp_path: Path) -> None:
        home = encoding_folder(tmp_path / "home")
        ran = run("check", home / "studies" / "own-facts.yaml")
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.endswith(
            "1 criteria with 0 parts, 1 facts, 4 examples run: no fault\n"
        ) or re.search(r"1 criterion, 1 fact, 4 examples run: no fault\n$", ran.out)

    def test_faults_are_listed_with_file_and_line(self, tmp_path: Path) -> None:
        home = encoding_folder(tmp_path / "home")
        study = home / "studies" / "own-facts.yaml"
        text = study.read_text("utf-8")
        study.write_text(text.replace("truth: met}", "truth: not_met}"), "utf-8")
        ran = run("check", "own-facts", "--criteria", home)
        assert ran.code == 1
        assert "faults\n" in ran.out
        assert re.search(r"own-facts\.yaml, line \d+: X1 has no example that is met", ran.out)
        assert re.search(r"line \d+: X1: the example is met, expected not_met", ran.out)

    def test_a_study_that_cannot_be_read_is_a_fault(self, tmp_path: Path) -> None:
        home = encoding_folder(tmp_path / "home")
        broken = home / "studies" / "broken.yaml"
        broken.write_text("id: broken\ncriteria:\n  - [\n", "utf-8")
        ran = run("check", broken, "own-facts", "--criteria", home)
        assert ran.code == 1
        assert "broken.yaml: not run: 1 fault\n" in ran.out
        assert re.search(r"broken\.yaml, line \d: not valid YAML", ran.out)
        assert "own-facts: " in ran.out


class TestSchemaAndTemplate:
    def test_the_schema_is_valid(self) -> None:
        ran = run("schema")
        assert ran.code == 0
        Draft202012Validator.check_schema(ran.json)
        Draft202012Validator(ran.json).validate(ELIGIBLE)

    def test_a_template_only_lacks_the_id(self, tmp_path: Path) -> None:
        ran = run("template")
        assert ran.code == 0
        Draft202012Validator(run("schema").json).validate({**ran.json, "id": "P"})

    def test_a_workbook_is_written_to_a_file_for_its_owner(self, tmp_path: Path) -> None:
        target = tmp_path / "patients.xlsx"
        assert run("template", "--format", "xlsx", "-o", target).code == 0
        assert target.stat().st_mode & 0o777 == 0o600
        assert target.read_bytes().startswith(b"PK")
        again = run("template", "--format", "xlsx", "-o", target)
        assert (again.code, "--force replaces it" in again.err) == (2, True)
        assert run("template", "--format", "xlsx", "-o", target, "--force").code == 0

    def test_a_mapping_is_printed(self, tmp_path: Path) -> None:
        target = tmp_path / "map.yaml"
        target.write_text(run("template", "--format", "mapping").out, "utf-8")
        assert mapping.load(target) == mapping.load(mapping.TEMPLATE)

    def test_both_can_be_written_to_a_file(self, tmp_path: Path) -> None:
        for command in ("schema", "template"):
            target = tmp_path / command
            assert run(command, "-o", target).code == 0
            assert target.read_text("utf-8") == run(command).out
            assert run(command, "-o", target).code == 2
            assert run(command, "-o", target, "--force").code == 0


OPTIONS = [
    *("PATIENT...", "--study", "--as-of", "--format", "--set", "--site", "--complete", "--strict"),
    *("--criteria", "--output", "--force", "--version"),
    *("--install-completion", "--show-completion"),
]


class TestHelp:
    @pytest.mark.parametrize("args", [["--help"], ["-h"], ["P", "--help"]])
    def test_it_shows_the_options_of_screening_and_the_commands(self, args: list[str]) -> None:
        ran = run(*args)
        assert ran.code == 0
        text = " ".join(ran.out.split())
        for option in OPTIONS:
            assert f"{option} " in text
        for command, about in COMMANDS.items():
            assert f"{command} {about}" in text
        assert "Exit codes: 0 eligible, 1 ineligible, 3 undetermined, 4" in text

    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_has_its_own(self, command: str) -> None:
        ran = run(command, "--help")
        assert ran.code == 0
        assert f" {command} [OPTIONS]" in ran.out

    def test_the_version(self) -> None:
        assert run("--version").out == f"trial-screen {__version__}\n"


class TestCompletion:
    @pytest.mark.parametrize(
        ("program", "variable"),
        [("screen", "_SCREEN_COMPLETE"), ("trial-screen", "_TRIAL_SCREEN_COMPLETE")],
    )
    def test_bash_gets_a_script_for_both_names(self, program: str, variable: str) -> None:
        ran = CliRunner().invoke(app, [], prog_name=program, env={variable: "source_bash"})
        assert ran.exit_code == 0
        assert f"complete -o default -F _{program.replace('-', '_')}_completion {program}" in (
            ran.stdout
        )
        assert f"{variable}=complete_bash" in ran.stdout

    @pytest.mark.parametrize(
        ("typed", "expected"),
        [
            ("screen ", {*COMMANDS}),
            ("screen s", {"studies", "show", "schema"}),
            ("screen --st", {"--study", "--strict"}),
            ("screen --v", {"--version"}),
            ("screen P --for", {"--format", "--force"}),
            ("screen --study dawna", {"dawna-fes"}),
            ("screen --study a", {"all"}),
            ("screen --study nothing", set()),
            ("screen P --complete the", {"therapies"}),
            ("screen show d", {"dawna-fes"}),
            ("screen check dawna", {"dawna-fes"}),
            ("screen show dawna-fes I5", {"I5", "I5a", "I5b", "I5c"}),
            ("screen --criteria nowhere --study d", set()),
            ("screen show nothing I5", set()),
            ("screen studies --fo", {"--format"}),
            ("screen P.js", set()),
        ],
    )
    def test_what_is_typed_is_completed(self, typed: str, expected: set[str]) -> None:
        words = typed.split(" ")
        ran = CliRunner().invoke(
            app,
            [],
            prog_name="screen",
            env={
                "_SCREEN_COMPLETE": "complete_bash",
                "COMP_WORDS": typed,
                "COMP_CWORD": str(len(words) - 1),
            },
        )
        assert ran.exit_code == 0
        assert set(ran.stdout.split()) == expected
