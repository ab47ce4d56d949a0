"""What a table is, be it a sheet of a workbook or a CSV file: named columns, numbered rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from screener.wording import listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Row(NamedTuple):
    """One row below the header."""

    number: int
    """Row of the sheet, or line of the file on which it begins, from 1."""
    cells: Sequence[object]
    fault: str = ""
    """What is wrong with the row as a whole."""


class Table(Protocol):
    """A table that can be read from the start any number of times."""

    @property
    def name(self) -> str:
        """Name of the sheet, or of the file without its ending."""
        ...

    @property
    def place(self) -> str:
        """The table in words: "sheet `labs`"."""
        ...

    @property
    def header(self) -> Sequence[str]:
        """The names of the columns, without white space around them."""
        ...

    def rows(self) -> Iterator[Row]:
        """Give the rows that are not blank."""
        ...

    def position(self) -> int:
        """Tell how many bytes or rows have been read."""
        ...


def header_faults(table: Table, known: Iterable[str], required: str) -> Iterator[str]:
    """Say what is wrong with the names of the columns."""
    names = list(known)
    seen: set[str] = set()
    for number, name in enumerate(table.header, 1):
        if not name:
            yield f"{table.place}: column {letters(number)} has cells but no name; name it"
        elif name in seen:
            yield f"{table.place}: there are two columns {shown(name)}; keep one"
        elif name not in names:
            yield f"{table.place}: {shown(name)} is no column here; {nearest(name, names)}"
        seen.add(name)
    if required not in seen:
        yield f"{table.place}: there is no column `{required}`; the first row names the columns"


def nearest(name: str, names: Sequence[str]) -> str:
    """Advise what a name may have been meant for."""
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - only a wrong name needs it

    folded = {known: _folded(known) for known in names if known}
    if near := process.extractOne(_folded(name), folded, scorer=fuzz.ratio, score_cutoff=70):
        return f"did you mean `{near[2]}`?"
    return f"known here are {listed(folded)}"


def _folded(name: str) -> str:
    return name.strip().casefold().replace(" ", "_").replace("-", "_")


def letters(number: int) -> str:
    """Name a column as spreadsheets do: 1 is A, 27 is AA."""
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("A") + rest) + text
    return text
