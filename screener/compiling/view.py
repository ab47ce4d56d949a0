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
from collections.abc import Collection
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

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

# Fields that the dictionaries add to an entry {x} of a list.
_LOOKED_UP: dict[str, dict[str, str]] = {
    "metastases": {"place": "term_sites[{x}.site].name", "region": "term_sites[{x}.site].region"},
    "lesions": {"place": "term_sites[{x}.site].name", "region": "term_sites[{x}.site].region"},
    "other_malignancies": {"class": "term_neoplasms[{x}.type]"},
    "labs": {
        "name": "term_tests[{x}.test]",
        "amount": "CASE WHEN y.amount BETWEEN y.unit.lo AND y.unit.hi THEN y.amount END",
        "problem": "CASE WHEN y.unit IS NULL THEN 'unit' "
        "WHEN NOT (y.amount BETWEEN y.unit.lo AND y.unit.hi) THEN 'range' END",
    },
}
# What a laboratory value means by its unit is needed several times, so it is computed first.
_MEASURED = (
    "list_transform(list_transform({entries}, "
    f"lambda x, i: {{{{x: x, i: i, unit: term_units[x.test || '{BETWEEN}' || x.unit]}}}}), "
    "lambda y: {{x: y.x, i: y.i, unit: y.unit, "
    "amount: CAST(y.x.value * y.unit.factor AS DECIMAL(18,6))}})"
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
    """

    def __init__(self, used: Collection[str], *, paths: bool = True) -> None:
        self._used = ALWAYS | set(used)
        self._paths = paths

    def sql(self, source: str) -> str:
        """The SELECT over `source(n, as_of, later, record, term_…)`."""
        columns = ["n", "as_of AS screened_on", "later"]
        lists = []
        for name, kind in _fields(Record).items():
            if name == "id" or name not in self._used:
                continue
            if get_origin(kind) in (list, tuple):
                columns.append(f"{self._list(name, _inner(get_args(kind)[0]))} AS {name}")
                lists.append(name)
            elif isinstance(kind, type) and issubclass(kind, BaseModel):
                columns.append(f"{self._struct(kind, f'record.{name}', {})} AS {name}")
            elif name in _DATES:
                columns.append(f"span(record.{name}) AS {name}")
            else:
                columns.append(f"record.{name} AS {name}")
        columns += [f"{sql} AS {name}" for name, (_, sql) in _INDEX.items() if name in self._used]
        # Entries given, without those that were taken in, of which one may be a stand-in.
        ignored = " + ".join(
            f"coalesce(len(record.{name}), 0) + CASE WHEN {_may_lack(name)} THEN 1 ELSE 0 END "
            f"- len({name})"
            for name in EVENT_DATE
            if name in lists
        )
        columns.append(f"{ignored or '0'} AS ignored")
        return f"SELECT {', '.join(columns)} FROM {source}"

    def _struct(
        self, model: type[BaseModel], at: str, extra: dict[str, str], path: str = "''"
    ) -> str:
        parts = [f"'{key}': {value}" for key, value in extra.items()]
        for name, kind in _fields(model).items():
            if name not in self._used:
                continue
            value = f"{at}.{name}"
            if name in _DATES:
                value = f"span({value})"
            elif name == "lesions":
                value = self._lesions(_inner(get_args(kind)[0]), value, path)
            elif name == "drugs":
                value = self._drugs(value, path)
            parts.append(f"'{name}': {value}")
        return "{" + ", ".join(parts) + "}"

    def _path(self, start: str, position: str) -> str:
        return f"{start} || ({position} - 1) || ']'" if self._paths else "NULL::VARCHAR"

    def _list(self, name: str, item: Any) -> str:
        value = f"record.{name}"
        if not (isinstance(item, type) and issubclass(item, BaseModel)):
            return self._allergies(value) if name == "allergies" else value
        event = EVENT_DATE[name]
        entries, x, position = _with_unseen(name, value), "x", "i"
        words = "x, i"
        if name == "labs":
            entries = _MEASURED.format(entries=entries)
            x, position, words = "y.x", "y.i", "y"
        path = self._path(f"'{name}['", position)
        extra = {
            "path": f"CASE WHEN {x} IS NOT NULL THEN {path} END",
            "unseen": f"{x} IS NULL",
            "at": f"CASE WHEN {x} IS NOT NULL THEN happened(span({x}.{event}), as_of) END",
            **{key: text.format(x=x) for key, text in _LOOKED_UP.get(name, {}).items()},
        }
        entry = self._struct(item, x, extra, path)
        return (
            f"list_filter(list_transform({entries}, lambda {words}: {entry}), "
            f"lambda x: {_used(name, event)})"
        )

    def _allergies(self, value: str) -> str:
        path = self._path("'allergies['", "y.i")
        return (
            f"list_transform(list_transform({_with_unseen('allergies', value)}, "
            "lambda x, i: {x: x, i: i, term: term_drugs[x]}), lambda y: {"
            f"'path': CASE WHEN y.x IS NOT NULL THEN {path} END, "
            "'unseen': y.x IS NULL, 'name': y.x, 'key': y.term.key, "
            "'generic': y.term.name, 'nearest': y.term.nearest})"
        )

    def _lesions(self, item: type[BaseModel], value: str, path: str) -> str:
        place = self._path(f"{path} || '.lesions['", "j")
        extra = {
            "path": f"CASE WHEN l IS NOT NULL THEN {place} END",
            "unseen": "l IS NULL",
            **{key: text.format(x="l") for key, text in _LOOKED_UP["lesions"].items()},
        }
        lesion = self._struct(item, "l", extra)
        return f"list_transform({_shown('lesions', value)}, lambda l, j: {lesion})"

    def _drugs(self, value: str, path: str) -> str:
        place = self._path(f"{path} || '.drugs['", "e.j")
        return (
            f"list_transform(list_transform({_shown('drugs', value)}, "
            "lambda d, j: {d: d, j: j, term: term_drugs[d]}), lambda e: {"
            f"'name': e.d, 'path': CASE WHEN e.d IS NOT NULL THEN {place} END, "
            "'generic': e.term.name, 'kinds': e.term.kinds, 'nearest': e.term.nearest})"
        )


def _may_lack(name: str) -> str:
    return f"record.{name} IS NULL OR coalesce(list_contains(record.partial, '{name}'), false)"


def _with_unseen(name: str, value: str) -> str:
    return (
        f"CASE WHEN {_may_lack(name)} "
        f"THEN list_append(coalesce({value}, []), NULL) ELSE {value} END"
    )


def _used(name: str, event: str) -> str:
    """Whether an entry counts: not dated after the screening date, or a planned procedure."""
    past = f"x.{event}.lo IS NULL OR x.{event}.lo <= as_of"
    return f"{past} OR coalesce(x.planned, false)" if name == "procedures" else past


def _shown(name: str, value: str) -> str:
    """A list within an entry, with an unseen item where the record says that it may lack some."""
    named = f"coalesce(list_contains(record.partial, '{name}'), false)"
    return (
        f"CASE WHEN {value} IS NOT NULL AND {named} THEN list_append({value}, NULL) "
        f"ELSE {value} END"
    )
