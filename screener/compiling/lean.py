"""Writes a statement for many records that computes nothing which its answers do not need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from screener.compiling import trees
from screener.compiling.reads import Reads
from screener.compiling.simplify import Simplifier

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from screener.compiling.macros import Macros


@dataclass(frozen=True)
class Lean:
    """Columns as a statement over a table of records, and what it reads of them."""

    statement: str
    paths: frozenset[tuple[str, ...]]


def lean(
    macros: Macros,
    layers: Sequence[Mapping[str, str]],
    wanted: Sequence[str],
    given: Collection[str],
    source: str,
) -> Lean:
    """Columns that are written in layers, each of earlier ones, over `source` with columns `given`.

    The statement gives `wanted`, in their order.
    """
    simplifier = Simplifier(macros)
    for layer in layers:
        for name, text in layer.items():
            simplifier.add(name, text)
    reads = Reads(simplifier.columns, given, wanted)
    columns = {name: reads.pruned(simplifier.columns[name]) for name in sorted(reads.used)}
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
    below = f"(SELECT {', '.join(map(_quoted, sorted(needed)))} FROM {source})"
    for kept, made in reversed(steps):
        written = trees.write([(name, columns[name]) for name in made])
        below = f"(SELECT {', '.join([*map(_quoted, kept), written])} FROM {below})"
    order = ", ".join(map(_quoted, wanted))
    return Lean(f"SELECT {order} FROM {below}", frozenset(reads.paths))


def _quoted(name: str) -> str:
    return f'"{name}"'
