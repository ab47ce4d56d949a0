"""Checks an encoding: its logic (on loading), its completeness, and its embedded examples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from screener.compiling.compiler import Compiler
from screener.encoding.study import Criterion, Encoding, Fact, leaves
from screener.encoding.yaml_file import Position
from screener.engine import Question
from screener.errors import StudyError
from screener.index_date import as_given
from screener.plan import Plan
from screener.record import Record, RecordInvalid, parse
from screener.screening import Screener

_TRUTHS = {True: "met", False: "not_met", None: "unknown"}


def check(encoding: Encoding) -> tuple[list[str], int]:
    """Everything that is wrong with an encoding, each naming file and line; and examples run.

    Raises:
        StudyError: it cannot be compiled at all.
    """
    faults = list(_incomplete(encoding))
    compiler = Compiler(encoding)
    plan = compiler.compile()
    used = {fact["name"] for fact in plan.facts}
    criteria, number = _criterion_examples(encoding, plan)
    facts, more = _fact_examples(encoding, plan, used)
    return [*faults, *criteria, *facts], number + more


def _incomplete(encoding: Encoding) -> Iterator[str]:
    for name, parameter in encoding.parameters.items():
        if not parameter.source.strip():
            yield _at(
                encoding, name, (), f"parameter {name} has no source; say so with assumed: true"
            )
    for criterion in leaves(encoding.study.criteria):
        truths = {example.truth for example in criterion.examples}
        for truth in ("met", "not_met", "unknown"):
            if truth not in truths:
                yield _at(
                    encoding, criterion.id, (), f"{criterion.id} has no example that is {truth}"
                )
    for fact in encoding.facts.values():
        if fact.type == "entries":
            continue
        for key in ("label", "source"):
            if not getattr(fact, key):
                yield _at(encoding, fact.name, (), f"fact {fact.name} has no {key}")
        if not fact.examples:
            yield _at(encoding, fact.name, (), f"fact {fact.name} has no example")


def _at(encoding: Encoding, name: str, key: Position, message: str) -> str:
    file, at = encoding.places.get(name, (encoding.study_file, ()))
    return f"{file.name}, line {file.line((*at, *key))}: {message}"


def _record(encoding: Encoding, name: str, key: Position, fragment: dict[str, Any]) -> Record:
    try:
        return parse({"id": "example", **_as_json(fragment)})
    except RecordInvalid as error:
        message = f"{name}: the example is not a valid record: {error}"
        raise StudyError(_at(encoding, name, key, message)) from None


def _as_json(value: Any) -> Any:
    """YAML data as the JSON that it stands for."""
    return json.loads(json.dumps(value, default=str))


def _criterion_examples(encoding: Encoding, plan: Plan) -> tuple[list[str], int]:
    asked: dict[date, list[tuple[Criterion, int, Record]]] = {}
    for criterion in leaves(encoding.study.criteria):
        for index, example in enumerate(criterion.examples):
            day = (
                date.fromisoformat(example.as_of)
                if example.as_of
                else encoding.study.examples_as_of
            )
            record = _record(encoding, criterion.id, ("examples", index), example.record)
            asked.setdefault(day, []).append((criterion, index, record))
    positions = {node.id: index for index, node in enumerate(plan.nodes)}
    faults, number = [], 0
    screener = Screener(plan)
    for day, examples in asked.items():
        truths = screener.truths([record for _, _, record in examples], day)
        for (criterion, index, _), row in zip(examples, truths, strict=True):
            number += 1
            found = _TRUTHS[row[positions[criterion.id]]]
            expected = criterion.examples[index].truth
            if found != expected:
                message = f"{criterion.id}: the example is {found}, expected {expected}"
                faults.append(_at(encoding, criterion.id, ("examples", index), message))
    return faults, number


def _fact_examples(encoding: Encoding, plan: Plan, used: set[str]) -> tuple[list[str], int]:
    asked: list[tuple[Fact, int, Record, Question]] = []
    for fact in encoding.facts.values():
        for index, example in enumerate(fact.examples if fact.name in used else []):
            record = _record(encoding, fact.name, ("examples", index), example.record)
            day = date.fromisoformat(example.as_of or "2000-01-01")
            cutoff = date.fromisoformat(example.cutoff) if example.cutoff else None
            asked.append((fact, index, record, as_given(record, day, cutoff, example.index_date)))
    if not asked:
        return [], 0
    faults = []
    answers = Screener(plan).facts_of([a[3] for a in asked], [a[2] for a in asked])
    for (fact, index, _, _), answer in zip(asked, answers, strict=True):
        found = next(a["value"] for a in answer if a["name"] == fact.name)
        expected = _as_json(fact.examples[index].value)
        if not _same(found, expected):
            message = f"{fact.name}: the example gives {found!r}, expected {expected!r}"
            faults.append(_at(encoding, fact.name, ("examples", index), message))
    return faults, len(asked)


def _same(found: Any, expected: Any) -> bool:
    if isinstance(expected, dict) and isinstance(found, dict):
        return all(_same(found.get(key), value) for key, value in expected.items())
    return bool(found == expected)
