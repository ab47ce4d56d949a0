from __future__ import annotations

import copy
import json
import math
import subprocess
import sys
from datetime import date
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from screener import record as module
from screener import record_rules
from screener.canonical import canonical_json
from screener.dates import span
from screener.errors import Problem
from screener.record import (
    LIST_FIELDS,
    PARTIAL_NAMES,
    Record,
    RecordInvalid,
    parse,
)
from screener.record_schema import json_schema, template, template_text

TODAY = date(2026, 11, 21)

FULL: dict[str, Any] = {
    "id": "DEMO-01",
    "birth_date": "1961-04-02",
    "sex": "female",
    "menopausal_status": "postmenopausal",
    "centre": "乳腺外科",
    "diagnosis": {
        "cancer": "breast",
        "date": "2018-03",
        "pathologically_confirmed": True,
        "initial_stage": "0",
        "extent": "metastatic",
        "presentation": "recurrent",
        "advanced_since": "2022",
        "distant_metastasis_confirmed": False,
    },
    "pathology": [
        {
            "date": "2018-03-01",
            "specimen": "primary",
            "site": "left breast",
            "er_percent": 60,
            "er_status": "positive",
            "pr_percent": 0.5,
            "pr_status": "negative",
            "her2_ihc": "2+",
            "her2_ish": "equivocal",
            "her2_status": "negative",
            "ki67_percent": 100,
        }
    ],
    "performance_status": [{"date": "2026-11-10", "ecog": 1}],
    "life_expectancy_months": 12,
    "therapies": [
        {
            "setting": "advanced",
            "line": 1,
            "drugs": ["palbociclib", "fulvestrant"],
            "kinds": ["cdk4_6_inhibitor", "endocrine"],
            "start": "2022-06-01",
            "end": "2024-08-30",
            "ongoing": False,
            "stop_reason": "progression",
            "progression_date": "2024-08-30",
            "best_response": "PR",
        }
    ],
    "procedures": [{"name": "mastectomy", "date": "2018-04", "major": True, "planned": False}],
    "injuries": [{"description": "fracture of the wrist", "date": "2020", "major": False}],
    "imaging": [
        {
            "date": "2026-11-05",
            "modality": "FES-PET/CT",
            "fes_conclusion": "some_positive",
            "lesions": [
                {
                    "site": "bone",
                    "lymph_node": False,
                    "longest_diameter_mm": 22,
                    "short_axis_mm": 10.5,
                    "slice_thickness_mm": 5,
                    "measurable": True,
                    "fes": "positive",
                    "suv_max": 4.2,
                    "irradiated": False,
                    "progressed_after_irradiation": False,
                    "soft_tissue_component": True,
                }
            ],
        }
    ],
    "metastases": [
        {"site": "liver", "present": True, "date": "2022", "confirmed_by": "lumbar_puncture"}
    ],
    "effusions": [
        {
            "kind": "pericardial",
            "present": True,
            "date": "2026-11",
            "symptomatic": False,
            "drainage_required": True,
            "drainage_date": "2026-11-02",
        }
    ],
    "labs": [
        {
            "test": "anc",
            "date": "2026-11-15",
            "value": 2.4,
            "unit": "10*9/L",
            "lower_limit": 1.8,
            "upper_limit": 6.3,
        }
    ],
    "adverse_events": [
        {
            "term": "neutropenia",
            "grade": 3,
            "ctcae_version": "4.03",
            "onset": "2022-07",
            "resolved": "2022-07",
            "ongoing": False,
            "from_antitumor_therapy": True,
        }
    ],
    "other_malignancies": [
        {
            "type": "basal cell carcinoma",
            "diagnosed": "2015",
            "solid_tumor": True,
            "curative_treatment": True,
        }
    ],
    "allergies": ["penicillin"],
    "genomics": [
        {
            "gene": "PIK3CA",
            "result": "altered",
            "variant": "p.H1047R",
            "origin": "somatic",
            "specimen": "ctdna",
            "date": "2026-01",
        }
    ],
    "assessments": {
        "visceral_crisis": False,
        "rapid_progression": False,
        "suitable_for_endocrine_therapy": True,
        "able_to_swallow": True,
        "bowel_obstruction": False,
        "absorption_disorder": False,
        "willing_fdg_pet": True,
        "complete_clinical_data": True,
    },
    "follow_up": {"last_contact": "2026-11", "progression_date": "2026", "death_date": None},
    "partial": list(PARTIAL_NAMES),
}


