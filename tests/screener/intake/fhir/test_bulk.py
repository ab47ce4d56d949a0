"""Bulk exports and folders of bundles, as sources of candidates."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fhir_build import (
    AS_OF,
    Json,
    breast,
    bundled,
    lab,
    observation,
    of,
    patient,
    rxnorm,
    statement,
)  # fmt: skip

from screener.errors import InputError
from screener.intake import json_file
from screener.intake.fhir.bulk import BulkSource
from screener.intake.fhir.recognise import BundleSource, recognise
from screener.record import Record

SAMPLE = Path(__file__).parents[4] / "sample_patients" / "fhir"


def owned(raw: Json, who: str) -> Json:
    key = "patient" if "patient" in raw else "subject"
    return raw | {key: {"reference": f"Patient/{who}"}, "id": f"{raw['id']}-{who}"}


def export(folder: Path, *resources: Json | str) -> Path:
    """A folder with one file a type; text goes into Observation.ndjson as it is."""
    folder.mkdir(exist_ok=True)
    files: dict[str, list[str]] = {}
    for it in resources:
        kind = "Observation" if isinstance(it, str) else it["resourceType"]
        files.setdefault(kind, []).append(it if isinstance(it, str) else json.dumps(it))
    for kind, lines in files.items():
        (folder / f"{kind}.ndjson").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def records(source: Any) -> list[Json]:
    return [json.loads(it.text) for it in source.candidates() if it.text]


def test_the_sample() -> None:
    source = recognise(SAMPLE / "bulk", as_of=AS_OF)
    assert isinstance(source, BulkSource)
    assert source.form == "FHIR bulk export"
    found = list(source.candidates())
    assert [json.loads(it.text or b"")["id"] for it in found] == ["BULK-1", "BULK-2", "BULK-3"]
    assert json.loads(found[0].text or b"")["therapies"][0]["drugs"] == ["abemaciclib"]
    assert found[0].place == {"file": "Condition.ndjson", "line": 1}
    assert found[0].extract is not None
    assert found[0].extract.origin("performance_status[0].ecog") == "Observation/ecog1"
    assert source.position() == source.size or source.position() > 0
    assert [it.text for it in source.candidates()] == [it.text for it in found]


def test_a_patient_alone_and_in_an_export_is_the_same(tmp_path: Path) -> None:
    """However the lines of patients are mixed."""
    parts = [breast(), observation("e", "89247-1", valueInteger=1), lab("a", "751-8", 2, "10*9/L")]
    people = ("p", "q", "r")
    lines = [owned(it, who) for it in parts for who in people]
    folder = export(tmp_path / "x", *[patient(id=who) for who in people], *lines)
    found = {it["id"]: it for it in records(BulkSource(list(folder.iterdir()), AS_OF))}
    from screener.intake.fhir import bundle  # noqa: PLC0415

    for who in people:
        own = [patient(id=who), *(owned(it, who) for it in parts)]
        assert found[who] == bundle.read(bundled(*own), as_of=AS_OF).record


def test_a_broken_line_is_its_patients(tmp_path: Path) -> None:
    good = owned(observation("old", "89247-1", "2025-12-01", valueInteger=1), "p")
    other = owned(observation("new", "89247-1", valueInteger=2), "q")
    cut = json.dumps(owned(observation("cut", "89247-1", valueInteger=0), "p"))[:-25]
    folder = export(tmp_path / "x", patient(), patient(id="q"), good, other, cut)
    first, second = records(BulkSource(list(folder.iterdir())))
    assert (first["performance_status"], len(second["performance_status"])) == ([], 1)


@pytest.mark.parametrize(
    "line", ["nonsense", "[]", "3", "null", '{"resourceType": 3}', json.dumps({"resourceType": "Observation"}),
             '{"resourceType": "Observation", "subject": {"reference": "Group/1"}}'],
)  # fmt: skip
def test_a_line_of_nobody_is_a_candidate_of_its_own(tmp_path: Path, line: str) -> None:
    folder = export(tmp_path / "x", patient(), line)
    faulty, good = BulkSource(list(folder.iterdir())).candidates()
    assert faulty.text is None
    assert faulty.raw == line
    assert faulty.place == {"file": "Observation.ndjson", "line": 1}
    assert "it can be counted to no patient" in faulty.problems[0].message
    assert good.text is not None


def test_a_key_given_twice_in_a_line(tmp_path: Path) -> None:
    line = '{"resourceType": "Observation", "id": "o", "id": "o", "subject": {"reference": "Patient/p"}}'
    folder = export(tmp_path / "x", patient(), line)
    (only,) = BulkSource(list(folder.iterdir())).candidates()
    assert only.extract is not None
    assert str(only.extract.problems[0]) == (
        "Observation/o: one of its keys is given twice; it is not used"
    )


def test_resources_without_their_patient(tmp_path: Path) -> None:
    folder = export(tmp_path / "x", owned(breast(), "lost"))
    (only,) = BulkSource(list(folder.iterdir())).candidates()
    assert (only.text, only.patient_id) == (None, "lost")
    assert "the export holds no Patient" in only.problems[0].message


def test_blank_lines_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "all.ndjson"
    lines = ["", json.dumps(patient()), "   ", json.dumps(breast())]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    source = recognise(path)
    assert isinstance(source, BulkSource)
    (only,) = source.candidates()
    assert json.loads(only.text or b"")["diagnosis"]["cancer"] == "breast"
    assert only.place["line"] == 2


def test_shared_medications_and_specimens(tmp_path: Path) -> None:
    drug = {"resourceType": "Medication", "id": "m", "code": rxnorm("1601374")}
    raw = of(
        "MedicationStatement",
        "s",
        status="completed",
        medicationReference={"reference": "Medication/m"},
    )
    folder = export(
        tmp_path / "x", patient(), patient(id="q"), drug, owned(raw, "p"), owned(raw, "q")
    )
    for record in records(BulkSource(list(folder.iterdir()))):
        assert record["therapies"][0]["drugs"] == ["palbociclib"]


def test_the_database_is_gone_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = export(tmp_path / "x", patient(), patient(id="q"))
    source = BulkSource(list(folder.iterdir())).candidates()
    next(source)
    (database,) = [it for it in tmp_path.iterdir() if it.name.startswith("trial-screen-")]
    assert database.stat().st_mode & 0o077 == 0
    source.close()  # type: ignore[attr-defined]
    assert [it.name for it in tmp_path.iterdir()] == ["x"]


def test_a_file_that_vanishes(tmp_path: Path) -> None:
    folder = export(tmp_path / "x", patient())
    source = BulkSource(list(folder.iterdir()))
    (folder / "Patient.ndjson").unlink()
    with pytest.raises(InputError, match="cannot be read"):
        list(source.candidates())


def test_bundles_in_files_lines_and_arrays(tmp_path: Path) -> None:
    bundles = [bundled(patient(id=who), owned(breast(), who)) for who in ("p", "q")]
    (tmp_path / "files").mkdir()
    for number, it in enumerate(bundles):
        (tmp_path / "files" / f"{number}.json").write_text(json.dumps(it, indent=1), "utf-8")
    (tmp_path / "lines.ndjson").write_text("\n".join(map(json.dumps, bundles)), "utf-8")
    (tmp_path / "array.json").write_text(json.dumps(bundles), "utf-8")
    places = {
        "files": [{"file": "0.json"}, {"file": "1.json"}],
        "lines.ndjson": [{"line": 1}, {"line": 2}],
        "array.json": [{"index": 0}, {"index": 1}],
    }
    for name, expected in places.items():
        source = recognise(tmp_path / name)
        assert isinstance(source, BundleSource)
        found = list(source.candidates())
        assert [it.place for it in found] == expected
        assert [json.loads(it.text or b"")["id"] for it in found] == ["p", "q"]
        assert source.position() == source.size


def test_bundles_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "lines.ndjson"
    lines = [json.dumps(bundled()), "nonsense}", '{"id": "x"}', json.dumps(bundled(patient()))]
    path.write_text("\n".join(lines), "utf-8")
    source = recognise(path)
    assert isinstance(source, BundleSource)
    found = list(source.candidates())
    assert [it.text is None for it in found] == [True, True, True, False]
    assert ["Patient" in str(found[0].problems), "JSON" in str(found[1].problems),
            "no FHIR resource" in str(found[2].problems)] == [True] * 3  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"id": "x"}', "nonsense", '{"a": {"resourceType": "Bundle"}}', '"resourceType"',
             '{"a": "unterminated'],
)  # fmt: skip
def test_what_is_no_fhir(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text, "utf-8")
    assert recognise(path) is None
    assert recognise(tmp_path) is None
    assert recognise(tmp_path / "missing.json") is None


def test_a_type_that_stands_late(tmp_path: Path) -> None:
    path = tmp_path / "sorted.json"
    long = [
        {"resource": of("Procedure", f"p{n}", status="completed", code={"text": "x" * 90})}
        for n in range(900)
    ]
    raw = {
        "entry": [{"resource": patient()}, *long],
        "resourceType": "Bundle",
        "type": "collection",
    }
    path.write_text(json.dumps(raw), "utf-8")
    assert path.stat().st_size > 1 << 16
    assert isinstance(recognise(path), BundleSource)


def test_a_folder_of_both(tmp_path: Path) -> None:
    export(tmp_path, patient())
    (tmp_path / "bundle.json").write_text(json.dumps(bundled(patient())), "utf-8")
    with pytest.raises(InputError, match="holds both bundles and files of a bulk export"):
        recognise(tmp_path)


def test_one_file_of_all_types_is_screened_like_records(tmp_path: Path) -> None:
    path = tmp_path / "all.ndjson"
    lines = [
        patient(),
        owned(breast(), "p"),
        patient(id="q"),
        owned(statement("s", rxnorm("1601374")), "q"),
    ]
    broken = json.dumps({"resourceType": "Observation"})
    path.write_text("\n".join([*map(json.dumps, lines), broken, "nonsense}"]), "utf-8")
    extracts: dict[int, Any] = {}
    items = json_file.read(str(path), today=date(2026, 1, 15), extracts=extracts)
    good = [it for it in items if isinstance(it, Record)]
    assert [it.id for it in good] == ["p", "q"]
    assert {id(it) for it in good} == extracts.keys()
    assert len(items) == 4
