"""Where results go: standard output, or a file that only its owner can read."""

from __future__ import annotations

import io
import os
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from screener.commands.ending import discard_output
from screener.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Memory(io.StringIO):
    """Text kept until it is whole, laid out for where it goes: standard output, or a file.

    What lays it out does not write it, because Rich ends the program where a pipe is closed.
    """

    def __init__(self, *, to_file: bool = False) -> None:
        super().__init__()
        self._goes_to = None if to_file else sys.stdout

    @property
    def encoding(self) -> str:  # type: ignore[override]  # declared as an attribute
        """The encoding of the place where the text goes."""
        return getattr(self._goes_to, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Whether the text goes to a terminal."""
        return self._goes_to is not None and self._goes_to.isatty()


def check(target: Path | None, *, force: bool, inputs: Iterable[str] = ()) -> None:
    """Refuse a file that must not or cannot be written, before any work is done.

    Raises UsageError where it exists and `force` is not given, is one of the inputs or no ordinary
    file, or its folder does not exist.
    """
    if target is None:
        if force:
            raise UsageError("--force is about --output; give both, or leave it out")
        return
    if not target.parent.is_dir():
        raise UsageError(f"--output {target}: there is no folder {target.parent}; create it first")
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise _cannot_write(target, error) from None
    if not stat.S_ISREG(mode):
        raise UsageError(
            f"--output {target}: this is a folder, link or device; give the name of a file, or "
            "leave --output out to write to standard output"
        )
    for path in inputs:
        with suppress(OSError, ValueError):
            if Path(path).samefile(target):
                raise UsageError(f"--output {target}: this is an input; give another name")
    if not force:
        raise _exists(target)


def write(text: str, target: Path | None, *, force: bool = False) -> None:
    """Write text to standard output (in a pipe or file always as UTF-8), or to a file as a whole.

    Raises UsageError where that cannot be written, and BrokenPipeError where nobody reads it.
    """
    write_pieces([text], target, force=force)


def write_pieces(pieces: Iterable[str], target: Path | None, *, force: bool = False) -> None:
    """Write text that comes in pieces, as `write` does; not all of it need be in memory."""
    if target is not None:
        _write_whole((piece.encode() for piece in pieces), target, force=force)
        return
    stream = getattr(sys.stdout, "buffer", None)
    try:
        for piece in pieces:
            if stream is None or sys.stdout.isatty():
                sys.stdout.write(piece)
            else:
                stream.write(piece.encode())
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard_output()
        why = error.strerror or type(error).__name__
        raise UsageError(f"standard output cannot be written: {why}; write elsewhere") from None


def write_file(content: bytes, target: Path, *, force: bool = False) -> None:
    """Write a file that only its owner can read, as a whole.

    Raises UsageError where it exists and `force` is not given, or cannot be written.
    """
    _write_whole([content], target, force=force)


def _write_whole(pieces: Iterable[bytes], target: Path, *, force: bool) -> None:
    try:
        _write_file(pieces, target, force=force)
    except FileExistsError:
        raise _exists(target) from None
    except OSError as error:
        raise _cannot_write(target, error) from None


def _write_file(pieces: Iterable[bytes], target: Path, *, force: bool) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:80]}.")
    temporary = Path(name)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123  # a descriptor, not a path
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        if force or not _link(temporary, target):
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _link(temporary: Path, target: Path) -> bool:
    """Give a file its name unless that is taken; False where the file system has no links."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):
        return False
    return True


def _exists(target: Path) -> UsageError:
    return UsageError(f"--output {target}: there is such a file; --force replaces it")


def _cannot_write(target: Path, error: OSError | ValueError) -> UsageError:
    why = error.strerror if isinstance(error, OSError) and error.strerror else "not a file name"
    return UsageError(f"--output {target}: cannot be written: {why}; give another file or folder")
