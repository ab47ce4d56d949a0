"""What the tasks of a screening on Spark do: they make candidates of rows, and screen them."""

from __future__ import annotations

import json
import pickle
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from screener import __version__, database
from screener.batch.bulk import Bulk
from screener.batch.chunk import SIZE
from screener.batch.culprit import naming
from screener.batch.general import General, engine_for
from screener.batch.judge import Accepted, identify, judge_all
from screener.batch.log import LogRow
from screener.batch.tally import Tally
from screener.errors import Problem, ScreenError, UsageError
from screener.intake import ndjson
from screener.intake.parquet import JsonRow
from screener.intake.source import Candidate, Place
from screener.plan import Plan
from screener.screening import Screener

_CRITERION = [pa.field(name, pa.string()) for name in
              ("criterion", "parent", "kind", "truth", "outcome", "reason")]  # fmt: skip
_DATES = ("as_of", "rescreen_on")
SCHEMA = pa.schema(
    [
        *(
            pa.field(name, pa.date32() if name in _DATES else pa.string())
            for name in LogRow._fields
        ),
        pa.field("criteria", pa.list_(pa.struct(_CRITERION))),
        pa.field("rejected", pa.string()),
    ]
)
"""What `screen_dataframe` gives: a row for each record and study, with the columns of the screening
log and, in `criteria`, the long form of its results; and a row for each record that cannot be
screened, with only `patient_id`, where it is legible, and `rejected`, its row of
`rejected.ndjson`."""

WITH_COUNTS = SCHEMA.append(pa.field("counts", pa.string()))
"""The same, and at the end of each partition a row that holds what is to be added up."""

CANDIDATES = pa.schema(
    [("file", pa.string()), ("number", pa.int64()), ("id", pa.string()), ("text", pa.binary())]
)
"""Rows in which records may be, with their ids."""

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Read:
    """Makes candidates of rows: the text of each record and its id."""

    today: date
    is_text: bool
    """Whether a row is a line of JSON; else it has the fields of the record as columns."""
    keep: bool
    """Whether the texts are wanted, or the ids only."""

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Read the rows of a partition."""
        with _nothing_told():
            for batch in batches:
                if batch.num_rows:
                    yield self._read(batch)

    def _read(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        files, numbers = batch["file"].to_pylist(), batch["number"].to_pylist()
        lines = batch["text"].to_pylist() if self.is_text else _as_json(batch["record"])
        found: list[tuple[Any, ...]] = []
        for file, number, given in zip(files, numbers, lines, strict=True):
            line = given or b""
            if number == 1:
                line = line.removeprefix(BOM)
            if candidate := _candidate({}, line):
                name = identify(candidate, self.today)
                found.append((file, number, name, line if self.keep else None))
        return _batch(CANDIDATES, found)


@dataclass(frozen=True)
class Screen:
    """Screens candidates. All that it needs travels with it, so that workers share no folder."""

    studies: bytes
    """Plans and settings, pickled: the key under which a worker keeps its engines."""
    complete: frozenset[str]
    as_of: date
    today: date
    unit: str
    """What `number` counts: `line` or `row`; empty where the input has no order."""
    base: str | None
    """What the names of all files begin with; None where there is one file only."""
    version: str

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Screen the candidates of a partition."""
        if self.version != __version__:
            raise UsageError(
                f"trial-screen is {self.version} on the driver and {__version__} on a worker; "
                "install one version on both"
            )
        with _nothing_told():
            begun = time.process_time()
            engines = engines_of(self.studies)
            counts = Counts(0, 0, [Tally.empty(engine.plan) for engine in engines])
            for batch in batches:
                for start in range(0, batch.num_rows, SIZE):
                    yield from self._screen(batch.slice(start, SIZE), engines, counts)
            counts.python = time.process_time() - begun
            yield _batch(WITH_COUNTS, [(*(None,) * len(SCHEMA), counts.to_json())])

    def _screen(
        self, batch: pa.RecordBatch, engines: list[Bulk | General], counts: Counts
    ) -> Iterator[pa.RecordBatch]:
        begun = time.process_time()
        accepted: list[Accepted] = []
        rejected: list[tuple[Any, ...]] = []
        rows = batch.to_pylist()
        candidates = [self._candidate(row) for row in rows]
        earlier = {n: place for n, row in enumerate(rows) if (place := self._earlier(row))}
        for found in judge_all(candidates, self.today, self.complete, earlier):
            if isinstance(found, Accepted):
                accepted.append(found)
            else:
                told = found.line().removesuffix("\n")
                rejected.append((found.patient_id, *(None,) * len(LogRow._fields), told, None))
        counts.records += batch.num_rows
        counts.rejected += len(rejected)
        judged = time.process_time()
        counts.judging += judged - begun
        if rejected:
            yield _batch(WITH_COUNTS, rejected)
        if not accepted:
            return
        for engine, tally in zip(engines, counts.tallies, strict=True):
            judged = time.process_time()
            screen = partial(engine.screen, as_of=self.as_of)
            screened = naming(engine.plan.study_id, screen, accepted)
            made = _rows(screened.log, engine.results())
            tally.add(screened.tally)
            counts.engine += time.process_time() - judged
            yield made

    def _candidate(self, row: dict[str, Any]) -> Candidate:
        candidate = _candidate(self._place(row["file"], row["number"]), row["text"])
        assert candidate is not None  # noqa: S101  # blank lines were left out before
        if row["times"] is None or self.unit:
            return candidate
        told = (
            f"the same id as that of another record ({row['times']} in all), and none is the "
            "first, since this input has no order; give each patient one record and one id"
        )
        return candidate._replace(problems=(*candidate.problems, Problem("id", told)))

    def _earlier(self, row: dict[str, Any]) -> Place:
        """Where the id of a row stands first; empty if that is here, or there is no order."""
        first = row["earlier"]
        if row["times"] is None or (first["file"], first["number"]) == (row["file"], row["number"]):
            return {}
        return self._place(first["file"], first["number"])

    def _place(self, file: str | None, number: int | None) -> Place:
        if not self.unit:
            return {}
        name = {} if self.base is None else {"file": unquote(plain(file).removeprefix(self.base))}
        return {**name, self.unit: number}


