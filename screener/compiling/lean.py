"""Writes a statement for many records that computes nothing which its answers do not need."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from screener.compiling import trees
from screener.compiling.reads import Reads
from screener.compiling.simplify import alike, cost, could_fail, has_lambda

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from screener.compiling.simplify import Simplifier
    from screener.compiling.trees import Tree


@dataclass(frozen=True)
class Lean:
    """Columns as a statement over a table of records, and what it reads of them."""

    statement: str
    paths: frozenset[tuple[str, ...]]


Case = tuple[str, bool | None]
"""A column of a truth, and the truth in question."""

_WORTH = 40
"""What an expression must take to compute, in about nanoseconds, to be left out where it can be."""


def lean(  # noqa: PLR0913, PLR0917
    simplifier: Simplifier,
    layers: Sequence[Mapping[str, str]],
    wanted: Sequence[str],
    given: Collection[str],
    source: str,
    when: Mapping[str, Sequence[Case]],
) -> Lean:
    """Columns that are written in layers, each of earlier ones, over `source` with columns `given`.

    The statement gives `wanted`, in their order. `when` names columns that are read only in some
    cases; they, and what only they need, are computed in these alone.
    """
    for layer in layers:
        for name, tree in zip(layer, trees.read_all(layer.values()), strict=True):
            simplifier.add(name, tree)
    reads = Reads(simplifier.columns, given, wanted)
    columns = {name: reads.pruned(simplifier.columns[name]) for name in sorted(reads.used)}
    columns = _in_cases(_shared(columns), wanted, when)
    uses = {name: trees.columns(tree) for name, tree in columns.items()}
    depths: dict[str, int] = {}

    def depth(name: str) -> int:
        if name not in columns:
            return 0
        if name not in depths:
            depths[name] = 1 + max(map(depth, uses[name]), default=0)
        return depths[name]

    last = max(map(depth, columns), default=0)
    needed = set(wanted)
    steps: list[tuple[list[str], list[str]]] = []
    for level in range(last, 0, -1):
        made = sorted(name for name in columns if depths[name] == level)
        kept = sorted(needed - set(made))
        steps.append((kept, made))
        needed = set(kept).union(*(uses[name] for name in made)) & (columns.keys() | set(given))
    below = f"(SELECT {', '.join(map(_quoted, sorted(needed)))} FROM {source})"  # noqa: S608
    for kept, made in reversed(steps):
        written = trees.write([(name, columns[name]) for name in made])
        below = f"(SELECT {', '.join([*map(_quoted, kept), written])} FROM {below})"  # noqa: S608
    order = ", ".join(map(_quoted, wanted))
    text = f"SELECT {order} FROM {below}"  # noqa: S608
    return Lean(text, frozenset(reads.paths))


def _shared(columns: Mapping[str, Tree]) -> dict[str, Tree]:
    """The columns, and as columns of their own what several of them go through lists for."""
    counts: Counter[str] = Counter()
    safe: dict[str, bool] = {}
    text_of, goes_through = trees.once(alike), trees.once(has_lambda)

    def count(node: Tree, *, certain: bool) -> None:
        if node["class"] == "LAMBDA" or not goes_through(node):
            return
        text = text_of(node)
        counts[text] += 1
        safe[text] = safe.get(text, False) or certain or not could_fail(node)
        if counts[text] == 1:
            # Of what a CASE may not choose, nothing that could fail is computed in any case.
            sure = certain and node["class"] != "CASE"
            for part in trees.parts(node):
                count(part, certain=sure)

    for tree in columns.values():
        count(tree, certain=True)
    made: dict[str, Tree] = {}
    names: dict[str, str] = {}

    def named(node: Tree, *, top: bool = False) -> Tree:
        if node["class"] == "LAMBDA" or not goes_through(node):
            return node
        text = text_of(node)
        if not top and counts[text] > 1 and safe[text]:
            if text not in names:
                names[text] = f"shared {len(names)}"
                made[names[text]] = trees.mapped(node, named)
            return trees.column(names[text])
        return trees.mapped(node, named)

    return {name: named(tree, top=True) for name, tree in columns.items()} | made


def _in_cases(
    columns: Mapping[str, Tree], wanted: Sequence[str], when: Mapping[str, Sequence[Case]]
) -> dict[str, Tree]:
    """The columns, those that are needed only in some cases computed in these alone."""
    users: dict[str, set[str]] = {name: set() for name in columns}
    for name, tree in columns.items():
        for used in trees.columns(tree) & columns.keys():
            users[used].add(name)
    found: dict[str, frozenset[Case] | None] = {}

    def cases(name: str) -> frozenset[Case] | None:
        """In which cases a column is needed; None is always."""
        if name not in found:
            needed: set[Case] = set(when.get(name, ()))
            above = () if needed else users[name]
            each = [cases(user) for user in above]
            if not needed and (name in wanted or None in each):
                found[name] = None
            else:
                all_cases = frozenset(needed.union(*(it for it in each if it)))
                found[name] = None if _is_always(all_cases) else all_cases
        return found[name]

    seldom = {name: it for name in columns if (it := cases(name)) is not None}
    seldom = {name: it for name, it in seldom.items() if cost(columns[name]) >= _WORTH}
    texts = (f"CASE WHEN {_tests(it)} THEN NULL END" for it in seldom.values())
    result = dict(columns)
    for name, chosen in zip(seldom, trees.read_all(texts), strict=True):
        [check] = chosen["case_checks"]
        result[name] = {**chosen, "case_checks": [{**check, "then_expr": columns[name]}]}
    return result


def _is_always(cases: Collection[Case]) -> bool:
    """Whether there are so many cases that to tell them apart saves nothing."""
    columns = {column for column, _ in cases}
    return len(columns) > 3 or any(
        {truth for name, truth in cases if name == column} == {True, False, None}
        for column in columns
    )


def _tests(cases: Collection[Case]) -> str:
    return " OR ".join(_test(column, cases) for column in sorted({column for column, _ in cases}))


def _test(column: str, cases: Collection[Case]) -> str:
    truths = {truth for name, truth in cases if name == column}
    name = _quoted(column)
    if truths == {True}:
        return name
    if truths == {False}:
        return f"NOT {name}"
    if truths == {None}:
        return f"{name} IS NULL"
    if truths == {True, False}:
        return f"{name} IS NOT NULL"
    return f"{name} IS DISTINCT FROM {'false' if True in truths else 'true'}"


def _quoted(name: str) -> str:
    return f'"{name}"'
