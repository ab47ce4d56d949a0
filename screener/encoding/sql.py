"""What an expression of the encoding uses, and whether it keeps unknowns unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from screener.encoding import parsing

# Scalar functions that give NULL for NULL, beside the macros of logic.sql.
_PLAIN_FUNCTIONS = frozenset(
    [
        "+",
        "-",
        "*",
        "/",
        "||",
        "abs",
        "array_to_string",
        "cast",
        "coalesce",
        "contains",
        "flatten",
        "len",
        "levenshtein",
        "list_apply",
        "list_concat",
        "list_contains",
        "list_distinct",
        "list_filter",
        "list_transform",
        "list_value",
        "lower",
        "nullif",
        "regexp_matches",
        "replace",
        "struct_extract",
        "struct_pack",
        "array_extract",
        "upper",
        "trim",
        "~~",
        "!~~",
    ]
)
_GUARDS = frozenset(
    {"certainly", "possibly", "recorded", "conflicting", "is_empty", "may_lack_entries"}
)
_REFUSED = {
    "bool_or": "any_true", "bool_and": "all_true", "list_bool_or": "any_true",
    "list_bool_and": "all_true", "count": "count_true", "count_star": "count_true",
    "list_count": "count_true", "date_diff": "completed_years", "datediff": "completed_years",
    "age": "completed_years", "list_has": "one_of", "array_contains": "one_of",
    "list_has_any": "any_true", "list_has_all": "all_true", "max": "latest", "min": "latest",
    "now": "as_of", "today": "as_of", "current_date": "as_of", "get_current_timestamp": "as_of",
    "random": "a parameter", "getvariable": "a parameter",
    "greatest": "larger_of", "least": "at_most",
}  # fmt: skip


_CLAUSES = ("where_clause", "group_expressions", "having", "sample", "qualify", "modifiers")
"""What a SELECT may say beside its expressions: modifiers are DISTINCT, ORDER BY and LIMIT."""


@dataclass
class Expression:
    """One parsed expression: the columns it reads and what is wrong with it."""

    columns: set[str] = field(default_factory=set)
    """Outermost names that are not lambda parameters: facts, parameters, record fields."""
    paths: set[tuple[str, ...]] = field(default_factory=set)
    """The same with their fields, e.g. `("diagnosis", "extent")`."""
    faults: list[tuple[int, str]] = field(default_factory=list)
    """Offset in the text, and what breaks three-valued logic there."""
    tree: dict[str, Any] = field(default_factory=dict, repr=False)
    """The expression itself, as DuckDB parsed it; not to be changed."""


class SqlSyntaxError(ValueError):
    """The expression is not one SQL expression; `offset` is the place if known."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


def read(texts: Iterable[str]) -> list[dict[str, Any]]:
    """Expressions as DuckDB parses them, for `understood`."""
    return parsing.parsed(f"SELECT {text}" for text in texts)


def parse(text: str, macros: frozenset[str] | set[str], *, predicate: bool = False) -> Expression:
    """Parse one expression and find what it uses.

    Raises:
        SqlSyntaxError: the text is not a single SQL expression.
    """
    [tree] = read([text])
    return understood(tree, macros, predicate=predicate)


def understood(
    tree: dict[str, Any], macros: frozenset[str] | set[str], *, predicate: bool = False
) -> Expression:
    """Find what an expression uses that `read` gave.

    `macros` are the names that logic.sql defines. A `predicate` (what a criterion states) may use
    less than a fact: no CASE, no COALESCE, no NULL test.

    Raises:
        SqlSyntaxError: it is not a single SQL expression.
    """
    if tree.get("error"):
        message = str(tree.get("error_message", "not valid SQL")).split("\n", maxsplit=1)[0]
        offset = max(int(tree.get("position") or 7) - 7, 0)
        raise SqlSyntaxError(f"not a SQL expression: {message}", offset)
    statements = tree["statements"]
    node = statements[0]["node"]
    if (
        len(statements) != 1
        or node.get("type") != "SELECT_NODE"
        or len(node["select_list"]) != 1
        or node.get("from_table", {}).get("type") != "EMPTY"
        or node["select_list"][0].get("alias")
        or any(node.get(clause) for clause in _CLAUSES)
    ):
        raise SqlSyntaxError("must be exactly one SQL expression")
    found = Expression(tree=node["select_list"][0])
    _walk(found.tree, found, frozenset(), macros, predicate)
    return found


