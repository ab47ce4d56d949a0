"""`screen cohort`, and a cohort in the other commands, as users meet them."""

from __future__ import annotations

import csv
import io
import json
import re
import stat
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from small_cohort import STUDY
from typer.testing import CliRunner

from screener.cli import app

ROOT = Path(__file__).resolve().parents[2]
REPLICA = ROOT / "sample_patients" / "zhou_2026" / "screened.ndjson"
DALPICICLIB = {"drugs": ["dalpiciclib"], "start": "2023-05-15"}


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "80"})
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("study") / "small-cohort.yaml"
    path.write_text(STUDY, "utf-8")
    return path


@pytest.fixture(scope="module")
def patients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three patients, of whom one is included, one is a man, and of one the ECOG is unknown."""
    path = tmp_path_factory.mktemp("patients") / "some.ndjson"
    ecog = [{"date": "2023-05-01", "ecog": 1}]
    some: list[dict[str, Any]] = [
        {"id": "P1", "sex": "female", "birth_date": "1963-01-01", "performance_status": ecog},
        {"id": "P2", "sex": "male", "performance_status": ecog},
        {"id": "P3", "sex": "female"},
    ]
    lines = [json.dumps({**one, "therapies": [DALPICICLIB]}) for one in some]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_the_table_form(study: Path, patients: Path) -> None:
    code, out, err = run("cohort", patients, "--study", study, "--as-of", "2024-12-31")
    assert (code, err) == (0, "")
    assert re.search(r"^All of them +3$", out, re.MULTILINE)
    assert "  Left open by the record" in out
    assert "BASELINE, 1 patients" not in out
    assert "BASELINE, 1 patient" in out
    assert "Age, years, median (range)  60 (60-60)" in out
    assert "- Visceral crisis: Only a call." in out
    assert "other_malignancies: what is not documented counts as none" in out
    assert max(map(len, out.splitlines())) <= 80


def test_the_other_forms(study: Path, patients: Path) -> None:
    base = ("cohort", patients, "--study", study, "--as-of", "2024-12-31", "--format")
    data = json.loads(run(*base, "json")[1])
    assert [step["remaining"] for step in data["flow"]] == [3, 3, 2, 1]
    assert data["study"]["id"] == "small-cohort"
    assert data["table_one"][0]["median"] == 60
    rows = list(csv.DictReader(io.StringIO(run(*base, "csv")[1])))
    assert len(rows) == len(data["table_one"])
    assert run(*base, "html")[1].startswith('<table class="table-one">')
    picture = ET.fromstring(run(*base, "svg")[1])
    assert picture.tag.endswith("svg")


def test_by_a_subgroup(study: Path, patients: Path) -> None:
    code, out, _ = run("cohort", patients, "--study", study, "--as-of", "2024-12-31",
                       "--by", "crisis", "--format", "json")  # fmt: skip
    assert code == 0
    groups = {row.get("group") for row in json.loads(out)["table_one"]}
    assert groups == {None, "Visceral crisis: Yes", "Visceral crisis: No",
                      "Visceral crisis: Not available"}  # fmt: skip


def test_wrong_usage(study: Path, patients: Path) -> None:
    code, _, err = run("cohort", patients, "--study", study, "--by", "crisi")
    assert code == 2
    assert "has no variable crisi with categories; did you mean crisis?" in err
    code, _, err = run("cohort", patients, "--study", study, "--study", "dawna-fes")
    assert code == 2
    assert "give --study once" in err


def test_a_rejected_record_is_named_and_the_others_are_counted(
    study: Path, patients: Path, tmp_path: Path
) -> None:
    path = tmp_path / "some.ndjson"
    path.write_text(patients.read_text("utf-8") + '{"id": "P4", "sexx": 1}\n', "utf-8")
    code, out, err = run("cohort", path, "--study", study, "--as-of", "2024-12-31")
    assert code == 4
    assert "sexx" in err
    assert re.search(r"^All of them +3$", out, re.MULTILINE)


def test_a_file_is_readable_by_its_owner_only(study: Path, patients: Path, tmp_path: Path) -> None:
    target = tmp_path / "flow.svg"
    base = ("cohort", patients, "--study", study, "--format", "svg", "--output", target)
    assert run(*base)[0] == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert run(*base)[0] == 2  # it is there already


def test_one_patient_against_every_study_on_one_screen(tmp_path: Path) -> None:
    path = tmp_path / "patient.json"
    path.write_text(REPLICA.read_text("utf-8").splitlines()[2], "utf-8")
    code, out, _ = run(path, "--study", "all", "--as-of", "2024-12-31")
    assert code == 0
    overview = out.split("═")[0]
    for name in ("dawna-fes", "palumbo-2024", "zhou-2026"):
        assert name in overview
    assert overview.startswith("1 patient, 3 screenings:")
    assert "Index     2022-07-23 (first start of dalpiciclib)" in out
    assert "1 entry dated after the index date was not used." in out
    markdown = run(path, "--study", "zhou-2026", "--as-of", "2024-12-31", "--format", "markdown")[1]
    assert "index date 2022-07-23 (first start of dalpiciclib)" in markdown
    assert "- Endocrine resistance: Secondary" in markdown


def test_show_tells_of_index_date_policy_flow_and_variables(study: Path) -> None:
    out = run("show", study)[1]
    for told in ("Index date: first start of dalpiciclib",
                 "Not documented counts as none: other_malignancies (a review of charts)",
                 "C: Had another tumour", "DERIVED VARIABLES", "Remark: Only a call."):  # fmt: skip
        assert told in out
    data = json.loads(run("show", study, "--format", "json")[1])
    assert data["unknown_counts_as"] == "undetermined"
    assert data["index_date"]["event"] == "earlier_dalpiciclib"
    assert [v["id"] for v in data["derived"]] == ["age", "crisis", "stage", "sites"]
    assert "bone_metastases" in {fact["name"] for fact in data["facts"]}


def test_a_batch_gives_the_same_flow_and_table(study: Path, patients: Path, tmp_path: Path) -> None:
    counted = json.loads(run("cohort", patients, "--study", study, "--as-of", "2024-12-31",
                             "--format", "json")[1])  # fmt: skip
    out = tmp_path / "out"
    code, _, err = run("batch", patients, "--study", study, "--as-of", "2024-12-31",
                       "--out", out, "--workers", "1")  # fmt: skip
    assert code == 0, err
    [summary] = json.loads((out / "summary.json").read_text("utf-8"))["studies"]
    assert summary["flow"] == counted["flow"]
    assert summary["table_one"] == counted["table_one"]
    assert summary["status"] == {"eligible": 1, "ineligible": 1, "undetermined": 1}
