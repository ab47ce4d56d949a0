"""The usual command line, `screen PATIENT.json [--as-of DATE] [--format FORM]`, without Typer.

Building Typer's commands, with the models that check their options, takes as long as screening a
patient. So what can only be meant in one way is read here, and everything else, right or wrong, by
Typer: it alone explains the program.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from screener.commands import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Sequence

_VALUES = {"--as-of": None, "--format": {"table", "json", "markdown", "html"}}
"""The options that are read here, with the values that each takes; None for any."""


def is_usual(words: Sequence[str]) -> bool:
    """Whether the command line is read here."""
    return not completing() and _read(words) is not None


def completing() -> bool:
    """Whether a shell asks how a command line could go on."""
    return any(name.startswith("_") and name.endswith("_COMPLETE") for name in os.environ)


def run(words: Sequence[str]) -> int:
    """Screen the patients that a usual command line names, and return the exit code."""
    from screener.commands.ending import INTERRUPTED, code_for, prepare_streams  # noqa: PLC0415
    from screener.commands.screening import screen  # noqa: PLC0415
    from screener.commands.settings import Options  # noqa: PLC0415

    prepare_streams()
    found = _read(words)
    assert found  # noqa: S101  # is_usual was asked first
    patients, options = found
    try:
        chosen = Options([], options.get("--as-of"), [], None, [], False, [])
        return screen(patients, chosen, options.get("--format", "table"))
    except Exception as error:  # nothing else comes between it and the user
        return code_for(error)
    except KeyboardInterrupt:
        return INTERRUPTED


def _read(words: Sequence[str]) -> tuple[list[str], dict[str, str]] | None:
    patients: list[str] = []
    options: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if not word.startswith("-") or word == "-":
            patients.append(word)
        elif name not in _VALUES or name in options or not (equals or rest):
            return None
        else:
            value = value if equals else rest.pop(0)
            allowed = _VALUES[name]
            if value.startswith("-") or (allowed and value not in allowed):
                return None
            options[name] = value
    if not patients or any(word in COMMANDS or not word for word in patients):
        return None
    return patients, options
