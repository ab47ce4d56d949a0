"""The program as it is installed: started, answered, ended at once with nothing lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[2] / "sample_patients"


def run(*words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "screener", *words],
        input=text,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize(
    ("sample", "code"), [("eligible", 0), ("recent_surgery", 1), ("partial_dates", 3)]
)
def test_the_whole_answer_reaches_a_pipe(sample: str, code: int) -> None:
    done = run(str(SAMPLES / f"{sample}.json"), "--as-of", "2026-01-15", "--format", "json")
    assert done.returncode == code
    assert done.stderr == ""
    assert len(json.loads(done.stdout)["criteria"]) == 21


def test_another_study_than_the_one_made_ready(tmp_path: Path) -> None:
    done = run(str(SAMPLES / "eligible.json"), "--study", "nonesuch")
    assert done.returncode == 2
    assert "there is no study nonesuch" in done.stderr
    assert done.stdout == ""


def test_a_record_that_is_wrong() -> None:
    done = run("-", text='{"id": "DEMO-77", "performance_status": [{"ecog": 7}]}')
    assert done.returncode == 4
    assert "performance_status[0].ecog: 7 is not allowed" in done.stderr
    assert done.stdout == ""


def test_no_arguments_and_the_version() -> None:
    assert run().returncode == 2
    done = run("--version")
    assert (done.returncode, done.stdout.split()[0]) == (0, "trial-screen")


def test_a_file_that_is_written(tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    done = run(
        str(SAMPLES / "eligible.json"), "--as-of", "2026-01-15", "--format", "json",
        "--output", str(target),
    )  # fmt: skip
    assert done.returncode == 0
    assert json.loads(target.read_text("utf-8"))["status"] == "eligible"
    assert target.stat().st_mode & 0o077 == 0
