"""The folder of the outputs of a screening on Spark, on any file system that Spark reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from screener.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

RESULTS, LOG, REJECTED, SUMMARY = "results", "screening_log", "rejected.ndjson", "summary.json"
_OUTPUTS = (SUMMARY, RESULTS, LOG, REJECTED)


class Folder:
    """The folder of the outputs, on any file system that Spark reaches."""

    def __init__(self, spark: SparkSession, path: str) -> None:
        java: Any = spark._jvm
        self._name = path
        self._path = java.org.apache.hadoop.fs.Path
        self._files = self._path(path).getFileSystem(spark._jsc.hadoopConfiguration())

    def child(self, name: str) -> str:
        """The path of something in the folder."""
        return f"{self._name.rstrip('/')}/{name}"

    def refuse(self) -> None:
        """Raise UsageError where outputs lie in it."""
        lying = self._lying()
        if lying:
            what = (
                f"{SUMMARY} of an earlier run"
                if lying[0] == SUMMARY
                else f"{lying[0]} of a run that was not finished"
            )
            raise UsageError(
                f"--out {self._name}: {what} lies there. Give another folder, or --force to "
                "replace it"
            )

    def clear(self) -> None:
        """Remove the outputs of an earlier run, that which says that it is whole first."""
        for name in self._lying():
            self._files.delete(self._path(self.child(name)), True)

    def _lying(self) -> list[str]:
        return [n for n in _OUTPUTS if self._files.exists(self._path(self.child(n)))]

    def write(self, name: str, text: str) -> None:
        """Write a file that appears whole."""
        part, whole = self._path(self.child(f".{name}")), self._path(self.child(name))
        stream = self._files.create(part, True)
        try:
            stream.write(bytearray(text.encode()))
        finally:
            stream.close()
        self._files.rename(part, whole)
