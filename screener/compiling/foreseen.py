"""Which expressions compiling a study will come upon, so that DuckDB parses them all at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from screener.encoding.study import every

if TYPE_CHECKING:
    from collections.abc import Iterator

    from screener.encoding.study import Encoding, Fact, Study


def foreseen(encoding: Encoding) -> list[str]:
    """The expressions of a study, and of the facts that it names or seems to."""
    expressions, templates = [*_expressions(encoding.study)], [*_templates(encoding.study)]
    seen: set[str] = set()
    new = _named(expressions + templates, encoding)
    while new:
        seen |= new
        facts = [encoding.facts[name] for name in sorted(new)]
        expressions += [text for fact in facts for text in _of_fact(fact)]
        new = _named([text for fact in facts for text in _naming(fact)], encoding) - seen
    return list(dict.fromkeys(expressions))


def _named(texts: list[str], encoding: Encoding) -> set[str]:
    return set(re.findall(r"\w+", " ".join(texts))) & encoding.facts.keys()


def _expressions(study: Study) -> Iterator[str]:
    for criterion in every(study.criteria):
        yield from filter(None, (criterion.met_when, criterion.clears_after))
    yield from (rule.when for rule in study.advisories)
    if index := study.index_date:
        yield from filter(None, (index.event, index.day, index.entry))
    for variable in study.derived:
        yield from filter(None, (variable.number, *(it.when for it in variable.categories)))


def _templates(study: Study) -> Iterator[str]:
    for criterion in every(study.criteria):
        yield from (criterion.met, criterion.not_met)
    yield from (rule.text for rule in study.advisories)


def _of_fact(fact: Fact) -> Iterator[str]:
    yield fact.sql
    yield from (case.when for case in fact.unknown if case.when)


def _naming(fact: Fact) -> Iterator[str]:
    """The texts in which a fact names others."""
    yield from _of_fact(fact)
    yield from fact.inherit
    yield from (it.of for it in fact.evidence if it.of)
    for case in fact.unknown:
        yield from (case.say, case.ask or "")
