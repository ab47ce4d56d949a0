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

from screener.record import Record

# The date of an entry, by list: when it happened.
EVENT_DATE = {
    "pathology": "date",
    "performance_status": "date",
    "therapies": "start",
    "procedures": "date",
    "injuries": "date",
    "imaging": "date",
    "metastases": "date",
    "effusions": "date",
    "labs": "date",
    "adverse_events": "onset",
    "other_malignancies": "diagnosed",
    "genomics": "date",
}
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

# Fields that the dictionaries add to an entry `x` of a list.
_LOOKED_UP: dict[str, dict[str, str]] = {
    "metastases": {
        "place": "term_sites[site_key(x.site)].name",
        "region": "term_sites[site_key(x.site)].region",
    },
    "lesions": {
        "place": "term_sites[site_key(x.site)].name",
        "region": "term_sites[site_key(x.site)].region",
    },
    "other_malignancies": {"class": "term_neoplasms[neoplasm_key(x.type)]"},
}
_LAB_NAME = "coalesce(term_tests[term_key(x.test)], term_key(x.test))"
_DRUG = (
    "CASE WHEN d IS NULL THEN {{'name': NULL::VARCHAR, 'path': NULL::VARCHAR, "
    "'generic': NULL::VARCHAR, 'kinds': NULL::VARCHAR[], 'nearest': NULL::VARCHAR[]}} ELSE "
    "{{'name': d, 'path': {path}, 'generic': term_drugs[drug_key(d)].name, "
    "'kinds': term_drugs[drug_key(d)].kinds, 'nearest': term_near_drugs[drug_key(d)]}} END"
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


def view_sql(source: str, used: Collection[str]) -> str:
    """The SELECT that turns `source(n, as_of, record, term_…)` into the columns that facts read.

    `used` names the fields that facts use, of the record and of its entries; others are left out.
    """
    used = ALWAYS | set(used)
    columns = ["n", "as_of AS screened_on", "later"]
    for name, kind in _fields(Record).items():
        if name == "id" or name not in used:
            continue
        if get_origin(kind) in (list, tuple):
            columns.append(f"{_list(name, _inner(get_args(kind)[0]), used)} AS {name}")
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            columns.append(f"{_struct(kind, f'record.{name}', {}, used)} AS {name}")
        elif name in _DATES:
            columns.append(f"span(record.{name}) AS {name}")
        else:
            columns.append(f"record.{name} AS {name}")
    columns += [f"{sql} AS {name}" for name, (_, sql) in _INDEX.items() if name in used]
    columns.append(f"{_ignored()} AS ignored")
    return f"SELECT {', '.join(columns)} FROM {source}"


def _struct(
    model: type[BaseModel], at: str, extra: dict[str, str], used: Collection[str], path: str = "''"
) -> str:
    parts = [f"'{key}': {value}" for key, value in extra.items()]
    for name, kind in _fields(model).items():
        if name not in used:
            continue
        value = f"{at}.{name}"
        if name in _DATES:
            value = f"span({value})"
        elif name == "lesions":
            value = _lesions(_inner(get_args(kind)[0]), value, path, used)
        elif name == "drugs":
            value = _drugs(value, path)
        parts.append(f"'{name}': {value}")
    return "{" + ", ".join(parts) + "}"


def _with_unseen(name: str, value: str) -> str:
    return (
        f"CASE WHEN {value} IS NULL OR coalesce(list_contains(record.partial, '{name}'), false) "
        f"THEN list_append(coalesce({value}, []), NULL) ELSE {value} END"
    )


def _list(name: str, item: Any, used: Collection[str]) -> str:
    value = f"record.{name}"
    if not (isinstance(item, type) and issubclass(item, BaseModel)):
        if name != "allergies":
            return value
        return (
            f"list_transform({_with_unseen(name, value)}, lambda x, i: {{"
            "'path': CASE WHEN x IS NOT NULL THEN 'allergies[' || (i - 1) || ']' END, "
            "'unseen': x IS NULL, 'name': x, 'key': drug_key(x), "
            "'generic': term_drugs[drug_key(x)].name, 'nearest': term_near_drugs[drug_key(x)]})"
        )
    path = f"CASE WHEN x IS NOT NULL THEN '{name}[' || (i - 1) || ']' END"
    event = EVENT_DATE[name]
    extra = {
        "path": path,
        "unseen": "x IS NULL",
        "at": f"CASE WHEN x IS NOT NULL THEN happened(span(x.{event}), as_of) END",
        **_LOOKED_UP.get(name, {}),
    }
    if name == "labs":
        extra |= _lab_fields()
    entries = (
        f"list_transform({_with_unseen(name, value)}, "
        f"lambda x, i: {_struct(item, 'x', extra, used, path)})"
    )
    return f"list_filter({entries}, lambda x: {_used(name, event)})"


def _used(name: str, event: str) -> str:
    """Whether an entry counts: not dated after the screening date, or a planned procedure."""
    past = f"x.{event}.lo IS NULL OR x.{event}.lo <= as_of"
    return f"{past} OR coalesce(x.planned, false)" if name == "procedures" else past


def _ignored() -> str:
    counts = []
    for name, event in EVENT_DATE.items():
        planned = " AND NOT coalesce(x.planned, false)" if name == "procedures" else ""
        counts.append(
            f"coalesce(len(list_filter(record.{name}, lambda x: "
            f"coalesce(span(x.{event}).lo > as_of, false){planned})), 0)"
        )
    return " + ".join(counts)


def _shown(name: str, value: str) -> str:
    """A list within an entry, with an unseen item where the record says that it may lack some."""
    named = f"coalesce(list_contains(record.partial, '{name}'), false)"
    return (
        f"CASE WHEN {value} IS NOT NULL AND {named} THEN list_append({value}, NULL) "
        f"ELSE {value} END"
    )


def _lesions(item: type[BaseModel], value: str, path: str, used: Collection[str]) -> str:
    lesion_path = f"CASE WHEN l IS NOT NULL THEN {path} || '.lesions[' || (j - 1) || ']' END"
    extra = {"path": lesion_path, "unseen": "l IS NULL"} | {
        key: text.replace("x.", "l.") for key, text in _LOOKED_UP["lesions"].items()
    }
    lesion = _struct(item, "l", extra, used)
    return f"list_transform({_shown('lesions', value)}, lambda l, j: {lesion})"


def _drugs(value: str, path: str) -> str:
    drug = _DRUG.format(path=f"{path} || '.drugs[' || (j - 1) || ']'")
    return f"list_transform({_shown('drugs', value)}, lambda d, j: {drug})"


def _lab_fields() -> dict[str, str]:
    factor = f"term_units[{_LAB_NAME} || ' ' || unit_key(x.unit)]"
    amount = f"CAST(x.value * {factor}.factor AS DECIMAL(18,6))"
    plausible = f"{amount} BETWEEN {factor}.lo AND {factor}.hi"
    return {
        "name": _LAB_NAME,
        "amount": f"CASE WHEN {plausible} THEN {amount} END",
        "problem": f"CASE WHEN {factor} IS NULL THEN 'unit' "
        f"WHEN NOT ({plausible}) THEN 'range' END",
    }