def problems(data: object) -> list[Problem]:
    with pytest.raises(RecordInvalid) as caught:
        parse(data, today=TODAY)
    assert caught.value.problems
    return caught.value.problems


def minimal(**fields: object) -> dict[str, Any]:
    return {"id": "P", **fields}


def entry(name: str, **fields: object) -> dict[str, Any]:
    """A record with one entry that has what is required, and these fields."""
    required: dict[str, dict[str, object]] = {
        "performance_status": {"ecog": 1},
        "imaging": {"modality": "CT"},
        "metastases": {"site": "liver", "present": True},
        "effusions": {"kind": "ascites", "present": True},
        "labs": {"test": "anc", "value": 1},
        "adverse_events": {"term": "rash"},
        "other_malignancies": {"type": "melanoma"},
        "procedures": {"name": "biopsy"},
        "genomics": {"gene": "ESR1", "result": "altered"},
    }
    return minimal(**{name: [{**required.get(name, {}), **fields}]})


def lesion(**fields: object) -> dict[str, Any]:
    return entry("imaging", lesions=[fields])


# What is accepted.


def test_every_field_is_read() -> None:
    def fields_of(value: Any) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(fields_of, value))
        if isinstance(value, dict):
            return set(value).union(*map(fields_of, value.values()))
        return set()

    known = set(json_schema()["properties"]).union(
        *(part.get("properties", ()) for part in json_schema()["$defs"].values())
    )
    assert fields_of(FULL) == known
    dumped = parse(FULL, today=TODAY).model_dump()
    assert dumped == FULL | {"follow_up": dumped["follow_up"]}


def test_absent_empty_and_false_stay_apart() -> None:
    assert parse(minimal()).allergies is None
    assert parse(minimal(allergies=None)).allergies is None
    assert parse(minimal(allergies=[])).allergies == []
    crisis = [
        parse(minimal(assessments=value)).assessments
        for value in (None, {}, {"visceral_crisis": None}, {"visceral_crisis": False})
    ]
    assert crisis[0] is None
    assert [part.visceral_crisis for part in crisis[1:] if part] == [None, None, False]
    texts = [
        canonical_json(parse(minimal(**fields)))
        for fields in ({}, {"labs": []}, {"assessments": {}}, {"partial": []})
    ]
    assert len(set(texts)) == 4
    for text in texts:
        assert canonical_json(parse(json.loads(text))) == text


@pytest.mark.parametrize(
    "data",
    [
        entry("pathology", er_percent=0),
        entry("pathology", er_percent=100),
        entry("performance_status", ecog=0),
        entry("performance_status", ecog=5),
        entry("therapies", line=1),
        entry("therapies", line=99),
        entry("adverse_events", grade=1),
        entry("adverse_events", grade=5),
        minimal(life_expectancy_months=0),
        minimal(life_expectancy_months=1200),
        lesion(longest_diameter_mm=0.1),
        lesion(longest_diameter_mm=1000),
        lesion(suv_max=0),
        lesion(suv_max=200),
        entry("labs", value=-1e9),
        entry("labs", value=10**9),
        {"id": "P" * 64},
        {"id": "病人 1"},
        minimal(centre="x" * 500),
        minimal(centre=" padded "),
        minimal(allergies=["x"] * 10_000),
        minimal(birth_date="2026-11-21"),
        minimal(birth_date="2026"),
        minimal(birth_date="1800"),
        minimal(therapies=[{}]),
        entry("therapies", start="2022-06-01", end="2022-06-01"),
        entry("therapies", start="2022-06-15", end="2022-06"),
        entry("therapies", start="2022-06-15", end="2022"),
        entry("therapies", ongoing=True, end="2022"),
        entry("adverse_events", onset="2022-07-09", resolved="2022-07"),
        entry("labs", lower_limit=2, upper_limit=2),
        minimal(birth_date="1961-04-02", diagnosis={"date": "1961"}),
        minimal(birth_date="1961-04", diagnosis={"date": "1961-04-01"}),
        entry("pathology", er_percent=60, er_status="negative"),
        lesion(site="liver", lymph_node=True),
        minimal(partial=["lesions", "drugs", "labs"]),
    ],
)
def test_accepted_at_its_bound(data: dict[str, Any]) -> None:
    assert json.loads(canonical_json(parse(data, today=TODAY))) == data


