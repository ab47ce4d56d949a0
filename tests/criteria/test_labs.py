"""The units and ranges of criteria/labs.yaml, against an independent UCUM library."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from ucumvert import PintUcumRegistry

LABS = Path(__file__).parents[2] / "criteria" / "labs.yaml"
TESTS = {test["name"]: test for test in yaml.safe_load(LABS.read_text(encoding="utf-8"))["tests"]}
CONTRACT = {
    "anc", "platelets", "hemoglobin", "bilirubin", "alt", "ast",
    "creatinine", "creatinine_clearance", "lvef", "qtcf",
}  # fmt: skip

# g/mol. Bilirubin C33H36N4O6 and creatinine C4H7N3O: sums of the IUPAC standard atomic weights.
# Haemoglobin: monomer with one Fe, International Council for Standardisation in Haematology,
# "Recommendations for reference method for haemoglobinometry in human blood (ICSH standard 1995)".
MOLAR_MASS = {"hemoglobin": "16114.5", "bilirubin": "584.66", "creatinine": "113.12"}
FORMULA = {
    "bilirubin": {"C": 33, "H": 36, "N": 4, "O": 6},
    "creatinine": {"C": 4, "H": 7, "N": 3, "O": 1},
}
ATOMIC_WEIGHT = {"C": "12.011", "H": "1.008", "N": "14.007", "O": "15.999"}

# Everyday spellings that are valid UCUM for something else; a laboratory never means that.
NOT_MEANT_AS_UCUM = {
    "K/uL": "kelvin", "K/mm3": "kelvin", "G/L": "gauss",
    "mg%": "mass times percent", "g%": "mass times percent",
    "[IU]/L": "arbitrary unit; for enzymes it is U/L",
}  # fmt: skip

SPELLINGS = [
    (name, spelling, row["factor"])
    for name, test in TESTS.items()
    for row in test["units"]
    for spelling in row["spellings"]
]


def normalise(spelling: str) -> str:
    text = "".join(spelling.lower().split())
    text = text.replace("µ", "u").replace("μ", "u").replace("×", "x").replace("**", "^")
    digits = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
    return re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda found: "^" + found[0].translate(digits), text)


def canonical(name: str, value: str, unit: str) -> Decimal | None:
    """The value in the test's own unit; None if the unit is not listed."""
    for row in TESTS[name]["units"]:
        if normalise(unit) in map(normalise, row["spellings"]):
            return Decimal(value) * Decimal(row["factor"])
    return None


def plausible(name: str, value: str, unit: str) -> bool:
    low, high = TESTS[name]["plausible"]
    number = canonical(name, value, unit)
    assert number is not None, unit
    return Decimal(str(low)) <= number <= Decimal(str(high))


@pytest.fixture(scope="module")
def ucum() -> PintUcumRegistry:
    return PintUcumRegistry()


def read(ucum: PintUcumRegistry, spelling: str):
    """The quantity, or None where the spelling is not valid UCUM."""
    try:
        return 1.0 * ucum.from_ucum(spelling)
    except Exception:  # the parser raises several kinds
        return None


def factor_by_library(ucum: PintUcumRegistry, name: str, spelling: str) -> float | None:
    quantity = read(ucum, spelling)
    if quantity is None:
        return None
    target = 1.0 * ucum.from_ucum(TESTS[name]["unit"])
    if name in MOLAR_MASS and quantity.dimensionality != target.dimensionality:
        molar = float(MOLAR_MASS[name]) * ucum.from_ucum("g/mol")
        by_mass = quantity.dimensionality == ucum.from_ucum("g/L").dimensionality
        quantity = quantity / molar if by_mass else quantity * molar
    assert quantity.dimensionality == target.dimensionality, f"{spelling} is another quantity"
    return (quantity / target).to("dimensionless").magnitude


def test_every_test_of_the_contract_is_there() -> None:
    assert set(TESTS) == CONTRACT


@pytest.mark.parametrize(("name", "spelling", "factor"), SPELLINGS)
def test_factor_agrees_with_library(
    ucum: PintUcumRegistry, name: str, spelling: str, factor: str
) -> None:
    if spelling in NOT_MEANT_AS_UCUM:
        return
    expected = factor_by_library(ucum, name, spelling)
    if expected is not None:
        assert float(factor) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", TESTS)
def test_library_reads_enough_to_mean_something(ucum: PintUcumRegistry, name: str) -> None:
    """Each test's own unit is among the spellings with factor 1, and is valid UCUM."""
    assert canonical(name, "1", TESTS[name]["unit"]) == 1
    assert read(ucum, TESTS[name]["unit"]) is not None


