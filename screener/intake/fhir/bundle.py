"""FHIR bundles of one patient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from screener.errors import Problem
from screener.intake.fhir.draft import Extract, Note
from screener.intake.fhir.extract import extract
from screener.intake.fhir.resources import Resource
from screener.intake.json_text import repeated_keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

KEY_TWICE = "one of its keys is given twice"
MOST_NESTED = 5
"""Bundles within bundles that are opened."""


class NotOnePatient(ValueError):  # noqa: N818 - it becomes the reason why an input is rejected
    """A bundle of which no record can be made, with the reason."""


def is_fhir(data: object) -> bool:
    """Tell whether decoded JSON is a FHIR resource."""
    return isinstance(data, dict) and isinstance(data.get("resourceType"), str)


def read(bundle: dict[str, Any], *, as_of: date | None = None) -> Extract:
    """Make an extract of a Bundle.

    `bundle` is decoded JSON, `as_of` the screening date. Raises NotOnePatient where it is no
    bundle, or is not about exactly one patient who has an id.
    """
    if bundle["resourceType"] != "Bundle":
        raise NotOnePatient(
            "a single FHIR resource and no Bundle; give the Bundle of a patient, or the folder of "
            "a bulk export"
        )
    if not isinstance(bundle.get("entry", []), list):
        raise NotOnePatient("the bundle's `entry` is no list")
    resources = list(entries(bundle))
    made = extract(resources, subject_of(resources), as_of=as_of)
    if _has_next(bundle):
        made.notes.append(
            Note("fhir-page", "The bundle is one page of a search that has more; get them all.")
        )
    return made


def subject_of(resources: list[Resource]) -> Resource:
    """Return the Patient that resources are about.

    Raises NotOnePatient where there is none, one without an id, or more than one.
    """
    patients = [it for it in resources if it.kind == "Patient" and not it.deleted]
    if not patients:
        raise NotOnePatient("the bundle holds no Patient; export the patient with the resources")
    if len({it.id for it in patients}) > 1 or len({it.full_url for it in patients}) > 1:
        raise NotOnePatient(
            "the bundle holds more than one Patient; give each patient one bundle, or use the "
            "folder of a bulk export"
        )
    if patients[0].id is None:
        raise NotOnePatient("the Patient has no id, or one that R4 does not allow")
    return patients[0]


def entries(bundle: dict[str, Any], at: str = "", depth: int = 0) -> Iterator[Resource]:
    """Give the resources of a bundle, those of bundles within it too.

    What is no resource, though the bundle says that one is there, comes without a kind.
    """
    listed = bundle.get("entry")
    deleted: set[str] = set()
    for number, entry in enumerate(listed if isinstance(listed, list) else ()):
        place = f"{at}entry[{number}]"
        if bundle.get("type") == "history" and (name := _deleted(entry)):
            deleted.add(name)
        if not isinstance(entry, dict):
            yield Resource("", {}, place)
            continue
        raw = entry.get("resource")
        if raw is None and ("request" in entry or "response" in entry):
            continue
        if not isinstance(raw, dict):
            yield Resource("", {}, place)
            continue
        if raw.get("resourceType") == "Bundle" and depth < MOST_NESTED:
            yield from entries(raw, f"{place}.resource.", depth + 1)
            continue
        kind, url = raw.get("resourceType"), entry.get("fullUrl")
        kind = kind if isinstance(kind, str) and kind.isalpha() else ""
        resource = Resource(kind, raw, place, url if isinstance(url, str) else None)
        resource.deleted = f"{kind}/{raw.get('id')}" in deleted
        if next(repeated_keys(raw), None):
            resource.fault = KEY_TWICE
        yield resource


def _deleted(entry: object) -> str | None:
    """Return the `Type/id` that an entry of a history deletes.

    A history lists the newest first, so what follows under that name was there before.
    """
    request = entry.get("request") if isinstance(entry, dict) else None
    if isinstance(request, dict) and request.get("method") == "DELETE":
        return "/".join(str(request.get("url", "")).split("/")[-2:])
    return None


def _has_next(bundle: dict[str, Any]) -> bool:
    links = bundle.get("link")
    return isinstance(links, list) and any(
        isinstance(it, dict) and it.get("relation") == "next" for it in links
    )


def rejected(error: NotOnePatient) -> Problem:
    """Say why no record can be made of a bundle."""
    return Problem("", str(error))
