"""Writes expressions so that DuckDB computes them with less, without changing what they say.

DuckDB's own optimizer is off while records are screened, so a statement costs what it says. What is
computed more than once or within a list of one (`list_transform([e], lambda v: …)[1]`, which the
macros write to compute e once) becomes a column of its own; a list that is written out is gone
through when the study is compiled, not for every record.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from screener.compiling import trees
from screener.compiling.trees import Tree

if TYPE_CHECKING:
    from collections.abc import Collection

    from screener.compiling.macros import Macros

_MAPS = {"list_transform", "list_apply"}
_PARAMETER = re.compile(r" \d+$")
"""At the end of the name of a lambda's parameter, and of no column."""
_CHEAP = 60
"""What computing an expression once more may cost, in about nanoseconds, before it gets a name."""


class Simplifier:
    """Rewrites the expressions of columns that rest on each other.

    `columns` holds what was written: the columns given, and those that parts of them became.
    """

    def __init__(self, macros: Macros, parameters: Collection[str] = ()) -> None:
        self._macros = macros
        self._parameters = frozenset(parameters)
        self.columns: dict[str, Tree] = {}
        self._names: dict[str, str] = {}

    def add(self, name: str, tree: Tree) -> None:
        """Add a column; those that it uses come before it."""
        tree = self._value(self._macros.expanded(tree), name, certain=True)
        if trees.function(tree) == "list_value" and all(map(_is_struct, trees.arguments(tree))):
            tree = self._divided(name, tree)
        self.columns[name] = tree

    def _divided(self, name: str, tree: Tree) -> Tree:
        """A list of structs that is written out, each of its fields a column."""
        found = []
        for position, item in enumerate(trees.arguments(tree), 1):
            fields = {}
            for field, value in trees.fields(item).items():
                fields[field] = value
                if not trees.is_constant(value) and not trees.is_column(value):
                    fields[field] = self._column(value, f"{name}_{position}_{field}")
            found.append(trees.struct(fields))
        return trees.call("list_value", *found)

    def _column(self, tree: Tree, name: str) -> Tree:
        """A column of its own for an expression, the same for the same."""
        text = alike(tree)
        if text not in self._names:
            made = f"_{name}"
            while made in self.columns:
                made += "_"
            self._names[text] = made
            self.columns[made] = tree
        return trees.column(self._names[text])

    def _value(self, node: Tree, owner: str, *, certain: bool) -> Tree:
        """A node as it is written now. `certain`: it is computed once for each record."""
        if node["class"] == "LAMBDA":
            body = self._value(node["expr"], owner, certain=False)
            return {**node, "expr": self._without_fixed(body, owner) if certain else body}
        if node["class"] == "CASE":
            return _chosen(self._case(node, owner, certain=certain))
        node = trees.mapped(node, lambda it: self._value(it, owner, certain=certain))
        if node["class"] == "OPERATOR":
            return self._operator(node, owner, certain=certain)
        name = trees.function(node)
        if name == "rtrim" and trees.columns(node) <= self._parameters:
            return self._column(node, "parameter")
        if name in _MAPS:
            return self._mapped(node, owner, certain=certain)
        return _SIMPLER[name](node) if name in _SIMPLER else node

    def _operator(self, node: Tree, owner: str, *, certain: bool) -> Tree:
        kind = node["type"]
        if kind == "ARRAY_EXTRACT":
            return self._item(node, owner, certain=certain)
        if kind == "STRUCT_EXTRACT":
            return _field(node, *node["children"])
        return _first(node) if kind == "OPERATOR_COALESCE" else node

    def _without_fixed(self, node: Tree, owner: str) -> Tree:
        """What a lambda computes, without what is the same for every entry."""
        movable = node["class"] != "LAMBDA" and has_lambda(node)
        if movable and not bound_outside(node) and not could_fail(node):
            return self._column(node, owner)
        return trees.mapped(node, lambda it: self._without_fixed(it, owner))

    def _case(self, node: Tree, owner: str, *, certain: bool) -> Tree:
        """A CASE; nothing becomes a column that is computed only where it is chosen."""
        checks = []
        for place, check in enumerate(node["case_checks"]):
            when = self._value(check["when_expr"], owner, certain=certain and place == 0)
            then = self._value(check["then_expr"], owner, certain=False)
            checks.append({"when_expr": _condition(when), "then_expr": then})
        otherwise = self._value(node["else_expr"], owner, certain=False)
        return {**node, "case_checks": checks, "else_expr": otherwise}

    def _mapped(self, node: Tree, owner: str, *, certain: bool) -> Tree:
        """A list gone through: item by item where it is written out, filtered where it can be."""
        source, step = trees.arguments(node)
        items = self._written_out(source)
        names = trees.parameters(step)
        if items is not None and certain and len(names) == 1 and step["class"] == "LAMBDA":
            found = [_replaced(step["expr"], {names[0]: item}) for item in items]
            return trees.call("list_value", *(self._value(it, owner, certain=True) for it in found))
        if _picks(step, "result") and trees.function(source) == "list_filter":
            packed, picked = trees.arguments(source)
            if _picks(picked, "filter") and trees.function(packed) in _MAPS:
                entries, pack = trees.arguments(packed)
                pair = trees.fields(pack["expr"])
                kept = _filter(trees.call("list_filter", entries, {**pack, "expr": pair["filter"]}))
                made, parameters = pair["result"], trees.parameters(pack)
                if trees.is_column(made) and made["column_names"] == parameters:
                    return kept
                if len(parameters) == 1:
                    # The lambda stands twice now, each with a name of its own.
                    [name] = parameters
                    other = trees.column(f"again {name}")
                    again = trees.mapped(
                        {**pack, "expr": made}, lambda it: _replaced(it, {name: other})
                    )
                    return trees.call("list_transform", kept, again)
        return node

    def _written_out(self, source: Tree) -> list[Tree] | None:
        """The items of a list that is written out, here or in the column that it names."""
        if trees.is_column(source) and len(source["column_names"]) == 1:
            source = self.columns.get(source["column_names"][0], source)
        if trees.function(source) != "list_value":
            return None
        items = trees.arguments(source)
        return items if items and all(map(_is_plain, items)) else None

    def _item(self, node: Tree, owner: str, *, certain: bool) -> Tree:
        source, place = node["children"]
        if not trees.is_constant(place) or not place["literal"]["text"].isdigit():
            return node
        number = int(place["literal"]["text"])
        items = self._written_out(source)
        if items is not None and 0 < number <= len(items):
            return items[number - 1]
        if number == 1 and trees.function(source) in _MAPS:
            value, step = trees.arguments(source)
            if trees.function(value) == "list_value" and step["class"] == "LAMBDA":
                values, names = trees.arguments(value), trees.parameters(step)
                if len(values) == 1 and len(names) == 1:
                    return self._let(node, values[0], names[0], step["expr"], owner, certain)
        return node

    def _let(  # noqa: PLR0913, PLR0917
        self, node: Tree, value: Tree, name: str, body: Tree, owner: str, certain: bool
    ) -> Tree:
        """A body over a value that has a name there."""
        if _is_struct(value) and not _alone(body, name):
            given = {}
            for field, part in trees.fields(value).items():
                times = _times(body, (name, field))
                if cost(part) * max(times - 1, 0) <= _CHEAP and not _within(body, (name, field)):
                    given[field] = part
                elif certain:
                    given[field] = self._column(part, f"{owner}_{field}")
                else:
                    return node
            return self._value(_replaced(body, {name: trees.struct(given)}), owner, certain=certain)
        times = _times(body, (name,))
        if cost(value) == 0 or (cost(value) * (times - 1) <= _CHEAP and not _within(body, (name,))):
            return self._value(_replaced(body, {name: value}), owner, certain=certain)
        if certain:
            held = self._column(value, owner)
            return self._value(_replaced(body, {name: held}), owner, certain=certain)
        return node


