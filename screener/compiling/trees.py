"""Expressions of SQL as trees: read and written by DuckDB itself, taken apart and put together."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from screener.encoding import parsing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Tree = dict[str, Any]
"""A node of a parsed expression, as `json_serialize_sql` gives it, without places and names."""

_T = TypeVar("_T")

_BELOW: dict[str, Sequence[str]] = {
    "BETWEEN": ("input", "lower", "upper"),
    "CASE": ("case_checks", "else_expr"),
    "CAST": ("child",),
    "COLUMN_REF": (),
    "COMPARISON": ("left", "right"),
    "CONJUNCTION": ("children",),
    "CONSTANT": (),
    "FUNCTION": ("filter", "arguments"),
    "LAMBDA": ("lhs", "expr"),
    "OPERATOR": ("children",),
}
"""Where expressions lie below a node, by its class: trees are gone through too often to search."""
_BESIDE = {"order_bys", "qualified_name", "type_expr", "literal"}
"""Keys of a node under which no expressions lie that are of interest here."""


@cache
def _statement() -> dict[str, Any]:
    """A SELECT without a table."""
    [found] = parsing.parsed(["SELECT 1"])
    return found


def _selecting(columns: list[Tree]) -> dict[str, Any]:
    found = _statement()
    [statement] = found["statements"]
    node = {**statement["node"], "select_list": columns}
    return {**found, "statements": [{**statement, "node": node}]}


def read(text: str) -> Tree:
    """The tree of an expression that is known to be one."""
    [found] = read_all([text])
    return found


def read_all(texts: Iterable[str]) -> list[Tree]:
    """The trees of expressions that are known to be such."""
    found = parsing.parsed(f"SELECT {text}" for text in texts)
    return [bare(statement["statements"][0]["node"]["select_list"][0]) for statement in found]


def write(columns: Sequence[tuple[str, Tree]]) -> str:
    """Named expressions as a list of columns: `a + 1 AS b, …`."""
    named = [{**tree, "alias": name} for name, tree in columns]
    [text] = parsing.written([_selecting(named)])
    return text.removeprefix("SELECT ")


def write_each(columns: Iterable[tuple[str, Tree]]) -> list[str]:
    """Named expressions, each by itself."""
    statements = (_selecting([{**tree, "alias": name}]) for name, tree in columns)
    return [text.removeprefix("SELECT ") for text in parsing.written(statements)]


def rewritten(statement: str, change: Callable[[Tree], Tree]) -> str:
    """A statement that is known to be a SELECT with each of its outermost expressions changed."""
    [found] = parsing.parsed([statement])
    [text] = parsing.written([{**found, "statements": _mapped(found["statements"], change)}])
    return text


def key(tree: Tree) -> str:
    """A text that is the same for the same expressions."""
    return msgspec.json.encode(tree, order="sorted").decode()


def bare(node: Tree) -> Tree:
    """A tree without the places in its text and names that tell nothing, fields in small letters.

    To DuckDB capital and small letters are the same in names.
    """
    kept = mapped(node, bare)
    kept |= {"alias": "", "query_location": (1 << 64) - 1, "query_location_length": 0}
    if is_column(kept):
        first, *rest = kept["column_names"]
        kept["column_names"] = [first, *(name.lower() for name in rest)]
    if function(kept) == "struct_pack":
        for argument in kept["arguments"]:
            argument["name"] = argument["name"].lower()
    return kept


def parts(node: Tree) -> list[Tree]:
    """The expressions directly below a node."""
    found: list[Tree] = []
    for name in _below(node):
        _collect(node[name], found)
    return found


def _below(node: Tree) -> Sequence[str]:
    known = _BELOW.get(node["class"])
    return [name for name in node if name not in _BESIDE] if known is None else known


def _collect(value: Any, found: list[Tree]) -> None:
    if isinstance(value, list):
        for item in value:
            _collect(item, found)
    elif isinstance(value, dict):
        if "class" in value:
            found.append(value)
        else:
            for item in value.values():
                _collect(item, found)


def mapped(node: Tree, change: Callable[[Tree], Tree]) -> Tree:
    """A node with the expressions directly below it changed."""
    return node | {name: _mapped(node[name], change) for name in _below(node)}


def _mapped(value: Any, change: Callable[[Tree], Tree]) -> Any:
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if not isinstance(value, dict):
        return value
    if "class" in value:
        return change(value)
    return {name: _mapped(item, change) for name, item in value.items()}


def once(function: Callable[[Tree], _T]) -> Callable[[Tree], _T]:
    """A function of trees that is computed once for each; they must live as long as it does."""
    known: dict[int, _T] = {}

    def found(tree: Tree) -> _T:
        if id(tree) not in known:
            known[id(tree)] = function(tree)
        return known[id(tree)]

    return found


# What a node is ----------------------------------------------------------------------------------


def is_column(node: Tree) -> bool:
    """Whether it is a column, the parameter of a lambda, or a field of one."""
    return bool(node["class"] == "COLUMN_REF")


def is_constant(node: Tree) -> bool:
    """Whether it is a literal."""
    return bool(node["class"] == "CONSTANT")


def is_boolean(node: Tree, value: bool) -> bool:
    """Whether it is the literal true or false."""
    return is_constant(node) and node["literal"] == {"kind": "BOOLEAN", "text": str(value).lower()}


def function(node: Tree) -> str:
    """The name of the function that it calls, else nothing."""
    return str(node["function_name"]).lower() if node["class"] == "FUNCTION" else ""


def arguments(node: Tree) -> list[Tree]:
    """The arguments of a function."""
    return [argument["expression"] for argument in node["arguments"]]


def fields(node: Tree) -> dict[str, Tree]:
    """The fields of a struct that is written out."""
    return {argument["name"]: argument["expression"] for argument in node["arguments"]}


def parameters(node: Tree) -> list[str]:
    """The names of the parameters of a lambda."""
    left = node["lhs"]
    found = [left] if is_column(left) else arguments(left)
    return [str(it["column_names"][0]) for it in found]


def columns(node: Tree) -> set[str]:
    """The outermost names of a tree whose lambdas have names of their own."""
    if is_column(node):
        return {node["column_names"][0]}
    found = {name for part in parts(node) for name in columns(part)}
    return found - set(parameters(node)) if node["class"] == "LAMBDA" else found


# New nodes ---------------------------------------------------------------------------------------


_shared = cache(read)
"""A tree that is not to be changed, of an expression that the program itself writes."""


def example(text: str) -> Tree:
    """A new tree of an expression that the program itself writes."""
    return copy.deepcopy(_shared(text))


def column(*names: str) -> Tree:
    """A column, or a field of one."""
    return {**_shared("a"), "column_names": list(names)}


def call(name: str, *given: Tree) -> Tree:
    """A call of a function."""
    arguments = [{"name": "", "expression": it} for it in given]
    return {**_shared(f"{name}(NULL)"), "arguments": arguments}


def struct(given: dict[str, Tree]) -> Tree:
    """A struct that is written out."""
    arguments = [{"name": name, "expression": it} for name, it in given.items()]
    return {**_shared("{a: 1}"), "arguments": arguments}


def field(of: Tree, name: str) -> Tree:
    """A field of a struct."""
    if is_column(of):
        return {**of, "column_names": [*of["column_names"], name]}
    if function(of) == "struct_pack":
        return fields(of)[name]
    return taken(of, name)


def taken(of: Tree, name: str) -> Tree:
    """A field of a struct, as `(a).b` says it: never a column of a table."""
    whole = _shared("(a).b")
    key = whole["children"][1]
    return {**whole, "children": [of, {**key, "literal": {**key["literal"], "text": name}}]}
