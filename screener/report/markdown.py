"""The report as Markdown (CommonMark with GitHub's tables), to file or to paste elsewhere.

Recorded text is escaped so that it always comes out as text: it makes no markup, no link, no
HTML and no further table cell.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from screener.report import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from screener.report.words import Finding, Row
    from screener.result import Evidence, Outcome, ScreeningResult

_ANYWHERE: Final = re.compile(
    r"""[\\`*\[\]<>&|~#$@]              # markup wherever it stands
    | (?<![^\W_])_ | _(?![^\W_])        # an underscore, but for one inside a word
    | (?<=[A-Za-z]):(?=\S)              # what GitHub would take for an address
    | (?<=www)\.
    """,
    re.VERBOSE | re.IGNORECASE,
)
_AT_START: Final = re.compile(r"\d{1,9}(?=[.)](?:\s|$))|(?=[-+=])")
"""What would begin a list item or an underline; the backslash goes after what is matched."""


def render(results: Sequence[ScreeningResult]) -> str:
    """Return the report of each result, after an overview where there are several."""
    if len(results) == 1:
        return "\n".join(_report(results[0], "#")) + "\n"
    lines = list(_overview(results)) if results else []
    for result in results:
        lines += ["", "---", "", *_report(result, "##")]
    return "".join(f"{line}\n" for line in lines)


def escape(recorded: str) -> str:
    """Put recorded text in one line in which nothing is markup."""
    shown = _ANYWHERE.sub(r"\\\g<0>", words.visible(recorded))
    start = _AT_START.match(shown)
    return f"{start[0]}\\{shown[start.end() :]}" if start else shown


def code(recorded: str) -> str:
    """Put recorded text in a code span, delimited by more backticks than it has in a row."""
    shown = words.visible(recorded) or " "
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    pad = " " if "`" in (shown[0], shown[-1]) else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _report(result: ScreeningResult, level: str) -> Iterator[str]:
    symbol = words.SYMBOL[words.STATUS_OUTCOME[result.status]]
    yield f"{level} {symbol} {words.STATUS_WORD[result.status]} {words.CAVEAT}"
    yield ""
    screened = f"as of {result.as_of}"
    if result.index_date:
        screened += f"; index date {words.index_date(result)}"
    yield from _table(
        ("Patient", "Study", "Screened"),
        [(result.patient_id, words.study(result), screened)],
    )
    yield ""
    yield escape(words.verdict(result))
    groups = words.grouped(result)
    open_groups: tuple[tuple[Outcome, list[Finding]], ...] = (
        ("fail", words.findings(groups.failed, result.needs)),
        ("unknown", words.findings(groups.unknown, result.needs)),
    )
    for outcome, found in open_groups:
        if found:
            yield from _title(f"{level}#", _group(outcome, len(found)))
        for finding in found:
            yield from _finding(finding, "")
    if groups.passed:
        yield from _title(f"{level}#", _group("pass", len(groups.passed)))
        yield from _table(
            ("Criterion", "Reason"), [(item.id, words.passing(item)) for item in groups.passed]
        )
    needs = words.to_obtain(result)
    numbered = [f"{number}. {escape(need)}" for number, need in enumerate(needs, start=1)]
    sections = (
        (words.TO_OBTAIN, numbered),
        (words.TO_OBTAIN, _paragraph(words.nothing_to_obtain(result))),
        (words.RESCREENING, _paragraph(words.rescreening(result))),
        (words.ASSUMPTIONS, _bullets(words.assumptions(result))),
        (words.ADVISORIES, _bullets(words.advisories(result))),
        (words.DERIVED, _bullets(words.derived(result))),
        (words.NOT_USED, _paragraph(words.not_used(result))),
    )
    for title, lines in sections:
        if lines:
            yield from _title(f"{level}#", title)
            yield from lines
    yield ""
    yield escape(words.provenance(result))


def _overview(results: Sequence[ScreeningResult]) -> Iterator[str]:
    yield f"# {words.overview_title(results)}"
    yield ""
    rows = []
    for row in words.overview(results):
        symbol = words.SYMBOL[words.STATUS_OUTCOME[row.status]]
        status = f"{symbol} {words.STATUS_WORD[row.status]}"
        rows.append((row.patient, row.study, status, row.failed or "–", row.unknown or "–"))
    yield from _table(words.OVERVIEW_COLUMNS, rows)


def _finding(finding: Finding, indent: str) -> Iterator[str]:
    criterion = finding.criterion
    symbol = words.SYMBOL[criterion.outcome]
    head = f"{indent}- {symbol} **{escape(criterion.id)}**"
    if not indent:
        head += f" {criterion.kind} ({escape(criterion.source)})"
    if finding.remark:
        head += f" \\[{escape(finding.remark)}\\]"
    yield f"{head}: {escape(criterion.text)}"
    yield from _rows(finding.rows, indent + "  ")
    for part in finding.parts:
        yield from _finding(part, indent + "  ")
    yield from _rows(finding.closing, indent + "  ")


def _rows(rows: Sequence[Row], indent: str) -> Iterator[str]:
    for row in rows:
        items = [escape(item) if isinstance(item, str) else _evidence(item) for item in row.items]
        if len(items) == 1:
            yield f"{indent}- {row.label}: {items[0]}"
        else:
            yield f"{indent}- {row.label}:"
            yield from (f"{indent}  - {item}" for item in items)


def _evidence(item: Evidence) -> str:
    source = escape(words.evidence_source(item).strip())
    return f"{code(item.path)} = {escape(words.value(item.value))}" + (source and f" {source}")


def _group(outcome: Outcome, count: int) -> str:
    return f"{words.SYMBOL[outcome]} {words.OUTCOME_WORD[outcome]} ({count})"


def _title(level: str, title: str) -> Iterator[str]:
    yield ""
    yield f"{level} {title}"
    yield ""


def _paragraph(text: str) -> list[str]:
    return [escape(text)] if text else []


def _bullets(texts: Iterable[str]) -> list[str]:
    return [f"- {escape(text)}" for text in texts]


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{' --- |' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(map(escape, row))} |"
