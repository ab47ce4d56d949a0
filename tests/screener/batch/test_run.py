"""`screen batch` as its users meet it: outputs, what is rejected, refusals, exit codes."""

from __future__ import annotations

import gzip
import json
import stat
from pathlib import Path

import exports
import openpyxl
import pytest
from exports import batch, contents, log, ndjson, patients, rejected, results, summary
from program import ROOT
from small_study import ELIGIBLE, INELIGIBLE, OTHER, REJECTED, UNDETERMINED

from screener.batch.chunk import SIZE

OUTPUTS = {"rejected.ndjson", "report.html", "results.parquet", "screening_log.csv", "summary.json"}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exports.study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory, study: Path) -> Path:
    """The outputs of a run over records of every kind."""
    folder = tmp_path_factory.mktemp("mixed")
    path = ndjson(
        folder / "clinic.ndjson",
        [
            ELIGIBLE, INELIGIBLE, "", UNDETERMINED, REJECTED, "{broken", ELIGIBLE,
            {**ELIGIBLE, "id": "P-9", "sexx": "female"}, [1], {**INELIGIBLE, "id": "P-4"},
            {**ELIGIBLE, "id": "=HYPERLINK(1)", "birth_date": "2008-02-01"},
        ],
    )  # fmt: skip
    ran = batch(path, folder / "out", study, "--until", "2026-12-31", "--xlsx")
    assert ran.returncode == 4, ran.stderr
    (folder / "stdout").write_text(ran.stdout, "utf-8")
    (folder / "stderr").write_text(ran.stderr, "utf-8")
    return folder


class TestOutputs:
    def test_they_are_for_their_owner_only(self, mixed: Path) -> None:
        out = mixed / "out"
        more = {"screening_log.xlsx", "rescreening.csv", "rescreening.ics"}
        assert {path.name for path in out.iterdir()} == OUTPUTS | more
        assert stat.S_IMODE(out.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}

    def test_the_log(self, mixed: Path) -> None:
        rows = log(mixed / "out")
        assert [(r["patient_id"], r["status"], r["failed"], r["unknown"]) for r in rows] == [
            ("P-1", "eligible", "", ""),
            ("P-2", "ineligible", "A1", ""),
            ("P-3", "undetermined", "", "A1"),
            ("'=HYPERLINK(1)", "ineligible", "A1", ""),
        ]
        assert {r["study"] for r in rows} == {"small"}
        assert {r["study_version"] for r in rows} == {"1.10"}
        assert {r["as_of"] for r in rows} == {"2026-01-15"}
        assert rows[1]["reasons"] == "A1: Age 6; at least 18."
        assert rows[2]["needs"] == "date of birth"
        assert [r["rescreen_on"] for r in rows] == ["", "2038-01-01", "", "2026-02-01"]

    def test_the_results_in_long_form(self, mixed: Path) -> None:
        rows = results(mixed / "out")
        assert rows[:4] == [
            ("P-1", "small", "A1", None, "inclusion", "met", "pass", "Age 56; at least 18."),
            ("P-1", "small", "X1", None, "exclusion", "not_met", "pass",
             "It was not given. It is not."),
            ("P-1", "small", "X1a", "X1", "exclusion", "not_met", "pass", "It was not given."),
            ("P-1", "small", "X1b", "X1", "exclusion", "not_met", "pass", "It is not."),
        ]  # fmt: skip
        assert len(rows) == 4 * 4

    def test_the_summary(self, mixed: Path) -> None:
        found = summary(mixed / "out")
        assert found["input"]["records"] == 10
        assert found["input"]["screened"] == 4
        assert found["input"]["rejected"] == 6
        [one] = found["studies"]
        assert one["status"] == {"eligible": 1, "ineligible": 2, "undetermined": 1}
        [first, second] = one["criteria"]
        assert first == {"id": "A1", "pass": 1, "fail": 2, "unknown": 1, "only_reason": 2}
        assert {key: second[key] for key in ("pass", "fail", "unknown", "only_reason")} == {
            "pass": 4, "fail": 0, "unknown": 0, "only_reason": 0,
        }  # fmt: skip
        assert [part["id"] for part in second["parts"]] == ["X1a", "X1b"]
        assert [(s["criterion"], s["excluded"], s["remaining"]) for s in one["flow"]] == [
            (None, 0, 4), ("A1", 2, 2), ("X1", 0, 2),
        ]  # fmt: skip
        assert found["tool"]["name"] == "trial-screen"

    def test_the_list_and_the_calendar_of_those_to_screen_again(self, mixed: Path) -> None:
        text = (mixed / "out" / "rescreening.csv").read_text("utf-8")
        assert text.splitlines() == [
            '"rescreen_on","patient_id","study","failed","status_then","unknown_then","needs_then"',
            '"2026-02-01","\'=HYPERLINK(1)","small","A1","eligible","",""',
        ]
        [one] = summary(mixed / "out")["studies"]
        assert one["rescreening"] == {"until": "2026-12-31", "patients": 1, "eligible_then": 1}
        told = (mixed / "stdout").read_text("utf-8")
        assert "by time alone\n  1 patient, 1 eligible then" in told
        names = " ".join(told[told.index("Written to") :].split())
        assert names.endswith("screening_log.xlsx, rescreening.csv, rescreening.ics")
        assert b"DTSTART;VALUE=DATE:20260201" in (mixed / "out" / "rescreening.ics").read_bytes()

    def test_the_workbook_says_the_same(self, mixed: Path) -> None:
        sheet = openpyxl.load_workbook(mixed / "out" / "screening_log.xlsx").worksheets[0]
        ids = [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)]
        assert ids == ["P-1", "P-2", "P-3", "=HYPERLINK(1)"]
        assert {cell.data_type for cell in sheet["A"]} == {"s"}

    def test_the_page_holds_every_patient(self, mixed: Path) -> None:
        page = (mixed / "out" / "report.html").read_text("utf-8")
        assert all(name in page for name in ("P-1", "P-2", "P-3", "=HYPERLINK(1)"))

    def test_what_is_printed(self, mixed: Path) -> None:
        lines = (mixed / "stdout").read_text("utf-8").splitlines()
        assert lines[0] == "10 records: 4 screened, 6 rejected"
        assert max(map(len, lines)) <= 80
        assert any(line.split() == ["A1", "1", "2", "1", "2"] for line in lines)
        assert any(line.split() == ["1", "date", "of", "birth"] for line in lines)
        said = (mixed / "stderr").read_text("utf-8")
        assert "6 records were rejected" in said
        assert "1970" not in said


