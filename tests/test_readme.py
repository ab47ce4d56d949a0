"""What README.md and docs/batch.md show is what the program prints.

In a block marked `console`, a line that begins with `$ ` is run by bash in a copy of what the
reader has, and the lines up to the next one are compared with its output (standard output and
standard error). Digests, which change with every file of the encoding, are not compared.
A block marked `pycon` is run as a doctest. Run this file as a program to renew the outputs.
"""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
SHOWN = [README, ROOT / "docs" / "batch.md"]
"""Pages whose console blocks are run."""
INSTALL = "pip install . && screen sample_patients/eligible.json --as-of 2026-01-15"
TEST = "pip install -e '.[dev]' && pytest"

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_DIGEST = re.compile(r"\b(sha256\W+)[0-9a-f]{12,64}\b")


@dataclass(frozen=True)
class Step:
    """One command and the output that is shown under it."""

    command: str
    output: str


def blocks(language: str, page: Path = README) -> list[str]:
    found = _BLOCK.findall(page.read_text("utf-8"))
    return [text for name, text in found if name == language]


def steps(block: str) -> list[Step]:
    parts = re.split(r"^\$ (.+)\n", block, flags=re.MULTILINE)
    assert parts[0] == "", "a console block begins with a command"
    return [Step(*pair) for pair in zip(parts[1::2], parts[2::2], strict=True)]


def masked(output: str) -> str:
    return _DIGEST.sub(r"\1…", output)


def workplace(folder: Path) -> dict[str, str]:
    """A folder with the sample patients and the program; its environment."""
    shutil.copytree(ROOT / "sample_patients", folder / "sample_patients")
    programs = folder / ".programs"
    programs.mkdir()
    start = "from screener.__main__ import main; main()"
    for name, line in {
        "screen": f"""exec "{sys.executable}" -c '{start}' "$@" """,
        "python": f"""exec "{sys.executable}" "$@" """,
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{line}\n", "utf-8")
        (programs / name).chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    return environment | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
        "COLUMNS": "80",
        "TRIAL_SCREEN_CACHE": str(folder / ".cache"),
    }


def run(command: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, text=True, encoding="utf-8",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False,
    )  # fmt: skip
    return done.stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("readme")
    return folder, workplace(folder)


@pytest.mark.skipif(shutil.which("bash") is None, reason="the commands are written for bash")
@pytest.mark.parametrize(
    "block", [steps(block) for page in SHOWN for block in blocks("console", page)]
)
def test_commands_print_what_is_shown(
    block: list[Step], place: tuple[Path, dict[str, str]]
) -> None:
    folder, environment = place
    for step in block:
        assert masked(run(step.command, folder, environment)) == masked(step.output), step.command


def test_every_kind_of_block_is_there() -> None:
    assert len(blocks("console")) >= 5
    assert len(blocks("console", SHOWN[1])) >= 3
    assert len(blocks("pycon")) >= 1


@pytest.mark.parametrize("block", blocks("pycon"))
def test_python_gives_what_is_shown(
    block: str, monkeypatch: pytest.MonkeyPatch, place: tuple[Path, dict[str, str]]
) -> None:
    folder, environment = place
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TRIAL_SCREEN_CACHE", environment["TRIAL_SCREEN_CACHE"])
    test = doctest.DocTestParser().get_doctest(block, {}, "README.md", str(README), 0)
    assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize("command", [INSTALL, TEST])
def test_the_two_commands_stand_in_blocks_of_their_own(command: str) -> None:
    assert f"{command}\n" in blocks("sh")


@pytest.mark.skipif(not (ROOT / ".ci" / "run").is_file(), reason="there is no .ci/run")
def test_the_two_commands_are_what_ci_runs() -> None:
    announced = re.findall(
        r'^echo "== [^:]+: (.+)"$', (ROOT / ".ci" / "run").read_text("utf-8"), re.M
    )
    assert len(announced) == 2
    assert INSTALL.startswith(announced[0])  # with options that only fix the day
    assert announced[1] == TEST


def renew() -> None:
    """Write the pages with the outputs of now, or those that are named."""
    for page in [Path(name) for name in sys.argv[1:]] or SHOWN:
        _renew(page)


def _renew(page: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = workplace(folder)

        def filled(match: re.Match[str]) -> str:
            if match[1] != "console":
                return match[0]
            commands = [step.command for step in steps(match[2])]
            shown = [f"$ {c}\n{run(c, folder, environment)}" for c in commands]
            return f"```console\n{''.join(shown)}```"

        page.write_text(_BLOCK.sub(filled, page.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    renew()
