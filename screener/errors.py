"""Everything that can be wrong with what a user gives, as exceptions with one exit code each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where."""

    path: str
    """Place in the record (`therapies[2].end`) or file (`line 3, column 7`), if in one."""
    message: str
    """What is wrong, what is allowed, and what to do."""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class ScreenError(Exception):
    """Base of every error that a user can cause; `exit_code` is what the program ends with."""

    exit_code = 2


class UsageError(ScreenError):
    """The command, an option or a site file is wrong (exit code 2)."""


class StudyError(ScreenError):
    """A study, fact or dictionary file cannot be used (exit code 2); names file and line."""


class InputError(ScreenError):
    """The patient data cannot be screened (exit code 4).

    `source` is the path as the user gave it, `patient_id` the record's id where it is legible,
    `problems` everything found, at least one.
    """

    exit_code = 4

    def __init__(self, source: str, problems: list[Problem], patient_id: str | None = None) -> None:
        self.source = source
        self.problems = problems
        self.patient_id = patient_id
        super().__init__("; ".join(map(str, problems)))
