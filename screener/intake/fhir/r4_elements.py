"""The elements of R4 resources that are read, with the types that R4 gives them.

Each class is the resource or data type of its name in FHIR; the definitions are FHIR's own
(https://hl7.org/fhir/R4/resourcelist.html). `List` and `Resource` are FHIR's, not Python's.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

STRICT = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)

_MONTH, _DAY = r"(0[1-9]|1[0-2])", r"(0[1-9]|[12][0-9]|3[01])"
_TIME = (
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
    r"(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
)
Date = Annotated[str, Field(pattern=rf"^[1-9][0-9]{{3}}(-{_MONTH}(-{_DAY})?)?$")]
DateTime = Annotated[str, Field(pattern=rf"^[1-9][0-9]{{3}}(-{_MONTH}(-{_DAY}({_TIME})?)?)?$")]
Instant = Annotated[str, Field(pattern=rf"^[1-9][0-9]{{3}}-[0-9]{{2}}-[0-9]{{2}}{_TIME}$")]
Code = Annotated[str, Field(pattern=r"^[^\s]+(\s[^\s]+)*$")]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9\-.]{1,64}$")]
Text = Annotated[str, Field(min_length=1)]


@with_config(STRICT)
class Coding(TypedDict, total=False):
    system: Text
    code: Code
    display: Text


@with_config(STRICT)
class Concept(TypedDict, total=False):
    coding: list[Coding]
    text: Text


@with_config(STRICT)
class Reference(TypedDict, total=False):
    reference: Text


@with_config(STRICT)
class Period(TypedDict, total=False):
    start: DateTime
    end: DateTime


@with_config(STRICT)
class Quantity(TypedDict, total=False):
    value: float
    comparator: Literal["<", "<=", ">=", ">"]
    unit: Text
    system: Text
    code: Code


@with_config(STRICT)
class Range(TypedDict, total=False):
    low: Quantity
    high: Quantity


@with_config(STRICT)
class Ratio(TypedDict, total=False):
    numerator: Quantity
    denominator: Quantity


@with_config(STRICT)
class Extension(TypedDict, total=False):
    url: Text
    valueCodeableConcept: Concept
    valueReference: Reference
    valueDateTime: DateTime
    valueDate: Date


@with_config(STRICT)
class Resource(TypedDict, total=False):
    id: Id
    extension: list[Extension]
    contained: list[dict[str, Any]]


@with_config(STRICT)
class Value(Resource, total=False):
    valueQuantity: Quantity
    valueCodeableConcept: Concept
    valueString: Text
    valueBoolean: bool
    valueInteger: int
    valueRange: Range
    valueRatio: Ratio
    valueDateTime: DateTime
    valuePeriod: Period
    dataAbsentReason: Concept


@with_config(STRICT)
class Component(Value, total=False):
    code: Concept


@with_config(STRICT)
class ReferenceRange(TypedDict, total=False):
    low: Quantity
    high: Quantity
    type: Concept
    appliesTo: list[Concept]


@with_config(STRICT)
class Observation(Value, total=False):
    status: Literal["registered", "preliminary", "final", "amended", "corrected", "cancelled",
                    "entered-in-error", "unknown"]  # fmt: skip
    code: Concept
    subject: Reference
    focus: list[Reference]
    effectiveDateTime: DateTime
    effectivePeriod: Period
    effectiveInstant: Instant
    issued: Instant
    interpretation: list[Concept]
    bodySite: Concept
    method: Concept
    specimen: Reference
    referenceRange: list[ReferenceRange]
    hasMember: list[Reference]
    derivedFrom: list[Reference]
    component: list[Component]


@with_config(STRICT)
class Patient(Resource, total=False):
    gender: Literal["male", "female", "other", "unknown"]
    birthDate: Date
    deceasedBoolean: bool
    deceasedDateTime: DateTime


@with_config(STRICT)
class Stage(TypedDict, total=False):
    summary: Concept
    assessment: list[Reference]


@with_config(STRICT)
class Condition(Resource, total=False):
    clinicalStatus: Concept
    verificationStatus: Concept
    code: Concept
    bodySite: list[Concept]
    subject: Reference
    onsetDateTime: DateTime
    onsetPeriod: Period
    abatementDateTime: DateTime
    recordedDate: DateTime
    stage: list[Stage]


@with_config(STRICT)
class Repeat(TypedDict, total=False):
    boundsPeriod: Period


@with_config(STRICT)
class Timing(TypedDict, total=False):
    event: list[DateTime]
    repeat: Repeat


@with_config(STRICT)
class Dosage(TypedDict, total=False):
    timing: Timing


@with_config(STRICT)
class Drug(Resource, total=False):
    medicationCodeableConcept: Concept
    medicationReference: Reference
    subject: Reference
    reasonCode: list[Concept]
    reasonReference: list[Reference]
    basedOn: list[Reference]
    partOf: list[Reference]


@with_config(STRICT)
class GroupIdentifier(TypedDict, total=False):
    system: Text
    value: Text


@with_config(STRICT)
class MedicationRequest(Drug, total=False):
    status: Literal["active", "on-hold", "cancelled", "completed", "entered-in-error", "stopped",
                    "draft", "unknown"]  # fmt: skip
    statusReason: Concept
    intent: Literal["proposal", "plan", "order", "original-order", "reflex-order", "filler-order",
                    "instance-order", "option"]  # fmt: skip
    doNotPerform: bool
    authoredOn: DateTime
    groupIdentifier: GroupIdentifier
    dosageInstruction: list[Dosage]
    priorPrescription: Reference


@with_config(STRICT)
class MedicationAdministration(Drug, total=False):
    status: Literal["in-progress", "not-done", "on-hold", "completed", "entered-in-error",
                    "stopped", "unknown"]  # fmt: skip
    statusReason: list[Concept]
    effectiveDateTime: DateTime
    effectivePeriod: Period
    request: Reference


@with_config(STRICT)
class MedicationStatement(Drug, total=False):
    status: Literal["active", "completed", "entered-in-error", "intended", "stopped", "on-hold",
                    "unknown", "not-taken"]  # fmt: skip
    statusReason: list[Concept]
    effectiveDateTime: DateTime
    effectivePeriod: Period
    dateAsserted: DateTime
    derivedFrom: list[Reference]


@with_config(STRICT)
class MedicationDispense(Drug, total=False):
    status: Literal["preparation", "in-progress", "cancelled", "on-hold", "completed",
                    "entered-in-error", "stopped", "declined", "unknown"]  # fmt: skip
    whenHandedOver: DateTime
    authorizingPrescription: list[Reference]


@with_config(STRICT)
class Ingredient(TypedDict, total=False):
    itemCodeableConcept: Concept


@with_config(STRICT)
class Medication(Resource, total=False):
    code: Concept
    status: Literal["active", "inactive", "entered-in-error"]
    ingredient: list[Ingredient]


@with_config(STRICT)
class Procedure(Resource, total=False):
    status: Literal["preparation", "in-progress", "not-done", "on-hold", "stopped", "completed",
                    "entered-in-error", "unknown"]  # fmt: skip
    statusReason: Concept
    code: Concept
    subject: Reference
    performedDateTime: DateTime
    performedPeriod: Period
    bodySite: list[Concept]
    reasonCode: list[Concept]
    reasonReference: list[Reference]
    partOf: list[Reference]


@with_config(STRICT)
class Reaction(TypedDict, total=False):
    substance: Concept


@with_config(STRICT)
class Allergy(Resource, total=False):
    clinicalStatus: Concept
    verificationStatus: Concept
    category: list[Literal["food", "medication", "environment", "biologic"]]
    code: Concept
    patient: Reference
    recordedDate: DateTime
    reaction: list[Reaction]


@with_config(STRICT)
class Causality(TypedDict, total=False):
    assessment: Concept


@with_config(STRICT)
class Suspect(TypedDict, total=False):
    instance: Reference
    causality: list[Causality]


@with_config(STRICT)
class AdverseEvent(Resource, total=False):
    actuality: Literal["actual", "potential"]
    event: Concept
    subject: Reference
    date: DateTime
    detected: DateTime
    recordedDate: DateTime
    outcome: Concept
    suspectEntity: list[Suspect]


@with_config(STRICT)
class Collection(TypedDict, total=False):
    collectedDateTime: DateTime
    collectedPeriod: Period
    bodySite: Concept


@with_config(STRICT)
class Specimen(Resource, total=False):
    type: Concept
    subject: Reference
    parent: list[Reference]
    collection: Collection


@with_config(STRICT)
class List(Resource, total=False):
    status: Literal["current", "retired", "entered-in-error"]
    mode: Literal["working", "snapshot", "changes"]
    code: Concept
    subject: Reference
    entry: list[dict[str, Any]]
    emptyReason: Concept


@with_config(STRICT)
class Composition(Resource, total=False):
    status: Literal["preliminary", "final", "amended", "entered-in-error"]
    subject: Reference
    section: list[dict[str, Any]]