def test_a_cohort_gets_its_flow_and_baseline_table(tmp_path: Path) -> None:
    export = ROOT / "sample_patients" / "zhou_2026" / "screened.ndjson"
    ran = batch(export, tmp_path / "out", "zhou-2026", "--workers", 1)
    assert ran.returncode == 0, ran.stderr
    assert "Another solid tumour" in ran.stdout
    [study] = summary(tmp_path / "out")["studies"]
    assert [step["excluded"] for step in study["flow"]][:5] == [0, 87, 9, 3, 1]
    assert study["flow"][-1]["remaining"] == 58
    assert "<svg" in (tmp_path / "out" / "flow-zhou-2026.svg").read_text("utf-8")
    table = (tmp_path / "out" / "table_one-zhou-2026.csv").read_text("utf-8")
    assert len(table.splitlines()) == len(study["table_one"]) + 1
    assert "data:image/svg+xml" in (tmp_path / "out" / "report.html").read_text("utf-8")


class TestRejected:
    def test_each_with_its_place_and_all_that_is_wrong(self, mixed: Path) -> None:
        found = rejected(mixed / "out")
        assert [(r["line"], r["patient_id"], [e["path"] for e in r["errors"]]) for r in found] == [
            (5, "P-4", ["birth_date"]),
            (6, None, ["line 6, column 2"]),
            (7, "P-1", ["id"]),
            (8, "P-9", ["sexx"]),
            (9, None, [""]),
            (10, "P-4", ["id"]),
        ]
        assert "the same id as the record at line 1" in found[2]["errors"][0]["message"]
        assert "the same id as the record at line 5" in found[5]["errors"][0]["message"]
        assert "did you mean `sex`?" in found[3]["errors"][0]["message"]

    def test_one_corrected_can_be_screened_alone(
        self, mixed: Path, tmp_path: Path, study: Path
    ) -> None:
        [found] = [r for r in rejected(mixed / "out") if r["patient_id"] == "P-9"]
        path = tmp_path / "one.json"
        path.write_text(found["raw"].replace("sexx", "sex"), "utf-8")
        assert batch(path, tmp_path / "out", study).returncode == 0
        assert log(tmp_path / "out")[0]["status"] == "eligible"

    def test_an_id_is_found_again_in_another_chunk(self, tmp_path: Path, study: Path) -> None:
        records = [*patients(SIZE + 2), {**ELIGIBLE, "id": "P000001"}]
        path = ndjson(tmp_path / "in.ndjson", records)
        assert batch(path, tmp_path / "out", study, "--workers", 2).returncode == 4
        [found] = rejected(tmp_path / "out")
        assert found["line"] == SIZE + 3
        assert "at line 2;" in found["errors"][0]["message"]
        assert summary(tmp_path / "out")["input"]["screened"] == SIZE + 2

    def test_all_of_them(self, tmp_path: Path, study: Path) -> None:
        path = ndjson(tmp_path / "in.ndjson", [REJECTED, "{"])
        ran = batch(path, tmp_path / "out", study)
        assert ran.returncode == 4
        assert summary(tmp_path / "out")["input"]["screened"] == 0
        assert log(tmp_path / "out") == []
        assert results(tmp_path / "out") == []


