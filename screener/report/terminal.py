"""The report on a terminal, in a pipe or in a text file.

Text is laid out here, line by line: nothing is cropped, no line is wider than the console, and
recorded text never passes through Rich markup. Meaning is carried by words and symbols; colour
only repeats it.
"""

from __future__ import annotations

import codecs
import os
import re
import sys
from itertools import zip_longest
from typing import IO, TYPE_CHECKING, Final

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Text

from screener.report import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from screener.report.words import Finding, Row
    from screener.result import Outcome, ScreeningResult, Status

OFF_TERMINAL_WIDTH: Final = 80
WIDEST: Final = 100
"""Longer lines of prose are hard to read, however wide the window is."""

_STYLE: Final[dict[Outcome, str]] = {
    "fail": "bold red",
    "unknown": "bold yellow",
    "pass": "bold green",
}
_LABEL: Final = 10
_NARROWEST: Final = 20
_LEAST_FOR_IDS: Final = 24
_GAP: Final = "  "
_SPELLED: Final = {
    "≥": ">=", "≤": "<=", "×": "x", "µ": "u", "μ": "u", "±": "+/-", "–": "-", "—": "-",
    "−": "-", "…": "...", "·": "-", "•": "-", "→": "->", "‘": "'", "’": "'", "“": '"',
    "”": '"', "°": " deg ",
}  # fmt: skip
"""How to write what an encoding other than UTF-8 may lack."""
_POWER: Final = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_DIGITS: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


def console_for(file: IO[str] | None = None) -> Console:
    """Make a console for the report: off a terminal 80 columns wide unless COLUMNS is set.

    Rich by itself takes the width of whatever terminal is near, even when the output goes to a
    file, so that the same command would write different files from different windows.
    """
    stream = sys.stdout if file is None else file
    fixed = not stream.isatty() and not os.environ.get("COLUMNS", "").isdigit()
    return Console(
        file=file,
        width=OFF_TERMINAL_WIDTH if fixed else None,
        markup=False,
        emoji=False,
        highlight=False,
    )


def render(results: Sequence[ScreeningResult], console: Console) -> None:
    """Print the report of each result, after an overview where there are several."""
    if len(results) > 1:
        page = _Page(console)
        page.overview(results)
        page.print()
    for result in results:
        page = _Page(console)
        if len(results) > 1:
            page.blank()
            page.line(Text(page.double_rule * page.width))
            page.blank()
        page.report(result)
        page.print()


