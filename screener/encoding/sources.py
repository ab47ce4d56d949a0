"""The files that a study is encoded in, and the digest that tells one state of them from another.

Light on purpose: whether a compiled study can be used again is asked on every run.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from screener.errors import StudyError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

DICTIONARIES = ("drugs", "sites", "labs", "neoplasms")


def source_files(study_path: Path, criteria: Path) -> list[Path]:
    """List every file that the encoding of a study is made from, in a fixed order."""
    return [
        study_path,
        criteria / "logic.sql",
        *sorted((criteria / "facts").glob("*.yaml")),
        *(criteria / f"{name}.yaml" for name in DICTIONARIES),
    ]


def digest(paths: Iterable[Path]) -> str:
    """Make the SHA-256 over the names and contents of files.

    Raises StudyError where one cannot be read.
    """
    total = hashlib.sha256()
    for path in paths:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise StudyError(f"{path}: cannot be read: {error.strerror or error}") from None
        total.update(f"{path.name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()
