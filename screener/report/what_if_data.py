"""What would follow if a criterion were removed or a threshold moved, as plain data.

All counts are of patients of one batch and study. `eligible` and `undetermined` are kept apart
throughout: a patient who would be left with something unknown is no gain yet.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class Gain(TypedDict):
    """How many more patients would be eligible, and undetermined; the latter may be negative."""

    eligible: int
    undetermined: int


class Removal(Gain):
    """Without one criterion."""

    criterion: str


class PairRemoval(Gain):
    """Without two criteria together; not the sum of both alone."""

    criteria: list[str]


class Point(TypedDict):
    """How the patients divide at one value of a parameter."""

    value: float
    eligible: int
    undetermined: int
    ineligible: int


class Curve(TypedDict):
    """A numeric parameter, with the patients at each of its values in rising order."""

    name: str
    unit: str
    current: float
    curve: list[Point]
    criteria: NotRequired[list[str]]
    """The criteria that it bears on."""


class Sample(TypedDict):
    """The patients whom curves count, if not all: `patients` of the `of` who were screened."""

    patients: int
    of: int


class WhatIf(TypedDict):
    """All of it for one study; a pair that is not listed was not computed."""

    remove: list[Removal]
    pairs: list[PairRemoval]
    parameters: list[Curve]
    """Those with the greatest effect first."""
    sample: NotRequired[Sample]
    """Given where the curves count a sample of the patients; removals always count all."""
    unknown_counts_as: NotRequired[Literal["eligible", "ineligible"]]
    """Given where the study counts who has something unknown so; here they are kept apart."""