# What is refused: where, and what the message says.

NEEDS_DATE = "needed is text as YYYY-MM-DD"


@pytest.mark.parametrize(
    ("data", "path", "says"),
    [
        # bounds
        (entry("pathology", er_percent=-0.1), "pathology[0].er_percent", "-0.1 is not allowed"),
        (entry("pathology", er_percent=140), "pathology[0].er_percent", "a number from 0 to 100"),
        (entry("pathology", ki67_percent=100.1), "pathology[0].ki67_percent", "from 0 to 100"),
        (
            entry("performance_status", ecog=7),
            "performance_status[0].ecog",
            "7 is not allowed; needed is a whole number from 0 to 5",
        ),
        (entry("performance_status", ecog=-1), "performance_status[0].ecog", "from 0 to 5"),
        (entry("therapies", line=0), "therapies[0].line", "a whole number from 1 to 99"),
        (entry("therapies", line=100), "therapies[0].line", "a whole number from 1 to 99"),
        (entry("adverse_events", grade=0), "adverse_events[0].grade", "from 1 to 5"),
        (entry("adverse_events", grade=6), "adverse_events[0].grade", "from 1 to 5"),
        (minimal(life_expectancy_months=-1), "life_expectancy_months", "from 0 to 1,200"),
        (minimal(life_expectancy_months=1201), "life_expectancy_months", "from 0 to 1,200"),
        (
            lesion(short_axis_mm=0),
            "imaging[0].lesions[0].short_axis_mm",
            "a number above 0 and at most 1,000",
        ),
        (lesion(slice_thickness_mm=1000.5), "imaging[0].lesions[0].slice_thickness_mm", "1,000"),
        (lesion(suv_max=200.1), "imaging[0].lesions[0].suv_max", "a number from 0 to 200"),
        (entry("labs", value=1e9 + 1), "labs[0].value", "to 1,000,000,000"),
        (entry("labs", value=math.nan), "labs[0].value", "not finite"),
        (entry("labs", value=math.inf), "labs[0].value", "not finite"),
        (entry("labs", value=10**400), "labs[0].value", "very many digits"),
        (minimal(allergies=["x"] * 10_001), "allergies", "10,001 entries are too many"),
        # types
        (
            entry("performance_status", ecog="1"),
            "performance_status[0].ecog",
            '"1" is not allowed; needed is a whole number from 0 to 5; write it without quotation',
        ),
        (
            entry("performance_status", ecog=1.0),
            "performance_status[0].ecog",
            "write it without a decimal point",
        ),
        (entry("performance_status", ecog=True), "performance_status[0].ecog", "true is not"),
        (entry("performance_status", ecog=None), "performance_status[0].ecog", "null is not"),
        (entry("labs", value="<1"), "labs[0].value", "nothing but the value"),
        (entry("labs", value=False), "labs[0].value", "false is not allowed"),
        (entry("metastases", present="yes"), "metastases[0].present", "needed is true or false"),
        (entry("metastases", present=1), "metastases[0].present", "needed is true or false"),
        (entry("labs", test=3), "labs[0].test", "a number stands where text"),
        (minimal(allergies="none"), "allergies", "text stands where a list"),
        (minimal(allergies={}), "allergies", "an object stands where a list"),
        (minimal(allergies=[None]), "allergies[0]", "null stands where text"),
        (minimal(labs=[3]), "labs[0]", "a number stands where an object"),
        (minimal(diagnosis=[]), "diagnosis", "a list stands where an object"),
        (minimal(sex=["female"]), "sex", "a list stands where one of `female`"),
        (minimal(birth_date={}), "birth_date", "an object stands where text as YYYY-MM-DD"),
        (minimal(birth_date=date(1961, 4, 2)), "birth_date", "a value of type date"),
        # words
        (minimal(sex="Female"), "sex", "one of `female`, `male`, `other`; did you mean `female`?"),
        (
            entry("pathology", her2_ihc=0),
            "pathology[0].her2_ihc",
            "0 is not allowed; needed is one of `0`, `1+`, `2+`, `3+`; write it in quotation",
        ),
        (entry("pathology", her2_ihc="1"), "pathology[0].her2_ihc", "did you mean `1+`?"),
        (minimal(sex="x" * 900), "sex", '"' + "x" * 59 + '…"'),
        (minimal(sex="\x1b[31m"), "sex", r'"\u001b[31m" is not allowed'),
        (minimal(partial=["lab"]), "partial[0]", "did you mean `labs`?"),
        (minimal(partial=["kinds"]), "partial[0]", "needed is one of `pathology`"),
        # dates
        (minimal(birth_date="1961-4-2"), "birth_date", '"1961-4-2" is not a date: not written'),
        (minimal(birth_date="2023-02-29"), "birth_date", "between 01 and 28"),
        (minimal(birth_date="1799"), "birth_date", "between 1800 and 2200"),
        (minimal(birth_date="1961\n"), "birth_date", r'"1961\n" is not a date'),
        (minimal(birth_date=1961), "birth_date", "write it in quotation marks"),
        (minimal(birth_date="２０２０"), "birth_date", NEEDS_DATE),
        # text
        ({}, "id", "missing, but required: text of 1 to 64 printable characters"),
        ({"id": None}, "id", "null stands where text"),
        ({"id": 12}, "id", "write it in quotation marks"),
        ({"id": ""}, "id", "the text is blank"),
        ({"id": "P" * 65}, "id", "65 characters are too many"),
        ({"id": " P"}, "id", "white space at the beginning"),
        ({"id": "P\xa0"}, "id", "white space at the beginning or the end"),
        ({"id": "a\u200bb"}, "id", r"character 2 is not printable (`\u200b`)"),
        ({"id": "a\x00"}, "id", r"character 2 is a control character (`\u0000`)"),
        (minimal(centre="x" * 501), "centre", "501 characters are too many"),
        (minimal(centre=""), "centre", "the text is blank"),
        (minimal(centre=" \u3000"), "centre", "the text is blank"),
        (minimal(centre="a\nb"), "centre", r"character 2 is a control character (`\u000a`)"),
        (minimal(centre="ab\x1b[0m"), "centre", r"character 3 is a control character (`\u001b`)"),
        (minimal(centre="\x7f"), "centre", r"(`\u007f`)"),
        (minimal(centre="a\x9b"), "centre", r"(`\u009b`)"),
        (minimal(centre="a\u202eb"), "centre", r"the direction of text (`\u202e`)"),
        (minimal(centre="a\u2066b"), "centre", r"the direction of text (`\u2066`)"),
        (minimal(centre="a\u2028b"), "centre", r"a line separator (`\u2028`)"),
        (minimal(centre="a\ud800"), "centre", r"half of a surrogate pair (`\ud800`)"),
        (entry("therapies", drugs=["x", "\x07"]), "therapies[0].drugs[1]", r"(`\u0007`)"),
        # required
        (minimal(performance_status=[{}]), "performance_status[0].ecog", "missing, but required"),
        (minimal(imaging=[{}]), "imaging[0].modality", "one of `FES-PET/CT`"),
        (minimal(metastases=[{"site": "liver"}]), "metastases[0].present", "true or false"),
        (minimal(metastases=[{"present": True}]), "metastases[0].site", "missing"),
        (minimal(effusions=[{"present": True}]), "effusions[0].kind", "missing"),
        (minimal(effusions=[{"kind": "ascites"}]), "effusions[0].present", "missing"),
        (minimal(labs=[{"value": 1}]), "labs[0].test", "missing"),
        (minimal(labs=[{"test": "anc"}]), "labs[0].value", "missing"),
        (minimal(adverse_events=[{}]), "adverse_events[0].term", "missing"),
        (minimal(other_malignancies=[{}]), "other_malignancies[0].type", "missing"),
        (minimal(procedures=[{}]), "procedures[0].name", "missing"),
        (minimal(genomics=[{"result": "altered"}]), "genomics[0].gene", "missing"),
        (minimal(genomics=[{"gene": "ESR1"}]), "genomics[0].result", "missing"),
        # keys
        (entry("pathology", er_pct=1), "pathology[0].er_pct", "did you mean `er_percent`?"),
        (minimal(birthdate="1961"), "birthdate", "did you mean `birth_date`?"),
        (minimal(Labs=[]), "Labs", "did you mean `labs`?"),
        (minimal(ecog=1), "ecog", "it belongs in `performance_status`"),
        (minimal(suv_max=1), "suv_max", "it belongs in `lesions`"),
        (minimal(surname="Li"), "surname", "`screen schema` lists the fields"),
        (entry("performance_status", zz=1), "performance_status[0].zz", "known here are `date`"),
        (minimal(**{"a\x1b": 1}), r'["a\u001b"]', r'"a\u001b" is not a field'),
        (minimal(**{"": 1}), '[""]', '"" is not a field'),
        ({"id": "P", 1: 2}, '["1"]', "1 is not a field"),
        ({"id": "P", "\ud800": 2}, r'["\ud800"]', r'"\ud800" is not a field'),
        # what cannot be together
        (
            entry("therapies", start="2022-06-02", end="2022-06-01"),
            "therapies[0].end",
            "2022-06-01 is before 2022-06-02 (`start`)",
        ),
        (entry("therapies", start="2022-06", end="2022-05-31"), "therapies[0].end", "before"),
        (entry("therapies", start="2022-06-01", end="2021"), "therapies[0].end", "before"),
        (
            entry("adverse_events", onset="2022-07", resolved="2022-06"),
            "adverse_events[0].resolved",
            "an event cannot be over before it begins",
        ),
        (
            entry("labs", lower_limit=2, upper_limit=1.5),
            "labs[0].upper_limit",
            "1.5 is below 2 (`lower_limit`)",
        ),
        (minimal(birth_date="2026-11-22"), "birth_date", "in the future: today is 2026-11-21"),
        (minimal(birth_date="2027"), "birth_date", "in the future"),
        (
            minimal(birth_date="1961-04-02", follow_up={"death_date": "1961-04-01"}),
            "follow_up.death_date",
            "1961-04-01 is before the date of birth, 1961-04-02",
        ),
        (
            {**entry("labs", date="1960"), "birth_date": "1961-04"},
            "labs[0].date",
            "before the date of birth",
        ),
        (minimal(partial=["labs", "labs"]), "partial[1]", "`labs` is named twice"),
        # the whole
        ([], "", "a list stands where an object"),
        (None, "", "null stands where an object"),
        ("x", "", "text stands where an object"),
    ],
)
def test_refused(data: object, path: str, says: str) -> None:
    (problem,) = problems(data)
    assert problem.path == path
    assert says in problem.message
    assert problem.message.isprintable()


