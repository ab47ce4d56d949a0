from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import builders
import pytest
from builders import criterion, result, screening
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len
from rich.console import Console

from screener.report import terminal, words
from screener.result import CriterionResult, Evidence, ScreeningResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDTHS = (60, 80, 120)
TYPICAL = Path(__file__).with_name("typical.txt")
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def shown(*results: ScreeningResult, width: int = 80, **options: Any) -> str:
    file = io.StringIO()
    settings = {"force_terminal": False, "color_system": None, **options}
    terminal.render(results, Console(file=file, width=width, **settings))
    return file.getvalue()


def flat(text: str) -> str:
    return " ".join(text.split())


def nested(depth: int) -> CriterionResult:
    parts = [nested(depth - 1)] if depth else []
    return criterion(f"X{depth}", "unknown", reason=f"Reason {depth}.", parts=parts)


def everything_unknown() -> ScreeningResult:
    return screening(
        [
            criterion(f"C{number}", "unknown", reason=f"Nothing is recorded for {number}.")
            for number in range(40)
        ]
    )


SAMPLES = {
    "eligible": [result()],
    "typical": [builders.typical()],
    "several fail": [result(criterion("I3", "fail"), builders.surgery())],
    "everything unknown": [everything_unknown()],
    "nested": [screening([nested(12)])],
    "hostile": [builders.hostile()],
    "hostile, several": [builders.hostile(), builders.hostile()],
    "several": [builders.typical(), result(patient_id="PUMCH-0533")],
    "several, much unknown": [everything_unknown(), result(patient_id="长" * 32)],
    "no criteria": [screening([])],
}


def every_text(items: Sequence[CriterionResult]) -> Iterator[str]:
    for item in items:
        yield item.reason
        if item.outcome != "pass":
            yield from (item.id, item.text, *item.needs, *item.assumptions)
            yield from (evidence.path for evidence in item.evidence)
            yield from every_text([part for part in item.parts if part.outcome != "pass"])


def test_a_typical_report_reads_as_filed() -> None:
    assert shown(builders.typical()) == TYPICAL.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [20, 40, *WIDTHS, 200])
@pytest.mark.parametrize("name", SAMPLES)
def test_no_line_is_wider_than_the_console(name: str, width: int) -> None:
    lines = shown(*SAMPLES[name], width=width).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert not [line for line in lines if line != line.rstrip()]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["typical", "several fail", "everything unknown", "eligible"])
def test_nothing_is_cropped(name: str, width: int) -> None:
    (one,) = SAMPLES[name]
    report = flat(shown(one, width=width))
    texts = [*every_text(one.criteria), *one.needs, *one.assumptions]
    assert [text for text in texts if flat(text) not in report] == []


def test_sections_come_in_order_of_urgency() -> None:
    report = shown(builders.typical())
    titles = [
        "✗ INELIGIBLE",
        "Patient   PUMCH-0417",
        "Study     dawna-fes, version 2024-03-12",
        "Screened  as of 2026-11-21",
        "Result    1 of 21 criteria fails: E9 (E9a). 3 are unknown: I2, I8, E1.",
        "✗ FAIL (1) ─",
        "? UNKNOWN (3) ─",
        "✓ PASS (17) ─",
        "TO OBTAIN ─",
        "RE-SCREENING ─",
        "ASSUMPTIONS ─",
        "ADVISORIES ─",
        "NOT USED ─",
        "trial-screen 0.1.0, study sha256 9f4c1d2e77ab, record sha256 51d0c3aa90fe",
    ]
    places = [
        report.index(f"\n{title}" if number else title) for number, title in enumerate(titles)
    ]
    assert places == sorted(places)
    assert places[0] == 0
    assert report.splitlines()[-1] == titles[-1]


