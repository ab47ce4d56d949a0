"""A Spark cluster on this machine: a master, two workers and an executor process on each."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyspark
import pytest
from pyspark.sql import SparkSession

from screener import spark

MASTER = "local-cluster[2,1,1024]"
# Programs that run for a minute are not worth compiling well, nor is what Spark ships worth
# verifying; and while their classes are loaded, no garbage is worth looking for.
_JAVA = (
    "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:MetaspaceSize=256m "
    "-XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
)
_CONF = {
    "spark.driver.extraJavaOptions": _JAVA,
    "spark.executor.extraJavaOptions": _JAVA,
    "spark.sql.codegen.wholeStage": "false",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "3",
    "spark.sql.files.openCostInBytes": "1024",
    # A machine that is busy with other tests is slow to answer, and not lost.
    "spark.network.timeout": "600s",
    "spark.worker.timeout": "600",
}


@contextmanager
def cluster(folder: Path, master: str = MASTER, **conf: str) -> Iterator[SparkSession]:
    """A session on a cluster that lives as long."""
    words = " ".join(f"--conf '{k}={v}'" for k, v in {**_CONF, **conf}.items())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("SPARK_LOCAL_DIRS", str(folder / "local"))
        patch.setenv("PYSPARK_SUBMIT_ARGS", f"{words} pyspark-shell")
        session, new = spark.session(master)
        assert new
        session.sparkContext.setLogLevel("ERROR")
        work = Path(pyspark.__file__).parent / "work" / session.sparkContext.applicationId
        try:
            yield session
        finally:
            session.stop()
            shutil.rmtree(work, ignore_errors=True)  # what the executors printed


def divided(session: SparkSession, size: str) -> Any:
    """Let files be read in pieces of so many bytes, for a while."""

    @contextmanager
    def during() -> Iterator[None]:
        session.conf.set("spark.sql.files.maxPartitionBytes", size)
        try:
            yield
        finally:
            session.conf.unset("spark.sql.files.maxPartitionBytes")

    return during()


def executors(session: SparkSession) -> list[int]:
    """The processes of the executors of a session."""
    name = session.sparkContext.applicationId.encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except OSError:  # it has ended
            continue
        if name in words and b"org.apache.spark.executor.CoarseGrainedExecutorBackend" in words:
            found.append(int(entry.name))
    return found


def kill(process: int) -> None:
    """End a process at once, as a machine that fails does."""
    os.kill(process, signal.SIGKILL)