def test_everything_wrong_is_told_at_once_and_the_id_with_it() -> None:
    data = {
        "id": "P-7",
        "sex": "f",
        "pathology": [{"er": 1}, {"er_percent": 140}],
        "therapies": [{"start": "2022-02", "end": "2022-01"}],
    }
    with pytest.raises(RecordInvalid) as caught:
        parse(data)
    paths = {problem.path for problem in caught.value.problems}
    assert paths == {"sex", "pathology[0].er", "pathology[1].er_percent", "therapies[0].end"}
    assert caught.value.patient_id == "P-7"
    assert "sex: " in str(caught.value)


@pytest.mark.parametrize("identifier", [None, 3, "", " P", "a\x1b", "x" * 65, "\ud800"])
def test_an_invalid_id_is_not_passed_on(identifier: object) -> None:
    with pytest.raises(RecordInvalid) as caught:
        parse({"id": identifier})
    assert caught.value.patient_id is None


def test_very_many_problems_are_counted() -> None:
    found = problems(minimal(allergies=[None] * 1_500))
    assert len(found) == 1_001
    assert found[-1] == Problem("", "and 500 more problems; correct these first")


FREE_TEXT = [
    *((minimal(centre=f"Zhang Wei{end}")) for end in ("\x1b", "\u202e", "\ud800", "x" * 500)),
    entry("labs", test="Zhang Wei\n"),
    entry("therapies", drugs="Zhang Wei"),
    entry("therapies", drugs=[{"name": "Zhang Wei"}]),
    minimal(diagnosis="Zhang Wei"),
    minimal(sex={"Zhang Wei": "Zhang Wei"}),
    minimal(surname="Zhang Wei"),
    {"id": "Zhang Wei\x1b"},
]


