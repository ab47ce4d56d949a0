"""The flow of patients as a diagram: a standalone SVG picture, as STROBE and CONSORT draw it.

One column from all who were screened to those included, and to its right who left and why. Every
text is escaped; the picture uses no script, no style sheet and no file beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from screener.report.words import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from screener.cohort import FlowStep

_LETTER: Final = 7.0
"""Pixels that a letter takes at the size used; generous, since fonts differ."""
_LINE: Final = 18
_PADDING: Final = 12
_GAP: Final = 22
_MARGIN: Final = 16
_MAIN_WIDTH: Final = 250
_SIDE_WIDTH: Final = 330
_BETWEEN: Final = 60
_WIDTH: Final = 2 * _MARGIN + _MAIN_WIDTH + _BETWEEN + _SIDE_WIDTH
_TRUNK: Final = _MARGIN + _MAIN_WIDTH / 2
_SIDE: Final = _MARGIN + _MAIN_WIDTH + _BETWEEN


@dataclass
class _Drawing:
    key: str
    shapes: list[str] = field(default_factory=list)
    y: float = _MARGIN

    def box(self, x: float, width: float, text: str, number: int) -> float:
        """Draw a box at the current height; return its height."""
        lines = [*_wrapped(text, width - 2 * _PADDING), f"n = {number:,}"]
        height = len(lines) * _LINE + 2 * _PADDING
        self.shapes.append(
            f'<rect x="{x:g}" y="{self.y:g}" width="{width:g}" height="{height:g}" rx="3" '
            'fill="#ffffff" stroke="#333333"/>'
        )
        for place, line in enumerate(lines):
            weight = ' font-weight="bold"' if place == len(lines) - 1 else ""
            y = self.y + _PADDING + (place + 0.75) * _LINE
            self.shapes.append(
                f'<text x="{x + width / 2:g}" y="{y:g}" text-anchor="middle"{weight}>'
                f"{escape(line)}</text>"
            )
        return height

    def line(self, x1: float, y1: float, x2: float, y2: float, *, arrow: bool = False) -> None:
        end = f' marker-end="url(#{self.key}-arrow)"' if arrow else ""
        self.shapes.append(
            f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="#333333"{end}/>'
        )


def render(steps: Sequence[FlowStep], included: str, title: str, key: str = "flow") -> str:
    """Draw the flow: the first step is all who were screened, `included` names those at the end.

    `key` begins the ids within the picture, so that one page can hold several.
    """
    key = escape(key)
    drawing = _Drawing(key)
    first, *leaving = steps
    drawing.y += drawing.box(_MARGIN, _MAIN_WIDTH, first.label, first.remaining)
    for step in leaving:
        top = drawing.y
        drawing.y += _GAP
        height = drawing.box(_SIDE, _SIDE_WIDTH, step.label, step.excluded)
        middle = drawing.y + height / 2
        drawing.line(_TRUNK, top, _TRUNK, drawing.y + height)
        drawing.line(_TRUNK, middle, _SIDE, middle, arrow=True)
        drawing.y += height
    drawing.line(_TRUNK, drawing.y, _TRUNK, drawing.y + _GAP + 6, arrow=True)
    drawing.y += _GAP + 6
    drawing.y += drawing.box(_MARGIN, _MAIN_WIDTH, included, steps[-1].remaining)
    height = drawing.y + _MARGIN
    told = "; ".join(f"{visible(step.label)}: {step.excluded:,}" for step in leaving)
    described = (
        f"{visible(first.label)}: {first.remaining:,}. Excluded: {told or 'nobody'}. "
        f"{visible(included)}: {steps[-1].remaining:,}."
    )
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {height:g}" '
        f'width="{_WIDTH:g}" height="{height:g}" role="img" '
        f'aria-labelledby="{key}-title {key}-desc" '
        'font-family="Helvetica, Arial, sans-serif" font-size="13" fill="#111111">',
        f'<title id="{key}-title">{escape(visible(title))}</title>',
        f'<desc id="{key}-desc">{escape(described)}</desc>',
        f'<defs><marker id="{key}-arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#333333"/></marker></defs>',
        f'<rect width="{_WIDTH:g}" height="{height:g}" fill="#ffffff"/>',
        *drawing.shapes,
        "</svg>",
        "",
    ])  # fmt: skip


def _wrapped(text: str, width: float) -> list[str]:
    """Break a text at spaces, and a longer word where it must."""
    most = int(width / _LETTER)
    lines = [""]
    for word in visible(text).split(" "):
        rest = word
        while cell_len(rest) > most:
            cut = _fitting(rest, most)
            lines.append(rest[:cut])
            rest = rest[cut:]
        joined = f"{lines[-1]} {rest}".strip()
        if cell_len(joined) <= most:
            lines[-1] = joined
        else:
            lines.append(rest)
    return [line for line in lines if line]


def _fitting(word: str, most: int) -> int:
    """How many letters of a word fit in a line."""
    cut = len(word)
    while cell_len(word[:cut]) > most:
        cut -= 1
    return max(cut, 1)
