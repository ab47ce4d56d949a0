"""With another threshold, a cohort is what screening it with that threshold gives."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from small_cohort import STUDY
from typer.testing import CliRunner

from screener import Settings, load_study, parse
from screener.batch import what_if
from screener.batch.tally import STATUSES
from screener.cli import app

DAY = "2024-12-31"
REPLICA = Path(__file__).resolve().parents[2] / "sample_patients" / "zhou_2026" / "screened.ndjson"
PARAMETERS = """\
parameters:
  weakest: {value: 1, unit: ECOG grade, source: made up}
  youngest: {value: 60, unit: years, source: made up, assumed: true}
  days_later: {value: 30, unit: days, source: made up}
  never_asked: {value: 7, source: made up}

criteria:
  - id: D
    kind: inclusion
    text: Old enough.
    source: item 4
    met_when: at_least(age, youngest)
    met: "{age}; never {never_asked}."
    not_met: "{age}."
"""
TRIAL = STUDY.replace("criteria:\n", PARAMETERS).replace("<= 1", "<= weakest")
# The index date lies so many days after the start of the drug: it hangs on a parameter.
SHIFTED = TRIAL.replace(
    "  day: dalpiciclib_started\n  entry: dalpiciclib_entry\n",
    "  day: '{lo: days_before(dalpiciclib_started.lo, -days_later), "
    "hi: days_before(dalpiciclib_started.hi, -days_later)}'\n",
)


def records(number: int) -> list[dict[str, Any]]:
    """Made-up records whose index dates are known, partial, unknown or none."""
    draw = random.Random(5)
    found: list[dict[str, Any]] = []
    for place in range(number):
        start = draw.choice(["2023-05-15", "2023-01-15", "2023-05", None])
        ecog = [
            {"date": day, "ecog": draw.choice([0, 1, 2, 3])}
            for day in ("2022-12-01", "2023-05-01", "2023-05-20", "2023-08-01")
            if draw.random() < 0.7
        ]
        found.append(
            {
                "id": f"P-{place}",
                "sex": draw.choice(["female", "female", "female", "male"]),
                "birth_date": draw.choice(["1950-05-16", "1963-05-15", "1963-06-01", "1970"]),
                "therapies": [{"drugs": ["dalpiciclib"], "start": start}] * (draw.random() < 0.9),
                "performance_status": ecog,
            }
        )
    return found


def screened(export: Path, out: Path, study: object, *options: object) -> dict[str, Any]:
    words = ["batch", export, "--out", out, "--as-of", DAY, "--workers", 1, "--study", study]
    result = CliRunner().invoke(app, [str(word) for word in (*words, *options)])
    assert result.exit_code == 0, result.stderr
    return counted_in(out)


def counted_in(out: Path) -> dict[str, Any]:
    (one,) = json.loads((out / "summary.json").read_text("utf-8"))["studies"]
    return dict(one)


def curves(one: dict[str, Any]) -> dict[str, Any]:
    return {curve["name"]: curve for curve in one["what_if"]["parameters"]}


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "patients.ndjson"
    path.write_text("".join(json.dumps(record) + "\n" for record in records(60)), "utf-8")
    return path


def study(folder: Path, text: str) -> Path:
    path = folder / "small-cohort.yaml"
    path.write_text(text, "utf-8")
    return path


Relaxed = Callable[..., Path]


@pytest.fixture(scope="module")
def relaxed(tmp_path_factory: pytest.TempPathFactory, export: Path) -> Relaxed:
    """Screens the export for a study with its curves, once each; the folder with the outputs."""

    @cache
    def run(text: str, *options: str) -> Path:
        folder = tmp_path_factory.mktemp("relaxed")
        screened(export, folder / "o", study(folder, text), "--relax", *options)
        return folder / "o"

    return run


@pytest.mark.parametrize(
    ("text", "names", "options"),
    [
        (TRIAL, ["weakest", "youngest"], ()),
        (TRIAL, ["weakest", "youngest"], ("--strict",)),
        (SHIFTED, ["days_later"], ()),
    ],
)
def test_each_point_is_what_screening_with_that_value_gives(
    text: str, names: list[str], options: tuple[str, ...], relaxed: Relaxed, tmp_path: Path
) -> None:
    file = study(tmp_path, text)
    found = curves(counted_in(relaxed(text, *options)))
    for name in names:
        points = found[name]["curve"]
        assert len({point["ineligible"] for point in points}) > 1
        for point in (points[0], points[len(points) // 2], points[-1]):
            settings = Settings(thresholds={name: point["value"]}, strict=bool(options))
            given = [parse(record) for record in records(60)]
            results = load_study(file, settings=settings).screen(given, date.fromisoformat(DAY))
            counted = Counter(result.status for result in results)
            assert {status: point[status] for status in STATUSES} == {
                status: counted[status] for status in STATUSES
            }, settings


def test_a_threshold_behind_the_index_date_alone_has_a_curve(relaxed: Relaxed) -> None:
    found = curves(counted_in(relaxed(SHIFTED)))
    assert found["days_later"]["criteria"] == []
    assert found["never_asked"]["criteria"] == []
    counts = [{**point, "value": 0} for point in found["never_asked"]["curve"]]
    assert counts == counts[:1] * len(counts)


def test_follow_up_of_the_replica(tmp_path: Path) -> None:
    one = screened(REPLICA, tmp_path / "o", "zhou-2026", "--relax")
    points = {point["value"]: point for point in curves(one)["follow_up_months"]["curve"]}
    assert points[3]["eligible"] == one["status"]["eligible"] == 58
    longer = screened(REPLICA, tmp_path / "l", "zhou-2026", "--set", "follow_up_months=6")
    assert points[6]["eligible"] == longer["status"]["eligible"] < 58
    assert "sample" not in one["what_if"]


@pytest.mark.parametrize(("most", "counted"), [(59, 59), (60, 60), (61, 60)])
def test_curves_of_a_cohort_count_a_sample_of_their_own(
    most: int, counted: int, monkeypatch: pytest.MonkeyPatch, export: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr(what_if, "COHORT_SAMPLE", most)
    one = screened(export, tmp_path / "o", study(tmp_path, TRIAL), "--relax")["what_if"]
    sample = {"patients": counted, "of": 60} if counted < 60 else None
    assert one.get("sample") == sample
    for curve in one["parameters"]:
        for point in curve["curve"]:
            assert point["eligible"] + point["undetermined"] + point["ineligible"] == counted


def test_a_value_that_leaves_the_calendar_has_no_point(export: Path, tmp_path: Path) -> None:
    text = TRIAL.replace(
        "at_least(age, youngest)", "on_or_after(dalpiciclib_started, years_before(as_of, years))"
    )
    text = text.replace("  never_asked:", "  years: {value: 1, unit: years, source: made up}\n"
                        "  never_asked:")  # fmt: skip
    far = text.replace("years: {value: 1,", "years: {value: 200000,")
    found = curves(screened(export, tmp_path / "o", study(tmp_path, far), "--relax"))
    values = [point["value"] for point in found["years"]["curve"]]
    assert 0 in values
    assert 800000 not in values


def test_what_is_unknown_stays_apart_where_the_study_counts_it_as_something(
    relaxed: Relaxed, export: Path, tmp_path: Path
) -> None:
    plain = counted_in(relaxed(TRIAL))
    text = f"{TRIAL}\nunknown_counts_as: eligible\n"
    counted = screened(export, tmp_path / "c", study(tmp_path, text), "--relax")
    assert plain["status"]["undetermined"] > 0 == counted["status"]["undetermined"]
    assert counted["what_if"].pop("unknown_counts_as") == "eligible"
    assert counted["what_if"] == plain["what_if"]
    page = (tmp_path / "c" / "report.html").read_text("utf-8")
    told = "Who has something unknown counts as eligible in this study, and is kept apart here."
    assert told in page
    assert told not in (relaxed(TRIAL) / "report.html").read_text("utf-8")
