"""What a batch is: an input, the studies, the day, and the outputs that are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from screener.encoding.study import Encoding
    from screener.intake.source import Source
    from screener.screening import Screener


@dataclass(frozen=True)
class Batch:
    """What is screened, for what, and where the outputs go."""

    source: Source
    name: str
    """The input as the user named it."""
    sha256: str
    """Over the bytes of the input, `digest`."""
    screeners: Sequence[Screener]
    as_of: date
    today: date
    out: Path
    workers: int
    workbook: bool = False
    """Whether the screening log is wanted as an Excel workbook too."""
    until: date | None = None
    """The last day of the list of those whom time alone lets be screened again, if it is wanted."""
    relaxed: Sequence[Encoding] = ()
    """The encoding of each study, if it is wanted what follows without a criterion or with another
    threshold."""
