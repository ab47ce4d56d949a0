"""A run stopped at any moment leaves nothing, or what `--resume` ends with the same bytes."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import exports
import pytest
from exports import batch, command, contents, environment, ndjson, patients
from small_study import REJECTED

from screener.batch.chunk import SIZE

CHUNKS = 5


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exports.study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    records = patients(CHUNKS * SIZE)
    again = [{**records[3], "sex": "female"}]
    return ndjson(tmp_path_factory.mktemp("in") / "in.ndjson", [*records, REJECTED, *again])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, study: Path, export: Path) -> dict[str, bytes]:
    """The outputs of a run that nothing stopped."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert batch(export, out, study, "--workers", 2).returncode == 4
    return contents(out)


def begun(export: Path, out: Path, study: Path, *more: object) -> subprocess.Popen[bytes]:
    """A run in a process group of its own."""
    return subprocess.Popen(
        command(export, out, study, *more),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment(),
        start_new_session=True,
        # A shell that starts the tests in the background has them ignore interrupts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )


def wait_for_chunks(out: Path, number: int, run: subprocess.Popen[bytes]) -> int:
    """Wait until so many chunks are finished, or the run is over; how many there are."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and run.poll() is None:
        finished = len(list((out / ".unfinished").glob("[0-9]*[0-9]")))
        if finished >= number:
            return finished
        time.sleep(0.01)
    return 0


@pytest.mark.parametrize("chunks", [0, 1, 3])
def test_killed(
    tmp_path: Path, study: Path, export: Path, whole: dict[str, bytes], chunks: int
) -> None:
    out = tmp_path / "out"
    run = begun(export, out, study, "--workers", 2)
    if chunks:
        assert wait_for_chunks(out, chunks, run), "the run was over before it could be killed"
    else:
        while not (out / ".unfinished" / "run.json").exists():
            time.sleep(0.005)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert not [path for path in out.iterdir() if path.name != ".unfinished"]
    refused = batch(export, out, study)
    assert refused.returncode == 2
    assert "--resume continues it" in refused.stderr
    ended = batch(export, out, study, "--resume", "--workers", 1)
    assert ended.returncode == 4, ended.stderr
    assert contents(out) == whole


def test_killed_again_and_again(
    tmp_path: Path, study: Path, export: Path, whole: dict[str, bytes]
) -> None:
    out = tmp_path / "out"
    more: list[str] = []
    for number in range(1, CHUNKS):
        run = begun(export, out, study, "--workers", 1, *more)
        if not wait_for_chunks(out, number, run):
            break
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        more = ["--resume"]
    assert batch(export, out, study, *more).returncode == 4
    assert contents(out) == whole


def test_interrupted_by_the_user(
    tmp_path: Path, study: Path, export: Path, whole: dict[str, bytes]
) -> None:
    out = tmp_path / "out"
    run = begun(export, out, study, "--workers", 1)
    assert wait_for_chunks(out, 1, run)
    os.killpg(run.pid, signal.SIGINT)
    _, said = run.communicate()
    assert run.returncode == 130
    assert b"--resume continues" in said
    assert b"Traceback" not in said
    assert batch(export, out, study, "--resume").returncode == 4
    assert contents(out) == whole


def test_no_room_left(tmp_path: Path, study: Path, export: Path, whole: dict[str, bytes]) -> None:
    """A limit on the size of files stands for a full disk: writing fails in the same places."""
    out = tmp_path / "out"
    most = 400_000
    run = subprocess.run(
        command(export, out, study, "--workers", 1),
        capture_output=True,
        env=environment(),
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )
    assert run.returncode == 74, run.stderr
    assert b"cannot be written" in run.stderr
    assert b"--resume" in run.stderr
    assert b"Traceback" not in run.stderr
    assert not [path for path in out.iterdir() if path.name != ".unfinished"]
    assert batch(export, out, study, "--resume").returncode == 4
    assert contents(out) == whole


def test_another_process_at_work(tmp_path: Path, study: Path, export: Path) -> None:
    out = tmp_path / "out"
    run = begun(export, out, study, "--workers", 1)
    assert wait_for_chunks(out, 1, run)
    os.killpg(run.pid, signal.SIGSTOP)
    try:
        refused = batch(export, out, study, "--resume")
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    assert refused.returncode == 2
    assert "another process" in refused.stderr


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory, study: Path, export: Path) -> Path:
    """What a run left that was killed after its first chunk."""
    out = tmp_path_factory.mktemp("left") / "out"
    run = begun(export, out, study, "--workers", 1)
    assert wait_for_chunks(out, 1, run)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    return out


@pytest.fixture
def killed(tmp_path: Path, left: Path) -> Path:
    """Where a run was killed after its first chunk."""
    return Path(shutil.copytree(left, tmp_path / "out"))


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (["--as-of", "2026-01-16"], "screening date"),
        (["--set", "adult_age=5"], "thresholds"),
        (["--complete", "labs"], "complete lists"),
        (["--strict"], "strictness"),
        (["--xlsx"], "outputs"),
    ],
)
def test_only_the_same_run_is_continued(
    killed: Path, study: Path, export: Path, more: list[str], what: str
) -> None:
    refused = batch(export, killed, study, "--resume", *more)
    assert refused.returncode == 2
    assert f"another {what}" in " ".join(refused.stderr.split())


def test_what_another_version_has_kept_is_not_continued(
    killed: Path, study: Path, export: Path
) -> None:
    [known] = killed.rglob("run.json")
    kept = json.loads(known.read_text("utf-8"))
    del kept["form of finished chunks"]  # as of the first version
    known.write_text(json.dumps(kept), "utf-8")
    refused = batch(export, killed, study, "--resume")
    assert refused.returncode == 2
    assert "another form of finished chunks" in " ".join(refused.stderr.split())
