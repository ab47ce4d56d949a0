"""Studies and records that the commands are tried with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from program import DAY
from small_study import ELIGIBLE, INELIGIBLE, OTHER, STUDY, UNDETERMINED, write

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studies")
    (folder / "small.yaml").write_text(STUDY, "utf-8")
    (folder / "other.yaml").write_text(OTHER, "utf-8")
    return folder


@pytest.fixture
def small(studies: Path) -> Sequence[object]:
    """Options that choose the small study and a day."""
    return ["--study", studies / "small.yaml", "--as-of", DAY]


@pytest.fixture
def eligible(tmp_path: Path) -> str:
    return write(tmp_path / "eligible.json", ELIGIBLE)


@pytest.fixture
def several(tmp_path: Path) -> str:
    return write(tmp_path / "several.json", [INELIGIBLE, ELIGIBLE, UNDETERMINED])
