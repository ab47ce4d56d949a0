"""The code map: what the codes of FHIR resources mean for a record, from criteria/codes.yaml."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from screener.encoding import yaml_file

_TAG = re.compile(
    r"(?<=\S) \((procedure|disorder|situation|finding|substance|product|medicinal product"
    r"|regime/therapy|body structure|event)\)$"
)
"""What SNOMED CT puts after a name, to say which hierarchy it is of."""

_EDITION = re.compile(r"(?<=//snomed\.info/sct)/\d+(/version/\d+)?$")

ROLES = frozenset(
    ["observation", "of_breast", "result", "ihc", "ecog", "stage", "m_category", "trend",
     "presence", "origin",
     "significance", "cancer", "cancer_unspecified", "metastasis", "effusion", "body_site", "drug",
     "intent", "stop_reason", "procedure", "gene", "specimen", "no_allergy", "ae_outcome",
     "no_list"]
)  # fmt: skip
"""The places where codes are looked for."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code or wording means in one role."""

    role: str
    to: str


class Fault(Exception):  # noqa: N818 - it becomes a problem of the resource that holds the code
    """A concept that contradicts itself, or a code filed under the wrong system."""


@dataclass(frozen=True)
class CodeMap:
    """Codes by system, by role, with the wordings that count where there is no code."""

    systems: dict[str, str]
    """Names and addresses of code systems, lower case, to our short name."""
    exact: dict[tuple[str, str], dict[str, str]]
    """(system, code) to what it means by role."""
    prefixes: dict[str, dict[str, dict[str, str]]]
    """System to prefix to what it means by role."""
    texts: dict[str, dict[str, str]]
    """Role to wording to meaning."""
    filed: dict[str, set[str]] = field(default_factory=dict)
    """Code to the systems that it is listed under."""

    def system(self, name: object) -> str | None:
        """Return our name of a code system, or None for one that is not known."""
        if not isinstance(name, str):
            return None
        plainly = name.partition("|")[0].strip().lower().rstrip("/")
        # SNOMED CT adds the number of an edition, and of its version.
        return self.systems.get(_EDITION.sub("", plainly))

    def by_code(self, system: str | None, code: str) -> dict[str, str]:
        """Return the meanings of a code by role; empty for one that is not listed."""
        if system is None:
            return {}
        if found := self.exact.get((system, code)):
            return found
        if prefixes := self.prefixes.get(system):
            for end in range(len(code), 0, -1):
                if found := prefixes.get(code[:end]):
                    return found
        return {}

    def read(self, concept: object, *roles: str) -> Meaning | None:
        """Return what a CodeableConcept means in one of these roles, None where nothing is known.

        Raises Fault where two of its codes say different things, or where the only code that could
        count is filed under a system that does not have it.
        """
        found: dict[Meaning, None] = {}
        misfiled: list[str] = []
        for coding in codings(concept):
            code, system = coding.get("code"), self.system(coding.get("system"))
            if not isinstance(code, str):
                continue
            for role, to in self.by_code(system, code).items():
                if role in roles:
                    found[Meaning(role, to)] = None
            homes = self.filed.get(code, set())
            if homes and system not in homes:
                owners = [s for s in sorted(homes) if roles_of(self.exact[s, code], roles)]
                if owners:
                    misfiled.append(
                        f"code {code} is of {owners[0]}, and stands under another system"
                    )
        if not found:
            found = dict.fromkeys(self._worded(concept, roles))
        if len(found) > 1:
            said = " and ".join(sorted(meaning.to for meaning in found))
            raise Fault(f"its codes say different things: {said}")
        if not found and misfiled:
            raise Fault(misfiled[0])
        return next(iter(found), None)

    def _worded(self, concept: object, roles: tuple[str, ...]) -> list[Meaning]:
        if not isinstance(concept, dict):
            return []
        wordings = [concept.get("text"), *(it.get("display") for it in codings(concept))]
        found = []
        for wording in wordings:
            if isinstance(wording, str):
                key = plain(wording)
                found += [
                    Meaning(role, self.texts[role][key])
                    for role in roles
                    if key in self.texts.get(role, {})
                ]
        return found

    def worded(self, text: str, role: str) -> str | None:
        """Return what a wording means in a role, None where it is not listed."""
        return self.texts.get(role, {}).get(plain(text))

    def kinds(self, concept: object) -> set[str]:
        """Return everything that the codes of an Observation could be about, under any system.

        For an entry that cannot be read: what it may have decided.
        """
        found = set()
        for coding in codings(concept):
            code = coding.get("code")
            if isinstance(code, str):
                for system in self.filed.get(code, ()):
                    if to := self.exact[system, code].get("observation"):
                        found.add(to)
        return found


