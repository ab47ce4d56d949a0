"""Runs the program as its users do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from screener.cli import app

ROOT = Path(__file__).resolve().parents[1]
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


def environment() -> dict[str, str]:
    """Where the program finds itself, from any folder."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def start(*args: object, stdin: bytes = b"", **env: str) -> Ran:
    """Run the program in a process of its own."""
    ran = subprocess.run(
        [*PROGRAM, *map(str, args)],
        input=stdin,
        capture_output=True,
        env={**environment(), **env},
        check=False,
    )
    return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())


def statuses(ran: Ran) -> list[tuple[str, str, str]]:
    return [(one["patient_id"], one["study"]["id"], one["status"]) for one in ran.json]
