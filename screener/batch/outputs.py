"""Makes the outputs of a run from those of its chunks."""

from __future__ import annotations

import heapq
import json
import shutil
from typing import IO, TYPE_CHECKING, Any

from screener import database
from screener.batch import log, worker
from screener.batch.bulk import text
from screener.batch.judge import Accepted, judge
from screener.batch.log import LogRow
from screener.intake.fhir.trace import traced
from screener.record import parse
from screener.report import batch_page, calendar, spreadsheet
from screener.report.batch_data import CriterionText, PatientRow, StudyTexts
from screener.report.batch_rows import detail_rank

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from screener.batch.batch import Batch
    from screener.batch.folder import RunFolder
    from screener.intake.fhir.draft import Extract
    from screener.plan import Plan
    from screener.record import Record
    from screener.result import ScreeningResult

ROWS = 100_000
"""Patients whom the page holds; with more, those who may be enrolled come first."""
DETAILS = 200
"""Patients whose full reports the page holds."""
RESCREENING = ("rescreen_on", "patient_id", "study", "failed")
"""The columns of the list of those to screen again."""


def write(
    batch: Batch, folder: RunFolder, numbers: Sequence[int], summary: dict[str, Any]
) -> list[str]:
    """Write all outputs into the folder of parts, and name them.

    Raises:
        UsageError: a library that an output needs is not installed.
        OSError: a file cannot be written.
    """
    parts = folder.parts
    chunks = [folder.chunk(number) for number in numbers]
    logs = [chunk / worker.LOG for chunk in chunks]
    with (parts / "screening_log.csv").open("w", encoding="utf-8", newline="") as header:
        log.write_csv(header, [LogRow._fields])
    with (parts / "screening_log.csv").open("ab") as target:
        _append(target, [chunk / worker.LOG_TABLE for chunk in chunks])
    with (parts / "rejected.ndjson").open("wb") as target:
        _append(target, [chunk / worker.REJECTED for chunk in chunks])
    studies = range(len(batch.screeners))
    _merge([chunk / worker.results(n) for chunk in chunks for n in studies],
           parts / "results.parquet")  # fmt: skip
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
        names += _rescreening(batch, logs, parts)
    with (parts / "report.html").open("w", encoding="utf-8") as page:
        batch_page.batch_page(
            page,
            summary,  # type: ignore[arg-type]  # it is one, made as plain data
            [_texts(screener.plan) for screener in batch.screeners],
            _patient_rows(logs),
            details=_details(batch, logs),
            limits=batch_page.Limits(rows=ROWS, details=DETAILS),
        )
    content = json.dumps(summary, ensure_ascii=False, indent=2) + "\n"
    (parts / "summary.json").write_text(content, encoding="utf-8")
    return names


def _patient_rows(logs: Sequence[Path]) -> Iterator[PatientRow]:
    return (
        PatientRow(row.patient_id, row.study, row.as_of, row.status, row.failed, row.unknown,
                   row.needs, row.rescreen_on)
        for row in log.kept(logs)
    )  # fmt: skip


def _append(target: IO[bytes], files: Iterable[Path]) -> None:
    for path in files:
        with path.open("rb") as file:
            shutil.copyfileobj(file, target, 1 << 20)


def _merge(files: Sequence[Path], target: Path) -> None:
    """Bring Parquet files together in their order, on one thread so that the bytes are the same."""
    names = ", ".join(text(str(path)) for path in files)
    connection = database.connect(writes=str(target.parent))
    try:
        connection.execute(
            f"COPY (FROM read_parquet([{names}])) TO {text(str(target))} "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
    except database.FileError as error:
        raise OSError(str(error)) from None
    finally:
        connection.close()


def _texts(plan: Plan) -> StudyTexts:
    nodes = [plan.nodes[index] for index in plan.top]
    return StudyTexts(
        plan.study_id,
        plan.title,
        [CriterionText(n.id, n.kind, n.text, n.source) for n in nodes],  # type: ignore[arg-type]
    )


def _details(batch: Batch, logs: Sequence[Path]) -> list[ScreeningResult]:
    """The full reports of the patients that are most worth a look, in that order."""
    ranked = ((detail_rank(row), number, row) for number, row in enumerate(_patient_rows(logs)))
    chosen = [row for _, _, row in heapq.nsmallest(DETAILS, ranked)]
    wanted = {row.patient_id for row in chosen}
    found: dict[str, Record] = {}
    extracts: dict[str, Extract | None] = {}
    for candidate in batch.source.candidates():
        if len(found) == len(wanted):
            break
        complete = batch.screeners[0].settings.complete
        record = judge(candidate, batch.today, complete, None)
        if isinstance(record, Accepted) and record.id in wanted and record.id not in found:
            found[record.id] = parse(json.loads(record.text), today=batch.today)
            extracts[record.id] = candidate.extract
    results = {
        (result.patient_id, result.study.id): traced(
            result, extracts[result.patient_id], screener.settings.complete
        )
        for screener in batch.screeners
        for result in screener.screen(list(found.values()), batch.as_of)
    }
    return [results[row.patient_id, row.study] for row in chosen]


def _rescreening(batch: Batch, logs: Sequence[Path], parts: Path) -> list[str]:
    """Those whom nothing excludes any more by a day, if only time passes: a list and a calendar."""
    until = batch.until.isoformat() if batch.until else ""
    due = sorted(
        (row.rescreen_on, row.patient_id, row.study, ";".join(row.failed))
        for row in log.kept(logs)
        if row.rescreen_on and row.rescreen_on <= until
    )
    with (parts / "rescreening.csv").open("w", encoding="utf-8", newline="") as file:
        log.write_csv(file, [RESCREENING, *due])
    dates = calendar.rescreening_calendar(_patient_rows(logs), batch.until)
    (parts / "rescreening.ics").write_bytes(dates)
    return ["rescreening.csv", "rescreening.ics"]
