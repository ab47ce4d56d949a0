"""An amendment on an export: what changed, who changes status, and by what."""

from __future__ import annotations

import json
import re
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
from small_study import CRITERIA, ELIGIBLE, INELIGIBLE, OTHER, REJECTED, STUDY, UNDETERMINED
from typer.testing import CliRunner

from screener.batch import chunk
from screener.cli import app

DAY = "2026-01-15"
AMENDED = (
    STUDY.replace('version: "1.10"', 'version: "1.11"')
    .replace("value: 18", "value: 56")
    .replace("text: The bowel is obstructed.", "text: The bowel is blocked.")
)
ADDED = """\
  - id: L1
    kind: inclusion
    text: Expected to live.
    source: item 3
    met_when: life_expectancy >= 3
    met: "{life_expectancy} months."
    not_met: "{life_expectancy} months."
"""
PATIENTS = [
    ELIGIBLE,  # 56 on the day of screening
    {**ELIGIBLE, "id": "P-5", "birth_date": "1970-01-16"},  # a day short of it
    {**ELIGIBLE, "id": "P-6", "birth_date": "1970"},  # either
    INELIGIBLE,
    UNDETERMINED,
]


class Ran:
    def __init__(self, *args: object, stdin: bytes = b"") -> None:
        result = CliRunner().invoke(app, ["compare", *map(str, args)], input=stdin)
        self.code, self.out, self.err = result.exit_code, result.stdout, result.stderr

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def export(folder: Path, patients: list[dict[str, Any]]) -> Path:
    return file(folder, "export.ndjson", "".join(json.dumps(it) + "\n" for it in patients))


def compared(folder: Path, old: str, new: str, patients: list[dict[str, Any]]) -> Any:
    """What comparing two study texts says as JSON."""
    ran = Ran(file(folder, "old.yaml", old), file(folder, "new.yaml", new),
              export(folder, patients), "--as-of", DAY, "--format", "json")  # fmt: skip
    assert ran.code == 0, ran.err
    return ran.json


def test_who_changes_status_and_by_what(tmp_path: Path) -> None:
    found = compared(tmp_path, STUDY, AMENDED, PATIENTS)
    assert found["old"]["version"] == "1.10"
    assert found["new"]["version"] == "1.11"
    assert found["as_of"] == DAY
    assert found["moves"] == [
        {"old": "eligible", "new": "eligible", "patients": 1},
        {"old": "eligible", "new": "ineligible", "patients": 1},
        {"old": "eligible", "new": "undetermined", "patients": 1},
        {"old": "ineligible", "new": "ineligible", "patients": 1},
        {"old": "undetermined", "new": "undetermined", "patients": 1},
    ]
    assert found["causes"] == [
        {"criterion": "A1", "old": "pass", "new": "fail", "patients": 1},
        {"criterion": "A1", "old": "pass", "new": "unknown", "patients": 1},
    ]
    assert found["patients"] == [
        {"patient_id": "P-5", "old": "eligible", "new": "ineligible", "criteria": ["A1"]},
        {"patient_id": "P-6", "old": "eligible", "new": "undetermined", "criteria": ["A1"]},
    ]
    assert found["input"]["records"] == found["input"]["screened"] == 5


def test_which_criteria_changed_and_in_what(tmp_path: Path) -> None:
    found = compared(tmp_path, STUDY, AMENDED, PATIENTS)
    age, compound, part = found["criteria"]
    assert age["differs"] == ["parameters"]
    assert age["parameters"] == [{"name": "adult_age", "old": "18 years", "new": "56 years"}]
    assert age["old"] == {"pass": 3, "fail": 1, "unknown": 1}
    assert age["new"] == {"pass": 1, "fail": 2, "unknown": 2}
    assert (compound["id"], compound["differs"]) == ("X1", ["parts"])
    assert (part["id"], part["differs"]) == ("X1b", ["text"])
    assert part["old_text"] == "The bowel is obstructed."
    assert part["new_text"] == "The bowel is blocked."
    assert found["unchanged"] == 0


