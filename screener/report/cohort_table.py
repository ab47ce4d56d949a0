"""The flow of patients and the baseline table, as text, CSV and HTML."""

from __future__ import annotations

import csv
import io
import re
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from screener.report.words import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from screener.cohort import FlowStep, TableRow

COLUMNS: Final = ("group", "variable", "category", "n", "percent", "median", "lowest", "highest",
                  "remark")  # fmt: skip
_FORMULA: Final = re.compile(r"[=+\-@\t\r]")


def figure(row: TableRow) -> str:
    """What stands in a cell: `46 (79.3)`, or of a number `59 (34-79)`."""
    if row.median is not None:
        return f"{row.median:g} ({row.lowest:g}-{row.highest:g})"
    if row.percent is None:
        return str(row.n)
    return f"{row.n} ({row.percent:.1f})"


def flow_lines(steps: Sequence[FlowStep], included: str, width: int) -> list[str]:
    """The flow as lines of text: who leaves at each step, and who is left."""
    first, *leaving = steps
    rows = [(visible(first.label), "", str(first.remaining))]
    rows += [(f"  {visible(s.label)}", f"- {s.excluded}", str(s.remaining)) for s in leaving]
    rows.append((visible(included), "", str(steps[-1].remaining)))
    return list(_columns(("", "Excluded", "Remaining"), rows, width))


def table_lines(rows: Sequence[TableRow], width: int) -> list[str]:
    """The baseline table as lines of text; by subgroups, one table after another."""
    lines: list[str] = []
    for group, members in groupby(rows, key=lambda row: row.group):
        if group:
            lines += ["", visible(group), ""]
        cells: list[tuple[str, str]] = []
        for variable, found in groupby(members, key=lambda row: row.variable):
            of_variable = list(found)
            if len(of_variable) == 1 and of_variable[0].median is not None:
                cells.append((f"{visible(variable)}, median (range)", figure(of_variable[0])))
                continue
            cells.append((visible(variable), ""))
            cells += [(f"  {visible(row.category)}", figure(row)) for row in of_variable]
        lines += _columns(("", "n (%)"), cells, width)
    return lines


def remarks(rows: Sequence[TableRow]) -> list[str]:
    """What to know of the figures, each variable once."""
    found = {row.variable: row.remark for row in rows if row.remark}
    return [f"{visible(variable)}: {visible(remark)}" for variable, remark in found.items()]


def table_csv(rows: Sequence[TableRow]) -> str:
    """The baseline table as CSV, one row a category; what a spreadsheet would run is quoted."""
    return _csv(COLUMNS, ([_plain(getattr(row, name)) for name in COLUMNS] for row in rows))


def table_html(rows: Sequence[TableRow]) -> str:
    """The baseline table as an HTML fragment: a table a subgroup, then the remarks."""
    parts: list[str] = []
    for group, members in groupby(rows, key=lambda row: row.group):
        caption = f"<caption>{escape(visible(group))}</caption>" if group else ""
        parts.append(f'<table class="table-one">{caption}')
        parts.append('<thead><tr><th scope="col"></th><th scope="col">n (%)</th></tr></thead>')
        for variable, found in groupby(members, key=lambda row: row.variable):
            name = escape(visible(variable))
            parts.append(f'<tbody><tr><th scope="rowgroup" colspan="2">{name}</th></tr>')
            parts += [
                f'<tr><th scope="row">{escape(visible(row.category))}</th>'
                f"<td>{escape(figure(row))}</td></tr>"
                for row in found
            ]
            parts.append("</tbody>")
        parts.append("</table>")
    parts += [f'<p class="remark">{escape(text)}</p>' for text in remarks(rows)]
    return "\n".join(parts) + "\n"


def _csv(header: Sequence[str], rows: Iterator[list[str]]) -> str:
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return target.getvalue()


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    text = visible(str(value))
    return f"'{text}" if isinstance(value, str) and _FORMULA.match(text) else text


def _columns(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Rows as lines: figures to the right, and what does not fit in a line of its own before."""
    figures = [max(cell_len(line[n]) for line in [header, *rows]) for n in range(1, len(header))]
    room = width - sum(figures) - 2 * len(figures)
    room = min(room, max([cell_len(line[0]) for line in [header, *rows]]))
    for label, *values in [header, *rows]:
        indent = " " * (len(label) - len(label.lstrip()))
        lines = _broken(label.strip(), room - len(indent))
        for line in lines[:-1]:
            yield indent + line
        last = indent + lines[-1]
        cells = "".join(f"  {v:>{n}}" for v, n in zip(values, figures, strict=True))
        yield (last + " " * (room - cell_len(last)) + cells).rstrip()


def _broken(text: str, width: int) -> list[str]:
    lines, line = [], ""
    for word in text.split(" "):
        if line and cell_len(line) + 1 + cell_len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line]
