"""How long one patient takes from a cold start, against the imports that nobody can avoid.

    python benchmarks/single.py [RUNS]

Runs, in turn, `screen` on a sample and a Python that only imports duckdb, pydantic, typer and
rich.table; prints the medians and the ratio pair by pair. The first run, which compiles the study
and keeps the plan, is shown apart. Both find their modules as byte code, as an installation does.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import installed

SAMPLE = installed.ROOT / "sample_patients" / "eligible.json"
IMPORTS = [sys.executable, "-c", "import duckdb, pydantic, typer, rich.table"]
SCREEN = [
    sys.executable, "-c", "from screener.__main__ import main; main()", str(SAMPLE),
    "--as-of", "2026-01-15",
]  # fmt: skip


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
        first = seconds(SCREEN, environment)
        seconds(SCREEN, environment)
        seconds(IMPORTS, environment)
        pairs = [(seconds(SCREEN, environment), seconds(IMPORTS, environment)) for _ in range(runs)]
        ratios = sorted(screen / imports for screen, imports in pairs)
        print(f"first run, study compiled   {first:7.3f} s")
        print(f"screen, median of {runs:<3}       {statistics.median(s for s, _ in pairs):7.3f} s")
        print(f"imports only, median        {statistics.median(i for _, i in pairs):7.3f} s")
        print(f"ratio, median (min, max)    {statistics.median(ratios):7.2f}   "
              f"({ratios[0]:.2f}, {ratios[-1]:.2f})")  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 11)
