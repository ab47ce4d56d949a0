"""What every form of the report says: wording, order and grouping of one screening result.

Pure functions over `ScreeningResult`. They return text as it was recorded; a form passes it
through `visible` and its own escaping before it shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from screener.result import (
        CriterionResult,
        DerivedValue,
        Evidence,
        Outcome,
        ScreeningResult,
        Status,
        Value,
    )

MOST_EVIDENCE: Final = 6
"""Evidence shown per criterion; what is left out is counted."""

OUTCOME_WORD: Final[dict[Outcome, str]] = {"fail": "FAIL", "unknown": "UNKNOWN", "pass": "PASS"}
STATUS_WORD: Final[dict[Status, str]] = {
    "eligible": "ELIGIBLE",
    "ineligible": "INELIGIBLE",
    "undetermined": "UNDETERMINED",
}
STATUS_OUTCOME: Final[dict[Status, Outcome]] = {
    "eligible": "pass",
    "ineligible": "fail",
    "undetermined": "unknown",
}
"""The outcome whose symbol and colour a status shares."""

SYMBOL: Final[dict[Outcome, str]] = {"fail": "✗", "unknown": "?", "pass": "✓"}
ASCII_SYMBOL: Final[dict[Outcome, str]] = {"fail": "x", "unknown": "?", "pass": "+"}

CAVEAT: Final = "by the record; the investigator decides"
TO_OBTAIN: Final = "To obtain"
RESCREENING: Final = "Re-screening"
ASSUMPTIONS: Final = "Assumptions"
ADVISORIES: Final = "Advisories"
NOT_USED: Final = "Not used"
DERIVED: Final = "Derived variables"


def visible(text: str) -> str:
    r"""Make one line of printable text: white space becomes a space, the rest is spelled out.

    Control characters, bidirectional overrides, zero-width characters and lone surrogates appear
    as their escapes (`\x1b`, `\u202e`), so that no recorded text can steer a terminal, reorder
    what is read or hide in an identifier.
    """
    line = " ".join(text.split())
    if line.isprintable():
        return line
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in line
    )


class Groups(NamedTuple):
    """Criteria or parts by outcome, each group in the study's order."""

    failed: list[CriterionResult]
    unknown: list[CriterionResult]
    passed: list[CriterionResult]


def split(criteria: Iterable[CriterionResult]) -> Groups:
    """Group criteria, or the parts of one, by outcome."""
    groups = Groups([], [], [])
    by_outcome = {"fail": groups.failed, "unknown": groups.unknown, "pass": groups.passed}
    for criterion in criteria:
        by_outcome[criterion.outcome].append(criterion)
    return groups


def grouped(result: ScreeningResult) -> Groups:
    """Group the criteria of a result: what fails, what is unknown, what passes."""
    return split(result.criteria)


def ids(criteria: Iterable[CriterionResult]) -> str:
    """Name criteria in a row: `I2, E1`."""
    return ", ".join(criterion.id for criterion in criteria)


def deciding(criterion: CriterionResult) -> list[CriterionResult]:
    """Return the innermost parts that decide a criterion; itself where it has none."""
    parts = [part for part in criterion.parts if part.outcome == criterion.outcome]
    return [leaf for part in parts for leaf in deciding(part)] or [criterion]


def verdict(result: ScreeningResult) -> str:
    """Say the result in plain sentences, naming what fails and what is unknown."""
    failed, unknown, passed = grouped(result)
    total = len(result.criteria)
    if not total:
        return "The study has no criteria."
    if len(passed) == total:
        return "The only criterion passes." if total == 1 else f"All {total} criteria pass."
    sentences = []
    if failed:
        verb = "fails" if len(failed) == 1 else "fail"
        named = ", ".join(map(_with_deciding_parts, failed))
        sentences.append(f"{len(failed)} of {_criteria(total)} {verb}: {named}.")
    else:
        sentences.append("Nothing fails.")
    if unknown:
        count = str(len(unknown)) if failed else f"{len(unknown)} of {_criteria(total)}"
        sentences.append(f"{count} {_is(len(unknown))} unknown: {ids(unknown)}.")
    usual = "ineligible" if failed else "undetermined"
    if result.status != usual:
        sentences.append("The study states how it counts what is unknown.")
    return " ".join(sentences)


def study(result: ScreeningResult) -> str:
    """Name the study and the version of its encoding."""
    return f"{result.study.id}, version {result.study.version}"