@pytest.mark.parametrize("data", FREE_TEXT)
def test_free_text_is_never_repeated(data: dict[str, Any]) -> None:
    with pytest.raises(RecordInvalid) as caught:
        parse(data)
    assert "Zhang" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_dates_of_every_kind_are_held_against_the_birth_date() -> None:
    schema = json_schema()

    def dated(part: dict[str, Any]) -> tuple[str, ...]:
        return tuple(
            name
            for name, field in part["properties"].items()
            if {"$ref": "#/$defs/Date"} in field.get("anyOf", ())
        )

    expected = {}
    for name, field in schema["properties"].items():
        option = field.get("anyOf", [{}])[0]
        reference = option.get("$ref") or option.get("items", {}).get("$ref", "")
        part = schema["$defs"].get(reference.rpartition("/")[2], {})
        if "properties" in part and dated(part):
            expected[name] = dated(part)
    assert expected == record_rules.DATED


# Dates: the pattern and `span` say the same.


def test_the_pattern_of_dates_agrees_with_the_calendar() -> None:
    candidates = [f"{year}" for year in range(1790, 2211)]
    for year in (*range(1796, 1806), 1899, 1900, 2000, 2023, 2024, 2096, 2100, *range(2196, 2204)):
        candidates += [f"{year}-{month:02}" for month in range(14)]
        candidates += [f"{year}-{month:02}-{day:02}" for month in range(14) for day in range(33)]
    candidates += [f"{year}-02-29" for year in range(1790, 2211)]
    for text in candidates:
        try:
            span(text)
            real = True
        except ValueError:
            real = False
        try:
            Record.model_validate(minimal(diagnosis={"date": text}))
            accepted = True
        except ValidationError:
            accepted = False
        assert accepted is real, text


