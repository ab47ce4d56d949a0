"""The patient record: its fields with meaning and unit, and what makes it valid.

Absent (or `null`) means that nobody recorded it, `[]` that it was looked for and there is none,
`false` that it was recorded as absent. The three stay apart: every optional field is None unless
the record gives it.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from screener.errors import Problem
from screener.record_rules import impossibilities, members

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

# The patterns are run by pydantic's regex engine, without a call into Python, and are the same in
# the JSON Schema; `span` and `record_problems` say the same again in words, for messages.
# Day 29, 30 and 31 stand only where the month has them; 1800, 1900, 2100, 2200 are no leap years.
DATE = (
    r"^(?:(?:(?:1[89]|2[01])[0-9]{2}|2200)"
    r"(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|1[0-9]|2[0-8]))?"
    r"|-(?:0[13-9]|1[0-2])-(?:29|30)|-(?:0[13578]|1[02])-31)?"
    r"|(?:(?:18|19|20|21)(?:0[48]|[2468][048]|[13579][26])|2000)-02-29)$"
)
# Control characters (C0, C1), line and paragraph separator, and those that reorder text on screen.
_CONTROL = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069"
TEXT = rf"^[^{_CONTROL}]*[^{_CONTROL}\s][^{_CONTROL}]*$"
ID = rf"^[^{_CONTROL}\s](?:[^{_CONTROL}]*[^{_CONTROL}\s])?$"


def _printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("not_printable", "not printable")
    return text


PartialDate = Annotated[str, Field(pattern=DATE)]
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT, pattern=TEXT)]
Identifier = Annotated[
    str, Field(min_length=1, max_length=MAX_ID, pattern=ID), AfterValidator(_printable)
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
        if problems := list(impossibilities(self.__dict__, today)):
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
    from screener.record_problems import problems as told  # noqa: PLC0415  # only for a bad record

    problems = [problem for detail in details[:MAX_PROBLEMS] for problem in told(detail)]
    problems += impossibilities(members(data), today)
    if (more := len(details) - MAX_PROBLEMS) > 0:
        problems.append(Problem("", f"and {more:,} more problems; correct these first"))
    raise RecordInvalid(problems, legible_id(members(data).get("id")))


def legible_id(value: object) -> str | None:
    """The value of `id` if it can be one, else None."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ID:
        return None
    return value if value == value.strip() and value.isprintable() else None
