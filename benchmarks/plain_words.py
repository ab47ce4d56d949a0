"""What the plain program knows of drugs, sites, tests, units and neoplasms: the dictionaries."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from rapidfuzz.distance import DamerauLevenshtein

CRITERIA = Path(__file__).resolve().parent.parent / "criteria"

_SALTS = re.compile(
    r"\s+(dihydrochloride|hydrochloride|hcl|isethionate|succinate|ditosylate|tosylate|mesylate"
    r"|mesilate|citrate|acetate|tartrate|sodium|disodium|maleate|trihydrate|monohydrate)\b"
)
_BETWEEN_LETTERS = re.compile(r"[\s\-‐‑–—_.,''’®™]")
_AS_SPACE = re.compile(r"[-_/‐‑–—]")
_SIGNS = re.compile(
    r"[^a-z0-9_\s\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3400-\u9fff\uf900-\ufaff]"
)
_SIDES = re.compile(
    r"\b(left|right|bilateral|both|upper|lower|middle|lobe|segment|metastasis|metastases|metastatic"
    r"|lesions?|mass|nodules?|of|the|in)\b|左|右|双|侧|转移|病灶"
)
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


class Drug(NamedTuple):
    """A drug of the dictionary."""

    name: str
    kinds: frozenset[str]


class Site(NamedTuple):
    """A site of the body: its name, and organ, bone, node, cns or skull."""

    name: str
    region: str


class Unit(NamedTuple):
    """What turns a value of a test into its own unit, and which values are plausible there."""

    factor: Decimal
    least: Decimal
    most: Decimal


def _lower(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()


def drug_key(name: str) -> str:
    """A drug as it is compared."""
    return _BETWEEN_LETTERS.sub("", _SALTS.sub("", _lower(name)))


def term_key(term: str) -> str:
    """A term as it is compared."""
    return " ".join(_SIGNS.sub("", _AS_SPACE.sub(" ", _lower(term))).split())


def _site_key(site: str) -> str:
    return " ".join(_SIDES.sub("", term_key(site)).split())


def _neoplasm_key(term: str) -> str:
    return term_key(term).replace("tumour", "tumor").replace("cancer", "carcinoma")


def _unit_key(unit: str) -> str:
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda m: "^" + m[0].translate(_RAISED), _lower(unit))
    text = text.replace("µ", "u").replace("μ", "u").replace("×", "x")
    return re.sub(r"\s", "", text).replace("**", "^")


def _load(name: str) -> Any:
    return yaml.load(  # the C loader is as safe, and the files are long
        (CRITERIA / f"{name}.yaml").read_text("utf-8"),
        getattr(yaml, "CSafeLoader", yaml.SafeLoader),
    )


def _names(entries: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in entries:
        for name in (entry["name"], *entry["names"]):
            yield str(name), entry


DRUGS = {
    drug_key(name): Drug(entry["name"], frozenset(entry["kinds"]))
    for name, entry in _names(_load("drugs")["drugs"])
}
_SITES = {
    _site_key(name): Site(entry["name"], entry["region"])
    for name, entry in _names(_load("sites")["sites"])
}
_TESTS = {}
_UNITS = {}
for _name, _entry in _names(_load("labs")["tests"]):
    _TESTS[term_key(_name)] = _entry["name"]
    _least, _most = (Decimal(str(bound)) for bound in _entry["plausible"])
    for _unit in _entry["units"]:
        for _spelling in _unit["spellings"]:
            _UNITS[_entry["name"], _unit_key(str(_spelling))] = Unit(
                Decimal(str(_unit["factor"])), _least, _most
            )
_NEOPLASMS = {
    _neoplasm_key(str(name)): kind for kind, names in _load("neoplasms").items() for name in names
}


@cache
def drug(name: str) -> Drug | None:
    """The drug of that name; None if the dictionary lacks it."""
    return DRUGS.get(drug_key(name))


@cache
def near_drugs(name: str) -> set[str]:
    """The drugs that a name which is in no dictionary holds, or the one that it is nearest to."""
    key = drug_key(name)
    held = {it.name for known, it in DRUGS.items() if _telling(known) and known in key}
    if held or len(key) < 4:
        return held
    allowed = max(1, len(key) // 5)
    close = [
        (distance, known)
        for known in DRUGS
        if (distance := DamerauLevenshtein.distance(key, known, score_cutoff=allowed)) <= allowed
    ]
    return {DRUGS[min(close)[1]].name} if close else set()


def _telling(name: str) -> bool:
    return len(name) >= (5 if name.isascii() else 2)


@cache
def site(text: str | None) -> Site | None:
    """The site that a text names; None if it is not known."""
    return _SITES.get(_site_key(text)) if text else None


@cache
def lab_test(text: str) -> str | None:
    """The test that a text names; None if it is not known."""
    return _TESTS.get(term_key(text))


@cache
def unit(of_test: str, text: str | None) -> Unit | None:
    """The unit of a test that a text names; None if it cannot be read."""
    return _UNITS.get((of_test, _unit_key(text))) if text else None


@cache
def neoplasm(text: str) -> str | None:
    """`exempt`, `exempt_if_curative`, `unclear`; None for any other malignancy."""
    return _NEOPLASMS.get(_neoplasm_key(text))
