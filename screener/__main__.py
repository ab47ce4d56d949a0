"""Starts the program: `python -m screener`, and the commands `screen` and `trial-screen`."""

from __future__ import annotations

import contextlib
import gc
import os
import sys

from screener.commands import COMMANDS, usual

_STOP = {"--study", "-s", "--criteria", "--help", "-h", "--version"}


def main() -> None:
    """Run the command line and end the process with its exit code."""
    # Threads that wait for DuckDB ask for the interpreter often, and briefly.
    sys.setswitchinterval(0.0001)
    # A short run of few cycles: collecting them while modules are imported only costs time.
    gc.set_threshold(100_000, 50, 50)
    # Plugins of other packages would see every record, and cost time to look for.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    words = sys.argv[1:]
    if for_default_study(words):
        from screener import ahead  # noqa: PLC0415

        ahead.begin()
    code: object = 0
    try:
        if usual.is_usual(words):
            code = usual.run(words)
        else:
            from screener.cli import main as run  # noqa: PLC0415

            run()
    except SystemExit as ended:
        code = ended.code
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # whoever listened is gone
            stream.flush()
    # All is written. Taking the database and its threads apart would only keep the user waiting.
    os._exit(code if isinstance(code, int) else int(bool(code)))


def for_default_study(words: list[str]) -> bool:
    """Whether patients are screened for the study that is meant where none is named."""
    names = {word.partition("=")[0] for word in words}
    return bool(words) and words[0] not in COMMANDS and not (names & _STOP or usual.completing())


if __name__ == "__main__":
    main()
