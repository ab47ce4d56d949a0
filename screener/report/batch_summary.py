"""The counts of a batch for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from screener.cohort import FlowStep, TableRow
from screener.report import what_if_summary
from screener.report.cohort_table import flow_lines, table_lines
from screener.report.paragraphs import paragraph
from screener.report.terminal import console_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TextIO

    from screener.plan import Plan

OUTPUTS = (
    "report.html to look at, screening_log.csv, results.parquet, rejected.ndjson, summary.json"
)
_MOST_NEEDS = 10


def render(
    summary: dict[str, Any],
    plans: Sequence[Plan],
    out: str,
    stream: TextIO,
    names: str = OUTPUTS,
) -> None:
    """Write the summary of a batch (the content of `summary.json`) to a stream.

    `names` are those of the outputs in the folder `out`.
    """
    from rich.text import Text  # noqa: PLC0415

    console = console_for(stream)
    counts = summary["input"]
    told = f"{counts['records']:,} records: {counts['screened']:,} screened"
    console.print(Text(f"{told}, {counts['rejected']:,} rejected"))
    for study, plan in zip(summary["studies"], plans, strict=True):
        console.print()
        _study(study, plan, console)
    console.print()
    paragraph(console, f"Written to {out}: {names}")


def _study(study: dict[str, Any], plan: Plan, console: Any) -> None:
    from rich.text import Text  # noqa: PLC0415

    name = study["study"]
    console.print(Text(f"{name['id']}, version {name['version']}, as of {study['as_of']}", "bold"))
    total = sum(study["status"].values())
    for status, count in study["status"].items():
        share = f"{100 * count / total:5.1f} %" if total else ""
        console.print(Text(f"  {status.capitalize():<13}{count:>10,}  {share}"))
    console.print()
    console.print(_criteria(study["criteria"]))
    if study["table_one"]:
        steps = [FlowStep(**step) for step in study["flow"]]
        rows = [TableRow(**row) for row in study["table_one"]]
        for title, lines in [
            ("Flow of patients", flow_lines(steps, plan.cohort.flow["included"], console.width)),
            (f"Baseline, {steps[-1].remaining} patients", table_lines(rows, console.width)),
        ]:
            console.print()
            console.print(Text(title, "bold"))
            for line in lines:
                console.print(Text(line))
    needs = study["needs"][:_MOST_NEEDS]
    if needs:
        console.print()
        console.print(Text("Most often to obtain, for patients who are undetermined", "bold"))
        for need in needs:
            paragraph(console, need["need"], first=f"{need['patients']:>10,}  ")
    if "rescreening" in study:
        again = study["rescreening"]
        console.print()
        console.print(Text(f"To screen again by {again['until']}, by time alone", "bold"))
        number = again["patients"]
        then = (
            f"{number:,} patient{'' if number == 1 else 's'}, {again['eligible_then']:,} eligible"
        )
        then += " then"
        console.print(Text(f"  {then}"))
    if "what_if" in study:
        console.print()
        for line in what_if_summary.lines(study["what_if"]):
            text = line.lstrip()
            indent = len(line) - len(text)
            paragraph(console, text, indent=indent, style="" if indent else "bold")


def _criteria(rows: Iterable[dict[str, Any]]) -> Any:
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("Criterion")
    for title in ("Pass", "Fail", "Unknown", "Alone excludes"):
        table.add_column(title, justify="right")
    for row in rows:
        table.add_row(
            row["id"], *(f"{row[key]:,}" for key in ("pass", "fail", "unknown", "only_reason"))
        )
    return table
