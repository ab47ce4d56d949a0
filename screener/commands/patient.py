"""`screen PATIENT...`, as Typer reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screener.commands import options as opt
from screener.commands.ending import ends

if TYPE_CHECKING:
    from collections.abc import Sequence


@ends
def command(
    patients: opt.Patients,
    study: opt.Study = None,
    as_of: opt.AsOf = None,
    form: opt.ReportForm = opt.Format.TABLE,
    thresholds: opt.Set = None,
    site: opt.Site = None,
    complete: opt.Complete = None,
    strict: opt.Strict = False,
    criteria: opt.Criteria = None,
    target: opt.Output = None,
    force: opt.Force = False,
) -> int:
    """Screen patients: for each criterion pass, fail or unknown, why, and what to obtain."""
    from screener.commands.screening import screen  # noqa: PLC0415
    from screener.commands.settings import Options  # noqa: PLC0415

    _not_commands(patients)
    chosen = Options(
        study or [], as_of, thresholds or [], site, complete or [], strict, criteria or []
    )
    return screen(patients, chosen, form.value, target, force=force)


def _not_commands(patients: Sequence[str]) -> None:
    """Tell apart a missing file and a command that stands in the wrong place."""
    from pathlib import Path  # noqa: PLC0415

    from screener.commands import COMMANDS  # noqa: PLC0415
    from screener.errors import UsageError  # noqa: PLC0415

    for name in patients:
        if name in COMMANDS and not Path(name).exists():
            raise UsageError(
                f"the command {name} comes first, before all options: `screen {name} ...`; "
                f"a file of that name is given as ./{name}"
            )
