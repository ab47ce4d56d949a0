"""The criteria of DAWNA-FES as plain functions over one patient; what each means: docs/criteria.md.

A function takes the patient and gives the truth of its statement. Nothing here is of the engine or
of the encoding: the rules are written a second time, so that the two can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import plain_words as words
from plain_logic import (
    FOUR_WEEKS,
    Criterion,
    Patient,
    Seen,
    Span,
    Truth,
    agreed,
    among,
    anniversary,
    every,
    latest,
    latest_at,
    negation,
    same,
    since,
    some,
    span,
    until,
    within,
    years_between,
)

NOT_ALLOWED = frozenset(
    ("letrozole", "anastrozole", "exemestane", "fulvestrant", "tamoxifen", "paclitaxel",
     "nab-paclitaxel", "liposomal paclitaxel", "capecitabine", "carboplatin", "gemcitabine",
     "cisplatin", "oxaliplatin", "nedaplatin", "lobaplatin", "dalpiciclib")
)  # fmt: skip
CLASSES = ("platinum", "taxane", "aromataseinhibitor", "cdk4/6inhibitor", "cdkinhibitor", "铂类",
           "紫杉类", "芳香化酶抑制剂", "cdk4/6抑制剂")  # fmt: skip


def age(patient: Patient) -> Truth:
    """18 to 80 completed years."""
    if patient.record.birth_date is None:
        return None
    born = span(patient.record.birth_date)
    most = years_between(born.first, patient.as_of)
    least = years_between(born.last, patient.as_of)
    if most < 18 or least > 80:
        return False
    return True if least >= 18 and most <= 80 else None


# Disease --------------------------------------------------------------------------------------


def breast(patient: Patient) -> Truth:
    """The cancer is breast cancer."""
    cancer = patient.record.diagnosis and patient.record.diagnosis.cancer
    if not cancer:
        return None
    key = words.term_key(cancer)
    if key in {"unknown", "unknown primary", "cup"}:
        return None
    return "breast" in key or "乳腺" in key


@dataclass
class Metastasis:
    """An entry on a metastasis; `present` is None where another of the same day denies it."""

    at: Span
    site: words.Site | None
    present: Truth
    confirmed_by: str | None

    def is_at(self, name: str) -> Truth:
        """Whether it is at this site."""
        return self.site and self.site.name == name

    def is_in(self, region: str) -> Truth:
        """Whether it is in this kind of site."""
        return self.site and self.site.region == region


def metastases(patient: Patient) -> list[Metastasis]:
    """The entries on metastases."""
    said: dict[tuple[str, Span], set[bool]] = {}
    seen = patient.seen("metastases")
    for entry, at in seen:
        if (site := words.site(entry.site)) and at.first == at.last:
            said.setdefault((site.name, at), set()).add(entry.present)
    found = []
    for entry, at in seen:
        site = words.site(entry.site)
        clash = site and len(said.get((site.name, at), ())) > 1
        found.append(Metastasis(at, site, None if clash else entry.present, entry.confirmed_by))
    return found


def distant(patient: Patient) -> Truth:
    """A distant metastasis is present; nodes and chest wall may be regional."""
    return among(
        (
            every((it.present, negation(it.is_in("node")), negation(it.is_at("chest_wall"))))
            for it in metastases(patient)
        ),
        whole=patient.whole("metastases"),
    )


def advanced(patient: Patient) -> Truth:
    """The disease is locally advanced or metastatic."""
    diagnosis, day = patient.record.diagnosis, patient.as_of
    spread = distant(patient)
    extent = diagnosis.extent if diagnosis else None
    if diagnosis and diagnosis.date and until(span(diagnosis.date), day) is False:
        extent = None
    if not diagnosis or extent is None:
        return True if spread else None
    if extent != "early":
        return True
    contradicted = (
        spread
        or diagnosis.distant_metastasis_confirmed
        or diagnosis.initial_stage == "IV"
        or (diagnosis.advanced_since and until(span(diagnosis.advanced_since), day))
    )
    return None if contradicted else False


def disease(patient: Patient) -> Truth:
    """Breast cancer, locally advanced or metastatic."""
    return every((breast(patient), advanced(patient)))


def receptor(percent: float | None, status: str | None) -> Truth:
    """A receptor by percent and by status."""
    if percent is None or status is None or (percent >= 1) == (status == "positive"):
        return percent >= 1 if percent is not None else same(status, "positive")
    return None


def hormone_receptor_positive(patient: Patient) -> Truth:
    """ER or PR positive in the latest specimen with either."""
    tested = [
        it
        for it in patient.seen("pathology")
        for x in [it.entry]
        if (x.er_percent, x.er_status, x.pr_percent, x.pr_status) != (None,) * 4
    ]
    return agreed(
        [
            some((receptor(x.er_percent, x.er_status), receptor(x.pr_percent, x.pr_status)))
            for x, _ in latest(tested)
        ]
    )


def her2(specimen: Any) -> Truth:
    """HER2 positive, by one specimen."""
    ihc, ish, status = specimen.her2_ihc, specimen.her2_ish, specimen.her2_status
    if (ihc in {"0", "1+"} and ish == "positive") or (ihc == "3+" and ish == "negative"):
        return None
    if ihc in {"0", "1+", "3+"}:
        score: Truth = ihc == "3+"
        return score if status in {None, "positive" if score else "negative"} else None
    if ish in {"positive", "negative"}:
        return None if status not in {None, "equivocal", ish} else bool(ish == "positive")
    return {"positive": True, "negative": False}.get(status)


def her2_negative(patient: Patient) -> Truth:
    """HER2 negative in the latest specimen with any HER2 result."""
    tested = [
        it
        for it in patient.seen("pathology")
        if (it.entry.her2_ihc, it.entry.her2_ish, it.entry.her2_status) != (None,) * 3
    ]
    return negation(agreed([her2(it.entry) for it in latest(tested)]))


def ecog(patient: Patient) -> Truth:
    """The latest ECOG is 0 to 2."""
    entries = latest(patient.seen("performance_status"))
    value: int | None = agreed([it.entry.ecog for it in entries])
    if value is None or not patient.recent(latest_at(entries)):
        return None
    return value <= 2


def life_expectancy(patient: Patient) -> Truth:
    """3 months or more."""
    months = patient.record.life_expectancy_months
    return None if months is None else months >= 3


# Organ function and toxicity ------------------------------------------------------------------


@dataclass
class Lab:
    """The latest of a test: in its own unit; as recorded; and the laboratory's upper limit."""

    amount: Decimal | None = None
    value: Decimal | None = None
    upper: Decimal | None = None


