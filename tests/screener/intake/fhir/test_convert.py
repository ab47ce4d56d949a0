"""FHIR as users meet it: `screen BUNDLE` and `screen convert`."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import duckdb
import pytest
from fhir_build import bundled, observation, patient, statement
from typer.testing import CliRunner

from screener.cli import app
from screener.intake.fhir.trace import MOST_NAMED

FHIR = Path(__file__).parents[4] / "sample_patients" / "fhir"
DAY = ("--as-of", "2026-01-15")


class Ran:
    def __init__(self, *args: object, stdin: bytes = b"") -> None:
        done = CliRunner().invoke(app, [str(it) for it in args], input=stdin)
        self.code, self.out, self.err = done.exit_code, done.stdout, done.stderr


def test_a_bundle_is_screened_like_a_record() -> None:
    ran = Ran(FHIR / "bundle.json", *DAY, "--format", "json")
    assert (ran.code, ran.err) == (3, "")
    result = json.loads(ran.out)
    (ecog,) = [it for it in result["criteria"] if it["id"] == "I3"]
    assert ecog["outcome"] == "pass"
    assert ecog["evidence"] == [{
        "path": "performance_status[0].ecog", "value": 1, "date": "2026-01-09",
        "resource": "Observation/o-ecog"}]  # fmt: skip


def test_every_piece_of_evidence_names_its_resource() -> None:
    result = json.loads(Ran(FHIR / "bundle.json", *DAY, "--format", "json").out)
    parts = [it for one in result["criteria"] for it in (one, *one["parts"])]
    evidence = [item for it in parts for item in it["evidence"]]
    assert len(evidence) > 15
    assert [item for item in evidence if "/" not in item.get("resource", "")] == []


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_the_report_says_what_an_extract_is_once(form: str) -> None:
    ran = Ran(FHIR / "bundle.json", *DAY, "--format", form)
    text = " ".join(ran.out.replace("\\", "").split())
    assert text.count("never shows that something is absent") == 1
    assert "These lists may lack entries: pathology, performance_status, therapies" in text
    assert "so it does not count: everolimus" in text
    assert "(no date, Condition/c-bone)" not in text
    assert "Observation/o-anc" in Ran(FHIR / "faults.json", *DAY, "--format", form).out


def test_a_list_that_the_user_vouches_for_is_not_asked_for_again() -> None:
    ran = Ran(FHIR / "bundle.json", *DAY, "--complete", "therapies", "--complete", "drugs")
    text = " ".join(ran.out.split())
    assert "These lists may lack entries: pathology, performance_status, procedures" in text
    assert "therapies is taken as the whole list (--complete)" in text


@pytest.mark.parametrize(
    ("faulty", "lists", "said"),
    [
        (statement("lost", {}), ["therapies"], True),
        (statement("lost", {}), ["therapies", "drugs"], True),
        (statement("lost", {}), ["allergies"], False),
        (statement("lost", {"text": "letrozole"}), ["therapies"], False),
        ({"resourceType": "MedicationOrder", "id": "lost"}, ["therapies"], True),
        ({"id": "lost"}, ["allergies"], True),
    ],
)
def test_the_users_word_against_what_cannot_be_read(
    tmp_path: Path, faulty: dict[str, object], lists: list[str], said: bool
) -> None:
    source = tmp_path / "bundle.json"
    source.write_text(json.dumps(bundled(patient(), faulty)), "utf-8")
    words = [it for name in lists for it in ("--complete", name)]
    result = json.loads(Ran(source, *DAY, *words, "--format", "json").out)
    texts = [it["text"] for it in result["advisories"] if it["id"] == "fhir-complete-unread"]
    assert bool(texts) == said
    assert all("cannot be read and may belong there" in it for it in texts)


@pytest.mark.parametrize("strictly", [[], ["--strict"]])
def test_a_list_that_may_hold_what_cannot_be_read_is_never_whole(
    tmp_path: Path, strictly: list[str]
) -> None:
    lost = {"resourceType": "AllergyIntolerance", "id": "lost", "code": 7}
    known = ("E10", "pass"), ("E10", "unknown")
    for (criterion, outcome), faulty in zip(known, ([], [lost]), strict=True):
        source = tmp_path / f"{outcome}.json"
        source.write_text(json.dumps(bundled(patient(), *faulty)), "utf-8")
        words = [*DAY, "--complete", "allergies", *strictly]
        result = json.loads(Ran(source, *words, "--format", "json").out)
        found = next(it for it in result["criteria"] if it["id"] == criterion)
        assert found["outcome"] == outcome
        out = tmp_path / outcome
        assert Ran("batch", source, *words, "--out", out).code == 0
        told = duckdb.sql(
            f"SELECT outcome FROM '{out}/results.parquet' WHERE criterion = '{criterion}'"
        )
        assert told.fetchall() == [(outcome,)]
        facts = json.loads(Ran("facts", source, *words, "--format", "json").out)["facts"]
        [whole] = [it["value"] for it in facts if it["name"] == "treatment_allergy"]
        assert (whole is None) == (outcome == "unknown")


def test_what_is_wrong_is_in_the_report() -> None:
    text = " ".join(Ran(FHIR / "faults.json", *DAY).out.split())
    assert "Something is wrong with the extract, and what it could have decided is unknown" in text
    assert (
        "Observation/o-ecog-seven: its value is no ECOG grade from 0 to 5; it is not used" in text
    )
    assert "absolute neutrophil count of 3000 ×10⁹/L is outside 0 to 100" in text


def test_many_problems_are_counted(tmp_path: Path) -> None:
    bad = [observation(f"o{n}", "89247-1", valueInteger=7) for n in range(MOST_NAMED + 2)]
    path = tmp_path / "b.json"
    for extra in (0, 1, 2):
        path.write_text(json.dumps(bundled(patient(), *({**it, "note": [{"text": it["id"]}]} for it in
                        bad[: MOST_NAMED + extra]))), "utf-8")  # fmt: skip
        text = " ".join(Ran(path, *DAY).out.split())
        assert (f"and {extra} more (`screen convert`)" in text) == (extra > 0)


def test_records_are_as_they_were() -> None:
    result = json.loads(Ran(FHIR.parent / "eligible.json", *DAY, "--format", "json").out)
    assert "resource" not in result["criteria"][0]["evidence"][0]
    assert not [it for it in result["advisories"] if it["id"].startswith("fhir")]


def test_convert_prints_a_record_that_can_be_screened(tmp_path: Path) -> None:
    target = tmp_path / "record.json"
    ran = Ran("convert", FHIR / "bundle.json", *DAY, "-o", target)
    assert (ran.code, ran.out) == (0, "")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    converted, direct = (
        json.loads(Ran(it, *DAY, "--format", "json").out) for it in (target, FHIR / "bundle.json")
    )
    assert [it["truth"] for it in converted["criteria"]] == [
        it["truth"] for it in direct["criteria"]
    ]
    assert converted["provenance"]["record_sha256"] == direct["provenance"]["record_sha256"]


def test_convert_says_on_standard_error_how_much_was_used_and_no_value() -> None:
    ran = Ran("convert", FHIR / "faults.json", *DAY)
    assert "4 of 16 resources gave a value" in ran.err
    assert "patient FHIR-03: something is wrong with Observation/o-ecog-seven" in ran.err
    assert "3000" not in ran.err
    assert json.loads(ran.out)["id"] == "FHIR-03"
    assert ran.code == 0


def test_convert_tells_what_became_of_everything() -> None:
    ran = Ran("convert", FHIR / "bundle.json", *DAY, "--format", "table")
    assert ran.code == 0
    assert "performance_status[0].ecog = 1  (Observation/o-ecog)" in ran.out
    assert ("1 x MedicationRequest http://www.nlm.nih.gov/research/umls/rxnorm|141704: ordered or "
            "dispensed, not known to be given") in ran.out  # fmt: skip
    assert "1 x Practitioner no code: a resource type that is not read" in ran.out
    assert "lists that may lack entries: pathology" in ran.out


def test_equal_things_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    weights = [observation(f"w{n}", "29463-7", f"2025-0{n}", valueInteger=60) for n in (1, 2, 3)]
    path.write_text(json.dumps(bundled(patient(), *weights)), "utf-8")
    out = Ran("convert", path, "--format", "table").out
    assert "3 x Observation http://loinc.org|29463-7: no code that is listed" in out


@pytest.mark.parametrize("name", ["bulk", "bulk/all.ndjson"])
def test_convert_an_export(tmp_path: Path, name: str) -> None:
    source: Path = FHIR / name
    if not source.exists():
        source = tmp_path / "all.ndjson"
        source.write_text(
            "".join(it.read_text("utf-8") for it in sorted((FHIR / "bulk").iterdir())), "utf-8"
        )
    ran = Ran("convert", source, *DAY)
    assert ran.code == 0
    assert [json.loads(line)["id"] for line in ran.out.splitlines()] == [
        "BULK-1",
        "BULK-2",
        "BULK-3",
    ]


def test_convert_counts_what_is_of_no_patient(tmp_path: Path) -> None:
    for name, raw in (("Patient", patient()), ("Organization", {"resourceType": "Organization"})):
        (tmp_path / f"{name}.ndjson").write_text(json.dumps(raw) + "\n", "utf-8")
    ran = Ran("convert", tmp_path, *DAY)
    assert ran.code == 0
    assert "of no patient, and of types that are not read: 1 Organization" in ran.err


def test_convert_standard_input() -> None:
    ran = Ran("convert", "-", stdin=(FHIR / "bundle.json").read_bytes())
    assert json.loads(ran.out)["id"] == "FHIR-01"


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (json.dumps(bundled()), 4, "the bundle holds no Patient"),
        (json.dumps(bundled(patient(), patient(id="q"))), 4, "more than one Patient"),
        (json.dumps(patient()), 4, "a single FHIR resource and no Bundle"),
        ('{"id": "DEMO-1"}', 4, "this is no FHIR"),
        ("{", 4, "not valid JSON"),
    ],
)
def test_what_cannot_be_converted(tmp_path: Path, content: str, code: int, message: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content, "utf-8")
    ran = Ran("convert", path)
    assert (ran.code, ran.out) == (code, "")
    assert message in ran.err
    if "FHIR" in message or "Patient" in message:
        assert Ran(path).code in (0, 1, 3, 4)


def test_a_folder_without_fhir(tmp_path: Path) -> None:
    ran = Ran("convert", tmp_path)
    assert ran.code == 4
    assert "this is no FHIR; give a bundle, or the folder of a bulk export" in ran.err


def test_some_of_an_export_cannot_be_converted(tmp_path: Path) -> None:
    lines = [patient(), statement("s", {"text": "x"}) | {"subject": {"reference": "Patient/lost"}}]
    (tmp_path / "a.ndjson").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    ran = Ran("convert", tmp_path)
    assert ran.code == 4
    assert json.loads(ran.out)["id"] == "p"
    assert "patient lost cannot be screened" in ran.err
