"""Makes the replica of the screened population of Zhou et al.: nobody in it exists.

`python sample_patients/zhou_2026/make.py > sample_patients/zhou_2026/screened.ndjson` writes the
records that are kept here. Another `--seed` makes other patients with the same counts. Needs the
development packages (`pip install -e '.[dev]'`).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import yaml
from courses import CDK46, Course, courses
from margins import chosen
from people import Person, Writer

SEED = 2026
SITES = ("Liver", "Lung", "Bone", "Brain", "Lymph node", "pleura", "skin", "chest_wall")
_VISCERAL = {"Liver", "Lung", "pleura"}
_RARE = {"Brain", "pleura", "skin", "chest_wall"}


class Replica:
    """The screened population: 58 that are included, and those that are not, by the reason."""

    def __init__(self, paper: dict[str, Any], seed: int) -> None:
        self._paper = paper
        self._table = paper["table_one"]
        self._random = Random(seed)

    def records(self) -> list[dict[str, Any]]:
        """Every record, in random order, under ids that tell nothing."""
        people = [*self._included(), *self._excluded()]
        self._random.shuffle(people)
        writer = Writer(self._random)
        return [writer.record(f"ZHOU-{n:03}", person) for n, person in enumerate(people, start=1)]

    def _count(self, variable: str, category: str) -> int:
        return int(self._table[variable][category][0])

    def _each(self, variable: str) -> list[str]:
        """The category of each included patient, in random order."""
        found = [c for c, (n, _) in self._table[variable].items() for _ in range(n)]
        self._random.shuffle(found)
        return found

    def _included(self) -> Iterator[Person]:
        ways = self._courses()
        stages = self._stages(ways)
        inhibitors = self._inhibitors(ways)
        ages, her2, ecog = self._ages(), self._each("her2"), self._each("ecog")
        for number, sites in enumerate(self._sites()):
            yield Person(
                ways[number], inhibitors[number], sites, ages[number], stages[number],
                her2[number], ecog[number],
            )  # fmt: skip

    def _courses(self) -> list[Course]:
        of_course = ("lines", "chemotherapy_lines", "endocrine_lines", "cdk46_lines", "sequential",
                     "endocrine_resistance", "benefit_6_months", "benefit_12_months")  # fmt: skip
        counts = {f"{v} {c}": n for v in of_course for c, (n, _) in self._table[v].items()}
        kinds = {course: course.counts() for course in courses()}
        return chosen(kinds, {"all": self._paper["included"], **counts}, self._random, most=12)

    def _sites(self) -> list[tuple[str, ...]]:
        kinds: dict[tuple[str, ...], list[str]] = {}
        for number in range(1, 6):
            for sites in combinations(SITES, number):
                if len(_RARE & set(sites)) > 2:
                    continue
                counted = "≥ 3" if number >= 3 else str(number)
                visceral = "Yes" if _VISCERAL & set(sites) else "No"
                kinds[sites] = ["all", *(f"sites {s}" for s in sites), f"visceral {visceral}",
                                f"site_count {counted}"]  # fmt: skip
        counts = {
            f"{v} {c}": n for v in ("sites", "visceral", "site_count")
            for c, (n, _) in self._table[v].items()
        }  # fmt: skip
        return chosen(kinds, {"all": self._paper["included"], **counts}, self._random)

    def _stages(self, ways: list[Course]) -> list[str]:
        """The initial stages; nobody who relapsed under adjuvant treatment began with stage IV."""
        found: list[str] = []
        while not found:
            drawn = self._each("stage")
            if not any(
                w.adjuvant_relapse and s == "De novo IV" for w, s in zip(ways, drawn, strict=True)
            ):
                found = drawn
        return found

    def _inhibitors(self, ways: list[Course]) -> list[tuple[str, ...]]:
        """The CDK4/6 inhibitors of each; as many two of a kind as the counts ask for."""
        left = {name: n for name, (n, _) in self._table["earlier_cdk46"].items()}
        several = [n for n, way in enumerate(ways) if way.lines.count(CDK46) == 2]
        twice = len(ways) + len(several) - sum(left.values())
        found: dict[int, tuple[str, ...]] = {}
        for n in self._random.sample(several, len(several) - twice):
            found[n] = ("Palbociclib", "Abemaciclib")
            for name in found[n]:
                left[name] -= 1
        rest = [name for name, n in left.items() for _ in range(n)]
        self._random.shuffle(rest)
        # The last one left over may be a drug that was given once; two lines of it do no harm.
        for n in range(len(ways)):
            if n not in found:
                name = rest.pop()
                found[n] = (name, name) if n in several else (name,)
        return [found[n] for n in range(len(ways))]

    def _ages(self) -> list[int]:
        """Ages with the median, the lowest and the highest of the paper."""
        low, middle, high = (self._paper["age"][k] for k in ("lowest", "median", "highest"))
        half = self._paper["included"] // 2 - 2
        ages = [low, middle, middle, high]
        ages += [self._random.randint(low, middle) for _ in range(half)]
        ages += [self._random.randint(middle, high) for _ in range(half)]
        self._random.shuffle(ages)
        return ages

    def _excluded(self) -> Iterator[Person]:
        """Those of each step; some would fall to a later step too, and are counted at the first."""
        flow, random = self._paper["flow"], self._random
        never = ["", "", "", "E", "H", "EH"]
        for number in range(flow["I4a"]):
            yield self._anyone(
                random.choice(never), her2="Positive" if number < 2 else None, tumour=number == 2
            )
        for number in range(flow["I4b"]):
            yield self._anyone(
                random.choice(("C", "C", "EC")), stopped_for="toxicity",
                her2="Positive" if number == 0 else None,
            )  # fmt: skip
        for _ in range(flow["I2b"]):
            yield self._anyone(random.choice(("C", "CH")), her2="Positive")
        for _ in range(flow["E1"]):
            yield self._anyone("C", tumour=True)

    def _anyone(
        self,
        lines: str,
        *,
        her2: str | None = None,
        stopped_for: str = "progression",
        tumour: bool = False,
    ) -> Person:
        random = self._random
        return Person(
            course=Course(lines, False, False, 12),
            inhibitors=tuple(
                random.choice(("Abemaciclib", "Palbociclib")) for _ in range(lines.count(CDK46))
            ),
            sites=tuple(random.sample(SITES, random.randint(1, 3))),
            age=random.randint(34, 79),
            stage=random.choice(self._each("stage")),
            her2=her2 or random.choice(self._each("her2")),
            ecog=random.choice(self._each("ecog")),
            stopped_for=stopped_for,
            other_tumour=tumour,
        )


def main() -> None:
    """Print the records, one a line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seed", type=int, default=SEED)
    seed = parser.parse_args().seed
    paper = yaml.safe_load((Path(__file__).parent / "paper.yaml").read_text("utf-8"))
    for record in Replica(paper, seed).records():
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
        sys.stdout.buffer.write(f"{line}\n".encode())


if __name__ == "__main__":
    main()
