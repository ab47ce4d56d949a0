"""What if a criterion were removed or a threshold moved: put together from a finished run."""

from __future__ import annotations

import hashlib
import heapq
from typing import TYPE_CHECKING

from screener.batch import again, log
from screener.batch.cohort_curves import CohortCurves
from screener.batch.curves import Curves, Known
from screener.batch.removal import removals

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from screener.batch.batch import Batch
    from screener.batch.folder import RunFolder
    from screener.batch.log import LogRow
    from screener.batch.tally import Tally
    from screener.report.what_if_data import WhatIf

SAMPLE = 2_000
"""Patients whom curves count at most. With more, those are taken whose ids have the least digests,
so that the same export gives the same sample, in whatever order it comes."""
COHORT_SAMPLE = 500
"""The same of a study with an index date of each patient's own, which takes longer to ask."""


def what_if(
    batch: Batch,
    folder: RunFolder,
    numbers: Sequence[int],
    logs: Sequence[Path],
    tallies: Sequence[Tally],
) -> list[WhatIf]:
    """What would follow, for each study of a batch.

    Raises:
        StudyError: an expression of a study cannot be computed with one of the records.
    """
    first = batch.screeners[0]
    names = (row.patient_id for row in log.kept(logs) if row.study == first.plan.study_id)
    chosen = _foremost(names, SAMPLE)
    complete = first.settings.complete
    taken = again.accepted(batch, folder, numbers, chosen, complete)
    records = {record.id: record for _, record in taken}
    rows: dict[str, list[LogRow]] = {screener.plan.study_id: [] for screener in batch.screeners}
    for row in log.kept(logs):
        if row.patient_id in chosen:
            rows[row.study].append(row)
    found: list[WhatIf] = []
    for screener, encoding, tally in zip(batch.screeners, batch.relaxed, tallies, strict=True):
        plan = screener.plan
        cohort = bool(plan.cohort.index_statement or plan.cohort.undocumented)
        drawn = _foremost(chosen, COHORT_SAMPLE) if cohort else chosen
        known = [
            Known(records[row.patient_id], frozenset(row.failed), frozenset(row.unknown))
            for row in rows[plan.study_id]
            if row.patient_id in drawn
        ]
        curves = (
            CohortCurves(screener, encoding)
            if cohort
            else Curves(screener, encoding, batch.workers)
        )
        alone, pairs = removals(tally.close, [plan.nodes[index].id for index in plan.top])
        one: WhatIf = {
            "remove": alone,
            "pairs": pairs,
            "parameters": curves.of(known, batch.as_of) if known else [],
        }
        if len(known) < tally.screened:
            one["sample"] = {"patients": len(known), "of": tally.screened}
        if (status := plan.cohort.unknown_counts_as) != "undetermined":
            one["unknown_counts_as"] = status
        found.append(one)
    return found


def _foremost(names: Iterable[str], most: int) -> set[str]:
    return set(heapq.nsmallest(most, names, key=_digest))


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
