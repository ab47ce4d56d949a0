"""The patient record: its fields with meaning and unit, and every error that one can contain.

Absent (or `null`) means that nobody recorded it, `[]` that it was looked for and there is none,
`false` that it was recorded as absent. The three stay apart: every optional field is None unless
the record gives it.

Messages go to terminals and logs, where nothing of a patient may stand but the id. So they repeat a
value only where the field holds a number, a date, true or false, or a word from a fixed list;
free text is never repeated, only described.
"""

from __future__ import annotations

import copy
import json
import math
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeGuard, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticCustomError

from screener.dates import span, surely_before
from screener.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic_core import ErrorDetails

MAX_ENTRIES = 10_000
MAX_TEXT = 500
MAX_ID = 64
MAX_PROBLEMS = 1_000

ListName = Literal[
    "pathology",
    "performance_status",
    "therapies",
    "procedures",
    "injuries",
    "imaging",
    "metastases",
    "effusions",
    "labs",
    "adverse_events",
    "other_malignancies",
    "allergies",
    "genomics",
]
PartialName = Literal[ListName, "lesions", "drugs"]

LIST_FIELDS: tuple[str, ...] = get_args(ListName)
"""The lists of a record."""
PARTIAL_NAMES: tuple[str, ...] = get_args(PartialName)
"""What `partial` may name: those, and the lists within an examination and a therapy."""

_Node = dict[str, Any]
_Place = tuple[int | str, ...]

# The patterns are run by pydantic's regex engine, without a call into Python, and are the same in
# the JSON Schema; what they say is said again in words by `span` and `_text_fault`, for messages.
# Day 29, 30 and 31 stand only where the month has them; 1800, 1900, 2100, 2200 are no leap years.
_DATE = (
    r"^(?:(?:(?:1[89]|2[01])[0-9]{2}|2200)"
    r"(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|1[0-9]|2[0-8]))?"
    r"|-(?:0[13-9]|1[0-2])-(?:29|30)|-(?:0[13578]|1[02])-31)?"
    r"|(?:(?:18|19|20|21)(?:0[48]|[2468][048]|[13579][26])|2000)-02-29)$"
)
# Control characters (C0, C1), line and paragraph separator, and those that reorder text on screen.
_CONTROL = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069"
_TEXT = rf"^[^{_CONTROL}]*[^{_CONTROL}\s][^{_CONTROL}]*$"
_ID = rf"^[^{_CONTROL}\s](?:[^{_CONTROL}]*[^{_CONTROL}\s])?$"


def _printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("not_printable", "not printable")
    return text


PartialDate = Annotated[str, Field(pattern=_DATE)]
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT, pattern=_TEXT)]
Identifier = Annotated[
    str, Field(min_length=1, max_length=MAX_ID, pattern=_ID), AfterValidator(_printable)
]
Percent = Annotated[float, Field(ge=0, le=100)]
Millimetres = Annotated[float, Field(gt=0, le=1000)]
LabNumber = Annotated[float, Field(ge=-1e9, le=1e9)]
TwoWay = Literal["positive", "negative"]
ThreeWay = Literal["positive", "negative", "equivocal"]


class _Part(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        defer_build=True,
    )


class Diagnosis(_Part):
    """The breast cancer, or other cancer, that the patient is screened for."""

    cancer: Text | None = Field(
        default=None,
        description="Where the cancer arose: `breast`, or another site in words.",
        examples=["breast"],
    )
    date: PartialDate | None = Field(default=None, description="Date of first diagnosis.")
    pathologically_confirmed: bool | None = Field(
        default=None, description="Whether histology or cytology confirmed the cancer."
    )
    initial_stage: (
        Literal["0", "I", "IA", "IB", "II", "IIA", "IIB", "III", "IIIA", "IIIB", "IIIC", "IV"]
        | None
    ) = Field(default=None, description="AJCC stage group at first diagnosis.")
    extent: Literal["early", "locally_advanced", "metastatic"] | None = Field(
        default=None, description="How far the disease extends now."
    )
    presentation: Literal["de_novo", "recurrent"] | None = Field(
        default=None,
        description="Whether metastases were there at first diagnosis (`de_novo`) or the disease "
        "came back after treatment for early disease (`recurrent`).",
    )
    advanced_since: PartialDate | None = Field(
        default=None,
        description="Date on which locally advanced or metastatic disease was diagnosed.",
    )
    distant_metastasis_confirmed: bool | None = Field(
        default=None, description="Whether a distant metastasis has been confirmed."
    )


