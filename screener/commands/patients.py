"""The patients that a command is about: records of files, and what of them was rejected."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from screener.commands.ending import tell, tell_input
from screener.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from screener.intake.fhir.draft import Extract
    from screener.record import Record


@dataclass
class Patients:
    """What was found in some files."""

    records: list[Record] = field(default_factory=list)
    extracts: dict[int, Extract] = field(default_factory=dict)
    """What else is known of records that were read from FHIR, by identity of the record."""
    rejected: int = 0
    """Records, and files as a whole, that cannot be screened."""

    def unread(self) -> list[frozenset[str]]:
        """For each record the lists that nobody can call whole, since a part was not legible."""
        if not self.extracts:
            return []
        made = (self.extracts.get(id(record)) for record in self.records)
        return [frozenset(extract.unread() if extract else ()) for extract in made]

    @property
    def several(self) -> bool:
        """Whether more than one patient was asked about."""
        return len(self.records) + self.rejected > 1


def read(paths: Sequence[str], day: date) -> Patients:
    """Read all files, and tell of each record or file that cannot be screened.

    Raises UsageError where standard input is asked for twice.
    """
    from screener import quick  # noqa: PLC0415
    from screener.intake import json_file  # noqa: PLC0415

    if list(paths).count("-") > 1:
        raise UsageError("- is given twice; standard input can be read only once")
    found = Patients()
    today = max(day, date.today())
    accepts = quick.kept(today)
    for path in paths:
        try:
            items = json_file.read(
                path, today=today, quick=accepts, as_of=day, extracts=found.extracts
            )
        except InputError as error:
            tell_input(error)
            found.rejected += 1
            continue
        for item in items:
            if isinstance(item, InputError):
                tell_input(item, record=True)
                found.rejected += 1
            else:
                found.records.append(item)
    if found.rejected and found.records:
        total = found.rejected + len(found.records)
        tell(f"{len(found.records)} of {total} were screened; the others are named above.")
    return found
