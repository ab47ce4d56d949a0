"""The folder of a run: its finished chunks, so that it can be continued, and its outputs.

While a run is under way everything lies in a folder `.unfinished` inside: what the run is
(`run.json`), and a folder for each finished chunk, which appears whole by being renamed. The
outputs are made there too and then moved, `summary.json` last: where it stands, the run is whole.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from screener.batch.worker import read_done, unfinished, write_done
from screener.errors import UsageError

if TYPE_CHECKING:
    from screener.batch.chunk import Done

OUTPUTS = (
    "screening_log.csv", "screening_log.xlsx", "results.parquet", "rejected.ndjson",
    "rescreening.csv", "rescreening.ics", "flow-*.svg", "table_one-*.csv", "report.html",
    "summary.json",
)  # fmt: skip
"""What a run can write, as patterns."""

DAY = "day"
"""What a run names the day on which it was begun. It is continued with that day on any other."""

_RUN = "run.json"
_LOCK = "lock"


class RunFolder:
    """The folder of one run.

    Raises UsageError where it cannot be used: it holds outputs or an unfinished run that neither
    `resume` nor `force` covers, the unfinished run is another one, or another process is at it.
    """

    def __init__(self, path: Path, run: dict[str, Any], *, resume: bool, force: bool) -> None:
        self.path = path
        self.parts = path / ".unfinished"
        if path.exists() and not path.is_dir():
            raise UsageError(f"--out {path}: this is a file; give a folder")
        before = self._before()
        if before is not None and resume:
            self._same(before, run)
        elif before is not None and not force:
            raise UsageError(
                f"--out {path}: an unfinished run lies there; --resume continues it, and --force "
                "begins anew"
            )
        elif resume and not self._lying():
            raise UsageError(
                f"--out {path}: there is no unfinished run to continue; leave out --resume"
            )
        elif not force and (old := self._lying()):
            finished = " The run is finished already." if resume else ""
            raise UsageError(
                f"--out {path}: {old[0]} of an earlier run lies there.{finished} Give another "
                "folder, or --force to replace it"
            )
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.parts.mkdir(mode=0o700, exist_ok=True)
        self._lock = _lock(self.parts / _LOCK, path)  # before anything there is removed
        self.run = run
        """What the run is; if it is continued, as it was begun."""
        if before is not None and resume:
            self.run = before
        else:
            self._clear()
            _write(self.parts / _RUN, json.dumps(run, indent=2))
        for part in self.parts.glob("*.part"):
            shutil.rmtree(part)

    def _lying(self) -> list[str]:
        """The outputs of an earlier run, by name."""
        return [path.name for pattern in OUTPUTS for path in sorted(self.path.glob(pattern))]

    def _before(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads((self.parts / _RUN).read_text("utf-8"))
        except (OSError, ValueError):  # none, or stopped before it had begun
            return None
        return found

    def _clear(self) -> None:
        (self.parts / _RUN).unlink(missing_ok=True)  # first: what is left is then no run
        for old in self.parts.iterdir():
            if old.is_dir():
                shutil.rmtree(old)
            elif old.name != _LOCK:
                old.unlink()

    def _same(self, before: dict[str, Any], run: dict[str, Any]) -> None:
        for name, value in run.items():
            if name != DAY and before.get(name) != value:
                was = f" ({before[name]})" if isinstance(before.get(name), str) else ""
                raise UsageError(
                    f"--out {self.path}: the unfinished run there has another {name}{was}; "
                    "--resume with the same input and options as before, or --force to begin anew"
                )

    def chunk(self, number: int) -> Path:
        """Where the files of a finished chunk lie."""
        return self.parts / f"{number:06d}"

    def finished(self, number: int) -> Done | None:
        """What came of a chunk, if it was finished before."""
        folder = self.chunk(number)
        return read_done(folder) if folder.is_dir() else None

    def finish(self, done: Done) -> None:
        """Let the files of a chunk appear as finished, all at once and for good."""
        folder = unfinished(self.parts, done.number)
        write_done(done, folder)
        for file in folder.iterdir():
            _to_disk(file)
        folder.replace(self.chunk(done.number))
        _to_disk(self.parts)

    def publish(self, names: list[str]) -> None:
        """Move outputs, which lie ready among the parts, to where the user looks for them."""
        for name in names:
            _to_disk(self.parts / name)
        (self.path / "summary.json").unlink(missing_ok=True)  # until all have moved, none counts
        for name in set(self._lying()) - set(names):
            (self.path / name).unlink()  # of an earlier run, and not of this one
        for name in sorted(names, key=lambda name: name == "summary.json"):
            (self.parts / name).replace(self.path / name)
        _to_disk(self.path)
        if os.name == "nt":  # an open file cannot be removed there
            self.close()
        shutil.rmtree(self.parts)
        self.close()

    def close(self) -> None:
        """Let other processes use the folder."""
        self._lock.close()


def _write(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="utf-8")
    _to_disk(path)


def _to_disk(path: Path) -> None:
    """Have the system write what it still holds of a file or folder, against loss of power."""
    if path.is_dir() and os.name == "nt":  # folders cannot be opened there
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _lock(path: Path, folder: Path) -> Any:
    file = path.open("w", encoding="utf-8")
    try:
        import fcntl  # noqa: PLC0415  # not on Windows
    except ImportError:
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise UsageError(f"--out {folder}: another process is screening into this folder") from None
    return file
