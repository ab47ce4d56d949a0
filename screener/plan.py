"""A compiled study: its criteria as SQL statements, and what is needed to read their answers.

`compiler.py` makes a plan from an encoding, `engine.py` runs it. A plan is plain JSON, so that it
can be kept and used again as long as none of its source files has changed. Every run reads one, so
its types are those of msgspec.
"""

from __future__ import annotations

from typing import Any

import msgspec

from screener.cohort_plan import CohortPlan

BASE, STRICT = 0, -1
"""The variants of a question that ask with all parameters, and without the assumed ones."""


class Node(msgspec.Struct, frozen=True):
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
    any_of: bool
    """Whether one of its parts makes it met; else all of them do."""
    rests_on: list[str]
    """The parameters by which its truth, or that of its parts, is told."""


class Leaf(msgspec.Struct, frozen=True):
    """A criterion or part with a predicate of its own."""

    facts: list[str]
    """The facts that the predicate names, in its order."""
    met: str
    """The reason where it is met, as SQL over the columns of `known`."""
    not_met: str


class Advisory(msgspec.Struct, frozen=True):
    """An advisory, as SQL that gives its text where it applies."""

    id: str
    sql: str


class Part(msgspec.Struct, frozen=True):
    """Some criteria of a study as one statement.

    The statement reads the tables `viewed` and `variants`, and gives the rows of the part's own
    table: for each record, variant and day the truths of `nodes`, the days on which a fail could
    clear, and every column that reasons and evidence are read from.
    """

    table: str
    """The name of the table that holds what is known: `known`, `known_0`."""
    create: str
    """Creates that table."""
    statement: str
    nodes: list[int]
    """The criteria and parts, as positions in `Plan.nodes`."""
    leaves: list[int]
    """Those with a predicate of their own, as positions in `Plan.leaves`."""
    advisories: list[int]
    """The advisories whose texts are read from this table, as positions in `Plan.advisories`."""
    shown: list[str]
    """The columns that hold the evidence of the facts that the leaves name."""


class Bulk(msgspec.Struct, frozen=True):
    """What is asked of many records at once, as of a day that is known.

    It computes and reads nothing that its answers do not need. Records go through the view as they
    are read: to put them into a table first takes as long as to parse them. The macros that are
    used are written into both.
    """

    view: str
    """The records of `question` as facts see them, as of the day of the table `day`."""
    statement: str
    """For each row of a table that stands for `SOURCE`: n, variant, as_of, screened_on, and the
    truths of `Plan.nodes`, each a column that `truth_column` names."""

    def on_the_day(self, variants: str = "variants") -> str:
        """The statement for the records of `question`, on the day of their screening.

        Each is asked about with the parameters of every row of `variants`.
        """
        return self._on("screened_on", variants)

    def on_later_days(self, variants: str = "variants") -> str:
        """The same, also on the later days on which each is asked about again."""
        return self._on("unnest(list_prepend(screened_on, later))", variants)

    def _on(self, days: str, variants: str) -> str:
        source = f"(SELECT *, {days} AS as_of FROM ({self.view}), {variants})"  # noqa: S608
        return self.statement.replace(SOURCE, source)


class Many(msgspec.Struct, frozen=True):
    """What is asked of many records at once."""

    verdicts: Bulk
    """The truths."""
    explained: Bulk
    """The same, the days on which a fail could clear, and for each node with a predicate of its own
    `r<position>`, the reason, and the columns that `asks` names."""
    asks: list[list[str]]
    """For each of `Plan.leaves` the columns of what to obtain where it is open, in their order."""


def truth_column(position: int) -> str:
    """The column of a statement for many records with the truth of one of `Plan.nodes`.

    No fact can have its name, which is to be quoted.
    """
    return f"truth {position}"


SOURCE = "{source}"
"""Stands in a statement for a table of records, as of a day."""


class Plan(msgspec.Struct, frozen=True):
    """One compiled study."""

    study_id: str
    version: str
    title: str
    sha256: str
    nodes: list[Node]
    top: list[int]
    """The criteria of the study, in its order, as positions in `nodes`."""
    leaves: list[Leaf]
    explains: dict[str, list[list[str]]]
    """For a fact that is unknown: pairs of a fact and the key of its explanation, to be given
    where that fact is open."""
    whys: dict[str, str]
    """The SQL of each explanation: {say, ask, rests_on}."""
    opens: dict[str, str]
    """SQL that is true where a fact that is explained leaves something open."""
    evidence: dict[str, list[dict[str, Any]]]
    """For each fact, where its evidence lies among the columns that are known."""
    parameters: dict[str, dict[str, Any]]
    alternatives: list[list[str]]
    """Parameters of one predicate of which either may carry an outcome (2.5 or 5 times a limit), so
    that only without all of them it would be another."""
    advisories: list[Advisory]
    logic: str
    """The macros that the statements use."""
    terms: dict[str, Any]
    tables: str
    """Creates the tables that a question stands in, `question`, `terms` and `variants`, and the one
    that is filled from it, `viewed`."""
    view: str
    """The records of `question` as facts see them: the rows of `viewed`."""
    bare_view: str
    """The same where nobody asks for the places of entries in the record."""
    whole: Part
    """Every criterion in one statement, for many records."""
    halves: list[Part]
    """The criteria in two statements that take about as long to bind. That is most of the time that
    one record needs, and can be done for both at once."""
    facts_statement: str
    """One row of facts for each record, for `screen facts`."""
    facts: list[dict[str, Any]]
    """Name, label, meaning, type, unit and source of each fact that a report may show."""
    cohort: CohortPlan
    """Index date, derived variables, baseline table and flow, of a study that has them."""
    many: Many | None = None
    """What is asked of many records; None in a plan for a few, since writing it takes longest, and
    where records are asked about one by one."""

    def to_json(self) -> str:
        """The plan as JSON text."""
        return msgspec.json.encode(self).decode()

    @staticmethod
    def from_json(text: str) -> Plan:
        """The plan that `to_json` wrote.

        Raises:
            msgspec.DecodeError: the text is something else.
        """
        return msgspec.json.decode(text, type=Plan)
