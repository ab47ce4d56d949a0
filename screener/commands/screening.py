"""`screen PATIENT...`: the eligibility of patients, criterion by criterion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screener.commands import options as opt
from screener.commands import output
from screener.commands.ending import ends

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from screener.result import ScreeningResult

REJECTED = 4
_CODES = {"eligible": 0, "undetermined": 3, "ineligible": 1}
"""Exit codes, the one that wins among several results first."""


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
    from screener.commands.patients import read  # noqa: PLC0415
    from screener.commands.settings import Options  # noqa: PLC0415

    _not_commands(patients)
    output.check(target, force=force, inputs=[*patients, *([str(site)] if site else [])])
    chosen = Options(
        study or [], as_of, thresholds or [], site, complete or [], strict, criteria or []
    )
    day = chosen.day()
    screeners = chosen.screeners()
    found = read(patients, day)
    write = _form(form, to_file=target is not None)
    answers = [screener.screen(found.records, day) for screener in screeners]
    if found.extracts:
        from screener.intake.fhir.trace import traced  # noqa: PLC0415 - only FHIR needs it

        answers = [
            [
                traced(result, found.extracts.get(id(record)), chosen.complete)
                for result, record in zip(answer, found.records, strict=True)
            ]
            for answer in answers
        ]
    results = [result for of_patient in zip(*answers, strict=True) for result in of_patient]
    if results:
        output.write(write(results, found.several or len(screeners) > 1), target, force=force)
    return REJECTED if found.rejected else _code(results)


def _code(results: Sequence[ScreeningResult]) -> int:
    found = {result.status for result in results}
    return next(code for status, code in _CODES.items() if status in found)


def _form(form: opt.Format, *, to_file: bool) -> Callable[[list[ScreeningResult], bool], str]:
    """Return what writes results in a form, imported while the database still prepares.

    It takes the results, and whether more than one could have been expected.
    """
    if form is opt.Format.JSON:
        return _json
    if form is opt.Format.MARKDOWN:
        from screener.report import markdown  # noqa: PLC0415

        return lambda results, _: markdown.render(results)
    from screener.report import terminal  # noqa: PLC0415

    def table(results: list[ScreeningResult], _: bool) -> str:
        memory = output.Memory(to_file=to_file)
        terminal.render(results, terminal.console_for(memory))
        return memory.getvalue()

    return table


def _json(results: list[ScreeningResult], several: bool) -> str:
    if not several:
        return results[0].model_dump_json(indent=2) + "\n"
    from pydantic import TypeAdapter  # noqa: PLC0415

    from screener.result import ScreeningResult  # noqa: PLC0415

    return TypeAdapter(list[ScreeningResult]).dump_json(results, indent=2).decode() + "\n"


def _not_commands(patients: Sequence[str]) -> None:
    """Tell apart a missing file and a command that stands in the wrong place."""
    from pathlib import Path  # noqa: PLC0415

    from screener.cli import COMMANDS  # noqa: PLC0415
    from screener.errors import UsageError  # noqa: PLC0415

    for name in patients:
        if name in COMMANDS and not Path(name).exists():
            raise UsageError(
                f"the command {name} comes first, before all options: `screen {name} ...`; "
                f"a file of that name is given as ./{name}"
            )
