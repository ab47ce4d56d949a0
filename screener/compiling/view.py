"""The record as facts see it, as SQL: typed columns, dates as spans, without future entries.

Made from the models of the record, so that a new field needs no second declaration. Three things
happen here and nowhere else:

- a list that is absent, or that the record names in `partial`, gets one entry with `unseen`, which
  stands for any number of entries nobody has shown us;
- entries dated after the screening date are left out (and counted), planned procedures excepted;
- words are looked up in the dictionaries: drugs, sites, tests and units, kinds of neoplasm.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Collection, Mapping
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from screener.compiling.reads import EVERYTHING
from screener.dates import EVENT_DATE
from screener.encoding.dictionaries import BETWEEN
from screener.record import Record

_DATES = frozenset(
    [
        "birth_date",
        "date",
        "start",
        "end",
        "progression_date",
        "drainage_date",
        "onset",
        "resolved",
        "diagnosed",
        "advanced_since",
        "last_contact",
        "death_date",
    ]
)
_SPAN = 'STRUCT(lo DATE, hi DATE, "text" VARCHAR)'

# The fields of a span, each by itself.
_EARLIEST = (
    "CASE WHEN strlen({d}) = 10 THEN CAST({d} AS DATE) "
    "ELSE CAST({d} || right('-01-01', 10 - strlen({d})) AS DATE) END"
)
_LATEST = (
    "CASE WHEN strlen({d}) = 10 THEN CAST({d} AS DATE) "
    "WHEN strlen({d}) = 7 THEN last_day(CAST({d} || '-01' AS DATE)) "
    "ELSE CAST({d} || '-12-31' AS DATE) END"
)


def _inner(annotation: Any) -> Any:
    """The type itself, without Optional and Annotated."""
    origin = get_origin(annotation)
    if origin is typing.Annotated:
        return _inner(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return _inner(next(a for a in get_args(annotation) if a is not type(None)))
    return annotation


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {name: _inner(info.annotation) for name, info in model.model_fields.items()}


def _json_type(annotation: Any, used: Collection[str]) -> Any:
    """The DuckDB JSON structure of a type, as `from_json` takes it, without unused fields."""
    kind = _inner(annotation)
    if get_origin(kind) in (list, tuple):
        return [_json_type(get_args(kind)[0], used)]
    if get_origin(kind) is Literal:
        return "VARCHAR"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {n: _json_type(f, used) for n, f in _fields(kind).items() if n in used}
    if kind is bool:
        return "BOOLEAN"
    if kind is int:
        return "INTEGER"
    return "VARCHAR" if kind is str else "DECIMAL(18,6)"


def structure(used: Collection[str]) -> dict[str, Any]:
    """The structure of a record for `from_json`, with the fields that are used."""
    found = {n: _json_type(f, used) for n, f in _fields(Record).items() if n in used}
    return found | {n: _INDEX[n][0] for n in _INDEX if n in used}


# What `index_date.py` adds to a record that is asked about as of its own index date.
_INDEX: dict[str, tuple[Any, str]] = {
    "cutoff": ("DATE", "coalesce(record.cutoff, as_of)"),
    "index_event": ("BOOLEAN", "record.index_event"),
    "index_date": ({"lo": "DATE", "hi": "DATE", "text": "VARCHAR"}, "record.index_date"),
}


def record_names() -> frozenset[str]:
    """The names that facts can read from a record, beside `as_of`."""
    return frozenset(Record.model_fields) | {"screened_on"} | _INDEX.keys()


# What the view itself reads of an entry, whatever the facts use.
ALWAYS = frozenset(
    {*EVENT_DATE, *EVENT_DATE.values(), "id", "partial", "planned", "allergies", "drugs", "kinds",
     "lesions", "site", "type", "test", "value", "unit"}
)  # fmt: skip


class View:
    """Writes the SELECT that turns `question` and `terms` into the columns that facts read.

    `used` names the fields that facts use, of the record and of its entries; others are left out.
    Without `paths`, entries do not know where they stand in the record: a batch, which reports no
    evidence, saves the time to write them.

    With `read`, paths as `reads.Reads` gives them, nothing is made but what they name. Such a view
    is always as of a day that is known.
    """

    def __init__(
        self,
        used: Collection[str],
        *,
        paths: bool = True,
        read: Collection[tuple[str, ...]] | None = None,
    ) -> None:
        self._used = ALWAYS | set(used)
        self._paths = paths
        self._read = None if read is None else frozenset(read)

    def _wants(self, at: tuple[str, ...]) -> bool:
        """Whether anything reads what stands at a path."""
        if self._read is None:
            return True
        return at in self._read or any((*at[:k], EVERYTHING) in self._read for k in range(len(at)))

    def _wants_all(self, at: tuple[str, ...]) -> bool:
        """Whether a struct is read as a whole, or may be."""
        if self._read is None:
            return True
        return any((*at[:k], EVERYTHING) in self._read for k in range(1, len(at) + 1))

    def sql(self, source: str) -> str:
        """The SELECT over `source(n, as_of, later, record, term_…)`.

        With `read`, over `words_…` and `known_…` in place of each `term_…`, a map: its keys and its
        values.
        """
        columns = ["n", "as_of AS screened_on", "later"]
        lists = []
        for name, kind in _fields(Record).items():
            if name == "id" or name not in self._used or not self._wants((name,)):
                continue
            if get_origin(kind) in (list, tuple):
                columns.append(f"{self._list(name, _inner(get_args(kind)[0]))} AS {name}")
                lists.append(name)
            elif isinstance(kind, type) and issubclass(kind, BaseModel):
                columns.append(f"{self._struct(kind, f'record.{name}', {}, (name,))} AS {name}")
            elif name in _DATES:
                columns.append(f"{self._span(f'record.{name}', (name,))} AS {name}")
            else:
                columns.append(f"record.{name} AS {name}")
        columns += [
            f"{sql} AS {name}"
            for name, (_, sql) in _INDEX.items()
            if name in self._used and self._wants((name,))
        ]
        if self._read is not None:
            return f"SELECT {', '.join(columns)} FROM {source}"
        # Entries given, without those that were taken in, of which one may be a stand-in. What is
        # named beside its expression is computed again wherever it is named.
        dated = [name for name in EVENT_DATE if name in lists]
        given = " + ".join(
            f"coalesce(len(record.{name}), 0) + CASE WHEN {_may_lack(name)} THEN 1 ELSE 0 END"
            for name in dated
        )
        taken = " + ".join(f"len({name})" for name in dated)
        columns.append(f"{given or '0'} AS given")
        return (
            f"SELECT * EXCLUDE (given), given - ({taken or '0'}) AS ignored "
            f"FROM (SELECT {', '.join(columns)} FROM {source})"
        )

    def _struct(
        self,
        model: type[BaseModel],
        at: str,
        extra: dict[str, str],
        place: tuple[str, ...],
        path: str = "''",
    ) -> str:
        parts = {key: value for key, value in extra.items() if self._wants((*place, key))}
        for name, kind in _fields(model).items():
            if name not in self._used or not self._wants((*place, name)):
                continue
            value = f"{at}.{name}"
            if name in _DATES:
                value = self._span(value, (*place, name))
            elif name == "lesions":
                value = self._lesions(_inner(get_args(kind)[0]), value, (*place, name), path)
            elif name == "drugs":
                value = self._drugs(value, (*place, name), path)
            parts[name] = value
        return _struct(parts or {"nothing": "true"})

    def _span(self, value: str, place: tuple[str, ...]) -> str:
        """A date as a span, or what is read of it."""
        if self._wants_all(place):
            return f"span({value})"
        spelt = {"lo": _EARLIEST.format(d=value), "hi": _LATEST.format(d=value), "text": value}
        return _struct({k: v for k, v in spelt.items() if self._wants((*place, k))} or spelt)

    def _term(self, kind: str, word: str) -> str:
        """What the dictionaries know of a word.

        To find the place of a word in a list takes DuckDB far less time than to find it in a map.
        """
        if self._read is None:
            return f"term_{kind}[{word}]"
        return f"known_{kind}[list_position(words_{kind}, {word})]"

    def _looked_up(self, name: str, x: str) -> dict[str, str]:
        """Fields that the dictionaries add to an entry of a list."""
        if name in {"metastases", "lesions"}:
            site = self._term("sites", f"{x}.site")
            return {"place": f"{site}.name", "region": f"{site}.region"}
        if name == "other_malignancies":
            return {"class": self._term("neoplasms", f"{x}.type")}
        if name == "labs":
            return {
                "name": self._term("tests", f"{x}.test"),
                "amount": "CASE WHEN y.amount BETWEEN y.unit.lo AND y.unit.hi THEN y.amount END",
                "problem": "CASE WHEN y.unit IS NULL THEN 'unit' "
                "WHEN NOT (y.amount BETWEEN y.unit.lo AND y.unit.hi) THEN 'range' END",
            }
        return {}

    def _measured(self, entries: str) -> str:
        """Laboratory values with what they mean by their unit, which is needed several times.

        Most are in the canonical unit, and to multiply decimals takes long.
        """
        unit = self._term("units", f"x.test || '{BETWEEN}' || x.unit")
        return (
            f"list_transform(list_transform({entries}, "
            f"lambda x, i: {{x: x, i: i, unit: {unit}}}), "
            "lambda y: {x: y.x, i: y.i, unit: y.unit, amount: CASE WHEN y.unit.factor = 1 "
            "THEN y.x.value ELSE CAST(y.x.value * y.unit.factor AS DECIMAL(18,6)) END})"
        )

    def _happened(self, x: str, event: str, place: tuple[str, ...]) -> str:
        """When an entry happened, or what is read of it; nothing of the stand-in."""
        day = f"{x}.{event}"
        if self._wants_all(place):
            return f"CASE WHEN {x} IS NOT NULL THEN happened(span({day}), as_of) END"
        spelt = {
            "lo": f"coalesce({_EARLIEST.format(d=day)}, "
            f"CASE WHEN {x} IS NOT NULL THEN DATE '0001-01-01' END)",
            "hi": f"CASE WHEN {x} IS NOT NULL THEN least({_LATEST.format(d=day)}, as_of) END",
        }
        wanted = {k: v for k, v in spelt.items() if k == "lo" or self._wants((*place, k))}
        if self._wants((*place, "text")):
            wanted["text"] = day
        return _struct(wanted)

    def _path(self, start: str, position: str) -> str:
        return f"{start} || ({position} - 1) || ']'" if self._paths else "NULL::VARCHAR"

    def _list(self, name: str, item: Any) -> str:
        value = f"record.{name}"
        if not (isinstance(item, type) and issubclass(item, BaseModel)):
            return self._allergies(value) if name == "allergies" else value
        event = EVENT_DATE[name]
        entries, x, position = _with_unseen(name, value), "x", "i"
        words = "x, i" if self._read is None else "x"
        if name == "labs":
            entries = self._measured(entries)
            x, position, words = "y.x", "y.i", "y"
        path = self._path(f"'{name}['", position)
        extra = {
            "path": f"CASE WHEN {x} IS NOT NULL THEN {path} END",
            "unseen": f"{x} IS NULL",
            "at": self._happened(x, event, (name, "at")),
            **self._looked_up(name, x),
        }
        counts = _used(name, f"x.{event}.lo")
        if self._read is not None:
            counts = _used(name, "x.at.lo")
            kept = {(name, "at"), (name, "planned")}
            entry = View(self._used, paths=False, read=self._read | kept)._struct(
                item, x, extra, (name,), path
            )
        else:
            entry = self._struct(item, x, extra, (name,), path)
        return (
            f"list_filter(list_transform({entries}, lambda {words}: {entry}), lambda x: {counts})"
        )

    def _allergies(self, value: str) -> str:
        path = self._path("'allergies['", "y.i")
        allergy = {
            "path": f"CASE WHEN y.x IS NOT NULL THEN {path} END",
            "unseen": "y.x IS NULL",
            "name": "y.x",
            "key": "y.term.key",
            "generic": "y.term.name",
            "nearest": "y.term.nearest",
        }
        wanted = {k: v for k, v in allergy.items() if self._wants(("allergies", k))} or allergy
        return (
            f"list_transform(list_transform({_with_unseen('allergies', value)}, "
            f"lambda x, i: {{x: x, i: i, term: {self._term('drugs', 'x')}}}), "
            f"lambda y: {_struct(wanted)})"
        )

    def _lesions(self, item: type[BaseModel], value: str, at: tuple[str, ...], path: str) -> str:
        place = self._path(f"{path} || '.lesions['", "j")
        extra = {
            "path": f"CASE WHEN l IS NOT NULL THEN {place} END",
            "unseen": "l IS NULL",
            **self._looked_up("lesions", "l"),
        }
        lesion = self._struct(item, "l", extra, at)
        words = "l, j" if self._read is None else "l"
        return f"list_transform({_shown('lesions', value)}, lambda {words}: {lesion})"

    def _drugs(self, value: str, at: tuple[str, ...], path: str) -> str:
        place = self._path(f"{path} || '.drugs['", "e.j")
        drug = {
            "name": "e.d",
            "path": f"CASE WHEN e.d IS NOT NULL THEN {place} END",
            "generic": "e.term.name",
            "kinds": "e.term.kinds",
            "nearest": "e.term.nearest",
        }
        wanted = {key: text for key, text in drug.items() if self._wants((*at, key))}
        return (
            f"list_transform(list_transform({_shown('drugs', value)}, "
            f"lambda d, j: {{d: d, j: j, term: {self._term('drugs', 'd')}}}), "
            f"lambda e: {_struct(wanted or drug)})"
        )


def _may_lack(name: str) -> str:
    return f"record.{name} IS NULL OR coalesce(list_contains(record.partial, '{name}'), false)"


def _with_unseen(name: str, value: str) -> str:
    return (
        f"CASE WHEN {_may_lack(name)} "
        f"THEN list_append(coalesce({value}, []), NULL) ELSE {value} END"
    )


def _struct(fields: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"'{name}': {text}" for name, text in fields.items()) + "}"


def _used(name: str, first: str) -> str:
    """Whether an entry counts: not dated after the screening date, or a planned procedure."""
    past = f"{first} IS NULL OR {first} <= as_of"
    return f"{past} OR coalesce(x.planned, false)" if name == "procedures" else past


def _shown(name: str, value: str) -> str:
    """A list within an entry, with an unseen item where the record says that it may lack some."""
    named = f"coalesce(list_contains(record.partial, '{name}'), false)"
    return (
        f"CASE WHEN {value} IS NOT NULL AND {named} THEN list_append({value}, NULL) "
        f"ELSE {value} END"
    )
