"""Screens on Spark: every partition of the input by the judge and the engine of a batch.

A notebook or job screens a DataFrame:

    screened = screen_dataframe(spark.table("registry.patients"), "dawna-fes", date(2026, 1, 15))
    screened.where("status = 'eligible'").select("patient_id").show()

`screen_files` does what `screen batch --engine spark` does: it reads files and writes a folder.
Neither knows a fact or a criterion. The compiled study travels to the workers, and there
`screener.batch` does with each piece what it does on one machine.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pyarrow as pa
import pyspark.sql.functions as F  # noqa: N812  # as everywhere where Spark is used
from pyspark.errors import AnalysisException, PySparkRuntimeError, PythonException
from pyspark.sql import SparkSession, Window
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
from pyspark.storagelevel import StorageLevel

from screener import __version__, database
from screener.batch.bulk import Bulk
from screener.batch.chunk import SIZE
from screener.batch.general import General, engine_for
from screener.batch.judge import Accepted, Rejected, identify, judge
from screener.batch.log import LogRow
from screener.batch.tally import Tally
from screener.errors import InputError, Problem, ScreenError, StudyError, UsageError
from screener.intake import ndjson
from screener.intake.parquet import JsonRow
from screener.intake.source import Candidate
from screener.plan import Plan
from screener.screening import Screener, Settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

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

_WITH_COUNTS = SCHEMA.append(pa.field("counts", pa.string()))
"""The same, and at the end of each partition a row that holds what is to be added up."""
_CANDIDATES = pa.schema(
    [("file", pa.string()), ("number", pa.int64()), ("id", pa.string()), ("text", pa.binary())]
)

_BOM = b"\xef\xbb\xbf"
_FORMS = "NDJSON (one record a line, UTF-8) and Parquet are read on Spark"
_FIRST = {
    b"[": "a JSON array, which cannot be divided; write one record a line",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
    b"PK": "a ZIP archive or a workbook; screen it without --engine spark",
}
_OUTPUTS = ("results", "screening_log", "rejected.ndjson")
_SUMMARY = "summary.json"
_SESSION = {
    "spark.hadoop.fs.permissions.umask-mode": "077",  # outputs are for their owner only
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(SIZE),
    "spark.sql.inMemoryColumnarStorage.batchSize": "1000",
}


# What runs on the workers.


@dataclass(frozen=True)
class _Read:
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
                line = line.removeprefix(_BOM)
            if candidate := _candidate({}, line):
                name = identify(candidate, self.today)
                found.append((file, number, name, line if self.keep else None))
        return _batch(_CANDIDATES, found)


@dataclass(frozen=True)
class _Screen:
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
            engines = _engines(self.studies)
            counts = Counts(0, 0, [Tally.empty(engine.plan) for engine in engines])
            for batch in batches:
                for start in range(0, batch.num_rows, SIZE):
                    yield from self._screen(batch.slice(start, SIZE), engines, counts)
            counts.python = time.process_time() - begun
            yield _batch(_WITH_COUNTS, [(*(None,) * len(SCHEMA), counts.to_json())])

    def _screen(
        self, batch: pa.RecordBatch, engines: list[Bulk | General], counts: Counts
    ) -> Iterator[pa.RecordBatch]:
        begun = time.process_time()
        accepted: list[Accepted] = []
        rejected: list[tuple[Any, ...]] = []
        for row in batch.to_pylist():
            found = self._judge(row)
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
            yield _batch(_WITH_COUNTS, rejected)
        if not accepted:
            return
        for engine, tally in zip(engines, counts.tallies, strict=True):
            judged = time.process_time()
            screened = engine.screen(accepted, self.as_of)
            made = _rows(screened.log, engine.results())
            tally.add(screened.tally)
            counts.engine += time.process_time() - judged
            yield made

    def _judge(self, row: dict[str, Any]) -> Accepted | Rejected:
        candidate = _candidate(self._place(row["file"], row["number"]), row["text"])
        assert candidate is not None  # noqa: S101  # blank lines were left out before
        earlier = None
        if row["times"] is not None and not self.unit:
            told = (
                f"the same id as that of another record ({row['times']} in all), and none is the "
                "first, since this input has no order; give each patient one record and one id"
            )
            candidate = Candidate(
                candidate.place, candidate.text, candidate.raw,
                (*candidate.problems, Problem("id", told)), candidate.patient_id,
            )  # fmt: skip
        elif row["times"] is not None:
            first = row["earlier"]
            if (first["file"], first["number"]) != (row["file"], row["number"]):
                earlier = self._place(first["file"], first["number"])
        return judge(candidate, self.today, self.complete, earlier)

    def _place(self, file: str | None, number: int | None) -> dict[str, Any]:
        if not self.unit:
            return {}
        name = {} if self.base is None else {"file": unquote(_plain(file).removeprefix(self.base))}
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
def _engines(studies: bytes) -> list[Bulk | General]:
    """The engines of some studies, for all tasks that a worker runs, one after the other."""
    made: list[Bulk | General] = []
    for plan, settings in pickle.loads(studies):  # noqa: S301  # the driver's own
        screener = Screener(Plan.from_json(plan), settings)
        made.append(engine_for(screener))
    return made


def _plain(file: str | None) -> str:
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
        row = _json_row(connection)
        found = connection.execute(f"SELECT CAST({row.select} AS VARCHAR) FROM given")  # noqa: S608
        return [text.encode() for (text,) in found.fetchall()]
    finally:
        connection.close()


def _json_row(connection: Any) -> JsonRow:
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
    return pa.RecordBatch.from_arrays(arrays, schema=_WITH_COUNTS)


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


# What runs on the driver.


def screen_dataframe(
    df: DataFrame,
    study: str | Path | Screener,
    as_of: date | None = None,
    settings: Settings | None = None,
) -> DataFrame:
    """Screen the records of a DataFrame for one study on a day, today unless given.

    `df` has the fields of the record as columns (lists and objects nested), or one column of text
    with a record in JSON in each row. `study` is an id, the path of a study file, or what
    `screener.load_study` returned; `settings` holds what the site decides.

    The DataFrame returned has the columns of `SCHEMA`; `results`, `screening_log` and `rejected`
    make the three outputs of a batch of it. It is computed when it is used, each time anew unless
    it is persisted. A DataFrame has no order, so of several records with one id none is the first,
    and all of them are rejected.

    Raises:
        UsageError: there is no such study, or a setting does not fit it.
        StudyError: something is wrong in the study's files.
        InputError: a column is not in the record, or its type cannot be the field's.
    """
    if not isinstance(study, Screener):
        from screener import load_study  # noqa: PLC0415

        study = load_study(study, settings=settings)
    elif settings is not None:
        raise UsageError("settings belong to load_study where the study is loaded before")
    kinds = {"string", "binary"}
    is_text = len(df.dtypes) == 1 and df.dtypes[0][1] in kinds and df.dtypes[0][0] != "id"
    given = F.col(df.columns[0]).cast("binary").alias("text") if is_text else _record(df, "df")
    nowhere = [F.lit(None).cast("string").alias("file"), F.lit(None).cast("long").alias("number")]
    rows = df.select(*nowhere, given)
    today = date.today()
    found = _screened(rows, _screen([study], as_of or today, today, "", None))
    return found.where("counts IS NULL").drop("counts")


def results(screened: DataFrame) -> DataFrame:
    """The long form: one row per patient, study and criterion or part, as in `results.parquet`."""
    rows = screened.where("rejected IS NULL")
    return rows.select("patient_id", "study", F.inline("criteria"))


def screening_log(screened: DataFrame) -> DataFrame:
    """One row per patient and study, as in `screening_log.csv`, with days as dates."""
    return screened.where("rejected IS NULL").select(*LogRow._fields)


def rejected(screened: DataFrame) -> DataFrame:
    """One row per record that could not be screened, with its row of `rejected.ndjson`."""
    return screened.where("rejected IS NOT NULL").select("rejected")


def session(master: str | None) -> tuple[SparkSession, bool]:
    """The session of this process, or a new one as `screen_files` wants it, and whether it is new.

    `master` is as `spark-submit` takes it; without it, the configuration of Spark says it.

    Raises UsageError where Spark cannot be started.
    """
    if running := SparkSession.getActiveSession():
        return running, False
    if master and master.startswith("local"):  # workers are children of this process
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("trial-screen")
    for name, value in _SESSION.items():
        builder = builder.config(name, value)
    try:
        return (builder.master(master) if master else builder).getOrCreate(), True
    except PySparkRuntimeError:
        raise UsageError(
            "Spark cannot be started; it needs Java 17 or later: install it and set JAVA_HOME"
        ) from None
    except Exception as error:  # whatever Java raised, through py4j
        said = str(getattr(error, "java_exception", error)).splitlines()[:1]
        raise UsageError(f"--master {master}: Spark cannot be started: {''.join(said)}") from None


def screen_files(  # noqa: PLR0913  # what `screen batch` takes as options
    spark: SparkSession,
    path: str,
    screeners: Sequence[Screener],
    as_of: date,
    out: str,
    *,
    today: date | None = None,
    force: bool = False,
    report: Callable[[Counts], None] | None = None,
) -> dict[str, Any]:
    """Screen NDJSON or Parquet files, write the outputs to a folder, and return the summary.

    `path` and `out` are as Spark takes them; `today` bounds dates of birth; `report` is called with
    what was counted, when all is screened. The folder then holds
    `results` and `screening_log` as Parquet, each in a folder `study=ID`, `rejected.ndjson` as a
    folder of text files, and last `summary.json`: where it stands, the run is whole.

    Raises:
        UsageError: the folder holds outputs of an earlier run and `force` is not given.
        InputError: the input as a whole cannot be used.
        StudyError: an expression of a study cannot be computed for one of the records.
    """
    folder = _Folder(spark, out)
    folder.claim(force=force)
    settings = {"spark.sql.files.minPartitionNum": str(spark.sparkContext.defaultParallelism)}
    with _set(spark, settings), _told(path):
        rows, names = _opened(spark, path)
        base = _folder_of(names) if len(names) > 1 else None
        unit = "line" if "text" in rows.columns else "row"
        found = _screened(rows, _screen(screeners, as_of, today or date.today(), unit, base))
        found.persist(StorageLevel.DISK_ONLY)
        try:
            total = _total(found, screeners)
            if not total.records:
                raise _unusable(path, "there is no record in it")
            if report:
                report(total)
            kept = found.where("counts IS NULL")
            for screener in screeners:
                name = screener.plan.study_id
                of_study = kept.where(F.col("study") == name)
                for part, frame in (("results", results), ("screening_log", screening_log)):
                    to = folder.child(f"{part}/study={name}")
                    frame(of_study).drop("study").write.parquet(to, "overwrite", compression="zstd")
            rejected(kept).write.mode("overwrite").text(folder.child("rejected.ndjson"))
        finally:
            found.unpersist()
    summary = _summary(path, screeners, as_of, total)
    folder.write(_SUMMARY, json.dumps(summary, ensure_ascii=False, indent=2) + "\n")
    return summary


def _opened(spark: SparkSession, path: str) -> tuple[DataFrame, list[str]]:
    """Open files: rows with their places, and the names of the files."""
    text = spark.read.option("lineSep", "\n").text(path)
    first = text.selectExpr("substring(CAST(value AS BINARY), 1, 4)").head()
    begins = bytes(first[0]) if first else b""
    for magic, what in _FIRST.items():
        if begins.removeprefix(_BOM).startswith(magic):
            raise _unusable(path, f"this is {what}. {_FORMS}")
    file = F.col("_metadata.file_path").alias("file")
    if begins == b"PAR1":
        table = spark.read.parquet(path)
        number = (F.col("_metadata.row_index") + 1).alias("number")
        return table.select(file, number, _record(table, path)), table.inputFiles()
    lines = text.select(
        file,
        F.col("_metadata.file_block_start").alias("block"),
        F.monotonically_increasing_id().alias("at"),
        F.col("value").cast("binary").alias("text"),
    )
    # Within a block the rows are numbered as they stand, so a line's number is that of its block's
    # first line and how far it is from there.
    blocks = lines.groupBy("file", "block").agg(F.min("at").alias("first"), F.count("*").alias("n"))
    above = Window.partitionBy("file").orderBy("block")
    before = F.sum("n").over(above.rowsBetween(Window.unboundedPreceding, -1))
    shift = (F.coalesce(before, F.lit(0)) - F.col("first") + 1).alias("shift")
    placed = lines.join(F.broadcast(blocks.select("file", "block", shift)), ["file", "block"])
    number = (F.col("at") + F.col("shift")).alias("number")
    return placed.select("file", number, "text"), text.inputFiles()


def _record(df: DataFrame, name: str) -> Any:
    """The columns of a DataFrame as one, if they are those of the record."""
    connection = database.connect()
    try:
        database.from_arrow(connection, "given", to_arrow_schema(df.schema).empty_table())
        faults = _json_row(connection).faults
    finally:
        connection.close()
    if faults:
        raise InputError(name, [Problem("", fault) for fault in faults])
    return F.struct(*(F.col(f"`{column}`") for column in df.columns)).alias("record")


def _folder_of(names: Sequence[str]) -> str:
    """What all names begin with, up to a slash."""
    # These are addresses, of which `commonpath` would take the two slashes for one.
    plain = [_plain(name) for name in names]
    return os.path.commonprefix(plain).rpartition("/")[0] + "/"  # noqa: RUF071


def _screen(
    screeners: Sequence[Screener], as_of: date, today: date, unit: str, base: str | None
) -> _Screen:
    studies = pickle.dumps([(each.plan.to_json(), each.settings) for each in screeners])
    complete = screeners[0].settings.complete
    return _Screen(studies, complete, as_of, today, unit, base, __version__)


def _screened(rows: DataFrame, screen: _Screen) -> DataFrame:
    """Find the ids that stand twice, then screen."""
    today, is_text = screen.today, "text" in rows.columns
    candidates = from_arrow_schema(_CANDIDATES)
    ids = rows.mapInArrow(_Read(today, is_text, keep=False), candidates)
    twice = (
        ids.where("id IS NOT NULL")
        .groupBy("id")
        .agg(F.count("*").alias("times"), F.min(F.struct("file", "number")).alias("earlier"))
        .where("times > 1")
    )
    texts = rows.mapInArrow(_Read(today, is_text, keep=True), candidates)
    known = texts.join(F.broadcast(twice), "id", "left")
    wanted = known.select("file", "number", "text", "times", "earlier")
    return wanted.mapInArrow(screen, from_arrow_schema(_WITH_COUNTS))


def _total(screened: DataFrame, screeners: Sequence[Screener]) -> Counts:
    total = Counts(0, 0, [Tally.empty(screener.plan) for screener in screeners])
    for (text,) in screened.where("counts IS NOT NULL").select("counts").collect():
        part = json.loads(text)
        for tally, more in zip(total.tallies, part.pop("tallies"), strict=True):
            tally.add(Tally.from_json(more))
        for name, value in part.items():
            setattr(total, name, getattr(total, name) + value)
    return total


def _summary(
    path: str, screeners: Sequence[Screener], as_of: date, total: Counts
) -> dict[str, Any]:
    from screener.batch.run import summary  # noqa: PLC0415

    source = {"name": path, "sha256": None, "records": total.records,
              "screened": total.records - total.rejected, "rejected": total.rejected}  # fmt: skip
    return summary(screeners, as_of, total.tallies, source)


class _Folder:
    """The folder of the outputs, on any file system that Spark reaches."""

    def __init__(self, spark: SparkSession, path: str) -> None:
        java: Any = spark._jvm
        self._name = path
        self._path = java.org.apache.hadoop.fs.Path
        self._files = self._path(path).getFileSystem(spark._jsc.hadoopConfiguration())

    def child(self, name: str) -> str:
        """The path of something in the folder."""
        return f"{self._name.rstrip('/')}/{name}"

    def claim(self, *, force: bool) -> None:
        """See that nothing lies there, or remove it."""
        lying = [n for n in (_SUMMARY, *_OUTPUTS) if self._files.exists(self._path(self.child(n)))]
        if lying and not force:
            what = (
                f"{_SUMMARY} of an earlier run"
                if lying[0] == _SUMMARY
                else f"{lying[0]} of a run that was not finished"
            )
            raise UsageError(
                f"--out {self._name}: {what} lies there. Give another folder, or --force to "
                "replace it"
            )
        for name in lying:
            self._files.delete(self._path(self.child(name)), True)

    def write(self, name: str, text: str) -> None:
        """Write a file that appears whole."""
        part, whole = self._path(self.child(f".{name}")), self._path(self.child(name))
        stream = self._files.create(part, True)
        try:
            stream.write(bytearray(text.encode()))
        finally:
            stream.close()
        self._files.rename(part, whole)


@contextmanager
def _set(spark: SparkSession, settings: dict[str, str]) -> Iterator[None]:
    """Set what the user has not set, for a while.

    Both readings of the files must divide them alike, also when executors come or go in between.
    """
    mine = {name: value for name, value in settings.items() if spark.conf.get(name, None) is None}
    for name, value in mine.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name in mine:
            spark.conf.unset(name)


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Say what Spark says of an error as this program says it."""
    kinds: dict[str, Callable[[str], ScreenError]] = {
        "StudyError": StudyError, "UsageError": UsageError
    }  # fmt: skip
    try:
        yield
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        raise _unusable(path, "there is no such file or folder") from None
    except PythonException as error:
        raised = re.search(r"^screener\.errors\.(\w+): (.*)$", str(error), re.MULTILINE)
        if raised is None or raised[1] not in kinds:
            raise
        raise kinds[raised[1]](raised[2]) from None


def _unusable(path: str, message: str) -> InputError:
    return InputError(path, [Problem("", message)])
