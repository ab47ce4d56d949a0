"""The page of an amendment: which criteria changed, and whose status changes by which of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from screener.report.page import asset, environment, policy

if TYPE_CHECKING:
    from screener.report.compare_data import Comparison, PatientChange
    from screener.result import Status

MOST_PATIENTS: Final = 2_000
"""Patients who are listed by name; the others are counted."""

_ORDER: Final[tuple[Status, ...]] = ("eligible", "undetermined", "ineligible")


def compare_page(comparison: Comparison, most_patients: int = MOST_PATIENTS) -> str:
    """Return the page of a comparison, with at most so many patients listed by name.

    How many change status is told from `moves`, so not all of them need be given. Who becomes
    eligible stands first, who becomes ineligible last; within that, patients keep the order in
    which they are given.
    """
    style = asset("page.css") + asset("batch.css")
    moves = {(move["old"], move["new"]): move["patients"] for move in comparison["moves"]}
    changed = sum(count for (old, new), count in moves.items() if old != new)
    patients = sorted(comparison["patients"], key=urgency)
    return environment().get_template("compare.html.j2").render(
        title=f"{comparison['old']['id']} {comparison['old']['version']} and "
        f"{comparison['new']['id']} {comparison['new']['version']}",
        style=Markup(style),  # noqa: S704  # our own
        policy=policy(styles=[style]),
        one=comparison,
        statuses=_ORDER,
        moves=moves,
        screened=sum(moves.values()),
        changed=changed,
        patients=patients[:most_patients],
        left_out=changed - len(patients[:most_patients]),
    )  # fmt: skip


def urgency(patient: PatientChange) -> tuple[int, int]:
    """Say how soon somebody wants to know of a patient; the least comes first."""
    return _ORDER.index(patient["new"]), _ORDER.index(patient["old"])
