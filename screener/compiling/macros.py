"""Macros of an encoding, pasted into the trees that use them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

from screener.compiling import trees
from screener.compiling.trees import Tree

_MACRO = re.compile(r"CREATE MACRO (\w+)\(([^)]*)\) AS(.*?);$", re.DOTALL | re.MULTILINE)


def changed(logic: str, change: Callable[[Tree], Tree]) -> str:
    """Macros with the expressions that they stand for changed."""
    found = _MACRO.findall(logic)
    trees_ = trees.read_all(body for _, _, body in found)
    bodies = trees.write_each(("", change(tree)) for tree in trees_)
    return "\n".join(
        f"CREATE MACRO {name}({given}) AS {body};"
        for (name, given, _), body in zip(found, bodies, strict=True)
    )


class Macros:
    """The macros of a text of SQL.

    What is expanded has no macros left, and each of its lambdas has parameters of a name that no
    other has (`x 17`), so that parts of it can be moved about.
    """

    def __init__(self, logic: str) -> None:
        self._texts = {
            name.lower(): ([it.strip().lower() for it in given.split(",")], body)
            for name, given, body in _MACRO.findall(logic)
        }
        self._bodies: dict[str, tuple[list[str], Tree]] = {}
        self._numbers = itertools.count(1)

    def expanded(self, tree: Tree) -> Tree:
        """A tree without macros."""
        return self._expand(tree, {})

    def _expand(self, node: Tree, given: dict[str, Tree]) -> Tree:
        if trees.is_column(node):
            first, *rest = node["column_names"]
            found = given.get(first.lower())
            if found is None:
                return node
            for name in rest:
                found = trees.field(found, name)
            return found
        if node["class"] == "LAMBDA":
            inner = dict(given)
            for name in trees.parameters(node):
                inner[name.lower()] = trees.column(f"{name} {next(self._numbers)}")
            return trees.mapped(node, lambda part: self._expand(part, inner))
        name = trees.function(node)
        if name in self._texts:
            parameters, body = self._body(name)
            values = [self._expand(it, given) for it in trees.arguments(node)]
            return self._expand(body, dict(zip(parameters, values, strict=True)))
        return trees.mapped(node, lambda part: self._expand(part, given))

    def _body(self, name: str) -> tuple[list[str], Tree]:
        if name not in self._bodies:
            parameters, text = self._texts[name]
            self._bodies[name] = (parameters, trees.read(text))
        return self._bodies[name]
