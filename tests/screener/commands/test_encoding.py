"""The commands about studies: studies, show, facts and check."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from program import DAY, run
from small_study import ELIGIBLE, REJECTED, encoding_folder, write

if TYPE_CHECKING:
    from collections.abc import Sequence


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