class Specimen(_Part):
    """One tissue specimen with its receptor results."""

    date: PartialDate | None = Field(default=None, description="Date on which it was taken.")
    specimen: Literal["primary", "metastasis"] | None = Field(
        default=None, description="Whether it is of the primary tumour or of a metastasis."
    )
    site: Text | None = Field(default=None, description="Where in the body it was taken.")
    er_percent: Percent | None = Field(
        default=None, description="Oestrogen receptor: stained tumour cells, in percent."
    )
    er_status: TwoWay | None = Field(
        default=None, description="Oestrogen receptor: the report's conclusion."
    )
    pr_percent: Percent | None = Field(
        default=None, description="Progesterone receptor: stained tumour cells, in percent."
    )
    pr_status: TwoWay | None = Field(
        default=None, description="Progesterone receptor: the report's conclusion."
    )
    her2_ihc: Literal["0", "1+", "2+", "3+"] | None = Field(
        default=None, description="HER2 immunohistochemistry score, as text."
    )
    her2_ish: ThreeWay | None = Field(
        default=None, description="HER2 in-situ hybridisation (FISH, CISH, DISH)."
    )
    her2_status: ThreeWay | None = Field(
        default=None, description="HER2: the report's conclusion from all its tests."
    )
    ki67_percent: Percent | None = Field(
        default=None, description="Ki-67: stained tumour cells, in percent."
    )


class PerformanceStatus(_Part):
    """One rating of the ECOG performance status."""

    date: PartialDate | None = Field(default=None, description="Date of the rating.")
    ecog: Annotated[int, Field(ge=0, le=5)] = Field(
        description="ECOG performance status, from 0 (fully active) to 5 (dead)."
    )


class Therapy(_Part):
    """One regimen: the drugs that were given together for one purpose."""

    setting: Literal["neoadjuvant", "adjuvant", "advanced"] | None = Field(
        default=None,
        description="Before or after surgery of early disease, or for advanced disease.",
    )
    line: Annotated[int, Field(ge=1, le=99)] | None = Field(
        default=None, description="Line of therapy in the advanced setting: 1 for the first."
    )
    drugs: Annotated[list[Text], Field(max_length=MAX_ENTRIES)] | None = Field(
        default=None, description="Names of the drugs: generic, trade name or study code."
    )
    kinds: (
        Annotated[
            list[
                Literal[
                    "chemotherapy",
                    "endocrine",
                    "cdk4_6_inhibitor",
                    "targeted",
                    "antibody_drug_conjugate",
                    "immunotherapy",
                    "ovarian_suppression",
                    "radiotherapy",
                    "supportive",
                ]
            ],
            Field(max_length=MAX_ENTRIES),
        ]
        | None
    ) = Field(
        default=None,
        description="Kinds of the drugs; needed only for drugs that the dictionary lacks.",
    )
    start: PartialDate | None = Field(default=None, description="Date of the first dose.")
    end: PartialDate | None = Field(default=None, description="Date of the last dose.")
    ongoing: bool | None = Field(default=None, description="Whether it is still being given.")
    stop_reason: (
        Literal["progression", "toxicity", "completed", "patient_choice", "death", "other"] | None
    ) = Field(default=None, description="Why it was stopped.")
    progression_date: PartialDate | None = Field(
        default=None,
        description="Date of the progression or relapse while on this therapy or after it.",
    )
    best_response: Literal["CR", "PR", "SD", "PD", "NE"] | None = Field(
        default=None,
        description="Best response by RECIST: complete (CR), partial (PR), stable disease (SD), "
        "progressive disease (PD), not evaluable (NE).",
    )


class Procedure(_Part):
    """One operation or other intervention, done or planned."""

    name: Text = Field(description="What was or will be done.", examples=["mastectomy"])
    date: PartialDate | None = Field(
        default=None, description="Date on which it was done or is planned for."
    )
    major: bool | None = Field(
        default=None, description="Whether it counts as major surgery, in the investigator's view."
    )
    planned: bool | None = Field(
        default=None, description="True if it is planned and not yet done."
    )


class Injury(_Part):
    """One injury."""

    description: Text | None = Field(default=None, description="The injury in words.")
    date: PartialDate | None = Field(default=None, description="Date of the injury.")
    major: bool | None = Field(
        default=None, description="Whether it counts as major, in the investigator's view."
    )


