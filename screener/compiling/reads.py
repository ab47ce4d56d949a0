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

Place = tuple[str, str] | tuple[int, str]
"""A column, the parameter of a lambda, or a field of a struct: what has a value."""
_COLUMN, _BOUND = "column", "bound"
_WANTED = ("", "")


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
        self._values: defaultdict[Place, Value] = defaultdict(frozenset)
        self._groups: dict[int, int] = {}
        self._members: dict[int, set[int]] = {}
        self._parts = trees.once(trees.parts)
        # What a place was gone through for may say more once what it looked at does.
        self._at: Place = _WANTED
        self._waiting: dict[Place, None] = {}
        self._lookers: defaultdict[Place | int, dict[Place, None]] = defaultdict(dict)
        for name in wanted:
            self._observe(self._column(name))
        while self._waiting:
            self._at = next(iter(self._waiting))
            del self._waiting[self._at]
            self._go_through(wanted)

    def _go_through(self, wanted: Collection[str]) -> None:
        """Go through the place that is at hand."""
        of, name = self._at
        if self._at == _WANTED:
            for column in wanted:
                self._observe(self._column(column))
        elif of == _COLUMN:
            self._grow(self._at, self._visit(self._columns[name]))
        elif isinstance(of, int) and (inside := trees.fields(self._structs[of]).get(name)):
            self._grow(self._at, self._visit(inside))

    def _value(self, place: Place) -> Value:
        """What is known so far of what stands at a place."""
        self._lookers[place][self._at] = None
        return self._values[place]

    def _grow(self, place: Place, value: Value) -> None:
        if not value <= self._values[place]:
            self._values[place] |= value
            self._waiting.update(self._lookers[place])

    def _need(self, struct: int, name: str) -> None:
        """A field of a struct is read."""
        if (struct, name) not in self._read:
            self._read.add((struct, name))
            self._waiting[struct, name] = None

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
            if name not in self.used:
                self.used.add(name)
                self._waiting[_COLUMN, name] = None
            return self._value((_COLUMN, name))
        if name in self._record:
            self.paths.add((name,))
            return frozenset([(name,)])
        return self._value((_BOUND, name))

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
                self._grow((_BOUND, trees.parameters(step)[0]), value)
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
                    self._need(struct, name)
                    found |= self._value((struct, name))
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
                    self._need(struct, name)
                    self._observe(self._value((struct, name)), done | {origin})

    def _root(self, struct: int) -> int:
        while (above := self._groups.get(struct, struct)) != struct:
            struct = above
        return struct

    def _link(self, one: int, other: int) -> None:
        one, other = self._root(one), self._root(other)
        if one != other:
            linked = self._linked(one) | self._linked(other)
            self._groups[other] = one
            self._members[one] = linked
            for name in sorted({name for kept, name in self._read if kept in linked}):
                for struct in linked:
                    self._need(struct, name)
            for struct in linked:
                self._waiting.update(self._lookers[struct])

    def _linked(self, struct: int) -> set[int]:
        """The structs that keep the same fields as one, itself included."""
        self._lookers[struct][self._at] = None
        root = self._root(struct)
        return self._members.get(root, {root})


def _is_text(node: Tree) -> bool:
    return trees.is_constant(node) and node["literal"]["kind"] == "STRING"
