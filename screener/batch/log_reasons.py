"""Takes the reasons of a row of the screening log apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screener.batch.verdicts import BETWEEN_REASONS

if TYPE_CHECKING:
    from screener.batch.log import LogRow


def each_reason(row: LogRow) -> list[str]:
    """The reason of each criterion that fails, then of each that is unknown, without the ids."""
    wanted = {*row.failed, *row.unknown}
    found: dict[str, str] = {}
    name = ""
    for piece in row.reasons.split(BETWEEN_REASONS):
        # A reason may hold what stands between reasons; what follows is then still its own.
        begins, colon, rest = piece.partition(": ")
        if colon and begins in wanted and begins not in found:
            name = begins
            found[name] = rest
        elif name:
            found[name] += BETWEEN_REASONS + piece
    return [found.get(name, "") for name in (*row.failed, *row.unknown)]