def alike(tree: Tree) -> str:
    """A text that is the same for trees which say the same, whatever their lambdas call it."""
    names: dict[str, Tree] = {}

    def collect(node: Tree) -> None:
        if node["class"] == "LAMBDA":
            for name in trees.parameters(node):
                names[name] = trees.column(f"lambda {len(names)}")
        for part in trees.parts(node):
            collect(part)

    collect(tree)
    return trees.key(_replaced(tree, names))


def has_lambda(node: Tree) -> bool:
    """Whether a tree goes through a list."""
    return node["class"] == "LAMBDA" or any(map(has_lambda, trees.parts(node)))


def bound_outside(node: Tree) -> bool:
    """Whether a tree names a parameter of a lambda that it stands in."""
    return any(_PARAMETER.search(name) for name in trees.columns(node))


def could_fail(node: Tree) -> bool:
    """Whether there may be records for which a tree cannot be computed."""
    return (
        node["class"] == "CAST"
        or (trees.function(node) in {"+", "-", "*", "/"})
        or any(map(could_fail, trees.parts(node)))
    )


def _is_struct(node: Tree) -> bool:
    return trees.function(node) == "struct_pack"


def _is_plain(node: Tree) -> bool:
    """Whether a node may stand in many places: it costs nothing to compute."""
    if _is_struct(node):
        return all(map(_is_plain, trees.fields(node).values()))
    return trees.is_constant(node) or trees.is_column(node)


