"""Why a record is refused, in words: where, what stands there, what is allowed, what to do.

What is allowed at a place is read from the JSON Schema, so that it is written once. Messages go to
terminals and logs, where nothing of a patient may stand but the id. So they repeat a value only
where the field holds a number, a date, true or false, or a word from a fixed list; free text is
never repeated, only described.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from screener.dates import span
from screener.errors import Problem
from screener.record import ID
from screener.record_schema import Node, schema
from screener.wording import LONGEST, Place, is_number, kind, listed, path_text, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

_FORMS = {
    "boolean": "true or false",
    "array": "a list in brackets, [ ]",
    "object": "an object in braces, { }",
}


def _resolve(node: Node) -> tuple[str, Node]:
    """Follow "or null" and references; also return the name of the last reference."""
    name = ""
    while True:
        if "anyOf" in node:
            node = next(option for option in node["anyOf"] if option.get("type") != "null")
        elif "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            node = schema()["$defs"][name]
        else:
            return name, node


def _node(place: Place) -> tuple[str, Node]:
    name, node = _resolve(schema())
    for step in place:
        name, node = _resolve(node["items"] if isinstance(step, int) else node["properties"][step])
    return name, node


def problems(detail: ErrorDetails) -> Iterator[Problem]:
    """Translate what pydantic found wrong at one place."""
    fault, place, value = detail["type"], detail["loc"], detail["input"]
    if fault == "impossible":  # told by parse, for a record with other errors too
        return
    if fault in {"extra_forbidden", "invalid_key"}:
        yield _unknown_key(place[:-1], place[-1])
    elif fault == "string_unicode" and _node(place)[1]["type"] == "object":
        yield _unknown_key(place, value)
    elif fault == "missing":
        needed = _needed(*_node(place))
        yield Problem(path_text(place), f"missing, but required: {needed}")
    else:
        yield Problem(path_text(place), _wrong(*_node(place), value))


def _unknown_key(place: Place, key: object) -> Problem:
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - only a rejected record needs it

    path = path_text((*place, key if isinstance(key, str) else str(key)))
    known = _node(place)[1]["properties"]
    word = str(key)[:LONGEST].casefold().replace("-", "_").replace(" ", "_")
    scorer = fuzz.WRatio if len(word) > 3 else fuzz.ratio  # any two letters are part of something
    elsewhere = [] if word in known else _places_of(word)
    if elsewhere:
        advice = f"it belongs in {listed(elsewhere)}"
    elif near := process.extractOne(word, list(known), scorer=scorer, score_cutoff=75):
        advice = f"did you mean `{near[0]}`?"
    elif len(known) <= 12:
        advice = f"known here are {listed(known)}"
    else:
        advice = "`screen schema` lists the fields; remove what they do not cover"
    return Problem(path, f"{shown(key)} is not a field of the record here; {advice}")


def _places_of(word: str) -> list[str]:
    """Name the objects and lists of the record, and the lesions, that have such a field."""
    found = []
    for name in (*schema()["properties"], "lesions"):
        place: Place = ("imaging", 0, "lesions") if name == "lesions" else (name,)
        node = _node(place)[1]
        if "items" in node:
            node = _resolve(node["items"])[1]
        if word in node.get("properties", ()):
            found.append(name)
    return found


def _wrong(name: str, node: Node, value: object) -> str:  # noqa: PLR0911 - one per kind of field
    """Say why a value is refused at a place, from what that place allows."""
    needed = _needed(name, node)
    expected = node.get("type")
    if isinstance(value, dict | list) and expected not in {"array", "object"}:
        return f"{kind(value)} stands where {needed} is needed"
    if expected == "array":
        if isinstance(value, list):
            return f"{len(value):,} entries are too many; at most {node['maxItems']:,} are read"
        return (
            f"{kind(value)} stands where {needed} is needed: [] where there is none, and null "
            "where nobody recorded it"
        )
    if expected == "object":
        return f"{kind(value)} stands where {needed} is needed"
    if "enum" in node:
        return f"{shown(value)} is not allowed; needed is {needed}{_nearest(value, node['enum'])}"
    if name == "Date":
        return f"{shown(value)} is not a date{_date_fault(value)}; needed is {needed}"
    if expected == "string":
        if isinstance(value, str):
            return f"{_text_fault(value, node)}; needed is {needed}"
        return f"{kind(value)} stands where {needed} is needed{_quoting(value)}"
    return f"{shown(value)} is not allowed; needed is {needed}{_bare_advice(expected, value)}"


def _needed(name: str, node: Node) -> str:
    """Say what a place allows."""
    expected = node["type"]
    if "enum" in node:
        return f"one of {listed(node['enum'])}"
    if name == "Date":
        return "text as YYYY-MM-DD, or YYYY-MM or YYYY where no more is recorded"
    if expected == "string":
        printable = "printable " if node["pattern"] == ID else ""
        return f"text of 1 to {node['maxLength']} {printable}characters"
    if expected in {"integer", "number"}:
        noun = "a whole number" if expected == "integer" else "a number"
        most = f"{int(node['maximum']):,}"
        if "exclusiveMinimum" in node:
            return f"{noun} above {int(node['exclusiveMinimum'])} and at most {most}"
        return f"{noun} from {int(node['minimum']):,} to {most}"
    return _FORMS[expected]


def _nearest(value: object, allowed: list[str]) -> str:
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - only a rejected record needs it

    if not isinstance(value, str):
        value = shown(value)
        if value in allowed:
            return "; write it in quotation marks"
    word = value[:LONGEST].casefold().replace("-", "_").replace(" ", "_")
    folded = {option: option.casefold() for option in allowed}
    near = process.extractOne(word, folded, scorer=fuzz.ratio, score_cutoff=60)
    return f"; did you mean `{near[2]}`?" if near else ""


def _quoting(value: object) -> str:
    return "; write it in quotation marks" if is_number(value) else ""


def _bare_advice(expected: str | None, value: object) -> str:
    if isinstance(value, str) and (expected != "boolean" or value in {"true", "false"}):
        return "; write it without quotation marks, and nothing but the value"
    if expected == "integer" and isinstance(value, float) and value.is_integer():
        return "; write it without a decimal point"
    return ""


def _date_fault(value: object) -> str:
    if not isinstance(value, str):
        return _quoting(value)
    try:
        span(value)
    except ValueError as error:
        return f": {error}"
    return ""


def _text_fault(text: str, node: Node) -> str:
    """Say why a text is refused, telling of its content only the place and code of a character."""
    for place, character in enumerate(text, 1):
        code = ord(character)
        if category := _unprintable(code):
            return f"character {place} is {category} (`\\u{code:04x}`): remove it"
    if len(text) > node["maxLength"]:
        return f"{len(text):,} characters are too many"
    if not text.strip():
        return "the text is blank"
    if text != text.strip():
        return "there is white space at the beginning or the end: remove it"
    odd = [place for place, character in enumerate(text) if not character.isprintable()]
    where = f"character {odd[0] + 1} is not printable (`\\u{ord(text[odd[0]]):04x}`)" if odd else ""
    return f"{where or 'the text holds something that is not printable'}: remove it"


def _unprintable(code: int) -> str:
    if code < 0x20 or 0x7F <= code <= 0x9F:
        return "a control character"
    if code in {0x2028, 0x2029}:
        return "a line separator"
    if 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069:
        return "a control character for the direction of text"
    return "half of a surrogate pair" if 0xD800 <= code <= 0xDFFF else ""
