"""Accepts records that are surely valid, in a tenth of the time that their models take.

Most records of an export are in order. What is accepted here is exactly what `record.parse` would
accept of the same text, so the models need not be built; whatever is not surely valid (an escape
in a text, a null, a key given twice, anything wrong) is left to them, and to their messages. The
types are made from the record's JSON Schema, so that no field is declared a second time.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from screener.dates import span
from screener.entries import Gathered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_BLANK = re.compile(r'"\s+"')
_QUOTE = ord('"')
_FEW = 8
"""Spaces in a record up to which each is looked at; most exports have none outside texts."""
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_PLAIN = bytes(range(0x20, 0x7F)) + b"\t\n\r"
"""What is printable without a look; of line ends and tabs, none is within a text of JSON."""
_MOST_DATES = 100_000
_KEPT = "record-schema"

_SIMPLE: dict[str, Any] = {"boolean": bool, "integer": int, "number": float, "string": str}
_BOUNDS = {
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "minLength": "min_length",
    "maxLength": "max_length",
    "maxItems": "max_length",
}


class Quick:
    """Accepts surely valid records. `today` bounds the date of birth.

    `types` is the record's JSON Schema.
    """

    def __init__(self, schema: dict[str, Any], today: date) -> None:
        self._today = today.isoformat()
        self._dates = _Dates()
        self._births = _Dates()
        types = _Types(schema)
        self._decoder: Any = msgspec.json.Decoder(types.struct("Record", schema))
        self._encoder = msgspec.json.Encoder()
        self._objects = [(name, _getters(dates)) for name, dates in types.objects if dates]
        self._lists = [(name, _getters(dates)) for name, dates in types.lists if dates]

    def accept(self, text: bytes) -> Any | None:
        """The record if it is surely valid, as an object with its fields; None leaves it open.

        `text` is one JSON object in UTF-8.
        """
        if b"\\" in text:  # so what stands between quotation marks is text as it is
            return None
        try:
            record = self._decoder.decode(text)
            if _may_be_blank(text) and _may_be_blank(msgspec.json.format(text, indent=-1)):
                return None
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None
        # Fields that were left out are not written, so a key given twice (or with null) shows.
        if text.count(b":") != self._encoder.encode(record).count(b":"):
            return None
        if not (_are_printable([text]) and _are_ids([record.id])):
            return None
        return record if self._are_possible(Gathered([record])) else None

    def accept_all(self, texts: Sequence[bytes]) -> Gathered | None:
        """The records if all are surely valid, as `accept` gives them; None leaves all open.

        Much faster than one by one: each step is taken for all at once, and a test that none can
        fail where all pass together is not made of each.
        """
        block = b"\n".join(texts)
        if b"\\" in block or _may_be_blank(block, _FEW * len(texts)):
            return None
        # So each line is a text and begins a value: within one, no { comes after a }.
        if not (all(map(_is_one_line, texts)) and _are_printable(texts)):
            return None
        try:
            records: list[Any] = self._decoder.decode_lines(block)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None
        # No text has fewer colons than what is written of it, so none differs if the sums do not.
        written = bytearray(len(block))  # which it seldom outgrows
        self._encoder.encode_into(records, written)
        if len(records) != len(texts) or block.count(b":") != written.count(b":"):
            return None
        if not _are_ids([record.id for record in records]):
            return None
        found = Gathered(records)
        return found if self._are_possible(found) else None

    def _are_possible(self, given: Gathered) -> bool:
        """What spans several fields; a text that sorts before another may be the earlier date."""
        records, dates = given.records, self._dated(given)
        births = {record.birth_date for record in records}
        if not (self._dates.hold(dates) and self._births.hold(births)):
            return False
        latest = max(filter(None, births), default="")
        # Most were born before any year in which something is dated, here or in earlier records.
        if latest <= self._dates.earliest or latest <= min(filter(None, dates), default=latest):
            in_time = latest <= self._today[: len(latest)]
            if in_time and (len(records) == 1 or latest < self._today[:4]):
                return _are_in_order(given)
        return len(records) > 1 and all(self._are_possible(Gathered([it])) for it in records)

    def _dated(self, given: Gathered) -> set[str | None]:
        """The dates in some records, other than those of birth, and of their lists' entries."""
        found: list[Iterable[str | None]] = []
        for name, getters in self._objects:
            objects = [it for it in map(attrgetter(name), given.records) if it is not None]
            found += [map(get, objects) for get in getters]
        for name, getters in self._lists:
            found += [map(get, given.entries(name)) for get in getters]
        return set(chain.from_iterable(found))


class _Dates:
    """Texts that were looked at before and are dates: most stand in many records."""

    def __init__(self) -> None:
        self._known: set[str | None] = {None}
        self.earliest = "9999"
        """No text that was ever held sorts before it."""

    def hold(self, texts: set[str | None]) -> bool:
        """Whether all of some texts are dates."""
        if self._known.issuperset(texts):
            return True
        new = texts - self._known
        try:
            for text in new:
                span(str(text))
        except ValueError:
            return False
        if len(self._known) > _MOST_DATES:
            self._known = {None}
        self._known |= new
        self.earliest = min(self.earliest, *filter(None, new))
        return True


