"""Paragraphs for a console, broken between words, whose later lines stand further to the right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from screener.report.words import visible

if TYPE_CHECKING:
    from rich.console import Console

_NARROWEST: Final = 20


def paragraph(
    console: Console, text: str, *, indent: int = 0, first: str = "", style: str = ""
) -> None:
    """Print a paragraph after what stands at the beginning of its `first` line."""
    from rich.text import Text  # noqa: PLC0415

    hang = len(first) or (2 if indent else 0)
    room = max(console.width - indent - hang, _NARROWEST)
    for number, line in enumerate(Text(visible(text)).wrap(console, room)):
        line.rstrip()
        begin = first if not number else " " * hang * bool(number)
        console.print(Text(" " * indent + begin, style).append_text(line))
