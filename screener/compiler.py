"""Makes a plan of an encoding: writes its facts and criteria as statements."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from screener import database, sql, view
from screener.cohort_compiler import CohortCompiler
from screener.dictionaries import TERM_TYPES, keyed_terms
from screener.errors import StudyError
from screener.expressions import Expressions
from screener.plan import BASE, Node, Part, Plan
from screener.study import every, leaves

if TYPE_CHECKING:
    from screener.study import AdvisoryRule, Case, Criterion, Encoding, Parameter


class Compiler(Expressions):
    """Writes the statements of an encoding, once all of its expressions are sound."""

    def __init__(self, encoding: Encoding) -> None:
        super().__init__(encoding)
        self._whys: dict[str, str] = {}
        """The SQL of each explanation, and its key."""

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
                    found[name] = [[name, self._whys.setdefault(text, f"why{len(self._whys)}")]]
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

    def compile(self) -> Plan:
        """The plan of the study.

        Raises:
            StudyError: the encoding is wrong somewhere; the message names every place.
        """
        study = self.encoding.study
        self.check_names()
        cohort = CohortCompiler(self)
        layers = self.needed(study.criteria, study.advisories, cohort.columns())
        if self.faults:
            raise StudyError("\n".join(dict.fromkeys(self.faults)))
        nodes, single = _nodes(study.criteria)
        used = self._parameters_used(layers, single, cohort.columns())
        explains = self.explanations(study.criteria)
        every_shown = [n for layer in layers for n in layer if self.facts[n].type != "entries"]
        named = [self.shown_facts(c) for c in single]
        facts_statement = self._facts_statement(every_shown, layers, used)
        whole = self._part(study.criteria, list(range(len(study.advisories))), nodes, used)
        halves = [self._part(*half, nodes, used) for half in self._halves()]
        beside = cohort.plan(layers, used)
        asked = [whole.statement, facts_statement]
        asked += [beside.index_statement, beside.variables_statement]
        tables, fill = self._fill(layers, used, " ".join(asked))
        statements = " ".join([fill, *asked])
        plan = Plan(
            study_id=study.id,
            version=study.version,
            title=study.title,
            sha256=self.encoding.sha256,
            nodes=nodes,
            top=_top(study.criteria, nodes),
            leaves=named,
            explains=explains,
            evidence={n: self._evidence(n) for n in every_shown},
            whole=whole,
            halves=halves,
            parameters={n: self.parameters[n].model_dump() for n in used},
            alternatives=self._alternatives(single),
            advisories=[rule.id for rule in study.advisories],
            logic=_macros_used(self.encoding.logic, statements),
            terms=keyed_terms(self.encoding),
            tables=tables,
            fill=fill,
            facts_statement=facts_statement,
            facts=[
                {"name": n, "label": f.label, "means": f.means, "type": f.type, "unit": f.unit,
                 "source": f.source}
                for n in every_shown for f in [self.facts[n]]
            ],
            cohort=beside,
        )  # fmt: skip
        _bind(plan)
        return plan

    def _alternatives(self, single: list[Criterion]) -> list[list[str]]:
        found: dict[tuple[str, ...], None] = {}
        for criterion in single:
            columns = sql.parse(criterion.met_when or "", self.macros).columns
            names = sorted(n for n in columns if n in self.parameters)
            if len(names) > 1:
                found[tuple(names)] = None
        return [list(names) for names in found]

    def _halves(self) -> list[tuple[list[Criterion], list[int]]]:
        """The criteria in two groups whose statements are about equally long, in study order."""
        study = self.encoding.study

        def facts_of(criteria: list[Criterion], rules: list[AdvisoryRule]) -> set[str]:
            return {n for layer in self.needed(criteria, rules) for n in layer}

        def size(names: set[str]) -> int:
            return sum(len(self.facts[n].sql) for n in names)

        groups: list[set[str]] = [set(), set()]
        chosen: dict[str, int] = {}
        order = sorted(study.criteria, key=lambda c: -size(facts_of([c], [])))
        for criterion in order:
            names = facts_of([criterion], [])
            best = min((0, 1), key=lambda g: (size(groups[g] | names), g))
            chosen[criterion.id] = best
            groups[best] |= names
        halves: list[tuple[list[Criterion], list[int]]] = []
        for group in (0, 1):
            criteria = [c for c in study.criteria if chosen[c.id] == group]
            halves.append((criteria, []))
        for index, rule in enumerate(study.advisories):
            names = facts_of([], [rule])
            best = min((0, 1), key=lambda g: (size(names - groups[g]), g))
            halves[best][1].append(index)
        return [half for half in halves if half[0]]

    def _part(
        self, criteria: list[Criterion], rules: list[int], nodes: list[Node], used: list[str]
    ) -> Part:
        single = leaves(criteria)
        positions = {node.id: index for index, node in enumerate(nodes)}
        advisories = [self.encoding.study.advisories[index] for index in rules]
        layers = self.needed(criteria, advisories)
        explains = self.explanations(criteria)
        opens = sorted({pair[0] for pairs in explains.values() for pair in pairs})
        keys = sorted({pair[1] for pairs in explains.values() for pair in pairs})
        texts = {key: text for text, key in self._whys.items()}
        named = [n for c in single for n in self.shown_facts(c)]
        shown = sorted({spec["column"] for n in named for spec in self._evidence(n)})
        here = [positions[c.id] for c in every(criteria)]
        base = f"variant = {BASE} AND as_of = screened_on"
        reasons = ", ".join(self._reason(c) for c in single)
        whys = ", ".join(texts[key] for key in keys)
        told = ", ".join(
            f"CASE WHEN ({rule.when}) THEN {self.template(rule.text)} END" for rule in advisories
        )
        days = ", ".join(f"({c.clears_after})" for c in single if c.clears_after)
        answers = ", ".join([
            f"[{', '.join(self._truth(nodes[i], nodes) for i in here)}] AS truths",
            f"CASE WHEN {base} THEN [{reasons}] END AS reasons",
            f"[{', '.join(self.is_open(n) for n in opens)}] AS opens",
            f"CASE WHEN {base} THEN CAST([{whys}] AS {_WHY}) END AS whys",
            f"CASE WHEN {base} THEN CAST([{told}] AS VARCHAR[]) END AS advisories",
            "ignored",
            f"CASE WHEN {base} THEN CAST(flatten([{days}]) AS DATE[]) END AS days"
            if days else "CAST([] AS DATE[]) AS days",
            *(f"CASE WHEN {base} THEN {name} END AS {name}" for name in shown),
        ])  # fmt: skip
        truths = ", ".join(f"CAST(({c.met_when}) AS BOOLEAN) AS t_{_column(c)}" for c in single)
        available = {n for layer in layers for n in layer} | set(used) | self.record_names
        names = _words(answers, available) | _ALWAYS
        steps = self.steps(layers, available, names | _words(truths, available))
        statement = (
            f"SELECT n, variant, as_of, screened_on, {answers} FROM "
            f"(SELECT {', '.join(sorted(names))}, {truths} FROM {steps})"
        )
        return Part(statement, here, [n.leaf for i in here if (n := nodes[i]).leaf is not None],
                    opens, keys, rules, shown)  # fmt: skip

    def _reason(self, criterion: Criterion) -> str:
        column = f"t_{_column(criterion)}"
        met, not_met = self.template(criterion.met), self.template(criterion.not_met)
        if met == not_met:
            return f"CASE WHEN {column} IS NOT NULL THEN {met} END"
        return f"CASE WHEN {column} THEN {met} WHEN NOT {column} THEN {not_met} END"

    def _truth(self, node: Node, nodes: list[Node]) -> str:
        criterion = next(c for c in every(self.encoding.study.criteria) if c.id == node.id)
        if node.leaf is not None:
            return f"t_{_column(criterion)}"
        macro = "all_true" if criterion.all else "any_true"
        return f"{macro}([{', '.join(self._truth(nodes[i], nodes) for i in node.parts)}])"

    def _facts_statement(self, names: list[str], layers: list[list[str]], used: list[str]) -> str:
        facts = [
            f"{{'value': to_json({n}), 'words': {self.text_of(n)}}} AS {n}_found" for n in names
        ]
        columns = ", ".join(
            [*facts, *sorted({s["column"] for n in names for s in self._evidence(n)})]
        )
        available = {n for layer in layers for n in layer} | set(used) | self.record_names
        needed = _words(columns, available) | set(names) | _ALWAYS
        steps = self.steps(layers, available, needed)
        return f"SELECT n, {columns} FROM {steps} WHERE variant = {BASE} AND as_of = screened_on"

    def _evidence(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for spec in self.facts[name].evidence:
            if spec.of:
                found.append({"column": spec.of, "within": spec.within, "fields": spec.fields})
            found += [{"column": path.split(".")[0], "path": path} for path in spec.record]
        return found

    def steps(self, layers: list[list[str]], available: set[str], needed: set[str]) -> str:
        """The facts layer by layer, each handing on only what is still needed.

        At the start there is a row for each record, variant and day.
        """
        known = (available - self.facts.keys() - {"id"}) | _ALWAYS
        after = [set(needed)]
        for layer in reversed(layers):
            after.append(after[-1] | {c for n in layer for c in self.fact_expression(n).columns})
        after.reverse()
        columns = sorted((known & after[0]) - {"as_of"})
        below = (
            f"(SELECT {', '.join(columns)}, unnest(list_prepend(screened_on, CASE WHEN "
            f"variant <= {BASE} THEN later END)) AS as_of FROM viewed, variants)"
        )
        for index, layer in enumerate(layers):
            wanted = sorted(n for n in layer if n in after[index + 1])
            columns = sorted(known & after[index + 1])
            facts = [f"({self.facts[n].sql.strip()}) AS {n}" for n in wanted]
            below = f"(SELECT {', '.join(columns + facts)} FROM {below})"
            known |= set(wanted)
        return below

    def _parameters_used(
        self, layers: list[list[str]], leaves: list[Criterion], more: set[str]
    ) -> list[str]:
        texts = [c.met_when or "" for c in leaves] + [c.clears_after or "" for c in leaves]
        names = set(more)
        for text in texts:
            if text:
                names |= sql.parse(text, self.macros).columns
        for criterion in leaves:
            names |= set(re.findall(r"{(\w+)}", criterion.met + criterion.not_met))
        for rule in self.encoding.study.advisories:
            names |= sql.parse(rule.when, self.macros).columns
        for layer in layers:
            for name in layer:
                names |= self.fact_expression(name).columns | self.texts_of(name)
        return sorted(names & self.parameters.keys())

    def _fill(self, layers: list[list[str]], used: list[str], answers: str) -> tuple[str, str]:
        """The tables that a question stands in, and the statement that fills `viewed`.

        `viewed` holds the records as facts see them. It is filled once for all parts, which read
        it; a part that made its own view would spend half of its time on it.
        """
        texts = [self.facts[n].sql for layer in layers for n in layer] + [answers]
        fields = set(re.findall(r"\w+", " ".join(texts)))
        for layer in layers:
            for spec in (s for n in layer for s in self.facts[n].evidence):
                fields |= {*spec.fields.values(), *(w for p in spec.record for w in p.split("."))}
        fields |= view.ALWAYS
        structure = [
            {"n": "INTEGER", "as_of": "DATE", "days": ["DATE"], "record": view.structure(fields)}
        ]
        terms = ", ".join(f"map_from_entries(j.{name}) AS term_{name}" for name in TERM_TYPES)
        types = {name: [{"k": "VARCHAR", "v": value}] for name, value in TERM_TYPES.items()}
        source = (
            f"(SELECT e.n, e.as_of, e.days AS later, e.record, {terms} FROM (SELECT "
            f"unnest(from_json(records, {_quote(json.dumps(structure))})) AS e, "
            f"from_json(terms, {_quote(json.dumps(types))}) AS j FROM question))"
        )
        fill = view.view_sql(source, fields)
        connection = database.connect()
        connection.execute(f"{_QUESTION}; {self.encoding.logic}")
        columns = connection.execute(f"DESCRIBE {fill}").fetchall()
        viewed = ", ".join(f'"{name}" {kind}' for name, kind, *_ in columns)
        variants = "".join(f', "{n}" {_column_type(self.parameters[n])}' for n in used)
        tables = (
            f"{_QUESTION}; CREATE TABLE viewed({viewed}); "
            f"CREATE TABLE variants(variant INTEGER{variants})"
        )
        return tables, f"INSERT INTO viewed {fill}"


_QUESTION = "CREATE TABLE question(records VARCHAR, terms VARCHAR)"
_WHY = "STRUCT(say VARCHAR, ask VARCHAR, rests_on VARCHAR[])[]"
_ALWAYS = {"n", "variant", "as_of", "screened_on", "ignored"}


def _words(text: str, known: set[str]) -> set[str]:
    """The known names that a piece of SQL uses, or seems to: a superset."""
    return set(re.findall(r"\w+", text)) & known


def _column(criterion: Criterion) -> str:
    return re.sub(r"\W", "_", criterion.id)


def _nodes(criteria: list[Criterion]) -> tuple[list[Node], list[Criterion]]:
    nodes: list[Node] = []
    leaves: list[Criterion] = []

    def add(criterion: Criterion) -> int:
        position = len(nodes)
        leaf = None
        if criterion.met_when:
            leaf = len(leaves)
            leaves.append(criterion)
        nodes.append(
            Node(criterion.id, criterion.kind, criterion.text.strip(), criterion.source, [], leaf,
                 bool(criterion.clears_after))
        )  # fmt: skip
        nodes[position].parts.extend(add(part) for part in criterion.parts)
        return position

    for criterion in criteria:
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


def _macros_used(logic: str, statement: str) -> str:
    """The definitions that a statement needs, in their order: each costs time to create."""
    found = {m.group(1): m.group(0) for m in _MACRO.finditer(logic)}
    needed: set[str] = set()
    texts = [statement, _LOOK_UP]
    while texts:
        words = set(re.findall(r"\w+", texts.pop())) & found.keys()
        texts += [found[name] for name in words - needed]
        needed |= words
    return "\n".join(text for name, text in found.items() if name in needed)


def _bind(plan: Plan) -> None:
    """Have DuckDB bind the statements once, so that a wrong type is found now."""
    connection = database.connect()
    connection.execute(f"{plan.tables}; {plan.logic}")
    try:
        cohort = [plan.cohort.index_statement, plan.cohort.variables_statement]
        for text in [plan.fill, plan.whole.statement, plan.facts_statement, *filter(None, cohort)]:
            connection.execute(f"PREPARE checked AS {text}; DEALLOCATE checked")
    except database.Error as error:
        raise StudyError(f"{plan.study_id}: the facts do not fit together: {error}") from None


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
