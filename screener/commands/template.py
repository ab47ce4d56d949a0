"""`screen template`: a record to fill in."""

from __future__ import annotations

from screener.commands import options as opt
from screener.commands import output
from screener.commands.ending import ends


@ends
def command(
    form: opt.TemplateForm = opt.Blank.JSON,
    target: opt.Output = None,
    force: opt.Force = False,
) -> int:
    """Print an empty patient record to fill in; null means that nobody recorded it."""
    from screener.record_schema import template_text  # noqa: PLC0415

    output.check(target, force=force)
    output.write(template_text(), target, force=force)
    return 0