CHANGES: dict[str, tuple[str, str, dict[str, list[str]]]] = {
    "kind": ("kind: exclusion", "kind: inclusion", {"X1": ["kind", "parts"], "X1a": ["kind"],
                                                    "X1b": ["kind"]}),
    "condition": ("at_least(age, adult_age)", "at_least(age, 18)", {"A1": ["condition"]}),
    "any to all": ("    any:\n", "    all:\n", {"X1": ["condition"]}),
    "white space": ("at_least(age, adult_age)", "at_least(age,  adult_age)", {}),
    "how a reason is worded": ("It was given.", "It has been given.", {}),
    "how it is read": ("By completed years.", "By years.", {}),
    "a source": ("source: item 1", "source: item 1 of 2", {}),
    "an advisory": ("ask the parents", "call the parents", {}),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_criterion_is_another_only_where_its_encoding_is(name: str, tmp_path: Path) -> None:
    old, new, differs = CHANGES[name]
    assert old in STUDY
    found = compared(tmp_path, STUDY, STUDY.replace(old, new), [ELIGIBLE])
    assert {it["id"]: sorted(it["differs"]) for it in found["criteria"]} == differs
    tops = {it for it in differs if it in {"A1", "X1"}}
    assert found["unchanged"] == 2 - len(tops)


def folder_with(path: Path, changed: str, old: str, new: str) -> Path:
    """A folder of encodings that differs from the program's in one file; its study."""
    path.mkdir()
    shutil.copytree(CRITERIA / "facts", path / "facts")
    for each in CRITERIA.glob("*.*"):
        shutil.copy(each, path)
    (path / "studies").mkdir()
    target = path / changed
    text = target.read_text("utf-8")
    assert old in text
    target.write_text(text.replace(old, new, 1), "utf-8")
    return file(path / "studies", "small.yaml", STUDY)


BEHIND = {
    "fact": ("facts/safety.yaml", "    sql: assessments.<call>", "    sql: NOT assessments.<call>",
             ("X1b", ["facts"], ["bowel_obstruction"])),
    "dictionary": ("drugs.yaml", "\ndrugs:\n", "\ndrugs:\n  - {name: inventomab, names: [], "
                   "kinds: [targeted], group: made up, source: made up}\n",
                   ("X1a", ["dictionaries"], [])),
    "macro": ("logic.sql", "WHEN count.hi < n THEN", "WHEN count.hi <= n - 1 THEN",
              ("A1", ["logic"], [])),
    "comment": ("logic.sql", "\n", "\n-- More words.\n", None),
}  # fmt: skip


@pytest.mark.parametrize("name", BEHIND)
def test_what_stands_behind_a_criterion_counts(name: str, tmp_path: Path) -> None:
    changed, old, new, found = BEHIND[name]
    later = folder_with(tmp_path / "later", changed, old, new)
    ran = Ran(file(tmp_path, "small.yaml", STUDY), later, export(tmp_path, PATIENTS), "--as-of",
              DAY, "--format", "json")  # fmt: skip
    assert ran.code == 0, ran.err
    if found is None:
        assert ran.json["criteria"] == []
        return
    criterion, differs, facts = found
    (one,) = [it for it in ran.json["criteria"] if it["id"] == criterion]
    assert (one["differs"], one["facts"]) == (differs, facts)
    assert one["old_text"] == one["new_text"]


def test_a_criterion_that_only_one_version_asks(tmp_path: Path) -> None:
    more = STUDY.replace("advisories:", ADDED + "\nadvisories:")
    patients = [ELIGIBLE, {**ELIGIBLE, "id": "P-7", "life_expectancy_months": 2}, UNDETERMINED]
    found = compared(tmp_path, STUDY, more, patients)
    (added,) = found["criteria"]
    assert (added["id"], added["change"]) == ("L1", "added")
    assert (added["old_text"], added["new_text"]) == (None, "Expected to live.")
    assert (added["old"], added["new"]) == (None, {"pass": 1, "fail": 1, "unknown": 1})
    assert found["causes"] == [{"criterion": "L1", "old": None, "new": "fail", "patients": 1}]
    assert found["unchanged"] == 2
    back = compared(tmp_path, more, STUDY, patients)
    assert [(it["id"], it["change"]) for it in back["criteria"]] == [("L1", "removed")]
    assert back["causes"] == [{"criterion": "L1", "old": "fail", "new": None, "patients": 1}]
    assert back["patients"] == [
        {"patient_id": "P-7", "old": "ineligible", "new": "eligible", "criteria": ["L1"]}
    ]


def test_the_same_encoding_changes_nothing(tmp_path: Path) -> None:
    found = compared(tmp_path, STUDY, STUDY, PATIENTS)
    assert (found["criteria"], found["causes"], found["patients"]) == ([], [], [])
    assert found["unchanged"] == 2
    assert sum(move["patients"] for move in found["moves"]) == 5


def test_each_version_gives_the_statuses_that_batch_gives(tmp_path: Path) -> None:
    found = compared(tmp_path, STUDY, AMENDED, PATIENTS)
    for side, name in (("old", "old.yaml"), ("new", "new.yaml")):
        out = tmp_path / side
        words = ["batch", tmp_path / "export.ndjson", "--study", tmp_path / name, "--out", out,
                 "--as-of", DAY, "--workers", 1]  # fmt: skip
        assert CliRunner().invoke(app, [str(word) for word in words]).exit_code == 0
        (one,) = json.loads((out / "summary.json").read_text("utf-8"))["studies"]
        statuses = dict.fromkeys(one["status"], 0)
        for move in found["moves"]:
            statuses[move[side]] += move["patients"]
        assert statuses == one["status"]
        counted = {it["id"]: it for it in one["criteria"]}
        for change in found["criteria"][:2]:
            assert change[side].items() <= counted[change["id"]].items()


def test_chunks_are_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patients = [*PATIENTS, *({**it, "id": f"{it['id']}-again"} for it in PATIENTS)]
    whole = compared(tmp_path, STUDY, AMENDED, patients)
    monkeypatch.setattr(chunk, "SIZE", 3)
    assert compared(tmp_path, STUDY, AMENDED, patients) == whole


def test_rejected_records_are_counted_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunk, "SIZE", 3)
    patients = [*PATIENTS, REJECTED, {**ELIGIBLE, "birth_date": "1999-01-01"}]
    ran = Ran(file(tmp_path, "a.yaml", STUDY), file(tmp_path, "b.yaml", AMENDED),
              export(tmp_path, patients), "--as-of", DAY, "--format", "json")  # fmt: skip
    assert ran.code == 4
    assert ran.json["input"]["rejected"] == 2
    assert sum(move["patients"] for move in ran.json["moves"]) == 5
    assert "export.ndjson, line 6: patient P-4 cannot be screened, 1 problem:" in ran.err
    assert "birth_date" in ran.err
    assert "export.ndjson, line 7: patient P-1 cannot be screened" in ran.err
    assert "the same id as the record at line 1" in ran.err
    assert "2 records were rejected and count nowhere; `screen batch` writes" in ran.err


