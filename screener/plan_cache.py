"""Compiled studies, kept between runs in the user's cache folder.

A plan is kept as text and, for a few records, as a database file as well: to read that takes
DuckDB a fifth of the time of the same statements as text. Plans for many records are kept by
themselves: they are longer, and take longest to compile.

A plan is found by everything that it was made from and with, so it is never out of date. What is
kept decides who is eligible: so a folder or file that somebody else owns or could have written is
not used. Nothing here ever fails: without a cache, a study is compiled again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from screener import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from screener.plan import Plan

FOLDER_VARIABLE = "TRIAL_SCREEN_CACHE"
KEPT = 100
"""Files, of which a study has up to three."""

_TEXT, _DATABASE = ".plan", ".duckdb"
_FAILURES = (OSError, ImportError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


def get(sha256: str, *, many: bool = False) -> Plan | None:
    """Return the plan of the encoding with this digest, for many records or few, if one is kept."""
    try:
        text = get_text(_plan_name(sha256, many=many))
        if text is None:
            return None
        from screener.plan import Plan  # noqa: PLC0415

        plan = Plan.from_json(text)
    except _FAILURES:
        return None
    return plan if plan.sha256 == sha256 else None


def put(plan: Plan, *, many: bool = False) -> None:
    """Keep a plan that was made for many records or few."""
    from screener import opening  # noqa: PLC0415

    put_text(_plan_name(plan.sha256, many=many), plan.to_json())
    if database(plan.sha256) is None:
        _put(_file_name(plan.sha256, _DATABASE), lambda path: opening.write(plan, path))


def _plan_name(sha256: str, *, many: bool) -> str:
    return f"{sha256} for many" if many else sha256


def database(sha256: str) -> Path | None:
    """The file that `opening.read_file` reads of the plan with this digest, if one is kept.

    It may be damaged: DuckDB, which checks what it reads, says so then.
    """
    try:
        path = _folder() / _file_name(sha256, _DATABASE)
        usable = _is_ours(path.parent.lstat()) and _is_ours(status := path.lstat())
        if not usable or not stat.S_ISREG(status.st_mode):
            return None
        os.utime(path)
    except _FAILURES:
        return None
    return path


def get_text(name: str) -> str | None:
    """Return a text that this version of the program kept under a name, if it did."""
    try:
        path = _folder() / _file_name(name, _TEXT)
        content = _read(path)
    except _FAILURES:
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # so that what is removed first is what was not used for longest
    return None if content is None else content.decode()


def put_text(name: str, text: str) -> None:
    """Keep a text that depends on nothing but its name and the code of this program."""
    content = text.encode()
    checked = hashlib.sha256(content).hexdigest().encode() + b"\n" + content
    _put(_file_name(name, _TEXT), lambda path: path.write_bytes(checked))


def _put(name: str, write: Callable[[Path], object]) -> None:
    """Keep what `write` writes to the path of a file that is not there yet."""
    import tempfile  # noqa: PLC0415  # what is kept is read far more often than written

    with contextlib.suppress(*_FAILURES):
        folder = _folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(folder.lstat()):
            return
        # Readable by this user only, and complete before it has its name.
        with tempfile.TemporaryDirectory(dir=folder) as own:
            file = Path(own) / name
            write(file)
            file.chmod(0o600)
            file.replace(folder / name)
        _remove_oldest(folder)


def _folder() -> Path:
    given = os.environ.get(FOLDER_VARIABLE)
    if given:
        return Path(given) / "plans"
    from platformdirs import user_cache_path  # noqa: PLC0415

    return user_cache_path("trial-screen", appauthor=False) / "plans"


def _file_name(name: str, suffix: str) -> str:
    return hashlib.sha256(f"{name} {_maker()}".encode()).hexdigest() + suffix


@cache
def _maker() -> str:
    """Name what makes plans: this program, its code that writes them, and DuckDB's version."""
    code = hashlib.sha256()
    here = Path(__file__).parent
    rooms = (here, here / "encoding", here / "compiling")
    for module in sorted(file for room in rooms for file in room.glob("*.py")):
        code.update(module.read_bytes())
    return f"{__version__} {code.hexdigest()} {_duckdb_version()}"


def _duckdb_version() -> str:
    """Read it from the name of a folder: importing DuckDB takes 80 ms, its metadata 20."""
    spec = find_spec("duckdb")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("duckdb")
    package = Path(spec.origin)
    names = sorted(path.name for path in package.parent.parent.glob("duckdb-*-info"))
    return names[-1] if names else f"{package} {package.stat().st_mtime_ns}"


def _read(path: Path) -> bytes | None:
    """Return the content of a file that only this user can have written, if undamaged."""
    if not _is_ours(path.parent.lstat()):
        return None
    extra = ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY")  # each of them where the system has it
    flags = os.O_RDONLY | sum(getattr(os, name, 0) for name in extra)
    with open(os.open(path, flags), "rb") as file:  # noqa: PTH123  # a descriptor, not a path
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or not _is_ours(status):
            return None
        checked, _, content = file.read().partition(b"\n")
    return content if hashlib.sha256(content).hexdigest().encode() == checked else None


def _is_ours(status: os.stat_result) -> bool:
    if os.name != "posix":  # elsewhere, the folders of a user's profile are that user's alone
        return True
    others_write = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return status.st_uid == os.geteuid() and not others_write and not stat.S_ISLNK(status.st_mode)


def _remove_oldest(folder: Path) -> None:
    import shutil  # noqa: PLC0415

    files = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files[KEPT:]:
        if path.is_dir():  # of a run that was killed while it wrote
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
