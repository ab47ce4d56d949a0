"""How a command ends: the one place where exceptions become messages and exit codes.

Messages go to standard error and hold nothing of a patient but the id and the path of a value.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec

from screener.errors import InputError, ScreenError

if TYPE_CHECKING:
    from collections.abc import Callable

_P = ParamSpec("_P")

DEFECT = 70
"""The program itself is at fault (EX_SOFTWARE of sysexits.h)."""
INTERRUPTED = 130
CLOSED_PIPE = 141
"""Whoever read the output stopped early; 128 + SIGPIPE, as a shell reports it."""
DEBUG_VARIABLE = "TRIAL_SCREEN_DEBUG"

_SHOWN_PROBLEMS = 20


def ends(command: Callable[_P, int]) -> Callable[_P, None]:
    """Make a function that returns an exit code into a command."""

    @wraps(command)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            code = command(*args, **kwargs)
        except Exception as error:  # nothing else comes between it and the user
            code = code_for(error)
        except KeyboardInterrupt:
            code = INTERRUPTED
        raise SystemExit(code)

    return run


def prepare_streams() -> None:
    """Make standard output and error take any text, and be there if they were closed."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started the program: nobody listens
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif hasattr(getattr(sys, name), "reconfigure"):  # what a terminal lacks is no error
            getattr(sys, name).reconfigure(errors="backslashreplace")


def code_for(error: Exception) -> int:
    """Tell the user about an error, and give the exit code that it ends the program with."""
    if isinstance(error, InputError):
        tell_input(error)
        return error.exit_code
    if isinstance(error, ScreenError):
        tell(f"Error: {error}")
        return error.exit_code
    if isinstance(error, BrokenPipeError):
        discard_output()
        return CLOSED_PIPE
    import traceback  # noqa: PLC0415  # only a defect needs it

    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error)
    tell(
        f"Error: {type(error).__name__} at {_place(error)}. This is a defect of the program, not "
        f"of your data; please report it. {DEBUG_VARIABLE}=1 shows the traceback, which may quote "
        "the record."
    )
    return DEFECT


def tell(message: str) -> None:
    """Write a message to standard error, so that no part of it can steer a terminal."""
    lines = (
        "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
        for line in message.split("\n")
    )
    with suppress(OSError):  # there may be nobody to tell
        print("\n".join(lines), file=sys.stderr)  # noqa: T201


def tell_input(error: InputError, *, record: bool = False) -> None:
    """Tell what is wrong with a file, or with one record in it."""
    if not record and len(error.problems) == 1:
        tell(f"Error: {error.source}: {error.problems[0]}")
        return
    who = f"patient {error.patient_id}" if error.patient_id else "a record"
    count = len(error.problems)
    problems = [f"  {problem}" for problem in error.problems[:_SHOWN_PROBLEMS]]
    if count > _SHOWN_PROBLEMS:
        problems.append(f"  and {count - _SHOWN_PROBLEMS:,} more; correct these first")
    found = f"{count:,} problem{'' if count == 1 else 's'}"
    tell("\n".join([f"Error: {error.source}: {who} cannot be screened, {found}:", *problems]))


def discard_output() -> None:
    """Send what is still to be written nowhere, so that closing standard output cannot fail."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _place(error: BaseException) -> str:
    """Name the last place in this program that an exception passed through."""
    import traceback  # noqa: PLC0415

    package = Path(__file__).parent.parent
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if package in Path(frame.filename).parents] or frames
    return f"{Path(inside[-1].filename).name}, line {inside[-1].lineno}" if inside else "start"
