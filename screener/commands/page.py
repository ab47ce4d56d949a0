"""Plain pages for a terminal or a pipe: headings and wrapped paragraphs, never cropped."""

from __future__ import annotations

from rich.text import Text

from screener.commands.output import Memory
from screener.report.terminal import WIDEST, console_for
from screener.report.words import visible

_NARROWEST = 20


class Page:
    """Lines of text for the console that standard output is."""

    def __init__(self) -> None:
        self._memory = Memory()
        self._console = console_for(self._memory)
        self.width = max(min(self._console.width, WIDEST), _NARROWEST)
        self._lines: list[Text] = []

    def blank(self) -> None:
        """Add an empty line, unless nothing stands above it."""
        if self._lines:
            self._lines.append(Text())

    def heading(self, text: str) -> None:
        """Add a heading, and space above it."""
        self.blank()
        self.text(text, style="bold")

    def text(self, text: str, indent: int = 0, hang: int = 0, style: str = "") -> None:
        """Add a paragraph; its further lines stand `hang` more to the right than its first."""
        indent = min(indent, self.width // 2)
        body = Text(visible(text), style)
        first = True
        for line in body.wrap(self._console, self.width - indent - hang):
            line.rstrip()
            self._lines.append(Text(" " * (indent if first else indent + hang)).append_text(line))
            first = False

    def line(self, text: str) -> None:
        """Add a line as it is laid out, known to fit in `width` and to be printable."""
        self._lines.append(Text(text))

    def code(self, text: str, indent: int = 0) -> None:
        """Add text line by line, as it is broken already."""
        for line in text.strip().split("\n"):
            inner = len(line) - len(line.lstrip())
            self.text(line, indent + inner, hang=2)

    def labelled(self, label: str, text: str, indent: int = 0) -> None:
        """Add a paragraph after its label, unless it is empty."""
        if text:
            self.text(f"{label}: {text}", indent, hang=2)

    def finished(self) -> str:
        """Return the whole page as text, with colour only where the console shows it."""
        self._console.print(
            Text("\n").join(self._lines), no_wrap=True, overflow="ignore", crop=False
        )
        return self._memory.getvalue()