def test_of_many_rejected_records_the_first_are_told(tmp_path: Path) -> None:
    patients = [{**REJECTED, "id": f"P-{number}"} for number in range(7)]
    ran = Ran(file(tmp_path, "a.yaml", STUDY), file(tmp_path, "b.yaml", AMENDED),
              export(tmp_path, patients), "--as-of", DAY)  # fmt: skip
    assert ran.code == 4
    assert ran.err.count("cannot be screened") == 5
    assert "7 records were rejected" in ran.err
    assert "0 of 0 patients change status; 7 rejected" in ran.out


def test_the_sites_thresholds_count_for_both(tmp_path: Path) -> None:
    ran = Ran(file(tmp_path, "a.yaml", STUDY), file(tmp_path, "b.yaml", AMENDED),
              export(tmp_path, PATIENTS), "--as-of", DAY, "--format", "json", "--set",
              "adult_age=21")  # fmt: skip
    assert ran.code == 0
    assert [it["id"] for it in ran.json["criteria"]] == ["X1", "X1b"]
    assert ran.json["patients"] == []


def test_table_names_criteria_causes_and_patients(tmp_path: Path) -> None:
    ran = Ran(file(tmp_path, "a.yaml", STUDY), file(tmp_path, "b.yaml", AMENDED),
              export(tmp_path, PATIENTS), "--as-of", DAY)  # fmt: skip
    assert ran.code == 0
    assert ran.out.startswith("From small, version 1.10, to small, version 1.11, as of 2026-01-15")
    for line in (
        "2 of 5 patients change status",
        r"eligible +1 +1 +1",
        r"  A1 changed: parameters; before 3 pass, 1 fail, 1 unknown; now 1 pass",
        "    adult_age: 18 years -> 56 years",
        "    before: The bowel is obstructed.",
        "    now: The bowel is blocked.",
        "0 criteria are the same in both",
        r"A1 +pass +fail +1",
        r"P-5 +eligible +ineligible +A1",
    ):
        assert re.search(rf"^{line}", ran.out, re.MULTILINE), line
    assert not re.search(r"[^\S\n]{20,}\n", ran.out)


def test_of_many_patients_the_table_lists_the_first_and_json_all(tmp_path: Path) -> None:
    patients = [{**ELIGIBLE, "id": f"P-{n}", "birth_date": "2000-01-01"} for n in range(31)]
    a, b = file(tmp_path, "a.yaml", STUDY), file(tmp_path, "b.yaml", AMENDED)
    some = export(tmp_path, patients)
    ran = Ran(a, b, some, "--as-of", DAY)
    assert "30 of 31 are listed; --format json gives all" in ran.out
    assert len(re.findall(r"^P-\d+ ", ran.out, re.MULTILINE)) == 30
    assert len(Ran(a, b, some, "--as-of", DAY, "--format", "json").json["patients"]) == 31


