"""Screens records: from the rows that the engine answers to typed results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from screener.errors import UsageError
from screener.plan import BASE, STRICT, Node, Plan
from screener.result import (
    Advisory,
    CriterionResult,
    Evidence,
    Outcome,
    Provenance,
    ScreeningResult,
    Status,
    StudyRef,
    Truth,
)

if TYPE_CHECKING:
    import duckdb

    from screener.record import Record

TOOL = "trial-screen"


@dataclass(frozen=True)
class Settings:
    """What a user decides beside the study: site thresholds, lists taken as whole, strictness."""

    thresholds: Mapping[str, Any] = field(default_factory=dict)
    """The site's own values of parameters, by name."""
    complete: frozenset[str] = frozenset()
    """Names of lists that the user knows to be whole."""
    strict: bool = False
    """Whether what rests on an assumed parameter is unknown."""


class Screener:
    """One study, ready to screen any number of records.

    Raises:
        UsageError: a threshold names no parameter of the study, or has the wrong type.
    """

    def __init__(self, plan: Plan, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.plan = _with_thresholds(plan, self.settings.thresholds)
        self._set = [n for n in self.plan.parameters if n in self.settings.thresholds]
        self._reported = self._set + [
            name
            for name, parameter in self.plan.parameters.items()
            if parameter["assumed"] and name not in self._set
        ]
        self._connection: duckdb.DuckDBPyConnection | None = None

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The locked connection that runs the study, opened at first use."""
        if self._connection is None:
            from screener import engine  # noqa: PLC0415  # DuckDB is needed only to screen

            self._connection = engine.connect(self.plan)
            engine.prepare(self._connection, self.plan)
        return self._connection

    def screen(self, records: Sequence[Record], as_of: date) -> list[ScreeningResult]:
        """Results in the order of the records.

        `as_of` is the screening date: what is dated later is not used.
        """
        from screener import engine  # noqa: PLC0415

        if not records:
            return []
        taken = [_complete(record, self.settings.complete) for record in records]
        texts = [_text(record) for record, _ in taken]
        asked = engine.variants(self.plan, self._reported, strict=self.settings.strict)
        terms = self._terms([record for record, _ in taken])
        rows = engine.ask(self.connection, [(t, as_of) for t in texts], asked, terms)
        answers: dict[int, list[tuple[Any, ...]]] = {}
        for row in rows:
            answers.setdefault(row[0], []).append(row)
        return [
            self._result(record, lists, _text(original), answers[number], as_of)
            for number, ((record, lists), original) in enumerate(zip(taken, records, strict=True))
        ]

    def truths(self, records: Sequence[Record], as_of: date) -> list[list[bool | None]]:
        """Only the truths of all criteria and parts, in the order of `plan.nodes`."""
        from screener import engine  # noqa: PLC0415

        asked = engine.variants(self.plan, [], strict=False)[:1]
        texts = [(_text(record), as_of) for record in records]
        rows = engine.ask(self.connection, texts, asked, self._terms(records))
        return [row[4] for row in sorted(rows, key=lambda row: row[0]) if row[2] == as_of]

    def facts(self, records: Sequence[Record], as_of: date) -> list[list[dict[str, Any]]]:
        """Every fact of the study about each record.

        Each as name, label, means, type, unit, source, value (JSON), words and evidence.
        """
        from screener import engine  # noqa: PLC0415

        taken = [_complete(record, self.settings.complete)[0] for record in records]
        asked = engine.variants(self.plan, [], strict=self.settings.strict)
        asked = [{**asked[-1 if self.settings.strict else 0], "variant": BASE}]
        texts = [(_text(record), as_of) for record in taken]
        rows = engine.ask_facts(self.connection, self.plan, texts, asked, self._terms(taken))
        return [
            [
                {
                    **fact,
                    "value": _json(row[f"{fact['name']}_found"]["value"]),
                    "words": row[f"{fact['name']}_found"]["words"],
                    "evidence": [e.model_dump() for e in _evidence(self.plan, [fact["name"]], row)],
                }
                for fact in self.plan.facts
            ]
            for row in rows
        ]

    def _terms(self, records: Sequence[Record]) -> str:
        from screener import engine  # noqa: PLC0415

        words = engine.Words()
        for record in records:
            words.read(record)
        return engine.look_up(self.connection, self.plan, words)

    def _result(
        self,
        record: Record,
        lists: list[str],
        original: str,
        rows: list[tuple[Any, ...]],
        as_of: date,
    ) -> ScreeningResult:
        plan = self.plan
        answer = _Answer(plan, rows, strict=self.settings.strict, names=self._reported)
        shown = [self._criterion(index, answer, lists) for index in plan.top]
        clears = {c.id: c.clears_on for c in shown if c.outcome == "fail"}
        rescreen = _first_day_without_fail(plan, answer, clears) if clears else None
        status: Status = "eligible"
        if clears:
            status = "ineligible"
        elif any(c.outcome == "unknown" for c in shown):
            status = "undetermined"
        helps = status == "undetermined" or rescreen is not None
        assumptions = _distinct(a for c in shown for a in c.assumptions)
        return ScreeningResult(
            patient_id=record.id,
            study=StudyRef(id=plan.study_id, version=plan.version, sha256=plan.sha256),
            as_of=as_of,
            status=status,
            criteria=shown,
            needs=_distinct(need for c in shown for need in c.needs) if helps else [],
            rescreen_on=rescreen,
            advisories=[
                Advisory(id=name, text=text)
                for name, text in zip(plan.advisories, answer.advisories, strict=True)
                if text
            ],
            assumptions=assumptions,
            ignored_entries=answer.ignored,
            provenance=Provenance(
                record_sha256=hashlib.sha256(original.encode()).hexdigest(),
                tool=TOOL,
                tool_version=_version(),
            ),
        )

    def _criterion(self, index: int, answer: _Answer, lists: list[str]) -> CriterionResult:
        node = self.plan.nodes[index]
        truth = answer.truth(index)
        outcome = _outcome(node.kind, truth)
        parts = [self._criterion(part, answer, lists) for part in node.parts]
        needs: list[str] = []
        evidence: list[Evidence] = []
        rests_on = answer.rests_on(index)
        if node.leaf is None:
            reason = _compound_reason(node, truth, parts)
            if truth is None:
                needs = _distinct(need for part in parts for need in part.needs)
        else:
            evidence = _evidence(self.plan, self.plan.leaves[node.leaf], answer.columns)
            if truth is None:
                whys = answer.explanations(node.leaf)
                reason = " ".join(_distinct(why["say"] for why in whys))
                needs = _distinct(why["ask"] for why in whys if why["ask"])
                rests_on = _distinct([*rests_on, *(n for why in whys for n in why["rests_on"])])
                if answer.known_but_assumed(index):
                    reason = "Decided only by an assumed threshold, which --strict does not use."
                    needs = [f"a confirmed value of {name}" for name in answer.rests_on_all(index)]
                    rests_on = []
            else:
                reason = answer.reasons[node.leaf]
        assumptions = [self._assumption(name) for name in rests_on]
        assumptions += [f"{name} is taken as the whole list (--complete)" for name in lists
                        if node.leaf is not None and truth is not None]  # fmt: skip
        return CriterionResult(
            id=node.id,
            kind=node.kind,  # type: ignore[arg-type]  # from the study's closed vocabulary
            text=node.text,
            source=node.source,
            truth=_TRUTHS[truth],
            outcome=outcome,
            reason=reason,
            evidence=evidence,
            needs=needs,
            assumptions=_distinct([*assumptions, *(a for part in parts for a in part.assumptions
                                                   if part.truth != "unknown")]),
            clears_on=_clears_on(self.plan, index, answer) if outcome == "fail" else None,
            parts=parts,
        )  # fmt: skip

    def _assumption(self, name: str) -> str:
        parameter = self.plan.parameters[name]
        value = parameter["value"]
        if isinstance(value, bool):
            value = "yes" if value else "no"
        elif isinstance(value, float):
            value = f"{value:g}"
        elif isinstance(value, list):
            value = ", ".join(value)
        unit = parameter["unit"] if parameter["unit"] != "truth value" else ""
        how = "set by the site" if name in self._set else f"assumed: {parameter['source']}"
        return f"{name} = {value}{' ' + unit if unit else ''} ({how})"


class _Answer:
    """The engine's rows about one record."""

    def __init__(
        self, plan: Plan, rows: list[tuple[Any, ...]], *, strict: bool, names: list[str]
    ) -> None:
        self._plan = plan
        self._strict = strict
        self._names = names
        self._truths: dict[tuple[int, date], list[bool | None]] = {}
        for _, variant, day, screened_on, truths, *rest in rows:
            self._truths[(variant, day)] = truths
            if variant == BASE and day == screened_on:
                self.screened_on: date = screened_on
                self.reasons, opens, self._whys, self.advisories, self.ignored = rest[:5]
                self._open = dict(zip(plan.opens, opens, strict=True))
                self.columns = dict(zip(plan.shown, rest[5:], strict=True))
        self.days = sorted(day for variant, day in self._truths if variant == BASE)

    def explanations(self, leaf: int) -> list[dict[str, Any]]:
        """Why the facts of a leaf leave it open: {say, ask, rests_on} each."""
        found = {
            position: self._whys[position]
            for fact in self._plan.leaves[leaf]
            for name, position in self._plan.explains[fact]
            if self._open[name]
        }
        return [why for why in found.values() if why]

    def truth(self, index: int, day: date | None = None) -> bool | None:
        """Truth of a criterion; strictly, only what holds without the assumed parameters too."""
        day = day or self.screened_on
        truth = self._truths[(BASE, day)][index]
        if self._strict and self._truths[(STRICT, day)][index] != truth:
            return None
        return truth

    def known_but_assumed(self, index: int) -> bool:
        """Whether only strictness makes a criterion unknown."""
        return self._strict and self._truths[(BASE, self.screened_on)][index] is not None

    def rests_on(self, index: int) -> list[str]:
        """The reported parameters without which the truth would be another."""
        return [] if self._strict else self.rests_on_all(index)

    def rests_on_all(self, index: int) -> list[str]:
        """The same, however strict."""
        day = self.screened_on
        base = self._truths[(BASE, day)][index]
        single = [
            name
            for number, name in enumerate(self._names, start=1)
            if self._truths[(number, day)][index] != base
        ]
        strict = self._truths.get((STRICT, day))
        if single or strict is None or strict[index] == base:
            return single
        return list(self._names)  # several, each of which another can stand in for


_TRUTHS: dict[bool | None, Truth] = {True: "met", False: "not_met", None: "unknown"}


def _outcome(kind: str, truth: bool | None) -> Outcome:
    if truth is None:
        return "unknown"
    return "pass" if truth == (kind == "inclusion") else "fail"


def _compound_reason(node: Node, truth: bool | None, parts: list[CriterionResult]) -> str:
    outcome = _outcome(node.kind, truth)
    deciding = [part for part in parts if part.outcome == outcome]
    if outcome == "pass":
        return " ".join(part.reason for part in deciding)
    return " ".join(f"{part.id}: {part.reason}" for part in deciding)


def _evidence(plan: Plan, facts: Iterable[str], columns: Mapping[str, Any]) -> list[Evidence]:
    """The recorded values that facts rest on."""
    found: dict[str, Evidence] = {}

    def add(path: str, value: Any, when: Mapping[str, Any] | None) -> None:
        if isinstance(value, dict):  # a date as a span
            value = value["text"]
        if value is None:
            return
        if isinstance(value, Decimal):
            value = int(value) if value == value.to_integral_value() else float(value)
        day = when["text"] if when else None
        found.setdefault(path, Evidence(path=path, value=value, date=day))

    for spec in (spec for fact in facts for spec in plan.evidence.get(fact, [])):
        column = columns[spec["column"]]
        if "path" in spec:
            rest = spec["path"].split(".")[1:]
            add(spec["path"], column[rest[0]] if rest and column else column, None)
            continue
        for entry in column or []:
            for item in (entry[spec["within"]] or []) if spec["within"] else [entry]:
                for name, key in spec["fields"].items():
                    if item["path"] is not None:
                        path = f"{item['path']}.{name}" if name else item["path"]
                        add(path, item[key], entry.get("date"))
    return list(found.values())


def _json(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _clears_on(plan: Plan, index: int, answer: _Answer) -> date | None:
    """The first day on which a failing criterion no longer fails, if only time is needed."""
    node = plan.nodes[index]
    failing = [p for p in node.parts if _fails(plan, p, answer, answer.screened_on)]
    if node.parts:
        if not all(_clears_on(plan, part, answer) for part in failing):
            return None
    elif not node.clears:
        return None
    for day in answer.days:
        if day > answer.screened_on and not _fails(plan, index, answer, day):
            return day
    return None


def _fails(plan: Plan, index: int, answer: _Answer, day: date) -> bool:
    return _outcome(plan.nodes[index].kind, answer.truth(index, day)) == "fail"


def _first_day_without_fail(
    plan: Plan, answer: _Answer, clears: Mapping[str, date | None]
) -> date | None:
    days = [day for day in clears.values() if day is not None]
    if len(days) < len(clears):
        return None
    for day in answer.days:
        if day >= max(days) and not any(_fails(plan, i, answer, day) for i in plan.top):
            return day
    return None


def _complete(record: Record, names: frozenset[str]) -> tuple[Record, list[str]]:
    """The record with lists taken as whole, and which of them were partial."""
    partial = record.partial or []
    changed = sorted(names & set(partial))
    if not changed:
        return record, []
    rest = [name for name in partial if name not in names]
    return record.model_copy(update={"partial": rest}), changed


def _text(record: Record) -> str:
    from screener.record import canonical_json  # noqa: PLC0415

    return canonical_json(record)


def _with_thresholds(plan: Plan, thresholds: Mapping[str, Any]) -> Plan:
    if not thresholds:
        return plan
    import dataclasses  # noqa: PLC0415

    parameters = {name: dict(parameter) for name, parameter in plan.parameters.items()}
    for name, value in thresholds.items():
        if name not in parameters:
            raise UsageError(
                f"{plan.study_id} has no parameter {name}{_near(name, list(parameters))}. "
                f"`screen show {plan.study_id}` lists them."
            )
        parameters[name] |= {"value": _converted(name, value, parameters[name]), "assumed": False}
    return dataclasses.replace(plan, parameters=parameters)


def _converted(name: str, value: Any, parameter: Mapping[str, Any]) -> Any:
    old = parameter["value"]
    given = value
    if isinstance(old, list):
        if isinstance(value, str):
            value = [item.strip() for item in value.split(",") if item.strip()]
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        raise UsageError(f"{name} takes a list of words separated by commas, not {given!r}")
    if isinstance(old, bool):
        words = {"true": True, "yes": True, "false": False, "no": False}
        if isinstance(value, str):
            value = words.get(value.lower())
        if isinstance(value, bool):
            return value
        raise UsageError(f"{name} takes yes or no, not {given!r}")
    if isinstance(old, str):
        return str(value)
    try:
        number = float(value) if not isinstance(value, bool) else float("nan")
    except (TypeError, ValueError):
        number = float("nan")
    if not 0 <= number <= 1e6:
        unit = f" in {parameter['unit']}" if parameter["unit"] else ""
        raise UsageError(f"{name} takes a number from 0 to 1000000{unit}, not {given!r}")
    return int(number) if number.is_integer() else number


def _near(name: str, known: list[str]) -> str:
    from rapidfuzz import process  # noqa: PLC0415  # only ever needed for an error

    found = process.extractOne(name, known, score_cutoff=60)
    return f"; did you mean {found[0]}?" if found else ""


def _distinct(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))


def _version() -> str:
    from screener import __version__  # noqa: PLC0415

    return __version__