class TestSameBytes:
    def test_whatever_the_number_of_workers(self, tmp_path: Path, study: Path) -> None:
        path = ndjson(tmp_path / "in.ndjson", [*patients(2 * SIZE + 100), REJECTED])
        found = []
        for workers in (1, 2, 3):
            out = tmp_path / f"out-{workers}"
            ran = batch(path, out, study, "--workers", workers, "--xlsx")
            assert ran.returncode == 4
            found.append(contents(out))
        assert found[0] == found[1] == found[2]
        assert found[0]["report.html"]

    def test_whatever_the_form(self, tmp_path: Path, study: Path) -> None:
        records = patients(20)
        lines = ndjson(tmp_path / "in.ndjson", records).read_bytes()
        (tmp_path / "in.json").write_text(json.dumps(records, indent=2), "utf-8")
        (tmp_path / "in.gz").write_bytes(gzip.compress(lines))
        (tmp_path / "in.utf16").write_bytes(lines.decode().encode("utf-16"))
        forms = ["in.ndjson", "in.json", "in.gz", "in.utf16"]
        logs = []
        for form in forms:
            assert batch(tmp_path / form, tmp_path / f"{form}-out", study).returncode == 0
            logs.append((tmp_path / f"{form}-out" / "screening_log.csv").read_bytes())
        ran = batch("-", tmp_path / "stdin-out", study, stdin=lines)
        assert ran.returncode == 0, ran.stderr
        logs.append((tmp_path / "stdin-out" / "screening_log.csv").read_bytes())
        assert len(set(logs)) == 1
        assert summary(tmp_path / "stdin-out")["input"]["name"] == "standard input"


class TestOptions:
    def test_several_studies(self, tmp_path: Path, study: Path) -> None:
        other = tmp_path / "other.yaml"
        other.write_text(OTHER, "utf-8")
        path = ndjson(tmp_path / "in.ndjson", [ELIGIBLE, INELIGIBLE])
        ran = batch(path, tmp_path / "out", study, "--study", other)
        assert ran.returncode == 0
        rows = [(r["patient_id"], r["study"], r["status"]) for r in log(tmp_path / "out")]
        assert rows == [
            ("P-1", "small", "eligible"), ("P-1", "other", "eligible"),
            ("P-2", "small", "ineligible"), ("P-2", "other", "ineligible"),
        ]  # fmt: skip
        assert [s["study"]["id"] for s in summary(tmp_path / "out")["studies"]] == [
            "small",
            "other",
        ]

    def test_thresholds_and_strictness(self, tmp_path: Path, study: Path) -> None:
        path = ndjson(tmp_path / "in.ndjson", [ELIGIBLE, INELIGIBLE])
        assert batch(path, tmp_path / "set", study, "--set", "adult_age=5").returncode == 0
        assert [r["status"] for r in log(tmp_path / "set")] == ["eligible", "eligible"]
        assert batch(path, tmp_path / "strict", study, "--strict").returncode == 0
        assert [r["unknown"] for r in log(tmp_path / "strict")] == ["A1", "A1"]

    def test_a_list_that_is_whole(self, tmp_path: Path, study: Path) -> None:
        path = ndjson(tmp_path / "in.ndjson", [{**ELIGIBLE, "partial": ["therapies"]}])
        batch(path, tmp_path / "a", study)
        assert log(tmp_path / "a")[0]["status"] == "undetermined"
        batch(path, tmp_path / "b", study, "--complete", "therapies")
        assert log(tmp_path / "b")[0]["status"] == "eligible"

    def test_the_summary_as_json(self, tmp_path: Path, study: Path) -> None:
        path = ndjson(tmp_path / "in.ndjson", [ELIGIBLE])
        ran = batch(path, tmp_path / "out", study, "--format", "json")
        assert json.loads(ran.stdout) == summary(tmp_path / "out")
        assert ran.stderr == ""


