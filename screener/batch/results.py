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
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from screener.plan import Plan

KEPT = "patient_id VARCHAR, truths BOOLEAN[], reasons VARCHAR[]"
"""The columns of what is kept: truths and reasons of `plan.nodes`."""


def text(value: str | None) -> str:
    """A text as SQL."""
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


def long_form(plan: Plan, kept: str) -> str:
    """SQL that takes the rows of a study apart, which `kept` gives, in their order."""
    nodes = plan.nodes
    parents = {part: node.id for node in nodes for part in node.parts}
    ids = _texts([node.id for node in nodes])
    above = _texts([parents.get(i) for i in range(len(nodes))])
    kinds = _texts([node.kind for node in nodes])
    taken_apart = (
        f"SELECT patient_id, unnest({ids}) AS criterion, unnest({above}) AS parent, "  # noqa: S608
        f"unnest({kinds}) AS kind, unnest(truths) AS truth, unnest(reasons) AS reason FROM {kept}"
    )
    return (
        f"SELECT patient_id, {text(plan.study_id)} AS study, criterion, parent, kind, "  # noqa: S608
        "CASE WHEN truth THEN 'met' WHEN NOT truth THEN 'not_met' ELSE 'unknown' END AS truth, "
        "CASE WHEN truth = (kind = 'inclusion') THEN 'pass' WHEN truth IS NULL THEN 'unknown' "
        f"ELSE 'fail' END AS outcome, reason FROM ({taken_apart})"
    )


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
    query = " UNION ALL ".join(
        long_form(plan, f"read_parquet([{name}])")
        for of_chunk in names
        for plan, name in zip(plans, of_chunk, strict=True)
    )
    # On one thread, so that the bytes are the same.
    connection = database.connect(writes=str(target.parent))
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


def _texts(values: Sequence[str | None]) -> str:
    return f"[{', '.join(map(text, values))}]::VARCHAR[]"