def value(recorded: Value) -> str:
    """Say a recorded value; nothing recorded and an empty text are told apart."""
    if recorded is None:
        return "not recorded"
    if isinstance(recorded, bool):
        return "true" if recorded else "false"
    if isinstance(recorded, str):
        return recorded if recorded.strip() else '""'
    return str(recorded)


def evidence_date(item: Evidence) -> str:
    """Return the date of an entry, unless it is the value itself; empty where there is none."""
    return item.date if item.date and item.date != item.value else ""


def evidence(item: Evidence) -> str:
    """Say a recorded value with its place and date, in one line."""
    return f"{item.path} = {value(item.value)}{evidence_source(item)}"


def evidence_source(item: Evidence) -> str:
    """Say when a value is of and which FHIR resource it was read from; empty where neither is."""
    said = ", ".join(it for it in (evidence_date(item), item.resource) if it)
    return f" ({said})" if said else ""


class Row(NamedTuple):
    """A labelled line, or several, under a criterion."""

    label: str
    items: Sequence[str | Evidence]


@dataclass(frozen=True, slots=True)
class Finding:
    """A criterion, or a part of one, that fails or is unknown, as it is shown."""

    criterion: CriterionResult
    remark: str
    """How a part stands to a whole with another outcome; empty where there is nothing to say."""
    rows: list[Row]
    """What was found and what follows from it."""
    parts: list[Finding]
    """The parts that fail, then those that are unknown."""
    closing: list[Row]
    """What comes after the parts: those that pass."""


def findings(criteria: Iterable[CriterionResult], needs: Sequence[str]) -> list[Finding]:
    """Prepare criteria with all that is shown of them; `needs` are those of the whole result."""
    numbers = {need: number for number, need in enumerate(dict.fromkeys(needs), start=1)}
    return [_finding(criterion, None, numbers, frozenset()) for criterion in criteria]


def _finding(
    criterion: CriterionResult,
    whole: CriterionResult | None,
    numbers: dict[str, int],
    told: frozenset[str],
) -> Finding:
    failed, unknown, passed = split(criterion.parts)
    shown = [*failed, *unknown]
    inside = [node for part in shown for node in _shown(part)]
    # What several parts rest on is said once, above them.
    shared = _repeated(
        text
        for part in shown
        for text in dict.fromkeys(text for node in _shown(part) for text in node.assumptions)
    )
    below = {text for part in criterion.parts for text in _assumed_below(part)}
    assumptions = [
        text
        for text in dict.fromkeys([*criterion.assumptions, *shared])
        if text not in told and (text in shared or text not in below)
    ]
    rows = [
        Row("Reason", _unless_told(criterion.reason, [part.reason for part in inside])),
        Row("Evidence", _evidence(criterion, inside)),
        Row("Clears", _clears(criterion, whole)),
        *_needs(criterion, inside, numbers),
        Row("Assumed", assumptions),
    ]
    told = told.union(assumptions)
    count = f"{len(passed)} of {len(criterion.parts)} parts: {ids(passed)}"
    return Finding(
        criterion=criterion,
        remark=_remark(criterion, whole),
        rows=[row for row in rows if row.items],
        parts=[_finding(part, criterion, numbers, told) for part in shown],
        closing=[Row("Passing", [count])] if passed else [],
    )


def passing(criterion: CriterionResult) -> str:
    """Say a passing criterion in one line: its reason and, for a compound one, its parts."""
    notes = []
    if criterion.truth == "unknown":
        notes.append("unknown, counted as a pass")
    failed, unknown, passed = split(criterion.parts)
    if failed or unknown:
        named = (("passing", passed), ("failing", failed), ("unknown", unknown))
        notes.extend(f"{word}: {ids(parts)}" for word, parts in named if parts)
    elif passed:
        notes.append(ids(passed))
    return f"{criterion.reason} ({'; '.join(notes)})" if notes else criterion.reason


def passing_evidence(criterion: CriterionResult) -> list[str | Evidence]:
    """Return a handful of the recorded values that a pass rests on, over all its parts."""
    found: list[Evidence] = []
    for node in _tree(criterion):
        if node.outcome == "pass":
            found += [item for item in node.evidence if item not in found]
    return _handful(found)


def to_obtain(result: ScreeningResult) -> list[str]:
    """List what to obtain, each with the criteria or parts that it would help to decide."""
    return _with_users(result, dict.fromkeys(result.needs), "needs", "for ")


