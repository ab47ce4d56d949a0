"""The fields of the record as the columns of a table: names, kinds of value, meaning.

Read from the JSON Schema, so that columns and record cannot differ. A field of a single object is
named with a dot: `diagnosis.extent`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from screener.record import LIST_FIELDS
from screener.record_schema import Node, schema

Kind = Literal["text", "date", "number", "integer", "boolean", "words"]

PATIENTS = "patients"
PATIENT_ID = "patient_id"
LESIONS = "lesions"
ALLERGIES = "allergies"
SUBSTANCE = "substance"
"""The column of a list of words that is a table of its own."""


@dataclass(frozen=True, slots=True)
class Field:
    """One column."""

    name: str
    kind: Kind
    description: str
    options: tuple[str, ...] = ()
    """The words that are allowed, where they are fixed."""
    examples: tuple[str, ...] = ()
    required: bool = False
    """Whether an entry without it is refused."""


@cache
def patient_fields() -> dict[str, Field]:
    """The fields of which a patient has one, `partial` included; lists of entries are not."""
    found: dict[str, Field] = {}
    for name, node in schema()["properties"].items():
        if name in LIST_FIELDS:
            continue
        inner = resolve(node)
        if "properties" in inner:
            found |= {
                f"{name}.{key}": field for key, field in _fields(inner, prefix=f"{name}.").items()
            }
        else:
            found[name] = _field(name, node, required=name == "id")
    return found


@cache
def entry_fields(name: str) -> dict[str, Field]:
    """The fields of an entry of a list; of the lesions of an examination for `lesions`."""
    if name == LESIONS:
        imaging = resolve(resolve(schema()["properties"]["imaging"])["items"])
        return _fields(resolve(resolve(imaging["properties"][LESIONS])["items"]))
    node = resolve(schema()["properties"][name])
    entry = resolve(node["items"])
    if "properties" in entry:
        return _fields(entry)
    return {SUBSTANCE: Field(SUBSTANCE, "words", node["description"], required=True)}


def list_description(name: str) -> str:
    """What a list holds."""
    if name == LESIONS:
        return "The lesions of each examination."
    return str(schema()["properties"][name]["description"])


def resolve(node: Node) -> Node:
    """Follow "or null" and references; a description on the way stays."""
    while "anyOf" in node or "$ref" in node:
        described = {key: node[key] for key in ("description", "examples") if key in node}
        if "anyOf" in node:
            inner = next(option for option in node["anyOf"] if option.get("type") != "null")
        else:
            name = node["$ref"].rpartition("/")[2]
            inner = {"format": name} | schema()["$defs"][name]
        node = inner | described
    return node


def _fields(node: Node, prefix: str = "") -> dict[str, Field]:
    required = node.get("required", ())
    return {
        name: _field(prefix + name, inner, required=name in required)
        for name, inner in node["properties"].items()
        if name != LESIONS
    }


def _field(name: str, node: Node, *, required: bool) -> Field:
    inner = resolve(node)
    options: Any = inner.get("enum", ())
    kind: Kind
    match inner["type"]:
        case "array":
            kind = "words"
            options = resolve(inner["items"]).get("enum", ())
        case "boolean" | "integer" | "number" as plain:
            kind = plain
        case _:
            kind = "date" if inner.get("format") == "Date" else "text"
    examples = tuple(map(str, inner.get("examples", ())))
    return Field(name, kind, inner["description"], tuple(options), examples, required)