class Lesion(_Part):
    """One lesion as read on one examination."""

    site: Text | None = Field(
        default=None, description="Organ or region of the lesion.", examples=["liver", "bone"]
    )
    lymph_node: bool | None = Field(
        default=None, description="Whether it is a lymph node, which is measured by its short axis."
    )
    longest_diameter_mm: Millimetres | None = Field(
        default=None, description="Longest diameter in the plane of measurement, in millimetres."
    )
    short_axis_mm: Millimetres | None = Field(
        default=None, description="Diameter across the longest one, in millimetres."
    )
    slice_thickness_mm: Millimetres | None = Field(
        default=None, description="Slice thickness of the examination, in millimetres."
    )
    measurable: bool | None = Field(
        default=None, description="Whether the reader calls it measurable by RECIST 1.1."
    )
    fes: Literal["positive", "negative", "not_evaluable"] | None = Field(
        default=None, description="The reader's call of its uptake of 18F-fluoroestradiol."
    )
    suv_max: Annotated[float, Field(ge=0, le=200)] | None = Field(
        default=None,
        description="Highest standardised uptake value of this examination's tracer, no unit.",
    )
    irradiated: bool | None = Field(
        default=None, description="Whether it lies in a field of earlier radiotherapy."
    )
    progressed_after_irradiation: bool | None = Field(
        default=None, description="Whether it has grown since that radiotherapy."
    )
    soft_tissue_component: bool | None = Field(
        default=None, description="For a bone lesion: whether it has a soft-tissue component."
    )


class Imaging(_Part):
    """One imaging or clinical examination of the tumour."""

    date: PartialDate | None = Field(default=None, description="Date of the examination.")
    modality: Literal[
        "FES-PET/CT", "FDG-PET/CT", "CT", "MRI", "X-ray", "bone scan", "ultrasound", "clinical"
    ] = Field(description="How it was done; `clinical` is by inspection, palpation or caliper.")
    fes_conclusion: Literal["some_positive", "all_negative"] | None = Field(
        default=None,
        description="FES-PET/CT as a whole: at least one positive lesion, or none. Used where "
        "lesions are not listed.",
    )
    lesions: Annotated[list[Lesion], Field(max_length=MAX_ENTRIES)] | None = Field(
        default=None, description="The lesions that were seen; `[]` if there were none."
    )


class Metastasis(_Part):
    """One site that was examined for metastasis."""

    site: Text = Field(
        description="The site: one of the examples, or another in words.",
        examples=[
            "liver",
            "lung",
            "bone",
            "brain",
            "leptomeninges",
            "lymph_node",
            "pleura",
            "peritoneum",
            "skin",
            "chest_wall",
        ],
    )
    present: bool = Field(description="Whether there is a metastasis at this site.")
    date: PartialDate | None = Field(default=None, description="Date of the finding.")
    confirmed_by: Literal["imaging", "mri", "lumbar_puncture", "pathology", "clinical"] | None = (
        Field(
            default=None,
            description="How it was established; `clinical` is suspicion without such a test.",
        )
    )


class Effusion(_Part):
    """One examination for fluid in a body cavity."""

    kind: Literal["ascites", "pleural", "pericardial"] = Field(
        description="Which effusion: abdominal, around the lung or around the heart."
    )
    present: bool = Field(description="Whether there is fluid.")
    date: PartialDate | None = Field(default=None, description="Date of the finding.")
    symptomatic: bool | None = Field(default=None, description="Whether it causes symptoms.")
    drainage_required: bool | None = Field(
        default=None, description="Whether it had, or has, to be drained."
    )
    drainage_date: PartialDate | None = Field(
        default=None, description="Date of the latest drainage."
    )


class Lab(_Part):
    """One laboratory or other measured value."""

    test: Text = Field(
        description="What was measured: one of the examples, or another test in words.",
        examples=[
            "anc",
            "platelets",
            "hemoglobin",
            "bilirubin",
            "alt",
            "ast",
            "creatinine",
            "creatinine_clearance",
            "lvef",
            "qtcf",
        ],
    )
    date: PartialDate | None = Field(default=None, description="Date of the sample or measurement.")
    value: LabNumber = Field(description="The value, in `unit`.")
    unit: Text | None = Field(
        default=None,
        description="Unit of the value and of its limits: UCUM or its everyday spelling. Never "
        "assumed where it is missing.",
        examples=["10*9/L", "g/L", "umol/L"],
    )
    lower_limit: LabNumber | None = Field(
        default=None, description="Lower limit of the laboratory's normal range, in `unit`."
    )
    upper_limit: LabNumber | None = Field(
        default=None, description="Upper limit of the laboratory's normal range, in `unit`."
    )


class AdverseEvent(_Part):
    """One adverse event."""

    term: Text = Field(description="The event, best as its CTCAE term.", examples=["neutropenia"])
    grade: Annotated[int, Field(ge=1, le=5)] | None = Field(
        default=None, description="CTCAE grade, from 1 (mild) to 5 (death)."
    )
    ctcae_version: Text | None = Field(
        default=None, description="Version of CTCAE that the grade is by; 5.0 if not given."
    )
    onset: PartialDate | None = Field(default=None, description="Date on which it began.")
    resolved: PartialDate | None = Field(default=None, description="Date on which it was over.")
    ongoing: bool | None = Field(default=None, description="Whether it is still there.")
    from_antitumor_therapy: bool | None = Field(
        default=None, description="Whether it is put down to treatment of the tumour."
    )


