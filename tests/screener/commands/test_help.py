"""What helps to begin: schema, templates, help and completion."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from program import run
from small_study import ELIGIBLE
from typer.testing import CliRunner

from screener import __version__
from screener.cli import COMMANDS, app
from screener.intake import mapping


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
