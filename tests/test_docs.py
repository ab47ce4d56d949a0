"""The documentation says what the program is: pages that are generated, links, examples."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from screener.encoding import sql
from screener.encoding.check import check
from screener.encoding.reference import page
from screener.encoding.study import Encoding, every, load

ROOT = Path(__file__).resolve().parents[1]
CRITERIA = ROOT / "criteria"
STUDIES = sorted((CRITERIA / "studies").glob("*.yaml"))
ENCODING_GUIDE = (ROOT / "docs" / "encoding.md").read_text("utf-8")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "sample_patients" / "README.md",
         *sorted((ROOT / "docs").glob("*.md"))]  # fmt: skip


@pytest.fixture(scope="module")
def encodings() -> list[Encoding]:
    return [load(path, CRITERIA) for path in STUDIES]


def anchors(markdown: str) -> set[str]:
    """The anchors of all headings, as GitHub makes them."""
    prose = re.sub(r"^```.*?^```$", "", markdown, flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", prose, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(markdown: str) -> list[str]:
    prose = re.sub(r"^```.*?^```$", "", markdown, flags=re.DOTALL | re.MULTILINE)
    prose = re.sub(r"`[^`\n]*`", "", prose)
    return re.findall(r"\]\(([^)\s]+)\)", prose)


def test_reference_page_is_that_of_the_encoding(encodings: list[Encoding]) -> None:
    written = (ROOT / "docs" / "criteria.md").read_text("utf-8")
    assert written == page(encodings), (
        "renew it: python -m screener.encoding.reference > docs/criteria.md"
    )


def test_reference_page_holds_every_criterion_and_example(encodings: list[Encoding]) -> None:
    text = page(encodings)
    for encoding in encodings:
        for criterion in every(encoding.study.criteria):
            assert re.search(rf"^#+ {encoding.study.id} {criterion.id}$", text, re.MULTILINE)
            assert " ".join(criterion.text.split()) in text
        for rule in encoding.study.advisories:
            assert f"`{rule.id}`" in text


def test_every_macro_is_documented() -> None:
    macros = sql.macro_names((CRITERIA / "logic.sql").read_text("utf-8"))
    documented = set(re.findall(r"`(\w+)\(", ENCODING_GUIDE))
    assert sorted(macros - documented) == []


def test_arguments_of_documented_macros_are_those_of_logic_sql() -> None:
    logic = (CRITERIA / "logic.sql").read_text("utf-8")
    defined = {
        name: arguments.replace(" ", "")
        for name, arguments in re.findall(r"CREATE MACRO (\w+)\(([^)]*)\)", logic)
    }
    rows = [line for line in ENCODING_GUIDE.splitlines() if line.startswith("| `")]
    for row in rows:
        for name, arguments in re.findall(r"`(\w+)\(([^)`]*)\)`", row.split(" | ")[0]):
            if name in defined:
                assert arguments.replace(" ", "") == defined[name], name


def test_every_key_of_facts_and_studies_is_documented() -> None:
    from screener.encoding import study  # noqa: PLC0415

    models = [study.Study, study.Criterion, study.Parameter, study.AdvisoryRule, study.Fact,
              study.Case, study.EvidenceFrom, study.CriterionExample]  # fmt: skip
    missing = [
        f"{model.__name__}.{name}"
        for model in models
        for name in model.model_fields
        if not re.search(rf"\b{name}\b", ENCODING_GUIDE)
    ]
    assert missing == []


def test_study_of_the_guide_passes_its_own_check(tmp_path: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```$", ENCODING_GUIDE, re.DOTALL | re.MULTILINE)
    (text,) = [block for block in blocks if block.startswith("id: ")]
    path = tmp_path / "example-trial.yaml"
    path.write_text(text, "utf-8")
    faults, examples = check(load(path, CRITERIA))
    assert [fault for fault in faults if path.name in fault] == []
    assert examples >= 9


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    broken = []
    for link in links(path.read_text("utf-8")):
        if re.match(r"https?://", link):
            continue
        target, _, anchor = link.partition("#")
        file = (path.parent / target).resolve() if target else path
        if not file.exists() or (anchor and anchor not in anchors(file.read_text("utf-8"))):
            broken.append(link)
    assert broken == []
