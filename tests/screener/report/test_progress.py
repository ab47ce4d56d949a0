"""On a terminal a batch says what it is doing while nothing else is to be seen."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import threading
from pathlib import Path

import pytest
from program import DAY, PROGRAM, environment
from small_study import ELIGIBLE, STUDY


def on_a_terminal(*args: object, **env: str) -> str:
    """What a run of the program, writes to a terminal as standard error."""
    mine, its = pty.openpty()
    read: list[bytes] = []

    def listen() -> None:
        while True:
            try:
                piece = os.read(mine, 4096)
            except OSError:  # the program has closed it
                return
            if not piece:
                return
            read.append(piece)

    listener = threading.Thread(target=listen)
    listener.start()
    subprocess.run(
        [*PROGRAM, *map(str, args)],
        stdout=subprocess.DEVNULL,
        stderr=its,
        env={**environment(), "TERM": "xterm", "COLUMNS": "400", **env},
        check=False,
    )
    os.close(its)
    listener.join()
    os.close(mine)
    return b"".join(read).decode()


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "export.ndjson"
    rows = [json.dumps({**ELIGIBLE, "id": f"P-{n}"}) for n in range(30)]
    path.write_text("\n".join(rows), "utf-8")
    return path


def test_it_names_the_study_that_is_prepared_and_counts_records(
    tmp_path: Path, export: Path
) -> None:
    study, cache = tmp_path / "small.yaml", str(tmp_path / "cache")
    study.write_text(STUDY, "utf-8")
    args = ("batch", export, "--study", study, "--as-of", DAY, "--force", "--out", tmp_path / "out")
    seen = on_a_terminal(*args, TRIAL_SCREEN_CACHE=cache)
    assert seen.startswith(f"Preparing {study} for its first use; this takes some seconds.\r\n")
    assert "30 records" in seen
    assert "Preparing" not in on_a_terminal(*args, TRIAL_SCREEN_CACHE=cache)


def test_a_patient_waits_knowing_for_what(tmp_path: Path) -> None:
    record = tmp_path / "p.json"
    record.write_text(json.dumps(ELIGIBLE), "utf-8")
    seen = on_a_terminal(record, TRIAL_SCREEN_CACHE=str(tmp_path / "cache"))
    assert seen == "Preparing dawna-fes for its first use; this takes some seconds.\r\n"
