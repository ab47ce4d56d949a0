"""The dictionaries of an encoding, by the keys that words are looked up with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from screener.encoding.study import Encoding

TERM_SHAPES: dict[str, Any] = {
    "drugs": {"key": "VARCHAR", "name": "VARCHAR", "kinds": ["VARCHAR"], "nearest": ["VARCHAR"]},
    "sites": {"name": "VARCHAR", "region": "VARCHAR"},
    "tests": "VARCHAR",
    "units": {"factor": "DECIMAL(19,12)", "lo": "DECIMAL(18,6)", "hi": "DECIMAL(18,6)"},
    "neoplasms": "VARCHAR",
}
"""What the dictionaries say of a word as recorded, as `from_json` takes it.

Of a drug also its key, and where it is not known the nearest drugs; units by test and unit.
"""


def column_type(shape: Any) -> str:
    """The type of a column that holds what a dictionary says."""
    if isinstance(shape, dict):
        fields = ", ".join(f'"{name}" {column_type(kind)}' for name, kind in shape.items())
        return f"STRUCT({fields})"
    return f"{column_type(shape[0])}[]" if isinstance(shape, list) else str(shape)


BETWEEN = "\x1f"
"""Between a test and a unit: no text of a record holds it."""


def keyed_terms(encoding: Encoding, connection: DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    """The dictionaries by key, normalised by the macros that look words up.

    The connection has the macros of the encoding.
    """

    def keys(macro: str, words: list[str]) -> list[str]:
        rows = connection.execute(f"SELECT {macro}(unnest(?::VARCHAR[]))", [words])
        return [key for (key,) in rows.fetchall()]

    def keyed(macro: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, (_, value) in zip(keys(macro, [name for name, _ in pairs]), pairs, strict=True):
            found.setdefault(key, value)
        return found

    def named(entries: list[dict[str, Any]], *fields: str) -> list[tuple[str, Any]]:
        return [
            (str(name), {field: entry[field] for field in fields})
            for entry in entries
            for name in [entry["name"], *entry["names"]]
        ]

    tests: list[tuple[str, Any]] = []
    units: list[tuple[str, str, Any]] = []
    for test in encoding.terms["tests"]:
        tests += [(str(name), test["name"]) for name in [test["name"], *test["names"]]]
        low, high = test["plausible"]
        for unit in test["units"]:
            value = {"factor": str(unit["factor"]), "lo": str(low), "hi": str(high)}
            units += [(test["name"], str(spelling), value) for spelling in unit["spellings"]]
    unit_keys = keys("unit_key", [spelling for _, spelling, _ in units])
    groups = encoding.terms["neoplasms"]
    return {
        "drugs": keyed("drug_key", named(encoding.terms["drugs"], "name", "kinds")),
        "sites": keyed("site_key", named(encoding.terms["sites"], "name", "region")),
        "tests": keyed("term_key", tests),
        "units": {
            f"{test} {key}": value for (test, _, value), key in zip(units, unit_keys, strict=True)
        },
        "neoplasms": keyed(
            "neoplasm_key", [(str(name), g["class"]) for g in groups for name in g["names"]]
        ),
    }
