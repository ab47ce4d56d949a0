"""A compiled study: its criteria as SQL statements, and what is needed to read their answers.

`compiler.py` makes a plan from an encoding, `engine.py` runs it. A plan is plain JSON, so that it
can be kept and used again as long as none of its source files has changed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from screener.cohort_plan import CohortPlan

BASE, STRICT = 0, -1
"""The variants of a question that ask with all parameters, and without the assumed ones."""


@dataclass(frozen=True)
class Node:
    """A criterion or part as results show it; `parts` are positions in `Plan.nodes`."""

    id: str
    kind: str
    text: str
    source: str
    parts: list[int]
    leaf: int | None
    """Position among the leaves, for a criterion with a predicate of its own."""
    clears: bool
    """Whether time alone can end a fail."""


@dataclass(frozen=True)
class Part:
    """Some criteria of a study as one statement, and what its columns are about.

    The statement reads the tables `viewed` and `variants`, and gives for each record, variant and
    day: n, variant, as_of, screened_on, the truths of `nodes`; and, on the row of the base variant
    on the screening date, the reasons of `leaves`, which facts of `opens` are open, the
    explanations `whys`, the texts of `advisories`, the number of ignored entries, the days on which
    a fail could clear, and the columns `shown`, which evidence is read from.
    """

    statement: str
    nodes: list[int]
    leaves: list[int]
    opens: list[str]
    whys: list[str]
    advisories: list[int]
    shown: list[str]


@dataclass(frozen=True)
class Plan:
    """One compiled study."""

    study_id: str
    version: str
    title: str
    sha256: str
    nodes: list[Node]
    top: list[int]
    """The criteria of the study, in its order, as positions in `nodes`."""
    leaves: list[list[str]]
    """For each leaf, the facts that its predicate names."""
    explains: dict[str, list[list[str]]]
    """For a fact that is unknown: pairs of a fact and the key of its explanation, to be given
    where that fact is open."""
    evidence: dict[str, list[dict[str, Any]]]
    """For each fact, where its evidence lies among the columns of an answer."""
    whole: Part
    """Every criterion in one statement, for many records."""
    halves: list[Part]
    """The criteria in two statements of about equal size. Parsing and binding takes most of the
    time that one record needs, and can be done for both at once."""
    parameters: dict[str, dict[str, Any]]
    alternatives: list[list[str]]
    """Parameters of one predicate of which either may carry an outcome (2.5 or 5 times a limit), so
    that only without all of them it would be another."""
    advisories: list[str]
    logic: str
    """The macros that the statement uses."""
    terms: dict[str, Any]
    tables: str
    """Creates the tables that a question stands in: `question`, `viewed` and `variants`."""
    fill: str
    """Fills `viewed` with the records of `question` as facts see them."""
    facts_statement: str
    """One row of facts for each record, for `screen facts`."""
    facts: list[dict[str, Any]]
    """Name, label, meaning, type, unit and source of each fact that a report may show."""
    cohort: CohortPlan
    """Index date, derived variables, baseline table and flow, of a study that has them."""

    def to_json(self) -> str:
        """The plan as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> Plan:
        """The plan that `to_json` wrote."""
        data = json.loads(text)
        return Plan(
            **{
                **data,
                "nodes": [Node(**node) for node in data["nodes"]],
                "whole": Part(**data["whole"]),
                "halves": [Part(**part) for part in data["halves"]],
                "cohort": CohortPlan.from_data(data["cohort"]),
            }
        )
