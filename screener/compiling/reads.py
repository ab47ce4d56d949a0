"""Which fields of structs anything reads, so that the others need not be made.

Goes through the expressions that a statement rests on as if it computed them, and notes for each
value from which structs it may come. What it does not know to be harmless reads all of a value.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from screener.compiling import trees
from screener.compiling.trees import Tree

EVERYTHING = "*"
"""Stands for every field below a path."""

_MAPS = {"list_transform", "list_apply"}
_SAME = {"list_value", "list_concat", "||", "flatten", "array_extract", "list_append"}
_ONLY_PRESENCE = {"len", "list_count", "length"}

Origin = int | tuple[str, ...]
"""A struct that is written out, by its identity, or a path in the record."""
Value = frozenset[Origin]
_NOTHING: Value = frozenset()


class Reads:
    """What is read for some columns, of those that they rest on and of the record."""

    def __init__(
        self, columns: Mapping[str, Tree], record: Collection[str], wanted: Collection[str]
    ) -> None:
        self._columns = columns
        self._record = record
        self.used: set[str] = set()
        """The columns that are needed."""
        self.paths: set[tuple[str, ...]] = set()
        """The paths of the record that are read, those that lead to them included."""
        self._read: set[tuple[int, str]] = set()
        self._structs: dict[int, Tree] = {}
        self._values: defaultdict[tuple[int, str], Value] = defaultdict(frozenset)
        self._bound: defaultdict[str, Value] = defaultdict(frozenset)
        self._results: defaultdict[str, Value] = defaultdict(frozenset)
        self._groups: dict[int, int] = {}
        self._members: dict[int, set[int]] = {}
        self._parts = trees.once(trees.parts)
        size = -1
        while size != (size := self._size()):
            for name in wanted:
                self._observe(self._column(name))
            for name in sorted(self.used):
                self._results[name] |= self._visit(self._columns[name])
            for struct, field in sorted(self._read):
                inside = trees.fields(self._structs[struct]).get(field)
                if inside is not None:
                    self._values[struct, field] |= self._visit(inside)

    def _size(self) -> int:
        return (
            len(self.used) + len(self.paths) + len(self._read) + len(self._groups)
            + sum(map(len, self._values.values())) + sum(map(len, self._bound.values()))
            + sum(map(len, self._results.values()))
        )  # fmt: skip

    def pruned(self, node: Tree) -> Tree:
        """A tree without the fields that nothing reads."""
        if trees.function(node) == "struct_pack" and id(node) in self._structs:
            kept = {
                name: self.pruned(value)
                for name, value in trees.fields(node).items()
                if (id(node), name) in self._read
            }
            return trees.struct(kept or {"nothing": trees.example("true")})
        return trees.mapped(node, self.pruned)

    def _column(self, name: str) -> Value:
        if name in self._columns:
            self.used.add(name)
            return self._results[name]
        if name in self._record:
            self.paths.add((name,))
            return frozenset([(name,)])
        return self._bound.get(name, _NOTHING)

    def _visit(self, node: Tree) -> Value:
        kind = node["class"]
        if kind == "COLUMN_REF":
            first, *rest = node["column_names"]
            value = self._column(first)
            for field in rest:
                value = self._field(value, field)
            return value
        if kind == "CONSTANT":
            return _NOTHING
        if kind == "FUNCTION":
            return self._function(node)
        if kind == "OPERATOR":
            return self._operator(node)
        if kind == "CASE":
            for check in node["case_checks"]:
                self._observe(self._visit(check["when_expr"]))
            chosen = [check["then_expr"] for check in node["case_checks"]] + [node["else_expr"]]
            return self._united([self._visit(part) for part in chosen])
        return self._all(node)

    def _all(self, node: Tree) -> Value:
        """All of what is below a node is read, and it is not known what comes of it."""
        for part in self._parts(node):
            self._observe(self._visit(part))
        return _NOTHING

    def _function(self, node: Tree) -> Value:
        name = trees.function(node)
        if name == "struct_pack":
            self._structs[id(node)] = node
            return frozenset([id(node)])
        if name in _SAME:
            return self._united([self._visit(part) for part in self._parts(node)])
        if name in _ONLY_PRESENCE:
            for part in self._parts(node):
                self._visit(part)
            return _NOTHING
        if name in _MAPS or name == "list_filter":
            source, step = trees.arguments(node)
            if step["class"] == "LAMBDA":
                value = self._visit(source)
                self._bound[trees.parameters(step)[0]] |= value
                found = self._visit(step["expr"])
                if name in _MAPS:
                    return found
                self._observe(found)
                return value
        return self._all(node)

    def _operator(self, node: Tree) -> Value:
        kind, first = node["type"], node["children"][0]
        if kind in {"OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"}:
            self._visit(first)
            return _NOTHING
        if kind == "OPERATOR_COALESCE":
            return self._united([self._visit(part) for part in node["children"]])
        if kind == "ARRAY_EXTRACT" and not _is_text(node["children"][1]):
            self._observe(self._visit(node["children"][1]))
            return self._visit(first)
        if kind == "STRUCT_EXTRACT" and _is_text(node["children"][1]):
            return self._field(self._visit(first), node["children"][1]["literal"]["text"].lower())
        return self._all(node)

    def _field(self, value: Value, name: str) -> Value:
        found: set[Origin] = set()
        for origin in value:
            if isinstance(origin, tuple):
                self.paths.add((*origin, name))
                found.add((*origin, name))
            else:
                for struct in self._linked(origin):
                    self._read.add((struct, name))
                    found |= self._values[struct, name]
        return frozenset(found)

    def _united(self, values: list[Value]) -> Value:
        """One of several values: structs that may stand in one place keep the same fields."""
        value = frozenset(origin for given in values for origin in given)
        structs = [origin for origin in value if isinstance(origin, int)]
        if len(value) > 1 and (
            len(structs) < len(value)
            or len({tuple(trees.fields(self._structs[it])) for it in structs}) > 1
        ):
            self._observe(value)
        for one in structs[1:]:
            self._link(structs[0], one)
        return value

    def _observe(self, value: Value, done: frozenset[Origin] = frozenset()) -> None:
        for origin in value - done:
            if isinstance(origin, tuple):
                self.paths.add((*origin, EVERYTHING))
                continue
            for struct in self._linked(origin):
                for name in trees.fields(self._structs[struct]):
                    self._read.add((struct, name))
                    self._observe(self._values[struct, name], done | {origin})

    def _root(self, struct: int) -> int:
        while (above := self._groups.get(struct, struct)) != struct:
            struct = above
        return struct

    def _link(self, one: int, other: int) -> None:
        one, other = self._root(one), self._root(other)
        if one != other:
            self._groups[other] = one
            linked = self._members[one] = {*self._linked(one), *self._members.pop(other, {other})}
            names = {name for kept, name in self._read if kept in linked}
            self._read.update((it, name) for it in linked for name in names)

    def _linked(self, struct: int) -> set[int]:
        """The structs that keep the same fields as one, itself included."""
        root = self._root(struct)
        return self._members.get(root, {root})


def _is_text(node: Tree) -> bool:
    return trees.is_constant(node) and node["literal"]["kind"] == "STRING"
