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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyspark.sql.functions as F  # noqa: N812  # as everywhere where Spark is used
from pyspark.errors import AnalysisException, PySparkRuntimeError, PythonException
from pyspark.sql import SparkSession, Window
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
from pyspark.storagelevel import StorageLevel

from screener import __version__, database
from screener.batch.chunk import SIZE
from screener.batch.log import LogRow
from screener.batch.tally import Tally
from screener.errors import InputError, Problem, ScreenError, StudyError, UsageError
from screener.screening import Screener, Settings
from screener.spark_folder import LOG, REJECTED, RESULTS, SUMMARY, Folder
from screener.spark_tasks import (
    BOM,
    CANDIDATES,
    SCHEMA,
    WITH_COUNTS,
    Counts,
    Read,
    Screen,
    json_row,
    plain,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = [
    "SCHEMA",
    "Counts",
    "rejected",
    "results",
    "screen_dataframe",
    "screen_files",
    "screening_log",
    "session",
]

_FORMS = "NDJSON (one record a line, UTF-8) and Parquet are read on Spark"
_FIRST = {
    b"[": "a JSON array, which cannot be divided; write one record a line",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
    b"PK": "a ZIP archive or a workbook; screen it without --engine spark",
}
_SESSION = {
    "spark.hadoop.fs.permissions.umask-mode": "077",  # outputs are for their owner only
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(SIZE),
    "spark.sql.inMemoryColumnarStorage.batchSize": "1000",
}


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
    folder = Folder(spark, out)
    if not force:
        folder.refuse()
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
            folder.clear()
            kept = found.where("counts IS NULL")
            for screener in screeners:
                name = screener.plan.study_id
                of_study = kept.where(F.col("study") == name)
                for part, frame in ((RESULTS, results), (LOG, screening_log)):
                    to = folder.child(f"{part}/study={name}")
                    frame(of_study).drop("study").write.parquet(to, "overwrite", compression="zstd")
            rejected(kept).write.mode("overwrite").text(folder.child(REJECTED))
        finally:
            found.unpersist()
    summary = _summary(path, screeners, as_of, total)
    folder.write(SUMMARY, json.dumps(summary, ensure_ascii=False, indent=2) + "\n")
    return summary


def _opened(spark: SparkSession, path: str) -> tuple[DataFrame, list[str]]:
    """Open files: rows with their places, and the names of the files."""
    text = spark.read.option("lineSep", "\n").text(path)
    first = text.selectExpr("substring(CAST(value AS BINARY), 1, 4)").head()
    begins = bytes(first[0]) if first else b""
    for magic, what in _FIRST.items():
        if begins.removeprefix(BOM).startswith(magic):
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
        faults = json_row(connection).faults
    finally:
        connection.close()
    if faults:
        raise InputError(name, [Problem("", fault) for fault in faults])
    return F.struct(*(F.col(f"`{column}`") for column in df.columns)).alias("record")


def _folder_of(names: Sequence[str]) -> str:
    """What all names begin with, up to a slash."""
    # These are addresses, of which `commonpath` would take the two slashes for one.
    addresses = [plain(name) for name in names]
    return os.path.commonprefix(addresses).rpartition("/")[0] + "/"  # noqa: RUF071


def _screen(
    screeners: Sequence[Screener], as_of: date, today: date, unit: str, base: str | None
) -> Screen:
    studies = pickle.dumps([(each.plan.to_json(), each.settings) for each in screeners])
    complete = screeners[0].settings.complete
    return Screen(studies, complete, as_of, today, unit, base, __version__)


def _screened(rows: DataFrame, screen: Screen) -> DataFrame:
    """Find the ids that stand twice, then screen."""
    today, is_text = screen.today, "text" in rows.columns
    candidates = from_arrow_schema(CANDIDATES)
    ids = rows.mapInArrow(Read(today, is_text, keep=False), candidates)
    twice = (
        ids.where("id IS NOT NULL")
        .groupBy("id")
        .agg(F.count("*").alias("times"), F.min(F.struct("file", "number")).alias("earlier"))
        .where("times > 1")
    )
    texts = rows.mapInArrow(Read(today, is_text, keep=True), candidates)
    known = texts.join(F.broadcast(twice), "id", "left")
    wanted = known.select("file", "number", "text", "times", "earlier")
    return wanted.mapInArrow(screen, from_arrow_schema(WITH_COUNTS))


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
