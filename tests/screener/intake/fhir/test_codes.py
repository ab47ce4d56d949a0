"""The code map: what criteria/codes.yaml says, and what of it is refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml
from fhir_build import LOINC, SNOMED, concept

from screener.errors import StudyError
from screener.intake.fhir import codes, units
from screener.record import Record

FILE = Path(__file__).parents[4] / "criteria" / "codes.yaml"
DATA = yaml.safe_load(FILE.read_text("utf-8"))
DRUGS = yaml.safe_load((FILE.parent / "drugs.yaml").read_text("utf-8"))["drugs"]
ROWS = [(group, row) for group in DATA["groups"] for row in group["codes"]]


def test_no_code_stands_twice_in_a_role() -> None:
    found = Counter((g["role"], g["system"], str(row[0])) for g, row in ROWS)
    assert [key for key, number in found.items() if number > 1] == []


def test_every_code_has_a_display_and_every_group_a_source() -> None:
    assert [row for _, row in ROWS if not isinstance(row[1], str) or len(row[1].strip()) < 2] == []
    assert all(len(group["source"]) > 3 for group in DATA["groups"])


def test_one_code_has_one_display() -> None:
    """Whatever role it stands in."""
    displays: dict[tuple[str, str], set[str]] = {}
    for group, row in ROWS:
        displays.setdefault((group["system"], str(row[0])), set()).add(row[1])
    assert {key: found for key, found in displays.items() if len(found) > 1} == {}


def test_displays_of_the_codes_of_the_brief() -> None:
    """Against a list of its own, so that a slip of a digit in the file is seen."""
    known = {
        (
            "loinc",
            "85337-4",
        ): "Estrogen receptor Ag [Presence] in Breast cancer specimen by Immune stain",
        ("loinc", "48676-1"): "HER2 [Interpretation] in Tissue",
        ("loinc", "89247-1"): "ECOG Performance Status score",
        ("loinc", "718-7"): "Hemoglobin [Mass/volume] in Blood",
        ("snomed", "254837009"): "Malignant neoplasm of breast (disorder)",
        ("snomed", "94381002"): "Secondary malignant neoplasm of liver (disorder)",
        ("rxnorm", "1601374"): "palbociclib",
        ("hgnc", "HGNC:3467"): "ESR1",
        ("icd10cm", "C78.7"): "Secondary malignant neoplasm of liver and intrahepatic bile duct",
    }
    written = {(group["system"], str(row[0])): row[1] for group, row in ROWS}
    assert {key: written.get(key) for key in known} == known


def check_digit(code: str) -> bool:
    """The check digit of LOINC (Luhn) is right."""
    number, _, digit = code.partition("-")
    total = 0
    for place, character in enumerate(reversed(number)):
        value = int(character) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return (10 - total % 10) % 10 == int(digit)


def test_check_digits_of_loinc() -> None:
    wrong = [
        row[0]
        for group, row in ROWS
        if group["system"] == "loinc" and str(row[0])[0].isdigit() and not check_digit(str(row[0]))
    ]
    assert wrong == []


def verhoeff(code: str) -> bool:
    """The check digit of SNOMED CT (Verhoeff) is right."""
    table = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
             [5, 8, 0, 3, 7, 9, 6, 1, 4, 2], [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
             [9, 4, 5, 3, 1, 2, 6, 8, 7, 0], [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
             [2, 7, 9, 3, 8, 0, 6, 4, 1, 5], [7, 0, 4, 6, 9, 1, 3, 2, 5, 8]]  # fmt: skip
    total = 0
    for place, character in enumerate(reversed(code)):
        value = table[place % 8][int(character)]
        a, b = total, value
        low = (a % 5 + b % 5) % 5 if a < 5 else (a % 5 - b % 5) % 5
        high = (a < 5) == (b < 5)
        total = low if high else low + 5
    return total == 0


def test_check_digits_of_snomed() -> None:
    numbers = {str(row[0]) for group, row in ROWS if group["system"] == "snomed"}
    assert [number for number in sorted(numbers) if not verhoeff(number)] == []


def test_drugs_are_names_of_the_dictionary() -> None:
    known = {drug["name"] for drug in DRUGS}
    assert {row[2] for group, row in ROWS if group["role"] == "drug"} - known == set()


def test_stages_settings_and_reasons_are_words_of_the_record() -> None:
    words = str(Record.model_json_schema())
    for role in ("stage", "stop_reason", "origin"):
        for group, row in ROWS:
            if group["role"] == role:
                assert f"'{row[2]}'" in words
    tests = {row[2][4:] for group, row in ROWS if str([*row, ""][2]).startswith("lab:")}
    assert tests <= units.tests().keys()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"role": "nothing"}, "is no role"),
        ({"system": "nowhere"}, "not among the systems"),
        ({"source": ""}, "needs a source"),
        ({"codes": [["1-8"]]}, "a row is"),
        ({"codes": [["1-8", " ", "er"]]}, "no display"),
        ({"codes": [["1-8", "One"]]}, "no meaning"),
        ({"codes": [["1-8", "One", "er"], ["1-8", "One", "pr"]]}, "twice as observation"),
        ({"texts": {"a": ["word"], "b": [" WORD "]}}, "means two things"),
    ],
)
def test_what_is_refused_in_a_code_map(tmp_path: Path, change: dict, message: str) -> None:
    group = {
        "role": "observation",
        "system": "loinc",
        "source": "test",
        "codes": [["1-8", "One", "er"]],
    }
    data = {"systems": {"loinc": {"uri": LOINC, "names": []}}, "groups": [group | change]}
    path = tmp_path / "codes.yaml"
    path.write_text(yaml.safe_dump(data), "utf-8")
    with pytest.raises(StudyError, match=rf"codes.yaml, line \d+: .*{message}"):
        codes.load(path)


def test_a_new_code_needs_no_python(tmp_path: Path) -> None:
    text = FILE.read_text("utf-8").replace(
        "      - [751-8,",
        '      - [999999-9, "Neutrophils by a new method", "lab:anc"]\n      - [751-8,',
    )
    path = tmp_path / "codes.yaml"
    path.write_text(text, "utf-8")
    meaning = codes.load(path).read(concept(LOINC, "999999-9"), "observation")
    assert meaning == codes.Meaning("observation", "lab:anc")


@pytest.mark.parametrize(
    "system", [LOINC, "LOINC", "https://loinc.org/", "urn:oid:2.16.840.1.113883.6.1"]
)
def test_spellings_of_a_system(system: str) -> None:
    assert codes.code_map().read(concept(system, "85337-4"), "observation").to == "er"


@pytest.mark.parametrize("system", [SNOMED, "http://example.org/local", ""])
def test_a_code_under_another_system_is_named(system: str) -> None:
    with pytest.raises(codes.Fault, match="85337-4 is of loinc, and stands under another system"):
        codes.code_map().read(concept(system, "85337-4"), "observation")


def test_a_misfiled_code_beside_a_right_one_does_not_matter() -> None:
    both = {
        "coding": [{"system": "http://x", "code": "85337-4"}, {"system": LOINC, "code": "85337-4"}]
    }
    assert codes.code_map().read(both, "observation").to == "er"


def test_codes_that_say_different_things() -> None:
    both = {"coding": [{"system": LOINC, "code": "85337-4"}, {"system": LOINC, "code": "85339-0"}]}
    with pytest.raises(codes.Fault, match="different things: er and pr"):
        codes.code_map().read(both, "observation")


@pytest.mark.parametrize(
    ("code", "role", "to"),
    [
        ("C50.911", "cancer", "breast"),
        ("C50", "cancer", "breast"),
        ("C78.7", "metastasis", "liver"),
        ("C78.00", "metastasis", "lung"),
        ("C79.51", "metastasis", "bone"),
        ("C79.5", "metastasis", "bone or bone marrow"),
        ("C79.31", "metastasis", "brain"),
        ("C79.32", "metastasis", "meninges"),
        ("C80.1", "cancer_unspecified", "unspecified"),
        ("C44.311", "cancer", "basal cell carcinoma of the skin"),
        ("C44.319", "cancer", "basal cell carcinoma of the skin"),
        ("C44.92", "cancer", "squamous cell carcinoma of the skin"),
        ("C44.99", "cancer", "non melanoma skin carcinoma"),
        ("C41.9", "cancer", "another malignancy"),
    ],
)
def test_the_longest_prefix_counts(code: str, role: str, to: str) -> None:
    found = codes.code_map().read(
        concept("http://hl7.org/fhir/sid/icd-10-cm", code),
        "cancer",
        "cancer_unspecified",
        "metastasis",
    )
    assert found == codes.Meaning(role, to)


def test_what_is_benign_is_no_cancer() -> None:
    benign = concept("http://hl7.org/fhir/sid/icd-10-cm", "D24.1")
    assert codes.code_map().read(benign, "cancer", "metastasis") is None


def test_words_count_where_there_is_no_code() -> None:
    assert codes.code_map().read({"text": " Not  Amplified "}, "result").to == "negative"
    assert codes.code_map().read({"text": "perhaps"}, "result") is None
