"""What the program is doing, on standard error: for a batch, how far it has come.

That is a bar on a terminal, else a line now and then.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from screener.batch.run import Progress

_EVERY = 30.0
"""Seconds between two lines where nobody watches."""


def preparing(study: str) -> None:
    """Say on a terminal that a study is compiled, so that nobody waits without knowing for what."""
    if sys.stderr.isatty():
        from screener.report.words import visible  # noqa: PLC0415

        told = f"Preparing {visible(study)} for its first use; this takes some seconds."
        print(told, file=sys.stderr)  # noqa: T201


@contextmanager
def shown(name: str) -> Iterator[Callable[[Progress], None]]:
    """Show the progress of screening an input until the end of the block."""
    if sys.stderr.isatty():
        yield from _bar()
    else:
        yield from _lines(name)


def _bar() -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar  # noqa: PLC0415

    bar = Bar(
        TextColumn("Screening"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[told]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    begun = time.monotonic()
    with bar:
        task = bar.add_task("", total=None, told="")

        def report(progress: Progress) -> None:
            fresh = progress.records - progress.resumed
            rate = fresh / max(time.monotonic() - begun, 1e-9)
            told = f"{progress.records:,} records, {rate:,.0f}/s"
            if progress.rejected:
                told += f", {progress.rejected:,} rejected"
            bar.update(task, total=progress.size or None, completed=progress.position, told=told)

        yield report


def _lines(name: str) -> Iterator[Callable[[Progress], None]]:
    last = time.monotonic()

    def say(progress: Progress) -> None:
        part = f", {progress.position / progress.size:.0%}" if progress.size else ""
        print(f"{name}: {progress.records:,} records{part}", file=sys.stderr)  # noqa: T201

    def report(progress: Progress) -> None:
        nonlocal last
        if time.monotonic() - last >= _EVERY:
            last = time.monotonic()
            say(progress)

    yield report
