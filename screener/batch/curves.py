"""How patients divide over the values of each numeric parameter of a study.

A criterion that does not rest on a parameter is judged alike at all of its values. So only the
criteria that do are asked again, of all records and values at once; for the others it is enough to
know whether anything among them fails or is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from screener import database
from screener.batch import grid
from screener.batch.judge import words_of
from screener.compiling.compiler import Compiler
from screener.compiling.dependence import truths_statement
from screener.engine import put_terms, unanswerable
from screener.errors import StudyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from screener.batch.judge import Accepted
    from screener.encoding.study import Criterion, Encoding
    from screener.plan import Plan
    from screener.report.what_if_data import Curve
    from screener.screening import Screener


@dataclass(frozen=True)
class Known:
    """A record and what was found of it: the criteria that fail and that are unknown, by id."""

    record: Accepted
    failed: frozenset[str]
    unknown: frozenset[str]


class Division(NamedTuple):
    """How many patients are in each status."""

    eligible: int
    undetermined: int
    ineligible: int


class Curves:
    """Asks about some records with one parameter after the other at several values.

    Raises:
        StudyError: the encoding is another than the one that the records were screened for.
    """

    def __init__(self, screener: Screener, encoding: Encoding, threads: int) -> None:
        self._plan = plan = screener.plan
        unchanged(plan, encoding)
        self._strict = screener.settings.strict
        self._compiler = Compiler(encoding)
        self._connection = database.connect(threads)
        self._connection.execute(
            f"{plan.tables}; {plan.logic}; "
            "CREATE TABLE elsewhere(n INTEGER, fails BOOLEAN, opens BOOLEAN)"
        )
        self._bearing = by_parameter(plan, encoding)

    def of(self, records: Sequence[Known], as_of: date) -> list[Curve]:
        """The curve of each numeric parameter, those first at which most patients change.

        Raises:
            StudyError: an expression of the study cannot be computed for one of the records.
        """
        try:
            self._put([known.record for known in records], as_of)
            return ranked(
                self._curve(name, parameter, records)
                for name, parameter in numeric(self._plan).items()
            )
        except database.Error:
            raise unanswerable(self._plan.study_id) from None

    def _put(self, records: Sequence[Accepted], as_of: date) -> None:
        put_terms(self._connection, self._plan, words_of(records))
        self._connection.execute(
            "INSERT INTO question SELECT unnest($n), $as_of, CAST([] AS DATE[]), unnest($record)",
            {
                "n": list(range(len(records))),
                "as_of": as_of,
                "record": [record.text.decode() for record in records],
            },
        )
        self._connection.execute(f"INSERT INTO viewed {self._plan.bare_view}")

    def _curve(self, name: str, parameter: dict[str, Any], records: Sequence[Known]) -> Curve:
        bearing = self._bearing.get(name, [])
        self._elsewhere(records, {criterion.id for criterion in bearing})
        return drawn(name, parameter, bearing, lambda values: self._ask(name, bearing, values))

    def _elsewhere(self, records: Sequence[Known], bearing: set[str]) -> None:
        """Note of each record whether a criterion fails or is open that none of `bearing` is."""
        self._connection.execute("DELETE FROM elsewhere")
        self._connection.execute(
            "INSERT INTO elsewhere SELECT unnest($n), unnest($fails), unnest($opens)",
            {
                "n": list(range(len(records))),
                "fails": [bool(known.failed - bearing) for known in records],
                "opens": [bool(known.unknown - bearing) for known in records],
            },
        )

    def _ask(
        self, name: str, bearing: Sequence[Criterion], values: Sequence[float]
    ) -> dict[float, Division]:
        """The division at each value; without one at which an expression cannot be computed."""
        if not values:
            return {}
        try:
            return dict(self._divisions(name, bearing, values))
        except database.Error:  # a window of so many years leaves the calendar
            if len(values) == 1:
                return {}
            return {
                each: point
                for value in values
                for each, point in self._ask(name, bearing, [value]).items()
            }

    def _divisions(
        self, name: str, bearing: Sequence[Criterion], values: Sequence[float]
    ) -> Iterator[tuple[float, Division]]:
        base = {each: parameter["value"] for each, parameter in self._plan.parameters.items()}
        confirmed = {
            each: None if parameter["assumed"] else parameter["value"]
            for each, parameter in self._plan.parameters.items()
        }
        # A site that sets a value confirms it; strictly, only the others that are assumed count
        # for nothing. Variants 2k and 2k + 1 then ask with and without those.
        rows = [
            [variant, *{**parameters, name: value}.values()]
            for number, value in enumerate(values)
            for variant, parameters in [(2 * number, base), (2 * number + 1, confirmed)]
            if self._strict or parameters is base
        ]
        marks = f"({', '.join('?' for _ in rows[0])})"
        self._connection.execute("DELETE FROM variants")
        self._connection.execute(
            f"INSERT INTO variants VALUES {', '.join(marks for _ in rows)}",  # noqa: S608
            [cell for row in rows for cell in row],
        )
        answered = self._connection.execute(self._statement(bearing)).fetchall()
        for number, *counts in answered:
            yield values[number], Division(*counts)

    def _statement(self, bearing: Sequence[Criterion]) -> str:
        if bearing:
            source = truths_statement(self._compiler, self._plan, bearing)
        else:
            source = "SELECT n, variant FROM viewed, variants"
        asked = 2 if self._strict else 1
        agreed = "".join(
            f", CASE WHEN count(t{i}) = {asked} AND bool_and(t{i}) = bool_or(t{i}) "
            f"THEN bool_and(t{i}) END AS t{i}"
            for i in range(len(bearing))
        )
        fails = ["fails", *(f"coalesce({'NOT ' * (criterion.kind == 'inclusion')}t{i}, false)"
                            for i, criterion in enumerate(bearing))]  # fmt: skip
        opens = ["opens", *(f"t{i} IS NULL" for i in range(len(bearing)))]
        answered = f"SELECT n, variant // 2 AS number{agreed} FROM ({source}) GROUP BY ALL"  # noqa: S608
        judged = (
            f"SELECT number, {' OR '.join(fails)} AS fail, {' OR '.join(opens)} AS open "  # noqa: S608
            f"FROM ({answered}) JOIN elsewhere USING (n)"
        )
        return (
            "SELECT number, count_if(NOT fail AND NOT open), count_if(NOT fail AND open), "  # noqa: S608
            f"count_if(fail) FROM ({judged}) GROUP BY 1"
        )


def numeric(plan: Plan) -> dict[str, dict[str, Any]]:
    """The parameters of a study that are numbers, by name."""
    return {
        name: parameter
        for name, parameter in plan.parameters.items()
        if isinstance(parameter["value"], int | float) and not isinstance(parameter["value"], bool)
    }


def by_parameter(plan: Plan, encoding: Encoding) -> dict[str, list[Criterion]]:
    """The criteria that rest on each parameter."""
    found: dict[str, list[Criterion]] = {}
    for criterion, index in zip(encoding.study.criteria, plan.top, strict=True):
        for name in plan.nodes[index].rests_on:
            found.setdefault(name, []).append(criterion)
    return found


def drawn(
    name: str,
    parameter: Mapping[str, Any],
    bearing: Sequence[Criterion],
    ask: Callable[[Sequence[float]], dict[float, Division]],
) -> Curve:
    """The curve of a parameter on which the criteria `bearing` rest; `ask` divides the patients."""
    current = parameter["value"]
    found = ask(grid.coarse(current))
    values = grid.fine(current, found)
    found |= ask([value for value in values if value not in found])
    return {
        "name": name,
        "unit": parameter["unit"],
        "current": current,
        "criteria": [criterion.id for criterion in bearing],
        "curve": [
            {"value": value, **found[value]._asdict()}  # type: ignore[typeddict-item]
            for value in values or sorted(found)
            if value in found
        ],
    }


def ranked(curves: Iterable[Curve]) -> list[Curve]:
    """Put the curves first at which most patients change."""
    return sorted(curves, key=_reach, reverse=True)


def unchanged(plan: Plan, encoding: Encoding) -> None:
    """Find out whether an encoding is the one that records were screened for.

    Raises:
        StudyError: it is another.
    """
    if encoding.sha256 != plan.sha256:
        raise StudyError(
            f"{plan.study_id}: a file of the study was changed while it was used; run again"
        )


def _reach(curve: Curve) -> tuple[int, int]:
    """How far apart the most and the fewest eligible patients are, and so those undetermined."""
    eligible = [point["eligible"] for point in curve["curve"]]
    undetermined = [point["undetermined"] for point in curve["curve"]]
    return (
        max(eligible, default=0) - min(eligible, default=0),
        max(undetermined, default=0) - min(undetermined, default=0),
    )