@cache
def from_models(today: date) -> Quick:
    """The one that the models of the record give."""
    from screener.record_schema import schema  # noqa: PLC0415  # builds the models

    return Quick(schema(), today)


@cache
def kept(today: date) -> Quick:
    """The same, without building the models where an earlier run has kept what they say."""
    import json  # noqa: PLC0415

    from screener import plan_cache  # noqa: PLC0415

    text = plan_cache.get_text(_KEPT)
    if text is not None:
        return Quick(json.loads(text), today)
    from screener.record_schema import schema  # noqa: PLC0415

    plan_cache.put_text(_KEPT, json.dumps(schema(), ensure_ascii=False))
    return from_models(today)


def _may_be_blank(text: bytes, few: int = _FEW) -> bool:
    """Whether a text of JSON may hold a text of blanks alone, which begins with one.

    To look at each of a `few` spaces takes far less time than to look for two characters.
    """
    space = text.find(b" ")
    for _ in range(few):
        if space < 0 or text[space - 1] == _QUOTE:
            return space >= 0
        space = text.find(b" ", space + 1)
    return b'" ' in text


def _is_one_line(text: bytes) -> bool:
    return text.startswith(b"{") and text.endswith(b"}") and b"\n" not in text


def _are_printable(texts: Sequence[bytes]) -> bool:
    """Whether no text holds what `record.TEXT` refuses; control characters are no JSON at all."""
    foreign = b"\n".join([text for text in texts if not text.isascii() or b"\x7f" in text])
    others = foreign.translate(None, _PLAIN)
    if not others:
        return True
    try:
        if others.decode().isprintable():  # of all blanks, only spaces are
            return True
        characters = foreign.decode()
    except UnicodeDecodeError:
        return False
    return not (_BLANK.search(characters) or _UNPRINTABLE.search(characters))


def _are_ids(texts: Sequence[str]) -> bool:
    return "".join(texts).isprintable() and all(text == text.strip() for text in texts)


def _are_in_order(given: Gathered) -> bool:
    """Whether no range ends before it begins, and no list is named twice as partial."""
    for therapy in given.entries("therapies"):
        if therapy.end and therapy.start and therapy.end < therapy.start:
            return False
    for event in given.entries("adverse_events"):
        if event.resolved and event.onset and event.resolved < event.onset:
            return False
    for lab in given.entries("labs"):
        lower, upper = lab.lower_limit, lab.upper_limit
        if lower is not None and upper is not None and upper < lower:
            return False
    return all(not it.partial or len(set(it.partial)) == len(it.partial) for it in given.records)


def _getters(names: list[str]) -> list[Callable[[Any], str | None]]:
    return [attrgetter(name) for name in names]


class _Types:
    """The types of msgspec that say the same as a JSON Schema; dates are text until looked at."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._defs = schema["$defs"]
        self._made: dict[str, Any] = {}
        self.objects: list[tuple[str, list[str]]] = []
        """The single objects of a record, and their dates."""
        self.lists: list[tuple[str, list[str]]] = []
        """The lists of a record, and the dates of their entries."""
        for name, node in schema["properties"].items():
            shape = _not_null(node)
            entry = shape.get("items", shape)
            if "$ref" in entry and "properties" in (part := self._defs[_name(entry)]):
                dates = [n for n, f in part["properties"].items() if _name(_not_null(f)) == "Date"]
                (self.lists if "items" in shape else self.objects).append((name, dates))

    def struct(self, name: str, node: dict[str, Any]) -> type[msgspec.Struct]:
        """The type of an object."""
        required = set(node.get("required", ()))
        fields: list[Any] = []
        for field, shape in node["properties"].items():
            kind = self._type(shape)
            fields.append((field, kind) if field in required else (field, kind | None, None))
        return msgspec.defstruct(
            name, fields, forbid_unknown_fields=True, omit_defaults=True, gc=False, kw_only=True
        )

    def _type(self, node: dict[str, Any]) -> Any:
        node = _not_null(node)
        if name := _name(node):
            if name not in self._made:
                self._made[name] = self._type(self._defs[name])
            return self._made[name]
        if node["type"] == "object":
            return self.struct("Entry", node)
        if "enum" in node:
            return Literal[tuple(node["enum"])]
        plain = (
            list[self._type(node["items"])]  # type: ignore[misc]  # made at run time
            if node["type"] == "array"
            else _SIMPLE[node["type"]]
        )
        bounds = {word: node[key] for key, word in _BOUNDS.items() if key in node}
        return Annotated[plain, msgspec.Meta(**bounds)] if bounds else plain


def _not_null(node: dict[str, Any]) -> dict[str, Any]:
    options: list[dict[str, Any]] = node.get("anyOf", [node])
    return next(option for option in options if option.get("type") != "null")


def _name(node: dict[str, Any]) -> str:
    return str(node.get("$ref", "")).rpartition("/")[2]
