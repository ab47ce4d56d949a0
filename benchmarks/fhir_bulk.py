"""How fast a FHIR bulk export is read, against parsing the same files with the json module.

    python benchmarks/fhir_bulk.py [PATIENTS]

Generates an export of made-up patients (10,000 unless told otherwise; one NDJSON file a resource
type) in a temporary folder, then in turn parses every line with `json.loads` and makes the record
of every patient. Prints the medians of three, patients and resources per second, the ratio of the
two, and how much memory the process took for it.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from screener.intake.fhir.bulk import BulkSource

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
AS_OF = date(2026, 1, 15)
LABS = (("751-8", "10*9/L", 3.1), ("777-3", "10*9/L", 210), ("718-7", "g/dL", 12.8),
        ("1975-2", "mg/dL", 0.6), ("1742-6", "U/L", 28), ("1920-8", "U/L", 25),
        ("2164-2", "mL/min", 88))  # fmt: skip
DRUGS = ("1601374", "1946825", "1873916", "72965", "282357", "258494", "194000", "56946")
Json = dict[str, Any]


def concept(system: str, code: str) -> Json:
    """A CodeableConcept of one code."""
    return {"coding": [{"system": system, "code": code}]}


def patient(number: int, draw: random.Random) -> list[Json]:
    """The resources of one patient."""
    name = f"BENCH-{number:06}"
    subject = {"reference": f"Patient/{name}"}
    count = 0

    def day(most: int) -> str:
        return (AS_OF - timedelta(days=draw.randrange(most))).isoformat()

    def of(kind: str, **more: Any) -> Json:
        nonlocal count
        count += 1
        return {"resourceType": kind, "id": f"{name}-{count}", "subject": subject, **more}

    def observed(code: str, when: str, **value: Any) -> Json:
        coded = concept(LOINC, code)
        return of("Observation", status="final", code=coded, effectiveDateTime=when, **value)

    biopsy = day(900)
    made = [
        {"resourceType": "Patient", "id": name, "gender": "female", "birthDate": day(30_000)},
        of("Condition", code=concept(SNOMED, "254837009"), onsetDateTime=day(3000)),
        of("Condition", code=concept(SNOMED, draw.choice(("94222008", "94381002", "94391008")))),
        observed("85329-1", biopsy, valueQuantity={"value": draw.randrange(101), "unit": "%"}),
        observed("85339-0", biopsy, valueCodeableConcept=concept(SNOMED, "260385009")),
        observed("85319-2", biopsy, valueInteger=draw.randrange(4)),
        observed("89247-1", day(60), valueInteger=draw.randrange(4)),
    ]
    for code, unit, value in LABS * 2:
        quantity = {"value": round(value * draw.uniform(0.5, 1.5), 2), "unit": unit, "code": unit}
        made.append(observed(code, day(60), valueQuantity=quantity))
    for _ in range(3):
        drug = concept(RXNORM, draw.choice(DRUGS))
        made.append(
            of("MedicationStatement", status="completed", medicationCodeableConcept=drug,
               effectivePeriod={"start": day(1500)})
        )  # fmt: skip
    return made


def write(folder: Path, number: int) -> tuple[int, int]:
    """Write the export; return how many resources and bytes it has."""
    draw, files, resources = random.Random(1), {}, 0
    for one in range(number):
        for it in patient(one, draw):
            kind = it["resourceType"]
            if kind not in files:
                files[kind] = (folder / f"{kind}.ndjson").open("w", encoding="utf-8")
            files[kind].write(json.dumps(it) + "\n")
            resources += 1
    for file in files.values():
        file.close()
    return resources, sum(path.stat().st_size for path in folder.iterdir())


def parse(folder: Path) -> int:
    """Parse every line and nothing else."""
    count = 0
    for path in folder.iterdir():
        with path.open("rb") as file:
            for line in file:
                json.loads(line)
                count += 1
    return count


def read(folder: Path) -> int:
    """Make the record of every patient."""
    return sum(1 for it in BulkSource(list(folder.iterdir()), AS_OF).candidates() if it.text)


def main() -> None:
    """Generate, run and print."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        resources, size = write(folder, number)
        print(f"{number:,} patients, {resources:,} resources, {size / 1e6:.0f} MB")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        taken: dict[str, list[float]] = {"json": [], "records": []}
        for _ in range(3):
            for what, run in (("json", parse), ("records", read)):
                start = time.perf_counter()
                found = run(folder)
                taken[what].append(time.perf_counter() - start)
                if found != (resources if what == "json" else number):
                    raise SystemExit(f"{what}: {found:,} found")
        plain, made = (statistics.median(taken[what]) for what in ("json", "records"))
        ratio = statistics.median(
            b / a for a, b in zip(taken["json"], taken["records"], strict=True)
        )
        more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(f"json module    {plain:6.2f} s  {resources / plain:10,.0f} resources/s")
        print(f"records made   {made:6.2f} s  {resources / made:10,.0f} resources/s  "
              f"{number / made:,.0f} patients/s")  # fmt: skip
        print(f"ratio {ratio:.1f}; {more / 1024:.0f} MiB of memory beyond the start")


if __name__ == "__main__":
    main()
