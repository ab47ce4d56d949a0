"""What chunks leave of their results is brought together in the long form."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from screener.batch import results
from screener.encoding.catalogue import Catalogue
from screener.plan import Plan


@pytest.fixture(scope="module")
def plans() -> list[Plan]:
    return [Catalogue().plan(study) for study in ("dawna-fes", "zhou-2026")]


def kept(plan: Plan, folder: Path, patient: str, truth: bool | None) -> Path:
    """The file of a chunk with one patient, of whom every criterion has the same truth."""
    file = folder / f"{patient}-{plan.study_id}.parquet"
    size = len(plan.nodes)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE kept({results.KEPT})")
        row = [patient, [truth] * size, [f"because {n}" for n in range(size)]]
        connection.execute("INSERT INTO kept VALUES (?, ?, ?)", row)
        results.keep(connection, "FROM kept", file)
    return file


def test_a_row_for_each_criterion_and_part(plans: list[Plan], tmp_path: Path) -> None:
    plan, target = plans[0], tmp_path / "results.parquet"
    truths = {"A": True, "B": False, "C": None}
    files = [[kept(plan, tmp_path, patient, truth)] for patient, truth in truths.items()]
    with results.merging([plan], files, target):
        pass
    parents = {plan.nodes[part].id: node.id for node in plan.nodes for part in node.parts}
    passing = {"A": "inclusion", "B": "exclusion"}
    words = {True: "met", False: "not_met", None: "unknown"}
    assert duckdb.sql(f"FROM '{target}'").fetchall() == [
        (patient, "dawna-fes", node.id, parents.get(node.id), node.kind, words[truth],
         "unknown" if truth is None else "pass" if node.kind == passing[patient] else "fail",
         f"because {n}")
        for patient, truth in truths.items()
        for n, node in enumerate(plan.nodes)
    ]  # fmt: skip


def test_studies_stand_after_each_other_chunk_by_chunk(plans: list[Plan], tmp_path: Path) -> None:
    target = tmp_path / "results.parquet"
    files = [[kept(plan, tmp_path, patient, True) for plan in plans] for patient in ("B", "A")]
    with results.merging(plans, files, target):
        pass
    rows = duckdb.sql(f"SELECT patient_id, study FROM '{target}'").fetchall()
    assert list(dict.fromkeys(rows)) == [
        (patient, plan.study_id) for patient in ("B", "A") for plan in plans
    ]
    assert len(rows) == 2 * sum(len(plan.nodes) for plan in plans)


@pytest.mark.parametrize("studies", [1, 2])
def test_the_file_says_of_no_column_that_it_is_never_null(
    plans: list[Plan], tmp_path: Path, studies: int
) -> None:
    target, asked = tmp_path / "results.parquet", plans[:studies]
    with results.merging(asked, [[kept(plan, tmp_path, "A", True) for plan in asked]], target):
        pass
    schema = f"FROM parquet_schema('{target}') WHERE type IS NOT NULL"
    found = duckdb.sql(f"SELECT name, repetition_type {schema}").fetchall()
    names = "patient_id study criterion parent kind truth outcome reason"
    assert found == [(name, "OPTIONAL") for name in names.split()]


def test_what_cannot_be_written(plans: list[Plan], tmp_path: Path) -> None:
    files = [[kept(plans[0], tmp_path, "A", True)]]
    target = tmp_path / "results.parquet"
    (target / "in the way").mkdir(parents=True)
    with pytest.raises(OSError, match="results"), results.merging(plans[:1], files, target):
        pass


def test_what_fails_meanwhile_is_told(plans: list[Plan], tmp_path: Path) -> None:
    files = [[kept(plans[0], tmp_path, "A", True)]]
    with (
        pytest.raises(KeyError, match="meanwhile"),
        results.merging(plans[:1], files, tmp_path / "results.parquet"),
    ):
        raise KeyError("meanwhile")
