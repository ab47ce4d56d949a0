"""A site's own values for the parameters of a study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from screener.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from screener.plan import Plan


def with_thresholds(plan: Plan, thresholds: Mapping[str, Any]) -> Plan:
    """The plan with a site's values, which are no longer assumed.

    Raises UsageError where the study has no such parameter, or it takes no such value.
    """
    if not thresholds:
        return plan
    parameters = {name: dict(parameter) for name, parameter in plan.parameters.items()}
    for name, value in thresholds.items():
        if name not in parameters:
            raise UsageError(
                f"{plan.study_id} has no parameter {name}{near(name, list(parameters))}. "
                f"`screen show {plan.study_id}` lists them."
            )
        parameters[name] |= {"value": _converted(name, value, parameters[name]), "assumed": False}
    return msgspec.structs.replace(plan, parameters=parameters)


def _converted(name: str, value: Any, parameter: Mapping[str, Any]) -> Any:
    old = parameter["value"]
    given = value
    if isinstance(old, list):
        if isinstance(value, str):
            value = [item.strip() for item in value.split(",") if item.strip()]
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        raise UsageError(f"{name} takes a list of words separated by commas, not {given!r}")
    if isinstance(old, bool):
        words = {"true": True, "yes": True, "false": False, "no": False}
        if isinstance(value, str):
            value = words.get(value.lower())
        if isinstance(value, bool):
            return value
        raise UsageError(f"{name} takes yes or no, not {given!r}")
    if isinstance(old, str):
        return str(value)
    try:
        number = float(value) if not isinstance(value, bool) else float("nan")
    except (TypeError, ValueError):
        number = float("nan")
    if not 0 <= number <= 1e6:
        unit = f" in {parameter['unit']}" if parameter["unit"] else ""
        raise UsageError(f"{name} takes a number from 0 to 1000000{unit}, not {given!r}")
    return int(number) if number.is_integer() else number


def near(name: str, known: list[str]) -> str:
    """The known name that one is nearest to, as the end of a sentence; nothing if none is."""
    from rapidfuzz import process  # noqa: PLC0415  # only ever needed for an error

    found = process.extractOne(name, known, score_cutoff=60)
    return f"; did you mean {found[0]}?" if found else ""
