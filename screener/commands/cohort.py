"""`screen cohort PATIENT...`: the flow of patients through a study, and its baseline table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from screener.commands import options as opt
from screener.commands import output
from screener.commands.ending import ends
from screener.commands.screening import REJECTED

if TYPE_CHECKING:
    from screener.cohort import Population
    from screener.plan import Plan


@ends
def command(
    patients: opt.Patients,
    study: opt.Study = None,
    by: opt.By = None,
    as_of: opt.AsOf = None,
    form: opt.CohortForm = opt.Cohort.TABLE,
    thresholds: opt.Set = None,
    site: opt.Site = None,
    complete: opt.Complete = None,
    strict: opt.Strict = False,
    criteria: opt.Criteria = None,
    target: opt.Output = None,
    force: opt.Force = False,
) -> int:
    """Count a cohort: who leaves at which criterion, and the baseline table of those who remain."""
    from screener.commands.patients import read  # noqa: PLC0415
    from screener.commands.settings import Options  # noqa: PLC0415
    from screener.errors import UsageError  # noqa: PLC0415

    output.check(target, force=force, inputs=[*patients, *([str(site)] if site else [])])
    chosen = Options(
        study or [], as_of, thresholds or [], site, complete or [], strict, criteria or []
    )
    day = chosen.day()
    screeners = chosen.screeners()
    if len(screeners) != 1:
        raise UsageError("a cohort is counted for one study; give --study once, with one id")
    from screener.cohort import Population, summarise  # noqa: PLC0415

    [screener] = screeners
    Population(screener.plan, by)  # so that a wrong --by is told before anything is read
    found = read(patients, day)
    if found.records:
        counted = summarise(
            screener.plan, screener.screen(found.records, day, assumptions=False), by
        )
        output.write(_written(counted, screener.plan, form, day.isoformat()), target, force=force)
    return REJECTED if found.rejected else 0


def _written(counted: Population, plan: Plan, form: opt.Cohort, as_of: str) -> str:
    from screener.report import cohort_table, flow_svg  # noqa: PLC0415

    steps, rows = counted.flow(), counted.table_one()
    if form is opt.Cohort.SVG:
        return flow_svg.render(steps, plan.cohort.flow["included"], plan.title, plan.study_id)
    if form is opt.Cohort.CSV:
        return cohort_table.table_csv(rows)
    if form is opt.Cohort.HTML:
        return cohort_table.table_html(rows)
    if form is opt.Cohort.JSON:
        data: dict[str, Any] = {
            "study": {"id": plan.study_id, "version": plan.version, "sha256": plan.sha256},
            "as_of": as_of,
            "flow": [step.model_dump() for step in steps],
            "table_one": [row.model_dump(exclude_defaults=True) for row in rows],
        }
        return json.dumps(data, ensure_ascii=False, indent=2) + "\n"
    return _page(counted, plan, as_of)


def _page(counted: Population, plan: Plan, as_of: str) -> str:
    from screener.commands.page import Page  # noqa: PLC0415
    from screener.report import cohort_table  # noqa: PLC0415

    page, steps, rows = Page(), counted.flow(), counted.table_one()
    page.text(f"{plan.study_id}, version {plan.version}, as of {as_of}", style="bold")
    page.text(plan.title)
    page.heading("FLOW OF PATIENTS")
    for line in cohort_table.flow_lines(steps, plan.cohort.flow["included"], page.width):
        page.line(line)
    if rows:
        number = steps[-1].remaining
        page.heading(f"BASELINE, {number} patient{'' if number == 1 else 's'}")
        for line in cohort_table.table_lines(rows, page.width):
            page.line(line)
    notes = cohort_table.remarks(rows)
    notes += [f"{name}: what is not documented counts as none ({source})"
              for name, source in plan.cohort.undocumented.items()]  # fmt: skip
    if notes:
        page.heading("REMARKS")
    for note in notes:
        page.text(f"- {note}", hang=2)
    return page.finished()
