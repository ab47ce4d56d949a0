"""The examples of docs/inputs.md are read as the page says."""

from __future__ import annotations

import re
from pathlib import Path

from reading import candidates, data, told

from screener.intake.mapping import Column, Entry, Mapping
from screener.record import parse

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "inputs.md").read_text("utf-8")
CSV = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)
(YAML,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_the_folder(tmp_path: Path) -> None:
    for name, text in zip(("patients", "labs", "therapies"), CSV[:3], strict=True):
        (tmp_path / f"{name}.csv").write_text(text, "utf-8")
    first, second = candidates(tmp_path)
    assert data(first) == {
        "id": "DEMO-41",
        "birth_date": "1964-05-17",
        "diagnosis": {"extent": "metastatic"},
        "assessments": {"able_to_swallow": True},
        "therapies": [
            {
                "setting": "advanced",
                "line": 1,
                "drugs": ["letrozole", "palbociclib"],
                "start": "2023-07",
            }
        ],
        "labs": [{"test": "anc", "date": "2026-01-09", "value": 3.2, "unit": "10*9/L"}],
        "allergies": [],
        "partial": ["drugs"],
    }
    assert data(second)["partial"] == ["labs"]
    assert "therapies" not in data(second)
    for found in (first, second):
        parse(data(found))


def test_the_flat_file(tmp_path: Path) -> None:
    (tmp_path / "flat.csv").write_text(CSV[3], "utf-8")
    (tmp_path / "map.yaml").write_text(YAML, "utf-8")
    first, second = candidates(tmp_path / "flat.csv", tmp_path / "map.yaml")
    assert data(first) == {
        "id": "DEMO-51",
        "sex": "female",
        "labs": [{"test": "anc", "value": 3.2, "unit": "10*9/L", "date": "2026-01-09"}],
        "pathology": [{"er_status": "positive"}],
        "therapies": [{"setting": "advanced", "line": 1, "drugs": ["palbociclib", "letrozole"]}],
        "partial": ["pathology", "labs"],
    }
    assert "does not say what this value stands for" in told(second)[0]
    assert [it["line"] for it in data(second)["therapies"]] == [1, 2]


def test_every_key_of_a_mapping_is_on_the_page() -> None:
    reference = PAGE.partition("## Mapping reference")[2]
    for part in (Mapping, Entry, Column):
        for key in part.model_fields:
            assert f"`{key}`" in reference, key
