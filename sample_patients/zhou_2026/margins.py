"""Chooses how many patients are of which kind, so that every printed count comes out exactly.

Whatever the paper counts of a patient follows from a few kinds: the course of treatment, the
sites of metastases. Each kind adds to some counts, and all counts are given; a mixed-integer
program finds how often each kind occurs. Random weights make each seed choose others.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from random import Random
from typing import TypeVar

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

Kind = TypeVar("Kind", bound=Hashable)


def chosen(
    kinds: Mapping[Kind, Sequence[str]],
    counts: Mapping[str, int],
    random: Random,
    *,
    most: int = 8,
) -> list[Kind]:
    """One kind for each patient, in random order.

    `kinds` says for each kind which counts it adds to, `counts` what these must come to; `most` is
    how many patients may be of one kind.

    Raises:
        ValueError: no choice gives these counts.
    """
    names = list(kinds)
    rows = [[float(label in kinds[kind]) for kind in names] for label in counts]
    required = np.array(list(counts.values()), dtype=float)
    found = milp(
        c=np.array([random.random() for _ in names]),
        constraints=LinearConstraint(np.array(rows), required, required),
        integrality=np.ones(len(names)),
        bounds=Bounds(0, most),
        options={"mip_rel_gap": 0},  # the one best choice, so that the seed alone decides
    )
    if not found.success:
        raise ValueError(f"no choice of patients gives these counts: {found.message}")
    patients = [
        kind for kind, number in zip(names, found.x, strict=True) for _ in range(round(number))
    ]
    random.shuffle(patients)
    return patients