class OtherMalignancy(_Part):
    """One malignancy other than the cancer of `diagnosis`."""

    type: Text = Field(
        description="The malignancy in words.", examples=["basal cell carcinoma of the skin"]
    )
    diagnosed: PartialDate | None = Field(default=None, description="Date of its diagnosis.")
    solid_tumor: bool | None = Field(
        default=None, description="Whether it is a solid tumour, not one of blood or lymph."
    )
    curative_treatment: bool | None = Field(
        default=None, description="Whether it was treated with intent to cure."
    )


class GenomicResult(_Part):
    """The result of one gene in one test."""

    gene: Text = Field(description="HGNC gene symbol.", examples=["PIK3CA", "ESR1", "BRCA1"])
    result: Literal["altered", "wild_type"] = Field(
        description="Whether a relevant alteration was found."
    )
    variant: Text | None = Field(
        default=None, description="The alteration as reported.", examples=["p.H1047R"]
    )
    origin: Literal["germline", "somatic"] | None = Field(
        default=None, description="Whether it is inherited or of the tumour."
    )
    specimen: Literal["tissue", "ctdna"] | None = Field(
        default=None, description="What was tested: tissue or circulating tumour DNA."
    )
    date: PartialDate | None = Field(default=None, description="Date of the sample.")


class Assessments(_Part):
    """The investigator's calls, which no rule computes."""

    visceral_crisis: bool | None = Field(
        default=None, description="Severe organ dysfunction from visceral disease."
    )
    rapid_progression: bool | None = Field(
        default=None, description="Disease that progresses rapidly."
    )
    suitable_for_endocrine_therapy: bool | None = Field(
        default=None, description="Whether endocrine therapy is an option."
    )
    able_to_swallow: bool | None = Field(
        default=None, description="Whether tablets or capsules can be swallowed."
    )
    bowel_obstruction: bool | None = Field(default=None, description="Obstruction of the bowel.")
    absorption_disorder: bool | None = Field(
        default=None, description="Another disorder that impairs absorption of oral drugs."
    )
    willing_fdg_pet: bool | None = Field(
        default=None, description="Whether the patient agrees to 18F-FDG PET/CT."
    )
    complete_clinical_data: bool | None = Field(
        default=None, description="Whether the chart is complete enough for a chart review."
    )


class FollowUp(_Part):
    """What became of the patient."""

    last_contact: PartialDate | None = Field(
        default=None, description="Date on which the patient was last known to be alive."
    )
    progression_date: PartialDate | None = Field(
        default=None, description="Date of progression during follow-up."
    )
    death_date: PartialDate | None = Field(default=None, description="Date of death.")


