"""Writes records into the tables of the long form, as a user would, to read them back."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from screener.intake import fields
from screener.intake.fields import ALLERGIES, LESIONS, PATIENT_ID, PATIENTS, SUBSTANCE
from screener.intake.long_form import EXAMINATION, TABLES, columns
from screener.record import LIST_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Rows = dict[str, list[list[Any]]]


def tables(records: Iterable[dict[str, Any]]) -> Rows:
    """Rows by table, the header first; lists of words as one cell."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    for record in records:
        patient = {PATIENT_ID: record["id"]}
        named = record.get("partial") or []
        for name in fields.patient_fields():
            outer, _, inner = name.partition(".")
            value = (record.get(outer) or {}).get(inner) if inner else record.get(outer)
            if name not in {"id", "partial"}:
                patient[name] = _cell(value)
        for name in LIST_FIELDS:
            entries = record.get(name)
            patient[name] = _state(name, entries, named)
            for number, entry in enumerate(entries or [], 1):
                _entry(rows, record["id"], name, entry, number, named)
        patient["partial"] = _words(named) if named else None
        rows[PATIENTS].append(patient)
    return {
        name: [list(columns(name)), *([row.get(it) for it in columns(name)] for row in found)]
        for name, found in rows.items()
    }


def write_folder(
    folder: Path, rows: Rows, *, delimiter: str = ",", encoding: str = "utf-8"
) -> None:
    folder.mkdir(exist_ok=True)
    for name, found in rows.items():
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=delimiter).writerows(
            [["true" if c is True else "false" if c is False else c for c in row] for row in found]
        )
        (folder / f"{name}.csv").write_bytes(text.getvalue().encode(encoding))


def _entry(  # noqa: PLR0917
    rows: dict[str, list[dict[str, Any]]],
    patient: str,
    name: str,
    entry: Any,
    number: int,
    named: list[str],
) -> None:
    if name == ALLERGIES:
        rows[name].append({PATIENT_ID: patient, SUBSTANCE: _words([entry])})
        return
    row = {PATIENT_ID: patient, **{key: _cell(value) for key, value in entry.items()}}
    if name == "imaging":
        row[EXAMINATION] = number
        row[LESIONS] = _state(LESIONS, entry.get(LESIONS), named)
        for lesion in entry.get(LESIONS) or []:
            cells = {key: _cell(value) for key, value in lesion.items()}
            rows[LESIONS].append({PATIENT_ID: patient, EXAMINATION: number, **cells})
    rows[name].append(row)


def _state(name: str, entries: list[Any] | None, named: list[str]) -> str | None:
    if entries is None:
        return None
    if name in named:
        return "partial"
    return "complete" if entries else "none"


def _cell(value: Any) -> Any:
    return _words(value) if isinstance(value, list) else value


def _words(words: list[str]) -> str:
    if not words:
        return "none"
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="").writerow(words)
    return (
        text.getvalue().replace(";", "; ") if not any(";" in w for w in words) else text.getvalue()
    )