def lab(patient: Patient, test: str) -> Lab:
    """The latest of a test; of one that is too old, implausible or without a unit, nothing."""
    entries = latest([it for it in patient.seen("labs") if words.lab_test(it.entry.test) == test])
    amount = agreed([_amount(test, it.entry) for it in entries])
    if amount is None or not patient.recent(latest_at(entries)):
        return Lab(upper=_upper_limit(entries))
    value = agreed([Decimal(str(it.entry.value)) for it in entries])
    return Lab(amount, value, _upper_limit(entries))


def _amount(test: str, entry: Any) -> Decimal | None:
    unit = words.unit(test, entry.unit)
    if unit is None:
        return None
    amount = Decimal(str(entry.value)) * unit.factor
    return amount if unit.least <= amount <= unit.most else None


def _upper_limit(entries: list[Seen]) -> Decimal | None:
    limit = agreed([it.entry.upper_limit for it in entries])
    return Decimal(str(limit)) if limit is not None and limit > 0 else None


def at_least(test: str, least: str) -> Criterion:
    """The criterion that a test is not below a value."""

    def criterion(patient: Patient) -> Truth:
        amount = lab(patient, test).amount
        return None if amount is None else amount >= Decimal(least)

    return criterion


def bilirubin(patient: Patient) -> Truth:
    """At most 1.5 times the upper limit."""
    found = lab(patient, "bilirubin")
    return _times(found, "1.5")


def transaminase(test: str) -> Criterion:
    """The criterion on ALT or AST: at most 2.5 times the upper limit, 5 with liver metastases."""

    def criterion(patient: Patient) -> Truth:
        found = lab(patient, test)
        return some((_times(found, "2.5"), every((_times(found, "5"), in_liver(patient)))))

    return criterion


def _times(found: Lab, factor: str) -> Truth:
    if found.value is None or found.upper is None:
        return None
    return found.value <= Decimal(factor) * found.upper


def in_liver(patient: Patient) -> Truth:
    """Liver metastases are present, by the latest entry on the liver."""
    entries = metastases(patient)
    if on_liver := [it for it in entries if it.is_at("liver")]:
        return agreed([it.present for it in latest(on_liver)])
    return among(
        (every((it.present, it.is_at("liver"))) for it in entries),
        whole=patient.whole("metastases"),
    )


def toxicity(patient: Patient) -> Truth:
    """No unresolved adverse event of treatment has grade 2 or higher."""

    def unresolved(event: Any) -> Truth:
        over = event.resolved and until(span(event.resolved), patient.as_of)
        if event.ongoing is None:
            return False if over else None
        return None if event.ongoing and over else bool(event.ongoing)

    return negation(
        among(
            (
                every((event.from_antitumor_therapy is not False, unresolved(event),
                       None if event.grade is None else event.grade >= 2))
                for event, _ in patient.seen("adverse_events", "onset")
            ),
            whole=patient.whole("adverse_events"),
        )
    )  # fmt: skip


# What else excludes ---------------------------------------------------------------------------


