"""The options that several commands take, declared once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from screener.errors import ScreenError


class Format(StrEnum):
    """Form of a screening report."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


class Listing(StrEnum):
    """Form of any other output."""

    TABLE = "table"
    JSON = "json"


class Cohort(StrEnum):
    """Form of the counts of a cohort."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    HTML = "html"
    SVG = "svg"


class ComparisonForm(StrEnum):
    """Form of a comparison."""

    TABLE = "table"
    JSON = "json"
    HTML = "html"


class BatchEngine(StrEnum):
    """Where a batch is screened."""

    LOCAL = "local"
    SPARK = "spark"


class Blank(StrEnum):
    """Form of what is to be filled in."""

    JSON = "json"
    XLSX = "xlsx"
    MAPPING = "mapping"


def study_ids(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the id of a study, for the shell."""
    from screener.encoding.catalogue import Catalogue  # noqa: PLC0415

    try:
        known = Catalogue(ctx.params.get("criteria") or ()).ids()
    except ScreenError:
        return []
    return [name for name in known if name.startswith(incomplete)]


def study_ids_or_all(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the same, and the word for all of them."""
    from screener.encoding.catalogue import ALL  # noqa: PLC0415

    return [*study_ids(ctx, incomplete), *([ALL] if ALL.startswith(incomplete) else [])]


def criterion_ids(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the id of a criterion or part of the study already typed, for the shell."""
    from screener.encoding.catalogue import Catalogue  # noqa: PLC0415

    try:
        plan = Catalogue(ctx.params.get("criteria") or ()).plan(ctx.params.get("study") or "")
    except ScreenError:
        return []
    return [node.id for node in plan.nodes if node.id.startswith(incomplete)]


def list_names(incomplete: str) -> list[str]:
    """Complete the name of a list of the record, for the shell."""
    from screener.record import PARTIAL_NAMES  # noqa: PLC0415

    return [name for name in PARTIAL_NAMES if name.startswith(incomplete)]


_repeat: dict[str, Any] = {"show_default": False}

Patients = Annotated[
    list[str],
    typer.Argument(
        metavar="PATIENT...",
        help="JSON files with one patient or several (an array, or one a line); - is standard "
        "input.",
        show_default=False,
    ),
]
Extracted = Annotated[
    str,
    typer.Argument(
        metavar="FHIR",
        help="FHIR bundle, NDJSON file or folder of a bulk export; - is standard input.",
        show_default=False,
    ),
]
Study = Annotated[
    list[str] | None,
    typer.Option(
        "--study",
        metavar="ID",
        help="Study, by id or path of its file; repeatable; `all` for all. [default: dawna-fes]",
        autocompletion=study_ids_or_all,
        **_repeat,
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        metavar="DATE",
        help="Screening date, YYYY-MM-DD: what is dated later is not used. [default: today]",
        show_default=False,
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="The site's own value of a threshold; repeatable. `screen show STUDY` lists them.",
        **_repeat,
    ),
]
Site = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The site's thresholds, as YAML lines NAME: VALUE; --set comes before them.",
        show_default=False,
    ),
]
Complete = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LIST",
        help="This list of the record is whole, whatever the record says; repeatable.",
        autocompletion=list_names,
        **_repeat,
    ),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="What rests on an assumed threshold is unknown.")
]
Criteria = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="DIR",
        help="Folder with further study files; repeatable.",
        **_repeat,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write to a file that only you can read.",
        show_default=False,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace the file of --output.")]
Export = Annotated[
    str,
    typer.Argument(
        metavar="EXPORT",
        help="Patients: NDJSON, a JSON array, Parquet, an Excel workbook, a folder of CSV files, "
        "or with --mapping one CSV file; also compressed. - is standard input.",
        show_default=False,
    ),
]
_VERSION = "study, by id or path of its file."
Old = Annotated[
    str,
    typer.Argument(
        metavar="OLD",
        help=f"The earlier {_VERSION}",
        show_default=False,
        autocompletion=study_ids,
    ),
]
New = Annotated[
    str,
    typer.Argument(
        metavar="NEW",
        help=f"The later {_VERSION}",
        show_default=False,
        autocompletion=study_ids,
    ),
]
Out = Annotated[
    str,  # a path, or with Spark any address
    typer.Option(
        metavar="DIR", help="Folder for the outputs, readable only by you.", show_default=False
    ),
]
Mapping = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="What the columns of one CSV file mean; `screen template --format mapping` prints "
        "one to fill in.",
        show_default=False,
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue an unfinished run in the same folder.")
]
Replace = Annotated[bool, typer.Option("--force", help="Replace an earlier run in the folder.")]
Workers = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=256,
        help="Processes that screen. [default: one per processor core]",
        show_default=False,
    ),
]
Engine = Annotated[
    BatchEngine,
    typer.Option(
        "--engine",
        help="spark: on a cluster; EXPORT and DIR are then as Spark takes them (docs/spark.md).",
    ),
]
Master = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="With --engine spark: where it runs, such as yarn, k8s://HOST or spark://HOST:PORT. "
        "[default: as spark-submit was told]",
        show_default=False,
    ),
]
Workbook = Annotated[
    bool, typer.Option("--xlsx", help="Also write the screening log as an Excel workbook.")
]
Until = Annotated[
    str | None,
    typer.Option(
        metavar="DATE",
        help="Also list those whom nothing excludes any more by then, if only time passes: "
        "rescreening.csv, and rescreening.ics for a calendar.",
        show_default=False,
    ),
]
Relax = Annotated[
    bool,
    typer.Option(
        "--relax",
        help="Also count whom the removal of each criterion and of each two would bring, and how "
        "many are eligible over the values of each numeric threshold.",
    ),
]
SummaryForm = Annotated[Listing, typer.Option("--format", help="Form of the summary printed.")]
CohortForm = Annotated[
    Cohort,
    typer.Option(
        "--format",
        help="table and json: flow and baseline table. csv and html: the table. svg: the flow.",
    ),
]
By = Annotated[
    str | None,
    typer.Option(
        metavar="VARIABLE",
        help="Make the table by this derived variable too; `screen show STUDY` lists them.",
        show_default=False,
    ),
]
ReportForm = Annotated[Format, typer.Option("--format", help="Form of the report.")]
CompareForm = Annotated[ComparisonForm, typer.Option("--format", help="Form of the comparison.")]
ListingForm = Annotated[Listing, typer.Option("--format", help="Form of the output.")]
ConvertForm = Annotated[
    Listing,
    typer.Option(
        "--format",
        help="The record (json), or what it was made of and what was not used (table).",
    ),
]
TemplateForm = Annotated[
    Blank,
    typer.Option(
        "--format",
        help="json: one record. xlsx: a workbook for many patients (needs --output). mapping: what "
        "the columns of your CSV file mean.",
    ),
]