@pytest.mark.parametrize(
    ("changed", "first", "verdict"),
    [
        ([], "✓ ELIGIBLE", "All 21 criteria pass."),
        (
            [criterion("I3", "fail"), criterion("E2", "fail")],
            "✗ INELIGIBLE",
            "2 of 21 criteria fail: I3, E2.",
        ),
        (
            [criterion("I3", "fail"), criterion("I2", "unknown")],
            "✗ INELIGIBLE",
            "1 of 21 criteria fails: I3. 1 is unknown: I2.",
        ),
        (
            [criterion("I2", "unknown"), criterion("E1", "unknown")],
            "? UNDETERMINED",
            "Nothing fails. 2 of 21 criteria are unknown: I2, E1.",
        ),
    ],
)
def test_the_verdict_comes_first(changed: list[CriterionResult], first: str, verdict: str) -> None:
    lines = shown(result(*changed)).splitlines()
    assert lines[0] == f"{first} by the record; the investigator decides"
    assert lines[5] == f"Result    {verdict}"


def test_a_study_that_counts_unknowns_its_own_way_is_not_contradicted() -> None:
    documented = criterion("E8", "pass", truth="unknown", reason="Not documented.")
    report = shown(result(documented))
    assert "✓ E8   Not documented. (unknown, counted as a pass)" in report
    excluded = criterion("E8", "fail", truth="unknown", reason="Not documented.")
    assert "✗ E8  exclusion (NCT05861830, exclusion 8)  [unknown, counted as a fail]" in shown(
        result(excluded)
    )
    lenient = result(criterion("E8", "unknown"), status="eligible")
    assert "The study states how it counts what is unknown." in flat(shown(lenient))


def test_paths_values_and_dates_of_evidence_are_literal() -> None:
    evidence = [
        Evidence(path="performance_status[0].ecog", value=3, date="2026-11-10"),
        Evidence(path="birth_date", value="1972-05"),
        Evidence(path="therapies[1].ongoing", value=False, date=None),
        Evidence(path="labs[2].unit", value=None, date="2026"),
        Evidence(path="labs[2].value", value=1.5, date="2026"),
        Evidence(path="procedures[0].date", value="2026-11-03", date="2026-11-03"),
        Evidence(path="centre", value=" "),
    ]
    report = shown(result(criterion("I3", "fail", evidence=evidence)))
    for line in (
        "Evidence  performance_status[0].ecog = 3 (2026-11-10)\n",
        " birth_date = 1972-05\n",
        " therapies[1].ongoing = false\n",
        " labs[2].unit = not recorded (2026)\n",
        " labs[2].value = 1.5 (2026)\n",
        " procedures[0].date = 2026-11-03\n",
        ' centre = ""\n',
    ):
        assert line in report


@pytest.mark.parametrize(("rows", "left_out"), [(6, 0), (7, 0), (8, 2), (40, 34)])
def test_evidence_is_bounded_and_what_is_left_out_is_counted(rows: int, left_out: int) -> None:
    evidence = [Evidence(path=f"labs[{row}].value", value=row) for row in range(rows)]
    report = shown(result(criterion("I8", "fail", evidence=evidence)))
    assert report.count("labs[") == rows - left_out
    assert (f"and {left_out} more" in report) == bool(left_out)


def test_a_compound_criterion_shows_what_decides_it() -> None:
    mixed = criterion(
        "I5",
        "unknown",
        reason="I5b is unknown.",
        parts=[
            criterion("I5a", "fail", reason="No CDK4/6 inhibitor."),
            criterion("I5b", "unknown", reason="The drug dalpicilib is not known."),
            criterion("I5c", reason="1 line of endocrine therapy."),
        ],
    )
    report = shown(result(mixed))
    assert "  ✗ I5a  [fails; does not decide I5 alone]\n" in report
    assert "  ? I5b\n" in report
    assert "  Passing   1 of 3 parts: I5c\n" in report
    assert "1 line of endocrine therapy." not in report

    failing = replace(mixed, outcome="fail", truth="not_met", reason="I5a fails.")
    report = shown(result(failing))
    assert "  ✗ I5a\n" in report
    assert "  ? I5b  [unknown; I5 fails in any case]\n" in report
    assert "1 of 21 criteria fails: I5 (I5a)." in report

    passing = replace(mixed, outcome="pass", truth="met", reason="Enough.")
    assert "✓ I5   Enough. (passing: I5c; failing: I5a; unknown: I5b)" in shown(result(passing))