# Canonical form.


def test_canonical_json_does_not_depend_on_layout() -> None:
    turned = dict(reversed(list(FULL.items()))) | {"life_expectancy_months": 12.0}
    text = canonical_json(parse(turned, today=TODAY))
    assert text == canonical_json(parse(FULL, today=TODAY))
    assert '"centre":"乳腺外科"' in text
    assert '"life_expectancy_months":12,' in text
    assert "null" not in text
    assert json.loads(text)["pathology"] == FULL["pathology"]


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        parse(minimal()).id = "Q"


# Names.


def test_list_fields_are_the_lists_of_the_record() -> None:
    lists = {
        name
        for name, field in json_schema()["properties"].items()
        if field.get("anyOf", [{}])[0].get("type") == "array"
    }
    assert lists == {*LIST_FIELDS, "partial"}
    assert (*LIST_FIELDS, "lesions", "drugs") == PARTIAL_NAMES
    assert get_args(module.ListName) == LIST_FIELDS


# JSON Schema.

VALIDATOR = Draft202012Validator(json_schema())


def accepted(data: object) -> bool:
    try:
        parse(data, today=TODAY)
    except RecordInvalid:
        return False
    return True


def test_the_schema_is_valid_and_says_what_every_field_means() -> None:
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["required"] == ["id"]
    for part in (schema, *schema["$defs"].values()):
        for name, field in part.get("properties", {}).items():
            assert field["description"].endswith("."), name
            unit = {"percent": "percent", "mm": "millimetres", "months": "months"}
            if (suffix := name.rpartition("_")[2]) in unit:
                assert unit[suffix] in field["description"], name
    schema.clear()
    assert json_schema()


