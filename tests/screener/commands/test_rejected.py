"""Records that cannot be screened are told, and the others are screened."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from program import ESCAPE, run, statuses
from small_study import ELIGIBLE, REJECTED, write

if TYPE_CHECKING:
    from collections.abc import Sequence


def _lines(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


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