@dataclass
class Counts:
    """What a partition adds to the whole."""

    records: int
    rejected: int
    tallies: list[Tally]
    judging: float = 0.0
    """Seconds of processor time that validation took,"""
    engine: float = 0.0
    """screening,"""
    python: float = 0.0
    """and all that was done in Python, with what brings rows there and back."""

    def to_json(self) -> str:
        """Write them as a text."""
        return json.dumps({**vars(self), "tallies": [tally.as_json() for tally in self.tallies]})


@lru_cache(maxsize=1)
def engines_of(studies: bytes) -> list[Bulk | General]:
    """The engines of some studies, for all tasks that a worker runs, one after the other."""
    made: list[Bulk | General] = []
    for plan, settings in pickle.loads(studies):  # noqa: S301  # the driver's own
        screener = Screener(Plan.from_json(plan), settings)
        made.append(engine_for(screener))
    return made


def plain(file: str | None) -> str:
    """The address of a file; Spark writes that of a local one with one slash or with three."""
    return re.sub("^file:/+", "/", file or "")


def _candidate(place: dict[str, Any], line: bytes) -> Candidate | None:
    found = ndjson.candidate(place, line)
    if found is None or found.text is None:
        return found
    try:
        found.text.decode()
    except UnicodeDecodeError as error:
        told = f"not UTF-8 from byte {error.start + 1} on; save the export as UTF-8"
        raw = found.text.decode(errors="replace")
        return Candidate(place, None, raw, (Problem("", told),))
    return found


def _as_json(records: pa.StructArray) -> list[bytes]:
    """Write records that have their fields as columns as JSON, as those of a Parquet file."""
    connection = database.connect()
    try:
        fields = [field.name for field in records.type]
        database.from_arrow(
            connection, "given", pa.Table.from_arrays(records.flatten(), names=fields)
        )
        row = json_row(connection)
        found = connection.execute(f"SELECT CAST({row.select} AS VARCHAR) FROM given")  # noqa: S608
        return [text.encode() for (text,) in found.fetchall()]
    finally:
        connection.close()


def json_row(connection: Any) -> JsonRow:
    """What makes JSON of the rows that are known as `given`."""
    connection.execute("SELECT * FROM given LIMIT 0")
    return JsonRow([(str(name), kind) for name, kind, *_ in connection.description])


def _rows(log: Sequence[LogRow], results: pa.Table) -> pa.RecordBatch:
    """Bring the log of some records together with their results, record by record."""
    size = results.num_rows // len(log)
    names = results["patient_id"].to_pylist()[::size]
    by_name = {row.patient_id: row.cells() for row in log}
    columns = list(zip(*(by_name[name] for name in names), strict=True))
    arrays = [
        pa.array([date.fromisoformat(v) if v else None for v in values], pa.date32())
        if name in _DATES
        else pa.array(values, pa.string())
        for name, values in zip(LogRow._fields, columns, strict=True)
    ]
    parts = [results[field.name].combine_chunks() for field in _CRITERION]
    parts = [part.chunk(0) if isinstance(part, pa.ChunkedArray) else part for part in parts]
    ends = pa.array(range(0, results.num_rows + 1, size), pa.int32())
    arrays.append(
        pa.ListArray.from_arrays(ends, pa.StructArray.from_arrays(parts, fields=_CRITERION))
    )
    arrays += [pa.nulls(len(log), pa.string()) for _ in range(2)]
    return pa.RecordBatch.from_arrays(arrays, schema=WITH_COUNTS)


def _batch(schema: pa.Schema, rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [pa.array(list(c), field.type) for c, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


@contextmanager
def _nothing_told() -> Iterator[None]:
    """Let no error quote a record: Spark writes what a worker raises to its logs."""
    try:
        yield
    except ScreenError:
        raise
    except Exception as error:
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        line = frame.tb_lineno if frame else 0
        where = Path(frame.tb_frame.f_code.co_filename).name if frame else ""
        raise RuntimeError(f"{type(error).__name__} at {where}, line {line}") from None
