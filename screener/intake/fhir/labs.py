"""Laboratory values: a quantity in a unit that is accepted for the test."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from screener.intake.fhir import units
from screener.intake.fhir.codes import Fault
from screener.intake.fhir.values import clipped, code_of, when

if TYPE_CHECKING:
    from screener.intake.fhir.draft import Draft
    from screener.intake.fhir.resources import Resource


def read(resource: Resource, draft: Draft, part: dict[str, Any], key: str) -> None:
    """Read one value of a test. Raises Fault where there is no number, or two units.

    The record holds value and unit as they stand, since it converts units itself. A unit that is
    not accepted and a value that is not plausible stand there too, named here and unknown there, so
    that no older value comes in their place.
    """
    test = key.removeprefix("lab:")
    quantity = part.get("valueQuantity")
    if quantity is None or quantity.get("value") is None:
        raise Fault("its value is no quantity")
    if "comparator" in quantity:
        raise Fault("its value is a limit (less than, more than), no measurement")
    value = quantity["value"]
    if not -1e9 <= value <= 1e9:
        raise Fault("its value is beyond what can be measured")
    unit, factor = _unit(test, quantity)
    known = units.tests()[test]
    if unit is None:
        draft.warn(resource, f"{known.label} without a unit: the value is unknown")
    elif factor is None:
        draft.warn(resource, f"its unit is not accepted for {known.label}: the value is unknown")
    elif not known.lowest <= (amount := Decimal(str(value)) * factor) <= known.highest:
        draft.warn(
            resource,
            f"{known.label} of {amount:f} {known.shown} is outside {known.lowest} to "
            f"{known.highest}, so the value or its unit is wrong: it is unknown",
        )
    lower, upper = _limits(resource, draft, part, (test, factor))
    draft.add(
        "labs",
        {
            "test": test,
            "date": when(resource.raw, "effective"),
            "value": value,
            "unit": unit,
            "lower_limit": lower,
            "upper_limit": upper,
        },
        resource,
        kind=key,
    )


def _unit(test: str, quantity: dict[str, Any]) -> tuple[str | None, Decimal | None]:
    """Return the unit and its factor; the one that is accepted where only one of two is."""
    named = [quantity[name] for name in ("code", "unit") if quantity.get(name)]
    accepted = [(unit, units.factor(test, unit)) for unit in named]
    accepted = [(unit, factor) for unit, factor in accepted if factor is not None]
    if len({factor for _, factor in accepted}) > 1:
        raise Fault("its unit and its unit code say different things")
    if accepted and any(units.known(unit) for unit in named if unit not in dict(accepted)):
        raise Fault("its unit and its unit code say different things")
    if accepted:
        return accepted[0]
    return (clipped(named[-1]) if named else None), None


def _limits(
    resource: Resource, draft: Draft, part: dict[str, Any], measured: tuple[str, Decimal | None]
) -> tuple[float | None, float | None]:
    """Return the limits of the normal range, where there is one only, in the value's unit."""
    test, factor = measured
    ranges = [
        it
        for it in part.get("referenceRange", [])
        if code_of(it.get("type")) in (None, "normal")
        and ("low" in it or "high" in it)
        and not it.get("appliesTo")  # of some people only, and whether of this one is not known
        and not it.get("age")
    ]
    if len(ranges) != 1 or factor is None:
        return None, None
    found: list[float | None] = []
    for side in ("low", "high"):
        quantity = ranges[0].get(side, {})
        value = quantity.get("value")
        if value is None or _unit(test, quantity)[1] != factor or abs(value) > 1e9:
            found.append(None)
        else:
            found.append(value)
    lower, upper = found
    if lower is not None and upper is not None and upper < lower:
        draft.warn(resource, "its upper limit is below its lower limit: neither is used")
        return None, None
    return lower, upper
