"""Starts the program: `python -m screener`, and the commands `screen` and `trial-screen`.

A screening waits for DuckDB to open and for Python to import what it needs. Both are begun here,
side by side, before anything else is looked at.
"""

from __future__ import annotations

import os
import sys

_WITHOUT_DATABASE = frozenset(
    {"studies", "show", "schema", "template", "--help", "-h", "--version"}
)


def main() -> None:
    """Run the command line and end the process with its exit code."""
    # Plugins of other packages would see every record, and cost time to look for.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if sys.argv[1:] and sys.argv[1] not in _WITHOUT_DATABASE and not os.environ.get(_COMPLETING):
        from screener import database  # noqa: PLC0415

        database.begin()
    from screener.cli import main as run  # noqa: PLC0415

    run()


_COMPLETING = "_SCREEN_COMPLETE"  # set by the shell when it asks for completions

if __name__ == "__main__":
    main()
