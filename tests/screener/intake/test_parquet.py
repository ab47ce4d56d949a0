from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from generators import record
from pyarrow import parquet
from reading import candidates, canonical, data, fault, refused, samples

from screener.canonical import canonical_json
from screener.intake.detect import open_source
from screener.record import parse
from screener.record_schema import template


def written(folder: Path, rows: list[dict[str, Any]], schema: pa.Schema | None = None) -> Path:
    path = folder / "export.parquet"
    parquet.write_table(pa.Table.from_pylist(rows, schema=schema), path, row_group_size=2)
    return path


def one(folder: Path, **columns: Any) -> Any:
    """The record of one row whose columns have the types that are given as arrays."""
    path = folder / "one.parquet"
    arrays = {"id": pa.array(["P"]), **columns}
    parquet.write_table(pa.table(arrays), path)
    (only,) = candidates(path)
    return only


def same_keys(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows that all have every column, as a table has them."""
    return [{**dict.fromkeys(template()), **row} for row in rows]


def test_the_samples_come_back(tmp_path: Path) -> None:
    path = written(tmp_path, same_keys(samples()))
    got = candidates(path)
    assert [canonical(it) for it in got] == [canonical_json(parse(it)) for it in samples()]
    assert [it.place for it in got] == [{"row": n} for n in range(1, len(got) + 1)]


def test_generated_records_come_back(tmp_path: Path) -> None:
    rows = [{**record(seed), "id": f"P{seed}"} for seed in range(60)]
    got = candidates(written(tmp_path, same_keys(rows)))
    assert [canonical(it) for it in got] == [canonical_json(parse(it)) for it in rows]


def test_null_is_absent_and_an_empty_list_is_empty(tmp_path: Path) -> None:
    found = one(
        tmp_path,
        allergies=pa.array([[]], pa.list_(pa.string())),
        injuries=pa.array([None], pa.list_(pa.struct({"major": pa.bool_()}))),
        diagnosis=pa.array([None], pa.struct({"extent": pa.string()})),
    )
    assert data(found) == {"id": "P", "allergies": [], "injuries": None, "diagnosis": None}
    record_ = parse(data(found))
    assert record_.allergies == []
    assert record_.injuries is None
    assert record_.diagnosis is None


@pytest.mark.parametrize(
    "column",
    [
        pa.array([date(1960, 2, 29)]),
        pa.array([datetime(1960, 2, 29, 13, 5)]),
        pa.array([datetime(1960, 2, 29)], pa.timestamp("ns")),
        pa.array(["1960-02-29"]),
        pa.array(["1960-02-29"]).dictionary_encode(),
    ],
)
def test_dates_of_every_type(tmp_path: Path, column: pa.Array) -> None:
    assert data(one(tmp_path, birth_date=column))["birth_date"] == "1960-02-29"


@pytest.mark.parametrize("text", ["1960", "1960-02"])
def test_partial_dates_stay_partial(tmp_path: Path, text: str) -> None:
    assert data(one(tmp_path, birth_date=pa.array([text])))["birth_date"] == text
    year = pa.array([1960], pa.int16())
    assert data(one(tmp_path, birth_date=year))["birth_date"] == "1960"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (pa.array([0.1], pa.float32()), 0.1),
        (pa.array([0.1], pa.float64()), 0.1),
        (pa.array([Decimal("2.50")]), 2.5),
        (pa.array([3], pa.uint8()), 3),
        (pa.array([2**53 + 1], pa.int64()), 2**53 + 1),
    ],
)
def test_numbers_of_every_type(tmp_path: Path, column: pa.Array, value: float) -> None:
    found = data(one(tmp_path, life_expectancy_months=column))["life_expectancy_months"]
    assert found == value


def ratings(kind: pa.DataType, value: Any) -> pa.Array:
    return pa.array([[{"ecog": value}]], pa.list_(pa.struct({"ecog": kind})))


@pytest.mark.parametrize(
    ("kind", "value"), [(pa.float64(), 1.0), (pa.int8(), 1), (pa.decimal128(5, 2), Decimal(1))]
)
def test_whole_numbers_may_be_stored_as_others(tmp_path: Path, kind: Any, value: Any) -> None:
    found = one(tmp_path, performance_status=ratings(kind, value))
    assert data(found)["performance_status"] == [{"ecog": 1}]
    parse(data(found))


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        (pa.float64(), 1.5, "performance_status[0].ecog: 1.5 is not allowed"),
        (pa.float64(), float("nan"), 'performance_status[0].ecog: "nan" is not allowed'),
        (pa.float64(), float("inf"), 'performance_status[0].ecog: "inf" is not allowed'),
        (pa.float32(), float("nan"), 'performance_status[0].ecog: "nan" is not allowed'),
        (pa.string(), "1", 'performance_status[0].ecog: "1" is not allowed'),
        (pa.decimal128(5, 2), Decimal("1.5"), "performance_status[0].ecog: 1.5 is not allowed"),
    ],
)
def test_wrong_numbers_are_refused_by_name(
    tmp_path: Path, kind: Any, value: Any, says: str
) -> None:
    (message,) = refused(one(tmp_path, performance_status=ratings(kind, value)))
    assert message.startswith(says)


@pytest.mark.parametrize(
    ("name", "column", "text"),
    [
        ("centre", pa.array([12]), "12"),
        ("centre", pa.array([12.0]), "12"),
        ("centre", pa.array(["北京"]), "北京"),
    ],
)
def test_text(tmp_path: Path, name: str, column: pa.Array, text: str) -> None:
    assert data(one(tmp_path, **{name: column}))[name] == text


def test_every_wrong_column_is_named(tmp_path: Path) -> None:
    rows = {
        "id": pa.array(["P"]),
        "sexx": pa.array(["female"]),
        "labs": pa.array(["anc 3"]),
        "diagnosis": pa.array([{"extend": "early"}]),
        "imaging": pa.array([[{"lesions": [{"sites": "liver"}]}]]),
        "allergies": pa.array([[b"x"]]),
        "birth_date": pa.array([True]),
        "assessments": pa.array([[1]]),
        "life_expectancy_months": pa.array([date(2026, 1, 1)]),
        "procedures": pa.array([[{"major": date(2026, 1, 1)}]]),
    }
    path = tmp_path / "wrong.parquet"
    parquet.write_table(pa.table(rows), path)
    assert fault(path).split("\n") == [
        "column `sexx` is not in the record; did you mean `sex`?",
        "column `labs` has the type VARCHAR; needed is a list",
        "column `diagnosis.extend` is not in the record; did you mean `extent`?",
        "column `imaging.lesions.sites` is not in the record; did you mean `site`?",
        "column `allergies` has the type BLOB; needed is text",
        "column `birth_date` has the type BOOLEAN; needed is a date or text",
        "column `assessments` has the type BIGINT[]; needed is an object (struct)",
        "column `life_expectancy_months` has the type DATE; needed is a number",
        "column `procedures.major` has the type DATE; needed is true or false",
    ]


def test_a_file_without_ids_or_rows(tmp_path: Path) -> None:
    assert "no column `id`" in fault(written(tmp_path, [{"sex": "female"}]))
    empty = pa.schema({"id": pa.string()})
    assert "the file has no rows" in fault(written(tmp_path, [], empty))


def test_a_damaged_file(tmp_path: Path) -> None:
    path = written(tmp_path, [{"id": f"P{n}", "centre": "x" * 50} for n in range(1000)])
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    assert "damaged or cut off" in fault(path)
    path.write_bytes(whole[:4] + bytes(500) + whole[504:])
    assert "the Parquet file is damaged; get it again" in fault(path)


def test_a_name_that_would_mean_several_files(tmp_path: Path) -> None:
    path = written(tmp_path, [{"id": "P"}]).rename(tmp_path / "export[1].parquet")
    assert "rename the file or folder" in fault(path)


def test_rows_are_read_in_order_twice_and_counted(tmp_path: Path) -> None:
    path = written(tmp_path, [{"id": f"P{n}"} for n in range(5000)])
    source = open_source(path)
    assert source.size == 5000
    for _ in range(2):
        assert [data(it)["id"] for it in source.candidates()] == [f"P{n}" for n in range(5000)]
        assert source.position() == 5000
    source.close()
