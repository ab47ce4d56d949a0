"""The reference page of every criterion, written from the encoding alone.

`python -m screener.encoding.reference > docs/criteria.md` renews the page; a test compares the two.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

from screener.encoding import sql
from screener.encoding.catalogue import packaged
from screener.encoding.cohort_study import Derived
from screener.encoding.study import Criterion, CriterionExample, Encoding, Fact, Parameter, load

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TRUTH = {"met": "met", "not_met": "not met", "unknown": "unknown"}
_PREFACE = """\
# Every criterion

Written by `python -m screener.encoding.reference` from the files in `criteria/`; do not edit it by
hand. [encoding.md](encoding.md) says how those files are written.

A criterion is met, not met or unknown. A met inclusion passes and a met exclusion fails; unknown is
neither. Words in braces stand for a fact or a parameter. The examples are the smallest record
fragments that show each answer; they are run as tests, and everything that they leave out is not
recorded.
"""


class _Uses:
    """What each criterion of an encoding rests on."""

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding
        self._macros = sql.macro_names(encoding.logic)
        self._columns: dict[str, frozenset[str]] = {}

    def columns(self, text: str) -> frozenset[str]:
        """Name what an expression uses."""
        if text not in self._columns:
            self._columns[text] = frozenset(sql.parse(text, self._macros).columns)
        return self._columns[text]

    def facts(self, criterion: Criterion) -> list[Fact]:
        """List the facts that a predicate names, in the order in which it names them."""
        text = criterion.met_when or ""
        names = self.columns(text) & self.encoding.facts.keys() if text else ()
        in_order = sorted(names, key=lambda name: _position(text, name))
        return [self.encoding.facts[name] for name in in_order]

    def explained(self, criterion: Criterion) -> list[Fact]:
        """List the facts that say why a criterion is unknown: its own, or those they rest on."""
        found: dict[str, Fact] = {}
        waiting = self.facts(criterion)
        while waiting:
            fact = waiting.pop(0)
            if fact.name in found:
                continue
            found[fact.name] = fact
            if not fact.unknown:
                below = fact.inherit or sorted(self.columns(fact.sql) & self.encoding.facts.keys())
                waiting = [self.encoding.facts[name] for name in below] + waiting
        return [fact for fact in found.values() if fact.unknown]

    def words(self, text: str) -> str:
        """Give a text; of one that only shows a fact, what that fact says."""
        named = re.fullmatch(r"{(\w+)}", text.strip())
        fact = self.encoding.facts.get(named[1]) if named else None
        return f"({fact.means})" if fact else text

    def parameters(self, criterion: Criterion) -> list[str]:
        """Name the parameters of a predicate, then those of the facts that it rests on."""
        found: dict[str, None] = {}
        seen: set[str] = set()
        texts = [t for t in (criterion.met_when, criterion.clears_after) if t]
        while texts:
            text = texts.pop(0)
            for name in sorted(self.columns(text), key=lambda n: _position(text, n)):
                if name in self.encoding.parameters:
                    found.setdefault(name)
                elif name in self.encoding.facts and name not in seen:
                    seen.add(name)
                    texts.append(self.encoding.facts[name].sql)
        return list(found)

    def all_facts(self, criteria: Iterable[Criterion]) -> list[Fact]:
        """List every fact that the criteria rest on and reports can show, by name."""
        found: set[str] = set()
        waiting = [name for criterion in criteria for name in self._named(criterion)]
        waiting += [n for rule in self.encoding.study.advisories for n in self.columns(rule.when)]
        for variable in self.encoding.study.derived:
            waiting += [n for c in variable.categories for n in self.columns(c.when)]
            waiting += self.columns(variable.number) if variable.number else ()
        while waiting:
            name = waiting.pop()
            if name in self.encoding.facts and name not in found:
                found.add(name)
                waiting += self.columns(self.encoding.facts[name].sql)
        facts = [self.encoding.facts[name] for name in sorted(found)]
        return [fact for fact in facts if fact.type != "entries"]

    def _named(self, criterion: Criterion) -> set[str]:
        below = {name for part in criterion.parts for name in self._named(part)}
        return below | (set(self.columns(criterion.met_when)) if criterion.met_when else set())


def render(encoding: Encoding) -> str:
    """Write the reference of one study as Markdown: criteria, parameters, advisories and facts."""
    study, uses = encoding.study, _Uses(encoding)
    head = [
        f"## {study.id}: {study.title}",
        _bullets(
            {
                "Version": study.version,
                "Registry": study.registry,
                "Screening date": study.as_of_means,
                "Index date": study.index_date.means if study.index_date else "",
                "Not documented counts as none": "; ".join(
                    f"{item.list} ({item.source})" for item in study.undocumented_counts_as_none
                ),
                "Examples are screened as of": study.examples_as_of.isoformat(),
            }
        ),
        "Sources:",
        "\n".join(f"- {source}" for source in study.sources),
        _table(("criterion", "kind", "states"), [_overview(c, study.id) for c in study.criteria]),
    ]
    body = [block for criterion in study.criteria for block in _criterion(criterion, uses, 3)]
    return "\n\n".join([*head, *body, *_closing(encoding, uses)]) + "\n"


def page(encodings: Sequence[Encoding]) -> str:
    """Write the whole page: what it is, then one chapter a study."""
    return "\n".join([_PREFACE, *map(render, encodings)])


def _overview(criterion: Criterion, study: str) -> tuple[str, str, str]:
    anchor = f"{study}-{criterion.id}".lower()
    return f"[{criterion.id}](#{anchor})", criterion.kind, criterion.text


def _criterion(criterion: Criterion, uses: _Uses, level: int) -> list[str]:
    if criterion.met_when:
        met_when = _code(criterion.met_when)
    else:
        which = "all" if criterion.all else "any"
        met_when = f"{which} of {', '.join(part.id for part in criterion.parts)}"
    if criterion.met == criterion.not_met:
        reasons = {"Reason, met or not": criterion.met}
    else:
        reasons = {"Reason if met": criterion.met, "Reason if not met": criterion.not_met}
    items = {
        "Kind": criterion.kind,
        "Source": criterion.source,
        "Reading": criterion.reading,
        "Met when": met_when,
        **reasons,
        "Clears": "time alone can end a fail" if criterion.clears_after else "",
    }
    heading = f"{'#' * level} {uses.encoding.study.id} {criterion.id}"
    blocks = [heading, _line(criterion.text), _bullets(items)]
    if criterion.met_when:
        blocks += _details(criterion, uses)
    for part in criterion.parts:
        blocks += _criterion(part, uses, level + 1)
    return blocks


def _details(criterion: Criterion, uses: _Uses) -> list[str]:
    parameters = uses.encoding.parameters
    facts = [(_code(f.name), f.means, f.source) for f in uses.facts(criterion)]
    cases = [case for fact in uses.explained(criterion) for case in fact.unknown]
    why = [(uses.words(case.say), uses.words(case.ask or "-")) for case in cases]
    named = [_parameter(name, parameters[name]) for name in uses.parameters(criterion)]
    examples = [_example(example) for example in criterion.examples]
    blocks = []
    if facts:
        blocks += ["Facts:", _table(("fact", "means", "source"), facts)]
    if named:
        blocks += ["Parameters:", _table(("parameter", "value", "source"), named)]
    if why:
        blocks += [
            "Unknown, and what to obtain:",
            _table(("reason", "obtain"), list(dict.fromkeys(why))),
        ]
    if examples:
        blocks += ["Examples:", _table(("record", "criterion is", ""), examples)]
    return blocks


def _example(example: CriterionExample) -> tuple[str, str, str]:
    notes = [f"as of {example.as_of}" if example.as_of else "", example.why]
    return _code(_json(example.record)), _TRUTH[example.truth], "; ".join(filter(None, notes))


def _closing(encoding: Encoding, uses: _Uses) -> list[str]:
    study = encoding.study
    facts = [
        (_code(fact.name), fact.means, fact.unit or fact.type, fact.source)
        for fact in uses.all_facts(study.criteria)
    ]
    blocks = []
    if study.flow.steps:
        steps = [(step.criterion, step.label) for step in study.flow.steps]
        told = "The order in which patients leave; each is counted once, at the first that applies."
        blocks += ["### Flow", told, _table(("criterion", "who leaves"), steps)]
    if study.derived:
        told = "For the baseline table and for subgroups. SQL over the facts and parameters."
        columns = ("variable", "label", "is", "remarks", "source")
        variables = [_variable(variable) for variable in study.derived]
        blocks += ["### Derived variables", told, _table(columns, variables)]
    if study.advisories:
        rows = [(_code(rule.id), rule.text, _code(rule.when)) for rule in study.advisories]
        told = "Told whenever the condition certainly holds; they decide nothing."
        blocks += ["### Advisories", told, _table(("advisory", "text", "when"), rows)]
    told = "Everything that the criteria, variables and advisories rest on."
    header = ("fact", "means", "unit or type", "source")
    return [*blocks, "### Facts", told, _table(header, facts)]


def _variable(variable: Derived) -> tuple[str, ...]:
    if variable.number:
        unit = f", {variable.unit}" if variable.unit else ""
        means = f"{_code(variable.number)}{unit}; median and range"
    else:
        means = "; ".join(f"{c.label}: {_code(c.when)}" for c in variable.categories)
    remarks = " ".join(filter(None, (variable.reading, variable.remark)))
    return _code(variable.id), variable.label, means, remarks, variable.source


def _parameter(name: str, parameter: Parameter) -> tuple[str, str, str]:
    unit = "" if parameter.unit == "truth value" else parameter.unit
    assumed = "**assumed**; " if parameter.assumed else ""
    return _code(name), f"{_value(parameter.value)} {unit}".strip(), assumed + parameter.source


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _json(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, default=str)


def _bullets(items: dict[str, str]) -> str:
    return "\n".join(f"- **{name}:** {_line(text)}" for name, text in items.items() if text)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return _line(text).replace("|", r"\|")


def _line(text: str) -> str:
    return " ".join(text.split())


def _code(text: str) -> str:
    return f"`{_line(text)}`"


def _position(text: str, name: str) -> int:
    found = re.search(rf"\b{re.escape(name)}\b", text)
    return found.start() if found else len(text)


def main() -> None:
    """Print the page of every study in the criteria folder."""
    criteria = packaged()
    studies = sorted((criteria / "studies").glob("*.yaml"))
    sys.stdout.buffer.write(page([load(path, criteria) for path in studies]).encode())


if __name__ == "__main__":
    main()
