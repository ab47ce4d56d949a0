"""Resources inside others, deleted ones, and files of a folder that would be lost."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest
from fhir_build import (
    AS_OF,
    Json,
    breast,
    bundled,
    checked,
    lab,
    observation,
    patient,
    problem,
    read,
    rxnorm,
    statement,
    why,
)  # fmt: skip

from screener.errors import InputError
from screener.intake.fhir import bundle
from screener.intake.fhir.recognise import recognise

if TYPE_CHECKING:
    from pathlib import Path


def report(*contained: Json, kind: str = "DiagnosticReport", **more: object) -> Json:
    return {
        "resourceType": kind, "id": "r", "status": "final", "contained": list(contained),
        "subject": {"reference": "Patient/p"},
    } | more  # fmt: skip


def test_results_contained_in_a_report_are_read() -> None:
    inner = lab("anc", "751-8", 1.2, "10*9/L")
    made = read(report(inner), lab("old", "751-8", 3, "10*9/L", "2025-12-20"))
    assert sorted(it["value"] for it in made.record["labs"]) == [1.2, 3]
    assert "DiagnosticReport/r#anc" in made.origins.values()


def test_what_is_contained_is_of_whom_its_container_is_of() -> None:
    inner = lab("anc", "751-8", 1.2, "10*9/L")
    del inner["subject"]
    assert len(read(report(inner)).record["labs"]) == 1
    made = read(report(inner, subject={"reference": "Patient/other"}))
    assert made.record["labs"] == []
    assert "whose it is" in made.problems[0].message


def test_a_contained_patient_is_not_known_to_be_the_patient() -> None:
    inner = observation("o", "89247-1", valueInteger=1, subject={"reference": "#who"})
    inner["contained"] = [{"resourceType": "Patient", "id": "who"}]
    made = read(inner)
    assert made.record["performance_status"] == []
    assert "its subject is contained in it" in problem(made, "o")


def test_what_is_inside_a_type_that_is_not_read() -> None:
    made = read(report(breast(), kind="Encounter"))
    assert made.record["diagnosis"]["cancer"] == "breast"
    assert made.origins["diagnosis.cancer"] == "Encounter/r#c"


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_what_is_inside_a_report_that_does_not_count(status: str) -> None:
    assert read(report(lab("a", "751-8", 1, "10*9/L"), status=status)).record["labs"] == []


def test_contained_ones_that_cannot_be_read_are_named() -> None:
    made = read(report(lab("a", "751-8", 1, "10*9/L") | {"status": "done"}))
    assert [it.path for it in made.problems] == ["DiagnosticReport/r#a"]
    nameless = lab("a", "751-8", 1, "10*9/L")
    del nameless["id"]
    made = read(report(nameless, nameless))
    assert set(made.origins.values()) >= {
        "DiagnosticReport/r.contained[0]",
        "DiagnosticReport/r.contained[1]",
    }


def test_a_history_bundle_and_what_was_deleted() -> None:
    kept = lab("kept", "777-3", 210, "10*9/L")
    gone = lab("gone", "751-8", 3, "10*9/L")
    raw = bundled(patient(), kept, gone, kind="history")
    deletion = {"request": {"method": "DELETE", "url": "http://x.example/fhir/Observation/gone"}}
    raw["entry"].insert(1, deletion)
    made = bundle.read(raw, as_of=AS_OF)
    checked(made)
    assert [it["test"] for it in made.record["labs"]] == ["platelets"]
    assert why(made, "gone") == "deleted since"
    # Written again after it was deleted: the newest stands first.
    raw["entry"] = [*raw["entry"][:1], *raw["entry"][2:], deletion]
    assert len(bundle.read(raw, as_of=AS_OF).record["labs"]) == 2


def test_a_history_of_a_deleted_patient() -> None:
    raw = bundled(patient(), kind="history")
    raw["entry"].insert(0, {"request": {"method": "DELETE", "url": "Patient/p"}})
    with pytest.raises(bundle.NotOnePatient, match="holds no Patient"):
        bundle.read(raw)


def export(folder: Path, **files: list[Json | str]) -> Path:
    for name, lines in files.items():
        texts = [it if isinstance(it, str) else json.dumps(it) for it in lines]
        (folder / f"{name}.ndjson").write_text("\n".join(texts) + "\n", encoding="utf-8")
    return folder


def test_a_file_whose_first_line_is_broken_is_read_and_named(tmp_path: Path) -> None:
    ecog = observation("o", "89247-1", valueInteger=1)
    export(tmp_path, Patient=[patient()], Observation=['{"resourceType": "Obs', ecog])
    source = recognise(tmp_path, as_of=AS_OF)
    assert source is not None
    candidates = list(source.candidates())
    assert [it.place for it in candidates if it.extract is None] == [
        {"file": "Observation.ndjson", "line": 1}
    ]
    (made,) = [it.extract for it in candidates if it.extract]
    assert len(made.record["performance_status"]) == 1


def test_a_compressed_file_of_an_export_is_not_lost_in_silence(tmp_path: Path) -> None:
    export(tmp_path, Patient=[patient()])
    drugs = json.dumps(statement("s", rxnorm("1601374")))
    (tmp_path / "MedicationStatement.ndjson.gz").write_bytes(gzip.compress(drugs.encode()))
    with pytest.raises(InputError, match=r"MedicationStatement.ndjson.gz: it is compressed"):
        recognise(tmp_path)


def test_resources_in_a_file_of_another_name_are_not_lost_in_silence(tmp_path: Path) -> None:
    export(tmp_path, Patient=[patient()])
    (tmp_path / "README.txt").write_text("made up", encoding="utf-8")
    (tmp_path / "manifest.json").write_text('{"output": []}', encoding="utf-8")
    assert recognise(tmp_path) is not None
    (tmp_path / "Condition.json").write_text(json.dumps(breast()), encoding="utf-8")
    with pytest.raises(InputError, match=r"Condition.json: it holds FHIR resources, but"):
        recognise(tmp_path)
