"""ER, PR, HER2 and Ki-67: results of one specimen put together.

HER2 by in-situ hybridisation is read by ASCO/CAP 2018 (Wolff et al., J Clin Oncol 2018;36:2105).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from screener.intake.fhir.codes import Fault, code_map, display
from screener.intake.fhir.draft import Entry
from screener.intake.fhir.resources import written
from screener.intake.fhir.values import clipped, covering, period, when

if TYPE_CHECKING:
    from screener.intake.fhir.draft import Draft
    from screener.intake.fhir.resources import Resource

POSITIVE_PERCENT = Decimal(1)
"""ER or PR in at least so many percent of cells is positive (ASCO/CAP 2020)."""
_SCORE = {"+", "{score}", "score", "1"}
_HYBRIDISED = re.compile(r"\b[a-z]?ish\b|hybridi", re.IGNORECASE)
_FAMILY = {"er": "hr", "pr": "hr", "her2": "her2", "ki67": "ki67"}


@dataclass(frozen=True, slots=True)
class Result:
    """One result of one marker."""

    marker: str
    """`er`, `pr`, `her2`, `ki67`"""
    field: str
    """The field of the record, or `ratio` or `copies` of HER2."""
    value: Any
    specimen: str
    """What tells specimens apart."""
    date: str | None
    site: str | None
    label: str


@dataclass
class Specimens:
    """Which specimen each Observation is of."""

    draft: Draft
    reported: dict[int, str] = field(default_factory=dict)
    """The specimen, or else the report, by which a DiagnosticReport ties an Observation."""

    def tie(self, report: Resource) -> None:
        """Note which observations a DiagnosticReport gives of one specimen."""
        resolve = self.draft.index.resolve
        listed = report.raw.get("specimen", [])
        key = report.label
        if isinstance(listed, list) and len(listed) == 1:
            found = resolve(listed[0], report)
            key = found.label if found else str(written(listed[0]) or key)
        results = report.raw.get("result", [])
        for reference in results if isinstance(results, list) else ():
            if found := resolve(reference, report):
                self.reported.setdefault(id(found), key)

    def of(self, resource: Resource) -> tuple[str, str | None, str | None]:
        """Return what tells the specimen of an Observation from others, its date and its site.

        The specimen that it names, or that its report names; else its day, since results of one
        day are of one specimen unless they say otherwise; else it stands alone.
        """
        raw = resource.raw
        date = when(raw, "effective")
        reference = raw.get("specimen")
        specimen = self.draft.index.resolve(reference, resource)
        if specimen and specimen.raw.get("status") == "entered-in-error":
            raise Fault("its specimen was entered in error")
        if specimen is None and reference is None and (tied := self.reported.get(id(resource))):
            return tied, date, None
        if specimen is None:
            named = written(reference)
            if named:
                self.draft.warn(
                    resource, "its specimen is not among the resources that can be read"
                )
            return named or (f"day {date}" if date else resource.label), date, None
        collection = specimen.raw.get("collection")
        collection = collection if isinstance(collection, dict) else {}
        if date is None:
            date = when(collection, "collected") or period(collection.get("collectedPeriod"))
        site = code_map().read(collection.get("bodySite"), "body_site")
        words = site.to if site else display(collection.get("bodySite"))
        return specimen.label, date, clipped(words) if words else None


def read(resource: Resource, draft: Draft, part: dict[str, Any], key: str) -> None:
    """Read one receptor result. Raises Fault where its value cannot be read."""
    specimen, date, site = draft.specimens.of(resource)
    draft.check(date)

    def found(name: str, value: Any) -> None:
        marker = key.partition("_")[0]
        _agree(part, name, value)
        draft.results.append(Result(marker, name, value, specimen, date, site, resource.label))

    if key in ("er", "pr"):
        found(*_stained(part, key))
    elif key == "ki67":
        name, value = _stained(part, key)
        if name != "ki67_percent":
            raise Fault("its value is no percentage")
        found(name, value)
    elif key in ("her2_ratio", "her2_copies"):
        found(key.removeprefix("her2_"), _number(part, ratio=key == "her2_ratio"))
    else:
        found(*_her2(part, key))


_SAYS = {"3+": "positive", "1+": "negative", "0": "negative"}


def _agree(part: dict[str, Any], name: str, value: Any) -> None:
    """Raise Fault where the interpretation beside a value is the opposite of it."""
    said = _SAYS.get(str(value), str(value))
    if name in ("er_percent", "pr_percent"):
        said = "positive" if Decimal(str(value)) >= POSITIVE_PERCENT else "negative"
    for concept in part.get("interpretation", []):
        meaning = code_map().read(concept, "result")
        if meaning and {meaning.to, said} == {"positive", "negative"}:
            raise Fault(f"its value is {said}, its interpretation {meaning.to}")


def specimen_of(resource: Resource, draft: Draft) -> str | None:
    """Return the specimen of an Observation that cannot be read, as far as legible."""
    try:
        return draft.specimens.of(resource)[0]
    except Fault:
        return None


def _stained(part: dict[str, Any], marker: str) -> tuple[str, Any]:
    quantity = part.get("valueQuantity")
    if quantity is not None:
        if quantity.get("unit", "%") not in ("%", "percent") or quantity.get("code", "%") != "%":
            raise Fault("its unit is not percent")
        if "unit" not in quantity and "code" not in quantity:
            raise Fault("it has no unit")
        value = quantity.get("value")
        if value is None or not 0 <= value <= 100:
            raise Fault("its value is no percentage from 0 to 100")
        if "comparator" not in quantity:
            return f"{marker}_percent", value
        limit = Decimal(str(value))
        return f"{marker}_status", _by_limit(quantity["comparator"], limit)
    if "valueRange" in part:
        low = part["valueRange"].get("low", {}).get("value")
        high = part["valueRange"].get("high", {}).get("value")
        if low is not None and Decimal(str(low)) >= POSITIVE_PERCENT:
            return f"{marker}_status", "positive"
        if high is not None and Decimal(str(high)) < POSITIVE_PERCENT:
            return f"{marker}_status", "negative"
        raise Fault("its range holds values on both sides of 1 %")
    answer = _answer(part, "result")
    if answer not in ("positive", "negative"):
        raise Fault("its value is neither positive nor negative")
    return f"{marker}_status", answer


def _by_limit(comparator: str, limit: Decimal) -> str:
    if comparator in (">", ">=") and limit >= POSITIVE_PERCENT:
        return "positive"
    if (comparator == "<" and limit <= POSITIVE_PERCENT) or (
        comparator == "<=" and limit < POSITIVE_PERCENT
    ):
        return "negative"
    raise Fault("its comparator leaves open on which side of 1 % it lies")


def _her2(part: dict[str, Any], key: str) -> tuple[str, str]:
    quantity = part.get("valueQuantity")
    number = part.get("valueInteger", quantity.get("value") if quantity else None)
    if number is not None:
        if key == "her2_ish" or (quantity and "comparator" in quantity):
            raise Fault("its value is no answer to this test")
        if quantity and not {quantity.get("unit", "+"), quantity.get("code", "+")} <= _SCORE:
            raise Fault("its unit is not that of a score")
        if key == "her2" and _HYBRIDISED.search(display(part.get("method")) or ""):
            raise Fault("its number is of in-situ hybridisation, and of what is not stated")
        if number not in (0, 1, 2, 3):
            raise Fault("its value is no score from 0 to 3")
        return "her2_ihc", f"{int(number)}+" if number else "0"
    if key != "her2_ish" and (score := _answer(part, "ihc")):
        return "her2_ihc", score
    answer = _answer(part, "result")
    if answer is None:
        raise Fault("its value is none that is listed")
    if key == "her2":
        return "her2_status", answer
    if key == "her2_ish":
        return "her2_ish", answer
    # By definition an IHC result is positive at 3+ and equivocal at 2+; negative is 0 or 1+.
    if answer == "negative":
        return "her2_status", "negative"
    return "her2_ihc", "3+" if answer == "positive" else "2+"


def _answer(part: dict[str, Any], role: str) -> str | None:
    if "valueString" in part:
        return code_map().worded(part["valueString"], role)
    meaning = code_map().read(part.get("valueCodeableConcept"), role)
    return meaning.to if meaning else None


def _number(part: dict[str, Any], *, ratio: bool) -> Decimal:
    if ratio and "valueRatio" in part:
        sides = [part["valueRatio"].get(side, {}) for side in ("numerator", "denominator")]
        if any("comparator" in side or side.get("value") is None for side in sides):
            raise Fault("its ratio is not of two numbers")
        above, below = (Decimal(str(side["value"])) for side in sides)
        if above < 0 or below <= 0:
            raise Fault("its ratio is not of two numbers above 0")
        return above / below
    quantity = part.get("valueQuantity", {})
    value = quantity.get("value", part.get("valueInteger"))
    if value is None or "comparator" in quantity or not 0 <= value <= 1000:
        raise Fault("its value is no number that can be read")
    return Decimal(str(value))


def hybridised(  # noqa: PLR0911 - one per group
    ratio: Decimal | None, copies: Decimal | None, ihc: str | None
) -> tuple[str | None, str]:
    """Read HER2 ISH by ASCO/CAP 2018, as positive, negative or equivocal, and say why.

    `ratio` is HER2 to CEP17, `copies` the average HER2 copy number per cell, `ihc` the score of the
    same specimen. Groups 2, 3 and 4 of a dual-probe assay are decided together with IHC: 0 and 1+
    make them negative and 3+ positive; with 2+, once a second reader's count has confirmed the
    group, group 3 is positive, 2 and 4 are negative. A final result is taken as that count. Without
    IHC they stay equivocal, and so does whatever one number alone leaves open.
    """
    if ratio is None and copies is None:
        return None, ""
    if ratio is None:
        if copies is not None and copies >= 6:
            return "positive", "copy number of at least 6.0"
        if copies is not None and copies < 4:
            return "negative", "copy number below 4.0"
        return "equivocal", "copy number from 4.0 to below 6.0: IHC or the ratio decides"
    if copies is None:
        return "equivocal", "a ratio without the copy number leaves the ISH group open"
    amplified = ratio >= 2
    if amplified and copies >= 4:
        return "positive", "ISH group 1"
    if not amplified and copies < 4:
        return "negative", "ISH group 5"
    group = 2 if amplified else 3 if copies >= 6 else 4
    if ihc is None:
        return "equivocal", f"ISH group {group}: decided together with IHC, which is not recorded"
    if ihc == "2+":
        answer = "positive" if group == 3 else "negative"
    else:
        answer = "positive" if ihc == "3+" else "negative"
    return answer, f"ISH group {group} with IHC {ihc}"


def finish(draft: Draft) -> None:
    """Make one pathology entry a specimen, and further ones for values that contradict."""
    groups: dict[str, list[Result]] = {}
    for result in draft.results:
        groups.setdefault(result.specimen, []).append(result)
    for specimen in sorted(groups):
        results = groups[specimen]
        dates = [it.date for it in results]
        date = covering([it for it in dates if it]) if all(dates) else None
        kept = []
        for result in results:
            if label := _blocked(draft, result, date):
                draft.withheld(result.label, f"{label}, which cannot be read, may be later")
            else:
                kept.append(result)
        _enter(draft, kept, date)


def _blocked(draft: Draft, result: Result, date: str | None) -> str:
    family = [marker for marker, name in _FAMILY.items() if name == _FAMILY[result.marker]]
    for marker in family:
        # Another marker of the same specimen stands beside what cannot be read.
        same = result.specimen if marker != result.marker else None
        if label := draft.blocked(marker, date, same):
            return label
    return ""


def _enter(draft: Draft, results: list[Result], date: str | None) -> None:
    fields: dict[str, dict[Any, str]] = {}
    for result in sorted(results, key=lambda it: (it.field, str(it.value), it.label)):
        fields.setdefault(result.field, {}).setdefault(result.value, result.label)
    if not fields:
        return
    _read_ish(draft, fields)
    sites = {it.site for it in results if it.site}
    common = {"date": date, "site": next(iter(sites)) if len(sites) == 1 else None}
    for number in range(max(len(values) for values in fields.values())):
        values: dict[str, Any] = {k: v for k, v in common.items() if v is not None}
        origins = {"": min(it.label for it in results)}
        for name, found in fields.items():
            if number < len(found):
                values[name], origins[name] = list(found.items())[number]
        draft.lists["pathology"].append(Entry(values, origins))


def _read_ish(draft: Draft, fields: dict[str, dict[Any, str]]) -> None:
    ratios, copies = fields.pop("ratio", {}), fields.pop("copies", {})
    if not ratios and not copies:
        return
    scores = fields.get("her2_ihc", {})
    ihc = next(iter(scores)) if len(scores) == 1 else None
    stated = fields.setdefault("her2_ish", {})
    for ratio in ratios or {None: ""}:
        for count in copies or {None: ""}:
            label = copies.get(count) or ratios.get(ratio, "")
            answer, why = hybridised(ratio, count, ihc)
            if answer == "equivocal":
                draft.note("fhir-her2-ish", f"HER2 ISH of {label}: {why} (ASCO/CAP 2018).")
                if stated:  # the laboratory's own reading decides what the numbers leave open
                    continue
            stated.setdefault(answer, label)