def test_what_a_part_says_is_not_said_twice() -> None:
    item = Evidence(path="pathology[0].her2_ihc", value="2+", date="2025-08-14")
    own = Evidence(path="pathology[0].site", value="liver", date="2025-08-14")
    told: dict[str, Any] = {"reason": "IHC 2+ without ISH.", "needs": ["HER2 ISH"]}
    compound = criterion(
        "I1",
        "unknown",
        **told,
        evidence=[item, own],
        parts=[criterion("I1a"), criterion("I1b", "unknown", **told, evidence=[item])],
    )
    report = shown(result(compound, needs=["HER2 ISH"]))
    assert report.count("IHC 2+ without ISH.") == 1
    assert report.count("her2_ihc = 2+") == 1
    assert report.count("pathology[0].site = liver") == 1
    assert report.count("Obtain    no. 1 below") == 1
    assert "1. HER2 ISH (for I1b)\n" in report


def test_what_only_a_hidden_part_says_is_not_taken_as_said() -> None:
    item = Evidence(path="labs[0].value", value=1)
    hidden = criterion("Q", reason="Common.", evidence=[item], assumptions=["Taken."])
    inner = criterion(
        "P", "unknown", reason="Other.", parts=[hidden, criterion("R", "unknown", reason="Open.")]
    )
    outer = criterion("O", "unknown", reason="Common.", evidence=[item], parts=[inner])
    report = shown(screening([outer]))
    assert "Reason    Common." in report
    assert "Evidence  labs[0].value = 1" in report
    assert "Assumed" not in report
    assert "- Taken. (Q)" in report


def test_an_assumption_that_parts_share_stands_above_them() -> None:
    parts = [
        criterion("I8a", "unknown", assumptions=["Shared.", "Own of a."]),
        criterion("I8b", "unknown", assumptions=["Shared."]),
        criterion("I8c", assumptions=["Only of the part that passes."]),
    ]
    report = shown(
        result(
            criterion(
                "I8",
                "unknown",
                parts=parts,
                assumptions=["Shared.", "Own of a.", "Only of the part that passes."],
            )
        )
    )
    before, after = report.split("  ? I8a\n")
    inside, closing = after.split("  Passing")
    assert before.count("Assumed   Shared.") == 1
    assert "Own of a." not in before
    assert "Only of the part" not in before
    assert "Assumed   Own of a." in inside
    assert "Shared." not in inside
    assert "- Shared. (I8a, I8b)\n- Own of a. (I8a)\n" in closing
    assert "- Only of the part that passes. (I8c)\n" in closing


def test_what_all_parts_need_is_needed_for_the_whole() -> None:
    parts = [criterion(f"E5{letter}", "unknown", needs=["Note"]) for letter in "abc"]
    report = shown(result(criterion("E5", "unknown", parts=parts), needs=["Note"]))
    assert "1. Note (for E5)\n" in report


def test_needs_are_numbered_and_referred_to() -> None:
    needs = [f"Examination number {number} " + "of many words " * 12 for number in range(12)]
    open_one = criterion("I2", "unknown", needs=[needs[1], needs[10], "Something else"])
    report = shown(result(open_one, needs=needs))
    assert "Obtain    no. 2, 11 below\n" in report
    assert "Missing   Something else\n" in report
    assert "\n11. Examination number 10 of many" in report
    for need in needs:
        assert flat(need) in flat(report)


