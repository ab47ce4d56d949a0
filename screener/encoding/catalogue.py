"""Finds encoded studies: those that come with the program, and those in folders of the user.

A study is named by its id, or by the path of its file. Folders of the user come before the studies
of the program, so that a changed copy of a study can keep its id. A study uses the facts and
dictionaries beside it if its folder has a `logic.sql`, otherwise those of the program.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from screener.errors import StudyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from screener.encoding.study import Encoding
    from screener.plan import Plan

DEFAULT_STUDY = "dawna-fes"
ALL = "all"

_SUFFIXES = (".yaml", ".yml")
_ID = re.compile(r"""^id[ \t]*:[ \t]*["']?([A-Za-z0-9-]+)""", re.MULTILINE)
_CRITERIA = re.compile(r"^criteria[ \t]*:", re.MULTILINE)
_HEAD = re.compile(
    r"^(?:id|title|version|registry)[ \t]*:.*\n?(?:[ \t]+.*\n?|[ \t]*\n)*", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class StudyFile:
    """Where a study stands, and the folder of facts and dictionaries that it builds on."""

    path: Path
    criteria: Path


@dataclass(frozen=True, slots=True)
class Listed:
    """A study as the list of studies shows it."""

    id: str
    title: str
    version: str
    registry: str
    path: Path


def packaged() -> Path:
    """Find the program's own encodings: inside an installed package, beside it otherwise.

    Raises StudyError where neither is there.
    """
    here = Path(__file__).parent.parent
    for folder in (here / "criteria", here.parent / "criteria"):
        if (folder / "logic.sql").is_file():
            return folder
    raise StudyError(f"{here}: the program's own studies are missing; install it again")


class Catalogue:
    """The studies of the program, and those of further folders.

    Each folder holds study files, directly or in a folder `studies`. One that does not is a
    UsageError. `before_compiling` is called with the name of a study that is not kept, since to
    compile it takes seconds.
    """

    def __init__(
        self,
        folders: Sequence[str | Path] = (),
        *,
        before_compiling: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._before_compiling = before_compiling
        self._packaged = packaged()
        self._folders = [_studies_in(Path(folder)) for folder in folders]

    def ids(self) -> list[str]:
        """List the ids of all studies, in order."""
        return sorted(self._files())

    def find(self, ref: str | Path) -> StudyFile:
        """Find the study with an id, or in the file at a path (with a slash, or ending in `.yaml`).

        Raises UsageError where there is none.
        """
        text = str(ref)
        if isinstance(ref, Path) or "/" in text or "\\" in text or text.endswith(_SUFFIXES):
            path = Path(ref)
            if not path.is_file():
                raise UsageError(f"{text}: there is no such study file; `screen studies` lists ids")
            return StudyFile(path, self._base(path))
        named = self._by_name(text) or self._files().get(text)
        if named is None:
            known = self.ids()
            raise UsageError(
                f"there is no study {text}{nearest(text, known)}. Known: {', '.join(known)}. "
                "A study of your own is named by its path, or found with --criteria FOLDER"
            )
        return StudyFile(named, self._base(named))

    def chosen(self, refs: Iterable[str]) -> list[str]:
        """Name each study once, with `all` written out."""
        names = [name for ref in refs for name in (self.ids() if ref == ALL else [ref])]
        return list(dict.fromkeys(names))

    def listed(self) -> list[Listed]:
        """List all studies with title and version, by id."""
        return [_head(name, path) for name, path in sorted(self._files().items())]

    def load(self, ref: str | Path) -> Encoding:
        """Read the encoding of a study.

        Raises UsageError where there is none, and StudyError where something is wrong in its files.
        """
        from screener.encoding import study  # noqa: PLC0415  # models and YAML are not needed for a kept plan

        found = self.find(ref)
        return study.load(found.path, found.criteria)

    def sha256(self, ref: str | Path) -> str:
        """Return the digest of everything that the encoding of a study is made from.

        Raises UsageError where there is no such study, and StudyError where a file is missing.
        """
        from screener.encoding.sources import digest, source_files  # noqa: PLC0415

        found = self.find(ref)
        return digest(source_files(found.path, found.criteria))

    def plan(self, ref: str | Path, *, many: bool = False) -> Plan:
        """Return the compiled study: as kept from an earlier run, or compiled now and kept.

        For `many` records it holds what `batch.Bulk` asks, which takes longest to compile.

        Raises UsageError where there is none, and StudyError where something is wrong in its files.
        """
        from screener import plan_cache  # noqa: PLC0415

        sha256 = self.sha256(ref)
        kept = plan_cache.get(sha256, many=many)
        if kept is not None:
            return kept
        self._before_compiling(str(ref))
        found = self.find(ref)
        from screener.compiling.compiler import Compiler  # noqa: PLC0415
        from screener.encoding import study  # noqa: PLC0415

        plan = Compiler(study.load(found.path, found.criteria)).compile(many=many)
        if plan.sha256 == sha256:  # else a file was changed in between
            plan_cache.put(plan, many=many)
        return plan

    def _base(self, study: Path) -> Path:
        folder = study.absolute().parent
        home = folder.parent if folder.name == "studies" else folder
        return home if (home / "logic.sql").is_file() else self._packaged

    def _places(self) -> list[Path]:
        return [*self._folders, self._packaged / "studies"]

    def _by_name(self, name: str) -> Path | None:
        """Find the file that is called as its study, without a look at any other file."""
        if not self._folders and _is_word(name):
            path = self._packaged / "studies" / f"{name}.yaml"
            if _study_id(path) == name:
                return path
        return None

    def _files(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for folder in self._places():
            here: dict[str, Path] = {}
            for path in _yaml_in(folder):
                name = _study_id(path)
                if name is None:
                    continue
                if name in here:
                    raise UsageError(
                        f"{here[name]} and {path} are both study {name}; give one another id"
                    )
                here[name] = path
            found = {**here, **found}
        return found


def nearest(name: str, known: Iterable[str]) -> str:
    """Write `; did you mean …?` where a known name is near, otherwise nothing."""
    from rapidfuzz import fuzz, process  # noqa: PLC0415  # only ever needed for an error

    folded = {word: word.casefold() for word in known}
    near = process.extractOne(name.casefold(), folded, scorer=fuzz.ratio, score_cutoff=60)
    return f"; did you mean {near[2]}?" if near else ""


def _studies_in(folder: Path) -> Path:
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "there is no such folder"
        raise UsageError(f"--criteria {folder}: {what}; give the folder that holds study files")
    within = folder / "studies"
    studies = within if within.is_dir() else folder
    if not any(_study_id(path) for path in _yaml_in(studies)):
        raise UsageError(
            f"--criteria {folder}: there is no study file in it; one ends in .yaml and has "
            "`id:` and `criteria:`"
        )
    return studies


def _yaml_in(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES)


def _is_word(name: str) -> bool:
    return re.fullmatch("[A-Za-z0-9-]+", name) is not None


def _study_id(path: Path) -> str | None:
    """Read the id of a study file; None for another file, or one that cannot be read."""
    text = _text(path)
    found = _ID.search(text)
    return found[1] if found and _CRITERIA.search(text) else None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""


def _head(name: str, path: Path) -> Listed:
    """Read what a list shows, from the head of a file alone: the rest is long, or faulty."""
    import yaml  # noqa: PLC0415

    try:
        data = yaml.load("".join(_HEAD.findall(_text(path))), yaml.BaseLoader)  # noqa: S506
    except yaml.YAMLError:
        data = {}
    words = {key: str(value).strip() for key, value in data.items()}
    return Listed(
        name, words.get("title", ""), words.get("version", ""), words.get("registry", ""), path
    )