def _picks(step: Tree, name: str) -> bool:
    """Whether a lambda gives the field of that name, as DuckDB writes comprehensions."""
    if step["class"] != "LAMBDA":
        return False
    body = step["expr"]
    if trees.is_column(body):
        return bool(body["column_names"][1:] == [name])
    return False


def _replaced(node: Tree, given: dict[str, Tree]) -> Tree:
    """A tree with other trees in place of names."""
    if trees.is_column(node):
        first, *rest = node["column_names"]
        found = given.get(first)
        if found is None:
            return node
        for name in rest:
            found = trees.field(found, name)
        return found
    return trees.mapped(node, lambda it: _replaced(it, given))


def _times(node: Tree, path: tuple[str, ...]) -> int:
    """How often a tree names a path."""
    if trees.is_column(node):
        return int(tuple(node["column_names"][: len(path)]) == path)
    return sum(_times(part, path) for part in trees.parts(node))


def _within(node: Tree, path: tuple[str, ...], *, inside: bool = False) -> bool:
    """Whether a lambda in the tree names a path, and so may do so any number of times."""
    if trees.is_column(node):
        return inside and tuple(node["column_names"][: len(path)]) == path
    inside = inside or node["class"] == "LAMBDA"
    return any(_within(part, path, inside=inside) for part in trees.parts(node))


def _alone(node: Tree, name: str) -> bool:
    """Whether a tree names something as a whole, not only fields of it."""
    if trees.is_column(node):
        return bool(node["column_names"] == [name])
    return any(_alone(part, name) for part in trees.parts(node))


def cost(node: Tree) -> float:
    """About how long it takes to compute an expression, in nanoseconds; columns take none."""
    if trees.is_constant(node) or trees.is_column(node):
        return 0
    if any(part["class"] == "LAMBDA" for part in trees.parts(node)):
        return 1000
    own = 20.0
    if trees.function(node) == "struct_pack":
        own = 0
    elif trees.function(node) and not trees.function(node).startswith("list_contains"):
        own = 60
    return own + sum(cost(part) for part in trees.parts(node))


def _condition(node: Tree) -> Tree:
    """A condition where only true counts, so that unknown may stand for false."""
    if node["class"] == "CONJUNCTION":
        return {**node, "children": [_condition(it) for it in node["children"]]}
    if node["class"] == "OPERATOR" and node["type"] == "OPERATOR_COALESCE":
        first, *rest = node["children"]
        if len(rest) == 1 and trees.is_boolean(rest[0], value=False):
            return _condition(first)
    return node


def _filter(node: Tree) -> Tree:
    entries, step = trees.arguments(node)
    if step["class"] != "LAMBDA":
        return node
    return trees.call("list_filter", entries, {**step, "expr": _condition(step["expr"])})


def _field(node: Tree, of: Tree, name: Tree) -> Tree:
    if not trees.is_constant(name):
        return node
    if trees.is_column(of) or _is_struct(of):
        return trees.field(of, name["literal"]["text"].lower())
    return node


def _first(node: Tree) -> Tree:
    """COALESCE of what is known already."""
    first: Tree = node["children"][0]
    if trees.is_constant(first) and first["literal"]["kind"] != "NULL_LITERAL":
        return first
    return node


def _chosen(node: Tree) -> Tree:
    """CASE without what is never chosen."""
    checks = []
    otherwise: Tree = node["else_expr"]
    for check in node["case_checks"]:
        if trees.is_boolean(check["when_expr"], value=False):
            continue
        if trees.is_boolean(check["when_expr"], value=True):
            otherwise = check["then_expr"]
            break
        checks.append(check)
    return {**node, "case_checks": checks, "else_expr": otherwise} if checks else otherwise


def _extracted(node: Tree) -> Tree:
    return _field(node, *trees.arguments(node))


_SIMPLER = {"list_filter": _filter, "struct_extract": _extracted}
