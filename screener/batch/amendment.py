"""Which criteria of two versions of a study are the same, told by what they are encoded as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from screener.compiling.compiler import Compiler, macros_used
from screener.compiling.dependence import RestsOn, index_rests_on, rests_on
from screener.encoding.study import every

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from screener.encoding.cohort_study import IndexDate
    from screener.encoding.study import Criterion, Encoding
    from screener.plan import Plan
    from screener.report.compare_data import (
        CriterionChange,
        Difference,
        ParameterChange,
        Rule,
        RuleChange,
    )

_DICTIONARIES = {
    "therapies": ("drugs",), "allergies": ("drugs",), "metastases": ("sites",),
    "imaging": ("sites",), "labs": ("tests",), "other_malignancies": ("neoplasms",),
}  # fmt: skip
"""The dictionaries by which each list of a record is understood."""


class Version:
    """A study as it is encoded and, with the site's thresholds, compiled."""

    def __init__(self, encoding: Encoding, plan: Plan) -> None:
        self.encoding = encoding
        self.plan = plan
        self.compiler = Compiler(encoding)

    def parameter(self, name: str) -> dict[str, Any] | None:
        """A parameter with the site's value, if this version has it."""
        if name in self.plan.parameters:
            return self.plan.parameters[name]
        found = self.encoding.parameters.get(name)
        return found.model_dump() if found else None

    def fact(self, name: str) -> tuple[str, str] | None:
        """Type and expression of a fact, if this version has it."""
        found = self.encoding.facts.get(name)
        return (found.type, _plain(found.sql)) if found else None

    def macros(self, expressions: Sequence[str], rests: RestsOn) -> dict[str, str]:
        """The macros that expressions and the facts behind them use."""
        used = list(expressions)
        used += [self.encoding.facts[name].sql for name in sorted(rests.facts)]
        found = macros_used(self.encoding.logic, " ".join(used))
        return {name: _plain(text) for name, text in found.items()}


@dataclass(frozen=True)
class Amendment:
    """What changes between two versions."""

    rules: list[RuleChange]
    changes: list[CriterionChange]
    """Without counts of patients. In the order of the new version; what it lacks comes last."""
    unchanged: int


def amendment(old: Version, new: Version) -> Amendment:
    """Compare two versions, criterion by criterion; those with the same id are the same item."""
    before, now = old.encoding.study.criteria, new.encoding.study.criteria
    found: list[CriterionChange] = []
    unchanged = 0
    for earlier, later in _matched(before, now):
        changes = _changes(old, new, earlier, later)
        found += changes
        unchanged += not changes
    return Amendment(_rules(old, new), found, unchanged)


def _matched(
    before: Sequence[Criterion], now: Sequence[Criterion]
) -> list[tuple[Criterion | None, Criterion | None]]:
    earlier = {criterion.id: criterion for criterion in before}
    later = {criterion.id for criterion in now}
    gone = [criterion for criterion in before if criterion.id not in later]
    return [
        *((earlier.get(criterion.id), criterion) for criterion in now),
        *((criterion, None) for criterion in gone),
    ]


def _changes(
    old: Version, new: Version, earlier: Criterion | None, later: Criterion | None
) -> list[CriterionChange]:
    """What differs of a criterion, and after it of its parts; nothing if it is the same."""
    if earlier is None or later is None:
        one = earlier or later
        assert one is not None  # noqa: S101  # it is in one of the versions
        return [
            {
                "id": one.id,
                "change": "removed" if earlier else "added",
                "old_text": _plain(earlier.text) if earlier else None,
                "new_text": _plain(later.text) if later else None,
                "parameters": [],
                "old": None,
                "new": None,
            }
        ]
    differs: list[Difference] = []
    if earlier.kind != later.kind:
        differs.append("kind")
    if _plain(earlier.text) != _plain(later.text):
        differs.append("text")
    if _condition(earlier) != _condition(later):
        differs.append("condition")
    parts: list[CriterionChange] = []
    parameters: list[ParameterChange] = []
    facts: list[str] = []
    if earlier.parts and later.parts:
        for first, second in _matched(earlier.parts, later.parts):
            parts += _changes(old, new, first, second)
        if parts:
            differs.append("parts")
    else:
        found = _behind(
            old,
            new,
            (_predicates(earlier), rests_on(old.compiler, earlier)),
            (_predicates(later), rests_on(new.compiler, later)),
        )
        parameters, facts = found.parameters, found.facts
        differs += found.differs
    if not differs:
        return []
    change: CriterionChange = {
        "id": later.id,
        "change": "changed",
        "old_text": _plain(earlier.text),
        "new_text": _plain(later.text),
        "parameters": parameters,
        "old": None,
        "new": None,
        "differs": differs,
        "facts": facts,
    }
    return [change, *parts]


