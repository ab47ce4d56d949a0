"""What FHIR R4 (4.0.1) allows in the resources that are read.

The elements that are read are typed as R4 types them; of the others only the names are checked, so
that an element of another FHIR version does not pass unseen. Narrative, identifiers and whatever
else is never read may hold anything.

A whole FHIR library was weighed and not taken: see docs/fhir.md.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from screener.wording import Place, path_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_STRICT = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)

DATE = r"([1-9][0-9]{3})(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?"
_TIME = (
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
    r"(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
)
Date = Annotated[str, Field(pattern=rf"^{DATE}$")]
DateTime = Annotated[
    str, Field(pattern=rf"^([1-9][0-9]{{3}}(-(0[1-9]|1[0-2]))?|{DATE}({_TIME})?)$")
]
Instant = Annotated[str, Field(pattern=rf"^[1-9][0-9]{{3}}-[0-9]{{2}}-[0-9]{{2}}{_TIME}$")]
Code = Annotated[str, Field(pattern=r"^[^\s]+(\s[^\s]+)*$")]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9\-.]{1,64}$")]
Text = Annotated[str, Field(min_length=1)]


@with_config(_STRICT)
class _Coding(TypedDict, total=False):
    system: Text
    code: Code
    display: Text


@with_config(_STRICT)
class _Concept(TypedDict, total=False):
    coding: list[_Coding]
    text: Text


@with_config(_STRICT)
class _Reference(TypedDict, total=False):
    reference: Text


@with_config(_STRICT)
class _Period(TypedDict, total=False):
    start: DateTime
    end: DateTime


@with_config(_STRICT)
class _Quantity(TypedDict, total=False):
    value: float
    comparator: Literal["<", "<=", ">=", ">"]
    unit: Text
    system: Text
    code: Code


@with_config(_STRICT)
class _Range(TypedDict, total=False):
    low: _Quantity
    high: _Quantity


@with_config(_STRICT)
class _Ratio(TypedDict, total=False):
    numerator: _Quantity
    denominator: _Quantity


@with_config(_STRICT)
class _Extension(TypedDict, total=False):
    url: Text
    valueCodeableConcept: _Concept
    valueReference: _Reference
    valueDateTime: DateTime
    valueDate: Date


@with_config(_STRICT)
class _Resource(TypedDict, total=False):
    id: Id
    extension: list[_Extension]
    contained: list[dict[str, Any]]


@with_config(_STRICT)
class _Value(_Resource, total=False):
    valueQuantity: _Quantity
    valueCodeableConcept: _Concept
    valueString: Text
    valueBoolean: bool
    valueInteger: int
    valueRange: _Range
    valueRatio: _Ratio
    valueDateTime: DateTime
    valuePeriod: _Period
    dataAbsentReason: _Concept


@with_config(_STRICT)
class _Component(_Value, total=False):
    code: _Concept


@with_config(_STRICT)
class _ReferenceRange(TypedDict, total=False):
    low: _Quantity
    high: _Quantity
    type: _Concept
    appliesTo: list[_Concept]


@with_config(_STRICT)
class _Observation(_Value, total=False):
    status: Literal["registered", "preliminary", "final", "amended", "corrected", "cancelled",
                    "entered-in-error", "unknown"]  # fmt: skip
    code: _Concept
    subject: _Reference
    focus: list[_Reference]
    effectiveDateTime: DateTime
    effectivePeriod: _Period
    effectiveInstant: Instant
    issued: Instant
    interpretation: list[_Concept]
    specimen: _Reference
    referenceRange: list[_ReferenceRange]
    hasMember: list[_Reference]
    derivedFrom: list[_Reference]
    component: list[_Component]


@with_config(_STRICT)
class _Patient(_Resource, total=False):
    gender: Literal["male", "female", "other", "unknown"]
    birthDate: Date
    deceasedBoolean: bool
    deceasedDateTime: DateTime


@with_config(_STRICT)
class _Stage(TypedDict, total=False):
    summary: _Concept
    assessment: list[_Reference]


@with_config(_STRICT)
class _Condition(_Resource, total=False):
    clinicalStatus: _Concept
    verificationStatus: _Concept
    code: _Concept
    bodySite: list[_Concept]
    subject: _Reference
    onsetDateTime: DateTime
    onsetPeriod: _Period
    abatementDateTime: DateTime
    recordedDate: DateTime
    stage: list[_Stage]


@with_config(_STRICT)
class _Repeat(TypedDict, total=False):
    boundsPeriod: _Period


@with_config(_STRICT)
class _Timing(TypedDict, total=False):
    event: list[DateTime]
    repeat: _Repeat


@with_config(_STRICT)
class _Dosage(TypedDict, total=False):
    timing: _Timing


@with_config(_STRICT)
class _Drug(_Resource, total=False):
    medicationCodeableConcept: _Concept
    medicationReference: _Reference
    subject: _Reference
    reasonCode: list[_Concept]
    reasonReference: list[_Reference]
    basedOn: list[_Reference]
    partOf: list[_Reference]


@with_config(_STRICT)
class _GroupIdentifier(TypedDict, total=False):
    system: Text
    value: Text


@with_config(_STRICT)
class _MedicationRequest(_Drug, total=False):
    status: Literal["active", "on-hold", "cancelled", "completed", "entered-in-error", "stopped",
                    "draft", "unknown"]  # fmt: skip
    statusReason: _Concept
    intent: Literal["proposal", "plan", "order", "original-order", "reflex-order", "filler-order",
                    "instance-order", "option"]  # fmt: skip
    doNotPerform: bool
    authoredOn: DateTime
    groupIdentifier: _GroupIdentifier
    dosageInstruction: list[_Dosage]
    priorPrescription: _Reference


@with_config(_STRICT)
class _MedicationAdministration(_Drug, total=False):
    status: Literal["in-progress", "not-done", "on-hold", "completed", "entered-in-error",
                    "stopped", "unknown"]  # fmt: skip
    statusReason: list[_Concept]
    effectiveDateTime: DateTime
    effectivePeriod: _Period
    request: _Reference


@with_config(_STRICT)
class _MedicationStatement(_Drug, total=False):
    status: Literal["active", "completed", "entered-in-error", "intended", "stopped", "on-hold",
                    "unknown", "not-taken"]  # fmt: skip
    statusReason: list[_Concept]
    effectiveDateTime: DateTime
    effectivePeriod: _Period
    dateAsserted: DateTime
    derivedFrom: list[_Reference]


@with_config(_STRICT)
class _MedicationDispense(_Drug, total=False):
    status: Literal["preparation", "in-progress", "cancelled", "on-hold", "completed",
                    "entered-in-error", "stopped", "declined", "unknown"]  # fmt: skip
    whenHandedOver: DateTime
    authorizingPrescription: list[_Reference]


@with_config(_STRICT)
class _Medication(_Resource, total=False):
    code: _Concept


@with_config(_STRICT)
class _Procedure(_Resource, total=False):
    status: Literal["preparation", "in-progress", "not-done", "on-hold", "stopped", "completed",
                    "entered-in-error", "unknown"]  # fmt: skip
    statusReason: _Concept
    code: _Concept
    subject: _Reference
    performedDateTime: DateTime
    performedPeriod: _Period
    bodySite: list[_Concept]
    partOf: list[_Reference]


@with_config(_STRICT)
class _Reaction(TypedDict, total=False):
    substance: _Concept


@with_config(_STRICT)
class _Allergy(_Resource, total=False):
    clinicalStatus: _Concept
    verificationStatus: _Concept
    category: list[Literal["food", "medication", "environment", "biologic"]]
    code: _Concept
    patient: _Reference
    recordedDate: DateTime
    reaction: list[_Reaction]


@with_config(_STRICT)
class _Causality(TypedDict, total=False):
    assessment: _Concept


@with_config(_STRICT)
class _Suspect(TypedDict, total=False):
    instance: _Reference
    causality: list[_Causality]


@with_config(_STRICT)
class _AdverseEvent(_Resource, total=False):
    actuality: Literal["actual", "potential"]
    event: _Concept
    subject: _Reference
    date: DateTime
    detected: DateTime
    recordedDate: DateTime
    outcome: _Concept
    suspectEntity: list[_Suspect]


@with_config(_STRICT)
class _Collection(TypedDict, total=False):
    collectedDateTime: DateTime
    collectedPeriod: _Period
    bodySite: _Concept


@with_config(_STRICT)
class _Specimen(_Resource, total=False):
    type: _Concept
    subject: _Reference
    parent: list[_Reference]
    collection: _Collection


@with_config(_STRICT)
class _List(_Resource, total=False):
    status: Literal["current", "retired", "entered-in-error"]
    mode: Literal["working", "snapshot", "changes"]
    code: _Concept
    subject: _Reference
    entry: list[dict[str, Any]]
    emptyReason: _Concept


@with_config(_STRICT)
class _Composition(_Resource, total=False):
    status: Literal["preliminary", "final", "amended", "entered-in-error"]
    subject: _Reference
    section: list[dict[str, Any]]


_SHARED = """resourceType id meta implicitRules language text contained extension modifierExtension
identifier"""
_VALUES = """valueQuantity valueCodeableConcept valueString valueBoolean valueInteger valueRange
valueRatio valueSampledData valueTime valueDateTime valuePeriod dataAbsentReason interpretation
referenceRange"""
_ONSET = "onsetDateTime onsetAge onsetPeriod onsetRange onsetString"
_MEDICATION = "medicationCodeableConcept medicationReference"

# model, elements that R4 requires (one of them, where several stand with |), all other elements
_TYPES: dict[str, tuple[Any, str, str]] = {
    "Patient": (_Patient, "", """active name telecom gender birthDate deceasedBoolean
        deceasedDateTime address maritalStatus multipleBirthBoolean multipleBirthInteger photo
        contact communication generalPractitioner managingOrganization link"""),
    "Condition": (_Condition, "subject", f"""clinicalStatus verificationStatus category severity
        code bodySite encounter {_ONSET} abatementDateTime abatementAge abatementPeriod
        abatementRange abatementString recordedDate recorder asserter stage evidence note"""),
    "Observation": (_Observation, "status code", f"""basedOn partOf category subject focus encounter
        effectiveDateTime effectivePeriod effectiveTiming effectiveInstant issued performer
        {_VALUES} note bodySite method specimen device hasMember derivedFrom component"""),
    "MedicationRequest": (_MedicationRequest,
        f"status intent subject {_MEDICATION.replace(' ', '|')}",
        """statusReason category priority doNotPerform reportedBoolean reportedReference encounter
        supportingInformation authoredOn requester performer performerType recorder reasonCode
        reasonReference instantiatesCanonical instantiatesUri basedOn groupIdentifier
        courseOfTherapyType insurance note dosageInstruction dispenseRequest substitution
        priorPrescription detectedIssue eventHistory"""),
    "MedicationAdministration": (_MedicationAdministration,
        f"status subject effectiveDateTime|effectivePeriod {_MEDICATION.replace(' ', '|')}",
        """instantiates partOf statusReason category context supportingInformation performer
        reasonCode reasonReference request device note dosage eventHistory"""),
    "MedicationStatement": (_MedicationStatement,
        f"status subject {_MEDICATION.replace(' ', '|')}", """basedOn partOf statusReason category
        context effectiveDateTime effectivePeriod dateAsserted informationSource derivedFrom
        reasonCode reasonReference note dosage"""),
    "MedicationDispense": (_MedicationDispense, f"status {_MEDICATION.replace(' ', '|')}",
        """partOf statusReasonCodeableConcept statusReasonReference category subject context
        supportingInformation performer location authorizingPrescription type quantity daysSupply
        whenPrepared whenHandedOver destination receiver note dosageInstruction substitution
        detectedIssue eventHistory"""),
    "Medication": (_Medication, "", "code status manufacturer form amount ingredient batch"),
    "Procedure": (_Procedure, "status subject", """instantiatesCanonical instantiatesUri basedOn
        partOf statusReason category code encounter performedDateTime performedPeriod
        performedString performedAge performedRange recorder asserter performer location reasonCode
        reasonReference bodySite outcome report complication complicationDetail followUp note
        focalDevice usedReference usedCode"""),
    "AllergyIntolerance": (_Allergy, "patient", f"""clinicalStatus verificationStatus type category
        criticality code encounter {_ONSET} recordedDate recorder asserter lastOccurrence note
        reaction"""),
    "AdverseEvent": (_AdverseEvent, "actuality subject", """category event encounter date detected
        recordedDate resultingCondition location seriousness severity outcome recorder contributor
        suspectEntity subjectMedicalHistory referenceDocument study"""),
    "Specimen": (_Specimen, "", """accessionIdentifier status type subject receivedTime parent
        request collection processing container condition note"""),
    "List": (_List, "status mode", """title code subject encounter date source orderedBy note entry
        emptyReason"""),
    "Composition": (_Composition, "status type date author title", """subject encounter
        confidentiality attester custodian relatesTo event section"""),
}  # fmt: skip

READ = frozenset(_TYPES)
"""The resource types that are read."""

OF_OTHER_VERSIONS = {
    "MedicationOrder": ("DSTU2", "MedicationRequest"),
    "DiagnosticOrder": ("DSTU2", "ServiceRequest"),
    "DeviceUseRequest": ("DSTU2", "DeviceRequest"),
    "BodySite": ("DSTU2", "BodyStructure"),
    "Conformance": ("DSTU2", "CapabilityStatement"),
    "ProcedureRequest": ("DSTU2 or STU3", "ServiceRequest"),
    "ReferralRequest": ("DSTU2 or STU3", "ServiceRequest"),
    "Sequence": ("STU3", "MolecularSequence"),
    "MedicationUsage": ("R5", "MedicationStatement"),
}
"""Resource types that R4 does not have: the version that has them, and the name in R4."""

_CHOICES = tuple(
    frozenset(
        name
        for _, required, others in _TYPES.values()
        for name in required.replace("|", " ").split() + others.split()
        if name.startswith(choice) and name[len(choice) :][:1].isupper()
    )
    for choice in (
        "value",
        "effective",
        "medication",
        "onset",
        "performed",
        "deceased",
        "abatement",
    )
)
"""The elements of which R4 allows one: `valueQuantity`, `valueString` …"""
_COMPONENT = frozenset(f"id extension modifierExtension code {_VALUES}".split())


@cache
def _rules(kind: str) -> tuple[TypeAdapter[Any], tuple[tuple[str, ...], ...], frozenset[str]]:
    model, required, others = _TYPES[kind]
    needed = tuple(tuple(name.split("|")) for name in required.split())
    names = (
        {name for group in needed for name in group} | set(_SHARED.split()) | set(others.split())
    )
    return TypeAdapter(model), needed, frozenset(names)


def faults(raw: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List what of a resource is not valid R4, as path and what is wrong; at most twenty.

    `raw` is decoded JSON with a `resourceType` of `READ`. Values are never repeated.
    """
    adapter, needed, names = _rules(raw["resourceType"])
    found = [
        (" or ".join(f"`{name}`" for name in group), "missing, but R4 requires it")
        for group in needed
        if not any(name in raw for name in group)
    ]
    found += _names(raw, names, ())
    components = raw.get("component")
    if isinstance(components, list):
        for index, component in enumerate(components):
            if isinstance(component, dict):
                place: Place = ("component", index)
                found += _names(component, _COMPONENT, place)
                if "code" not in component:
                    found.append((path_text((*place, "code")), "missing, but R4 requires it"))
    try:
        adapter.validate_python(raw)
    except ValidationError as error:
        found += [
            (path_text(detail["loc"]), _wrong(detail["type"]))
            for detail in error.errors(include_url=False, include_input=False)
        ]
    except RecursionError:
        found.append(("", "nested too deeply"))
    return found[:20]


