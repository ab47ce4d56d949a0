"""The resources of one patient, and what their references lead to."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LITERAL = re.compile(
    r"(?P<base>https?://.+/)?(?P<kind>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})"
    r"(/_history/[A-Za-z0-9\-.]+)?"
)
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_ENCODER = json.JSONEncoder(sort_keys=True, default=str, check_circular=False)
_SEVERAL = ("hasMember", "derivedFrom", "partOf", "basedOn", "parent", "authorizingPrescription")
_SINGLE = ("request", "priorPrescription")


@dataclass(slots=True, eq=False)
class Resource:
    """One resource, as it stands in the source."""

    kind: str
    """Its `resourceType`; empty where that is illegible."""
    raw: dict[str, Any]
    place: str
    """Where it stands: `entry[3]`, `Observation.ndjson, line 12`."""
    full_url: str | None = None
    container: Resource | None = None
    """The resource that it is contained in."""
    contained: dict[str, Resource] = field(default_factory=dict)
    fault: str = ""
    """Why it cannot be read, where that was seen when it was taken from the source."""
    deleted: bool = False
    """Whether the source says that it was deleted since."""
    label: str = ""
    """How it is named to the user: `Observation/abc`, or by place where it has no id."""
    id: str | None = field(init=False)
    """Its id, where that has the form of one."""

    def __post_init__(self) -> None:
        value = self.raw.get("id")
        self.id = value if isinstance(value, str) and _ID.fullmatch(value) else None
        if not self.label:
            self.label = f"{self.kind}/{self.id}" if self.kind and self.id else self.place
        listed = self.raw.get("contained")
        if self.container is None and isinstance(listed, list):
            for index, raw in enumerate(listed):
                if isinstance(raw, dict):
                    place = f"{self.label}.contained[{index}]"
                    name = raw.get("id")
                    kind = raw.get("resourceType")
                    kind = kind if isinstance(kind, str) and kind.isalpha() else ""
                    inner = Resource(kind, raw, place, None, self)
                    if isinstance(name, str) and name not in self.contained:
                        inner.label = f"{self.label}#{name}"
                    else:
                        name, inner.label = place, place
                    self.contained[name] = inner

    def content(self) -> str:
        """Its content without what differs between copies, so that equal ones can be told."""
        rest = {k: v for k, v in self.raw.items() if k not in ("meta", "text", "id")}
        try:
            return _ENCODER.encode(rest)
        except RecursionError:  # nested so deeply that it is compared with nothing
            return self.place


class Index:
    """The resources of one patient by address."""

    def __init__(
        self, resources: Iterable[Resource], copies: Iterable[tuple[Resource, Resource]] = ()
    ) -> None:
        """Index resources; `copies` are others, each with the resource that it is a copy of."""
        self._urls: dict[str, Resource] = {}
        self._names: dict[tuple[str, str], list[Resource]] = {}
        for copy, resource in [*((it, it) for it in resources), *copies]:
            if copy.full_url:
                self._urls.setdefault(copy.full_url, resource)
            if copy.id:
                named = self._names.setdefault((copy.kind, copy.id), [])
                if resource not in named:
                    named.append(resource)

    def resolve(self, reference: object, source: Resource) -> Resource | None:
        """Return what a Reference leads to, None where nothing here is certainly it.

        By contained id, full address (with or without version), URN, and type and id: relative to
        the address of the entry that holds the reference, or where that has none, by name alone.
        """
        text = written(reference)
        if text is None:
            return None
        if text.startswith("#"):
            owner = source.container or source
            return owner if text == "#" else owner.contained.get(text[1:])
        if text in self._urls:
            return self._urls[text]
        literal = _LITERAL.fullmatch(text)
        if literal is None:
            return None
        name = f"{literal['kind']}/{literal['id']}"
        base = literal["base"] or _base((source.container or source).full_url)
        if base and base + name in self._urls:
            return self._urls[base + name]
        # One server's resource is not another's of the same name.
        named = [
            it
            for it in self._names.get((literal["kind"], literal["id"]), ())
            if not base or not (other := _base(it.full_url)) or other == base
        ]
        return named[0] if len(named) == 1 else None


def _base(url: str | None) -> str | None:
    literal = _LITERAL.fullmatch(url) if url else None
    return literal["base"] if literal else None


def links(raw: dict[str, Any]) -> Iterator[object]:
    """Give the references by which a resource is part of, or follows from, another."""
    for name in _SEVERAL:
        listed = raw.get(name)
        if isinstance(listed, list):
            yield from listed
    for name in _SINGLE:
        if name in raw:
            yield raw[name]


def cyclic(resources: Iterable[Resource], index: Index) -> set[int]:
    """Return the identities of resources that are, by way of others, part of themselves."""
    left: dict[int, set[int]] = {}
    for resource in resources:
        found = [index.resolve(link, resource) for link in links(resource.raw)]
        if known := {id(it) for it in found if it is not None}:
            left[id(resource)] = known
    # Whatever leads only to what leads nowhere is in no cycle; what is left leads into one.
    while True:
        ended = [source for source, found in left.items() if not found & left.keys()]
        if not ended:
            break
        for source in ended:
            del left[source]
    return {source for source in left if _reaches_itself(source, left)}


def _reaches_itself(start: int, targets: dict[int, set[int]]) -> bool:
    seen: set[int] = set()
    waiting = list(targets[start])
    while waiting:
        node = waiting.pop()
        if node == start:
            return True
        if node not in seen:
            seen.add(node)
            waiting += targets.get(node, ())
    return False


def written(reference: object) -> str | None:
    """Return the text of a Reference, None where it has none."""
    text = reference.get("reference") if isinstance(reference, dict) else None
    return text if isinstance(text, str) else None
