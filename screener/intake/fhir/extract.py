"""From the resources of one patient to an extract."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from screener.errors import Problem
from screener.intake.fhir import (
    conditions,
    medications,
    observations,
    patient,
    procedures,
    r4,
    receptors,
    safety,
    staging,
)  # fmt: skip
from screener.intake.fhir.codes import Fault
from screener.intake.fhir.draft import ANYTHING, LISTS, Draft, Extract
from screener.intake.fhir.resources import Index, Resource, cyclic, written
from screener.intake.fhir.values import when

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date

DRUGS = ("MedicationRequest", "MedicationAdministration", "MedicationStatement",
         "MedicationDispense")  # fmt: skip
_READERS: dict[str, Callable[[Resource, Draft], None]] = {
    "Condition": conditions.read,
    "Observation": observations.read,
    **dict.fromkeys(DRUGS, medications.read),
    "Procedure": procedures.read,
    "AllergyIntolerance": safety.allergy,
    "AdverseEvent": safety.adverse_event,
    "List": safety.stated_empty,
    "Composition": safety.stated_empty,
}
"""What reads each type, in the order in which types are read: cancers before what is about them."""


_THINGS = frozenset(("Patient", "Specimen", "Condition", "Medication"))
"""Types of which two that look the same are two, unless they share an id."""


_MAY_HOLD = {"AllergyIntolerance": "allergies", "Procedure": "procedures"}
"""The lists that cannot be whole where a resource of a type cannot be read."""


def extract(
    resources: Sequence[Resource],
    subject: Resource,
    *,
    as_of: date | None = None,
    problems: Iterable[Problem] = (),
) -> Extract:
    """Make a record of the resources of one patient.

    `subject` is the Patient. `as_of` is the screening date: what was written down after it is not
    used. `problems` are those of the source that are already known. Nothing is raised: what cannot
    be read is named in the extract.
    """
    distinct, copies = _distinct([it for it in resources if not it.deleted])
    patients = [it for it in resources if it.kind == "Patient"]
    subjects = Index([subject], [(it, subject) for it in patients])
    draft = Draft(Index(distinct, copies), as_of, {it.label: it for it in distinct})
    draft.problems += problems
    for copy, _ in copies:
        draft.skip(copy, "the same as another resource")
    for resource in resources:
        if resource.deleted:
            draft.skip(resource, "deleted since")
    current = _current(distinct, draft)
    draft.index = Index(current, copies)
    in_circle = cyclic(current, draft.index)
    readable = [it for it in current if _valid(it, draft, subjects, in_circle)]
    draft.index = Index(readable, copies)
    inner = _contained(current, readable)
    draft.by_label |= {it.label: it for it in inner}
    readable += [it for it in inner if _valid(it, draft, subjects, in_circle)]
    for resource in readable:
        if resource.kind == "Patient":
            _attempt(patient.read, resource, draft)
    for resource in readable:
        if resource.kind == "DiagnosticReport":
            draft.specimens.tie(resource)
    for kind, reader in _READERS.items():
        for resource in readable:
            if resource.kind == kind:
                _attempt(reader, resource, draft)
    record, origins = _finish(draft, subject)
    _account([*current, *inner], draft, set(origins.values()))
    return Extract(
        record, origins, draft.unused, _distinct_problems(draft.problems), draft.notes,
        len(resources),
    )  # fmt: skip


def _contained(current: list[Resource], readable: list[Resource]) -> list[Resource]:
    """Give what is contained in resources that can be read, or whose type is not read.

    What only names something (a drug, a specimen, whose it is) is read with what refers to it.
    """
    known = {id(it) for it in readable}
    return [
        inner
        for it in current
        if id(it) in known or (it.kind and it.kind not in r4.READ and not it.fault)
        if it.raw.get("status") not in ("entered-in-error", "cancelled")
        for inner in it.contained.values()
        if inner.kind in _READERS
    ]


def _account(resources: list[Resource], draft: Draft, used: set[str]) -> None:
    """Say of each resource that gave no value of its own what became of it."""
    told = used | {it.resource for it in draft.unused}
    for resource in resources:
        if resource.label not in told:
            why = "read only for what refers to it"
            if resource.kind in DRUGS:
                why = "counted with the others of its regimen"
            elif resource.kind == "DiagnosticReport":
                why = "read only for which results are of one specimen"
            elif resource.kind == "Observation":
                why = "agrees with another, or is read together with it"
            draft.skip(resource, why)


def _attempt(reader: Callable[[Resource, Draft], None], resource: Resource, draft: Draft) -> None:
    before = {name: len(entries) for name, entries in draft.lists.items()}
    results, stages = len(draft.results), len(draft.stages)
    categories = len(draft.m_categories)
    try:
        reader(resource, draft)
    except Fault as fault:
        # Never half-read: what it gave before the fault is taken back.
        for name, number in before.items():
            del draft.lists[name][number:]
        del draft.results[results:]
        del draft.stages[stages:]
        del draft.m_categories[categories:]
        for path, offered in list(draft.single.items()):
            draft.single[path] = [it for it in offered if it[1] != resource.label]
        _refuse(resource, draft, str(fault))


def _refuse(resource: Resource, draft: Draft, why: str) -> None:
    """Name a resource that cannot be read, with what it could have decided."""
    raw = resource.raw
    kinds: Iterable[str] = ()
    specimen = date = None
    if resource.kind == "Observation":
        kinds = sorted(observations.kinds(raw))
        specimen = receptors.specimen_of(resource, draft)
    elif resource.kind in _MAY_HOLD:
        draft.doubts.add(_MAY_HOLD[resource.kind])
    elif resource.kind == "Condition":
        kinds = conditions.KINDS
        draft.cancers[id(resource)] = "unknown"
    elif not resource.kind:
        kinds = (ANYTHING,)
    if kinds:
        try:
            date = when(raw, "effective")
            draft.check(date)  # a date that cannot be says nothing of when it was
        except (Fault, AttributeError, TypeError):
            date = None
    draft.refuse(resource, why, kinds, date, specimen)


def _valid(resource: Resource, draft: Draft, subjects: Index, in_circle: set[int]) -> bool:
    """Tell whether a resource can be read at all; name it where it cannot."""
    kind = resource.kind
    if kind and kind not in r4.READ and kind not in (*r4.OF_OTHER_VERSIONS, "DiagnosticReport"):
        draft.skip(resource, "a resource type that is not read")
        return False
    why = _fault(resource, draft) or (
        "it refers to itself, by way of others" if id(resource) in in_circle else ""
    )
    if why:
        _refuse(resource, draft, why)
        return False
    return kind in ("Patient", "Medication", "DiagnosticReport") or _of_subject(
        resource, draft, subjects
    )


def _fault(resource: Resource, draft: Draft) -> str:
    """Say why a resource is no valid R4; empty where it is. Further faults are named at once."""
    kind = resource.kind
    if not kind:
        return "its resourceType is missing or no text"
    if kind in r4.OF_OTHER_VERSIONS:
        version, instead = r4.OF_OTHER_VERSIONS[kind]
        return f"{kind} is a resource of {version}; R4 has {instead}: export the data as R4"
    if resource.fault or kind not in r4.READ:
        return resource.fault
    told = [f"not valid R4: {path} {what}" for path, what in r4.faults(resource.raw)]
    told = [text.replace("  ", " ") for text in told]
    draft.problems += [Problem(resource.label, text) for text in told[1:]]
    return told[0] if told else ""


def _of_subject(resource: Resource, draft: Draft, subjects: Index) -> bool:
    """Tell whether a resource is of the patient; name it where that cannot be told."""
    who = resource.raw.get("patient") or resource.raw.get("subject")
    if who is None and resource.container is not None:
        who = resource.container.raw.get("patient") or resource.container.raw.get("subject")
    if who is None and resource.kind in ("Specimen", "List", "Composition"):
        return True
    if who is None:
        _refuse(resource, draft, "it does not say whose it is (subject)")
        return False
    text = written(who)
    if text and text.startswith("#"):
        _refuse(resource, draft, "its subject is contained in it, so whose it is cannot be told")
        return False
    if subjects.resolve(who, resource) is not None:
        return True
    if draft.index.resolve(who, resource) is not None:
        draft.skip(resource, "of somebody or something else")
    else:
        _refuse(resource, draft, "whose it is (subject) is not among the resources")
    return False


def _finish(draft: Draft, subject: Resource) -> tuple[dict[str, Any], dict[str, str]]:
    medications.finish(draft)
    safety.finish(draft)
    conditions.finish(draft)
    observations.finish(draft)
    receptors.finish(draft)
    draft.withhold()
    record: dict[str, Any] = {"id": subject.id}
    origins = {"id": subject.label}
    _progression(draft)
    diagnosed = draft.settle("diagnosis.date", "the date of diagnosis")
    if diagnosed and (label := draft.blocked("diagnosis", None)):
        for _, source in draft.single.pop("diagnosis.date"):
            draft.withheld(source, f"{label}, which cannot be read, may say otherwise")
        diagnosed = None
    staging.finish(draft, diagnosed)
    for path, what in _SINGLE.items():
        value = diagnosed if path == "diagnosis.date" else draft.settle(path, what)
        if value is not None:
            owner, _, name = path.rpartition(".")
            (record.setdefault(owner, {}) if owner else record)[name] = value
            origins[path] = draft.single[path][0][1]
    partial = []
    for name in LISTS:
        entries = sorted(draft.lists[name], key=_by_content)
        record[name] = [it.values.get("", it.values) for it in entries]
        for number, entry in enumerate(entries):
            for key, label in entry.origins.items():
                origins[f"{name}[{number}]{'.' if key else ''}{key}"] = label
        if _is_whole(name, draft):
            origins[name] = draft.whole[name]
        else:
            partial.append(name)
    record["partial"] = [*partial, *(["drugs"] if record["therapies"] else [])]
    return record, origins


_SINGLE = {
    "birth_date": "the date of birth",
    "sex": "the sex",
    "diagnosis.cancer": "the cancer",
    "diagnosis.date": "the date of diagnosis",
    "diagnosis.initial_stage": "the stage at first diagnosis",
    "diagnosis.extent": "the extent",
    "diagnosis.distant_metastasis_confirmed": "metastasis",
    "follow_up.progression_date": "the date of progression",
    "follow_up.death_date": "the date of death",
}


def _progression(draft: Draft) -> None:
    dates = {date for date, _ in draft.progressions}
    label = draft.blocked("disease_status", None)
    for date, resource in draft.progressions:
        if len(dates) == 1 and not label:
            draft.offer("follow_up.progression_date", date, resource)
        else:
            draft.skip(resource, "several progressions, or one that cannot be read: a record "
                       "holds one date")  # fmt: skip


def _is_whole(name: str, draft: Draft) -> bool:
    """Tell whether a list is stated to have no further entries, and nothing speaks against it."""
    label = draft.whole.get(name)
    if label is None:
        return False
    against = name in draft.doubts or any(
        block.kind in ("metastasis", ANYTHING) for block in draft.blocks if name == "metastases"
    )
    listed = [it for it in draft.lists[name] if it.values.get("present") is not False]
    if (listed and name != "allergies") or against or any(b.kind == ANYTHING for b in draft.blocks):
        if name not in draft.doubts:
            what = f"it says that there is none, but others speak of {name}"
            draft.warn(draft.by_label[label], what)
        draft.withheld(label, "says that there is none, but others do not")
        return False
    draft.note("fhir-none", f"That there is none ({name}) is stated by {label}.")
    return True


def _by_content(entry: Any) -> str:
    return json.dumps([entry.values, entry.origins], sort_keys=True, default=str)


def _distinct(
    resources: Sequence[Resource],
) -> tuple[list[Resource], list[tuple[Resource, Resource]]]:
    """Tell copies from resources: the same thing sent twice is one."""
    kept: dict[str, Resource] = {}
    repeated: list[tuple[Resource, Resource]] = []
    for resource in sorted(resources, key=lambda it: (it.kind, it.id or "~", it.place)):
        if not resource.raw:
            kept[resource.place] = resource
            continue
        name = resource.id if resource.kind in _THINGS else None
        first = kept.setdefault(f"{resource.kind} {name} {resource.content()}", resource)
        if first is not resource:
            repeated.append((resource, first))
    return list(kept.values()), repeated


def _current(resources: list[Resource], draft: Draft) -> list[Resource]:
    """Keep the newest version of what comes in several; refuse two that share an id otherwise."""
    named: dict[tuple[str, str], list[Resource]] = {}
    for resource in resources:
        if resource.kind and resource.id:
            named.setdefault((resource.kind, resource.id), []).append(resource)
    dropped = set()
    for versions in named.values():
        if len(versions) > 1:
            updated = {id(it): _updated(it) for it in versions}
            newest = max(updated.values())
            if newest and list(updated.values()).count(newest) == 1:
                for it in versions:
                    if updated[id(it)] != newest:
                        dropped.add(id(it))
                        draft.skip(it, "an older version")
            else:
                for it in versions:
                    dropped.add(id(it))
                    _refuse(it, draft, "another resource of the same id says something else")
    return [it for it in resources if id(it) not in dropped]


def _updated(resource: Resource) -> str:
    meta = resource.raw.get("meta")
    value = meta.get("lastUpdated") if isinstance(meta, dict) else None
    return value if isinstance(value, str) else ""


def _distinct_problems(problems: list[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))