def test_why_there_is_nothing_to_obtain() -> None:
    unknown = criterion("I2", "unknown", needs=[builders.FES_NEED])
    failed = shown(result(unknown, criterion("E2", "fail")))
    assert "the patient would not be eligible on this day." in failed
    assert f"Missing   {builders.FES_NEED}\n" in failed
    assert "Nothing is named that would decide what is unknown." in shown(result(unknown))
    assert "TO OBTAIN" not in shown(result())


def test_when_to_screen_again() -> None:
    again = shown(builders.typical())
    assert "Clears    on 2026-12-02, by time alone\n" in again
    assert again.count("by time alone") == 1, "the part clears on the same day as the whole"
    assert "2026-12-02: the first day on which no criterion fails" in again
    assert "No date: time alone" in shown(result(criterion("E2", "fail")))
    assert "RE-SCREENING" not in shown(result(criterion("I2", "unknown")))


@pytest.mark.parametrize(
    ("count", "sentence"),
    [
        (1, "1 entry dated after the screening date was not used."),
        (2, "2 entries dated after the screening date were not used."),
    ],
)
def test_entries_not_used_are_counted(count: int, sentence: str) -> None:
    assert f"\n{sentence}\n" in shown(result(ignored_entries=count))
    assert "NOT USED" not in shown(result())


def test_several_patients_begin_with_an_overview() -> None:
    report = shown(
        builders.typical(),
        result(criterion("I2", "unknown"), patient_id="PUMCH-0533"),
        result(patient_id="PUMCH-0611"),
    )
    lines = report.splitlines()
    assert lines[0] == "3 patients: 1 eligible, 1 ineligible, 1 undetermined"
    assert [line.split() for line in lines[4:7]] == [
        ["PUMCH-0417", "dawna-fes", "✗", "INELIGIBLE", "E9", "I2,", "I8,", "E1"],
        ["PUMCH-0533", "dawna-fes", "?", "UNDETERMINED", "-", "I2"],
        ["PUMCH-0611", "dawna-fes", "✓", "ELIGIBLE", "-", "-"],
    ]
    assert lines.count("═" * 80) == 3
    assert "overview" not in shown(result()).lower()


def test_one_patient_in_two_versions_of_a_study() -> None:
    first = result()
    other = replace(first.study, version="2025-01-01")
    lines = shown(first, result(study=other)).splitlines()
    assert lines[0] == "1 patient, 2 screenings: 2 eligible"
    assert "dawna-fes 2024-03-12" in lines[4]
    assert "dawna-fes 2025-01-01" in lines[5]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_overview_names_every_criterion(width: int) -> None:
    report = flat(shown(everything_unknown(), result(), width=width)).split("═")[0]
    assert all(re.search(rf"\bC{number}\b", report) for number in range(40))


def test_nothing_is_printed_for_no_results() -> None:
    assert shown() == ""


def test_a_pipe_gets_no_escape_sequences() -> None:
    for results in SAMPLES.values():
        assert "\x1b" not in shown(*results)
    coloured: dict[str, Any] = {"force_terminal": True, "color_system": "truecolor"}
    assert "\x1b" not in shown(builders.typical(), **coloured, no_color=True)


def test_colour_only_repeats_what_is_said() -> None:
    coloured = shown(builders.typical(), force_terminal=True, color_system="standard")
    assert "\x1b[1;31m" in coloured
    assert ANSI.sub("", coloured) == shown(builders.typical())


