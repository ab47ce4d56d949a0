"""The page of a batch: counts, criteria, what to obtain, and every patient to look at.

What the page embeds is bounded, so that it opens quickly however many patients there are, and it
says what it left out. Rows of patients and reports stand in it as JSON, which a script reads when
it is needed and shows as text, never as markup.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from markupsafe import Markup

from screener.report import what_if_view, words
from screener.report.page import asset, data, environment, policy
from screener.report.sheet import sheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from screener.report.batch_data import (
        CriterionText,
        RowReasons,
        StudySummary,
        StudyTexts,
        Summary,
    )
    from screener.report.batch_rows import Rows
    from screener.result import ScreeningResult

MOST_NEEDS: Final = 15
"""Things to obtain that are listed per study; the others are counted."""

_NUMBER: Final = 6
"""Characters that a number in a list takes, with what stands around it."""


@dataclass(frozen=True)
class Limits:
    """What a page may embed."""

    rows: int = 200_000
    """Rows in the table of patients that are to be gathered, 40 bytes each or so."""
    details: int = 500
    """Patients with their full report."""
    detail_characters: int = 4_000_000
    """Characters of all full reports together."""
    reason_characters: int = 1_500_000
    """Characters of the reasons of patients without a full report, as they are embedded: each
    reason once, and a line for each patient."""


def batch_page(  # noqa: PLR0913  # each is a part of the page
    file: IO[str],
    summary: Summary,
    studies: Sequence[StudyTexts],
    rows: Rows,
    *,
    details: Iterable[ScreeningResult] = (),
    reasons: Iterable[RowReasons] = (),
    limits: Limits | None = None,
) -> None:
    """Write the page of a batch to an open text file.

    `studies` gives the texts of every study of the summary, in its order; `rows` has one row per
    patient and study. `details` are full reports, the most useful first
    (`batch_rows.detail_rank`); no more of them are taken than `limits` allow. `reasons` are for
    the patients who are not among them, in the same order.
    """
    bounds = limits or Limits()
    reports, whose = _reports(details, bounds)
    known = _reasons(reasons, set(whose), bounds)
    style, script = asset("page.css") + asset("batch.css"), asset("batch.js")
    shown = [
        _study(one, texts, rows) for one, texts in zip(summary["studies"], studies, strict=True)
    ]
    page = environment().get_template("batch.html.j2").stream(
        title=f"Screening of {summary['input']['name']}",
        style=Markup(style),  # noqa: S704  # our own
        script=Markup(script),  # noqa: S704  # our own
        policy=policy(
            styles=[style], scripts=[script], images=any(one.flow_svg for one in studies)
        ),
        summary=summary,
        studies=shown,
        left_out=_left_out(rows, len(reports), len(known["rows"])),
        rows=data(rows.coded()),
        reasons=data(known),
        reports=reports,
        lookup=data(
            {
                "reports": whose,
                "studies": {one["id"]: _criteria_by_id(one["texts"].criteria) for one in shown},
                "words": {
                    "symbol": words.SYMBOL,
                    "outcome": words.OUTCOME_WORD,
                    "status": words.STATUS_WORD,
                    "statusOutcome": words.STATUS_OUTCOME,
                    "caveat": words.CAVEAT,
                },
            }
        ),
    )  # fmt: skip
    page.enable_buffering(50)
    for piece in page:
        file.write(piece)


def _study(summary: StudySummary, texts: StudyTexts, rows: Rows) -> dict[str, Any]:
    screened = sum(summary["status"].values())
    known = {item.id: item for item in texts.criteria}
    needs = rows.needs(texts.id)
    return {
        "id": words.visible(texts.id),
        "texts": texts,
        "summary": summary,
        "screened": screened,
        "remaining": summary["flow"][-1]["remaining"] if summary["flow"] else 0,
        "criteria": [
            {"counts": counts, "text": known.get(counts["id"]), "screened": screened}
            for counts in summary["criteria"]
        ],
        "criterion_texts": {item.id: item.text for item in texts.criteria},
        "needs": needs[:MOST_NEEDS],
        "more_needs": len(needs) - MOST_NEEDS,
        "most_helped": max((need.patients for need in needs), default=0),
        "flow_picture": _picture(texts.flow_svg),
        "what_if": texts.what_if and what_if_view.view(texts.what_if),
    }


def _reports(
    details: Iterable[ScreeningResult], limits: Limits
) -> tuple[list[Markup], list[tuple[str, str]]]:
    """Return reports as JSON, and the patient and study of each."""
    reports: list[Markup] = []
    whose: list[tuple[str, str]] = []
    room = limits.detail_characters
    if not limits.details:
        return reports, whose
    for result in details:
        report = data(sheet(result))
        room -= len(report)
        if room < 0:
            break
        reports.append(report)
        whose.append((words.visible(result.patient_id), words.visible(result.study.id)))
        if len(reports) == limits.details:
            break
    return reports, whose


def _reasons(
    reasons: Iterable[RowReasons], reported: set[tuple[str, str]], limits: Limits
) -> dict[str, Any]:
    """Return `texts`, and for each `study/patient` of `rows` the numbers of its reasons."""
    texts: dict[str, int] = {}
    rows: dict[str, list[int]] = {}
    room = limits.reason_characters
    for one in reasons:
        patient, study = words.visible(one.patient_id), words.visible(one.study)
        if (patient, study) in reported:
            continue
        shown = [words.visible(text) for text in one.reasons]
        fresh = [text for text in dict.fromkeys(shown) if text not in texts]
        room -= len(study) + len(patient) + sum(map(len, fresh)) + _NUMBER * (len(shown) + 1)
        if room < 0:
            break
        rows[f"{study}/{patient}"] = [texts.setdefault(text, len(texts)) for text in shown]
    return {"texts": list(texts), "rows": rows}


def _left_out(rows: Rows, reports: int, explained: int) -> list[str]:
    """Say what of the batch is not in the page, and where it is."""
    said = []
    left = {status: count for status, count in rows.left_out().items() if count}
    kept = rows.count - sum(left.values())
    if left:
        named = " and ".join(f"{count:,} {status}" for status, count in left.items())
        said.append(
            f"The table holds {kept:,} of {rows.count:,} screenings; {named} ones are left out. "
            "All are in screening_log.csv. The counts above are of all."
        )
    if reports < kept:
        others = kept - reports
        why = "with the reasons" if explained >= others else "without the reasons"
        if 0 < explained < others:
            why = f"{explained:,} of them with the reasons"
        said.append(
            f"{reports:,} of {kept:,} screenings open to the full report with evidence, the others "
            f"to what fails, what is unknown and what to obtain, {why}. All reasons are in "
            "screening_log.csv, and `screen RECORD --format html` makes the report of one patient."
        )
    return said


def _criteria_by_id(criteria: Sequence[CriterionText]) -> dict[str, list[str]]:
    return {
        words.visible(item.id): [item.kind, words.visible(item.text), words.visible(item.source)]
        for item in criteria
    }


def _picture(svg: str | None) -> str | None:
    return svg and f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
