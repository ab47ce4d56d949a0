"""What a screening says: typed results, one per patient and study.

The JSON form of these models is section 3 of the contract. Everything downstream (terminal,
Markdown, files) shows only what stands here; nothing reads the record again.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Truth = Literal["met", "not_met", "unknown"]
Outcome = Literal["pass", "fail", "unknown"]
Status = Literal["eligible", "ineligible", "undetermined"]
Kind = Literal["inclusion", "exclusion"]
Value = str | int | float | bool | None


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Evidence(_Frozen):
    """One recorded value that a criterion was decided on."""

    path: str = Field(description="Where it stands in the record, e.g. `labs[3].value`.")
    value: Value = Field(description="The value as recorded.")
    date: str | None = Field(
        default=None, description="Date of the entry as recorded (may be partial), if it has one."
    )


class CriterionResult(_Frozen):
    """One criterion, or one part of a compound criterion, for one patient."""

    id: str
    kind: Kind
    text: str = Field(description="The criterion in our words.")
    source: str = Field(description="The item of the source that it encodes.")
    truth: Truth = Field(description="Whether the statement holds.")
    outcome: Outcome = Field(
        description="What it means for the patient: a met inclusion passes, a met exclusion fails."
    )
    reason: str
    evidence: list[Evidence] = []
    needs: list[str] = Field(default=[], description="What to obtain so that it can be decided.")
    assumptions: list[str] = Field(
        default=[], description="What the outcome rests on and the source does not state."
    )
    clears_on: date | None = Field(
        default=None,
        description="For a fail that only time ends: the first day on which it no longer fails.",
    )
    parts: list[CriterionResult] = []


class StudyRef(_Frozen):
    """The exact encoding that was used."""

    id: str
    version: str
    sha256: str = Field(description="SHA-256 over the study file and everything it uses.")


class Advisory(_Frozen):
    """Something to know that decides nothing."""

    id: str
    text: str


class Provenance(_Frozen):
    """What was screened with what."""

    record_sha256: str = Field(description="SHA-256 of the record in canonical JSON.")
    tool: str
    tool_version: str


class IndexDay(_Frozen):
    """The patient's own day as of which facts are, in a study that has one."""

    means: str = Field(description="What happened on that day.")
    date: str | None = Field(
        default=None, description="The day, `A to B` where it lies between two; null if unknown."
    )


class DerivedValue(_Frozen):
    """A variable that a study derives of each patient, for its baseline table."""

    id: str
    label: str
    value: str | int | float | list[str] | None = Field(
        description="Category, number, or every category that applies; null where it is unknown."
    )
    open: list[str] = Field(
        default=[], description="Of a variable with several: the categories that are unknown."
    )


class ScreeningResult(_Frozen):
    """One patient against one study on one day."""

    patient_id: str
    study: StudyRef
    as_of: date = Field(description="The screening date.")
    index_date: IndexDay | None = Field(
        default=None,
        description="The day as of which facts are where the study has one of its own; follow-up "
        "is that of the screening date.",
    )
    status: Status
    criteria: list[CriterionResult]
    needs: list[str] = Field(
        description="What to obtain, over all criteria; empty where nothing obtained could help."
    )
    rescreen_on: date | None = Field(
        default=None, description="The first day on which no criterion fails, by time alone."
    )
    advisories: list[Advisory] = []
    assumptions: list[str] = Field(
        default=[], description="Every assumption of the criteria, and the lists taken as whole."
    )
    ignored_entries: int = Field(
        default=0,
        description="Entries dated after the screening date, or the index date of a study that "
        "has one, which were not used.",
    )
    derived: list[DerivedValue] = Field(
        default=[], description="The study's derived variables, in its order."
    )
    provenance: Provenance