@pytest.mark.parametrize(
    ("name", "spelling"),
    [
        ("anc", "10*9/L"), ("anc", "10*3/uL"), ("anc", "/uL"), ("anc", "{cells}/uL"),
        ("platelets", "10*3/uL"), ("platelets", "/mm3"),
        ("hemoglobin", "g/dL"), ("hemoglobin", "mmol/L"),
        ("bilirubin", "umol/L"), ("bilirubin", "mg/dL"),
        ("alt", "U/L"), ("alt", "ukat/L"), ("ast", "nkat/L"),
        ("creatinine", "mg/dL"), ("creatinine", "mg/L"),
        ("creatinine_clearance", "mL/s"), ("lvef", "%"), ("qtcf", "s"),
    ],
)  # fmt: skip
def test_these_are_compared_with_the_library(
    ucum: PintUcumRegistry, name: str, spelling: str
) -> None:
    """Guards the comparison above: it must not pass because the library reads nothing."""
    value = canonical(name, "1", spelling)
    assert value is not None
    assert float(value) == pytest.approx(factor_by_library(ucum, name, spelling), rel=1e-9)


@pytest.mark.parametrize("name", FORMULA)
def test_molar_mass_agrees_with_formula(name: str) -> None:
    total = sum(Decimal(ATOMIC_WEIGHT[atom]) * n for atom, n in FORMULA[name].items())
    assert float(MOLAR_MASS[name]) == pytest.approx(float(total), rel=1e-4)


def test_factors_are_exact_decimal_text() -> None:
    for name, spelling, factor in SPELLINGS:
        assert isinstance(factor, str), (name, spelling)
        assert re.fullmatch(r"\d+(\.\d+)?", factor), (name, factor)
        assert Decimal(factor) > 0


@pytest.mark.parametrize("name", TESTS)
def test_no_spelling_repeats(name: str) -> None:
    listed = [normalise(spelling) for test, spelling, _ in SPELLINGS if test == name]
    assert sorted(listed) == sorted(set(listed))
    assert all(listed)


def test_no_name_repeats() -> None:
    names = [
        " ".join(re.sub("[-_]", " ", text.lower()).split())
        for test in TESTS.values()
        for text in [test["name"], *test["names"]]
    ]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("name", TESTS)
def test_range_is_ordered_and_explained(name: str) -> None:
    low, high = TESTS[name]["plausible"]
    assert 0 <= low < high
    assert TESTS[name]["plausible_source"].strip()


@pytest.mark.parametrize(
    ("name", "value", "unit", "accepted"),
    [
        ("anc", "3000", "×10⁹/L", False),
        ("anc", "3000", "/uL", True),
        ("anc", "3000", "/µL", True),
        ("anc", "3.0", "×10⁹/L", True),
        ("anc", "0", "10*9/L", True),
        ("platelets", "250000", "/uL", True),
        ("platelets", "250000", "10*9/L", False),
        ("platelets", "250", "/uL", False),
        ("platelets", "2.5", "lakhs/cumm", True),
        ("hemoglobin", "12", "g/dL", True),
        ("hemoglobin", "12", "g/L", False),
        ("hemoglobin", "120", "g/dL", False),
        ("hemoglobin", "7.5", "mmol/L", True),
        ("bilirubin", "0.6", "mg/dL", True),
        ("bilirubin", "0.6", "umol/L", False),
        ("alt", "0.5", "µkat/L", True),
        ("alt", "0.5", "U/L", False),
        ("creatinine", "0.8", "mg/dL", True),
        ("creatinine", "0.8", "µmol/L", False),
        ("creatinine", "70", "mg/dL", False),
        ("creatinine_clearance", "1.8", "mL/s", True),
        ("creatinine_clearance", "1.8", "mL/min", False),
        ("lvef", "60", "%", True),
        ("lvef", "0.6", "%", False),
        ("qtcf", "0.44", "s", True),
        ("qtcf", "0.44", "ms", False),
    ],
)
def test_range_accepts_measurements_and_rejects_slips(
    name: str, value: str, unit: str, accepted: bool
) -> None:
    assert plausible(name, value, unit) is accepted


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("anc", "%"), ("anc", "M/L"), ("anc", "x109/L"), ("platelets", "M/uL"),
        ("creatinine_clearance", "mL/min/1.73m2"), ("creatinine_clearance", "mL/min/1.73 m²"),
        ("creatinine_clearance", "mL/min/{1.73_m2}"), ("lvef", "1"), ("alt", "IU/mL"),
    ],
)  # fmt: skip
def test_other_quantities_and_ambiguous_units_are_not_read(name: str, unit: str) -> None:
    assert canonical(name, "1", unit) is None


def test_both_micro_signs_and_superscripts_are_one_spelling() -> None:
    assert canonical("bilirubin", "1", "\u00b5mol/L") == 1
    assert canonical("bilirubin", "1", "\u03bcmol/L") == 1
    assert canonical("anc", "1", " × 10⁹ / L ") == 1
    assert canonical("anc", "1", "10**9/L") == 1
