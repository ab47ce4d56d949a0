"""What is wrong with an encoding is said when it is loaded or compiled, with file and line."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from screener.compiling.compiler import Compiler
from screener.encoding import study
from screener.errors import StudyError
from screener.record import Record
from screener.screening import Screener

if TYPE_CHECKING:
    from screener.plan import Plan

CRITERIA = Path(__file__).parents[3] / "criteria"

FACTS = """\
examples_as_of: 2026-01-15
parameters:
  short_months: {value: 1, unit: months, source: made up}
facts:
  - name: months
    label: expected months
    means: Life expectancy as recorded.
    type: number
    source: record
    sql: life_expectancy_months
    evidence: [{record: [life_expectancy_months]}]
    unknown:
      - when: not recorded(willing)
        say: "Neither is recorded; {short_months} would be short."
        ask: both
      - say: Not recorded.
        ask: life expectancy
    examples:
      - {record: {life_expectancy_months: 3}, value: 3}
  - name: willing
    label: willing
    means: The patient is willing.
    type: boolean
    source: record
    sql: |
      any_true([
        assessments.willing_fdg_pet])
    unknown: [{say: Not recorded., ask: whether the patient is willing}]
    examples:
      - {record: {assessments: {willing_fdg_pet: true}}, value: true}
"""

STUDY = """\
id: tiny
title: A tiny study
version: "1.10"
sources: ["made up"]
as_of_means: the screening date
examples_as_of: 2026-01-15
parameters:
  least:
    value: 3
    unit: months
    source: made up
criteria:
  - id: A
    kind: inclusion
    text: Expected to live.
    source: item 1
    met_when: months >= least
    met: "{months} months."
    not_met: "{months} months, below {least}."
    examples:
      - {record: {life_expectancy_months: 3}, truth: met}
      - {record: {life_expectancy_months: 2}, truth: not_met}
      - {record: {}, truth: unknown}
  - id: B
    kind: exclusion
    text: Either of two.
    source: item 2
    any:
      - id: B1
        text: Not willing.
        met_when: not willing
        met: Not willing.
        not_met: Willing.
        examples:
          - {record: {assessments: {willing_fdg_pet: false}}, truth: met}
          - {record: {assessments: {willing_fdg_pet: true}}, truth: not_met}
          - {record: {}, truth: unknown}
      - id: B2
        text: Expected to live very shortly.
        source: item 2b
        met_when: months < short_months
        met: "{months} months."
        not_met: "{months} months."
        examples:
          - {record: {life_expectancy_months: 0.5}, truth: met}
          - {record: {life_expectancy_months: 1}, truth: not_met}
          - {record: {}, truth: unknown}
advisories:
  - {id: short, when: months < 6, text: "Only {months} months."}
