"""What the page of a batch is made of: plain data, each part as it is written elsewhere too."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from screener.report.what_if_data import WhatIf
    from screener.result import Kind, Status


class StudyName(TypedDict):
    """The exact encoding that was used."""

    id: str
    version: str
    sha256: str


CriterionCounts = TypedDict(
    "CriterionCounts",
    {"id": str, "pass": int, "fail": int, "unknown": int, "only_reason": int},
)
"""How many patients one criterion lets pass, excludes or leaves open, and excludes alone."""


class FlowStep(TypedDict):
    """One step of the flow: each patient is excluded once, at the first criterion that does."""

    criterion: str | None
    label: str
    excluded: int
    remaining: int


class TableOneRow(TypedDict):
    """One line of the description of those who are eligible."""

    variable: str
    category: str
    n: int
    percent: float


class StudySummary(TypedDict):
    """What `summary.json` says of one study."""

    study: StudyName
    as_of: str
    status: dict[Status, int]
    criteria: list[CriterionCounts]
    flow: list[FlowStep]
    table_one: list[TableOneRow]
    what_if: NotRequired[WhatIf]
    """Given where it was asked for (`--relax`)."""


class Input(TypedDict):
    """The export that was screened: `records` = `screened` + `rejected`."""

    name: str
    sha256: str
    records: int
    screened: int
    rejected: int


class Tool(TypedDict):
    """The program that screened."""

    name: str
    version: str


class Summary(TypedDict):
    """`summary.json`."""

    studies: list[StudySummary]
    input: Input
    tool: Tool


class CriterionText(NamedTuple):
    """A criterion of a study; its parts are not needed."""

    id: str
    kind: Kind
    text: str
    source: str


class StudyTexts(NamedTuple):
    """What a page says of a study beside its counts."""

    id: str
    title: str
    criteria: Sequence[CriterionText]
    what_if: WhatIf | None = None
    flow_svg: str | None = None
    """A drawing of the flow; it is shown as a picture, so nothing in it can act on the page."""


class PatientRow(NamedTuple):
    """One line of the table of patients, as in `screening_log.csv`."""

    patient_id: str
    study: str
    as_of: str
    status: Status
    failed: Sequence[str]
    unknown: Sequence[str]
    needs: Sequence[str]
    rescreen_on: str | None = None


class RowReasons(NamedTuple):
    """Why the criteria of a row fail and are unknown."""

    patient_id: str
    study: str
    reasons: Sequence[str]
    """One for each of the row's `failed`, then one for each of its `unknown`."""
