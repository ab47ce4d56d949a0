"""Generated patients in FHIR: what a bundle may hold, in any mixture, from a seed."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

from fhir_build import (
    AS_OF,
    Json,
    administration,
    breast,
    concept,
    condition,
    lab,
    loinc,
    observation,
    of,
    patient,
    quantity,
    request,
    rxnorm,
    snomed,
    statement,
    verified,
)  # fmt: skip

DRUGS = ("1601374", "1946825", "72965", "282357", "194000", "56946", "1")
INTENT = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-procedure-intent"
ALLERGY = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"


def resources(seed: int) -> list[Json]:
    """The resources of a patient, among them contradictions and some that are undated."""
    random = Random(seed)

    def day(most: int = 2000) -> str | None:
        when = (
            AS_OF
            - timedelta(days=random.choice((0, 1, 5, 27, 28, 29, 200, random.randrange(most))))
        ).isoformat()
        return random.choice((when, when, when, when, when[:7], when[:4], None))

    def pick(*options: Any) -> Any:
        return random.choice(options)

    def name() -> str:
        return f"r{random.randrange(10**9)}"

    def receptor() -> Json:
        code, value = pick(
            ("85337-4", {"valueString": pick("positive", "negative")}),
            ("85329-1", {"valueQuantity": quantity(pick(0, 0.5, 1, 60), "%")}),
            ("85339-0", {"valueString": pick("positive", "negative")}),
            ("48676-1", {"valueString": pick("positive", "negative", "equivocal")}),
            ("85319-2", {"valueInteger": random.randrange(4)}),
            ("85318-4", {"valueString": pick("positive", "negative")}),
            ("49683-6", {"valueQuantity": {"value": pick(1.5, 2, 2.5)}}),
            ("74860-8", {"valueQuantity": {"value": pick(3, 4.5, 7)}}),
        )
        specimen = pick({}, {"specimen": {"reference": f"Specimen/s{random.randrange(2)}"}})
        return observation(name(), code, day(60), **value, **specimen)

    def measured() -> Json:
        code, value, unit = pick(
            ("751-8", pick(0.5, 1.5, 3, 3000), pick("10*9/L", "K/uL", "furlong")),
            ("777-3", pick(60, 90, 200), "10*9/L"), ("718-7", pick(7, 13), "g/dL"),
            ("1975-2", pick(0.5, 3), "mg/dL"), ("1742-6", pick(20, 120, 300), "U/L"),
            ("1920-8", pick(20, 120, 300), "U/L"), ("2164-2", pick(20, 90), "mL/min"),
        )  # fmt: skip
        high = {"high": quantity(40 if unit == "U/L" else 1.2, unit)}
        return lab(name(), code, value, unit, day(60) or "2026") | {"referenceRange": [high]}

    def treated() -> Json:
        drug = rxnorm(pick(*DRUGS), "a drug")
        intent = pick({}, {"extension": [{"url": INTENT, "valueCodeableConcept": snomed(
            pick("363676003", "373808002"))}]})  # fmt: skip
        group = pick({}, {"groupIdentifier": {"value": pick("1", "2")}})
        period = pick({}, {"effectivePeriod": {"start": (day() or "2024")}})
        return pick(
            statement(name(), drug, pick("active", "completed", "not-taken"), **intent, **period),
            request(name(), drug, pick("active", "completed"), **intent, **group),
            administration(name(), drug, day() or "2024"),
        )

    def conditioned() -> Json:
        code = snomed(pick("254837009", "94381002", "94225005", "94392001", "254637007", "363346000",
                           "389026000"))  # fmt: skip
        return condition(name(), code, day(), verificationStatus=verified(
            pick("confirmed", "confirmed", "confirmed", "refuted", "provisional")))  # fmt: skip

    def other() -> Json:
        return pick(
            observation(name(), snomed("1287652008"), (day(60) or "2026"), valueBoolean=pick(True, False, False)),
            observation(name(), pick("21908-9", "21907-1"), day(), valueCodeableConcept=snomed(
                pick("1222766008", "1222837003", "1229903009", "1229901006"))),
            of("Procedure", name(), status=pick("completed", "preparation"), code={"text": "Mastectomy"}),
            of("AllergyIntolerance", name(), code=pick(snomed("716186003"), snomed("409137002"), rxnorm("56946"),
               {"text": "Peanut"}), verificationStatus=concept(ALLERGY, pick("confirmed", "unconfirmed", "refuted"))),
            of("AdverseEvent", name(), actuality="actual", event={"text": "Neuropathy"}, extension=[
                {"url": "http://x/ctcae-grade", "valueCodeableConcept": {"text": pick("1", "2", "3")}}]),
            observation(name(), "69548-6", day(), valueCodeableConcept=loinc("LA9633-4"), component=[
                {"code": loinc("48018-6"), "valueCodeableConcept": concept("HGNC", "HGNC:3467")}]),
        )  # fmt: skip

    made = [patient(birthDate=pick("1960-02-03", "1944", "2009-01-01", "1990-05"))]
    made += [breast(name(), day()) for _ in range(pick(0, 1, 1, 1, 2))]
    made += [
        of("Specimen", f"s{n}", collection={"collectedDateTime": "2025-12-20"}) for n in (0, 1)
    ]
    made += [
        observation(name(), "89247-1", day(60), valueInteger=random.randrange(5))
        for _ in range(pick(0, 1, 2))
    ]
    if random.random() < 0.4:  # both receptors of one day, of which one alone would decide little
        when = day(60)
        made += [
            observation(name(), code, when, valueString=pick("positive", "negative", "negative"))
            for code in ("85337-4", "85339-0")
        ]
    for make, most in ((receptor, 6), (measured, 6), (treated, 4), (conditioned, 4), (other, 5)):
        made += [make() for _ in range(random.randrange(most))]
    return made


def broken(raw: Json, random: Random) -> object:
    """The same entry, made unreadable in one of several ways."""
    return random.choice((
        None, {}, raw | {"resourceType": 7}, raw | {"notOfR4": True}, raw | {"modifierExtension": [{"url": "x"}]},
        raw | {"status": "nonsense", "verificationStatus": 3, "patient": 5},
    ))  # fmt: skip


def chooses(raw: Json) -> bool:
    """Whether an entry is one of which the latest counts: without it, an older one does."""
    return raw["resourceType"] in ("Observation", "Specimen", "DiagnosticReport", "Patient")
