"""The criteria of DAWNA-FES on earlier treatment as plain functions: drugs and lines."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import plain_words as words
from plain_logic import Patient, Truth, among, every, negation, same, some

_EARLIER = frozenset(("palbociclib", "abemaciclib", "ribociclib"))


def earlier_inhibitor(patient: Patient) -> Truth:
    """Palbociclib, abemaciclib or ribociclib was given."""
    return _given(patient, _EARLIER)


def dalpiciclib(patient: Patient) -> Truth:
    """Dalpiciclib was given."""
    return _given(patient, {"dalpiciclib"})


def _given(patient: Patient, drugs: Set[str]) -> Truth:
    whole = _drugs_whole(patient)
    return among(
        (_held(entry, drugs, whole) for entry, _ in patient.seen("therapies", "start")),
        whole=patient.whole("therapies"),
    )


def _drugs_whole(patient: Patient) -> bool:
    return "drugs" not in (patient.record.partial or ())


def _held(regimen: Any, drugs: Set[str], whole: bool) -> Truth:
    """Whether a regimen held one of some CDK4/6 inhibitors."""
    known = [words.drug(name) for name in regimen.drugs or ()]
    if any(it and it.name in drugs for it in known):
        return True
    if regimen.drugs is None or not whole:
        return None
    if None not in known:
        return False
    # A name that the dictionary lacks is one of them only if its kind may be theirs.
    other = regimen.kinds is not None and "cdk4_6_inhibitor" not in regimen.kinds
    return False if other else None


def _kind(regimen: Any, kind: str, whole: bool) -> Truth:
    """Whether a regimen held a drug of a kind; `kinds` is of names that the dictionary lacks."""
    stated = None if regimen.kinds is None else kind in regimen.kinds
    known = [words.drug(name) for name in regimen.drugs or ()]
    if any(it and kind in it.kinds for it in known):
        return True
    if regimen.drugs is None or not whole:
        return True if stated else None
    if None in known:
        return stated
    return None if stated else False


@dataclass
class _Regimen:
    line: int | None
    advanced: Truth
    chemotherapy: Truth
    endocrine: Truth


@dataclass
class _Lines:
    """What is counted: numbered lines, and regimens that may be lines of their own."""

    numbered: list[tuple[Truth, Truth]]
    """Of each line: whether it is chemotherapy, and whether endocrine therapy."""
    single: list[tuple[Truth, Truth]]


def _lines(patient: Patient) -> _Lines:
    whole = _drugs_whole(patient)
    regimens = []
    for entry, _ in patient.seen("therapies", "start"):
        advanced = same(entry.setting, "advanced")
        chemotherapy = every((advanced, _kind(entry, "chemotherapy", whole)))
        endocrine = every((advanced, _kind(entry, "endocrine", whole)))
        regimens.append(_Regimen(entry.line, advanced, chemotherapy, endocrine))
    candidates = [it for it in regimens if it.advanced is not False]
    numbered = []
    for line in {it.line for it in candidates if it.line is not None}:
        held = [it for it in regimens if it.line == line]
        chemotherapy = some(it.chemotherapy for it in held)
        endocrine = some(it.endocrine for it in held)
        numbered.append((chemotherapy, every((endocrine, negation(chemotherapy)))))
    single = [
        (it.chemotherapy, every((it.endocrine, negation(it.chemotherapy))))
        for it in candidates
        if it.line is None
    ]
    return _Lines(numbered, single)


def chemotherapy_lines(patient: Patient) -> Truth:
    """At most 1 line of chemotherapy for advanced disease."""
    lines = _lines(patient)
    certain = [chemotherapy for chemotherapy, _ in lines.numbered if chemotherapy]
    alone = any(chemotherapy for chemotherapy, _ in lines.single)
    possible = [it for it in (*lines.numbered, *lines.single) if it[0] is not False]
    return _at_most(patient, 1, max(len(certain), alone), len(possible))


def endocrine_lines(patient: Patient) -> Truth:
    """At most 3 lines of endocrine therapy for advanced disease."""
    lines = _lines(patient)
    certain = [endocrine for _, endocrine in lines.numbered if endocrine]
    # A chemotherapy without a line number may belong to any one of the lines.
    loose = [chemotherapy for chemotherapy, _ in lines.single if chemotherapy is not False]
    none = not loose and all(chemotherapy is False for chemotherapy, _ in lines.numbered)
    alone = none and any(endocrine for _, endocrine in lines.single)
    possible = [it for it in (*lines.numbered, *lines.single) if it[1] is not False]
    # One that was not shown may belong to each of them.
    least = max(len(certain) - len(loose), alone) if patient.whole("therapies") else 0
    return _at_most(patient, 3, least, len(possible))


def _at_most(patient: Patient, allowed: int, least: int, most: int) -> Truth:
    if least > allowed:
        return False
    return True if most <= allowed and patient.whole("therapies") else None
