"""The environment of a process that runs this tree as an installation would."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def environment(folder: Path) -> dict[str, str]:
    """With studies compiled, and modules as byte code, in a folder that may be thrown away.

    An installation has its byte code even where the environment asks Python not to write any.
    """
    made = {
        **os.environ,
        "TRIAL_SCREEN_CACHE": str(folder / "cache"),
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
    }
    made.pop("PYTHONDONTWRITEBYTECODE", None)
    return made
