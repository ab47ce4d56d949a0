"""The folder of a run: continued, replaced, and never used by two processes at once."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from small_study import ELIGIBLE, STUDY
from typer.testing import CliRunner

from screener.batch import chunk, folder
from screener.batch.folder import DAY, RunFolder
from screener.cli import app
from screener.errors import UsageError

RUN: dict[str, Any] = {"input": "abc", "screening date": "2026-01-15", DAY: "2026-01-15"}


def opened(path: Path, **options: Any) -> RunFolder:
    return RunFolder(path, {**RUN, **options.pop("run", {})}, **{"resume": False, "force": False,
                                                                  **options})  # fmt: skip


def test_a_run_that_is_at_work_is_not_removed_by_another(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.chunk(0).mkdir()
    for options in ({"force": True}, {"resume": True}):
        with pytest.raises(UsageError, match="another process is screening into this folder"):
            opened(tmp_path, **options)
    assert first.chunk(0).is_dir()
    assert json.loads((first.parts / "run.json").read_text("utf-8")) == RUN
    first.close()
    second = opened(tmp_path, force=True)
    assert not second.chunk(0).exists()
    second.close()


def test_a_run_is_continued_on_another_day_as_it_was_begun(tmp_path: Path) -> None:
    opened(tmp_path).close()
    again = opened(tmp_path, resume=True, run={DAY: "2026-01-16"})
    assert again.run[DAY] == "2026-01-15"
    again.close()


@pytest.mark.parametrize(
    ("name", "told"),
    [("input", r"another input \(abc\)"), ("screening date", r"screening date \(2026-01-15\)")],
)
def test_another_run_is_not_continued(tmp_path: Path, name: str, told: str) -> None:
    opened(tmp_path).close()
    with pytest.raises(UsageError, match=told):
        opened(tmp_path, resume=True, run={name: "2026-01-16"})


def test_a_begun_day_goes_on_to_bound_dates_of_birth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child born after the run was begun is in its future, also when it is continued later."""
    monkeypatch.setattr(chunk, "SIZE", 1)
    study = tmp_path / "small.yaml"
    study.write_text(STUDY, "utf-8")
    yesterday = date.today() - timedelta(days=1)
    born = {"id": "P-9", "birth_date": date.today().isoformat()}
    export = tmp_path / "e.ndjson"
    export.write_text(json.dumps(ELIGIBLE) + "\n" + json.dumps(born) + "\n", "utf-8")
    out = tmp_path / "o"
    words = ["batch", export, "--study", study, "--out", out, "--workers", "1", "--as-of",
             "2026-01-15"]  # fmt: skip

    def stopped(self: RunFolder, names: list[str]) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(folder.RunFolder, "publish", stopped)
        assert CliRunner().invoke(app, [str(word) for word in words]).exit_code == 130
    kept = out / ".unfinished" / "run.json"
    kept.write_text(kept.read_text("utf-8").replace(str(date.today()), str(yesterday)), "utf-8")
    for done in (out / ".unfinished").glob("0*"):
        (done / "done.json").unlink()
        for file in done.iterdir():
            file.unlink()
        done.rmdir()
    result = CliRunner().invoke(app, [str(word) for word in [*words, "--resume"]])
    assert result.exit_code == 4
    (line,) = (out / "rejected.ndjson").read_text("utf-8").splitlines()
    assert json.loads(line)["patient_id"] == "P-9"


def test_two_studies_of_one_id_are_refused(tmp_path: Path) -> None:
    words: list[object] = ["batch", tmp_path / "e.ndjson", "--out", tmp_path / "o"]
    (tmp_path / "e.ndjson").write_text(json.dumps(ELIGIBLE), "utf-8")
    for version in ("1", "2"):
        path = tmp_path / f"{version}.yaml"
        path.write_text(STUDY.replace("1.10", version), "utf-8")
        words += ["--study", path]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 2
    assert "two of the studies are small" in result.stderr
    assert not (tmp_path / "o").exists()


def test_a_full_disk_under_the_list_of_ids_is_no_defect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3  # noqa: PLC0415

    from screener.batch.known_ids import KnownIds  # noqa: PLC0415

    def full(self: KnownIds, done: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(KnownIds, "add", full)
    study, export = tmp_path / "small.yaml", tmp_path / "e.ndjson"
    study.write_text(STUDY, "utf-8")
    export.write_text(json.dumps(ELIGIBLE), "utf-8")
    words = ["batch", export, "--study", study, "--out", tmp_path / "o", "--workers", "1"]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 74
    assert "database or disk is full. What is finished is kept" in result.stderr
    other = tmp_path / "other.yaml"
    other.write_text(STUDY.replace("1.10", "2"), "utf-8")
    result = CliRunner().invoke(app, ["compare", str(study), str(other), str(export)])
    assert result.exit_code == 74
    assert "temporary files cannot be written: database or disk is full" in result.stderr