def _names(raw: Mapping[str, Any], names: frozenset[str], place: Place) -> list[tuple[str, str]]:
    found = []
    if raw.keys() - names:
        found = [
            (path_text((*place, name)), "is no element of it in R4")
            for name in raw
            if name not in names and name.removeprefix("_") not in names
        ]
    for choice in _CHOICES:
        if len(given := raw.keys() & choice) > 1:
            named = " and ".join(f"`{path_text((*place, it))}`" for it in sorted(given))
            found.append(("", f"{named}: two values where R4 allows one"))
    if raw.get("modifierExtension") or raw.get("implicitRules"):
        name = "modifierExtension" if raw.get("modifierExtension") else "implicitRules"
        found.append((path_text((*place, name)), "changes the meaning in a way not known here"))
    return found


_WRONG = {
    "string_type": "not text, as R4 requires",
    "string_too_short": "empty, which R4 does not allow",
    "string_pattern_mismatch": "not in the form that R4 prescribes",
    "literal_error": "not one of the codes that R4 allows",
    "list_type": "not a list, as R4 requires",
    "dict_type": "not an object, as R4 requires",
    "float_type": "not a number, as R4 requires",
    "finite_number": "not a finite number",
    "int_type": "not a whole number, as R4 requires",
    "bool_type": "not true or false, as R4 requires",
}


def _wrong(kind: str) -> str:
    return _WRONG.get(kind, "not of the type that R4 prescribes")
