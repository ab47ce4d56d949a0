"""What is typed wrong is told, with what to type."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from program import run
from small_study import ELIGIBLE, STUDY, write

if TYPE_CHECKING:
    from collections.abc import Sequence


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
