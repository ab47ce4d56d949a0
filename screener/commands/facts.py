"""`screen facts PATIENT...`: what follows from a record, before any criterion is asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from screener.commands import options as opt
from screener.commands import output
from screener.commands.ending import ends
from screener.commands.screening import REJECTED

if TYPE_CHECKING:
    from screener.commands.page import Page


@ends
def command(
    patients: opt.Patients,
    study: opt.Study = None,
    as_of: opt.AsOf = None,
    form: opt.ListingForm = opt.Listing.TABLE,
    thresholds: opt.Set = None,
    site: opt.Site = None,
    complete: opt.Complete = None,
    strict: opt.Strict = False,
    criteria: opt.Criteria = None,
) -> int:
    """Show every fact derived from a record: value, definition and evidence."""
    from screener.commands.patients import read  # noqa: PLC0415
    from screener.commands.settings import Options  # noqa: PLC0415

    chosen = Options(
        study or [], as_of, thresholds or [], site, complete or [], strict, criteria or []
    )
    day = chosen.day()
    screeners = chosen.screeners()
    found = read(patients, day)
    answers = [screener.facts(found.records, day, found.unread()) for screener in screeners]
    shown: list[dict[str, Any]] = [
        {
            "patient_id": record.id,
            "study": {
                "id": screener.plan.study_id,
                "version": screener.plan.version,
                "sha256": screener.plan.sha256,
            },
            "as_of": day.isoformat(),
            "facts": facts,
        }
        for record, of_patient in zip(found.records, zip(*answers, strict=True), strict=True)
        for screener, facts in zip(screeners, of_patient, strict=True)
    ]
    if shown and form is opt.Listing.JSON:
        several = found.several or len(screeners) > 1
        text = json.dumps(shown if several else shown[0], indent=2, ensure_ascii=False)
        output.write(text + "\n", None)
    elif shown:
        from screener.commands.page import Page  # noqa: PLC0415

        page = Page()
        for facts in shown:
            _lay_out(facts, page)
        output.write(page.finished(), None)
    return REJECTED if found.rejected else 0


def _lay_out(shown: dict[str, Any], page: Page) -> None:
    from screener.report import words  # noqa: PLC0415
    from screener.result import Evidence  # noqa: PLC0415

    study = shown["study"]
    page.heading(f"Facts of {shown['patient_id']} for {study['id']}, as of {shown['as_of']}")
    for fact in shown["facts"]:
        page.blank()
        value = fact["words"]
        unit = f" {fact['unit']}" if fact["unit"] and value else ""
        page.text(f"{fact['label'] or fact['name']}: {value or 'unknown'}{unit}", hang=2)
        page.text(fact["means"], indent=2)
        for item in fact["evidence"]:
            page.text(words.evidence(Evidence(**item)), indent=2, hang=2)
