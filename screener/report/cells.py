"""Values as cells that no spreadsheet program takes for a formula."""

from __future__ import annotations

_STARTS = frozenset("=+-@\t\r\n＝＋－＠")


def harmless(value: str) -> str:
    """Write a value so that a spreadsheet shows it: one that begins like a formula gets a `'`."""
    return f"'{value}" if value.lstrip()[:1] in _STARTS and value else value
