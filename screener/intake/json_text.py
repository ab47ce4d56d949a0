"""One value of JSON, read strictly: keys given twice are known, and a fault is told with its cause.

No message quotes the text, because messages go to terminals and logs.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from screener.wording import path_text, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DIGITS = 30
SPACE = " \t\r\n"


class FileFault(Exception):  # noqa: N818 - becomes an InputError, which knows the source
    """What is wrong with a text, and where in it."""

    def __init__(self, message: str, place: str = "") -> None:
        self.message = message
        self.place = place
        super().__init__(message)


class _Repeating(dict[str, Any]):
    """An object in which keys are given twice; the last value of each stands."""

    keys_twice: tuple[str, ...] = ()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    counts = Counter(key for key, _ in pairs)
    repeating = _Repeating(result)
    repeating.keys_twice = tuple(key for key, count in counts.items() if count > 1)
    return repeating


def _integer(digits: str) -> int | float:
    """Read a whole number; with more digits than any field allows it counts as infinite."""
    return int(digits) if len(digits) <= MAX_DIGITS else math.inf


# NaN, Infinity and numbers too large for a float come out as such, and no field of a record takes
# them: so they are refused with the path of the value, which the decoder does not know.
DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer)


def decode(text: str, line: int = 1) -> object:
    """Decode one value; `line` is the number of its first line in the file.

    Raises FileFault where it is no JSON, with line, column and the usual cause.
    """
    try:
        return DECODER.decode(text)
    except json.JSONDecodeError as error:
        position, why = _cause(error)
        column = position - text.rfind("\n", 0, position)
        row = line + text.count("\n", 0, position)
        place = f"line {row}, column {column}"
        raise FileFault(f"not valid JSON: {why}", place) from None
    except RecursionError:
        raise FileFault(
            "lists and objects are nested too deeply to be read; a record needs 5 levels of them",
            "" if line == 1 else f"line {line}",
        ) from None


def repeated_keys(data: object) -> Iterator[tuple[str, str]]:
    """Give path and key of all that is given twice. Not recursive, for data of any depth."""
    waiting: list[tuple[tuple[int | str, ...], object]] = [((), data)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, dict):
            for key in getattr(value, "keys_twice", ()):
                yield path_text((*place, key)), shown(key)
            waiting += [((*place, key), item) for key, item in value.items()]
        elif isinstance(value, list):
            waiting += [((*place, index), item) for index, item in enumerate(value)]


_TRAILING = "a comma before a closing bracket; remove the comma"
_PUNCTUATION = {
    "'": "single quotation marks do not count in JSON; use double ones",
    "“": "typographic quotation marks do not count in JSON; use straight double ones",
    "”": "typographic quotation marks do not count in JSON; use straight double ones",
    "，": "a full-width comma does not count in JSON; use an ordinary one",
    "：": "a full-width colon does not count in JSON; use an ordinary one",
    "/": "comments are not allowed in JSON; remove them",
    "#": "comments are not allowed in JSON; remove them",
}
_REASONS = (
    (
        "Extra data",
        "the record ends before this; several records go one on each line, or in a list",
    ),
    ("Invalid control character", "a line break or tab within text; write it as \\n or \\t"),
    ("Invalid \\", "a backslash that stands for itself is written twice, \\\\"),
    ("Expecting ',' delimiter", "a comma is missing before this, or a bracket is not closed"),
    ("Expecting ':' delimiter", "a colon is missing between the name of a field and its value"),
    ("Expecting property name", "the name of a field is needed here, in double quotation marks"),
)


def _cause(error: json.JSONDecodeError) -> tuple[int, str]:
    """Name the place and usual cause of a fault, from the punctuation around it."""
    text, position = error.doc, error.pos
    here = text[position : position + 1]
    before = text[:position].rstrip(SPACE)
    if error.msg.startswith("Unterminated string"):
        why = "the text that starts here has no closing quotation mark, or the file was cut off"
    elif not text[position:].strip(SPACE):
        why = "the file ends within a record; it was cut off, or a closing bracket is missing"
    elif here in {"}", "]"} and before.endswith(","):
        position = len(before) - 1
        why = _TRAILING
    elif "trailing comma" in error.msg:  # from Python 3.13 on, at the comma
        why = _TRAILING
    elif here in _PUNCTUATION:
        why = _PUNCTUATION[here]
    elif text.startswith(("True", "False", "None"), position):
        why = "write true, false and null in lower case, and null for None"
    else:
        usual = (why for start, why in _REASONS if error.msg.startswith(start))
        why = next(usual, "a value is needed here; text stands in double quotation marks")
    return position, why
