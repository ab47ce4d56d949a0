"""How long one patient takes from a cold start, against the imports that nobody can avoid.

    python benchmarks/single.py [RUNS]

Runs, in turn, `screen` on a sample and a Python that only imports duckdb, pydantic, typer and
rich.table; prints the medians and the ratio pair by pair. The first run, which compiles the study
and keeps the plan, is shown apart. Both find their modules as byte code, as an installation does.
Then, in turn with one patient alone, it screens twenty made-up ones in one run.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import installed
import records

SAMPLE = installed.ROOT / "sample_patients" / "eligible.json"
IMPORTS = [sys.executable, "-c", "import duckdb, pydantic, typer, rich.table"]
MANY = 20


def screen(*paths: Path) -> list[str]:
    """The command that screens some records."""
    code = "from screener.__main__ import main; main()"
    return [sys.executable, "-c", code, *map(str, paths), "--as-of", "2026-01-15"]


def ratios(ones: list[float], others: list[float]) -> str:
    """The ratios of pairs, in words."""
    found = sorted(one / other for one, other in zip(ones, others, strict=True))
    return f"{statistics.median(found):7.2f}   ({found[0]:.2f}, {found[-1]:.2f})"


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """Wall time of a process, its output thrown away."""
    start = time.perf_counter()
    done = subprocess.run(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
    )
    taken = time.perf_counter() - start
    if done.returncode not in {0, 1, 3}:
        raise SystemExit(done.stderr.decode())
    return taken


def main(runs: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        environment = installed.environment(Path(folder))
        alone = screen(SAMPLE)
        first = seconds(alone, environment)
        seconds(alone, environment)
        seconds(IMPORTS, environment)
        pairs = [(seconds(alone, environment), seconds(IMPORTS, environment)) for _ in range(runs)]
        singles, imports = map(list, zip(*pairs, strict=True))
        print(f"first run, study compiled   {first:7.3f} s")
        print(f"screen, median of {runs:<3}       {statistics.median(singles):7.3f} s")
        print(f"imports only, median        {statistics.median(imports):7.3f} s")
        print(f"ratio, median (min, max)    {ratios(singles, imports)}")
        together = screen(*made_up(Path(folder)))
        pairs = [(seconds(together, environment), seconds(alone, environment)) for _ in range(runs)]
        many, singles = map(list, zip(*pairs, strict=True))
        print(f"{MANY} patients, median         {statistics.median(many):7.3f} s")
        print(f"ratio to one patient        {ratios(many, singles)}")


def made_up(folder: Path) -> list[Path]:
    """Write records into files of their own."""
    export = folder / "records.ndjson"
    records.write(MANY, export)
    paths = []
    for number, line in enumerate(export.read_bytes().splitlines()):
        paths.append(folder / f"{number}.json")
        paths[-1].write_bytes(line)
    return paths


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 11)
