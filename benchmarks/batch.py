"""How fast and in how much memory an export is screened, against a bare parse and a plain program.

    python benchmarks/batch.py [NUMBER ...]

Makes NUMBER records (20,000 unless told otherwise; `100000 1000000` takes some minutes) and, in
one run, screens them for DAWNA-FES with every output and for the verdicts alone, has DuckDB only
parse them into typed columns, and screens them with `plain.py`, each in processes of its own.
Prints wall and CPU seconds, the peak memory of the processes together, and ratios. Up to 50,000
records everything is done in turn three times, and medians are shown. Then it prints where the CPU
time of one worker goes. On a machine that does other work too, CPU seconds tell more than wall.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import batch_steps
import installed
import records

from screener.batch import outputs

HERE = Path(__file__).resolve().parent
FEW = 50_000
LEAST = outputs.DETAILS + 1
"""Records of the smallest export that is screened as large ones are, with as many full reports:
what it takes, any of them takes."""
DAY = records.SCREENED_ON.isoformat()
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Cost:
    """What a run took: seconds, and bytes of memory at its peak."""

    wall: float
    cpu: float
    memory: float


def run(command: list[str], environment: dict[str, str]) -> tuple[Cost, str]:
    """Run a command to its end; what it and its workers took, and what it printed."""
    with tempfile.TemporaryFile() as printed:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, stdout=printed, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        over = threading.Event()
        peaks: list[int] = [0]
        watch = threading.Thread(target=_watch, args=(process.pid, over, peaks))
        watch.start()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        over.set()
        watch.join()
        if process.returncode:
            raise SystemExit(f"{command} ended with {process.returncode}")
        printed.seek(0)
        peak = max(*peaks, used.ru_maxrss * 1024)
        return Cost(wall, used.ru_utime + used.ru_stime, peak), printed.read().decode()


def _watch(session: int, over: threading.Event, peaks: list[int]) -> None:
    """Note the resident memory of the processes of a session while it lasts."""
    while not over.wait(0.2):
        total = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:  # it has ended meanwhile
                continue
            if int(fields[3]) == session:
                total += int(fields[21]) * PAGE
        peaks.append(total)


class Comparison:
    """The runs that are compared, on one file of records."""

    def __init__(self, export: Path, folder: Path) -> None:
        self._export = str(export)
        self._folder = folder
        self._environment = installed.environment(folder)
        self.runs: dict[str, Callable[[], Cost]] = {
            "parse, 1 thread": lambda: self.parse(1),
            "parse, 2 threads": lambda: self.parse(2),
            "verdicts alone, 1 worker": lambda: self.verdicts(1),
            "verdicts alone, 2 workers": lambda: self.verdicts(2),
            "all outputs, 1 worker": lambda: self.batch(1),
            "all outputs, 2 workers": lambda: self.batch(2),
            "plain program": self.plain,
        }

    def batch(self, workers: int, export: str = "") -> Cost:
        """`screen batch` with every output."""
        return self._python(
            "-m", "screener", "batch", export or self._export, "--study", "dawna-fes",
            "--as-of", DAY, "--out", str(self._folder / "out"), "--force",
            "--workers", str(workers),
        )[0]  # fmt: skip

    def verdicts(self, workers: int) -> Cost:
        """The verdicts alone."""
        return self._python(str(HERE / "batch_steps.py"), self._export, str(workers))[0]

    def parse(self, threads: int) -> Cost:
        """DuckDB's parse; its seconds are those of the query, without the start of a process."""
        cost, printed = self._python(str(HERE / "bare_parse.py"), self._export, str(threads))
        _, wall, cpu = printed.split()
        return Cost(float(wall), float(cpu), cost.memory)

    def plain(self) -> Cost:
        """The plain program."""
        log = str(self._folder / "plain.csv")
        return self._python(str(HERE / "plain.py"), self._export, log, DAY)[0]

    def _python(self, *words: str) -> tuple[Cost, str]:
        return run([sys.executable, *words], self._environment)


def median(costs: list[Cost]) -> Cost:
    """The medians of some costs."""
    return Cost(
        statistics.median(it.wall for it in costs),
        statistics.median(it.cpu for it in costs),
        statistics.median(it.memory for it in costs),
    )


def measure(number: int, folder: Path) -> None:
    """Compare on so many records, and print."""
    export, least = folder / f"{number}.ndjson", folder / "least.ndjson"
    records.write(number, export)
    records.write(LEAST, least)
    compared = Comparison(export, folder)
    compared.batch(1, str(least))  # compiles the study, which is kept
    times = 3 if number <= FEW else 1
    fixed = median([compared.batch(1, str(least)) for _ in range(times)])
    turns = [{name: measured() for name, measured in compared.runs.items()} for _ in range(times)]
    costs = {name: median([turn[name] for turn in turns]) for name in compared.runs}
    size = export.stat().st_size
    print(f"\n{number:,} records, {size / number:,.0f} bytes each; "
          + (f"medians of {times}" if times > 1 else "one run"))  # fmt: skip
    print(f"{'':28}{'wall s':>9}{'CPU s':>9}{'memory MB':>11}{'× parse, wall':>15}{'CPU':>7}")
    for name, cost in costs.items():
        threads = "2 threads" if "2 workers" in name or "2 threads" in name else "1 thread"
        floor = costs[f"parse, {threads}"]
        print(
            f"{name:28}{cost.wall:9.2f}{cost.cpu:9.2f}{cost.memory / 2**20:11.0f}"
            f"{cost.wall / floor.wall:15.1f}{cost.cpu / floor.cpu:7.1f}"
        )
    print(f"{f'for {LEAST} records, 1 worker':28}{fixed.wall:9.2f}{fixed.cpu:9.2f}")
    plain = costs["plain program"]
    for name in ("verdicts alone, 1 worker", "all outputs, 1 worker"):
        cost = costs[name]
        print(f"plain program / {name}: wall {plain.wall / cost.wall:.2f}, "
              f"CPU {plain.cpu / cost.cpu:.2f}")  # fmt: skip
    print_shares(str(export), number, costs["all outputs, 1 worker"].cpu - fixed.cpu)


def print_shares(export: str, number: int, total: float) -> None:
    """Print where the CPU time of one worker goes, from some chunks of the records."""
    spent, counted = batch_steps.shares(export)
    if not counted:
        print("too few records to tell the steps of a worker apart")
        return
    worker = sum(spent.values())
    print(f"one worker, {worker / counted * 1e6:.0f} µs of CPU a record, by step:")
    for name, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"  {name:14}{seconds / counted * 1e6:7.0f} µs {100 * seconds / worker:5.1f} %")
    beside = total / number * 1e6 - worker / counted * 1e6
    print(f"beside the worker (hash, ids, bringing outputs together): {beside:.0f} µs a record")


def main(numbers: list[int]) -> None:
    """Measure for each number of records."""
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    for number in numbers:
        with tempfile.TemporaryDirectory() as folder:
            measure(number, Path(folder))


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [20_000])
