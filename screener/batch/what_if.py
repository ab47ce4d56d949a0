"""What if a criterion were removed or a threshold moved: put together from a finished run."""

from __future__ import annotations

import hashlib
import heapq
from typing import TYPE_CHECKING

from screener.batch import again, log
from screener.batch.curves import Curves, Known
from screener.batch.removal import removals

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from screener.batch.batch import Batch
    from screener.batch.folder import RunFolder
    from screener.batch.log import LogRow
    from screener.batch.tally import Tally
    from screener.report.what_if_data import WhatIf

SAMPLE = 2_000
"""Patients whom curves count at most. With more, those are taken whose ids have the least digests,
so that the same export gives the same sample, in whatever order it comes."""


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
    chosen = set(heapq.nsmallest(SAMPLE, names, key=_digest))
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
        known = [
            Known(records[row.patient_id], frozenset(row.failed), frozenset(row.unknown))
            for row in rows[plan.study_id]
        ]
        curves = Curves(screener, encoding, batch.workers)
        alone, pairs = removals(tally.close, [plan.nodes[index].id for index in plan.top])
        one: WhatIf = {
            "remove": alone,
            "pairs": pairs,
            "parameters": curves.of(known, batch.as_of) if known else [],
        }
        if len(known) < tally.screened:
            one["sample"] = {"patients": len(known), "of": tally.screened}
        found.append(one)
    return found


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
