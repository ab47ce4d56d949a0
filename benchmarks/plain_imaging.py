"""The criteria of DAWNA-FES on imaging as plain functions: FES-PET/CT and measurable lesions."""

from __future__ import annotations

from typing import Any

import plain_words as words
from plain_logic import (
    Patient,
    Seen,
    Truth,
    agreed,
    among,
    every,
    latest,
    latest_at,
    negation,
    same,
    some,
)

_IN_SKULL = {"brain", "leptomeninges", "meninges", "skull"}
_NEVER = {"ultrasound", "bone scan"}
"""What no lesion is measured by, be it listed or not."""


def fes_positive(patient: Patient) -> Truth:
    """At least one lesion of the latest FES-PET/CT is positive."""
    scans = _valid_scans(patient)
    return agreed([_some_positive(patient, it.entry) for it in scans])


def fes_negative(patient: Patient) -> Truth:
    """Every evaluable lesion of the latest FES-PET/CT, at least one, is negative."""
    scans = _valid_scans(patient)
    return agreed([_all_negative(patient, it.entry) for it in scans])


def _valid_scans(patient: Patient) -> list[Seen]:
    """The FES-PET/CTs that may be the latest; none if it is, or may be, too old."""
    scans = latest([it for it in patient.seen("imaging") if it.entry.modality == "FES-PET/CT"])
    return scans if patient.recent(latest_at(scans)) else []


def _readings(patient: Patient, scan: Any) -> tuple[Truth, Truth]:
    """Whether any lesion is positive, and whether any is negative."""
    whole = "lesions" not in (patient.record.partial or ())
    read = [_reading(lesion) for lesion in scan.lesions]
    return among((it[0] for it in read), whole=whole), among((it[1] for it in read), whole=whole)


def _some_positive(patient: Patient, scan: Any) -> Truth:
    concluded = same(scan.fes_conclusion, "some_positive")
    if scan.lesions is None:
        return concluded
    return _unless_contradicted(_readings(patient, scan)[0], concluded)


def _all_negative(patient: Patient, scan: Any) -> Truth:
    concluded = same(scan.fes_conclusion, "all_negative")
    if scan.lesions is None:
        return concluded
    positive, negative = _readings(patient, scan)
    return _unless_contradicted(every((negation(positive), negative)), concluded)


def _unless_contradicted(listed: Truth, concluded: Truth) -> Truth:
    return None if concluded is not None and listed is not concluded else listed


def _reading(lesion: Any) -> tuple[Truth, Truth]:
    """Whether a lesion is positive, and whether negative; neither: not evaluable."""
    suv = lesion.suv_max
    above = None if suv is None or suv == 1.5 else suv > 1.5
    site = words.site(lesion.site)
    if site is None:
        there, elsewhere = _in_liver(lesion.fes, above), _elsewhere(lesion.fes, above)
        return agreed([there[0], elsewhere[0]]), agreed([there[1], elsewhere[1]])
    return (_in_liver if site.name == "liver" else _elsewhere)(lesion.fes, above)


def _in_liver(fes: str | None, above: Truth) -> tuple[Truth, Truth]:
    """Uptake in the liver is physiological: a SUVmax alone says nothing."""
    if fes is None or (fes == "positive" and above is False):
        return None, None
    return fes == "positive", False


def _elsewhere(fes: str | None, above: Truth) -> tuple[Truth, Truth]:
    if fes is None:
        return above, negation(above)
    if fes == "not_evaluable":
        return (False, False) if above is None else (None, None)
    if above is not None and above != (fes == "positive"):
        return None, None
    return fes == "positive", fes == "negative"


def measurable(patient: Patient) -> Truth:
    """At least one measurable lesion outside the skull, on an examination of the last 28 days."""
    exams = [(patient.recent(at), entry) for entry, at in patient.seen("imaging")]
    if not some(recent for recent, _ in exams):
        return None
    whole = "lesions" not in (patient.record.partial or ())
    return among(
        (every((recent, _shows_measurable(entry, whole))) for recent, entry in exams),
        whole=patient.whole("imaging"),
    )


def _shows_measurable(exam: Any, whole: bool) -> Truth:
    if exam.lesions is None:
        return None
    return among(
        (every((_outside_skull(x), _measurable(exam.modality, x))) for x in exam.lesions),
        whole=whole or exam.modality in _NEVER,
    )


def _node(lesion: Any) -> Truth:
    """Whether it is a lymph node; None also where site and mark contradict each other."""
    site = words.site(lesion.site)
    by_site = site and site.region == "node"
    if by_site is None or lesion.lymph_node is None:
        return lesion.lymph_node if by_site is None else by_site
    return agreed([by_site, lesion.lymph_node])


def _outside_skull(lesion: Any) -> Truth:
    site = words.site(lesion.site)
    by_site = None if site is None or site.name == "cns" else site.name not in _IN_SKULL
    return some((_node(lesion), by_site))


def _measurable(modality: str, lesion: Any) -> Truth:
    """By the reader's call; without one by size, what is not recorded taken as usual."""
    if lesion.measurable is None:
        return _by_size(modality, lesion, 5, irradiated=False)
    by_size = _by_size(modality, lesion, None, irradiated=None)
    contradicted = by_size is not None and by_size != lesion.measurable
    return None if contradicted else bool(lesion.measurable)


def _by_size(modality: str, lesion: Any, slices: float | None, *, irradiated: Truth) -> Truth:
    """By RECIST 1.1; `slices` and `irradiated` are what is taken where nothing is recorded."""
    if modality in {"FES-PET/CT", "FDG-PET/CT"}:
        return None
    if modality in _NEVER:
        return False
    longest, short = lesion.longest_diameter_mm, lesion.short_axis_mm
    thickness = slices if lesion.slice_thickness_mm is None else lesion.slice_thickness_mm
    node = _node(lesion)
    as_node = None if short is None else short >= 15
    as_other = every((_large(modality, longest, thickness), _soft_tissue(lesion)))
    large = agreed([as_node, as_other]) if node is None else as_node if node else as_other
    treated = irradiated if lesion.irradiated is None else lesion.irradiated
    return every((large, some((negation(treated), lesion.progressed_after_irradiation))))


def _large(modality: str, longest: float | None, thickness: float | None) -> Truth:
    if longest is None:
        return None
    if modality in {"X-ray", "clinical"}:
        return longest >= (20 if modality == "X-ray" else 10)
    if longest < 10:
        return False
    return None if thickness is None else thickness <= 5 or longest >= 2 * thickness


def _soft_tissue(lesion: Any) -> Truth:
    """A lesion of bone counts by its soft-tissue component."""
    site = words.site(lesion.site)
    return some((site and site.region not in {"bone", "skull"}, lesion.soft_tissue_component))
