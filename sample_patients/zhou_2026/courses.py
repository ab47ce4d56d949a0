"""Courses of treatment before dalpiciclib: which lines, how long each, in which order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

LONGEST = 5
CDK46, ENDOCRINE, CHEMOTHERAPY, CONJUGATE = "CEHD"
"""A line of: a CDK4/6 inhibitor with endocrine therapy; endocrine therapy; chemotherapy; an
antibody-drug conjugate."""


@dataclass(frozen=True)
class Course:
    """One way through the lines for advanced disease."""

    lines: str
    """The kind of each line, in order."""
    adjuvant_relapse: bool
    """Whether the disease came back within two years of adjuvant endocrine therapy, while on it."""
    first_failed: bool
    """Whether the first endocrine line failed within six months."""
    benefit: int
    """Months that the longest CDK4/6 inhibitor helped, at least: 0, 6 or 12."""

    def counts(self) -> list[str]:
        """Every count of Table 1 that a patient with this course adds to."""
        endocrine = self.lines.count(CDK46) + self.lines.count(ENDOCRINE)
        cdk46, chemotherapy = self.lines.count(CDK46), self.lines.count(CHEMOTHERAPY)
        primary = self.adjuvant_relapse or self.first_failed
        total = len(self.lines)
        return [
            "all",
            f"lines {'1' if total == 1 else '2-3' if total <= 3 else '≥ 4'}",
            f"chemotherapy_lines {chemotherapy if chemotherapy <= 1 else '> 1'}",
            f"endocrine_lines {'1' if endocrine == 1 else '> 1'}",
            f"cdk46_lines {'1' if cdk46 == 1 else '≥ 2'}",
            f"sequential {'Yes' if self.lines[-1] == CDK46 else 'No'}",
            f"endocrine_resistance {'Primary' if primary else 'Secondary'}",
            f"benefit_6_months {'Yes' if self.benefit >= 6 else 'No'}",
            f"benefit_12_months {'Yes' if self.benefit >= 12 else 'No'}",
        ]


def courses() -> Iterator[Course]:
    """Every course that could be."""
    for number in range(1, LONGEST + 1):
        for lines in map(
            "".join, product((CDK46, ENDOCRINE, CHEMOTHERAPY, CONJUGATE), repeat=number)
        ):
            if not 1 <= lines.count(CDK46) <= 2 or lines.count(CONJUGATE) > 1:
                continue
            if lines.startswith(CONJUGATE) or lines.count(CHEMOTHERAPY) > 3:
                continue
            for relapse, failed, benefit in product((False, True), (False, True), (0, 6, 12)):
                course = Course(lines, relapse, failed, benefit)
                if _possible(course):
                    yield course


def _possible(course: Course) -> bool:
    """Whether the first endocrine line and the longest benefit go together."""
    first = next(kind for kind in course.lines if kind in (CDK46, ENDOCRINE))
    if first == ENDOCRINE:
        return True
    if course.first_failed:  # the benefit is that of another CDK4/6 inhibitor, if any
        return course.benefit == 0 or course.lines.count(CDK46) > 1
    return course.benefit > 0


def months(course: Course) -> list[tuple[int, int]]:
    """For each line, the months within which it fails: at least, and less than."""
    endocrine = [n for n, kind in enumerate(course.lines) if kind in (CDK46, ENDOCRINE)]
    inhibitors = [n for n, kind in enumerate(course.lines) if kind == CDK46]
    found = dict.fromkeys(range(len(course.lines)), (3, 9))
    spans = {0: (2, 6), 6: (6, 12), 12: (12, 30)}
    for n in inhibitors:
        found[n] = spans[0] if course.benefit == 0 else spans[6]
    first = endocrine[0] if endocrine else None
    if first is not None and course.first_failed:
        found[first] = spans[0]
    elif first is not None and first not in inhibitors:
        found[first] = (6, 14)
    longest = [n for n in inhibitors if not (course.first_failed and n == first)] or inhibitors
    for n in longest[-1:]:
        found[n] = spans[course.benefit]
    return [found[n] for n in range(len(course.lines))]
