"""`screen batch EXPORT`: a whole export at a time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from screener.commands import options as opt
from screener.commands.ending import ends, tell
from screener.commands.summary import show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from screener.plan import Plan


@ends
def command(
    export: opt.Export,
    out: opt.Out,
    study: opt.Study = None,
    as_of: opt.AsOf = None,
    mapping: opt.Mapping = None,
    resume: opt.Resume = False,
    force: opt.Replace = False,
    workers: opt.Workers = None,
    workbook: opt.Workbook = False,
    until: opt.Until = None,
    relax: opt.Relax = False,
    engine: opt.Engine = opt.BatchEngine.LOCAL,
    master: opt.Master = None,
    form: opt.SummaryForm = opt.Listing.TABLE,
    thresholds: opt.Set = None,
    site: opt.Site = None,
    complete: opt.Complete = None,
    strict: opt.Strict = False,
    criteria: opt.Criteria = None,
) -> int:
    """Screen an export: a log of all patients, reasons, what to obtain, and what was rejected."""
    from datetime import date  # noqa: PLC0415

    from screener.batch import run  # noqa: PLC0415
    from screener.batch.batch import Batch  # noqa: PLC0415
    from screener.commands.settings import Options, a_day  # noqa: PLC0415
    from screener.errors import UsageError  # noqa: PLC0415
    from screener.intake.detect import opened  # noqa: PLC0415
    from screener.report import batch_summary, calendar, progress, spreadsheet  # noqa: PLC0415

    if resume and force:
        raise UsageError("--resume continues a run and --force begins anew; give one of them")
    chosen = Options(
        study or [], as_of, thresholds or [], site, complete or [], strict, criteria or []
    )
    day = chosen.day()
    if engine is opt.BatchEngine.SPARK:
        from screener.commands import batch_spark  # noqa: PLC0415

        batch_spark.refuse({"--resume": resume, "--mapping": mapping, "--workers": workers,
                            "--xlsx": workbook, "--until": until, "--relax": relax})  # fmt: skip
        return batch_spark.command(export, out, chosen, day, master, force, form)
    if master is not None:
        raise UsageError("--master says where Spark runs; give --engine spark with it")
    if until:
        calendar.require()
    if workbook:
        spreadsheet.require()
    screeners = chosen.screeners(many=True)
    ids = [screener.plan.study_id for screener in screeners]
    if twice := next((name for name in ids if ids.count(name) > 1), None):
        raise UsageError(
            f"two of the studies are {twice}, and the outputs tell studies by their id; screen "
            "each into a folder of its own, or use `screen compare`"
        )
    with opened(export, mapping, as_of=day) as found:
        batch = Batch(
            source=found.source,
            name=found.name,
            sha256=run.digest(found.path),
            screeners=screeners,
            as_of=day,
            today=date.today(),
            out=Path(out),
            workers=workers or _cores(),
            workbook=workbook,
            until=a_day("--until", until) if until else None,
            relaxed=chosen.encodings() if relax else [],
        )
        try:
            with progress.shown(found.name) as shown:
                summary = run.run(batch, resume=resume, force=force, report=shown)
        except KeyboardInterrupt:
            tell("Interrupted. What is finished is kept: --resume continues the run.")
            raise
    plans = [screener.plan for screener in batch.screeners]
    return show(summary, plans, out, _outputs(batch_summary.OUTPUTS, plans, until, workbook), form)


def _outputs(always: str, plans: Sequence[Plan], until: str | None, workbook: bool) -> str:
    """The names of all outputs."""
    names = [always]
    names += ["screening_log.xlsx"] if workbook else []
    names += ["rescreening.csv", "rescreening.ics"] if until else []
    for plan in plans:
        if plan.cohort.one_by_one:
            names += [f"flow-{plan.study_id}.svg", f"table_one-{plan.study_id}.csv"]
    return ", ".join(names)


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1
