"""Where reports go, and how the program ends when they cannot."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from program import ESCAPE, PROGRAM, ROOT, run
from small_study import ELIGIBLE, REJECTED, write

from screener.cli import main
from screener.commands import ending
from screener.screening import Screener

if TYPE_CHECKING:
    from collections.abc import Sequence


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
