"""The expressions of an encoding: parsed, checked against each other, and put in order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from screener.compiling import view
from screener.compiling.foreseen import foreseen
from screener.encoding import sql
from screener.encoding.study import every

if TYPE_CHECKING:
    from collections.abc import Collection

    from screener.encoding.study import AdvisoryRule, Criterion, Encoding


class Expressions:
    """Every expression of an encoding that is asked about, and what is wrong with them."""

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding
        self.facts = encoding.facts
        self.parameters = encoding.parameters
        self.macros = sql.macro_names(encoding.logic)
        self.record_names = view.record_names() | {"as_of"}
        self.faults: list[str] = []
        """Everything found wrong, each naming file and line."""
        self._expressions: dict[str, sql.Expression] = {}
        self._parsed: dict[tuple[str, str, bool], sql.Expression] = {}
        self._read: dict[str, dict[str, Any]] = {}

    def check_names(self) -> None:
        """Names of facts, parameters and record fields must not hide one another."""
        for name in self.facts.keys() & self.parameters.keys():
            self._fault(name, ("name",), f"{name} names both a fact and a parameter")
        for name in (self.facts.keys() | self.parameters.keys()) & self.record_names:
            self._fault(name, (), f"{name} is the name of a record field")

    def _fault(self, name: str, key: tuple[str | int, ...], message: str, extra: int = 0) -> None:
        file, at = self.encoding.places.get(name, (self.encoding.study_file, ()))
        line = file.line((*at, *key)) + extra
        self.faults.append(f"{file.name}, line {line}: {message}")

    def parse(
        self, owner: str, key: tuple[str | int, ...], text: str, *, predicate: bool = False
    ) -> sql.Expression:
        """Parse an expression of a fact or criterion, noting what is wrong with it."""
        memo = (owner, text, predicate)
        if memo in self._parsed:
            return self._parsed[memo]
        self._parsed[memo] = sql.Expression()
        try:
            found = self._understood(text, predicate=predicate)
        except sql.SqlSyntaxError as error:
            self._fault(owner, key, f"{owner}: {error}", text.count("\n", 0, error.offset))
            return sql.Expression()
        for offset, message in found.faults:
            self._fault(owner, key, f"{owner}: {message}", text.count("\n", 0, offset))
        known = self.facts.keys() | self.parameters.keys() | self.record_names
        for name in sorted(found.columns - known):
            message = f"{owner}: there is no fact, parameter or record field {name}"
            self._fault(owner, key, message + _did_you_mean(name, known))
        self._parsed[memo] = found
        return found

    def columns(self, text: str) -> set[str]:
        """What an expression that is sound reads."""
        return self._understood(text).columns

    def _understood(self, text: str, *, predicate: bool = False) -> sql.Expression:
        if not self._read:
            texts = foreseen(self.encoding)
            self._read.update(zip(texts, sql.read(texts), strict=True))
        if text not in self._read:
            [self._read[text]] = sql.read([text])
        return sql.understood(self._read[text], self.macros, predicate=predicate)

    def fact_expression(self, name: str) -> sql.Expression:
        """The parsed SQL of a fact."""
        if name not in self._expressions:
            self._expressions[name] = self.parse(name, ("sql",), self.facts[name].sql)
        return self._expressions[name]

    def placeholders(self, owner: str, key: tuple[str | int, ...], text: str) -> set[str]:
        """The facts and parameters that a template shows."""
        names = set(re.findall(r"{(\w+)}", text))
        known = self.facts.keys() | self.parameters.keys()
        for name in sorted(names - known):
            message = f"{owner}: the text shows {{{name}}}, which is no fact or parameter"
            self._fault(owner, key, message + _did_you_mean(name, known))
        return names & known

    # Which facts a study needs, and in which order -------------------------------------------

    def needed(
        self,
        criteria: list[Criterion],
        rules: list[AdvisoryRule],
        more: Collection[str] = (),
    ) -> list[list[str]]:
        """The facts that criteria, advisories and `more` use, in layers: each uses earlier ones."""
        study = self.encoding.study
        roots = set(more)
        for criterion in every(criteria):
            if criterion.met_when:
                found = self.parse(criterion.id, ("met_when",), criterion.met_when, predicate=True)
                roots |= found.columns
                roots |= self.placeholders(criterion.id, ("met",), criterion.met)
                roots |= self.placeholders(criterion.id, ("not_met",), criterion.not_met)
            if criterion.clears_after:
                self.parse(criterion.id, ("clears_after",), criterion.clears_after)
        for rule in rules:
            at = ("advisories", study.advisories.index(rule))
            roots |= self.parse(study.id, (*at, "when"), rule.when).columns
            roots |= self.placeholders(study.id, (*at, "text"), rule.text)
        return self.layers(roots)

    def layers(self, roots: set[str]) -> list[list[str]]:
        """Facts that `roots` rest on, ordered."""
        depth: dict[str, int] = {}

        def visit(name: str, trail: tuple[str, ...]) -> int:
            if name not in self.facts:
                return 0
            if name in trail:
                circle = " -> ".join((*trail[trail.index(name) :], name))
                self._fault(name, ("sql",), f"{name} rests on itself: {circle}")
                return 0
            if name not in depth:
                below = [
                    visit(n, (*trail, name)) for n in sorted(self.fact_expression(name).columns)
                ]
                depth[name] = 1 + max(below, default=0)
                for other in sorted(self.texts_of(name)):
                    visit(other, (*trail, name))
            return depth[name]

        for root in sorted(roots):
            visit(root, ())
        if not depth:
            return []
        return [
            sorted(n for n, level in depth.items() if level == layer)
            for layer in range(1, max(depth.values()) + 1)
        ]

    def texts_of(self, name: str) -> set[str]:
        """The facts that evidence and explanations of a fact use, beside the fact itself."""
        fact, used = self.facts[name], set()
        for index, evidence in enumerate(fact.evidence):
            if evidence.of and evidence.of not in self.facts:
                message = f"{name}: there is no fact {evidence.of}"
                self._fault(
                    name, ("evidence", index), message + _did_you_mean(evidence.of, self.facts)
                )
            elif evidence.of:
                used.add(evidence.of)
        for index, case in enumerate(fact.unknown):
            if case.when:
                used |= self.parse(name, ("unknown", index, "when"), case.when).columns
            used |= self.placeholders(name, ("unknown", index, "say"), case.say)
            used |= self.placeholders(name, ("unknown", index, "ask"), case.ask or "")
        for other in fact.inherit:
            if other not in self.facts:
                self._fault(name, ("inherit",), f"{name}: there is no fact {other}")
        used |= set(fact.inherit)
        return used - {name}

    def shown_facts(self, criterion: Criterion) -> list[str]:
        """The facts that a predicate names, in the order in which it names them."""
        text = criterion.met_when or ""
        used = self.parse(criterion.id, ("met_when",), text, predicate=True).columns
        return sorted(used & self.facts.keys(), key=lambda n: _position(text, n))


def _position(text: str, name: str) -> int:
    found = re.search(rf"\b{re.escape(name)}\b", text)
    return found.start() if found else len(text)


def _did_you_mean(name: str, known: Any) -> str:
    from rapidfuzz import process  # noqa: PLC0415  # only ever needed for an error

    near = process.extractOne(name, sorted(known), score_cutoff=75)
    return f"; did you mean {near[0]}?" if near else ""
