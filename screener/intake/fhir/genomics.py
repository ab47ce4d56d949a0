"""Variants: one entry a gene that an Observation finds altered, or without an alteration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from screener.intake.fhir.codes import Fault, code_map, codings, display
from screener.intake.fhir.values import clipped, when

if TYPE_CHECKING:
    from screener.intake.fhir.draft import Draft
    from screener.intake.fhir.resources import Resource


_OF_THE_WHOLE_GENE = {"gene", "origin", "significance"}
"""Components that leave a variant assessment one of the gene. Any other (a position, a reference
to a database, a kind of change) makes it one of a single variant."""
_NAMED_BY_DISPLAY = ("hgnc", "ncbi_gene")


def read(resource: Resource, draft: Draft) -> None:
    """Read a variant assessment (LOINC 69548-6). Raises Fault where it contradicts itself."""
    raw = resource.raw
    parts: dict[str, list[dict[str, Any]]] = {}
    for component in raw.get("component", []):
        meaning = code_map().read(component.get("code"), "observation")
        parts.setdefault(meaning.to if meaning else "", []).append(component)
    presence = code_map().read(raw.get("valueCodeableConcept"), "presence")
    if presence is None:
        raise Fault("whether the variant is present or absent is not stated")
    genes = [symbol for part in parts.get("gene", []) for symbol in _symbols(part)]
    if not genes:
        # It says nothing of any gene, so nothing that is known of one is withheld for it.
        draft.skip(resource, "the gene is not stated in a way that can be read")
        return
    variant = next(
        (words for name in ("protein_change", "named_variant", "dna_change")
         for part in parts.get(name, []) if (words := _words(part))), None,
    )  # fmt: skip
    significance = _one(parts, "significance")
    if presence.to == "absent" and (variant or parts.keys() - _OF_THE_WHOLE_GENE):
        draft.skip(resource, "one variant absent says nothing of the rest of the gene")
        return
    if presence.to == "present" and significance == "not_relevant":
        draft.skip(resource, "a variant without known relevance")
        return
    if presence.to == "present" and len(genes) > 1 and not variant:
        draft.skip(resource, "several genes, and which one is altered is not stated")
        return
    specimen = draft.index.resolve(raw.get("specimen"), resource)
    kind = code_map().read(specimen.raw.get("type"), "specimen") if specimen else None
    for gene in genes:
        draft.add(
            "genomics",
            {
                "gene": gene,
                "result": "altered" if presence.to == "present" else "wild_type",
                "variant": clipped(variant) if variant else None,
                "origin": _one(parts, "origin"),
                "specimen": kind.to if kind else None,
                "date": when(raw, "effective"),
            },
            resource,
            kind="gene",
        )


def _symbols(part: dict[str, Any]) -> list[str]:
    """Return the symbols of the genes that a component names, by HGNC number or display."""
    concept = part.get("valueCodeableConcept")
    found = []
    for coding in codings(concept):
        code, system = str(coding.get("code", "")), code_map().system(coding.get("system"))
        number = code if code.startswith("HGNC:") else f"HGNC:{code}"
        listed = code_map().by_code(system, number).get("gene")
        symbol = listed or coding.get("display")
        if system in _NAMED_BY_DISPLAY and symbol:
            found.append(clipped(str(symbol)))
    return list(dict.fromkeys(found))


def _words(part: dict[str, Any]) -> str | None:
    if isinstance(part.get("valueString"), str):
        return str(part["valueString"])
    concept = part.get("valueCodeableConcept")
    code = next((str(it["code"]) for it in codings(concept) if "code" in it), None)
    return display(concept) or code


def _one(parts: dict[str, list[dict[str, Any]]], name: str) -> str | None:
    for part in parts.get(name, []):
        if meaning := code_map().read(part.get("valueCodeableConcept"), name):
            return meaning.to
    return None