class Record(_Part):
    """One patient. Only `id` is required; what is absent or null is not known.

    Absent or null: nobody recorded it. `[]`: looked for, and there is none. `false`: recorded as
    absent. A list that is given is the whole list unless `partial` names it.
    """

    id: Identifier = Field(
        description="Pseudonymous patient identifier; appears in every report and message."
    )
    birth_date: PartialDate | None = Field(default=None, description="Date of birth.")
    sex: Literal["female", "male", "other"] | None = Field(default=None, description="Sex.")
    menopausal_status: Literal["premenopausal", "perimenopausal", "postmenopausal"] | None = Field(
        default=None, description="Menopausal status."
    )
    centre: Text | None = Field(default=None, description="Site that holds the record.")
    diagnosis: Diagnosis | None = Field(default=None, description="The cancer.")
    pathology: Annotated[list[Specimen], Field(max_length=MAX_ENTRIES)] | None = Field(
        default=None, description="Receptor results, one entry per specimen."
    )
    performance_status: Annotated[list[PerformanceStatus], Field(max_length=MAX_ENTRIES)] | None = (
        Field(default=None, description="ECOG performance status, one entry per rating.")
    )
    life_expectancy_months: Annotated[float, Field(ge=0, le=1200)] | None = Field(
        default=None, description="Life expectancy by the investigator's estimate, in months."
    )
    therapies: Annotated[list[Therapy], Field(max_length=MAX_ENTRIES)] | None = Field(
        default=None, description="Treatments of the cancer, one entry per regimen."
    )
    procedures: Annotated[list[Procedure], Field(max_length=MAX_ENTRIES)] | None = Field(
        default=None, description="Operations and other interventions, done or planned."
    )
    injuries: Annotated[list[Injury], Field(max_length=MAX_ENTRIES)] | None = Field(
        default=None, description="Injuries."
    )
    imaging: Annotated[list[Imaging], Field(max_length=MAX_ENTRIES)] | None = Field(
        default=None, description="Imaging and clinical tumour measurement, one entry per exam."
    )
    metastases: Annotated[list[Metastasis], Field(max_length=MAX_ENTRIES)] | None = Field(
        default=None, description="Sites examined for metastasis, with what was found."
    )
    effusions: Annotated[list[Effusion], Field(max_length=MAX_ENTRIES)] | None = Field(
        default=None, description="Ascites, pleural and pericardial effusions, by examination."
    )
    labs: Annotated[list[Lab], Field(max_length=MAX_ENTRIES)] | None = Field(
        default=None, description="Laboratory and other measured values."
    )
    adverse_events: Annotated[list[AdverseEvent], Field(max_length=MAX_ENTRIES)] | None = Field(
        default=None, description="Adverse events."
    )
    other_malignancies: Annotated[list[OtherMalignancy], Field(max_length=MAX_ENTRIES)] | None = (
        Field(default=None, description="Malignancies other than the cancer of `diagnosis`.")
    )
    allergies: Annotated[list[Text], Field(max_length=MAX_ENTRIES)] | None = Field(
        default=None, description="Substances that the patient is allergic to."
    )
    genomics: Annotated[list[GenomicResult], Field(max_length=MAX_ENTRIES)] | None = Field(
        default=None, description="Genomic results, one entry per gene and test."
    )
    assessments: Assessments | None = Field(
        default=None, description="The investigator's own calls."
    )
    follow_up: FollowUp | None = Field(default=None, description="Follow-up.")
    partial: Annotated[list[PartialName], Field(max_length=len(PARTIAL_NAMES))] | None = Field(
        default=None,
        description="The lists of this record that may lack entries. `lesions` stands for the "
        "lesions of every examination, `drugs` for the drugs of every therapy.",
        json_schema_extra={"uniqueItems": True},
    )

    @model_validator(mode="after")
    def _is_possible(self, info: ValidationInfo) -> Self:
        today = (info.context or {}).get("today") or date.today()
        if problems := list(_impossibilities(self.__dict__, today)):
            raise PydanticCustomError(
                "impossible", "{problems}", {"problems": "; ".join(map(str, problems))}
            )
        return self


class RecordInvalid(ValueError):  # noqa: N818 - the contract's word for such a record
    """A record that cannot be screened: everything that is wrong with it, in order.

    `patient_id` is the record's id where that itself is valid.
    """

    def __init__(self, problems: list[Problem], patient_id: str | None) -> None:
        self.problems = problems
        self.patient_id = patient_id
        super().__init__("; ".join(map(str, problems)))


def parse(data: object, *, today: date | None = None) -> Record:
    """Read decoded JSON as a patient record; `today` bounds the date of birth.

    Raises RecordInvalid with every problem found (above 1,000, their number), not the first only.
    """
    today = today or date.today()
    try:
        return Record.model_validate(data, context={"today": today})
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
    problems = [problem for detail in details[:MAX_PROBLEMS] for problem in _problems(detail)]
    problems += _impossibilities(_members(data), today)
    if (more := len(details) - MAX_PROBLEMS) > 0:
        problems.append(Problem("", f"and {more:,} more problems; correct these first"))
    raise RecordInvalid(problems, _legible_id(data))


def canonical_json(record: Record) -> str:
    """Write the record as the one text that all records of equal content share.

    Keys are sorted, unknown values left out, and a whole number is written without a decimal point
    (60 and 60.0 are one value). The text's SHA-256 identifies the record in a result.
    """
    return _CANONICAL.encode(_plain(record))


def json_schema() -> dict[str, Any]:
    """Make the JSON Schema (2020-12) of the record.

    It cannot say what spans several fields (a therapy that ends before it starts), refuses no
    1.0 where a whole number is written 1, and knows fewer unprintable characters in `id`.
    """
    return copy.deepcopy(_schema())


def template() -> dict[str, Any]:
    """Make a record to fill in: all fields of the patient and of the single objects, unknown.

    Lists are null, not one blank entry, which would say that something had been found.
    """
    blank: dict[str, Any] = dict.fromkeys(Record.model_fields)
    parts: dict[str, type[BaseModel]] = {
        "diagnosis": Diagnosis,
        "assessments": Assessments,
        "follow_up": FollowUp,
    }
    objects = {name: dict.fromkeys(part.model_fields) for name, part in parts.items()}
    return {**blank, **objects, "id": ""}