def leptomeningeal(patient: Patient) -> Truth:
    """Leptomeningeal metastasis, confirmed by MRI or lumbar puncture."""

    def there(it: Metastasis) -> Truth:
        return (
            None if it.site and it.site.name in {"meninges", "cns"} else it.is_at("leptomeninges")
        )

    confirmed = {"mri": True, "lumbar_puncture": True, "clinical": False}
    return among(
        (
            every((it.present, there(it), confirmed.get(it.confirmed_by or "")))
            for it in metastases(patient)
        ),
        whole=patient.whole("metastases"),
    )


def central_nervous_system(patient: Patient) -> Truth:
    """Metastasis of brain, spinal cord or meninges, ever, by imaging, MRI or pathology."""
    shown = {"imaging": True, "mri": True, "pathology": True}
    return among(
        (
            every((it.present, it.is_in("cns"), shown.get(it.confirmed_by or "")))
            for it in metastases(patient)
        ),
        whole=patient.whole("metastases"),
    )


def _effusions(patient: Patient, kind: str) -> list[Seen]:
    return [it for it in patient.seen("effusions") if it.entry.kind == kind]


def _by_latest(patient: Patient, truths: list[Truth]) -> Truth:
    if not truths:
        return False if patient.whole("effusions") else None
    return agreed(truths)


def ascites(patient: Patient) -> Truth:
    """Ascites."""
    entries = latest(_effusions(patient, "ascites"))
    return _by_latest(patient, [it.entry.present for it in entries])


def pleural_effusion(patient: Patient) -> Truth:
    """Pleural effusion with symptoms."""
    entries = latest(_effusions(patient, "pleural"))
    return _by_latest(patient, [every((it.entry.present, it.entry.symptomatic)) for it in entries])


def pericardial_drainage(patient: Patient) -> Truth:
    """A pericardial effusion was drained within 4 weeks."""

    def lately(entry: Any) -> Truth:
        days = span(entry.drainage_date) if entry.drainage_date else None
        return within(days, patient.as_of - FOUR_WEEKS, patient.as_of)

    def drained(entry: Any) -> Truth:
        denied = not entry.present or entry.drainage_required is False
        if entry.drainage_date:
            found = lately(entry)
            return None if found and denied else found
        return False if denied and not entry.drainage_required else None

    entries = _effusions(patient, "pericardial")
    found = _by_latest(patient, [drained(it.entry) for it in latest(entries)])
    # Nothing in the latest entry undoes a drainage of those weeks that an earlier one tells of.
    return None if found is False and any(lately(it.entry) for it in entries) else found


def other_malignancy(patient: Patient) -> Truth:
    """Another malignancy within five years, the exceptions aside."""

    def counts(entry: Any) -> Truth:
        kind = words.neoplasm(entry.type)
        if kind == "exempt_if_curative":
            return negation(entry.curative_treatment)
        return {"exempt": False, "unclear": None}.get(kind or "", True)

    first = anniversary(patient.as_of, patient.as_of.year - 5)
    return among(
        (
            every((counts(entry), since(at, first)))
            for entry, at in patient.seen("other_malignancies", "diagnosed")
        ),
        whole=patient.whole("other_malignancies"),
    )


def surgery_or_injury(patient: Patient) -> Truth:
    """Major surgery that took place, or a major injury, within 4 weeks."""
    first = patient.as_of - FOUR_WEEKS

    def carried_out(plan: Any) -> Truth:
        if plan.date is None:
            return False
        ahead, long_ago = since(span(plan.date), patient.as_of), since(span(plan.date), first)
        return False if ahead or long_ago is False else None

    plans = [x for x in patient.record.procedures or () if x.planned]
    done = [it for it in patient.seen("procedures") if not it.entry.planned]
    truths = [every((it.entry.major, since(it.at, first))) for it in done]
    truths += [every((plan.major, carried_out(plan))) for plan in plans]
    truths += [every((entry.major, since(at, first))) for entry, at in patient.seen("injuries")]
    return among(truths, whole=patient.whole("procedures") and patient.whole("injuries"))


def planned_surgery(patient: Patient) -> Truth:
    """Major surgery is planned, undated or from the day on."""

    def ahead(entry: Any) -> Truth:
        days = span(entry.date) if entry.date else None
        if entry.planned:
            return since(days, patient.as_of) if days else True
        return False if days or entry.planned is False else None

    return among(
        (every((entry.major, ahead(entry))) for entry in patient.record.procedures or ()),
        whole=patient.whole("procedures"),
    )


def allergy(patient: Patient) -> Truth:
    """Allergy to dalpiciclib; unknown for a partner or comparator drug, or a name near to one."""

    def to_study_drug(name: str) -> Truth:
        known = words.drug(name)
        if known and known.name == "dalpiciclib":
            return True
        if any(word in words.drug_key(name) for word in CLASSES):
            return None
        meant = {known.name} if known else words.near_drugs(name)
        return None if meant & NOT_ALLOWED else False

    allergies = patient.record.allergies or ()
    return among(map(to_study_drug, allergies), whole=patient.whole("allergies"))
