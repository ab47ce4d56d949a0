"""What follows without a criterion or with another threshold, against screening it so."""

from __future__ import annotations

import json
import random
import re
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from small_study import OTHER, STUDY, write
from typer.testing import CliRunner

from screener.batch import grid, what_if
from screener.batch.removal import coded, removals
from screener.batch.tally import Tally
from screener.cli import app

if TYPE_CHECKING:
    from pathlib import Path

DAY = "2026-01-15"
TRIAL = """\
id: trial
title: A made-up trial
version: "1"
sources: ["made up"]
as_of_means: the screening date
examples_as_of: 2026-01-15
parameters:
  adult_age: {value: 18, unit: years, source: made up, assumed: true}
  months_needed: {value: 3, unit: months, source: made up, assumed: true}
  enough: {value: 2.5, unit: months, source: made up}
  never_asked: {value: 7, source: made up}
  bowel_matters: {value: true, source: made up}
criteria:
  - id: A1
    kind: inclusion
    text: Grown up.
    source: item 1
    met_when: at_least(age, adult_age)
    met: "Age {age}; never {never_asked}."
    not_met: "Age {age}."
  - id: L1
    kind: inclusion
    text: Expected to live.
    source: item 2
    all:
      - {id: L1a, text: Months., met_when: life_expectancy >= months_needed, met: Y, not_met: N}
      - {id: L1b, text: Enough., met_when: life_expectancy >= enough, met: Yes., not_met: No.}
  - id: X1
    kind: exclusion
    text: Any of two.
    source: item 3
    any:
      - {id: X1a, text: Given., met_when: earlier_dalpiciclib, met: Yes., not_met: No.}
      - {id: X1b, text: Closed., met_when: bowel_obstruction AND bowel_matters, met: Y, not_met: N}
  - id: W1
    kind: inclusion
    text: Willing.
    source: item 4
    met_when: willing_fdg_pet
    met: Yes.
    not_met: No.
"""


def records(number: int, seed: int = 1) -> list[dict[str, Any]]:
    """Made-up records in which each criterion passes, fails and is unknown."""
    draw = random.Random(seed)
    found: list[dict[str, Any]] = []
    for place in range(number):
        record: dict[str, Any] = {"id": f"P-{place}"}
        choices: dict[str, list[Any]] = {
            "birth_date": ["1960-05-01", "1995-05-01", "2008-01-15", "2008-01-16", "2015", None],
            "life_expectancy_months": [1, 2, 2.5, 3, 6, 12, 24, None],
            "therapies": [[], [], [], [{"drugs": ["dalpiciclib"]}], None],
        }
        record |= {name: draw.choice(values) for name, values in choices.items()}
        record["assessments"] = {
            name: draw.choice([None, *often])
            for name, often in (
                ("bowel_obstruction", [False] * 5 + [True]),
                ("willing_fdg_pet", [True] * 5 + [False]),
            )
        }  # fmt: skip
        found.append(record)
    return found


def ndjson(path: Path, many: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in many), "utf-8")
    return path


