"""The record as JSON Schema, and as an empty form to fill in."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from screener.record import DATE, MAX_TEXT, TEXT, Assessments, Diagnosis, FollowUp, Record

Node = dict[str, Any]
"""A piece of a JSON Schema."""


def json_schema() -> dict[str, Any]:
    """Make the JSON Schema (2020-12) of the record.

    It cannot say what spans several fields (a therapy that ends before it starts), refuses no
    1.0 where a whole number is written 1, and knows fewer unprintable characters in `id`.
    """
    return copy.deepcopy(schema())


def template() -> dict[str, Any]:
    """Make a record to fill in: all fields of the patient and of the single objects, unknown.

    Lists are null, not one blank entry, which would say that something had been found.
    """
    blank: dict[str, Any] = dict.fromkeys(Record.model_fields)
    parts: dict[str, type[BaseModel]] = {
        "diagnosis": Diagnosis,
        "assessments": Assessments,
        "follow_up": FollowUp,
    }
    objects = {name: dict.fromkeys(part.model_fields) for name, part in parts.items()}
    return {**blank, **objects, "id": ""}


def template_text() -> str:
    """Write `template` as JSON text."""
    return json.dumps(template(), indent=2) + "\n"


@cache
def schema() -> Node:
    """Make the schema once; not to be changed."""

    class Generate(GenerateJsonSchema):
        def field_title_should_be_set(self, schema: Any) -> bool:
            return False

        def default_schema(self, schema: Any) -> Node:
            return self.generate_inner(schema["schema"])

    made = Record.model_json_schema(schema_generator=Generate)
    shared: dict[str, Node] = {
        "Date": {
            "type": "string",
            "pattern": DATE,
            "description": "A day (YYYY-MM-DD), or a month (YYYY-MM) or year (YYYY) where no more "
            "is recorded: then the whole span is meant.",
        },
        "Text": {"type": "string", "minLength": 1, "maxLength": MAX_TEXT, "pattern": TEXT},
    }
    _share(made, {part["pattern"]: name for name, part in shared.items()})
    made["$defs"].update(shared)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "title": "Patient record",
    }


def _share(node: Any, names: dict[str, str]) -> None:
    """Replace every copy of a shared pattern by a reference to its one definition."""
    for child in node.values() if isinstance(node, dict) else node:
        if isinstance(child, dict) and (name := names.get(child.get("pattern", ""))):
            for key in ("type", "minLength", "maxLength", "pattern"):
                child.pop(key, None)
            child["$ref"] = f"#/$defs/{name}"
        elif isinstance(child, dict | list):
            _share(child, names)
