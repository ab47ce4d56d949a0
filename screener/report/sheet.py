"""One screening result as a sheet: what stands on a page, in order, as plain data.

A page of one patient lays it out with a template; a page of a batch carries it as JSON and lays it
out in the browser. So both say the same, and neither decides what is said. All text in a sheet is
one line of printable characters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

from screener.report import words
from screener.report.words import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from screener.report.words import Finding
    from screener.result import CriterionResult, Evidence, Outcome, ScreeningResult, Status


class Value(TypedDict):
    """A recorded value with its place in the record and the date of its entry, if it has one."""

    path: str
    value: str
    date: str


class Line(TypedDict):
    """What stands after one label."""

    label: str
    items: list[str | Value]


class Found(TypedDict):
    """A criterion or part that fails or is unknown."""

    id: str
    outcome: Outcome
    about: str
    """Kind and source of a criterion; empty for a part."""
    remark: str
    text: str
    lines: list[Line]
    parts: list[Found]
    closing: list[Line]


class Part(TypedDict):
    """A part of a criterion that passes, whatever its own outcome is."""

    id: str
    outcome: Outcome
    reason: str


class Passed(TypedDict):
    """A criterion that passes."""

    id: str
    text: str
    reason: str
    """Empty where the parts say it one by one."""
    parts: list[Part]
    evidence: list[str | Value]


class Section(TypedDict):
    """A titled list, or one paragraph, after the criteria."""

    title: str
    form: Literal["numbered", "bullets", "note"]
    items: list[str]


class Sheet(TypedDict):
    """A whole report of one result."""

    patient: str
    study: str
    as_of: str
    status: Status
    verdict: str
    failed: list[Found]
    unknown: list[Found]
    passed: list[Passed]
    steps: list[Section]
    """What to obtain, and when to screen again; none is empty."""
    notes: list[Section]
    """What else to know; none is empty."""
    provenance: str


def sheet(result: ScreeningResult) -> Sheet:
    """Return all that a page says of one result."""
    groups = words.grouped(result)
    nothing, again = words.nothing_to_obtain(result), words.rescreening(result)
    unused = words.not_used(result)
    steps = (
        _section(words.TO_OBTAIN, "numbered", words.to_obtain(result)),
        _section(words.TO_OBTAIN, "note", [nothing] if nothing else []),
        _section(words.RESCREENING, "note", [again] if again else []),
    )
    notes = (
        _section(words.ADVISORIES, "bullets", words.advisories(result)),
        _section(words.NOT_USED, "note", [unused] if unused else []),
        _section(words.ASSUMPTIONS, "bullets", words.assumptions(result)),
    )
    return {
        "patient": visible(result.patient_id),
        "study": visible(words.study(result)),
        "as_of": result.as_of.isoformat(),
        "status": result.status,
        "verdict": visible(words.verdict(result)),
        "failed": [_found(one, top=True) for one in words.findings(groups.failed, result.needs)],
        "unknown": [_found(one, top=True) for one in words.findings(groups.unknown, result.needs)],
        "passed": [_passed(item) for item in groups.passed],
        "steps": [section for section in steps if section["items"]],
        "notes": [section for section in notes if section["items"]],
        "provenance": visible(words.provenance(result)),
    }


def _section(
    title: str, form: Literal["numbered", "bullets", "note"], items: Iterable[str]
) -> Section:
    return {"title": title, "form": form, "items": [visible(item) for item in items]}


def _found(finding: Finding, *, top: bool) -> Found:
    criterion = finding.criterion
    return {
        "id": visible(criterion.id),
        "outcome": criterion.outcome,
        "about": visible(f"{criterion.kind}, {criterion.source}") if top else "",
        "remark": visible(finding.remark),
        "text": visible(criterion.text),
        "lines": _lines(finding.rows),
        "parts": [_found(part, top=False) for part in finding.parts],
        "closing": _lines(finding.closing),
    }


def _passed(criterion: CriterionResult) -> Passed:
    joined = " ".join(part.reason for part in criterion.parts)
    told = joined == criterion.reason and criterion.truth != "unknown"
    return {
        "id": visible(criterion.id),
        "text": visible(criterion.text),
        "reason": "" if told else visible(words.passing(criterion)),
        "parts": [
            {"id": visible(part.id), "outcome": part.outcome, "reason": visible(part.reason)}
            for part in criterion.parts
        ],
        "evidence": _items(words.passing_evidence(criterion)),
    }


def _lines(rows: Sequence[words.Row]) -> list[Line]:
    return [{"label": row.label, "items": _items(row.items)} for row in rows]


def _items(items: Iterable[str | Evidence]) -> list[str | Value]:
    return [visible(item) if isinstance(item, str) else _value(item) for item in items]


def _value(item: Evidence) -> Value:
    return {
        "path": visible(item.path),
        "value": visible(words.value(item.value)),
        "date": visible(words.evidence_date(item)),
    }
