"""What a screening says: typed results, one per patient and study.

The JSON form of these types is section 3 of the contract. Everything downstream (terminal,
Markdown, files) shows only what stands here; nothing reads the record again.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal, Self

import msgspec

Truth = Literal["met", "not_met", "unknown"]
Outcome = Literal["pass", "fail", "unknown"]
Status = Literal["eligible", "ineligible", "undetermined"]
Kind = Literal["inclusion", "exclusion"]
Value = str | int | float | bool | None


class _Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Values that do not change, with the same names in JSON."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON data."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        return data

    def to_json(self) -> str:
        """As JSON text, indented by two."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what `to_json` wrote; anything else raises ValueError."""
        return msgspec.json.decode(text, type=cls)


class Evidence(_Said, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One recorded value that a criterion was decided on."""

    path: str
    """Where it stands in the record, e.g. `labs[3].value`."""
    value: Value
    """The value as recorded."""
    date: str | None = None
    """Date of the entry as recorded (may be partial), if it has one."""
    resource: str | msgspec.UnsetType = msgspec.UNSET
    """Where the record was read from FHIR: the resource, e.g. `Observation/abc`."""


class CriterionResult(_Said, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One criterion, or one part of a compound criterion, for one patient."""

    id: str
    kind: Kind
    text: str
    """The criterion in our words."""
    source: str
    """The item of the source that it encodes."""
    truth: Truth
    """Whether the statement holds."""
    outcome: Outcome
    """What it means for the patient: a met inclusion passes, a met exclusion fails."""
    reason: str
    evidence: list[Evidence] = []
    needs: list[str] = []
    """What to obtain so that it can be decided."""
    assumptions: list[str] = []
    """What the outcome rests on and the source does not state."""
    clears_on: date | None = None
    """For a fail that only time ends: the first day on which it no longer fails."""
    parts: list[CriterionResult] = []


class StudyRef(_Said, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The exact encoding that was used."""

    id: str
    version: str
    sha256: str
    """SHA-256 over the study file and everything it uses."""


class Advisory(_Said, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something to know that decides nothing."""

    id: str
    text: str


class Provenance(_Said, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was screened with what."""

    record_sha256: str
    """SHA-256 of the record in canonical JSON."""
    tool: str
    tool_version: str


class IndexDay(_Said, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The patient's own day as of which facts are, in a study that has one."""

    means: str
    """What happened on that day."""
    date: str | None = None
    """The day, `A to B` where it lies between two; null if unknown."""


class DerivedValue(_Said, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A variable that a study derives of each patient, for its baseline table."""

    id: str
    label: str
    value: str | int | float | list[str] | None
    """Category, number, or every category that applies; null where it is unknown."""
    open: list[str] = []
    """Of a variable with several: the categories that are unknown."""


class ScreeningResult(_Said, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One patient against one study on one day."""

    patient_id: str
    study: StudyRef
    as_of: date
    """The screening date."""
    index_date: IndexDay | None = None
    """The day as of which facts are where the study has one of its own; follow-up is that of the
    screening date."""
    status: Status
    criteria: list[CriterionResult]
    needs: list[str]
    """What to obtain, over all criteria; empty where nothing obtained could help."""
    rescreen_on: date | None = None
    """The first day on which no criterion fails, by time alone."""
    advisories: list[Advisory] = []
    assumptions: list[str] = []
    """Every assumption of the criteria, and the lists taken as whole."""
    ignored_entries: int = 0
    """Entries dated after the screening date, or the index date of a study that has one, which were
    not used."""
    derived: list[DerivedValue] = []
    """The study's derived variables, in its order."""
    provenance: Provenance
