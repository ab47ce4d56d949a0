"""`screen template`: what patients are written into: a record, a workbook, a mapping."""

from __future__ import annotations

from screener.commands import options as opt
from screener.commands import output
from screener.commands.ending import ends
from screener.errors import UsageError


@ends
def command(
    form: opt.TemplateForm = opt.Blank.JSON,
    target: opt.Output = None,
    force: opt.Force = False,
) -> int:
    """Print an empty patient record, workbook or mapping to fill in."""
    output.check(target, force=force)
    if form is opt.Blank.XLSX:
        if target is None:
            raise UsageError("a workbook is not printed; name its file: --output patients.xlsx")
        from screener.intake.template_workbook import workbook  # noqa: PLC0415

        output.write_file(workbook(), target, force=force)
        return 0
    if form is opt.Blank.MAPPING:
        from screener.intake.mapping import template_text as mapping_text  # noqa: PLC0415

        output.write(mapping_text(), target, force=force)
        return 0
    from screener.record_schema import template_text  # noqa: PLC0415

    output.write(template_text(), target, force=force)
    return 0
