"""`screen schema`: the record as JSON Schema."""

from __future__ import annotations

import json

from screener.commands import options as opt
from screener.commands import output
from screener.commands.ending import ends


@ends
def command(target: opt.Output = None, force: opt.Force = False) -> int:
    """Print the JSON Schema (2020-12) of a patient record: every field, its meaning and unit."""
    from screener.record_schema import json_schema  # noqa: PLC0415

    output.check(target, force=force)
    text = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    output.write(text, target, force=force)
    return 0