def _walk(
    node: dict[str, Any],
    found: Expression,
    bound: frozenset[str],
    macros: frozenset[str] | set[str],
    predicate: bool,
) -> None:
    kind = node.get("class")
    if kind == "COLUMN_REF":
        names = node["column_names"]
        if names[0] not in bound:
            found.columns.add(names[0])
            found.paths.add(tuple(names))
        return
    offset = _offset(node)
    if kind == "SUBQUERY":
        found.faults.append((offset, "a subquery or EXISTS turns unknown into false; use any_true"))
        return
    if kind == "WINDOW":
        found.faults.append((offset, "a window function looks at other patients"))
    if kind == "CASE":
        _check_case(node, found, predicate)
    if (kind == "OPERATOR" and predicate and node["type"] in (
        "OPERATOR_COALESCE", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL",
    )) or (kind == "COMPARISON" and predicate and node["type"] in (
        "COMPARE_DISTINCT_FROM", "COMPARE_NOT_DISTINCT_FROM",
    )):  # fmt: skip
        found.faults.append((offset, "a test for NULL decides on the unknown; put it in a fact"))
    if kind == "PARAMETER":
        found.faults.append((offset, "name parameters by their name, without $ or ?"))
    if kind == "LAMBDA":
        parameters = frozenset(_lambda_parameters(node["lhs"]))
        _walk(node["expr"], found, bound | parameters, macros, predicate)
        return
    if kind == "FUNCTION":
        _check_function(node, found, macros, predicate)
    for child in _children(node):
        _walk(child, found, bound, macros, predicate)


def _check_case(node: dict[str, Any], found: Expression, predicate: bool) -> None:
    if predicate:
        found.faults.append((_offset(node), "CASE takes ELSE on the unknown; use decide"))
        return
    for check in node["case_checks"]:
        if not _is_guarded(check["when_expr"]):
            message = "CASE takes ELSE where its condition is unknown; wrap it in certainly(…)"
            found.faults.append((_offset(check["when_expr"]), f"{message} or possibly(…)"))


def _is_guarded(node: dict[str, Any]) -> bool:
    """Whether a condition can never be unknown."""
    kind, name = node.get("class"), node.get("function_name")
    if kind == "FUNCTION":
        return name in _GUARDS
    if kind == "CONJUNCTION":
        return all(_is_guarded(child) for child in node["children"])
    if kind == "OPERATOR" and node["type"] == "OPERATOR_NOT":
        return all(_is_guarded(child) for child in node["children"])
    if kind == "COLUMN_REF":
        return str(node["column_names"][-1]) == "unseen"  # the engine's own, never unknown
    tests = {"OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"}
    return kind == "OPERATOR" and str(node["type"]) in tests


def _check_function(
    node: dict[str, Any], found: Expression, macros: frozenset[str] | set[str], predicate: bool
) -> None:
    name = node["function_name"].lower()
    offset = _offset(node)
    if node.get("filter") or node.get("distinct"):
        found.faults.append((offset, "an aggregate drops unknowns; use the macros of logic.sql"))
    if name in macros:
        if predicate and name in _GUARDS | {"or_assumed", "shown"}:
            found.faults.append((offset, f"{name} decides on the unknown; put it in a fact"))
        return
    if name in _REFUSED:
        found.faults.append((offset, f"{name} loses unknowns; use {_REFUSED[name]}"))
        return
    if name not in _PLAIN_FUNCTIONS:
        found.faults.append((offset, f"function {name} is not among those that facts may use"))
        return
    if name == "list_contains" and node["arguments"][0]["expression"].get("class") != "COLUMN_REF":
        found.faults.append(
            (offset, "list_contains is false where an element is unknown; use any_true")
        )
    if name in {"list_filter"}:
        condition = _filter_condition(node)
        if condition is None or not _is_guarded(condition):
            message = "a filter drops entries whose condition is unknown; wrap the condition in"
            found.faults.append((offset, f"{message} certainly(…) or possibly(…)"))


def _filter_condition(node: dict[str, Any]) -> dict[str, Any] | None:
    """The condition of `list_filter(l, lambda …)` or of `[… for x in l if …]`."""
    source, condition = (a["expression"] for a in node["arguments"][:2])
    if condition.get("class") != "LAMBDA":
        return None
    body: dict[str, Any] = condition["expr"]
    if (
        body.get("function_name") == "struct_extract"
        and source.get("function_name") == "list_apply"
    ):
        packed = source["arguments"][1]["expression"].get("expr", {})
        for argument in packed.get("arguments", []):
            if argument["name"] == "filter":
                return dict(argument["expression"])
    return body


def _lambda_parameters(node: dict[str, Any]) -> Iterator[str]:
    if node.get("class") == "COLUMN_REF":
        yield node["column_names"][0]
    for child in _children(node):
        yield from _lambda_parameters(child)


def _children(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key, value in node.items():
        if key in {"order_bys", "qualified_name", "cast_type", "literal", "value"}:
            continue
        if isinstance(value, dict):
            if "class" in value:
                yield value
            else:
                yield from _children(value)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    if "class" in item:
                        yield item
                    else:
                        yield from _children(item)


def _offset(node: dict[str, Any]) -> int:
    location = int(node.get("query_location", 0))
    return location - 7 if 7 <= location < 1 << 32 else 0


_MACRO = re.compile(r"CREATE\s+MACRO\s+(\w+)\s*\(", re.IGNORECASE)


def macro_names(logic: str) -> frozenset[str]:
    """The names that the text of logic.sql defines."""
    return frozenset(name.lower() for name in _MACRO.findall(logic))
