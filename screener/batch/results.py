"""The results of many records in the long form, a row for each criterion and part of each record.

Between the steps of a run they are kept with a row for each record: that is written in a third of
the time, and taken apart once, when the results of all chunks are brought together.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from screener import database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from screener.plan import Plan
    from screener.result import Outcome, Truth

KEPT = "patient_id VARCHAR, truths BOOLEAN[], reasons VARCHAR[]"
"""The columns of what is kept: truths and reasons of `plan.nodes`."""


def text(value: str) -> str:
    """A text as SQL."""
    return "'" + value.replace("'", "''") + "'"


def long_form(plan: Plan, kept: str, types: Mapping[str, str] | None = None) -> str:
    """SQL that takes the rows of a study apart, which `kept` gives, in their order.

    `types` are those of columns that are no plain text.
    """
    known = types or {}

    def words(column: str) -> str:
        values = ", ".join("NULL" if it is None else text(it) for it in _WORDS[column](plan))
        return f"[{values}]::VARCHAR[]::{known.get(column, 'VARCHAR')}[]"

    def word(column: str, value: str) -> str:
        return f"{text(value)}::{known.get(column, 'VARCHAR')}"

    included = ", ".join("true" if node.kind == "inclusion" else "false" for node in plan.nodes)
    each = ", ".join(f"unnest({words(it)}) AS {it}" for it in ("criterion", "parent", "kind"))
    taken_apart = (
        f"SELECT patient_id, {each}, unnest([{included}]) AS included, "  # noqa: S608
        f"unnest(truths) AS is_met, unnest(reasons) AS reason FROM {kept}"
    )
    met, not_met, unknown = (word("truth", it) for it in _TRUTHS)
    passes, fails, is_open = (word("outcome", it) for it in _OUTCOMES)
    return (
        f"SELECT patient_id, {word('study', plan.study_id)} AS study, criterion, parent, kind, "  # noqa: S608
        f"CASE WHEN is_met THEN {met} WHEN NOT is_met THEN {not_met} ELSE {unknown} END AS truth, "
        f"CASE WHEN is_met = included THEN {passes} WHEN is_met IS NULL THEN {is_open} "
        f"ELSE {fails} END AS outcome, reason FROM ({taken_apart})"
    )


_TRUTHS: tuple[Truth, ...] = ("met", "not_met", "unknown")
_OUTCOMES: tuple[Outcome, ...] = ("pass", "fail", "unknown")


def _parents(plan: Plan) -> list[str | None]:
    above = {part: node.id for node in plan.nodes for part in node.parts}
    return [above.get(index) for index in range(len(plan.nodes))]


_WORDS: dict[str, Callable[[Plan], Sequence[str | None]]] = {
    "study": lambda plan: [plan.study_id],
    "criterion": lambda plan: [node.id for node in plan.nodes],
    "parent": _parents,
    "kind": lambda plan: [node.kind for node in plan.nodes],
    "truth": lambda _: _TRUTHS,
    "outcome": lambda _: _OUTCOMES,
}
"""The columns that hold some few words, and of a study these."""


def keep(connection: Any, query: str, file: Path) -> None:
    """Write the rows of a query to a file.

    Raises:
        FileError: the file cannot be written.
    """
    connection.execute(f"COPY ({query}) TO {text(str(file))} (FORMAT parquet, COMPRESSION zstd)")


@contextmanager
def merging(plans: Sequence[Plan], files: Sequence[Sequence[Path]], target: Path) -> Iterator[None]:
    """Bring what was kept together while something else is done; at its end it is in `target`.

    `files` has for each chunk one file for each study.

    Raises:
        OSError: the file cannot be written.
    """
    names = [[text(str(file)) for file in of_chunk] for of_chunk in files]
    if len(plans) == 1:  # all at once, else the studies of one chunk after the other
        names = [[", ".join(name for [name] in names)]]
    # On one thread, so that the bytes are the same.
    connection = database.connect(writes=str(target.parent))
    types = _enumerations(connection, plans)
    query = " UNION ALL ".join(
        long_form(plan, f"read_parquet([{name}])", types)
        for of_chunk in names
        for plan, name in zip(plans, of_chunk, strict=True)
    )
    with closing(connection), ThreadPoolExecutor(1) as pool:
        # Else the file would say of a column that it is never NULL, where it happens not to be.
        connection.execute("SET disabled_optimizers = 'statistics_propagation'")
        merged = pool.submit(keep, connection, query, target)
        try:
            yield
            merged.result()
        except database.FileError as error:
            raise OSError(str(error)) from None
        except BaseException:
            connection.interrupt()
            raise


def _enumerations(connection: Any, plans: Sequence[Plan]) -> dict[str, str]:
    """Make a type of the words of each column that holds few: written as text, in half the time."""
    types: dict[str, str] = {}
    for column, of_plan in _WORDS.items():
        words = dict.fromkeys(it for plan in plans for it in of_plan(plan) if it is not None)
        if words:
            types[column] = f"{column}_words"
            connection.execute(
                f"CREATE TYPE {types[column]} AS ENUM ({', '.join(map(text, words))})"
            )
    return types
