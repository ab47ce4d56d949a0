"""`screen show STUDY [CRITERION]`: how a study is encoded, in full."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from screener.commands import options as opt
from screener.commands import output
from screener.commands.ending import ends

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from screener.commands.page import Page
    from screener.compiling.compiler import Compiler
    from screener.encoding.cohort_study import Derived
    from screener.encoding.study import Criterion, Encoding

_VERB = {"all": "are", "any": "is"}

Shown = Annotated[
    str,
    typer.Argument(metavar="STUDY", help="Study, by id or path.", autocompletion=opt.study_ids),
]
Item = Annotated[
    str | None,
    typer.Argument(
        metavar="[CRITERION]",
        help="Only this criterion or part, with its examples.",
        show_default=False,
        autocompletion=opt.criterion_ids,
    ),
]


@ends
def command(
    study: Shown,
    criterion: Item = None,
    form: opt.ListingForm = opt.Listing.TABLE,
    criteria: opt.Criteria = None,
) -> int:
    """Show how a study is encoded: criteria, readings, parameters, facts, and what to ask for."""
    from screener.compiling.compiler import Compiler  # noqa: PLC0415
    from screener.encoding.catalogue import Catalogue  # noqa: PLC0415

    encoding = Catalogue(criteria or []).load(study)
    compiler = Compiler(encoding)
    compiler.compile()  # so that a faulty encoding is refused, not described
    reader = _Reader(encoding, compiler)
    described = reader.study() if criterion is None else reader.page_of(criterion)
    if form is opt.Listing.JSON:
        output.write(json.dumps(described, indent=2, ensure_ascii=False, default=str) + "\n", None)
        return 0
    from screener.commands.page import Page  # noqa: PLC0415

    page = Page()
    if criterion is None:
        _lay_out_study(described, page)
    else:
        _lay_out_page(described, page)
    output.write(page.finished(), None)
    return 0


@dataclass
class _Reader:
    """Describes an encoding as plain data, which is what `--format json` prints."""

    encoding: Encoding
    compiler: Compiler

    def study(self) -> dict[str, Any]:
        """Describe the whole study."""
        from screener.encoding.study import leaves  # noqa: PLC0415

        study = self.encoding.study
        single = leaves(study.criteria)
        return {
            **self._head(),
            "registry": study.registry or None,
            "sources": study.sources,
            "as_of_means": study.as_of_means,
            "index_date": study.index_date.model_dump() if study.index_date else None,
            "undocumented_counts_as_none": [
                item.model_dump() for item in study.undocumented_counts_as_none
            ],
            "unknown_counts_as": study.unknown_counts_as,
            "criteria": [self._criterion(item) for item in study.criteria],
            "parameters": self._parameters(single, self._derived_columns()),
            "facts": self._facts(single, self._derived_columns()),
            "flow": study.flow.model_dump(),
            "derived": [self._variable(variable) for variable in study.derived],
            "table_one": study.table_one,
            "advisories": [
                {"id": rule.id, "when": rule.when.strip(), "text": rule.text.strip()}
                for rule in study.advisories
            ],
        }

    def page_of(self, name: str) -> dict[str, Any]:
        """Describe one criterion or part, with its examples and all that it rests on.

        Raises UsageError where the study has no such criterion.
        """
        from screener.encoding.study import leaves  # noqa: PLC0415

        criterion = self._find(name)
        single = leaves([criterion])
        return {
            "study": self._head(),
            "criterion": self._criterion(criterion, examples=True),
            "parameters": self._parameters(single),
            "facts": self._facts(single),
        }

    def _head(self) -> dict[str, Any]:
        study = self.encoding.study
        return {
            "id": study.id,
            "version": study.version,
            "title": study.title.strip(),
            "sha256": self.encoding.sha256,
            "file": self.encoding.study_file.name,
        }

    def _find(self, name: str) -> Criterion:
        from screener.encoding.catalogue import nearest  # noqa: PLC0415
        from screener.encoding.study import every  # noqa: PLC0415
        from screener.errors import UsageError  # noqa: PLC0415

        known = {item.id: item for item in every(self.encoding.study.criteria)}
        same = [item for item in known.values() if item.id.casefold() == name.casefold()]
        if name in known or len(same) == 1:
            return known.get(name) or same[0]
        raise UsageError(
            f"{self.encoding.study.id} has no criterion {name}{nearest(name, known)}; "
            f"it has {', '.join(known)}"
        )

    def _criterion(self, item: Criterion, *, examples: bool = False) -> dict[str, Any]:
        described: dict[str, Any] = {
            "id": item.id,
            "kind": item.kind,
            "text": item.text.strip(),
            "source": item.source,
            "reading": item.reading.strip() or None,
        }
        if item.met_when:
            described |= {
                "met_when": item.met_when.strip(),
                "facts": self.compiler.shown_facts(item),
                "time_can_clear": bool(item.clears_after),
            }
        else:
            described |= {
                "met_if": "all" if item.all else "any",
                "parts": [self._criterion(part, examples=examples) for part in item.parts],
            }
        if examples and item.met_when:
            day = self.encoding.study.examples_as_of.isoformat()
            described["examples"] = [
                {
                    "record": example.record,
                    "as_of": example.as_of or day,
                    "truth": example.truth,
                    "why": example.why or None,
                }
                for example in item.examples
            ]
        return described

    def _variable(self, variable: Derived) -> dict[str, Any]:
        """Describe a derived variable by its form, whichever that is."""
        named = variable.model_dump(include={"id", "label", "unit", "source", "reading", "remark"})
        described: dict[str, Any] = {k: " ".join(v.split()) or None for k, v in named.items()}
        if variable.number:
            return {**described, "number": variable.number.strip()}
        form = "any_of" if variable.any_of else "one_of"
        return {**described, form: [c.model_dump() for c in variable.categories],
                "unknown": variable.unknown}  # fmt: skip

    def _derived_columns(self) -> list[str]:
        """Name what the derived variables and the index date use, in their order."""
        study = self.encoding.study
        texts = [study.index_date.event, study.index_date.day] if study.index_date else []
        for variable in study.derived:
            texts += [c.when for c in variable.categories]
            texts += [variable.number] if variable.number else []
        return [
            name
            for text in texts
            for name in sorted(self.compiler.parse(study.id, (), text).columns)
        ]

    def _parameters(
        self, criteria: Iterable[Criterion], more: Iterable[str] = ()
    ) -> list[dict[str, Any]]:
        """Describe the parameters that criteria rest on, directly or through facts."""
        names = {name for item in criteria for name in self._rests_on(item)} | self._below(more)
        return [
            {"name": name, **parameter.model_dump()}
            for name, parameter in sorted(self.encoding.parameters.items())
            if name in names
        ]

    def _rests_on(self, item: Criterion) -> set[str]:
        predicate = item.met_when or ""
        columns = self.compiler.parse(item.id, ("met_when",), predicate, predicate=True).columns
        return self._below({*columns, *re.findall(r"{(\w+)}", item.met + item.not_met)})

    def _below(self, names: Iterable[str]) -> set[str]:
        """Name these, and everything that they rest on."""
        found: set[str] = set()
        waiting = set(names)
        while waiting:
            name = waiting.pop()
            found.add(name)
            if name in self.encoding.facts:
                waiting |= self.compiler.fact_expression(name).columns - found
        return found

    def _facts(
        self, criteria: Iterable[Criterion], more: Iterable[str] = ()
    ) -> list[dict[str, Any]]:
        """Describe the facts that predicates name, and why each may be unknown."""
        names = [name for item in criteria for name in self.compiler.shown_facts(item)]
        names += [name for name in more if name in self.encoding.facts]
        return [self._fact(name) for name in dict.fromkeys(names)]

    def _fact(self, name: str) -> dict[str, Any]:
        fact = self.encoding.facts[name]
        return {
            "name": name,
            "label": fact.label,
            "means": fact.means.strip(),
            "type": fact.type,
            "unit": fact.unit or None,
            "source": fact.source or None,
            "unknown": list(self._unknown(name, set())),
        }

    def _unknown(self, name: str, seen: set[str]) -> Iterator[dict[str, Any]]:
        """Give the reasons for which a fact may be unknown: its own, or of what it rests on."""
        seen.add(name)
        fact = self.encoding.facts[name]
        for case in fact.unknown:
            yield {"fact": name, **case.model_dump()}
        if fact.unknown:
            return
        uses = self.compiler.fact_expression(name).columns & self.encoding.facts.keys()
        for other in fact.inherit or sorted(uses):
            if other not in seen:
                yield from self._unknown(other, seen)


def _lay_out_study(study: dict[str, Any], page: Page) -> None:
    page.text(f"{study['id']}, version {study['version']}", style="bold")
    page.text(study["title"])
    page.labelled("Registry", study["registry"] or "")
    page.labelled("Date of screening", study["as_of_means"])
    if study["index_date"]:
        page.labelled("Index date", study["index_date"]["means"])
    for item in study["undocumented_counts_as_none"]:
        page.labelled("Not documented counts as none", f"{item['list']} ({item['source']})")
    if study["unknown_counts_as"] != "undetermined":
        page.labelled("A patient of whom something is unknown is", study["unknown_counts_as"])
    page.heading("SOURCES")
    for source in study["sources"]:
        page.text(f"- {source}", hang=2)
    for kind, title in (("inclusion", "INCLUSION CRITERIA"), ("exclusion", "EXCLUSION CRITERIA")):
        page.heading(title)
        for item in study["criteria"]:
            if item["kind"] == kind:
                page.blank()
                _lay_out_criterion(item, page, 0)
    _lay_out_cohort(study, page)
    _lay_out_parameters(study["parameters"], page)
    _lay_out_facts(study["facts"], study["parameters"], page)
    if study["advisories"]:
        page.heading("ADVISORIES (they decide nothing)")
        for rule in study["advisories"]:
            page.text(f"{rule['id']}: {rule['text']}", hang=2)
            page.labelled("When", rule["when"], indent=2)


def _lay_out_cohort(study: dict[str, Any], page: Page) -> None:
    if study["flow"]["steps"]:
        page.heading("FLOW, in the order in which patients leave")
    for step in study["flow"]["steps"]:
        page.text(f"{step['criterion']}: {step['label']}", hang=2)
    if study["derived"]:
        page.heading("DERIVED VARIABLES")
    for variable in study["derived"]:
        unit = f" [{variable['unit']}]" if variable["unit"] else ""
        page.text(f"{variable['id']}: {variable['label']}{unit} ({variable['source']})", hang=2)
        page.labelled("Reading", variable["reading"] or "", indent=2)
        page.labelled("Remark", variable["remark"] or "", indent=2)
        page.labelled("Number", variable.get("number", ""), indent=2)
        for category in variable.get("one_of", variable.get("any_of", [])):
            page.labelled(category["label"], category["when"], indent=2)


def _lay_out_page(described: dict[str, Any], page: Page) -> None:
    study, item = described["study"], described["criterion"]
    page.text(f"{item['id']} of {study['id']}, version {study['version']}", style="bold")
    page.labelled("Kind", item["kind"])
    _lay_out_criterion(item, page, 0)
    _lay_out_parameters(described["parameters"], page)
    _lay_out_facts(described["facts"], described["parameters"], page)


def _lay_out_criterion(item: dict[str, Any], page: Page, indent: int) -> None:
    page.text(f"{item['id']}: {item['text']}", indent, hang=2)
    indent += 2
    page.labelled("Source", item["source"], indent)
    page.labelled("Reading", item["reading"] or "", indent)
    if "met_when" in item:
        page.text("Met when:", indent)
        page.code(item["met_when"], indent + 2)
        page.labelled("Facts", ", ".join(item["facts"]), indent)
        if item["time_can_clear"]:
            page.text("Time alone can end a fail.", indent)
    else:
        page.text(f"Met if {item['met_if']} of these {_VERB[item['met_if']]} met:", indent)
        for part in item["parts"]:
            _lay_out_criterion(part, page, indent)
    for example in item.get("examples", []):
        why = f" ({example['why']})" if example["why"] else ""
        record = json.dumps(example["record"], ensure_ascii=False, default=str)
        page.text(f"Example {example['truth']}{why}, as of {example['as_of']}: {record}", indent, 2)


def _lay_out_parameters(parameters: list[dict[str, Any]], page: Page) -> None:
    if parameters:
        page.heading("PARAMETERS (--set NAME=VALUE gives the site's own)")
    for parameter in parameters:
        unit = f" {parameter['unit']}" if parameter["unit"] not in {"", "truth value"} else ""
        assumed = "assumed: " if parameter["assumed"] else ""
        value = _value(parameter["value"])
        page.text(f"{parameter['name']} = {value}{unit} ({assumed}{parameter['source']})", hang=2)


def _lay_out_facts(
    facts: list[dict[str, Any]], parameters: list[dict[str, Any]], page: Page
) -> None:
    values = {parameter["name"]: _value(parameter["value"]) for parameter in parameters}
    if facts:
        page.heading("FACTS, and what to obtain where they are unknown")
    for fact in facts:
        unit = f" [{fact['unit']}]" if fact["unit"] else ""
        page.text(f"{fact['name']}{unit}: {fact['means']}", hang=2)
        for case in fact["unknown"]:
            ask = f" Obtain: {case['ask']}." if case["ask"] else ""
            text = _filled(f"{case['say'].strip()}{ask}", values)
            page.text(f"- {text}", indent=2, hang=2)


def _filled(template: str, values: dict[str, str]) -> str:
    """Fill a template with the values of parameters; what a record decides stays in braces."""
    return re.sub(r"{(\w+)}", lambda found: values.get(found[1], found[0]), template)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
