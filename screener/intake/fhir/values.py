"""Values of FHIR resources as a record holds them: dates, numbers, answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from screener.dates import span, surely_before
from screener.intake.fhir.codes import Fault, codings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import date


def day(text: object) -> str | None:
    """Return the day, month or year of a FHIR date or dateTime as a partial date.

    A time with a zone counts for the day on which it was written down, in that zone: converting it
    would move an evening to another day. Raises Fault for a day that no calendar has.
    """
    if not isinstance(text, str):
        return None
    partial = text.split("T", 1)[0]
    try:
        span(partial)
    except ValueError as error:
        raise Fault(f"a date that cannot be: {error}") from None
    return partial


def covering(dates: Iterable[str]) -> str | None:
    """Return the narrowest partial date that covers all of some, None where no year does."""
    spans = [span(it) for it in dates]
    if not spans:
        return None
    first, last = min(lo for lo, _ in spans), max(hi for _, hi in spans)
    for length in (10, 7, 4):
        text = first.isoformat()[:length]
        lo, hi = span(text)
        if lo <= first and last <= hi:
            return text
    return None


def period(value: object) -> str | None:
    """Return when something within a Period was: the narrowest date that covers start and end.

    With one end only, that end. Raises Fault for a period that ends before it starts.
    """
    start, end = bounds(value)
    if start and end:
        return covering([start, end])
    return start or end


def bounds(value: object) -> tuple[str | None, str | None]:
    """Return start and end of a Period. Raises Fault where it ends before it starts."""
    if not isinstance(value, dict):
        return None, None
    start, end = day(value.get("start")), day(value.get("end"))
    if start and end and surely_before(end, start):
        raise Fault("a period that ends before it starts")
    return start, end


def when(raw: dict[str, Any], name: str) -> str | None:
    """Return the date of a choice such as `effective`: dateTime, Period, instant or timing."""
    for kind in ("DateTime", "Instant"):
        if f"{name}{kind}" in raw:
            return day(raw[f"{name}{kind}"])
    timing = raw.get(f"{name}Timing")
    events = timing.get("event") if isinstance(timing, dict) else None
    if isinstance(events, list) and len(events) == 1:
        return day(events[0])
    return period(raw.get(f"{name}Period"))


def later_than(raw: dict[str, Any], as_of: date | None, *names: str) -> bool:
    """Tell whether the first date given of some was written down after the screening date."""
    if as_of is None:
        return False
    for name in names:
        if isinstance(raw.get(name), str):
            written = day(raw[name])
            return written is not None and span(written)[0] > as_of
    return False


def code_of(concept: object) -> str | None:
    """Return the first code of a concept of a closed FHIR code system, such as a status."""
    listed = concept.get("coding") if isinstance(concept, dict) else None
    if isinstance(listed, list):
        for coding in listed:
            if isinstance(coding, dict) and isinstance(coding.get("code"), str):
                return str(coding["code"])
    return None


VERIFICATION = frozenset(
    ("unconfirmed", "provisional", "differential", "confirmed", "refuted", "entered-in-error")
)
CLINICAL = {"active": True, "recurrence": True, "relapse": True,
            "inactive": False, "remission": False, "resolved": False}  # fmt: skip
_UNCONFIRMED = {"unconfirmed", "provisional", "differential"}


def verification(raw: dict[str, Any]) -> str | None:
    """Return the verification status of a Condition or allergy, None where there is none.

    A code of the hospital's own may stand beside that of FHIR; where only words are given, they
    count if they are those of a code. Raises Fault for one that is not known, since it may say
    that there was nothing, and for two that contradict each other.
    """
    found = _known(raw.get("verificationStatus"), VERIFICATION)
    if "verificationStatus" in raw and not found:
        raise Fault("its verification status is none that R4 has")
    if len(found) > 1 and not found <= _UNCONFIRMED:
        raise Fault("its verification status says two things")
    return min(found, default=None)


def active(raw: dict[str, Any]) -> bool | None:
    """Tell whether a Condition or allergy is active, None where it does not say.

    Raises Fault for a clinical status that is not known or says two things.
    """
    found = {CLINICAL[it] for it in _known(raw.get("clinicalStatus"), CLINICAL)}
    if "clinicalStatus" in raw and len(found) != 1:
        raise Fault("its clinical status is none that R4 has, or says two things")
    return next(iter(found), None)


def _known(concept: object, codes: Collection[str]) -> set[str]:
    if not isinstance(concept, dict):
        return set()
    coded = {str(it.get("code")).lower() for it in codings(concept)} & set(codes)
    words = str(concept.get("text", "")).strip().lower().replace(" ", "-")
    return coded or ({words} & set(codes))


def extension(raw: dict[str, Any], *endings: str) -> Iterable[dict[str, Any]]:
    """Give the extensions whose address ends in one of some names."""
    listed = raw.get("extension")
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict) and str(item.get("url", "")).rsplit("/", 1)[-1] in endings:
            yield item


def one(values: Sequence[Any], what: str) -> Any:
    """Return the value that all of some share, None for none. Raises Fault where they differ."""
    distinct = list(dict.fromkeys(values))
    if len(distinct) > 1:
        raise Fault(f"two values for {what}")
    return distinct[0] if distinct else None


def clipped(text: str, limit: int = 500) -> str:
    """Make text one that a record may hold: printable, on one line, at most `limit` characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