def nothing_to_obtain(result: ScreeningResult) -> str:
    """Say why nothing is listed to obtain although something is unknown; else nothing."""
    failed, unknown, _ = grouped(result)
    if result.needs or not unknown:
        return ""
    if failed:
        return "Nothing: whatever was found, the patient would not be eligible on this day."
    return "Nothing is named that would decide what is unknown."


def rescreening(result: ScreeningResult) -> str:
    """Say when screening again is worth it; empty where nothing fails."""
    if result.rescreen_on:
        return (
            f"{result.rescreen_on}: the first day on which no criterion fails if nothing but "
            "time passes. Findings that are too old by then have to be renewed."
        )
    if grouped(result).failed:
        return "No date: time alone does not bring a day on which no criterion fails."
    return ""


def assumptions(result: ScreeningResult) -> list[str]:
    """List every assumption once, each with the criteria or parts that rest on it."""
    below = [text for criterion in result.criteria for text in _assumed_below(criterion)]
    return _with_users(result, dict.fromkeys([*result.assumptions, *below]), "assumptions", "")


def advisories(result: ScreeningResult) -> list[str]:
    """List what to know that decides nothing."""
    return [f"{advisory.text} ({advisory.id})" for advisory in result.advisories]


def not_used(result: ScreeningResult) -> str:
    """Say how many entries lie after the day that counts; empty where none does."""
    count = result.ignored_entries
    if not count:
        return ""
    entries = "1 entry" if count == 1 else f"{count} entries"
    day = "index date" if result.index_date and result.index_date.date else "screening date"
    return f"{entries} dated after the {day} {'was' if count == 1 else 'were'} not used."


def index_date(result: ScreeningResult) -> str:
    """Say the patient's own index date; empty in a study that has none."""
    if not result.index_date:
        return ""
    return f"{result.index_date.date or 'not known'} ({result.index_date.means})"


def derived(result: ScreeningResult) -> list[str]:
    """List the derived variables with their values."""
    return [f"{variable.label}: {_derived(variable)}" for variable in result.derived]


def _derived(variable: DerivedValue) -> str:
    found = variable.value
    if not isinstance(found, list):
        return "unknown" if found is None else value(found)
    unknown = f"unknown whether {', '.join(variable.open)}" if variable.open else ""
    return "; ".join(filter(None, [", ".join(found), unknown])) or "none"


def provenance(result: ScreeningResult) -> str:
    """Say what was screened with what: tool, study and record, short enough to compare by eye."""
    made = result.provenance
    return (
        f"{made.tool} {made.tool_version}, study sha256 {result.study.sha256[:12]}, "
        f"record sha256 {made.record_sha256[:12]}"
    )


OVERVIEW_COLUMNS: Final = ("Patient", "Study", "Status", "Fails", "Unknown")


class OverviewRow(NamedTuple):
    """One result in the overview of several."""

    patient: str
    study: str
    status: Status
    failed: str
    unknown: str


def overview(results: Sequence[ScreeningResult]) -> list[OverviewRow]:
    """Make one row a result; of a study that comes in several versions, the version too."""
    versions: dict[str, set[str]] = {}
    for result in results:
        versions.setdefault(result.study.id, set()).add(result.study.version)
    rows = []
    for result in results:
        failed, unknown, _ = grouped(result)
        one_version = len(versions[result.study.id]) == 1
        name = result.study.id if one_version else f"{result.study.id} {result.study.version}"
        rows.append(OverviewRow(result.patient_id, name, result.status, ids(failed), ids(unknown)))
    return rows


def overview_title(results: Sequence[ScreeningResult]) -> str:
    """Say how many results there are and how they end."""
    statuses = [result.status for result in results]
    counts = ", ".join(
        f"{statuses.count(status)} {status}" for status in STATUS_WORD if status in statuses
    )
    patients = len({result.patient_id for result in results})
    people = "1 patient" if patients == 1 else f"{patients} patients"
    if patients == len(results):
        return f"{people}: {counts}"
    return f"{people}, {len(results)} screenings: {counts}"


def _criteria(total: int) -> str:
    return "1 criterion" if total == 1 else f"{total} criteria"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _with_deciding_parts(criterion: CriterionResult) -> str:
    leaves = deciding(criterion)
    return criterion.id if leaves == [criterion] else f"{criterion.id} ({ids(leaves)})"


