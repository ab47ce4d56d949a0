"""Two versions of a study on the same patients, as plain data for table, JSON and page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from screener.report.batch_data import Input, StudyName, Tool
    from screener.result import Outcome, Status

Counts = TypedDict("Counts", {"pass": int, "fail": int, "unknown": int})
"""How many patients a criterion lets pass, excludes or leaves open."""

Difference = Literal[
    "kind", "text", "condition", "parts", "parameters", "facts", "logic", "dictionaries"
]
"""`logic` stands for the macros that its expressions use, `dictionaries` for the words by which
drugs, sites, tests and tumours are recognised."""


class ParameterChange(TypedDict):
    """A threshold with another value; None where one version has no such threshold."""

    name: str
    old: str | None
    new: str | None


class CriterionChange(TypedDict):
    """A criterion that only one version has, or that is not the same in both.

    After a compound criterion stand those of its parts that are not the same.
    """

    id: str
    change: Literal["added", "removed", "changed"]
    old_text: str | None
    new_text: str | None
    """The same as `old_text` where only the condition or a threshold changed."""
    parameters: list[ParameterChange]
    old: Counts | None
    new: Counts | None
    differs: NotRequired[list[Difference]]
    """In what a changed criterion is another."""
    facts: NotRequired[list[str]]
    """The facts behind it whose definition is another."""


Rule = Literal["index_date", "undocumented_counts_as_none", "unknown_counts_as"]
"""What a study says of all its criteria at once, by the key of the study file."""


class RuleChange(TypedDict):
    """A rule that is not the same in both; None where a version has no such rule."""

    rule: Rule
    old: str | None
    new: str | None
    """The same as `old` where only how an index date is found changed."""
    differs: list[Difference]
    """In what an index date is another; empty of other rules."""
    parameters: list[ParameterChange]
    facts: list[str]
    """The facts behind an index date whose definition is another."""


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
    """A patient who changes status, and the criteria that judge otherwise than before.

    None do where only the study counts what is unknown otherwise.
    """

    patient_id: str
    old: Status
    new: Status
    criteria: list[str]


class Comparison(TypedDict):
    """All of it."""

    old: StudyName
    new: StudyName
    as_of: str
    rules: list[RuleChange]
    criteria: list[CriterionChange]
    unchanged: int
    """Criteria that are the same in both."""
    moves: list[Move]
    causes: list[Cause]
    patients: list[PatientChange]
    input: Input
    tool: Tool
