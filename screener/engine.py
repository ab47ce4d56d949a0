"""Runs a plan on records in DuckDB, locked against everything but the question asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb

from screener.plan import BASE, STRICT, Plan

if TYPE_CHECKING:
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


def connect(plan: Plan, threads: int = 1) -> duckdb.DuckDBPyConnection:
    """A connection in memory that knows the plan's macros and nothing else.

    A study file is code: external access is off, extensions are neither installed nor loaded, and
    the configuration is locked before any of it runs.
    """
    connection = duckdb.connect(
        config={
            "threads": threads,
            "enable_external_access": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
        }
    )
    connection.execute(
        "BEGIN; CREATE TABLE question(records VARCHAR, variants VARCHAR, terms VARCHAR);"
        + plan.logic
        + "; COMMIT"
    )
    connection.execute("SET lock_configuration = true")
    return connection


def prepare(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Have the statement parsed and bound, which is most of the time that a question takes."""
    connection.execute(f"PREPARE screening AS {plan.statement}")


def look_up(connection: duckdb.DuckDBPyConnection, plan: Plan, words: Words) -> str:
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
    found["near_drugs"] = _near_drugs(plan, [key for key in drugs if key not in found["drugs"]])
    return json.dumps(
        {
            name: [{"k": key, "v": value} for key, value in sorted(known.items())]
            for name, known in found.items()
        }
    )


def _near_drugs(plan: Plan, keys: list[str]) -> dict[str, str]:
    """For names that the dictionary lacks: the drug whose name is nearest, if one is near."""
    unknown = [key for key in keys if len(key) >= 4]  # noqa: PLR2004
    if not unknown:
        return {}
    from rapidfuzz import process  # noqa: PLC0415  # needed only for a name that is not known
    from rapidfuzz.distance import DamerauLevenshtein  # noqa: PLC0415

    known = sorted(plan.terms["drugs"])
    near = {}
    for key in unknown:
        best = process.extractOne(
            key, known, scorer=DamerauLevenshtein.distance, score_cutoff=max(1, len(key) // 5)
        )
        if best:
            near[key] = plan.terms["drugs"][best[0]]["name"]
    return near


def variants(plan: Plan, reported: Sequence[str], *, strict: bool) -> list[dict[str, Any]]:
    """The parameter sets to ask with.

    The base set; one for each parameter of `reported` with that parameter unknown, to see whether
    an outcome rests on it; and one (`STRICT`) with every assumed parameter unknown.
    """
    base = {name: parameter["value"] for name, parameter in plan.parameters.items()}
    assumed = {n: None for n, p in plan.parameters.items() if p["assumed"]}
    asked = [{"variant": BASE, **base}]
    if assumed or strict:
        asked.append({"variant": STRICT, **base, **assumed})
    asked += [
        {"variant": number, **base, name: None} for number, name in enumerate(reported, start=1)
    ]
    return asked


def ask(
    connection: duckdb.DuckDBPyConnection,
    records: Sequence[tuple[str, date]],
    asked: list[dict[str, Any]],
    terms: str,
) -> list[tuple[Any, ...]]:
    """Rows of (n, variant, as_of, screened_on, truths, reasons, opens, whys, advisories, ignored, …).

    `records` are JSON texts with their screening dates; `n` is the position among them. Reasons and
    what follows stand only in the row of the base variant on the screening date itself; the
    columns at the end are `plan.shown`. The statement must have been prepared.
    """
    _put(connection, records, asked, terms)
    return connection.execute("EXECUTE screening").fetchall()


def ask_facts(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    records: Sequence[tuple[str, date]],
    asked: list[dict[str, Any]],
    terms: str,
) -> list[dict[str, Any]]:
    """One row for each record: `<fact>_found` with value and words, and the columns of evidence."""
    _put(connection, records, asked, terms)
    found = connection.execute(plan.facts_statement)
    names = [column[0] for column in found.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return sorted(rows, key=lambda row: int(row["n"]))


def _put(
    connection: duckdb.DuckDBPyConnection,
    records: Sequence[tuple[str, date]],
    asked: list[dict[str, Any]],
    terms: str,
) -> None:
    items = ",".join(
        f'{{"n":{number},"as_of":"{day.isoformat()}","record":{text}}}'
        for number, (text, day) in enumerate(records)
    )
    connection.execute("DELETE FROM question")
    connection.execute(
        "INSERT INTO question VALUES (?, ?, ?)", [f"[{items}]", json.dumps(asked), terms]
    )