def template_text() -> str:
    """Write `template` as JSON text."""
    return json.dumps(template(), indent=2) + "\n"


_CANONICAL = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
)


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is str or kind is bool or kind is int:
        return value
    if kind is float:
        return int(value) if value.is_integer() else value
    if kind is list:
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.__dict__.items() if item is not None}


# What is impossible although each value by itself is allowed. This reads a record before and after
# it has become a model, so that a record with another error is told everything at once.

_DATED = {
    "diagnosis": ("date", "advanced_since"),
    "pathology": ("date",),
    "performance_status": ("date",),
    "therapies": ("start", "end", "progression_date"),
    "procedures": ("date",),
    "injuries": ("date",),
    "imaging": ("date",),
    "metastases": ("date",),
    "effusions": ("date", "drainage_date"),
    "labs": ("date",),
    "adverse_events": ("onset", "resolved"),
    "other_malignancies": ("diagnosed",),
    "genomics": ("date",),
    "follow_up": ("last_contact", "progression_date", "death_date"),
}
_ORDERED = (
    ("therapies", "start", "end", "a treatment cannot end before it starts"),
    ("adverse_events", "onset", "resolved", "an event cannot be over before it begins"),
)


def _impossibilities(record: dict[str, Any], today: date) -> Iterator[Problem]:
    if _is_date(birth := record.get("birth_date")):
        yield from _against_birth(record, birth, today)
    for name, first, last, why in _ORDERED:
        for place, entry in _entries(record, name):
            if _precedes(entry.get(last), entry.get(first)):
                yield Problem(
                    path_text((*place, last)),
                    f"{entry[last]} is before {entry[first]} (`{first}`): {why}; "
                    "correct whichever is wrong",
                )
    for place, entry in _entries(record, "labs"):
        lower, upper = entry.get("lower_limit"), entry.get("upper_limit")
        if _is_number(lower) and _is_number(upper) and upper < lower:
            yield Problem(
                path_text((*place, "upper_limit")),
                f"{shown(upper)} is below {shown(lower)} (`lower_limit`); the upper limit is at "
                "least the lower one: correct whichever is wrong",
            )
    partial = record.get("partial")
    if isinstance(partial, list):
        yield from _repetitions(partial)


def _against_birth(record: dict[str, Any], birth: str, today: date) -> Iterator[Problem]:
    if span(birth)[0] > today:
        yield Problem("birth_date", f"{birth} is in the future: today is {today}; correct the date")
    for name, fields in _DATED.items():
        for place, entry in _entries(record, name):
            for field in fields:
                text = entry.get(field)
                if isinstance(text, str) and text < birth and _precedes(text, birth):
                    yield Problem(
                        path_text((*place, field)),
                        f"{text} is before the date of birth, {birth} (`birth_date`); "
                        "correct whichever is wrong",
                    )


def _repetitions(partial: list[object]) -> Iterator[Problem]:
    seen = set()
    for index, name in enumerate(partial):
        if isinstance(name, str) and name in PARTIAL_NAMES:
            if name in seen:
                yield Problem(f"partial[{index}]", f"`{name}` is named twice; name it once")
            seen.add(name)


def _entries(record: dict[str, Any], name: str) -> Iterable[tuple[_Place, dict[str, Any]]]:
    value = record.get(name)
    if not value:
        return ()
    if isinstance(value, list):
        return [((name, index), _members(entry)) for index, entry in enumerate(value)]
    return (((name,), _members(value)),)


def _members(value: object) -> dict[str, Any]:
    """Return the fields of an object, be it decoded JSON or a model; of anything else, none."""
    if isinstance(value, dict):
        return value
    return value.__dict__ if isinstance(value, _Part) else {}


def _is_date(value: object) -> TypeGuard[str]:
    if not isinstance(value, str):
        return False
    try:
        span(value)
    except ValueError:
        return False
    return True


def _precedes(one: object, other: object) -> bool:
    """Tell whether both are dates and `one` is surely earlier; then the texts sort that way too."""
    return (
        isinstance(one, str)
        and isinstance(other, str)
        and one < other
        and _is_date(one)
        and _is_date(other)
        and surely_before(one, other)
    )


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


# Messages. What is allowed at a place is read from the JSON Schema, so that it is written once.

_SHOWN = 60
_FORMS = {
    "boolean": "true or false",
    "array": "a list in brackets, [ ]",
    "object": "an object in braces, { }",
}


