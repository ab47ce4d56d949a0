"""Runs a plan on records in DuckDB, locked against everything but the question asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from screener import database
from screener.errors import StudyError
from screener.plan import BASE, STRICT, Part, Plan

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from screener.record import Record


@dataclass
class Words:
    """The words of some records that the dictionaries are asked about."""

    drugs: set[str] = field(default_factory=set)
    sites: set[str] = field(default_factory=set)
    tests: set[str] = field(default_factory=set)
    units: set[str] = field(default_factory=set)
    neoplasms: set[str] = field(default_factory=set)

    def read(self, record: Record) -> None:
        """Add the words of a record."""
        for therapy in record.therapies or []:
            self.drugs.update(therapy.drugs or [])
        self.drugs.update(record.allergies or [])
        self.sites.update(x.site for x in record.metastases or [])
        for exam in record.imaging or []:
            self.sites.update(x.site for x in exam.lesions or [] if x.site)
        for lab in record.labs or []:
            self.tests.add(lab.test)
            self.units.update([lab.unit] if lab.unit else [])
        self.neoplasms.update(x.type for x in record.other_malignancies or [])


class Engine:
    """A database in memory that knows a plan's macros and nothing else, and its statements.

    A study file is code: external access is off, extensions are neither installed nor loaded, and
    the configuration is locked before any of it runs.

    `parts` are asked together, each on a thread of its own; binding them starts at once, in the
    background, since it takes longer than all else that a single record needs.
    """

    def __init__(self, plan: Plan, parts: Sequence[Part], threads: int = 1) -> None:
        self.plan = plan
        self.parts = parts
        self._threads = threads
        self._pool = ThreadPoolExecutor(max_workers=len(parts) + 1)
        self._ready = self._pool.submit(self._open)

    def _open(self) -> tuple[DuckDBPyConnection, list[Future[DuckDBPyConnection]]]:
        connection = database.connect(self._threads)
        connection.execute(f"BEGIN; {self.plan.tables}; {self.plan.logic}; COMMIT")
        cursors = [connection.cursor() for _ in self.parts]
        if len(self.parts) > 1:
            # For a few records, rewriting the statement takes longer than running it as it is.
            for cursor in [connection, *cursors]:
                cursor.execute("PRAGMA disable_optimizer")
        connection.execute("SET lock_configuration = true")
        prepared = [
            self._pool.submit(_prepared, cursor, "screening", part.statement)
            for cursor, part in zip(cursors, self.parts, strict=True)
        ]
        return _prepared(connection, "fill", self.plan.fill), prepared

    @property
    def connection(self) -> DuckDBPyConnection:
        """The connection, once it is open."""
        return self._ready.result()[0]

    def ask(
        self,
        records: Sequence[tuple[str, date | None, Sequence[date]]],
        asked: list[dict[str, Any]],
        terms: str,
    ) -> list[list[tuple[Any, ...]]]:
        """The rows of each part, as `plan.Part` describes them.

        `records` are JSON texts, each with its screening date and later days on which to ask again;
        `n` is the position among them. A day of None is one that is not known.

        Raises:
            StudyError: an expression of the study cannot be computed for a record.
        """
        try:
            self._put(records, asked, terms)
            _, prepared = self._ready.result()
            cursors = [future.result() for future in prepared]
            running = [self._pool.submit(_rows, cursor) for cursor in cursors[1:]]
            return [_rows(cursors[0]), *(future.result() for future in running)]
        except database.Error:
            raise self._fault() from None

    def ask_facts(
        self,
        records: Sequence[tuple[str, date | None, Sequence[date]]],
        asked: list[dict[str, Any]],
        terms: str,
    ) -> list[dict[str, Any]]:
        """One row for each record: `<fact>_found` with value and words, and columns of evidence.

        Raises:
            StudyError: an expression of the study cannot be computed for a record.
        """
        try:
            self._put(records, asked, terms)
            found = self.connection.execute(self.plan.facts_statement)
        except database.Error:
            raise self._fault() from None
        names = [column[0] for column in found.description or []]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        return sorted(rows, key=lambda row: int(row["n"]))

    def ask_statement(
        self,
        statement: str,
        records: Sequence[tuple[str, date | None, Sequence[date]]],
        asked: list[dict[str, Any]],
        terms: str,
    ) -> list[tuple[Any, ...]]:
        """The rows of one of the plan's other statements, one for each record and in its order.

        Raises:
            StudyError: an expression of the study cannot be computed for a record.
        """
        try:
            self._put(records, asked, terms)
            return sorted(self.connection.execute(statement).fetchall(), key=lambda row: row[0])
        except database.Error:
            raise self._fault() from None

    def _fault(self) -> StudyError:
        # What DuckDB says of it quotes values of the record, so it is not passed on.
        return StudyError(
            f"{self.plan.study_id}: an expression of the study cannot be computed for this record, "
            "such as a text read as a number; run `screen check` on the study with an example of it"
        )

    def _put(
        self,
        records: Sequence[tuple[str, date | None, Sequence[date]]],
        asked: list[dict[str, Any]],
        terms: str,
    ) -> None:
        items = ",".join(
            f'{{"n":{number},"as_of":{json.dumps(day and day.isoformat())},'
            f'"days":{json.dumps([d.isoformat() for d in days])},"record":{text}}}'
            for number, (text, day, days) in enumerate(records)
        )
        names = ["variant", *self.plan.parameters]
        marks = ", ".join("?" for _ in names)
        values = [variant[name] for variant in asked for name in names]
        connection = self.connection
        connection.execute("DELETE FROM question; DELETE FROM viewed; DELETE FROM variants")
        connection.execute("INSERT INTO question VALUES (?, ?)", [f"[{items}]", terms])
        connection.execute(
            f"INSERT INTO variants VALUES {', '.join(f'({marks})' for _ in asked)}",  # noqa: S608
            values,
        )
        connection.execute("EXECUTE fill")


def _prepared(cursor: DuckDBPyConnection, name: str, statement: str) -> DuckDBPyConnection:
    cursor.execute(f"PREPARE {name} AS {statement}")
    return cursor


def _rows(cursor: DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return cursor.execute("EXECUTE screening").fetchall()


def look_up(connection: DuckDBPyConnection, plan: Plan, words: Words) -> str:
    """What the dictionaries know of some words, as JSON for a question.

    Only these: a map is searched from end to end, and the dictionaries hold thousands of names.
    """
    row = connection.execute(
        "SELECT list_transform($drugs, lambda w: drug_key(w)),"
        " list_transform($sites, lambda w: site_key(w)),"
        " list_transform($tests, lambda w: term_key(w)),"
        " list_transform($units, lambda w: unit_key(w)),"
        " list_transform($neoplasms, lambda w: neoplasm_key(w))",
        {name: [*sorted(given), ""] for name, given in vars(words).items()},
    ).fetchone()
    drugs, sites, tests, units, neoplasms = row or ([], [], [], [], [])
    names = {plan.terms["tests"].get(key, key) for key in tests}
    asked = {
        "drugs": drugs,
        "sites": sites,
        "tests": tests,
        "units": [f"{name} {unit}" for name in names for unit in units],
        "neoplasms": neoplasms,
    }
    found = {
        name: {key: plan.terms[name][key] for key in keys if key in plan.terms[name]}
        for name, keys in asked.items()
    }
    found["near_drugs"] = _near_drugs(
        connection, plan, [key for key in drugs if key not in found["drugs"]]
    )
    return json.dumps(
        {
            name: [{"k": key, "v": value} for key, value in sorted(known.items())]
            for name, known in found.items()
        }
    )


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


def variants(plan: Plan, without: Sequence[Sequence[str]], *, strict: bool) -> list[dict[str, Any]]:
    """The parameter sets to ask with.

    The base set; one for each item of `without` with those parameters unknown, to see whether an
    outcome rests on them; and one (`STRICT`) with every assumed parameter unknown.
    """
    base = {name: parameter["value"] for name, parameter in plan.parameters.items()}
    assumed = {n: None for n, p in plan.parameters.items() if p["assumed"]}
    asked = [{"variant": BASE, **base}]
    if assumed or strict:
        asked.append({"variant": STRICT, **base, **assumed})
    asked += [
        {"variant": number, **base, **dict.fromkeys(names)}
        for number, names in enumerate(without, start=1)
    ]
    return asked
