"""A folder of CSV files in long form: `patients.csv`, and one file per list of the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screener.errors import InputError, Problem
from screener.intake.csv_table import CsvTable
from screener.intake.fields import PATIENTS
from screener.intake.long_form import TABLES, LongFormSource
from screener.intake.tables import nearest
from screener.intake.text import TextFile

if TYPE_CHECKING:
    from pathlib import Path

_ENDINGS = (".csv", ".tsv", ".txt")
_PACKED = (".gz", ".zst")
_EXPLAINING = ("readme", "read me", "read_me")


def is_csv_folder(path: Path) -> bool:
    """Tell whether a folder has a file named for the patients or for a list."""
    return any(_table_name(file.name) in TABLES for file in path.iterdir())


def open_folder(path: Path, name: str, scratch: Path | None = None) -> LongFormSource:
    """Open the files of a folder.

    Raises InputError where a file is not named for a list, or is there twice.
    """
    found: dict[str, CsvTable] = {}
    faults = []
    for file in sorted(path.iterdir()):
        if file.name.startswith((".", "~")) or file.name.lower().startswith(_EXPLAINING):
            continue
        table = _table_name(file.name)
        if table is None or table not in TABLES or not file.is_file():
            advice = nearest(table or file.stem, TABLES)
            faults.append(
                f"`{file.name}` is no CSV file of a list; {advice} Each file is named for a list "
                "of the record; move other files elsewhere"
            )
        elif table in found:
            faults.append(f"`{file.name}` and `{found[table].file.path.name}` hold the same list")
        else:
            found[table] = CsvTable(TextFile(file, f"{name}/{file.name}"), f"`{file.name}`")
    if faults:
        raise InputError(name, [Problem("", fault) for fault in faults])
    size = sum(it.file.size * (2 if key == PATIENTS else 1) for key, it in found.items())
    return LongFormSource(name, found, form="folder of CSV files", size=size, scratch=scratch)


def _table_name(file: str) -> str | None:
    """Give the name of a CSV file without its endings."""
    stem = file.lower()
    for ending in _PACKED:
        stem = stem.removesuffix(ending)
    for ending in _ENDINGS:
        if stem.endswith(ending):
            return stem.removesuffix(ending)
    return None
