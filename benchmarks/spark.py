"""How long screening on Spark takes for how many records, and what the time goes into.

    python benchmarks/spark.py [--records 2000,8000] [--executors 1,2]

Starts a standalone cluster on this machine for each number of executors, with one core each, and
screens made-up records of about 2.4 kB for DAWNA-FES. The first run on a cluster starts the Python
workers and compiles the study there; it is shown apart. Times by the clock are of this machine
with all else that runs on it; the shares are of processor time and are not.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyspark
import records as made

import screener
from screener import spark, spark_tasks

DAY = date(2026, 1, 15)
MEMORY = 2048


def measured(session: Any, path: Path, out: Path) -> tuple[float, spark.Counts, int]:
    """Screen a file; the time by the clock, what the partitions counted, bytes kept on disk."""
    counted: list[spark.Counts] = []
    kept: list[int] = []

    def report(counts: spark.Counts) -> None:
        counted.append(counts)
        stored = session.sparkContext._jsc.sc().getRDDStorageInfo()
        kept.append(sum(each.diskSize() for each in stored))

    start = time.perf_counter()
    study = screener.load_study("dawna-fes")
    spark.screen_files(session, str(path), [study], DAY, str(out), force=True, report=report)
    return time.perf_counter() - start, counted[0], kept[0]


def reading(path: Path) -> float:
    """Seconds of processor time for the ids and texts of a file, as a task reads them."""
    lines = path.read_bytes().splitlines()
    batch = pa.RecordBatch.from_pydict(
        {"file": [str(path)] * len(lines), "number": list(range(len(lines))), "text": lines}
    )
    start = time.process_time()
    for keep in (False, True):  # once to find ids that stand twice, once to screen
        list(spark_tasks.Read(DAY, is_text=True, keep=keep)([batch]))
    return time.process_time() - start


def tasks(events: Path, name: str) -> dict[str, float]:
    """Sums over the tasks of all runs on a cluster, in seconds, from the log of its events."""
    sums = {"run": 0.0, "java": 0.0, "tasks": 0.0}
    for file in events.rglob("*"):
        if file.is_file() and file.name.startswith("events_") and name in file.name:
            for line in file.read_text("utf-8").splitlines():
                event = json.loads(line)
                if event["Event"] == "SparkListenerTaskEnd" and event.get("Task Metrics"):
                    sums["run"] += event["Task Metrics"]["Executor Run Time"] / 1e3
                    sums["java"] += event["Task Metrics"]["Executor CPU Time"] / 1e9
                    sums["tasks"] += 1
    return sums


def compare(sizes: list[int], executors: int, folder: Path) -> None:
    """Measure on a cluster of so many executors, and print."""
    events = folder / "events"  # of all clusters, which one Java process serves in turn
    events.mkdir(exist_ok=True)
    conf = {
        "spark.ui.enabled": "false",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": events.as_uri(),
        "spark.eventLog.compress": "false",
        "spark.sql.shuffle.partitions": "4",
    }
    words = " ".join(f"--conf {name}={value}" for name, value in conf.items())
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"{words} pyspark-shell"
    session, _ = spark.session(f"local-cluster[{executors},1,{MEMORY}]")
    session.sparkContext.setLogLevel("ERROR")
    name = session.sparkContext.applicationId
    work = Path(pyspark.__file__).parent / "work" / name
    try:
        warm, _, _ = measured(session, folder / f"{sizes[0]}.ndjson", folder / "out")
        print(f"{executors} executor(s): first run of {sizes[0]:,} records {warm:.1f} s")
        print("                                   CPU of Python, µs a record")
        print("   records   seconds  records/s     ids  judging   engine  Arrow and rows  kept, B")
        for size in sizes:
            taken, counts, kept = measured(session, folder / f"{size}.ndjson", folder / "out")
            rest = counts.python - counts.judging - counts.engine
            ids = reading(folder / f"{size}.ndjson")
            parts = (ids, counts.judging, counts.engine, rest)
            each = "  ".join(f"{1e6 * part / size:7.0f}" for part in parts)
            print(
                f"{size:>10,}  {taken:8.1f}  {size / taken:9,.0f}  {each}{kept / size:17,.0f}",
                flush=True,
            )
    finally:
        session.stop()
        shutil.rmtree(work, ignore_errors=True)  # what the executors printed
    sums = tasks(events, name)
    done = sizes[0] + sum(sizes)
    print(f"CPU of Java in tasks (reading, joining, writing): {1e6 * sums['java'] / done:.0f} µs a "
          f"record over all {sums['tasks']:.0f} tasks\n", flush=True)  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--records", default="2000,8000")
    parser.add_argument("--executors", default="1,2")
    given = parser.parse_args()
    sizes = [int(word) for word in given.records.split(",")]
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in sizes:
            made.write(size, folder / f"{size}.ndjson")
        for number in given.executors.split(","):
            compare(sizes, int(number), folder)


if __name__ == "__main__":
    main()
