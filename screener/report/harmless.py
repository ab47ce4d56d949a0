"""Cells of a CSV file that a spreadsheet shows as text, whatever stands in them."""

from __future__ import annotations

import re
from typing import Final

_FORMULA: Final = re.compile(r"[\s\x00-\x20\"'`]*[=+\-@＝＋－＠]|[\t\r\n]")
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def harmless(value: str) -> str:
    """Return a cell of a CSV file that no spreadsheet takes for a formula.

    What begins like one (`=`, `+`, `-`, `@` or their wide forms, also after quotes and white space,
    or a tab or line end) gets an apostrophe before it; a plain number stays as it is. Quote every
    cell besides: where a semicolon separates cells, one within a text begins a cell of its own.
    """
    if not value or value[0].isalnum():  # most are seen to be harmless at once
        return value
    if _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value
