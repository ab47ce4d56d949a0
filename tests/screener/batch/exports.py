"""Exports for tests of a batch, and how it is run."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from program import DAY, PROGRAM, environment
from small_study import ELIGIBLE, INELIGIBLE, STUDY, UNDETERMINED

if TYPE_CHECKING:
    from collections.abc import Iterable

KINDS = (ELIGIBLE, INELIGIBLE, UNDETERMINED)


def patients(number: int) -> list[dict[str, Any]]:
    """Records for the small study: eligible, ineligible and undetermined in turn."""
    return [{**KINDS[n % 3], "id": f"P{n:06d}"} for n in range(number)]


def ndjson(path: Path, records: Iterable[Any]) -> Path:
    """Write records one a line; a text stands for a line as it is."""
    lines = (it if isinstance(it, str) else json.dumps(it, ensure_ascii=False) for it in records)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def study(folder: Path) -> Path:
    """The small study as a file."""
    path = folder / "small.yaml"
    path.write_text(STUDY, "utf-8")
    return path


def command(export: Path | str, out: Path, study: Path | str, *more: object) -> list[str]:
    """The words of a batch."""
    words = ["batch", export, "--out", out, "--study", study, "--as-of", DAY, *more]
    return [*PROGRAM, *map(str, words)]


def batch(
    export: Path | str, out: Path, study: Path | str, *more: object, stdin: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """Run a batch in a process of its own."""
    return subprocess.run(
        command(export, out, study, *more),
        input=stdin.decode() if stdin else "",
        capture_output=True,
        encoding="utf-8",
        env=environment(),
        check=False,
    )


def summary(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "summary.json").read_text("utf-8"))
    return found


def log(out: Path) -> list[dict[str, str]]:
    with (out / "screening_log.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rejected(out: Path) -> list[dict[str, Any]]:
    lines = (out / "rejected.ndjson").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def results(out: Path) -> list[tuple[Any, ...]]:
    return duckdb.sql(f"FROM '{out / 'results.parquet'}'").fetchall()


def contents(out: Path) -> dict[str, bytes]:
    """The bytes of every output."""
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}
