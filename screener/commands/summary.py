"""Prints the summary of a batch, whichever engine screened it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from screener.commands import options as opt
from screener.commands import output
from screener.commands.ending import tell
from screener.commands.screening import REJECTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from screener.plan import Plan


def show(
    summary: dict[str, Any], plans: Sequence[Plan], out: str, names: str, form: opt.Listing
) -> int:
    """Print the summary of a batch, and return the exit code; `names` are those of its outputs."""
    from screener.report import batch_summary  # noqa: PLC0415

    if form is opt.Listing.JSON:
        text = json.dumps(summary, ensure_ascii=False, indent=2) + "\n"
    else:
        memory = output.Memory()
        batch_summary.render(summary, plans, out, memory, names)
        text = memory.getvalue()
    output.write(text, None)
    rejected: int = summary["input"]["rejected"]
    if rejected:
        tell(
            f"{rejected:,} record{' was' if rejected == 1 else 's were'} rejected: each is in "
            f"{out.rstrip('/')}/rejected.ndjson with what is wrong."
        )
    return REJECTED if rejected else 0