@cache
def _schema() -> _Node:
    class Generate(GenerateJsonSchema):
        def field_title_should_be_set(self, schema: Any) -> bool:
            return False

        def default_schema(self, schema: Any) -> _Node:
            return self.generate_inner(schema["schema"])

    schema = Record.model_json_schema(schema_generator=Generate)
    shared: dict[str, _Node] = {
        "Date": {
            "type": "string",
            "pattern": _DATE,
            "description": "A day (YYYY-MM-DD), or a month (YYYY-MM) or year (YYYY) where no more "
            "is recorded: then the whole span is meant.",
        },
        "Text": {"type": "string", "minLength": 1, "maxLength": MAX_TEXT, "pattern": _TEXT},
    }
    _share(schema, {part["pattern"]: name for name, part in shared.items()})
    schema["$defs"].update(shared)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Patient record",
    }


def _share(node: Any, names: dict[str, str]) -> None:
    """Replace every copy of a shared pattern by a reference to its one definition."""
    for child in node.values() if isinstance(node, dict) else node:
        if isinstance(child, dict) and (name := names.get(child.get("pattern", ""))):
            for key in ("type", "minLength", "maxLength", "pattern"):
                child.pop(key, None)
            child["$ref"] = f"#/$defs/{name}"
        elif isinstance(child, dict | list):
            _share(child, names)


def _resolve(node: _Node) -> tuple[str, _Node]:
    """Follow "or null" and references; also return the name of the last reference."""
    name = ""
    while True:
        if "anyOf" in node:
            node = next(option for option in node["anyOf"] if option.get("type") != "null")
        elif "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            node = _schema()["$defs"][name]
        else:
            return name, node


def _node(place: _Place) -> tuple[str, _Node]:
    name, node = _resolve(_schema())
    for step in place:
        name, node = _resolve(node["items"] if isinstance(step, int) else node["properties"][step])
    return name, node


def _problems(detail: ErrorDetails) -> Iterator[Problem]:
    kind, place, value = detail["type"], detail["loc"], detail["input"]
    if kind == "impossible":  # told by parse, for a record with other errors too
        return
    if kind in {"extra_forbidden", "invalid_key"}:
        yield _unknown_key(place[:-1], place[-1])
    elif kind == "string_unicode" and _node(place)[1]["type"] == "object":
        yield _unknown_key(place, value)
    elif kind == "missing":
        needed = _needed(*_node(place))
        yield Problem(path_text(place), f"missing, but required: {needed}")
    else:
        yield Problem(path_text(place), _wrong(*_node(place), value))


def _unknown_key(place: _Place, key: object) -> Problem:
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - only a rejected record needs it

    path = path_text((*place, key if isinstance(key, str) else str(key)))
    known = _node(place)[1]["properties"]
    word = str(key)[:_SHOWN].casefold().replace("-", "_").replace(" ", "_")
    scorer = fuzz.WRatio if len(word) > 3 else fuzz.ratio  # any two letters are part of something
    elsewhere = [] if word in known else _places_of(word)
    if elsewhere:
        advice = f"it belongs in {_listed(elsewhere)}"
    elif near := process.extractOne(word, list(known), scorer=scorer, score_cutoff=75):
        advice = f"did you mean `{near[0]}`?"
    elif len(known) <= 12:
        advice = f"known here are {_listed(known)}"
    else:
        advice = "`screen schema` lists the fields; remove what they do not cover"
    return Problem(path, f"{shown(key)} is not a field of the record here; {advice}")


def _places_of(word: str) -> list[str]:
    """Name the objects and lists of the record, and the lesions, that have such a field."""
    found = []
    for name in (*_schema()["properties"], "lesions"):
        place: _Place = ("imaging", 0, "lesions") if name == "lesions" else (name,)
        node = _node(place)[1]
        if "items" in node:
            node = _resolve(node["items"])[1]
        if word in node.get("properties", ()):
            found.append(name)
    return found


def _wrong(name: str, node: _Node, value: object) -> str:  # noqa: PLR0911 - one per kind of field
    """Say why a value is refused at a place, from what that place allows."""
    needed = _needed(name, node)
    kind = node.get("type")
    if isinstance(value, dict | list) and kind not in {"array", "object"}:
        return f"{_kind(value)} stands where {needed} is needed"
    if kind == "array":
        if isinstance(value, list):
            return f"{len(value):,} entries are too many; at most {node['maxItems']:,} are read"
        return (
            f"{_kind(value)} stands where {needed} is needed: [] where there is none, and null "
            "where nobody recorded it"
        )
    if kind == "object":
        return f"{_kind(value)} stands where {needed} is needed"
    if "enum" in node:
        return f"{shown(value)} is not allowed; needed is {needed}{_nearest(value, node['enum'])}"
    if name == "Date":
        return f"{shown(value)} is not a date{_date_fault(value)}; needed is {needed}"
    if kind == "string":
        if isinstance(value, str):
            return f"{_text_fault(value, node)}; needed is {needed}"
        return f"{_kind(value)} stands where {needed} is needed{_quoting(value)}"
    return f"{shown(value)} is not allowed; needed is {needed}{_bare_advice(kind, value)}"