class TestRefused:
    @pytest.fixture
    def export(self, tmp_path: Path) -> Path:
        return ndjson(tmp_path / "in.ndjson", [ELIGIBLE])

    def refused(self, ran: object, *parts: str, code: int = 2) -> None:
        assert ran.returncode == code, ran.stderr  # type: ignore[attr-defined]
        assert ran.stdout == ""  # type: ignore[attr-defined]
        for part in parts:
            assert part in " ".join(ran.stderr.split())  # type: ignore[attr-defined]

    def test_an_earlier_run_is_not_written_over(
        self, tmp_path: Path, study: Path, export: Path
    ) -> None:
        out = tmp_path / "out"
        batch(export, out, study, "--xlsx")
        before = contents(out)
        self.refused(batch(export, out, study), "of an earlier run lies there", "--force")
        assert contents(out) == before
        assert batch(export, out, study, "--force").returncode == 0
        assert set(contents(out)) == OUTPUTS

    def test_resume_without_an_unfinished_run(
        self, tmp_path: Path, study: Path, export: Path
    ) -> None:
        self.refused(batch(export, tmp_path / "out", study, "--resume"), "no unfinished run")
        batch(export, tmp_path / "out", study)
        self.refused(batch(export, tmp_path / "out", study, "--resume"), "finished already")

    def test_resume_and_force(self, tmp_path: Path, study: Path, export: Path) -> None:
        self.refused(batch(export, tmp_path, study, "--resume", "--force"), "give one of them")

    def test_a_file_as_folder(self, tmp_path: Path, study: Path, export: Path) -> None:
        self.refused(batch(export, export, study), "this is a file; give a folder")

    def test_a_folder_that_cannot_be_made(self, study: Path, export: Path) -> None:
        self.refused(
            batch(export, Path("/proc/nowhere"), study), "cannot be written", "--resume", code=74
        )

    @pytest.mark.parametrize("option", ["--as-of", "--until"])
    def test_what_is_no_day(self, tmp_path: Path, study: Path, export: Path, option: str) -> None:
        self.refused(
            batch(export, tmp_path / "out", study, option, "15.1.2026"),
            f"{option} 15.1.2026: not written as YYYY-MM-DD",
        )

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "the file is empty"),
            (b"\n \n", "only white space"),
            (b"[]", "empty list"),
            (b"%PDF-1.7", "this is a PDF"),
            (b"a,b\n1,2\n", "--mapping"),
            (b'{"id": "P\xff"}\n', "line 1, byte 10"),
        ],
    )
    def test_an_input_as_a_whole(
        self, tmp_path: Path, study: Path, content: bytes, message: str
    ) -> None:
        path = tmp_path / "in"
        path.write_bytes(content)
        self.refused(batch(path, tmp_path / "out", study), message, code=4)
        assert not (tmp_path / "out" / "summary.json").exists()

    def test_a_missing_input(self, tmp_path: Path, study: Path) -> None:
        ran = batch(tmp_path / "none", tmp_path / "out", study)
        self.refused(ran, "there is no such file", code=4)
        assert not (tmp_path / "out").exists()

    def test_a_mapping_where_none_is_used(self, tmp_path: Path, study: Path, export: Path) -> None:
        ran = batch(export, tmp_path / "out", study, "--mapping", study)
        self.refused(ran, "leave it out", code=4)
