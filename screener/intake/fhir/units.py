"""Units of laboratory values: which are accepted for a test, and whether two say the same.

The units are those of criteria/labs.yaml, one list a test. So `K/uL` is thousands per microlitre,
which as UCUM it would not be (kelvin), and mg/dL becomes µmol/L by the molar mass of the test's own
substance only. tests/criteria/test_labs.py checks every factor against a UCUM library.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from screener.encoding import yaml_file

_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


@dataclass(frozen=True, slots=True)
class Test:
    """A laboratory test: its units as factors to the canonical one, and what is plausible."""

    label: str
    factors: dict[str, Decimal]
    lowest: Decimal
    highest: Decimal
    shown: str


@lru_cache(maxsize=1)
def tests() -> dict[str, Test]:
    """Load the tests that records know."""
    from screener.encoding.catalogue import packaged  # noqa: PLC0415

    data = yaml_file.load(packaged() / "labs.yaml", "labs.yaml").data
    found = {}
    for test in data["tests"]:
        factors = {
            key(str(spelling)): Decimal(str(row["factor"]))
            for row in test["units"]
            for spelling in row["spellings"]
        }
        lowest, highest = (Decimal(str(it)) for it in test["plausible"])
        found[test["name"]] = Test(test["label"], factors, lowest, highest, test["shown"])
    return found


def known(unit: str) -> bool:
    """Tell whether something is a unit of any test."""
    return any(key(unit) in test.factors for test in tests().values())


def key(unit: str) -> str:
    """Bring a unit into the form in which units are compared, as `unit_key` of logic.sql does."""
    text = "".join(unit.lower().split()).replace("µ", "u").replace("μ", "u").replace("×", "x")
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda it: "^" + it[0].translate(_DIGITS), text)
    return text.replace("**", "^")


def factor(test: str, unit: str | None) -> Decimal | None:
    """Return the factor from a unit to the test's own, None for one that is not accepted."""
    known = tests().get(test)
    return known.factors.get(key(unit)) if known and unit else None
