"""Screens the records of a chunk as single patients are screened.

Slower than `bulk.py` by an order of magnitude, and able to do all that a single screening does:
what a cohort needs (index dates of the patients' own, derived variables, undocumented lists) and
the full reports of a few patients.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec

from screener import database
from screener.batch import removal, results
from screener.batch.bulk import Bulk, Screened
from screener.batch.log import LogRow
from screener.batch.outcomes import Outcomes, as_letters
from screener.batch.tally import OUTCOMES, Tally
from screener.batch.verdicts import BETWEEN_REASONS
from screener.result import ScreeningResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from screener.batch.judge import Accepted
    from screener.plan import Plan
    from screener.result import CriterionResult
    from screener.screening import Screener

_AT_ONCE = 1024
_REPORTS = msgspec.json.Encoder()
_TRUTHS = {"met": True, "not_met": False, "unknown": None}


class General:
    """One study for many records, by way of their full results."""

    def __init__(self, screener: Screener, folder: Path | None = None) -> None:
        self._screener = screener
        self.plan = screener.plan
        self._files = database.connect(writes=str(folder) if folder else None)
        self._files.execute(f"CREATE TABLE results({results.KEPT})")

    def screen(
        self,
        records: Sequence[Accepted],
        as_of: date,
        file: Path | None = None,
        reports: Path | None = None,
    ) -> Screened:
        """Screen records, and keep their results in a file, if given, for `results.merging`.

        In `reports`, if given, each full result is kept, for `read_reports`.

        Raises:
            StudyError: an expression of the study cannot be computed for one of them.
        """
        from screener.cohort import Population  # noqa: PLC0415  # builds models, as below

        plan = self.plan
        tally, population = Tally.empty(plan), Population(plan)
        log: list[LogRow] = []
        self._files.execute("DELETE FROM results")
        kept: list[ScreeningResult] = []
        for start in range(0, len(records), _AT_ONCE):
            some = records[start : start + _AT_ONCE]
            found = self._results(some, as_of, assumptions=reports is not None)
            kept += found if reports else []
            for result in found:
                log.append(log_row(result))
                count(tally, plan, result)
                population.add_result(result)
            self._keep(found)
        if reports:
            reports.write_bytes(_REPORTS.encode_lines(kept))
        if file:
            self._write(file)
        if plan.cohort.one_by_one:
            tally.population = population.to_data()
        return Screened(log, tally)

    def outcomes(self, records: Sequence[Accepted], as_of: date) -> list[Outcomes]:
        """The outcomes of records, in their order.

        Raises:
            StudyError: an expression of the study cannot be computed for one of them.
        """
        return [
            Outcomes(result.status, as_letters(node.outcome for node in nodes(result)))
            for result in self._results(records, as_of, assumptions=False)
        ]

    def _results(
        self, records: Sequence[Accepted], as_of: date, *, assumptions: bool
    ) -> list[ScreeningResult]:
        today = date.today()
        some = [record.record(today) for record in records]
        unread = [record.unread for record in records]
        return self._screener.screen(some, as_of, unread, assumptions=assumptions)

    def results(self) -> Any:
        """The long form of what was screened last as a table of Arrow, record by record."""
        return database.to_arrow(self._files, results.long_form(self.plan, "results"))

    def _write(self, file: Path) -> None:
        try:
            results.keep(self._files, "FROM results", file)
        except database.FileError as error:
            raise OSError(str(error)) from None

    def _keep(self, found: Sequence[ScreeningResult]) -> None:
        rows = [list(nodes(result)) for result in found]
        self._files.execute(
            "INSERT INTO results SELECT unnest($ids), unnest($truths), unnest($reasons)",
            {
                "ids": [result.patient_id for result in found],
                "truths": [[_TRUTHS[node.truth] for node in each] for each in rows],
                "reasons": [[node.reason for node in each] for each in rows],
            },
        )


def engine_for(
    screener: Screener, folder: Path | None = None, *, reasons: bool = True
) -> Bulk | General:
    """The fastest engine that can answer what is asked of a study; see `Bulk`."""
    if screener.plan.cohort.one_by_one:
        return General(screener, folder)
    return Bulk(screener, folder, reasons=reasons)


def read_reports(file: Path) -> list[ScreeningResult]:
    """The full results that `General.screen` kept."""
    return msgspec.json.Decoder(ScreeningResult).decode_lines(file.read_bytes())


def log_row(result: ScreeningResult) -> LogRow:
    """The row of the screening log that says the same as a result."""
    by = {
        outcome: [c.id for c in result.criteria if c.outcome == outcome]
        for outcome in ("fail", "unknown")
    }
    reasons = [f"{c.id}: {c.reason}" for c in result.criteria if c.outcome != "pass"]
    return LogRow(
        result.patient_id, result.study.id, result.study.version, result.as_of.isoformat(),
        result.status, by["fail"], by["unknown"], BETWEEN_REASONS.join(reasons), result.needs,
        result.rescreen_on.isoformat() if result.rescreen_on else None,
    )  # fmt: skip


def nodes(result: ScreeningResult) -> Iterator[CriterionResult]:
    """The criteria of a result, each before its parts, in the order of `plan.nodes`."""

    def below(criterion: CriterionResult) -> Iterator[CriterionResult]:
        yield criterion
        for part in criterion.parts:
            yield from below(part)

    for criterion in result.criteria:
        yield from below(criterion)


def count(tally: Tally, plan: Plan, result: ScreeningResult) -> None:
    """Add one patient to the counts of a study."""
    tally.status[result.status] += 1
    for counts, node in zip(tally.nodes, nodes(result), strict=True):
        counts[OUTCOMES.index(node.outcome)] += 1
    fails = [k for k, criterion in enumerate(result.criteria) if criterion.outcome == "fail"]
    if fails:
        tally.first[fails[0]] += 1
        tally.only[fails[0]] += len(fails) == 1
    opens = [k for k, criterion in enumerate(result.criteria) if criterion.outcome == "unknown"]
    if name := removal.coded(fails, opens):
        tally.close[name] += 1
    if result.status == "undetermined":
        tally.needs.update(result.needs)
