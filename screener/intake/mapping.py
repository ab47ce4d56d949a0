"""The mapping of a flat CSV file: which column is which field of the record, and how it is written.

Read from YAML and checked against the record before any patient is read, with file and line of
what is wrong.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from screener.dates import span
from screener.encoding import yaml_file
from screener.intake import fields
from screener.intake.fields import ALLERGIES, LESIONS
from screener.intake.tables import nearest
from screener.record import LIST_FIELDS, PARTIAL_NAMES
from screener.wording import is_number, listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from screener.encoding.yaml_file import Position

TEMPLATE = Path(__file__).parent / "mapping_template.yaml"
ORDERS = ("year month day", "day month year", "month day year")
ListName = Literal[
    "pathology", "performance_status", "therapies", "procedures", "injuries", "imaging",
    "metastases", "effusions", "labs", "adverse_events", "other_malignancies", "genomics",
]  # fmt: skip
"""The lists of which an entry has several fields."""


def _order(text: str) -> str:
    if text not in ORDERS and "%" not in text:
        raise ValueError(f"needed is one of {listed(ORDERS)}, or a format such as `%d.%m.%Y`")
    return text


def _target(data: object) -> object:
    return {"to": data} if isinstance(data, str) else data


Dates = Annotated[str, AfterValidator(_order)]
Word = Annotated[str, BeforeValidator(lambda word: str(word) if is_number(word) else word)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Column(_Part):
    """What one column is and how it is written."""

    to: str = Field(description="The field of the record, or of the entry.")
    values: dict[str, Any] | None = Field(
        default=None, description="What each value of the cell stands for; null is not recorded."
    )
    unit: Word | None = Field(default=None, description="Unit of a laboratory value.")
    times: float | None = Field(
        default=None, gt=0, description="What the number is multiplied by, such as 10 for cm to mm."
    )
    decimal: Literal[".", ","] | None = Field(default=None, description="Decimal mark.")
    dates: Dates | None = Field(default=None, description="Order or format of the dates.")
    split: list[str] | None = Field(default=None, description="What stands between words.")
    absent: list[Word] | None = Field(default=None, description="Words for: not recorded.")
    none: list[Word] | None = Field(default=None, description="Words for: looked for, none.")


Columns = dict[str, Annotated[Column, BeforeValidator(_target)]]


class Group(_Part):
    """Columns that together are one entry of a list."""

    set: dict[str, Any] = Field(default_factory=dict, description="Fields equal for all patients.")
    columns: Columns = Field(min_length=1, description="The columns, by name.")
    only_if: str | None = Field(
        default=None, description="The entry is made only where this column is filled."
    )


class Entry(Group):
    """Columns that together are one entry of a list of the record."""

    to: ListName = Field(description="The list.")
    lesions: list[Group] = Field(
        default_factory=list, description="Lesions of an examination, each one group."
    )


class Mapping(_Part):
    """The whole file."""

    columns: Columns = Field(min_length=1, description="Fields of which a patient has one.")
    entries: list[Entry] = Field(default_factory=list, description="Entries of lists.")
    ignore: list[Word] = Field(default_factory=list, description="Columns that are not read.")
    absent: list[Word] = Field(default_factory=list, description="Words for: not recorded.")
    none: list[Word] = Field(default_factory=list, description="Words for: looked for, none.")
    dates: Dates | None = Field(default=None, description="Order or format of all dates.")
    decimal: Literal[".", ","] = Field(default=".", description="Decimal mark of all numbers.")
    split: list[str] = Field(default_factory=lambda: [";"], description="What divides words.")
    complete: list[str] = Field(default_factory=list, description="Lists that are whole.")
    one_row_per: Literal["patient", "entry"] = Field(
        default="patient", description="Whether a patient can have several rows."
    )


def load(path: Path) -> Mapping:
    """Read a mapping.

    Raises StudyError with file and line of the first thing that is wrong in it.
    """
    file = yaml_file.load(path)
    try:
        mapping = Mapping.model_validate(file.data)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        first = min(errors, key=lambda found: found["type"] != "extra_forbidden")
        position: Position = first["loc"]
        raise file.error(position, f"{_path(position)}: {_plain(first)}") from None
    for place, message in _faults(mapping):
        raise file.error(place, f"{_path(place)}: {message}")
    return mapping


def template_text() -> str:
    """Give a mapping to change, with comments; it is valid as it stands."""
    return TEMPLATE.read_text("utf-8")


def target_fields(list_name: str | None) -> dict[str, fields.Field]:
    """The fields that a column can be, of the record or of an entry of a list."""
    if list_name:
        return fields.entry_fields(list_name)
    known = {name: it for name, it in fields.patient_fields().items() if name != "partial"}
    described = fields.list_description(ALLERGIES)
    return {**known, ALLERGIES: fields.Field(ALLERGIES, "words", described)}


def shared_columns(mapping: Mapping) -> frozenset[str]:
    """The columns that are read for several entries, such as a common date."""
    counts = Counter(named_columns(mapping))
    return frozenset(name for name, count in counts.items() if count > 1)


def _faults(mapping: Mapping) -> Iterator[tuple[Position, str]]:
    yield from _column_faults(mapping.columns, ("columns",), None)
    if not any(column.to == "id" for column in mapping.columns.values()):
        yield ("columns",), "no column is `id`, which names the patient; add the one that does"
    shared = shared_columns(mapping)
    for index, entry in enumerate(mapping.entries):
        at: Position = ("entries", index)
        yield from _group_faults(entry, at, entry.to, shared)
        if entry.lesions and entry.to != "imaging":
            yield (*at, LESIONS), "only an entry of `imaging` has lesions"
        for place, lesion in enumerate(entry.lesions):
            yield from _group_faults(lesion, (*at, LESIONS, place), LESIONS, shared)
    for index, name in enumerate(mapping.complete):
        if name not in PARTIAL_NAMES:
            yield ("complete", index), f"no list of the record; {nearest(name, PARTIAL_NAMES)}"
    used = set(named_columns(mapping))
    for index, name in enumerate(mapping.ignore):
        if name in used:
            yield ("ignore", index), "this column is both read and ignored; remove one of the two"


def named_columns(mapping: Mapping) -> Iterator[str]:
    """Give the columns that are read; one that is read for several entries, as often."""
    yield from mapping.columns
    for entry in mapping.entries:
        yield from entry.columns
        for lesion in entry.lesions:
            yield from lesion.columns


def _group_faults(
    group: Group, at: Position, list_name: str, shared: frozenset[str]
) -> Iterator[tuple[Position, str]]:
    yield from _column_faults(group.columns, (*at, "columns"), list_name)
    known = target_fields(list_name)
    taken = {column.to for column in group.columns.values()}
    for name, value in group.set.items():
        place = (*at, "set", name)
        if name not in known:
            yield place, f"no field of an entry of `{list_name}`; {nearest(name, list(known))}"
        elif name in taken:
            yield place, "a column gives this field too; remove one of the two"
        elif fault := _constant_fault(value, known[name]):
            yield place, fault
    if group.only_if is None and shared.issuperset(group.columns):
        yield (
            (*at, "columns"),
            (
                "each of these columns is read for another entry too, so none makes this one; "
                "say with `only_if` which does"
            ),
        )
    if group.only_if is not None and group.only_if not in group.columns:
        yield (*at, "only_if"), f"no column of this entry; its columns are {listed(group.columns)}"


def _column_faults(
    columns: Columns, at: Position, list_name: str | None
) -> Iterator[tuple[Position, str]]:
    known = target_fields(list_name)
    taken: dict[str, str] = {}
    for name, column in columns.items():
        place: Position = (*at, name)
        if column.to in LIST_FIELDS and column.to not in known:
            yield place, f"`{column.to}` is a list: say under `entries` what makes one entry"
            continue
        if column.to not in known:
            yield place, f"`{column.to}` is no field here; {nearest(column.to, list(known))}"
            continue
        if column.to in taken:
            yield (
                place,
                (
                    f"`{column.to}` is column {shown(taken[column.to])} already; "
                    + ("make a second entry" if list_name else "keep one")
                ),
            )
        taken[column.to] = name
        yield from _setting_faults(column, known[column.to], place, list_name)
    if "unit" in taken and any(column.unit for column in columns.values()):
        yield (*at, taken["unit"]), "the unit is stated, and a column gives it too; remove one"


def _setting_faults(
    column: Column, field: fields.Field, place: Position, list_name: str | None
) -> Iterator[tuple[Position, str]]:
    numeric = field.kind in {"number", "integer"}
    misplaced = {
        "unit": column.unit is not None and not (list_name == "labs" and column.to == "value"),
        "times": column.times is not None and not numeric,
        "decimal": column.decimal is not None and not numeric,
        "dates": column.dates is not None and field.kind != "date",
        "split": column.split is not None and field.kind != "words",
    }
    means = {
        "unit": "the `value` of `labs`; other fields have the unit that their name says, and "
        "`times` converts",
        "dates": "dates",
        "split": "lists of words",
    }
    for name, wrong in misplaced.items():
        if wrong:
            yield (*place, name), f"is only for {means.get(name, 'numbers')}; remove it"
    for text, value in (column.values or {}).items():
        if value is not None and (fault := _constant_fault(value, field)):
            yield (*place, "values", text), fault


def _constant_fault(value: object, field: fields.Field) -> str:
    """Say why a value that the mapping gives is not one of the field."""
    if field.kind == "boolean":
        return "" if isinstance(value, bool) else "true or false is needed here"
    if field.kind in {"number", "integer"}:
        return "" if is_number(value) else "a number is needed here"
    if field.kind == "date":
        return "" if is_date(str(value)) else "a date is needed here, YYYY-MM-DD, YYYY-MM or YYYY"
    for word in value if field.kind == "words" and isinstance(value, list) else [value]:
        if not isinstance(word, str | int) or isinstance(word, bool):
            return "a word is needed here; put it in quotation marks"
        if field.options and str(word) not in field.options:
            return f"{shown(word)} is not allowed; needed is one of {listed(field.options)}"
    return ""


def is_date(text: str) -> bool:
    """Tell whether a text is a date as the record has them."""
    try:
        span(text)
    except ValueError:
        return False
    return True


def _path(position: Position) -> str:
    return ".".join(str(step) for step in position if step not in {"function-before"})


def _plain(error: Any) -> str:
    kind = error["type"]
    if kind == "extra_forbidden":
        known = {name for part in (Column, Entry, Mapping) for name in part.model_fields}
        return f"no key that is known here; {nearest(str(error['loc'][-1]), sorted(known))}"
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind == "literal_error":
        return f"not allowed; needed is {error['ctx']['expected']}"
    message = str(error["msg"])
    return message[:1].lower() + message[1:]
