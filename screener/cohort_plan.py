"""The cohort parts of a compiled study, as plain data beside its criteria (`plan.py`)."""

from __future__ import annotations

from typing import Any

import msgspec

from screener.result import Status


class Variable(msgspec.Struct, frozen=True):
    """A derived variable as results and tables show it."""

    id: str
    label: str
    unit: str
    kind: str
    """`one_of` (each patient is in one category), `any_of` (in any number), or `number`."""
    categories: list[str]
    unknown: str
    """The label of those of whom it cannot be told."""
    reading: str
    remark: str


class CohortPlan(msgspec.Struct, frozen=True):
    """What a study says beside its criteria, compiled."""

    index_means: str
    """What happened on the patients' own index date; empty where the study has none."""
    index_statement: str
    """One row of n, event, day and entry for each record, as of the screening date."""
    undocumented: dict[str, str]
    """Lists that count as empty where they are absent and as whole otherwise, with the source."""
    unknown_counts_as: Status
    """What a patient is of whom nothing fails and something is unknown."""
    variables: list[Variable]
    variables_statement: str
    """One row for each record: n, the truths of all categories, the values of all numbers."""
    table_one: list[str]
    flow: dict[str, Any]
    """`screened`, `included`, and `steps` of criterion, label and optional."""

    @property
    def one_by_one(self) -> bool:
        """Whether one statement does not decide on a record, or more than truths are asked for."""
        return bool(
            self.index_statement
            or self.undocumented
            or self.variables
            or self.unknown_counts_as != "undetermined"
        )
