"""Makes the outputs of a run from those of its chunks."""

from __future__ import annotations

import heapq
import json
import shutil
from typing import IO, TYPE_CHECKING, Any

from screener.batch import again, log, rescreening, results, worker
from screener.batch.general import read_reports
from screener.batch.log import LogRow
from screener.batch.log_reasons import each_reason
from screener.batch.rescreening import Due
from screener.cohort import Population
from screener.intake.fhir.trace import traced
from screener.report import batch_page, calendar, cohort_table, flow_svg, spreadsheet
from screener.report.batch_data import CriterionText, PatientRow, RowReasons, StudyTexts
from screener.report.batch_rows import Rows, detail_rank

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from screener.batch.batch import Batch
    from screener.batch.folder import RunFolder
    from screener.batch.tally import Tally
    from screener.plan import Plan
    from screener.report.what_if_data import WhatIf
    from screener.result import ScreeningResult

ROWS = 100_000
"""Patients whom the page holds; with more, those who may be enrolled come first."""
DETAILS = 200
"""Patients whose full reports the page holds."""
REASONS = 20_000
"""Patients whose reasons the page may hold."""


def write(
    batch: Batch,
    folder: RunFolder,
    numbers: Sequence[int],
    summary: dict[str, Any],
    tallies: Sequence[Tally],
) -> list[str]:
    """Write all outputs into the folder of parts, and name them; `summary` gets what they add.

    Raises:
        StudyError: with another threshold, an expression cannot be computed for a record.
        UsageError: a library that an output needs is not installed.
        OSError: a file cannot be written.
    """
    chunks = [folder.chunk(number) for number in numbers]
    plans = [screener.plan for screener in batch.screeners]
    kept = [[chunk / worker.results(number) for number in range(len(plans))] for chunk in chunks]
    for number, (screener, tally) in enumerate(zip(batch.screeners, tallies, strict=True)):
        if not _reports(chunks, number):
            screener.begin(min(DETAILS, tally.screened))  # what it takes to make them
    parts = folder.parts
    logs = [chunk / worker.LOG for chunk in chunks]
    # Not beside the page itself: in a large export each of the two takes the most memory of all.
    with results.merging(plans, kept, parts / "results.parquet"):
        rows, foremost = _gathered(logs)
        details = _details(batch, folder, numbers, foremost[:DETAILS])
    with (parts / "screening_log.csv").open("w", encoding="utf-8", newline="") as header:
        log.write_csv(header, [LogRow._fields])
    with (parts / "screening_log.csv").open("ab") as target:
        _append(target, [chunk / worker.LOG_TABLE for chunk in chunks])
    with (parts / "rejected.ndjson").open("wb") as target:
        _append(target, [chunk / worker.REJECTED for chunk in chunks])
    names = [
        "screening_log.csv",
        "results.parquet",
        "rejected.ndjson",
        "report.html",
        "summary.json",
    ]
    if batch.workbook:
        names.append("screening_log.xlsx")
        spreadsheet.write_log_xlsx(parts / names[-1], (r.cells() for r in log.kept(logs)))
    if batch.until:
        due = rescreening.due(batch, folder, numbers, logs)
        names += _rescreening(due, batch.as_of.isoformat(), parts)
        for study in summary["studies"]:
            study["rescreening"] = _counted(due, study["study"]["id"], batch.until)
    diagrams: list[str | None] = []
    for screener, tally in zip(batch.screeners, tallies, strict=True):
        diagrams.append(_cohort(screener.plan, tally, parts, names))
    if batch.relaxed:
        from screener.batch.what_if import what_if  # noqa: PLC0415  # compiling is seldom needed

        relaxed = what_if(batch, folder, numbers, logs, tallies)
        for study, one in zip(summary["studies"], relaxed, strict=True):
            study["what_if"] = one
    with (parts / "report.html").open("w", encoding="utf-8") as page:
        batch_page.batch_page(
            page,
            summary,  # type: ignore[arg-type]  # it is one, made as plain data
            [
                _texts(screener.plan, study.get("what_if"), diagram)
                for screener, study, diagram in zip(
                    batch.screeners, summary["studies"], diagrams, strict=True
                )
            ],
            rows,
            details=details,
            reasons=(RowReasons(row.patient_id, row.study, each_reason(row)) for row in foremost),
            limits=batch_page.Limits(rows=ROWS, details=DETAILS),
        )
    content = json.dumps(summary, ensure_ascii=False, indent=2) + "\n"
    (parts / "summary.json").write_text(content, encoding="utf-8")
    return names