def test_recorded_text_cannot_steer_the_terminal() -> None:
    report = shown(builders.hostile(), builders.hostile())
    assert not [char for char in report.replace("\n", "") if not char.isprintable()]
    flattened = flat(report)
    assert r"[bold red]x[/] \x1b[31m \u202e\x9b <script>alert(1)</script>" in flattened
    coloured = shown(builders.hostile(), force_terminal=True, color_system="standard")
    assert set(ANSI.findall(coloured)) <= {
        "\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[1;31m", "\x1b[1;32m", "\x1b[1;33m",
    }  # fmt: skip
    assert ANSI.sub("", coloured) == shown(builders.hostile())


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.sampled_from([*WIDTHS, 33]))
def test_any_text_is_contained(text: str, width: int) -> None:
    item = Evidence(path=text, value=text, date=text)
    one = criterion(
        text, "fail", text=text, reason=text, source=text, evidence=[item], parts=[
            criterion(text, "unknown", reason=text + "!", needs=[text], assumptions=[text])
        ],
    )  # fmt: skip
    report = shown(screening([one, criterion(text)], patient_id=text, needs=[text]), width=width)
    assert all(char == "\n" or char.isprintable() for char in report)
    assert max(map(cell_len, report.splitlines())) <= width


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk"])
def test_an_output_that_is_not_utf_8_gets_plain_symbols(encoding: str) -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    sample = result(
        criterion("I8", "fail", reason="Haemoglobin ≥ 90 g/L, 10¹² cells; 哌柏西利 given."),
        criterion("I2", "unknown"),
    )
    console = Console(file=file, width=80)
    terminal.render([sample, builders.hostile()], console)
    file.flush()
    report = raw.getvalue().decode(encoding)
    for line in ("x INELIGIBLE", "x FAIL (1) ---", "? UNKNOWN (1) ---", "+ PASS (19) ---", "==="):
        assert f"\n{line}" in report
    flattened = flat(report)
    assert ("哌柏西利" if encoding == "gbk" else r"\u54cc\u67cf\u897f\u5229") in flattened
    assert ("≥ 90" if encoding == "gbk" else ">= 90") in flattened
    assert "10^12 cells" in flattened


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_off_a_terminal_the_width_does_not_depend_on_the_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((200, 50)))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("COLUMNS", raising=False)
    assert terminal.console_for(io.StringIO()).width == 80
    assert terminal.console_for(_Terminal()).width == 200
    monkeypatch.setenv("COLUMNS", "120")
    assert terminal.console_for(io.StringIO()).width == 120


def test_a_report_through_a_real_pipe(tmp_path: Path) -> None:
    record = tmp_path / "result.json"
    record.write_text(builders.typical().to_json(), encoding="utf-8")
    program = (
        "import sys; from pathlib import Path; from screener.report import terminal;"
        "from screener.result import ScreeningResult as R;"
        "one = R.from_json(Path(sys.argv[1]).read_bytes());"
        "terminal.render([one], terminal.console_for());"
        "heavy = {'rich.table', 'rich.markdown', 'rich.syntax', 'rich.traceback',"
        " 'rich.progress', 'pygments'};"
        "sys.exit(' '.join(heavy & set(sys.modules)) or None)"
    )
    env = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    env |= {"PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(Path(terminal.__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", program, str(record)],
        capture_output=True,
        encoding="utf-8",
        env=env,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout == TYPICAL.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain", "plain"),
        ("  two\n lines\t\u00a0here ", "two lines here"),
        ("\x1b[2J\x07", r"\x1b[2J\x07"),
        ("a\u202eb\u2066c\u200bd\ufeff", r"a\u202eb\u2066c\u200bd\ufeff"),
        ("\ud83d", r"\ud83d"),
        ("哌柏西利 ≥ 1.5 ×10⁹/L", "哌柏西利 ≥ 1.5 ×10⁹/L"),
    ],
)
def test_what_is_invisible_is_spelled_out(text: str, seen: str) -> None:
    assert words.visible(text) == seen


def test_the_deciding_parts_are_the_innermost_ones() -> None:
    inner = criterion("B", "fail", parts=[criterion("B1", "fail"), criterion("B2", "unknown")])
    outer = criterion("A", "fail", parts=[inner, criterion("C", "fail"), criterion("D")])
    assert [leaf.id for leaf in words.deciding(outer)] == ["B1", "C"]
    alone = criterion("A", "fail", parts=[criterion("B", "unknown")])
    assert words.deciding(alone) == [alone]
