"""Runs a plan on records in DuckDB, locked against everything but the question asked."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from screener import database, opening, plan_cache
from screener.encoding.dictionaries import BETWEEN, TERM_SHAPES
from screener.entries import entries_of, values_of
from screener.errors import StudyError
from screener.later import Later
from screener.plan import Plan
from screener.reasons import statement

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from screener.entries import Gathered


@dataclass
class Words:
    """The words of some records that the dictionaries are asked about."""

    drugs: set[str] = field(default_factory=set)
    sites: set[str] = field(default_factory=set)
    tests: set[str] = field(default_factory=set)
    units: set[str] = field(default_factory=set)
    neoplasms: set[str] = field(default_factory=set)

    def within(self, others: Words) -> bool:
        """Whether others hold all of these."""
        return all(
            mine <= theirs
            for mine, theirs in zip(vars(self).values(), vars(others).values(), strict=True)
        )

    @staticmethod
    def of(given: Gathered) -> Words:
        """The words of some records."""
        lesions = entries_of(given.entries("imaging"), "lesions")
        return Words(
            drugs={*entries_of(given.entries("therapies"), "drugs"), *given.entries("allergies")},
            sites=values_of(lesions, "site") | values_of(given.entries("metastases"), "site"),
            tests=values_of(given.entries("labs"), "test"),
            units=values_of(given.entries("labs"), "unit"),
            neoplasms=values_of(given.entries("other_malignancies"), "type"),
        )


class Question(msgspec.Struct, frozen=True):
    """A record as canonical JSON, its screening date, and later days on which to ask again."""

    record: str
    as_of: date | None
    """None where it is not known, so that whatever depends on it is unknown."""
    later: Sequence[date] = ()


class Answered(msgspec.Struct, frozen=True):
    """What a part says of one record, variant and day; `truths` are those of its nodes."""

    n: int
    variant: int
    as_of: date | None
    screened_on: date | None
    ignored: int
    truths: list[bool | None]
    days: list[date | None]


class Engine:
    """A database in memory that knows a plan's macros and nothing else, and its statements.

    A study file is code: external access is off, extensions are neither installed nor loaded, and
    the configuration is locked before any of it runs.

    Preparing the statements starts at once, in the background. `kept` is a database that was begun
    before the plan itself was read, from the file that was kept of it.
    """

    def __init__(
        self,
        plan: Plan,
        threads: int = 1,
        *,
        few: bool = False,
        kept: Later[DuckDBPyConnection] | None = None,
    ) -> None:
        self.plan = plan
        self.parts = plan.halves if few or kept else [plan.whole]
        self._threads = threads
        self._asked: dict[str, str] = {}
        self._viewed: Sequence[Question] | None = None
        """What the view holds; whoever asks about the same again gives the same words."""
        path = plan_cache.database(plan.sha256) if few and not kept else None
        if path:
            kept = Later(lambda: opening.read_file(database.unlocked(threads), path))
        self._kept = kept is not None
        self._opening = (
            Later(lambda: opening.of_file(kept.result(), plan)) if kept else self._from_text()
        )

    def _from_text(self) -> Later[opening.Opened]:
        return Later(lambda: opening.of_plan(self.plan, self.parts, self._threads))

    def _opened(self) -> opening.Opened:
        try:
            return self._opening.result()
        except database.Error:
            if not self._kept:
                raise
        # The file that was kept is damaged; the plan says the same.
        self._kept = False
        self._opening = self._from_text()
        return self._opening.result()

    @property
    def connection(self) -> DuckDBPyConnection:
        """The connection, once it is open."""
        return self._opened().connection

    def ask(
        self, questions: Sequence[Question], asked: list[dict[str, Any]], words: Words
    ) -> list[list[Answered]]:
        """Answer questions with each parameter set of `asked`: the rows of each of `parts`.

        `n` is the position among the questions.

        Raises:
            StudyError: an expression of the study cannot be computed for a record.
        """
        try:
            self._put(questions, asked, words)
            running = [
                Later(partial(_rows, prepared, part.table))
                for prepared, part in zip(self._opened().answering, self.parts, strict=True)
            ]
            return [[Answered(*row) for row in rows.result()] for rows in running]
        except database.Error:
            raise unanswerable(self.plan.study_id) from None

    def words(self, wanted: Sequence[Collection[bool | None]]) -> list[list[tuple[Any, ...]]]:
        """Words of what was asked last: the rows of each part, as `reasons.statement` has them.

        `wanted` holds for each leaf the truths that occur.

        Raises:
            StudyError: a text of the study cannot be computed for a record.
        """
        try:
            running = [
                Later(partial(_all_rows, prepared.result(), statement(self.plan, part, wanted)))
                for prepared, part in zip(self._opened().answering, self.parts, strict=True)
            ]
            return [rows.result() for rows in running]
        except database.Error:
            raise unanswerable(self.plan.study_id) from None

    def ask_facts(
        self, questions: Sequence[Question], asked: list[dict[str, Any]], words: Words
    ) -> list[dict[str, Any]]:
        """One row for each record: `<fact>_found` with value and words, and columns of evidence.

        Raises:
            StudyError: an expression of the study cannot be computed for a record.
        """
        try:
            self._put(questions, asked, words)
            found = self.connection.execute(self.plan.facts_statement)
        except database.Error:
            raise unanswerable(self.plan.study_id) from None
        names = [column[0] for column in found.description or []]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        return sorted(rows, key=lambda row: int(row["n"]))

    def ask_statement(
        self,
        statement: str,
        questions: Sequence[Question],
        asked: list[dict[str, Any]],
        words: Words,
    ) -> list[tuple[Any, ...]]:
        """The rows of another statement of the plan, one for each question and in their order.

        Raises:
            StudyError: an expression of the study cannot be computed for a record.
        """
        try:
            self._put(questions, asked, words)
            if statement not in self._asked:
                name = f"asked_{len(self._asked)}"
                self.connection.execute(f"PREPARE {name} AS {statement}")
                self._asked[statement] = name
            rows = self.connection.execute(f"EXECUTE {self._asked[statement]}").fetchall()
            return sorted(rows, key=lambda row: row[0])
        except database.Error:
            raise unanswerable(self.plan.study_id) from None

    def _put(
        self, questions: Sequence[Question], asked: list[dict[str, Any]], words: Words
    ) -> None:
        connection = self.connection
        connection.execute("DELETE FROM variants")
        put_variants(connection, self.plan, asked)
        if questions is self._viewed:
            return
        self._viewed = None
        connection.execute("DELETE FROM question; DELETE FROM terms; DELETE FROM viewed")
        connection.execute(
            "INSERT INTO question "
            "SELECT unnest($n), unnest($as_of), unnest($later), unnest($record)",
            {
                "n": list(range(len(questions))),
                "as_of": [question.as_of for question in questions],
                "later": [list(question.later) for question in questions],
                "record": [question.record for question in questions],
            },
        )
        put_terms(connection, self.plan, words)
        self._opened().filling.result().execute("EXECUTE fill")
        self._viewed = questions


def _rows(prepared: Later[DuckDBPyConnection], table: str) -> list[tuple[Any, ...]]:
    cursor = prepared.result()
    cursor.execute(f"DELETE FROM {table}")  # noqa: S608
    cursor.execute("EXECUTE answer")
    return _all_rows(
        cursor,
        f"SELECT n, variant, as_of, screened_on, ignored, truths, days FROM {table}",  # noqa: S608
    )


def _all_rows(cursor: DuckDBPyConnection, text: str) -> list[tuple[Any, ...]]:
    return cursor.execute(text).fetchall()


def unanswerable(study_id: str, patient_id: str | None = None) -> StudyError:
    """Say that an expression fails; what DuckDB says of it quotes values of the record."""
    record = f"the record of {patient_id}" if patient_id else "this record"
    return StudyError(
        f"{study_id}: an expression of the study cannot be computed for {record}, "
        "such as a text read as a number; run `screen check` on the study with an example of it"
    )


def put_variants(
    connection: DuckDBPyConnection, plan: Plan, asked: Sequence[dict[str, Any]]
) -> None:
    """Put the parameter sets to ask with into the table `variants`."""
    names = ["variant", *plan.parameters]
    connection.execute(
        f"INSERT INTO variants SELECT {', '.join('unnest(?)' for _ in names)}",
        [[variant[name] for variant in asked] for name in names],
    )


def put_terms(connection: DuckDBPyConnection, plan: Plan, words: Words) -> None:
    """Put what the dictionaries know of some words into the table `terms`.

    Only of these: a map is searched from end to end, and the dictionaries hold thousands of names.
    """
    row = connection.execute(
        "SELECT list_transform($drugs, lambda w: drug_key(w)),"
        " list_transform($sites, lambda w: site_key(w)),"
        " list_transform($tests, lambda w: term_key(w)),"
        " list_transform($units, lambda w: unit_key(w)),"
        " list_transform($neoplasms, lambda w: neoplasm_key(w))",
        {name: [*sorted(given), ""] for name, given in vars(words).items()},
    ).fetchone()
    keys = {
        name: dict(zip([*sorted(given), ""], found, strict=True))
        for (name, given), found in zip(vars(words).items(), row or (), strict=True)
    }
    known = plan.terms
    tests = {word: known["tests"].get(key, key) for word, key in keys["tests"].items()}
    near = _near_drugs(
        connection, plan, [key for key in keys["drugs"].values() if key not in known["drugs"]]
    )
    found = {
        "drugs": {
            word: {"key": key, **known["drugs"].get(key, {}), "nearest": near.get(key)}
            for word, key in keys["drugs"].items()
        },
        "sites": {w: known["sites"][k] for w, k in keys["sites"].items() if k in known["sites"]},
        "tests": tests,
        "units": {
            f"{test}{BETWEEN}{unit}": known["units"][f"{name} {key}"]
            for test, name in tests.items()
            for unit, key in keys["units"].items()
            if f"{name} {key}" in known["units"]
        },
        "neoplasms": {
            word: known["neoplasms"][key]
            for word, key in keys["neoplasms"].items()
            if key in known["neoplasms"]
        },
    }
    texts = {
        name: json.dumps([{"key": word, "value": value} for word, value in said.items()])
        for name, said in found.items()
    }
    entries = ", ".join(
        f"map_from_entries(from_json(${name}, "
        f'\'[{{"key": "VARCHAR", "value": {json.dumps(TERM_SHAPES[name])}}}]\'))'
        for name in TERM_SHAPES
    )
    connection.execute(f"INSERT INTO terms SELECT {entries}", texts)


def _near_drugs(
    connection: DuckDBPyConnection, plan: Plan, keys: list[str]
) -> dict[str, list[str]]:
    """For names that the dictionary lacks: the drugs that they contain, or that are nearest."""
    near: dict[str, list[str]] = {}
    known = plan.terms["drugs"]
    for key in keys:
        held = {drug["name"] for name, drug in known.items() if _telling(name) and name in key}
        if held:
            near[key] = sorted(held)
            continue
        allowed = max(1, len(key) // 5)
        names = [name for name in known if abs(len(name) - len(key)) <= allowed]
        if len(key) < 4 or not names:
            continue
        best = connection.execute(
            "SELECT n FROM (SELECT unnest($names) AS n) WHERE damerau_levenshtein($key, n)"
            " <= $allowed ORDER BY damerau_levenshtein($key, n), n LIMIT 1",
            {"names": names, "key": key, "allowed": allowed},
        ).fetchone()
        if best:
            near[key] = [known[best[0]]["name"]]
    return near


def _telling(name: str) -> bool:
    """Whether a name is long enough to mean a drug wherever it stands in a text."""
    return len(name) >= (2 if not name.isascii() else 5)