def _cohort(plan: Plan, tally: Tally, parts: Path, names: list[str]) -> str | None:
    """Write the flow diagram and the baseline table of a cohort, and return the diagram."""
    if not tally.population:
        return None
    counted = Population.from_data(plan, tally.population)
    diagram = flow_svg.render(
        counted.flow(), plan.cohort.flow["included"], plan.title, plan.study_id
    )
    names += [f"flow-{plan.study_id}.svg", f"table_one-{plan.study_id}.csv"]
    (parts / names[-2]).write_text(diagram, encoding="utf-8")
    table = cohort_table.table_csv(counted.table_one())
    (parts / names[-1]).write_text(table, encoding="utf-8")
    return diagram


def _patient_row(row: LogRow) -> PatientRow:
    return PatientRow(row.patient_id, row.study, row.as_of, row.status, row.failed, row.unknown,
                      row.needs, row.rescreen_on)  # fmt: skip


def _gathered(logs: Sequence[Path]) -> tuple[Rows, list[LogRow]]:
    """What the page tells of all patients, and those most worth a look, in that order."""
    rows = Rows(ROWS)

    def ranked() -> Iterator[tuple[tuple[int, int], int, LogRow]]:
        for number, row in enumerate(log.kept(logs)):
            patient = _patient_row(row)
            rows.add(patient)
            yield detail_rank(patient), number, row

    foremost = heapq.nsmallest(REASONS, ranked())
    return rows, [row for _, _, row in foremost]


def _append(target: IO[bytes], files: Iterable[Path]) -> None:
    for path in files:
        with path.open("rb") as file:
            shutil.copyfileobj(file, target, 1 << 20)


def _texts(plan: Plan, what_if: WhatIf | None, diagram: str | None) -> StudyTexts:
    nodes = [plan.nodes[index] for index in plan.top]
    return StudyTexts(
        plan.study_id,
        plan.title,
        [CriterionText(n.id, n.kind, n.text, n.source) for n in nodes],  # type: ignore[arg-type]
        what_if,
        diagram,
    )


def _details(
    batch: Batch, folder: RunFolder, numbers: Sequence[int], chosen: Sequence[LogRow]
) -> list[ScreeningResult]:
    """The full reports of some patients, in their order."""
    wanted = {row.patient_id for row in chosen}
    # As they were given: each result says itself what it takes from lists that are called whole.
    taken = list(again.accepted(batch, folder, numbers, wanted, frozenset()))
    extracts = {record.id: candidate.extract for candidate, record in taken}
    chunks = [folder.chunk(number) for number in numbers]
    reports: dict[tuple[str, str], ScreeningResult] = {}
    for number, screener in enumerate(batch.screeners):
        if files := _reports(chunks, number):
            found = [result for file in files for result in read_reports(file)]
        else:
            records = [record.record(batch.today) for _, record in taken]
            unread = [record.unread for _, record in taken]
            found = screener.screen(records, batch.as_of, unread)
        for result in found:
            if result.patient_id in extracts:
                reports[result.patient_id, result.study.id] = traced(
                    result, extracts[result.patient_id], screener.settings.complete
                )
    return [reports[row.patient_id, row.study] for row in chosen]


def _reports(chunks: Sequence[Path], number: int) -> list[Path]:
    """The files of full reports of a study, if they were kept."""
    files = [chunk / worker.reports(number) for chunk in chunks]
    return [file for file in files if file.exists()]


def _rescreening(due: Sequence[Due], as_of: str, parts: Path) -> list[str]:
    """Those whom time alone lets be screened again by a day: a list and a calendar."""
    with (parts / "rescreening.csv").open("w", encoding="utf-8", newline="") as file:
        log.write_csv(file, [Due._fields, *due])
    dates = calendar.rescreening_calendar(
        PatientRow(it.patient_id, it.study, as_of, "ineligible", [], [], [], it.rescreen_on)
        for it in due
    )
    (parts / "rescreening.ics").write_bytes(dates)
    return ["rescreening.csv", "rescreening.ics"]


def _counted(due: Sequence[Due], study: str, until: date) -> dict[str, Any]:
    """How many of a study can be screened again by a day, and how many are eligible then."""
    statuses = [it.status_then for it in due if it.study == study]
    return {
        "until": until.isoformat(),
        "patients": len(statuses),
        "eligible_then": statuses.count("eligible"),
    }
