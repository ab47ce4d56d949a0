"""What FHIR R4 (4.0.1) allows in the resources that are read.

The elements that are read are typed as R4 types them; of the others only the names are checked, so
that an element of another FHIR version does not pass unseen. Narrative, identifiers and whatever
else is never read may hold anything.

A whole FHIR library was weighed and not taken: see docs/fhir.md.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from screener.intake.fhir import r4_elements as el
from screener.wording import Place, path_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHARED = """resourceType id meta implicitRules language text contained extension modifierExtension
identifier"""
_VALUES = """valueQuantity valueCodeableConcept valueString valueBoolean valueInteger valueRange
valueRatio valueSampledData valueTime valueDateTime valuePeriod dataAbsentReason interpretation
referenceRange"""
_ONSET = "onsetDateTime onsetAge onsetPeriod onsetRange onsetString"
_MEDICATION = "medicationCodeableConcept medicationReference"

# model, elements that R4 requires (one of them, where several stand with |), all other elements
_TYPES: dict[str, tuple[Any, str, str]] = {
    "Patient": (el.Patient, "", """active name telecom gender birthDate deceasedBoolean
        deceasedDateTime address maritalStatus multipleBirthBoolean multipleBirthInteger photo
        contact communication generalPractitioner managingOrganization link"""),
    "Condition": (el.Condition, "subject", f"""clinicalStatus verificationStatus category severity
        code bodySite encounter {_ONSET} abatementDateTime abatementAge abatementPeriod
        abatementRange abatementString recordedDate recorder asserter stage evidence note"""),
    "Observation": (el.Observation, "status code", f"""basedOn partOf category subject focus
        encounter
        effectiveDateTime effectivePeriod effectiveTiming effectiveInstant issued performer
        {_VALUES} note bodySite method specimen device hasMember derivedFrom component"""),
    "MedicationRequest": (el.MedicationRequest,
        f"status intent subject {_MEDICATION.replace(' ', '|')}",
        """statusReason category priority doNotPerform reportedBoolean reportedReference encounter
        supportingInformation authoredOn requester performer performerType recorder reasonCode
        reasonReference instantiatesCanonical instantiatesUri basedOn groupIdentifier
        courseOfTherapyType insurance note dosageInstruction dispenseRequest substitution
        priorPrescription detectedIssue eventHistory"""),
    "MedicationAdministration": (el.MedicationAdministration,
        f"status subject effectiveDateTime|effectivePeriod {_MEDICATION.replace(' ', '|')}",
        """instantiates partOf statusReason category context supportingInformation performer
        reasonCode reasonReference request device note dosage eventHistory"""),
    "MedicationStatement": (el.MedicationStatement,
        f"status subject {_MEDICATION.replace(' ', '|')}", """basedOn partOf statusReason category
        context effectiveDateTime effectivePeriod dateAsserted informationSource derivedFrom
        reasonCode reasonReference note dosage"""),
    "MedicationDispense": (el.MedicationDispense, f"status {_MEDICATION.replace(' ', '|')}",
        """partOf statusReasonCodeableConcept statusReasonReference category subject context
        supportingInformation performer location authorizingPrescription type quantity daysSupply
        whenPrepared whenHandedOver destination receiver note dosageInstruction substitution
        detectedIssue eventHistory"""),
    "Medication": (el.Medication, "", "code status manufacturer form amount ingredient batch"),
    "Procedure": (el.Procedure, "status subject", """instantiatesCanonical instantiatesUri basedOn
        partOf statusReason category code encounter performedDateTime performedPeriod
        performedString performedAge performedRange recorder asserter performer location reasonCode
        reasonReference bodySite outcome report complication complicationDetail followUp note
        focalDevice usedReference usedCode"""),
    "AllergyIntolerance": (el.Allergy, "patient", f"""clinicalStatus verificationStatus type
        category criticality code encounter {_ONSET} recordedDate recorder asserter lastOccurrence
        note reaction"""),
    "AdverseEvent": (el.AdverseEvent, "actuality subject", """category event encounter date detected
        recordedDate resultingCondition location seriousness severity outcome recorder contributor
        suspectEntity subjectMedicalHistory referenceDocument study"""),
    "Specimen": (el.Specimen, "", """accessionIdentifier status type subject receivedTime parent
        request collection processing container condition note"""),
    "List": (el.List, "status mode", """title code subject encounter date source orderedBy note
        entry emptyReason"""),
    "Composition": (el.Composition, "status type date author title", """subject encounter
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
_NESTED = ("stage", "dosageInstruction", "dosage", "referenceRange", "suspectEntity", "reaction",
           "collection", "section", "ingredient", "performer")  # fmt: skip
_UNKNOWN_MEANING = "changes the meaning in a way not known here"
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
    for name in _NESTED:
        listed = raw.get(name)
        for index, item in enumerate(listed if isinstance(listed, list) else [listed]):
            if isinstance(item, dict) and item.get("modifierExtension"):
                place = (name, index) if isinstance(listed, list) else (name,)
                found.append((path_text((*place, "modifierExtension")), _UNKNOWN_MEANING))
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
        found.append((path_text((*place, name)), _UNKNOWN_MEANING))
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