def _tree(criterion: CriterionResult) -> Iterator[CriterionResult]:
    yield criterion
    for part in criterion.parts:
        yield from _tree(part)


def _shown(criterion: CriterionResult) -> Iterator[CriterionResult]:
    """Walk a criterion and its parts, except those that pass: these are only named."""
    yield criterion
    for part in criterion.parts:
        if part.outcome != "pass":
            yield from _shown(part)


def _assumed_below(criterion: CriterionResult) -> list[str]:
    """List the assumptions of a criterion and its parts, each once."""
    return list(dict.fromkeys(text for node in _tree(criterion) for text in node.assumptions))


def _repeated(texts: Iterable[str]) -> list[str]:
    seen: dict[str, int] = {}
    for text in texts:
        seen[text] = seen.get(text, 0) + 1
    return [text for text, count in seen.items() if count > 1]


def _unless_told(reason: str, below: Sequence[str]) -> list[str]:
    """Return the reason of a compound criterion, unless a part that is shown gives the same one."""
    return [reason] if reason and reason not in below else []


def _evidence(
    criterion: CriterionResult, inside: Sequence[CriterionResult]
) -> list[str | Evidence]:
    """Return a handful of the evidence, without what is shown with a part."""
    below = [item for part in inside for item in part.evidence]
    return _handful([item for item in criterion.evidence if item not in below])


def _handful(evidence: Sequence[Evidence]) -> list[str | Evidence]:
    # A single row left over takes no more room than the count of it.
    if len(evidence) <= MOST_EVIDENCE + 1:
        return list(evidence)
    return [*evidence[:MOST_EVIDENCE], f"and {len(evidence) - MOST_EVIDENCE} more"]


def _clears(criterion: CriterionResult, whole: CriterionResult | None) -> list[str]:
    if criterion.clears_on is None or (whole and whole.clears_on == criterion.clears_on):
        return []
    return [f"on {criterion.clears_on}, by time alone"]


def _needs(
    criterion: CriterionResult, inside: Sequence[CriterionResult], numbers: dict[str, int]
) -> list[Row]:
    """Say what is missing: by number where the report lists it further down, else in full."""
    below = {need for part in inside for need in part.needs}
    own = [need for need in dict.fromkeys(criterion.needs) if need not in below]
    listed = [str(numbers[need]) for need in own if need in numbers]
    return [
        Row("Obtain", [f"no. {', '.join(listed)} below"] if listed else []),
        Row("Missing", [need for need in own if need not in numbers]),
    ]


def _remark(criterion: CriterionResult, whole: CriterionResult | None) -> str:
    if whole is None:
        if criterion.truth == "unknown" and criterion.outcome != "unknown":
            return "unknown, counted as a fail"
        return ""
    if criterion.outcome == whole.outcome:
        return ""
    if whole.outcome == "fail":
        return f"{criterion.outcome}; {whole.id} fails in any case"
    return f"fails; does not decide {whole.id} alone"


def _users(criterion: CriterionResult, field: str) -> dict[str, list[str]]:
    """Name for each text the innermost parts that list it; the criterion where it or all do."""
    found: dict[str, list[str]] = {text: [] for text in getattr(criterion, field)}
    for part in criterion.parts:
        for text, users in _users(part, field).items():
            found.setdefault(text, []).extend(users)
    alone, parts = [criterion.id], [part.id for part in criterion.parts]
    return {text: users if users and users != parts else alone for text, users in found.items()}


def _with_users(result: ScreeningResult, texts: Iterable[str], field: str, word: str) -> list[str]:
    found: dict[str, list[str]] = {}
    for criterion in result.criteria:
        for text, users in _users(criterion, field).items():
            found.setdefault(text, []).extend(users)
    return [f"{text} ({word}{', '.join(found[text])})" if text in found else text for text in texts]


RULE = {
    "index_date": "Index date of each patient",
    "undocumented_counts_as_none": "Counts as none where nothing is documented",
    "unknown_counts_as": "Who has something unknown counts as",
}
"""The rules of a study that hold for all its criteria, by the key of the study file."""

WITHOUT_RULE = {
    "index_date": "the screening date for all",
    "undocumented_counts_as_none": "nothing",
}
"""What holds where a study has no such rule."""
NO_CRITERION = "no criterion; how the unknown is counted"
"""By what a patient changes status whom every criterion judges as before."""