@pytest.mark.parametrize("data", [FULL, minimal(), template() | {"id": "P"}])
def test_the_schema_accepts_what_the_models_accept(data: dict[str, Any]) -> None:
    VALIDATOR.validate(data)
    assert accepted(data)


VALUES = (
    st.sampled_from([None, True, False, 0, 1, 5, 6, 99, 100, 100.5, 1000, 1200, 1201, -1])
    | st.sampled_from(["2020", "2020-02", "2020-02-30", "2024-02-29", "1799", "0", "1+", "IV"])
    | st.sampled_from(["positive", "female", "CT", "liver", "x" * 500, "x" * 501, "", " "])
    | st.sampled_from(["a\x1b", "a\u202e", [], ["x"], [None], {}, {"x": 1}])
)


def places(value: Any) -> list[tuple[Any, ...]]:
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    return [place for key, item in items for place in ((key,), *((key, *p) for p in places(item)))]


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(places(FULL)), VALUES, st.booleans())
def test_schema_and_models_agree_wherever_a_value_is_put(
    place: tuple[Any, ...], value: Any, remove: bool
) -> None:
    data = copy.deepcopy(FULL)
    target: Any = data
    for step in place[:-1]:
        target = target[step]
    if remove:
        del target[place[-1]]
    else:
        target[place[-1]] = value
    try:
        parse(data, today=TODAY)
        told: list[Problem] = []
    except RecordInvalid as invalid:
        told = invalid.problems
    told = [it for it in told if " is before " not in it.message and "below" not in it.message]
    assert VALIDATOR.is_valid(data) is (not told)


# Anything at all.

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["2020", "female", "liver", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [*json_schema()["properties"], "date", "site", "ecog", "value", "drugs"]
            )
            | st.text(st.characters(), max_size=8),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(JSON)
def test_nothing_but_record_invalid_is_raised(data: Any) -> None:
    try:
        record = parse(data, today=TODAY)
    except RecordInvalid as error:
        invalid = error
    else:
        assert parse(json.loads(canonical_json(record)), today=TODAY) == record
        return
    assert invalid.problems
    assert all(problem.message and str(problem).isprintable() for problem in invalid.problems)
    assert str(invalid).encode()


# Template.


def test_the_template_has_every_field_and_says_nothing() -> None:
    blank = template()
    assert list(blank) == list(Record.model_fields)
    assert json.loads(template_text()) == blank
    (problem,) = problems(blank)
    assert problem.path == "id"
    record = parse(blank | {"id": "P"})
    assert canonical_json(record) == ('{"assessments":{},"diagnosis":{},"follow_up":{},"id":"P"}')
    assert {name for name, value in blank.items() if isinstance(value, dict)} == {
        name
        for name, field in json_schema()["properties"].items()
        if "$ref" in field.get("anyOf", [{}])[0]
        and "properties" in json_schema()["$defs"][field["anyOf"][0]["$ref"].rpartition("/")[2]]
    }


def test_importing_it_loads_nothing_that_only_errors_need() -> None:
    code = "import sys, screener.record; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "screener.record" in loaded
    assert not loaded & {"rapidfuzz", "duckdb", "dateutil", "typer", "rich"}