"""


@dataclass
class Folder:
    """A criteria folder with one small study and one file of facts."""

    path: Path

    @property
    def study(self) -> Path:
        return self.path / "studies" / "tiny.yaml"

    @property
    def facts(self) -> Path:
        return self.path / "facts" / "facts.yaml"

    def change(self, file: Path, old: str, new: str) -> None:
        text = file.read_text("utf-8")
        assert text.count(old) >= 1, old
        file.write_text(text.replace(old, new, 1), "utf-8")

    def load(self) -> study.Encoding:
        return study.load(self.study, self.path)

    def refusal(self) -> str:
        with pytest.raises(StudyError) as caught:
            Compiler(self.load()).compile()
        return str(caught.value)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    for name in ("logic.sql", "drugs.yaml", "sites.yaml", "labs.yaml", "neoplasms.yaml"):
        shutil.copy(CRITERIA / name, tmp_path)
    made.study.parent.mkdir()
    made.facts.parent.mkdir()
    made.study.write_text(STUDY, "utf-8")
    made.facts.write_text(FACTS, "utf-8")
    return made


def line_of(file: Path, text: str) -> int:
    lines = file.read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def test_the_study_is_sound_before_it_is_spoilt(folder: Folder) -> None:
    encoding = folder.load()
    plan = Compiler(encoding).compile()
    assert encoding.study.version == "1.10"
    assert [node.id for node in plan.nodes] == ["A", "B", "B1", "B2"]
    assert [(n.kind, n.source) for n in plan.nodes[2:]] == [
        ("exclusion", "item 2"),  # a part has kind and source of the whole unless it says so
        ("exclusion", "item 2b"),
    ]
    assert set(plan.parameters) == {"least", "short_months"}


# What a study file may not say: the text that is replaced, what replaces it, the text in whose line
# the fault is, and the message.
IN_STUDY = [
    ("version:", "verzion: 1\nversion:", "verzion:", "verzion: is not a key that is known here"),
    ('title: A tiny study\n', "", "id: tiny", "title: is missing"),
    ("id: tiny", "id: Tiny Study", "id: Tiny Study", "id: is not allowed"),
    ("kind: inclusion", "kind: inklusion", "kind: inklusion",
     "allowed: 'inclusion' or 'exclusion'"),
    ("    kind: inclusion\n", "", "- id: A", "kind: is missing"),
    ("truth: met}", "truth: maybe}", "truth: maybe}", "'maybe'"),
    ("_as_of: 2026-01-15", "_as_of: soon", "_as_of: soon", "examples_as_of: is not allowed"),
    ('sources: ["made up"]', "sources: []", "sources: []", "is not allowed"),
    ("    source: made up\n", "", "least:", "source: is missing"),
    ("    source: made up\n", '    source: ""\n', 'source: ""', "source: is not allowed"),
    ("    any:\n", "    met_when: willing\n    met: x\n    not_met: x\n    any:\n", "- id: B",
     "needs exactly one of met_when, all and any"),
    ("    met_when: months >= least\n", "", "- id: A", "needs exactly one of met_when"),
    ('    met: "{months} months."\n', "", "- id: A", "needs a reason for met and one for not_met"),
    ("- id: B1", "- id: A", "      - id: A", "criterion A is there twice; first in line 13"),
    ("- id: B2", "- id: B1", None, "criterion B1 is there twice"),
    ("months >= least", "month >= least", "month >= least",
     "no fact, parameter or record field month; did you mean months?"),
    ("months >= least", "months >= leest", "months >= leest", "leest; did you mean least?"),
    ("months >= least", "months >= 3 and", "months >= 3 and", "A: not a SQL expression"),
    ("months >= least", "coalesce(months, 9) >= least", "coalesce(",
     "A: a test for NULL decides on the unknown"),
    ("not willing\n", "certainly(not willing)\n", "certainly(",
     "B1: certainly decides on the unknown"),
    ("not willing\n", "exists (select 1)\n", "exists (", "B1: a subquery or EXISTS"),
    ('"{months} months, below {least}."', '"{month} months."', '"{month} months."',
     "A: the text shows {month}, which is no fact or parameter; did you mean months?"),
    ("when: months < 6", "when: mnths < 6", "when: mnths < 6",
     "no fact, parameter or record field mnths"),
    ('"Only {months} months."', '"Only {mons}."', "Only {mons}.", "shows {mons}"),
    ("  least:\n", "  willing:\n", "willing:", "willing names both a fact and a parameter"),
    ("  least:\n", "  labs:\n", "labs:", "labs is the name of a record field"),
]  # fmt: skip
IN_FACTS = [
    ("    type: number\n", "    type: number\n    kind: 1\n", "kind: 1",
     "kind: is not a key that is known here"),
    ("    sql: life_expectancy_months\n", "", "- name: months", "sql: is missing"),
    ("type: number", "type: numeral", "type: numeral", "allowed:"),
    ("- name: willing", "- name: Willing", "- name: Willing", "name: is not allowed"),
    ("- name: willing", "- name: months", "- name: months\n    label: willing",
     "fact months is defined a second time; first in"),
    ("sql: life_expectancy_months", "sql: life_expectancy", "sql: life_expectancy",
     "no fact, parameter or record field life_expectancy; did you mean life_expectancy_months?"),
    ("sql: life_expectancy_months", "sql: only_if(willing, months)", "sql: only_if(",
     "months rests on itself: months -> months"),
    ("assessments.willing_fdg_pet])", "assesments.willing_fdg_pet])", None,
     "no fact, parameter or record field assesments; did you mean assessments?"),
    ("willing_fdg_pet])", "willing_fdg_pet, bool_or(short_months)])", "bool_or(",
     "willing: bool_or loses unknowns; use any_true"),
    ("{short_months} would", "{short} would", "{short} would", "months: the text shows {short}"),
    ("when: not recorded(willing)", "when: not recorded(wiling)", "when: not recorded(wiling)",
     "no fact, parameter or record field wiling; did you mean willing?"),
    ("evidence: [{record: [life_expectancy_months]}]", "evidence: [{of: monthly}]", "evidence:",
     "there is no fact monthly"),
]  # fmt: skip


def check_refusal(folder: Folder, file: Path, at: str | None, message: str) -> None:
    told = folder.refusal()
    assert message in told
    assert str(file) in told
    if at is not None:
        text = file.read_text("utf-8")
        line = text.count("\n", 0, text.index(at) + len(at) - len(at.lstrip("\n"))) + 1
        assert f"{file}, line {line}: " in told, told


@pytest.mark.parametrize(("old", "new", "at", "message"), IN_STUDY, ids=[c[3] for c in IN_STUDY])
def test_a_fault_of_a_study_is_told_with_its_line(
    folder: Folder, old: str, new: str, at: str | None, message: str
) -> None:
    folder.change(folder.study, old, new)
    check_refusal(folder, folder.study, at, message)


@pytest.mark.parametrize(("old", "new", "at", "message"), IN_FACTS, ids=[c[3] for c in IN_FACTS])
def test_a_fault_of_a_fact_is_told_with_its_line(
    folder: Folder, old: str, new: str, at: str | None, message: str
) -> None:
    folder.change(folder.facts, old, new)
    check_refusal(folder, folder.facts, at, message)


def test_facts_that_rest_on_each_other_are_told_as_a_circle(folder: Folder) -> None:
    folder.change(folder.facts, "sql: life_expectancy_months", "sql: only_if(willing, 3)")
    folder.change(folder.facts, "assessments.willing_fdg_pet])", "months > 3])")
    told = folder.refusal()
    assert "months -> willing -> months" in told or "willing -> months -> willing" in told


def test_every_fault_of_the_expressions_is_told_at_once(folder: Folder) -> None:
    folder.change(folder.study, "months >= least", "month >= least")
    folder.change(folder.study, "months < short_months", "bool_or(willing)")
    folder.change(folder.facts, "assessments.willing_fdg_pet])", "max(short_months)])")
    lines = folder.refusal().splitlines()
    assert len(lines) == len(set(lines)) == 3
    assert all(", line " in line for line in lines)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("drugs.yaml", "    kinds: [cdk4_6_inhibitor]\n", "", "drugs.0.kinds: is missing"),
        ("drugs.yaml", "kinds: [cdk4_6_inhibitor]", "kinds: []", "drugs.0.kinds: is not allowed"),
        ("sites.yaml", "region: organ", "region: organs",
         "region: is 'organs'; allowed: 'bone', 'cns', 'node', 'organ' or 'skull'"),
        ("labs.yaml", "    shown:", "    show:", "tests.0.show: is not a key that is known here"),
        ("labs.yaml", 'factor: "1"', 'factor: "one"', "units.0.factor: is not allowed"),
        ("labs.yaml", "plausible: [0, 100]", "plausible: [0]", "tests.0.plausible"),
        ("neoplasms.yaml", "exempt:", "exempted:", "exempted: is not a key that is known here"),
    ],
)  # fmt: skip
def test_a_fault_of_a_dictionary_is_told_with_its_line(
    folder: Folder, name: str, old: str, new: str, message: str
) -> None:
    file = folder.path / name
    folder.change(file, old, new)
    told = folder.refusal()
    assert told.startswith(f"{file}, line ")
    assert message in told


def test_types_that_do_not_fit_are_found_before_any_record(folder: Folder) -> None:
    folder.change(folder.study, "months >= least", "months.lo >= least")
    assert "tiny" in folder.refusal()


def test_a_study_that_does_not_fit_leaves_nothing_to_the_next(folder: Folder) -> None:
    sound = Compiler(folder.load()).compile(many=True).to_json()
    folder.change(folder.study, "months >= least", "months.lo >= least")
    spoilt = Compiler(folder.load())
    for _ in range(2):
        with pytest.raises(StudyError, match="tiny: the facts do not fit together"):
            spoilt.compile(many=True)
    folder.change(folder.study, "months.lo >= least", "months >= least")
    again = Compiler(folder.load())
    assert [again.compile(many=True).to_json() for _ in range(2)] == [sound, sound]


def test_macros_of_one_name_mean_what_each_encoding_says(folder: Folder) -> None:
    logic = folder.path / "logic.sql"
    sound = logic.read_text("utf-8")
    folder.change(folder.study, "months >= least", "enough(months, least)")

    def plan(body: str) -> Plan:
        logic.write_text(f"{sound}\nCREATE MACRO enough(a, b) AS {body};\n", "utf-8")
        return Compiler(folder.load()).compile(many=True)

    def truths(found: Plan) -> list[bool | None]:
        records = [Record(id="P", life_expectancy_months=months) for months in (2, 3, 4)]
        return [row[0] for row in Screener(found).truths(records, date(2026, 1, 15))]

    at_least, above = plan("a >= b"), plan("a > b")
    with pytest.raises(StudyError, match="the facts do not fit together"):
        plan("a.lo > b")
    assert truths(at_least) == [False, True, True]
    assert truths(above) == [False, False, True]
    assert plan("a >= b") == at_least


def test_a_second_file_may_not_define_a_parameter_again(folder: Folder) -> None:
    other = folder.facts.with_name("more.yaml")
    other.write_text(
        "examples_as_of: 2026-01-15\nparameters:\n"
        "  short_months: {value: 2, source: made up}\nfacts: []\n",
        "utf-8",
    )
    assert f"{other}, line 3: parameter short_months is defined twice" in folder.refusal()


def test_a_study_may_set_a_parameter_of_the_facts(folder: Folder) -> None:
    folder.change(folder.study, "  least:\n", "  short_months: {value: 2, source: us}\n  least:\n")
    assert folder.load().parameters["short_months"].value == 2


@pytest.mark.parametrize("text", ["facts: 3\n", "- 1\n", "facts: [1]\n", ""])
def test_a_file_without_a_list_of_facts_is_named(folder: Folder, text: str) -> None:
    folder.facts.write_text(text, "utf-8")
    assert str(folder.facts) in folder.refusal()


@pytest.mark.parametrize("text", ["", "just words\n", "- a list\n"])
def test_a_study_that_is_no_map_is_named(folder: Folder, text: str) -> None:
    folder.study.write_text(text, "utf-8")
    assert str(folder.study) in folder.refusal()


@pytest.mark.parametrize("name", ["logic.sql", "drugs.yaml", "labs.yaml", "neoplasms.yaml"])
def test_a_missing_part_of_the_encoding_is_named(folder: Folder, name: str) -> None:
    (folder.path / name).unlink()
    told = folder.refusal()
    assert name in told
    assert "cannot be read" in told


def test_the_digest_covers_everything_that_is_used(folder: Folder) -> None:
    before = folder.load().sha256
    assert folder.load().sha256 == before
    for name in ("logic.sql", "drugs.yaml", "facts/facts.yaml", "studies/tiny.yaml"):
        path = folder.path / name
        path.write_bytes(path.read_bytes() + b"\n")
        after = folder.load().sha256
        assert after != before, name
        before = after


def test_a_file_that_was_changed_is_read_again(folder: Folder) -> None:
    before = folder.load()
    folder.change(folder.facts, "short_months: {value: 1,", "short_months: {value: 2,")
    folder.change(folder.path / "sites.yaml", "region: organ", "region: node")
    after = folder.load()
    assert [it.parameters["short_months"].value for it in (before, after)] == [1, 2]
    assert before.terms["drugs"] == after.terms["drugs"]
    assert before.terms["sites"] != after.terms["sites"]


def test_a_fact_written_once_for_several_things(folder: Folder) -> None:
    each = (
        "  - name: <call>\n    each:\n      - {call: able_to_swallow}\n"
        "      - {call: bowel_obstruction}\n    label: <call>\n    means: Called <call>.\n"
        "    type: boolean\n    source: record\n    sql: assessments.<call>\n"
        "    examples: [{record: {assessments: {<call>: true}}, value: true}]\n"
    )
    folder.facts.write_text(FACTS + each, "utf-8")
    facts = folder.load().facts
    assert facts["able_to_swallow"].sql == "assessments.able_to_swallow"
    assert facts["bowel_obstruction"].examples[0].record == {
        "assessments": {"bowel_obstruction": True}
    }