def _condition(criterion: Criterion) -> Any:
    if criterion.met_when:
        return _plain(criterion.met_when)
    return "all" if criterion.all else "any"


def _predicates(criterion: Criterion) -> list[str]:
    return [one.met_when or "" for one in every([criterion])]


def _rules(old: Version, new: Version) -> list[RuleChange]:
    """What differs of what a study says of all its criteria at once."""
    found: list[RuleChange] = []
    before, now = old.encoding.study, new.encoding.study
    if change := _index_date(old, new):
        found.append(change)
    lists = [
        ", ".join(sorted(it.list for it in one.undocumented_counts_as_none)) or None
        for one in (before, now)
    ]
    counted = [before.unknown_counts_as, now.unknown_counts_as]
    plain: list[tuple[Rule, Sequence[str | None]]] = [
        ("undocumented_counts_as_none", lists),
        ("unknown_counts_as", counted),
    ]
    for rule, (was, is_now) in plain:
        if was != is_now:
            found.append({"rule": rule, "old": was, "new": is_now,
                          "differs": [], "parameters": [], "facts": []})  # fmt: skip
    return found


def _index_date(old: Version, new: Version) -> RuleChange | None:
    first, second = old.encoding.study.index_date, new.encoding.study.index_date
    if first is None and second is None:
        return None
    change: RuleChange = {
        "rule": "index_date",
        "old": _plain(first.means) if first else None,
        "new": _plain(second.means) if second else None,
        "differs": [],
        "parameters": [],
        "facts": [],
    }
    if first is None or second is None:
        return change
    if change["old"] != change["new"]:
        change["differs"].append("text")
    before, now = ([_plain(text) for text in _found_by(it)] for it in (first, second))
    if before != now:
        change["differs"].append("condition")
    behind = _behind(
        old,
        new,
        (before, index_rests_on(old.compiler)),
        (now, index_rests_on(new.compiler)),
    )
    change["differs"] += behind.differs
    change["parameters"], change["facts"] = behind.parameters, behind.facts
    return change if change["differs"] else None


def _found_by(index: IndexDate) -> list[str]:
    """The expressions by which an index date is found."""
    return [index.event, index.day, index.entry or ""]


class _Behind(NamedTuple):
    """What differs behind expressions."""

    differs: list[Difference]
    parameters: list[ParameterChange]
    facts: list[str]


def _behind(
    old: Version,
    new: Version,
    earlier: tuple[Sequence[str], RestsOn],
    later: tuple[Sequence[str], RestsOn],
) -> _Behind:
    """What differs of the macros, dictionaries, parameters and facts that expressions use."""
    found: list[Difference] = []
    before, now = old.macros(*earlier), new.macros(*later)
    if any(before[name] != now[name] for name in before.keys() & now.keys()):
        found.append("logic")
    was, rests = earlier[1], later[1]
    names = {n for each in was.fields | rests.fields for n in _DICTIONARIES.get(each, ())}
    if any(old.encoding.terms[name] != new.encoding.terms[name] for name in names):
        found.append("dictionaries")
    parameters = _parameters(old, new, sorted(was.parameters | rests.parameters))
    facts = [n for n in sorted(was.facts | rests.facts) if old.fact(n) != new.fact(n)]
    if parameters:
        found.append("parameters")
    if facts:
        found.append("facts")
    return _Behind(found, parameters, facts)


def _parameters(old: Version, new: Version, names: Sequence[str]) -> list[ParameterChange]:
    found: list[ParameterChange] = []
    for name in names:
        before, now = _in_words(old.parameter(name)), _in_words(new.parameter(name))
        if before != now:
            found.append({"name": name, "old": before, "new": now})
    return found


def _in_words(parameter: Mapping[str, Any] | None) -> str | None:
    if parameter is None:
        return None
    value = parameter["value"]
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value)
    told = value if isinstance(value, str) else f"{value:g}"
    return f"{told} {parameter['unit']}".strip()


def _plain(text: str) -> str:
    """A text with its white space evened out."""
    return " ".join(text.split())
