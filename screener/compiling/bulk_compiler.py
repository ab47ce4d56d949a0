"""Writes what is asked of many records at once, which computes nothing that is not answered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from screener.compiling import trees, view
from screener.compiling.lean import lean
from screener.compiling.macros import Macros
from screener.compiling.simplify import Simplifier
from screener.compiling.statements import ALWAYS, column, truth
from screener.encoding.dictionaries import TERM_SHAPES
from screener.encoding.study import every, leaves
from screener.plan import SOURCE, Bulk, truth_column

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from screener.compiling.compiler import Compiler
    from screener.compiling.lean import Case
    from screener.plan import Leaf, Node

_ASKED = ("n", "variant", "as_of", "screened_on")


class BulkCompiler:
    """Writes the statements of a study whose expressions are sound."""

    def __init__(
        self, compiler: Compiler, nodes: Sequence[Node], told: Sequence[Leaf], used: Sequence[str]
    ) -> None:
        self._compiler = compiler
        self._study = compiler.encoding.study
        self._nodes = nodes
        self._told = told
        self._used = used
        self._truths = [truth_column(position) for position in range(len(nodes))]
        # What both statements rest on is simplified once.
        self._written = Simplifier(Macros(compiler.encoding.logic), used)
        for name in (name for layer in compiler.needed(self._study.criteria, []) for name in layer):
            self._written.add(name, trees.bare(compiler.fact_expression(name).tree))
        answers = self._answers()
        for name, tree in zip(answers, trees.read_all(answers.values()), strict=True):
            self._written.add(name, tree)

    def _answers(self) -> dict[str, str]:
        """The truths of criteria, and what is answered of them."""
        study = self._study
        single = leaves(study.criteria)
        by_id = {c.id: c for c in every(study.criteria)}
        days = ", ".join(f"({c.clears_after})" for c in single if c.clears_after)
        return {
            **{f"t_{column(c)}": f"CAST(({c.met_when}) AS BOOLEAN)" for c in single},
            **{
                name: truth(by_id[node.id], lambda c: f"t_{column(c)}")
                for name, node in zip(self._truths, self._nodes, strict=True)
            },
            "days": f"CAST(flatten([{days}]) AS DATE[])" if days else "CAST([] AS DATE[])",
        }

    def verdicts(self) -> Bulk:
        """The truths alone: of nothing that was not bound for few records."""
        return self._bulk([], (*_ASKED, *self._truths), {})

    def explained(
        self, opens: dict[str, str], whys: dict[str, str]
    ) -> tuple[Bulk, list[list[str]]]:
        """The truths with reasons, and the columns of what to obtain for each leaf.

        Raises:
            StudyError: the facts do not fit together.
        """
        explains = self._compiler.explanations(self._study.criteria)
        because: dict[str, str] = {}
        reasons: dict[str, str] = {}
        asks: dict[str, str] = {}
        when: dict[str, list[Case]] = {}
        names: dict[tuple[str, str], str] = {}
        of_leaves: list[list[str]] = []
        for i, node in enumerate(self._nodes):
            if node.leaf is None:
                continue
            leaf, known = self._told[node.leaf], self._leaf(node)
            pairs = {key: name for fact in leaf.facts for name, key in explains[fact]}
            found = []
            for key, name in pairs.items():
                number = str(len(names))
                number = names.setdefault((name, key), number)
                because[f"e{number}"] = f"CASE WHEN {opens[name]} THEN {whys[key]} END"
                when.setdefault(f"e{number}", []).append((known, None))
                asks[f"a{number}"] = f"e{number}.ask"
                found.append(number)
            of_leaves.append([f"a{number}" for number in found])
            said = _joined([f"e{number}.say" for number in found])
            because[f"m{i}"] = leaf.met
            when[f"m{i}"] = [(known, True)]
            if leaf.met == leaf.not_met:
                when[f"m{i}"].append((known, False))
                reasons[f"r{i}"] = f"CASE WHEN {known} IS NOT NULL THEN m{i} ELSE {said} END"
            else:
                because[f"u{i}"] = leaf.not_met
                when[f"u{i}"] = [(known, False)]
                reasons[f"r{i}"] = (
                    f"CASE WHEN {known} THEN m{i} WHEN NOT {known} THEN u{i} ELSE {said} END"
                )
        bulk = self._bulk(
            [because, reasons | asks], (*_ASKED, *self._truths, "days", *reasons, *asks), when
        )
        self._compiler.scratch.bind([bulk.on_the_day()])
        return bulk, of_leaves

    def _leaf(self, node: Node) -> str:
        criterion = next(c for c in every(self._study.criteria) if c.id == node.id)
        return f"t_{column(criterion)}"

    def _bulk(
        self, more: list[dict[str, str]], wanted: Sequence[str], when: Mapping[str, list[Case]]
    ) -> Bulk:
        compiler = self._compiler
        given = compiler.record_names | {*self._used} | ALWAYS
        asked = lean(self._written, more, wanted, given, SOURCE, when)
        return Bulk(self._view(asked.paths), asked.statement)

    def _view(self, read: Collection[tuple[str, ...]]) -> str:
        """The SELECT over `question`, all of it as of the day of the table `day`.

        DuckDB computes once for many records what rests on that day and on parameters alone. The
        right side of a product it gathers first, so however few records it parses at a time, what
        follows takes a whole vector of them.
        """
        fields = view.ALWAYS | {name for path in read for name in path}
        first = {path[0] for path in read} | {"partial"}
        structure = {n: it for n, it in view.structure(fields).items() if n in first}
        shape = json.dumps(structure).replace("'", "''")
        terms = ", ".join(
            f"map_keys(term_{it}) AS words_{it}, map_values(term_{it}) AS known_{it}"
            for it in TERM_SHAPES
        )
        return view.View(fields, paths=False, read=read).sql(
            f"(SELECT n, day.as_of, later, record, {terms} FROM terms, day, "  # noqa: S608
            f"(SELECT n, later, from_json(record, '{shape}') AS record FROM question))"
        )


def _joined(texts: Sequence[str]) -> str:
    """The distinct ones of some texts that may be NULL, as SQL: one text, with spaces between."""
    if not texts:
        return "''"
    if len(texts) == 1:
        return f"coalesce({texts[0]}, '')"
    distinct = [
        f"CASE WHEN {' AND '.join(f'{text} IS DISTINCT FROM {other}' for other in texts[:place])} "
        f"THEN {text} END"
        for place, text in enumerate(texts)
        if place
    ]
    return f"concat_ws(' ', {', '.join([texts[0], *distinct])})"
