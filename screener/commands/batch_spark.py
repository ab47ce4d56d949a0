"""`screen batch --engine spark`: a whole export on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screener.commands.summary import show
from screener.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from screener.commands.options import Listing
    from screener.commands.settings import Options

_NAMES = "results, screening_log, rejected.ndjson, summary.json"


def refuse(options: Mapping[str, object]) -> None:
    """Refuse options that have no meaning on Spark.

    Raises UsageError where one is given.
    """
    reasons = {
        "--resume": "Spark repeats what fails by itself; --force begins a run anew",
        "--mapping": "Spark reads NDJSON and Parquet",
        "--workers": "the cluster has executors; spark.executor.instances sets their number",
        "--xlsx": "the screening log of a cluster is Parquet",
        "--until": "the screening log has the days as `rescreen_on`",
        "--relax": "screen a sample of the records without --engine spark",
    }
    for name, given in options.items():
        if given:
            raise UsageError(f"{name} does not go with --engine spark: {reasons[name]}")


def command(
    export: str,
    out: str,
    chosen: Options,
    day: date,
    master: str | None,
    force: bool,
    form: Listing,
) -> int:
    """Screen an export on Spark, print the summary and return the exit code."""
    if export == "-":
        raise UsageError("--engine spark reads files; give the path of one, or of a folder")
    try:
        from screener import spark  # noqa: PLC0415
    except ImportError:
        raise UsageError(
            "--engine spark needs PySpark, which is not installed; install it with "
            "`pip install 'trial-screen[spark]'`, and Java 17"
        ) from None
    screeners = chosen.screeners(many=True)
    session, mine = spark.session(master)
    try:
        summary = spark.screen_files(session, export, screeners, day, out, force=force)
    finally:
        if mine:
            session.stop()
    return show(summary, [screener.plan for screener in screeners], out, _NAMES, form)