class _Page:
    """Lines of one report, wrapped to the console and printed at once."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = max(min(console.width, WIDEST), _NARROWEST)
        self.lines: list[Text] = []
        plain = console.options.ascii_only or console.legacy_windows
        self.symbol = words.ASCII_SYMBOL if plain else words.SYMBOL
        self.rule, self.double_rule = "-=" if plain else "─═"
        self.styled = not console.no_color
        self.encoding = _encoding(console)

    def text(self, recorded: str) -> str:
        """Return text that is safe to show and that the output can encode."""
        shown = words.visible(recorded)
        if self.encoding is None:
            return shown
        try:
            shown.encode(self.encoding)
        except UnicodeEncodeError:
            shown = _POWER.sub(lambda power: f"^{power[0].translate(_DIGITS)}", shown)
            return "".join(_spelled(char, self.encoding) for char in shown)
        return shown

    def style(self, name: str) -> str:
        """Return a style, or none where the console is to show no colour."""
        return name if self.styled else ""

    def report(self, result: ScreeningResult) -> None:
        """Lay out the whole report of one result."""
        self._verdict(result)
        groups = words.grouped(result)
        open_groups: tuple[tuple[Outcome, list[Finding]], ...] = (
            ("fail", words.findings(groups.failed, result.needs)),
            ("unknown", words.findings(groups.unknown, result.needs)),
        )
        for outcome, found in open_groups:
            if found:
                self._group(outcome, len(found))
            for number, finding in enumerate(found):
                if number:
                    self.blank()
                self._finding(finding, 0)
        if groups.passed:
            self._group("pass", len(groups.passed))
            width = max(len(self.text(criterion.id)) for criterion in groups.passed)
            for criterion in groups.passed:
                head = self._mark("pass")
                head.append(f" {self.text(criterion.id)}", self.style("bold"))
                self.hang(head, words.passing(criterion), 2 + min(width, 12) + len(_GAP))
        needs = words.to_obtain(result)
        self._numbered(words.TO_OBTAIN, needs)
        self._note(words.TO_OBTAIN, words.nothing_to_obtain(result))
        self._note(words.RESCREENING, words.rescreening(result))
        self._bullets(words.ASSUMPTIONS, words.assumptions(result))
        self._bullets(words.ADVISORIES, words.advisories(result))
        self._bullets(words.DERIVED, words.derived(result))
        self._note(words.NOT_USED, words.not_used(result))
        self.blank()
        self.hang(Text(), words.provenance(result), 0, self.style("dim"))

    def overview(self, results: Sequence[ScreeningResult]) -> None:
        """Lay out one row a result, with the identifiers of what fails and what is unknown."""
        self.width = max(self.console.width, _NARROWEST)
        self.hang(Text(), words.overview_title(results), 0, self.style("bold"))
        self.blank()
        rows = words.overview(results)
        cells = [
            (
                self.text(row.patient),
                self.text(row.study),
                self._status(row.status).plain,
                self.text(row.failed) or "-",
                self.text(row.unknown) or "-",
            )
            for row in rows
        ]
        header = words.OVERVIEW_COLUMNS
        natural = [max(map(cell_len, column)) for column in zip(header, *cells, strict=True)]
        names = max(self.width // 4, len(header[0]))
        widths = [min(natural[0], names), min(natural[1], names), natural[2]]
        left = self.width - sum(widths) - 4 * len(_GAP)
        if left < min(natural[3] + natural[4], _LEAST_FOR_IDS):
            for row, cell in zip(rows, cells, strict=True):
                head = self._status(row.status)
                self.hang(head, f"{row.patient}, {row.study}", natural[2] + len(_GAP))
                for name, named in zip(header[3:], cell[3:], strict=True):
                    self._label(name, named, 2)
            return
        failed = min(natural[3], max(left // 2, left - natural[4]))
        widths += [failed, min(natural[4], left - failed)]
        self._cells(header, widths, [self.style("bold")] * len(header))
        self.line(Text(_GAP.join(self.rule * width for width in widths)))
        for row, cell in zip(rows, cells, strict=True):
            colour = self.style(_STYLE[words.STATUS_OUTCOME[row.status]])
            self._cells(cell, widths, ["", "", colour, "", ""])

    def blank(self) -> None:
        """Add an empty line."""
        self.lines.append(Text())

    def line(self, text: Text) -> None:
        """Add a line that is known to fit."""
        text.rstrip()
        self.lines.append(text)

    def hang(self, head: Text, body: str, indent: int, style: str = "") -> None:
        """Add a head, and beside it text whose further lines hang under its first.

        A head that is longer than the indent has lines of its own.
        """
        indent = min(indent, self.width // 2)
        lines = _wrap(self.text(body), self.width - indent)
        if head.cell_len < indent or not head:
            head.append(" " * (indent - head.cell_len))
            if lines:
                head.append(lines.pop(0), style)
            self.line(head)
        elif head.cell_len <= self.width:
            self.line(head)
        else:
            # The head's own leading spaces count within the width of each of its lines.
            wrapped = head.wrap(self.console, self.width - indent, overflow="fold")
            for number, line in enumerate(wrapped):
                self.line(Text(" " * indent).append_text(line) if number else line)
        for part in lines:
            self.line(Text(" " * indent).append(part, style))

    def print(self) -> None:
        """Print everything so far, as it was laid out."""
        self.console.print(Text("\n").join(self.lines), no_wrap=True, overflow="ignore", crop=False)

    def _verdict(self, result: ScreeningResult) -> None:
        head = self._status(result.status)
        head.append(f" {words.CAVEAT}")
        self.hang(head, "", 2)
        self.blank()
        self._label("Patient", result.patient_id, 0)
        self._label("Study", words.study(result), 0)
        self._label("Screened", f"as of {result.as_of}", 0)
        if result.index_date:
            self._label("Index", words.index_date(result), 0)
        self._label("Result", words.verdict(result), 0)

    def _mark(self, outcome: Outcome, word: str = "") -> Text:
        mark = f"{self.symbol[outcome]} {word}" if word else self.symbol[outcome]
        return Text().append(mark, self.style(_STYLE[outcome]))

    def _status(self, status: Status) -> Text:
        return self._mark(words.STATUS_OUTCOME[status], words.STATUS_WORD[status])

    def _section(self, title: Text) -> None:
        self.blank()
        rest = self.width - title.cell_len - 1
        self.line(title.append(f" {self.rule * max(rest, 0)}", self.style("dim")))

    def _group(self, outcome: Outcome, count: int) -> None:
        self._section(self._mark(outcome, f"{words.OUTCOME_WORD[outcome]} ({count})"))

    def _title(self, title: str) -> None:
        self._section(Text().append(title.upper(), self.style("bold")))

    def _note(self, title: str, text: str) -> None:
        if text:
            self._title(title)
            self.hang(Text(), text, 0)

    def _bullets(self, title: str, items: Sequence[str]) -> None:
        if items:
            self._title(title)
        for item in items:
            self.hang(Text("-"), item, 2)

    def _numbered(self, title: str, items: Sequence[str]) -> None:
        if items:
            self._title(title)
        for number, item in enumerate(items, start=1):
            self.hang(Text(f"{number}."), item, len(str(len(items))) + 2)

    def _finding(self, finding: Finding, indent: int) -> None:
        criterion = finding.criterion
        indent = min(indent, self.width // 3)
        head = Text(" " * indent).append_text(self._mark(criterion.outcome))
        head.append(f" {self.text(criterion.id)}", self.style("bold"))
        if not indent:
            head.append(f"{_GAP}{criterion.kind} ({self.text(criterion.source)})")
        if finding.remark:
            head.append(f"{_GAP}[{self.text(finding.remark)}]")
        self.hang(head, criterion.text, indent + 2)
        self._rows(finding.rows, indent + 2)
        for part in finding.parts:
            self._finding(part, indent + 2)
        self._rows(finding.closing, indent + 2)

    def _rows(self, rows: Sequence[Row], indent: int) -> None:
        for row in rows:
            label = row.label
            for item in row.items:
                self._label(label, item if isinstance(item, str) else words.evidence(item), indent)
                label = ""

    def _label(self, label: str, text: str, indent: int) -> None:
        head = Text(" " * indent).append(label, self.style("dim"))
        self.hang(head, text, indent + _LABEL)

    def _cells(self, cells: Sequence[str], widths: Sequence[int], styles: Sequence[str]) -> None:
        wrapped = [_wrap(cell, width) for cell, width in zip(cells, widths, strict=True)]
        for lines in zip_longest(*wrapped, fillvalue=""):
            line = Text()
            for cell, width, style in zip(lines, widths, styles, strict=True):
                line.append(cell + " " * (width - cell_len(cell)) + _GAP, style)
            self.line(line)


def _wrap(text: str, width: int) -> list[str]:
    """Break text at spaces, and a word that is wider than the line wherever it must."""
    if cell_len(text) <= width:
        return [text] if text else []
    lines: list[str] = []
    line, room = "", width
    for word in text.split(" "):
        length = cell_len(word)
        if line and length < room:
            line = f"{line} {word}"
            room -= length + 1
            continue
        if line:
            lines.append(line)
        *full, line = chop_cells(word, width) if length > width else [word]
        lines += full
        room = width - cell_len(line)
    return [*lines, line]


def _encoding(console: Console) -> str | None:
    """Name the output's encoding, or none where it can show everything."""
    try:
        name = codecs.lookup(console.encoding).name
    except LookupError:
        return "ascii"
    return None if name.startswith("utf") else name


def _spelled(char: str, encoding: str) -> str:
    try:
        char.encode(encoding)
    except UnicodeEncodeError:
        return _SPELLED.get(char) or char.encode("unicode_escape").decode("ascii")
    return char
