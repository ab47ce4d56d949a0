"""A record in the making: entries with where they come from, and what stands in their way."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from screener.dates import span, surely_before
from screener.errors import Problem
from screener.intake.fhir import codes
from screener.intake.fhir.values import later_than
from screener.record import PARTIAL_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from screener.intake.fhir.medications import Course
    from screener.intake.fhir.receptors import Result
    from screener.intake.fhir.resources import Index, Resource
    from screener.intake.fhir.staging import Staged

LISTS = (
    "pathology", "performance_status", "therapies", "procedures", "metastases", "effusions", "labs",
    "adverse_events", "other_malignancies", "allergies", "genomics",
)  # fmt: skip
"""The lists that are read from FHIR; each is partial unless the source states an absence."""

HELD_IN = {
    **dict.fromkeys(
        ("MedicationRequest", "MedicationAdministration", "MedicationStatement",
         "MedicationDispense", "MedicationOrder", "MedicationUsage"), ("therapies", "drugs"),
    ),
    "Procedure": ("procedures", "therapies"),
    "AllergyIntolerance": ("allergies",),
    "AdverseEvent": ("adverse_events",),
    "Condition": ("metastases", "other_malignancies", "effusions"),
}  # fmt: skip
"""The lists that a resource of a type may belong to, where it cannot be read."""

UNREADABLE = "cannot be read"
"""Begins why a resource is not used that may hold anything."""

ANYTHING = "*"
"""The kind of an entry of which not even the kind is legible."""


_DATES = ("date", "start", "end", "onset", "diagnosed")


@dataclass(frozen=True, slots=True)
class Unused:
    """A resource, or a value of one, that the record does not hold, and why."""

    resource: str
    """`Observation/abc`"""
    kind: str
    """Its resource type."""
    code: str
    """What it is about, as `system|code`."""
    why: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the reader of a report has to know of the extract."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Extract:
    """What was made of the resources of one patient."""

    record: dict[str, Any]
    """The record, as `screener.record.parse` takes it."""
    origins: dict[str, str]
    """Where each value comes from: path in the record (`labs[0]`, `pathology[1].er_percent`) to
    resource (`Observation/abc`)."""
    unused: list[Unused]
    problems: list[Problem]
    """What cannot be read, each with its resource as path. None of it is in the record."""
    notes: list[Note]
    resources: int = 0
    """How many resources there were."""

    def unread(self) -> dict[str, list[str]]:
        """The lists to which resources may belong that cannot be read, and which those are.

        Nobody can vouch for such a list being whole.
        """
        found: dict[str, list[str]] = {}
        for it in self.unused:
            if it.why.startswith(UNREADABLE):
                for name in HELD_IN.get(it.kind, ()) if it.kind else PARTIAL_NAMES:
                    found.setdefault(name, []).append(it.resource)
        return found

    def counts(self) -> list[tuple[str, str, str, int]]:
        """Count what was not used, by resource type, code and reason."""
        found = Counter((it.kind, it.code, it.why) for it in self.unused)
        return [(*key, number) for key, number in sorted(found.items())]

    def origin(self, path: str) -> str | None:
        """Return the resource that the value at a path of the record comes from."""
        while path:
            if found := self.origins.get(path):
                return found
            cut = max(path.rfind("."), path.rfind("["))
            path = path[: max(cut, 0)]
        return None


@dataclass(slots=True)
class Entry:
    """One entry of a list of the record."""

    values: dict[str, Any]
    origins: dict[str, str]
    """By field; under `""` for all fields that have none of their own."""
    kind: str | None = None
    """What it is the latest of (`lab:anc`, `ecog`), where a list is read for the latest."""


@dataclass(frozen=True, slots=True)
class Block:
    """An entry that cannot be read, and what it could have decided."""

    kind: str
    date: str | None
    label: str
    specimen: str | None = None


@dataclass
class Draft:
    """What the readers of resources write to."""

    index: Index
    as_of: date | None = None
    """The screening date: what was written down after it is not used."""
    by_label: dict[str, Resource] = field(default_factory=dict)
    lists: dict[str, list[Entry]] = field(default_factory=lambda: {name: [] for name in LISTS})
    single: dict[str, list[tuple[Any, str]]] = field(default_factory=dict)
    """Fields outside lists, each with what was offered for it and by which resource."""
    blocks: list[Block] = field(default_factory=list)
    whole: dict[str, str] = field(default_factory=dict)
    """Lists whose absence of further entries is stated, with the resource that states it."""
    unused: list[Unused] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    cancers: dict[int, str] = field(default_factory=dict)
    """What each Condition of a cancer is, by identity: `breast`, `other` or `unknown`."""
    stages: list[Staged] = field(default_factory=list)
    m_categories: list[Staged] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    courses: list[Course] = field(default_factory=list)
    no_metastases: list[tuple[str, str]] = field(default_factory=list)
    """When, and by which resource, it was stated that there was no metastasis."""
    unattributed: list[Entry] = field(default_factory=list)
    """Metastases of which it is not stated which cancer they are of."""
    no_allergies: dict[str, str] = field(default_factory=dict)
    """Who states that no allergy is known: to anything (`all`), or to drugs (`drugs`)."""
    progressions: list[tuple[str, Resource]] = field(default_factory=list)
    doubts: set[str] = field(default_factory=set)
    """Lists that cannot be whole, whatever is stated: something not confirmed may belong there."""

    born: str | None = None
    """The date of birth: nothing that is read is dated before it."""

    def __post_init__(self) -> None:
        from screener.intake.fhir.receptors import Specimens  # noqa: PLC0415  # it imports this

        self.specimens = Specimens(self)

    def add(
        self,
        name: str,
        values: dict[str, Any],
        resource: Resource,
        kind: str | None = None,
        **origins: str,
    ) -> None:
        """Add an entry to a list; `origins` names the resources of single fields."""
        given = {key: value for key, value in values.items() if value is not None}
        self.check(*(given[key] for key in _DATES if key in given))
        self.lists[name].append(Entry(given, {"": resource.label, **origins}, kind))

    def offer(self, path: str, value: Any, resource: Resource) -> None:
        """Offer a value for a field outside lists; it is taken if no other is offered."""
        if path.endswith("date"):
            self.check(value)
        if value is not None:
            self.single.setdefault(path, []).append((value, resource.label))

    def check(self, *dates: str | None) -> None:
        """Raise Fault for a date before the date of birth."""
        for given in dates:
            if given and self.born and surely_before(given, self.born):
                raise codes.Fault("it is dated before the date of birth")

    def skip(self, resource: Resource, why: str, concept: object = None) -> None:
        """Say that a resource is not used, and why."""
        about = concept if concept is not None else concept_of(resource.raw)
        self.unused.append(Unused(resource.label, resource.kind, codes.shown(about), why))

    def refuse(
        self,
        resource: Resource,
        why: str,
        kinds: Iterable[str] = (),
        date: str | None = None,
        specimen: str | None = None,
    ) -> None:
        """Say that a resource cannot be read: what it could have decided is unknown.

        `kinds` are the kinds of entries of which it could be the latest, `date` is when it would
        be, None where that is not legible.
        """
        self.problems.append(Problem(resource.label, f"{why}; it is not used"))
        self.skip(resource, f"{UNREADABLE}: {why}")
        for kind in kinds:
            self.blocks.append(Block(kind, date, resource.label, specimen))

    def warn(self, resource: Resource, what: str) -> None:
        """Name something that is wrong with a resource of which the rest is used."""
        problem = Problem(resource.label, what)
        if problem not in self.problems:
            self.problems.append(problem)

    def withheld(self, label: str, why: str) -> None:
        """Say that a value that was read is not used after all."""
        resource = self.by_label.get(label)
        kind = resource.kind if resource else label.split("/", maxsplit=1)[0]
        about = codes.shown(concept_of(resource.raw)) if resource else "no code"
        self.unused.append(Unused(label, kind, about, why))

    def written_later(self, raw: dict[str, Any], *names: str) -> bool:
        """Tell whether a resource was written down after the screening date."""
        return later_than(raw, self.as_of, *names)

    def note(self, name: str, text: str) -> None:
        """Tell the reader of the report something, once."""
        if (note := Note(name, text)) not in self.notes:
            self.notes.append(note)

    def blocked(self, kind: str | None, date: str | None, specimen: str | None = None) -> str:
        """Return the unreadable resource that may be later than an entry; empty for none."""
        for block in self.blocks:
            if kind is None or block.kind not in (kind, ANYTHING):
                continue
            if specimen is not None and block.specimen == specimen:
                continue
            if not (date and block.date and surely_before(block.date, date)):
                return block.label
        return ""

    def withhold(self) -> None:
        """Take out the entries than which one that cannot be read may be later."""
        for name, entries in self.lists.items():
            kept = []
            for entry in entries:
                if label := self.blocked(entry.kind, entry.values.get("date")):
                    self.withheld(entry.origins[""], f"{label}, which cannot be read, may be later")
                else:
                    kept.append(entry)
            self.lists[name] = kept

    def another_cancer(self) -> str:
        """Return a cancer that is not of the breast and may be what a finding is of; else empty.

        Basal cell carcinoma is left aside: it does not spread and has no receptors tested.
        """
        for entry in self.lists["other_malignancies"]:
            if entry.values["type"] != "basal cell carcinoma of the skin":
                return entry.origins[""]
        return ""

    def contradict(self, label: str, name: str, against: list[Entry]) -> None:
        """Take out the entries of a list against which a resource states that there is none.

        Neither wins: what rests on them is unknown, and both are named.
        """
        if not against:
            return
        others = ", ".join(sorted({entry.origins[""] for entry in against}))
        self.lists[name] = [entry for entry in self.lists[name] if entry not in against]
        self.doubts.add(name)
        self.warn(self.by_label[label], f"says that there is none ({name}), against {others}")
        self.note(
            "fhir-contradiction",
            f"{label} says that there is none ({name}), against {others}: neither is used.",
        )
        for entry in against:
            self.withheld(entry.origins[""], f"{label} says that there is none")
        self.withheld(label, f"says that there is none, against {others}")

    def settle(self, path: str, what: str) -> Any:
        """Return the value offered for a field if all agree; name both where they do not."""
        offered = self.single.get(path, [])
        values = {json.dumps(value): value for value, _ in offered}
        if len(values) > 1:
            sides = ", ".join(sorted({f"{value} ({label})" for value, label in offered}))
            self.problems.append(
                Problem(" and ".join(sorted({label for _, label in offered})),
                        f"they disagree on {what}: {sides}; neither is used")
            )  # fmt: skip
            self.note("fhir-contradiction", f"The extract disagrees on {what}: {sides}.")
            for label in sorted({label for _, label in offered}):
                self.withheld(label, f"disagrees with another on {what}")
            return None
        return next(iter(values.values()), None)


ABSENCE_DAYS = 28
"""A statement that there is no metastasis stands for so many days: as long as imaging does (RECIST
1.1 asks for baseline imaging within 4 weeks). An older one says nothing of today."""


def recent(stated: str | None, draft: Draft, days: int) -> bool:
    """Tell whether something was surely stated at most so many days before the screening date."""
    as_of = draft.as_of or date.today()
    if stated is None:
        return False
    first, last = span(stated)
    return as_of - timedelta(days=days) <= first and last <= as_of


def concept_of(raw: dict[str, Any]) -> object:
    """Return what a resource is about: its code, drug or event."""
    for name in ("code", "medicationCodeableConcept", "event", "type"):
        if isinstance(raw.get(name), dict):
            return raw[name]
    return None