def test_page_and_json_go_to_a_file(tmp_path: Path) -> None:
    a, b = file(tmp_path, "a.yaml", STUDY), file(tmp_path, "b.yaml", AMENDED)
    page, data = tmp_path / "page.html", tmp_path / "data.json"
    for form, target in (("html", page), ("json", data)):
        ran = Ran(a, b, export(tmp_path, PATIENTS), "--as-of", DAY, "--format", form, "-o", target)
        assert (ran.code, ran.out) == (0, "")
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
    html = page.read_text("utf-8")
    assert html.startswith("<!DOCTYPE html>")
    assert "<strong>2</strong> of 5 patients change status." in html
    assert "changed: parameters" in html
    assert json.loads(data.read_text("utf-8"))["moves"]
    again = Ran(a, b, export(tmp_path, PATIENTS), "-o", page)
    assert again.code == 2
    assert "--force replaces it" in again.err
    over = Ran(a, b, tmp_path / "export.ndjson", "-o", a, "--force")
    assert over.code == 2
    assert "this is an input" in over.err


def test_a_study_of_another_id_may_be_compared(tmp_path: Path) -> None:
    found = compared(tmp_path, STUDY, OTHER, PATIENTS)
    assert {it["change"] for it in found["criteria"]} == {"added", "removed"}
    assert found["unchanged"] == 0


def test_ids_are_found_in_folders_too(tmp_path: Path) -> None:
    folder = tmp_path / "studies"
    folder.mkdir()
    file(folder, "small.yaml", STUDY)
    file(folder, "other.yaml", OTHER)
    ran = Ran("small", "other", export(tmp_path, PATIENTS), "--criteria", folder, "--as-of", DAY)
    assert ran.code == 0, ran.err
    assert "From small, version 1.10, to other, version 2" in ran.out


def test_standard_input_is_read(tmp_path: Path) -> None:
    a, b = file(tmp_path, "a.yaml", STUDY), file(tmp_path, "b.yaml", AMENDED)
    lines = export(tmp_path, PATIENTS).read_bytes()
    ran = Ran(a, b, "-", "--as-of", DAY, "--format", "json", stdin=lines)
    assert (ran.code, ran.json["input"]["name"]) == (0, "standard input")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["small.yaml", "small.yaml", "e.ndjson"], 2, "give two versions"),
        (["nosuch", "small.yaml", "e.ndjson"], 2, "there is no study nosuch"),
        (["small.yaml", "gone.yaml", "e.ndjson"], 2, "there is no such study file"),
        (["small.yaml", "all", "e.ndjson"], 2, "give two versions"),
        (["small.yaml", "other.yaml", "gone.ndjson"], 4, "gone.ndjson"),
        (["small.yaml", "other.yaml", "empty.ndjson"], 4, "empty"),
        (["small.yaml", "other.yaml", "none.json"], 4, "no patient to screen"),
        (["small.yaml", "other.yaml", "e.ndjson", "--as-of", "soon"], 2, "--as-of soon"),
        (["small.yaml", "other.yaml", "e.ndjson", "--set", "x=1"], 2, "x is no parameter of"),
        (["small.yaml", "other.yaml", "e.ndjson", "--force"], 2, "--force is about --output"),
        (["small.yaml", "bad.yaml", "e.ndjson"], 2, "bad.yaml, line"),
        (["small.yaml", "other.yaml"], 2, "Missing argument 'EXPORT'"),
    ],
)
def test_wrong_usage_is_told(
    words: list[str], code: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file(tmp_path, "small.yaml", STUDY)
    file(tmp_path, "other.yaml", OTHER)
    file(tmp_path, "bad.yaml", STUDY.replace("at_least(age", "at_leest(age"))
    file(tmp_path, "e.ndjson", json.dumps(ELIGIBLE))
    file(tmp_path, "empty.ndjson", "")
    file(tmp_path, "none.json", "[]")
    ran = Ran(*words)
    assert (ran.code, ran.out) == (code, "")
    assert told in ran.err


def test_a_patient_named_like_markup_or_a_command_does_no_harm(tmp_path: Path) -> None:
    hostile = {**ELIGIBLE, "id": "<b>[red]x", "birth_date": "2000-01-01"}
    a, b = file(tmp_path, "a.yaml", STUDY), file(tmp_path, "b.yaml", AMENDED)
    some = export(tmp_path, [hostile])
    assert "<b>[red]x" in Ran(a, b, some, "--as-of", DAY).out
    page = Ran(a, b, some, "--as-of", DAY, "--format", "html").out
    assert "&lt;b&gt;[red]x" in page
    assert "<b>" not in page