def roles_of(meanings: dict[str, str], roles: tuple[str, ...]) -> bool:
    """Tell whether any of the roles is among the meanings."""
    return any(role in meanings for role in roles)


def plain(text: str) -> str:
    """Bring a wording into the form in which wordings are compared."""
    return " ".join(text.lower().split())


def codings(concept: object) -> list[dict[str, Any]]:
    """Return the codings of a CodeableConcept that are objects."""
    listed = concept.get("coding") if isinstance(concept, dict) else None
    return [it for it in listed if isinstance(it, dict)] if isinstance(listed, list) else []


def shown(concept: object) -> str:
    """Name a concept for a count: system and code of its first coding, or that it has none."""
    for coding in codings(concept):
        if isinstance(coding.get("code"), str):
            return f"{coding.get('system') or 'no system'}|{coding['code']}"
    return "no code"


def display(concept: object) -> str | None:
    """Return the words of a concept: its text, else the first display."""
    if not isinstance(concept, dict):
        return None
    words = [concept.get("text"), *(it.get("display") for it in codings(concept))]
    found = next((it.strip() for it in words if isinstance(it, str) and it.strip()), None)
    return _TAG.sub("", found) if found else None


@lru_cache(maxsize=1)
def code_map() -> CodeMap:
    """Load the code map that ships with the program.

    Raises StudyError, naming file and line, where it cannot be used.
    """
    from screener.encoding.catalogue import packaged  # noqa: PLC0415

    return load(packaged() / "codes.yaml")


def load(path: Path) -> CodeMap:
    """Load a code map.

    Raises StudyError, naming file and line, for a row that is no code, a system or role that is not
    known, a code without a display or meaning, and one that stands twice in a role.
    """
    file = yaml_file.load(path, path.name)
    systems: dict[str, str] = {}
    for name, entry in file.data["systems"].items():
        for spelling in [name, entry["uri"], *entry["names"]]:
            systems[str(spelling).lower().rstrip("/")] = name
    known = set(file.data["systems"])
    codes = CodeMap(systems, {}, {}, {})
    for number, group in enumerate(file.data["groups"]):
        at: yaml_file.Position = ("groups", number)
        if group.get("role") not in ROLES:
            raise file.error(at, f"`{group.get('role')}` is no role; roles are {sorted(ROLES)}")
        if group.get("system") not in known:
            raise file.error(at, f"`{group.get('system')}` is not among the systems")
        if not group.get("source"):
            raise file.error(at, "a group needs a source")
        for row, entry in enumerate(group["codes"]):
            try:
                _add(codes, group, entry)
            except ValueError as error:
                raise file.error((*at, "codes", row), str(error)) from None
        for to, wordings in group.get("texts", {}).items():
            for wording in wordings:
                known_texts = codes.texts.setdefault(group["role"], {})
                if known_texts.setdefault(plain(str(wording)), str(to)) != str(to):
                    raise file.error((*at, "texts"), f"`{wording}` means two things")
    return codes


def _add(codes: CodeMap, group: dict[str, Any], entry: Any) -> None:
    if not isinstance(entry, list) or not 2 <= len(entry) <= 3:
        raise ValueError("a row is [code, display] or [code, display, to]")
    code, words = str(entry[0]), entry[1]
    to = entry[2] if len(entry) == 3 else group.get("to")
    if not isinstance(words, str) or not words.strip():
        raise ValueError(f"code {code} has no display")
    if to is None:
        raise ValueError(f"code {code} has no meaning; give it or the group `to`")
    system, role = group["system"], group["role"]
    if group.get("match") == "prefix":
        meanings = codes.prefixes.setdefault(system, {}).setdefault(code, {})
    else:
        meanings = codes.exact.setdefault((system, code), {})
        codes.filed.setdefault(code, set()).add(system)
    if role in meanings:
        raise ValueError(f"code {code} stands twice as {role}")
    meanings[role] = str(to)
