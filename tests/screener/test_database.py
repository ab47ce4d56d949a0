"""The database is quiet: what it prints would stand among the data on standard output."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("writes", ["None", "'.'"])
def test_no_progress_bar_from_a_process_without_a_script(writes: str, tmp_path: Path) -> None:
    program = (
        "from screener import database\n"
        f"asked = database.connect(writes={writes})\n"
        "for made in (asked, asked.cursor()):\n"
        "    print(made.execute('SELECT current_setting(\\'enable_progress_bar\\')').fetchone())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["(False,)"] * 2
