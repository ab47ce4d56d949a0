"""Makes a plan of an encoding: writes its facts and criteria as statements."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from screener import reasons
from screener.compiling import fields, view
from screener.compiling.bulk_compiler import BulkCompiler
from screener.compiling.cohort_compiler import CohortCompiler
from screener.compiling.columns import Columns
from screener.compiling.dependence import rests_on
from screener.compiling.division import Division
from screener.compiling.expressions import Expressions
from screener.compiling.fields import BELOW
from screener.compiling.scratch import Scratch, table
from screener.compiling.statements import ALWAYS, names_in
from screener.encoding.dictionaries import TERM_SHAPES, column_type, keyed_terms
from screener.encoding.study import leaves
from screener.errors import StudyError
from screener.plan import BASE, Advisory, Leaf, Many, Node, Plan

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from screener.encoding.study import Case, Criterion, Encoding, Parameter


class Compiler(Expressions):
    """Writes the statements of an encoding, once all of its expressions are sound."""

    def __init__(self, encoding: Encoding) -> None:
        super().__init__(encoding)
        self.whys: dict[str, str] = {}
        """The SQL of each explanation, and its key."""
        self.scratch = Scratch(encoding)
        self._columns = Columns(self)

    def text_of(self, name: str) -> str:
        """SQL for a fact or parameter as words."""
        if name in self.parameters:
            value = self.parameters[name].value
            if isinstance(value, bool):
                return f"CASE WHEN {name} THEN 'yes' ELSE 'no' END"
            if isinstance(value, list):
                return f"joined({name})"
            return name if isinstance(value, str) else f"num({name})"
        words = {
            "boolean": f"CASE WHEN {name} THEN 'yes' WHEN NOT {name} THEN 'no' END",
            "integer": f"CAST({name} AS VARCHAR)",
            "number": f"num({name})",
            "text": name,
            "span": f"CASE WHEN {name}.lo = {name}.hi THEN CAST({name}.lo AS VARCHAR) "
            f"ELSE {name}.lo || ' to ' || {name}.hi END",
            "bounds": f"CASE WHEN {name}.hi IS NULL THEN {name}.lo || ' or more' "
            f"WHEN {name}.lo = {name}.hi THEN CAST({name}.lo AS VARCHAR) "
            f"ELSE {name}.lo || ' to ' || {name}.hi END",
            "entries": f"CAST({name} AS VARCHAR)",
        }
        return words[self.facts[name].type]

    def template(self, text: str) -> str:
        """SQL for a template."""
        parts: list[str] = []
        for index, piece in enumerate(re.split(r"{(\w+)}", text)):
            if index % 2 and (piece in self.facts or piece in self.parameters):
                parts.append(f"coalesce({self.text_of(piece)}, 'not recorded')")
            elif piece and index % 2:
                parts.append(_quote("{" + piece + "}"))
            elif piece:
                parts.append(_quote(piece))
        return f"concat({', '.join(parts)})" if parts else "''"

    def is_open(self, name: str) -> str:
        """SQL that is true where a fact leaves something open."""
        if self.facts[name].type == "bounds":
            return f"({name}.lo IS NULL OR {name}.lo IS DISTINCT FROM {name}.hi)"
        return f"({name} IS NULL)"

    def explanations(self, criteria: list[Criterion]) -> dict[str, list[list[str]]]:
        """Which explanation to give for which fact that a predicate names."""
        found: dict[str, list[list[str]]] = {}

        def explain(name: str, trail: frozenset[str]) -> list[list[str]]:
            if name in trail:
                return []
            if name not in found:
                fact = self.facts[name]
                if fact.unknown:
                    text = self._cases(fact.unknown)
                    found[name] = [[name, self.whys.setdefault(text, f"why{len(self.whys)}")]]
                else:
                    uses = self.fact_expression(name).columns & self.facts.keys()
                    below = fact.inherit or sorted(uses)
                    pairs = [pair for n in below for pair in explain(n, trail | {name})]
                    found[name] = list({tuple(pair): pair for pair in pairs}.values())
            return found[name]

        for criterion in leaves(criteria):
            for name in self.shown_facts(criterion):
                explain(name, frozenset())
        return found

    def _cases(self, cases: list[Case]) -> str:
        branches, otherwise = [], "NULL"
        for case in cases:
            if case.when is None:
                otherwise = self._case(case)
                break
            branches.append(f"WHEN coalesce({case.when}, false) THEN {self._case(case)}")
        return f"CASE {' '.join(branches)} ELSE {otherwise} END" if branches else otherwise

    def _case(self, case: Case) -> str:
        mentioned = set(re.findall(r"{(\w+)}", case.say)) & self.parameters.keys()
        rests_on = sorted(n for n in mentioned if self.parameters[n].assumed)
        ask = self.template(case.ask) if case.ask else "NULL"
        names = ", ".join(map(_quote, rests_on))
        return (
            f"{{'say': {self.template(case.say)}, 'ask': CAST({ask} AS VARCHAR), "
            f"'rests_on': CAST([{names}] AS VARCHAR[])}}"
        )

    def compile(self, *, many: bool = False) -> Plan:
        """The plan of the study, with what is asked of many records or without.

        Raises:
            StudyError: the encoding is wrong somewhere; the message names every place.
        """
        study = self.encoding.study
        self.scratch = Scratch(self.encoding)  # without the tables of an earlier plan
        self.check_names()
        cohort = CohortCompiler(self)
        layers = self.needed(study.criteria, study.advisories, cohort.columns())
        if self.faults:
            raise StudyError("\n".join(dict.fromkeys(self.faults)))
        nodes, single = _nodes(self)
        used = self._parameters_used(layers, single, cohort.columns())
        explains = self.explanations(study.criteria)
        leaves_ = [
            Leaf(self.shown_facts(c), self.template(c.met), self.template(c.not_met))
            for c in single
        ]
        opens = {n: self.is_open(n) for pairs in explains.values() for n, _ in pairs}
        whys = {key: text for text, key in self.whys.items()}
        advisories = [
            Advisory(rule.id, f"CASE WHEN ({rule.when}) THEN {self.template(rule.text)} END")
            for rule in study.advisories
        ]
        every_shown = [n for layer in layers for n in layer if self.facts[n].type != "entries"]
        told = [text for leaf in leaves_ for text in (leaf.met, leaf.not_met)]
        told += [*opens.values(), *whys.values(), *(rule.sql for rule in advisories)]
        facts_statement = self._facts_statement(every_shown, layers, used)
        beside = cohort.plan(layers, used)
        asked = [facts_statement, beside.index_statement, beside.variables_statement]
        written = " ".join([*(c.met_when or "" for c in single), *asked, *told])
        read = self._fields_read(layers, written)
        logic = self.encoding.logic
        views = [self._view(read, paths=paths) for paths in (True, False)]
        tables = self.question(used)
        self.scratch.make(tables)
        viewed = table("viewed", self.scratch.types(views[0]))
        self.scratch.make(viewed)
        divide = Division(self, nodes, leaves_, advisories, used)
        everything = (study.criteria, list(range(len(study.advisories))))
        whole = divide.part("known", *everything)
        halves = [
            divide.part(f"known_{number}", *half) for number, half in enumerate(divide.halves())
        ]
        asked_of_many = None
        if many and not beside.one_by_one:
            bulk = BulkCompiler(self, nodes, leaves_, used)
            asked_of_many = Many(bulk.verdicts(), *bulk.explained(opens, whys))
        plan = Plan(
            study_id=study.id,
            version=study.version,
            title=study.title,
            sha256=self.encoding.sha256,
            nodes=nodes,
            top=_top(study.criteria, nodes),
            leaves=leaves_,
            explains=explains,
            whys=whys,
            opens=opens,
            evidence={n: self.evidence(n) for n in every_shown},
            parameters={n: self.parameters[n].model_dump() for n in used},
            alternatives=self._alternatives(single),
            advisories=advisories,
            logic=fields.apart_in_macros("\n".join(
                macros_used(logic, " ".join([*views, whole.statement, written, _LOOK_UP])).values()
            )),
            terms=keyed_terms(self.encoding, self.scratch.connection),
            tables=f"{tables}; {viewed}",
            view=views[0],
            bare_view=views[1],
            whole=whole,
            halves=halves,
            facts_statement=facts_statement,
            facts=[
                {"name": n, "label": f.label, "means": f.means, "type": f.type, "unit": f.unit,
                 "source": f.source}
                for n in every_shown for f in [self.facts[n]]
            ],
            cohort=beside,
            many=asked_of_many,
        )  # fmt: skip
        self._bind(plan)
        return plan

    def _bind(self, plan: Plan) -> None:
        """Have DuckDB bind the statements that no table was made for.

        The bare view says what the other one says, but for the paths.

        Raises:
            StudyError: the facts do not fit together.
        """
        wanted = [{True, False, None}] * len(plan.leaves)
        statements = [
            reasons.statement(plan, plan.whole, wanted),
            plan.facts_statement,
            plan.cohort.index_statement,
            plan.cohort.variables_statement,
        ]
        self.scratch.make(plan.whole.create)
        self.scratch.bind(filter(None, statements))

    def _alternatives(self, single: list[Criterion]) -> list[list[str]]:
        found: dict[tuple[str, ...], None] = {}
        for criterion in single:
            names = sorted(self.columns(criterion.met_when or "") & self.parameters.keys())
            if len(names) > 1:
                found[tuple(names)] = None
        return [list(names) for names in found]

    def _facts_statement(self, names: list[str], layers: list[list[str]], used: list[str]) -> str:
        facts = [
            f"{{'value': to_json({n}), 'words': {self.text_of(n)}}} AS {n}_found" for n in names
        ]
        columns = ", ".join(
            [*facts, *sorted({s["column"] for n in names for s in self.evidence(n)})]
        )
        available = {n for layer in layers for n in layer} | set(used) | self.record_names
        needed = names_in(columns, available) | set(names) | ALWAYS
        steps = self.steps(layers, available, needed)
        return fields.apart(
            f"SELECT n, {columns} FROM {BELOW} "
            f"WHERE variant = {BASE} AND as_of IS NOT DISTINCT FROM screened_on",
            steps,
        )

    def evidence(self, name: str) -> list[dict[str, Any]]:
        """Where the evidence of a fact lies among the columns that are known."""
        found: list[dict[str, Any]] = []
        for spec in self.facts[name].evidence:
            if spec.of:
                found.append({"column": spec.of, "within": spec.within, "fields": spec.fields})
            found += [{"column": path.split(".")[0], "path": path} for path in spec.record]
        return found

    def steps(self, layers: list[list[str]], available: set[str], needed: set[str]) -> str:
        """The facts layer by layer, each handing on only what is still needed; fields are apart.

        At the start there is a row for each record, variant and day.
        """
        known = (available - self.facts.keys() - {"id"}) | ALWAYS
        after = [set(needed)]
        for layer in reversed(layers):
            after.append(after[-1] | {c for n in layer for c in self.fact_expression(n).columns})
        after.reverse()
        below = self._asked((known & after[0]) - {"as_of"})
        made = self._columns.facts([n for layer in layers for n in layer])
        names = self._columns.names(sorted(known | made.keys()))
        for index, layer in enumerate(layers):
            wanted = sorted(n for n in layer if n in after[index + 1])
            columns = [names[n] for n in sorted(known & after[index + 1])]
            facts = [made[n] for n in wanted]
            below = f"(SELECT {', '.join(columns + facts)} FROM {below})"
            known |= set(wanted)
        return below

    def _asked(self, columns: Collection[str]) -> str:
        """A row for each record, variant and day, with these columns and `as_of`.

        Variants are unnested from a list: the rows then come 2,048 at a time, which take DuckDB
        little longer than one. Of a product of tables come as many at a time as the larger has.
        """
        varied = {"variant", *self.parameters} & set(columns)
        recorded = {*columns, "screened_on", "later"} - varied
        given = [*sorted(set(columns) - varied), *(f"_one.{it} AS {it}" for it in sorted(varied))]
        rows = fields.apart(
            f"SELECT {', '.join(given)}, unnest(list_prepend(screened_on, "
            f"CASE WHEN _one.variant <= {BASE} THEN later END)) AS as_of FROM "
            f"(SELECT {', '.join(sorted(recorded))}, unnest(_all) AS _one "
            "FROM viewed, (SELECT list(_variant) AS _all FROM variants AS _variant))"
        )
        return f"({rows})"

    def _parameters_used(
        self, layers: list[list[str]], leaves: list[Criterion], more: set[str]
    ) -> list[str]:
        texts = [c.met_when or "" for c in leaves] + [c.clears_after or "" for c in leaves]
        names = set(more)
        for text in texts:
            if text:
                names |= self.columns(text)
        for criterion in leaves:
            names |= set(re.findall(r"{(\w+)}", criterion.met + criterion.not_met))
        for rule in self.encoding.study.advisories:
            names |= self.columns(rule.when)
        for layer in layers:
            for name in layer:
                names |= self.fact_expression(name).columns | self.texts_of(name)
        return sorted(names & self.parameters.keys())

    def _fields_read(self, layers: list[list[str]], statements: str) -> set[str]:
        """The fields of records that statements read, or seem to: a superset."""
        texts = [self.facts[n].sql for layer in layers for n in layer] + [statements]
        names = set(re.findall(r"\w+", " ".join(texts)))
        for layer in layers:
            for spec in (s for n in layer for s in self.facts[n].evidence):
                names |= {*spec.fields.values(), *(w for p in spec.record for w in p.split("."))}
        return names | view.ALWAYS

    def _view(self, read: set[str], *, paths: bool) -> str:
        """The SELECT that gives the records of `question` as facts see them.

        `viewed` holds its rows, so that facts, which name a list many times, share one copy.
        """
        structure = _quote(json.dumps(view.structure(read)))
        source = (
            f"(SELECT n, as_of, later, from_json(record, {structure}) AS record, terms.* "
            "FROM question, terms)"
        )
        return fields.apart(view.View(read, paths=paths).sql(source))

    def question(self, used: Sequence[str]) -> str:
        """Creates the tables that a question stands in, without `viewed`."""
        variants = "".join(f', "{n}" {_column_type(self.parameters[n])}' for n in used)
        return f"{_QUESTION}; CREATE TABLE variants(variant INTEGER{variants})"


_QUESTION = (
    "CREATE TABLE day(as_of DATE); "
    "CREATE TABLE question(n INTEGER, as_of DATE, later DATE[], record VARCHAR); "
    "CREATE TABLE terms("
    + ", ".join(f"term_{n} MAP(VARCHAR, {column_type(shape)})" for n, shape in TERM_SHAPES.items())
    + ")"
)


def _nodes(compiler: Compiler) -> tuple[list[Node], list[Criterion]]:
    nodes: list[Node] = []
    leaves: list[Criterion] = []

    def add(criterion: Criterion) -> int:
        position = len(nodes)
        leaf = None
        if criterion.met_when:
            leaf = len(leaves)
            leaves.append(criterion)
        nodes.append(
            Node(
                id=criterion.id,
                kind=criterion.kind,
                text=criterion.text.strip(),
                source=criterion.source,
                parts=[],
                leaf=leaf,
                clears=bool(criterion.clears_after),
                any_of=bool(criterion.any),
                rests_on=sorted(rests_on(compiler, criterion).parameters),
            )
        )
        nodes[position].parts.extend(add(part) for part in criterion.parts)
        return position

    for criterion in compiler.encoding.study.criteria:
        add(criterion)
    return nodes, leaves


def _top(criteria: list[Criterion], nodes: list[Node]) -> list[int]:
    positions = {node.id: index for index, node in enumerate(nodes)}
    return [positions[c.id] for c in criteria]


def _column_type(parameter: Parameter) -> str:
    if isinstance(parameter.value, bool):
        return "BOOLEAN"
    if isinstance(parameter.value, list):
        return "VARCHAR[]"
    return "VARCHAR" if isinstance(parameter.value, str) else "DECIMAL(18,6)"


_MACRO = re.compile(r"CREATE MACRO (\w+)\(.*?;$", re.DOTALL | re.MULTILINE)
_LOOK_UP = "drug_key site_key term_key unit_key neoplasm_key"  # what engine.look_up uses


def macros_used(logic: str, statement: str) -> dict[str, str]:
    """The macros that a statement needs, by name and in their order: each costs time to create."""
    found = {m.group(1): m.group(0) for m in _MACRO.finditer(logic)}
    needed: set[str] = set()
    texts = [statement]
    while texts:
        words = set(re.findall(r"\w+", texts.pop())) & found.keys()
        texts += [found[name] for name in words - needed]
        needed |= words
    return {name: text for name, text in found.items() if name in needed}


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
