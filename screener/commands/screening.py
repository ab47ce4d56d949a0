"""The report on patients: their eligibility, criterion by criterion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screener.commands import output

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from screener.commands.settings import Options
    from screener.result import ScreeningResult

REJECTED = 4
_CODES = {"eligible": 0, "undetermined": 3, "ineligible": 1}
"""Exit codes, the one that wins among several results first."""


def screen(
    patients: Sequence[str],
    chosen: Options,
    form: str = "table",
    target: Path | None = None,
    *,
    force: bool = False,
) -> int:
    """Report on patients in a form, and return the exit code.

    Raises:
        ScreenError: an option, a study or a file is wrong.
    """
    from screener.commands.patients import read  # noqa: PLC0415

    site = [str(chosen.site)] if chosen.site else []
    output.check(target, force=force, inputs=[*patients, *site])
    day = chosen.day()
    screeners = chosen.screeners()
    found = read(patients, day)
    write = _form(form, to_file=target is not None)
    unread = found.unread()
    answers = [screener.screen(found.records, day, unread) for screener in screeners]
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


def _form(form: str, *, to_file: bool) -> Callable[[list[ScreeningResult], bool], str]:
    """Return what writes results in a form, imported while the database still prepares.

    It takes the results, and whether more than one could have been expected.
    """
    if form == "json":
        return _json
    if form == "markdown":
        from screener.report import markdown  # noqa: PLC0415

        return lambda results, _: markdown.render(results)
    if form == "html":
        from screener.report import page  # noqa: PLC0415

        return lambda results, _: page.patient_page(results)
    from screener.report import terminal  # noqa: PLC0415

    def table(results: list[ScreeningResult], _: bool) -> str:
        memory = output.Memory(to_file=to_file)
        terminal.render(results, terminal.console_for(memory))
        return memory.getvalue()

    return table


def _json(results: list[ScreeningResult], several: bool) -> str:
    if not several:
        return results[0].to_json() + "\n"
    import msgspec  # noqa: PLC0415

    return msgspec.json.format(msgspec.json.encode(results), indent=2).decode() + "\n"