def _needed(name: str, node: _Node) -> str:
    """Say what a place allows."""
    kind = node["type"]
    if "enum" in node:
        return f"one of {_listed(node['enum'])}"
    if name == "Date":
        return "text as YYYY-MM-DD, or YYYY-MM or YYYY where no more is recorded"
    if kind == "string":
        printable = "printable " if node["pattern"] == _ID else ""
        return f"text of 1 to {node['maxLength']} {printable}characters"
    if kind in {"integer", "number"}:
        noun = "a whole number" if kind == "integer" else "a number"
        most = f"{int(node['maximum']):,}"
        if "exclusiveMinimum" in node:
            return f"{noun} above {int(node['exclusiveMinimum'])} and at most {most}"
        return f"{noun} from {int(node['minimum']):,} to {most}"
    return _FORMS[kind]


def _nearest(value: object, allowed: list[str]) -> str:
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - only a rejected record needs it

    if not isinstance(value, str):
        value = shown(value)
        if value in allowed:
            return "; write it in quotation marks"
    word = value[:_SHOWN].casefold().replace("-", "_").replace(" ", "_")
    folded = {option: option.casefold() for option in allowed}
    near = process.extractOne(word, folded, scorer=fuzz.ratio, score_cutoff=60)
    return f"; did you mean `{near[2]}`?" if near else ""


def _quoting(value: object) -> str:
    return "; write it in quotation marks" if _is_number(value) else ""


def _bare_advice(kind: str | None, value: object) -> str:
    if isinstance(value, str) and (kind != "boolean" or value in {"true", "false"}):
        return "; write it without quotation marks, and nothing but the value"
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return "; write it without a decimal point"
    return ""


def _date_fault(value: object) -> str:
    if not isinstance(value, str):
        return _quoting(value)
    try:
        span(value)
    except ValueError as error:
        return f": {error}"
    return ""


def _text_fault(text: str, node: _Node) -> str:
    """Say why a text is refused, telling of its content only the place and code of a character."""
    for place, character in enumerate(text, 1):
        code = ord(character)
        if category := _unprintable(code):
            return f"character {place} is {category} (`\\u{code:04x}`): remove it"
    if len(text) > node["maxLength"]:
        return f"{len(text):,} characters are too many"
    if not text.strip():
        return "the text is blank"
    if text != text.strip():
        return "there is white space at the beginning or the end: remove it"
    odd = [place for place, character in enumerate(text) if not character.isprintable()]
    where = f"character {odd[0] + 1} is not printable (`\\u{ord(text[odd[0]]):04x}`)" if odd else ""
    return f"{where or 'the text holds something that is not printable'}: remove it"


def _unprintable(code: int) -> str:
    if code < 0x20 or 0x7F <= code <= 0x9F:
        return "a control character"
    if code in {0x2028, 0x2029}:
        return "a line separator"
    if 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069:
        return "a control character for the direction of text"
    return "half of a surrogate pair" if 0xD800 <= code <= 0xDFFF else ""


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if _is_number(value):
        return "a number"
    for known, name in ((str, "text"), (list, "a list"), (dict, "an object")):
        if isinstance(value, known):
            return name
    return f"a value of type {type(value).__name__}"


def shown(value: object) -> str:
    """Write a value as in JSON, shortened, without a character that a terminal would obey."""
    if isinstance(value, float) and not math.isfinite(value):
        return "a number that is not finite"
    if value is not None and not isinstance(value, str | int | float):
        return _kind(value)
    if isinstance(value, int) and abs(value) >= 10**_SHOWN:
        return "a number of very many digits"
    if isinstance(value, str) and len(value) > _SHOWN:
        value = value[: _SHOWN - 1] + "…"
    return json.dumps(value, ensure_ascii=not str(value).isprintable())


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def path_text(place: _Place) -> str:
    """Write keys and list positions as a path: `therapies[2].end`."""
    path = ""
    for step in place:
        if isinstance(step, int):
            path += f"[{step}]"
        elif step.isidentifier() and len(step) <= _SHOWN:
            path += f".{step}" if path else step
        else:
            path += f"[{shown(step)}]"
    return path


def _legible_id(data: object) -> str | None:
    value = _members(data).get("id")
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ID:
        return None
    return value if value == value.strip() and value.isprintable() else None