def study(folder: Path, text: str = TRIAL, name: str = "trial.yaml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def without(text: str, *criteria: str) -> str:
    """The text of a study without some of its criteria."""
    head, *items = re.split(r"(?m)^(?=  - id: )", text)
    return head + "".join(
        it for it in items if not it.startswith(tuple(f"  - id: {c}" for c in criteria))
    )


def screened(export: Path, out: Path, *options: object) -> dict[str, Any]:
    """Screen a batch and return what `summary.json` says of its study."""
    words = ["batch", export, "--out", out, "--as-of", DAY, "--workers", "1", *options]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.stderr
    (one,) = json.loads((out / "summary.json").read_text("utf-8"))["studies"]
    return dict(one)


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ndjson(tmp_path_factory.mktemp("export") / "patients.ndjson", records(300))


@pytest.fixture(scope="module")
def relaxed(export: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("relaxed")
    return screened(export, folder / "out", "--study", study(folder), "--relax")


@pytest.fixture(scope="module")
def strictly(export: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("strictly")
    return screened(export, folder / "out", "--study", study(folder), "--relax", "--strict")


CRITERIA = ("A1", "L1", "X1", "W1")


@pytest.mark.parametrize(
    "removed", [*((name,) for name in CRITERIA), *list(combinations(CRITERIA, 2))[::2]]
)
def test_removal_counts_what_a_study_without_the_criteria_gives(
    removed: tuple[str, ...], export: Path, relaxed: dict[str, Any], tmp_path: Path
) -> None:
    fewer = screened(export, tmp_path / "o", "--study", study(tmp_path, without(TRIAL, *removed)))
    more = {name: fewer["status"][name] - relaxed["status"][name] for name in fewer["status"]}
    gains = {(it["criterion"],): it for it in relaxed["what_if"]["remove"]}
    gains |= {tuple(it["criteria"]): it for it in relaxed["what_if"]["pairs"]}
    assert gains[removed]["eligible"] == more["eligible"]
    assert gains[removed]["undetermined"] == more["undetermined"]
    assert more["ineligible"] == -more["eligible"] - more["undetermined"]
    assert more["eligible"] > 0


def curve(one: dict[str, Any], name: str) -> dict[str, Any]:
    return next(dict(it) for it in one["what_if"]["parameters"] if it["name"] == name)


@pytest.mark.parametrize("name", ["adult_age", "months_needed", "enough"])
def test_each_point_of_a_curve_is_what_screening_with_that_value_gives(
    name: str, export: Path, relaxed: dict[str, Any], tmp_path: Path
) -> None:
    file = study(tmp_path)
    points = curve(relaxed, name)["curve"]
    for number, point in enumerate(points[:: max(1, len(points) // 4)]):
        setting = f"{name}={point['value']}"
        one = screened(export, tmp_path / str(number), "--study", file, "--set", setting)
        assert one["status"] == {status: point[status] for status in one["status"]}, setting


@pytest.mark.parametrize("name", ["adult_age", "enough"])
def test_strictly_a_value_that_is_tried_is_taken_as_confirmed(
    name: str, export: Path, strictly: dict[str, Any], tmp_path: Path
) -> None:
    point = next(
        p for p in curve(strictly, name)["curve"] if p["value"] == curve(strictly, name)["current"]
    )
    setting = f"{name}={point['value']}"
    one = screened(export, tmp_path / "o", "--study", study(tmp_path), "--set", setting, "--strict")
    assert one["status"] == {status: point[status] for status in one["status"]}


def test_present_values_give_the_counts_of_the_study(relaxed: dict[str, Any]) -> None:
    for each in relaxed["what_if"]["parameters"]:
        (now,) = [point for point in each["curve"] if point["value"] == each["current"]]
        assert {status: now[status] for status in relaxed["status"]} == relaxed["status"]
        values = [point["value"] for point in each["curve"]]
        assert values == sorted(set(values))
        assert len(values) <= grid.MOST + 5


def test_parameters_that_are_no_numbers_have_no_curve(relaxed: dict[str, Any]) -> None:
    names = {each["name"] for each in relaxed["what_if"]["parameters"]}
    assert names == {"adult_age", "months_needed", "enough", "never_asked"}


def test_a_parameter_that_decides_nothing_is_flat(relaxed: dict[str, Any]) -> None:
    never = curve(relaxed, "never_asked")
    assert never["criteria"] == []
    assert [point["value"] for point in never["curve"]] == [0, 2, 4, 7, 14, 28]
    assert len({(p["eligible"], p["undetermined"], p["ineligible"]) for p in never["curve"]}) == 1
    assert curve(relaxed, "adult_age")["criteria"] == ["A1"]


def test_only_who_was_asked_is_told(export: Path, tmp_path: Path) -> None:
    one = screened(export, tmp_path / "o", "--study", study(tmp_path))
    assert "what_if" not in one
    assert "What if" not in (tmp_path / "o" / "report.html").read_text("utf-8")


def test_page_and_terminal_show_it(export: Path, tmp_path: Path) -> None:
    words = ["batch", export, "--out", tmp_path / "o", "--as-of", DAY, "--study", study(tmp_path),
             "--relax", "--workers", 1]  # fmt: skip
    told = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "100"}).stdout
    assert re.search(r"not asked: more eligible, more undetermined\n  \w1: \+\d+, [+-]\d+\n", told)
    assert re.search(r"adult_age \(years\): .*18 \(now\): \d+, \d+", told)
    assert "nobody's status rests on never_asked" in told
    page = (tmp_path / "o" / "report.html").read_text("utf-8")
    assert "Without two criteria" in page
    assert "never_asked (now 7; tried from 0 to 28)." in page
    assert "Bears on A1." in page


def test_of_a_large_export_a_sample_that_does_not_hang_on_its_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(what_if, "SAMPLE", 40)
    many = records(100)
    found = [
        screened(
            ndjson(tmp_path / f"{name}.ndjson", order), tmp_path / name, "--study",
            study(tmp_path), "--relax",
        )
        for name, order in (("a", many), ("b", many[::-1]))
    ]  # fmt: skip
    first, second = (one["what_if"] for one in found)
    assert first["sample"] == {"patients": 40, "of": 100}
    assert first == second
    for each in first["parameters"]:
        assert {p["eligible"] + p["undetermined"] + p["ineligible"] for p in each["curve"]} == {40}
    page = (tmp_path / "a" / "report.html").read_text("utf-8")
    assert "a sample of 40 of the 100 patients" in page


@pytest.mark.parametrize(("sample", "told"), [(99, True), (100, False), (101, False)])
def test_a_sample_is_named_only_where_there_is_one(
    sample: int, told: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(what_if, "SAMPLE", sample)
    one = screened(ndjson(tmp_path / "e", records(100)), tmp_path / "o", "--study", study(tmp_path),
                   "--relax")  # fmt: skip
    assert ("sample" in one["what_if"]) is told


def test_rejected_records_and_second_records_of_a_patient_count_nowhere(tmp_path: Path) -> None:
    good = records(60)
    bad = [{"id": "P-0"}, {"id": "P-3", "sex": "?"}, {"id": "", "birth_date": 3}]
    mixed = ndjson(tmp_path / "mixed.ndjson", [bad[2], *good[:30], *bad[:2], *good[30:]])
    words = ["batch", mixed, "--out", tmp_path / "m", "--as-of", DAY, "--study", study(tmp_path),
             "--relax", "--workers", 1]  # fmt: skip
    assert CliRunner().invoke(app, [str(word) for word in words]).exit_code == 4
    (one,) = json.loads((tmp_path / "m" / "summary.json").read_text("utf-8"))["studies"]
    whole = screened(ndjson(tmp_path / "g", good), tmp_path / "o", "--study", study(tmp_path),
                     "--relax")  # fmt: skip
    assert one["what_if"] == whole["what_if"]


def test_two_studies_each_have_their_own(tmp_path: Path) -> None:
    export = ndjson(tmp_path / "e", records(50))
    files = [study(tmp_path, STUDY, "small.yaml"), study(tmp_path, OTHER, "other.yaml")]
    words = ["batch", export, "--out", tmp_path / "o", "--as-of", DAY, "--relax", "--workers", 1]
    words += [word for file in files for word in ("--study", file)]
    assert CliRunner().invoke(app, [str(word) for word in words]).exit_code == 0
    found = json.loads((tmp_path / "o" / "summary.json").read_text("utf-8"))["studies"]
    assert [[it["criterion"] for it in one["what_if"]["remove"]] for one in found] == [
        ["A1", "X1"], ["L1"],
    ]  # fmt: skip
    assert [it["name"] for it in found[1]["what_if"]["parameters"]] == ["months_needed"]


def test_an_export_without_a_valid_record_has_flat_answers(tmp_path: Path) -> None:
    path = tmp_path / "e.json"
    write(path, [{"id": "P", "sex": "?"}])
    words = ["batch", path, "--out", tmp_path / "o", "--as-of", DAY, "--study", study(tmp_path),
             "--relax", "--workers", 1]  # fmt: skip
    assert CliRunner().invoke(app, [str(word) for word in words]).exit_code == 4
    (one,) = json.loads((tmp_path / "o" / "summary.json").read_text("utf-8"))["studies"]
    assert one["what_if"]["parameters"] == []
    assert all(it["eligible"] == 0 == it["undetermined"] for it in one["what_if"]["remove"])


class TestRemovals:
    """Counting by what fails and is unknown, against going through the patients."""

    def test_it_is_that_of_every_patient(self) -> None:
        draw = random.Random(3)
        outcomes = [
            [draw.choices("pfu", weights=(6, 2, 2))[0] for _ in range(5)] for _ in range(2000)
        ]
        tallies = [Tally({}, [], [], []) for _ in range(2)]
        for number, patient in enumerate(outcomes):
            fails, opens = ([k for k, o in enumerate(patient) if o == which] for which in "fu")
            if name := coded(fails, opens):
                tallies[number % 2].close[name] += 1
        tallies[0].add(Tally.from_json(json.loads(json.dumps(tallies[1].as_json()))))

        def count(removed: tuple[int, ...]) -> tuple[int, int]:
            left = [{o for k, o in enumerate(p) if k not in removed} for p in outcomes]
            return sum(it == {"p"} for it in left), sum("f" not in it and "u" in it for it in left)

        names = list("abcde")
        alone, pairs = removals(tallies[0].close, names)
        before = count(())
        for gain in [*alone, *pairs]:
            removed = gain.get("criteria") or [gain["criterion"]]
            now = count(tuple(names.index(name) for name in removed))  # type: ignore[union-attr]
            assert gain["eligible"] == now[0] - before[0]
            assert gain["undetermined"] == now[1] - before[1]
        assert len(alone) == 5
        assert len(pairs) == 10


class TestGrid:
    @pytest.mark.parametrize(
        ("current", "values"),
        [
            (28, [0, 7, 14, 28, 56, 112]),
            (1.5, [0, 0.375, 0.75, 1.5, 3, 6]),
            (1, [0, 1, 2, 4]),
            (0, [0, 1, 2, 5, 10, 100]),
        ],
    )
    def test_coarse_values_lie_around_the_present_one(
        self, current: float, values: list[float]
    ) -> None:
        assert grid.coarse(current) == values

    def test_fine_values_are_round_and_span_what_changes(self) -> None:
        found = {0: 5, 7: 5, 14: 4, 28: 3, 56: 2, 112: 2}
        assert grid.fine(28, found) == [7, 10, 20, 28, 30, 40, 50, 56]
        tenths = {0.0: 1, 0.375: 1, 0.75: 1, 1.5: 2, 3.0: 2, 6.0: 2}
        assert grid.fine(1.5, tenths) == [0.75, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6]

    def test_where_nothing_changes_nothing_more_is_tried(self) -> None:
        assert grid.fine(28, {0: 1, 28: 1, 112: 1}) == []

    def test_the_present_value_is_tried_though_the_change_lies_elsewhere(self) -> None:
        above = grid.fine(30, {0: 1, 30: 1, 60: 1, 120: 2})
        assert above == [10, 30, 40, 60, 80, 100, 120]
        below = grid.fine(30, {0: 1, 8: 2, 15: 2, 30: 2, 120: 2})
        assert below == [0, 5, 10, 15, 20, 25, 30, 35]

    def test_no_value_is_below_none(self) -> None:
        assert grid.fine(1, {0: 1, 1: 1, 2: 2, 4: 2}) == [0, 1, 2]
        assert grid.fine(0, {0: 1, 1: 1, 2: 2, 5: 2, 10: 2, 100: 2})[0] == 0

    def test_whole_numbers_stay_whole(self) -> None:
        values = grid.fine(2, {0: 1, 1: 2, 2: 3, 4: 4, 8: 4})
        assert values == [0, 1, 2, 3, 4]
        assert all(isinstance(value, int) for value in values)
