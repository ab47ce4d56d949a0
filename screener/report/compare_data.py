"""Two versions of a study on the same patients, as plain data for table, JSON and page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from screener.report.batch_data import Input, StudyName, Tool
    from screener.result import Outcome, Status

Counts = TypedDict("Counts", {"pass": int, "fail": int, "unknown": int})
"""How many patients a criterion lets pass, excludes or leaves open."""


class ParameterChange(TypedDict):
    """A threshold with another value; None where one version has no such threshold."""

    name: str
    old: str | None
    new: str | None


class CriterionChange(TypedDict):
    """A criterion that only one version has, or that is not the same in both."""

    id: str
    change: Literal["added", "removed", "changed"]
    old_text: str | None
    new_text: str | None
    """The same as `old_text` where only the condition or a threshold changed."""
    parameters: list[ParameterChange]
    old: Counts | None
    new: Counts | None


class Move(TypedDict):
    """Patients by their status in both versions, those who keep it among them."""

    old: Status
    new: Status
    patients: int


class Cause(TypedDict):
    """Patients who change status and whom one criterion judges otherwise than before.

    None stands for a version without the criterion. A patient whom several criteria judge otherwise
    counts at each.
    """

    criterion: str
    old: Outcome | None
    new: Outcome | None
    patients: int


class PatientChange(TypedDict):
    """A patient who changes status, and the criteria that judge otherwise than before."""

    patient_id: str
    old: Status
    new: Status
    criteria: list[str]


class Comparison(TypedDict):
    """All of it."""

    old: StudyName
    new: StudyName
    as_of: str
    criteria: list[CriterionChange]
    unchanged: int
    """Criteria that are the same in both."""
    moves: list[Move]
    causes: list[Cause]
    patients: list[PatientChange]
    input: Input
    tool: Tool
