"""Results of records read from FHIR: the resource beside each value, and what to confirm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET
from msgspec.structs import replace

from screener.result import Advisory

if TYPE_CHECKING:
    from collections.abc import Collection

    from screener.intake.fhir.draft import Extract
    from screener.result import CriterionResult, ScreeningResult

MOST_NAMED = 10
"""Resources that an advisory names; the others are counted."""


def traced(
    result: ScreeningResult, extract: Extract | None, complete: Collection[str] = ()
) -> ScreeningResult:
    """Return a result with the resource of each piece of evidence, and advisories on the extract.

    Unchanged where there is no extract. `complete` names the lists that the user says are whole.
    """
    if extract is None:
        return result
    return replace(
        result,
        criteria=[_traced(criterion, extract) for criterion in result.criteria],
        advisories=[*result.advisories, *advisories(extract, complete)],
    )


def _traced(criterion: CriterionResult, extract: Extract) -> CriterionResult:
    evidence = [
        replace(item, resource=extract.origin(item.path) or UNSET) for item in criterion.evidence
    ]
    parts = [_traced(part, extract) for part in criterion.parts]
    return replace(criterion, evidence=evidence, parts=parts)


def advisories(extract: Extract, complete: Collection[str] = ()) -> list[Advisory]:
    """Say what the reader of a result has to know of the extract, each thing once."""
    found = []
    unread = extract.unread()
    lists = [
        name for name in extract.record.get("partial", ()) if name not in complete or name in unread
    ]
    if lists:
        found.append(
            Advisory(
                id="fhir-extract",
                text="The record was read from a FHIR extract, which never shows that something is "
                f"absent. These lists may lack entries: {', '.join(lists)}. Confirm those that "
                "decide; --complete LIST says that one is whole.",
            )
        )
    found += _against(extract, complete)
    if extract.problems:
        named = [str(problem) for problem in extract.problems[:MOST_NAMED]]
        if more := len(extract.problems) - MOST_NAMED:
            named += [f"and {more} more (`screen convert`)"] if more > 0 else []
        found.append(
            Advisory(
                id="fhir-problems",
                text="Something is wrong with the extract, and what it could have decided is "
                f"unknown: {'; '.join(named)}.",
            )
        )
    return found + [Advisory(id=note.id, text=note.text) for note in extract.notes]


def _against(extract: Extract, complete: Collection[str]) -> list[Advisory]:
    """Say where the user's word that a list is whole meets a resource that cannot be read."""
    unread = {name: held for name, held in extract.unread().items() if name in complete}
    if not unread:
        return []
    named = ", ".join(sorted({it for held in unread.values() for it in held})[:MOST_NAMED])
    text = (
        f"Not taken as whole, in spite of --complete: {', '.join(sorted(unread))}. {named} cannot "
        "be read and may belong there. Correct it, and screen again."
    )
    return [Advisory(id="fhir-complete-unread", text=text)]
