"""Studies are found by id and path; compiled ones are kept only where nobody else can write."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from small_study import OTHER, STUDY, encoding_folder

from screener import plan_cache
from screener.compiling import compiler
from screener.encoding.catalogue import Catalogue, nearest, packaged
from screener.encoding.sources import digest, source_files
from screener.errors import StudyError, UsageError
from screener.plan import Plan


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "any-name.yaml").write_text(STUDY, "utf-8")
    (folder / "other.yml").write_text(OTHER, "utf-8")
    (folder / "site.yaml").write_text("anc_min: 1.0\n", "utf-8")
    (folder / "notes.txt").write_text("id: no\ncriteria:\n", "utf-8")
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(plan_cache.FOLDER_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache" / "plans"


@pytest.fixture
def small(folder: Path) -> Path:
    return folder / "any-name.yaml"


class TestFinding:
    def test_the_programs_own_studies_are_known(self) -> None:
        catalogue = Catalogue()
        assert "dawna-fes" in catalogue.ids()
        found = catalogue.find("dawna-fes")
        assert found.path.name == "dawna-fes.yaml"
        assert found.criteria == packaged()

    def test_further_folders_add_to_them(self, folder: Path) -> None:
        catalogue = Catalogue([folder])
        assert {"small", "other", "dawna-fes"} <= set(catalogue.ids())
        assert catalogue.find("small").path == folder / "any-name.yaml"
        assert catalogue.find("other").criteria == packaged()

    def test_a_folder_may_hold_them_in_studies(self, folder: Path) -> None:
        folder.rename(folder.parent / "studies")
        assert "small" in Catalogue([folder.parent]).ids()

    @pytest.mark.parametrize("as_text", [True, False])
    def test_a_study_is_named_by_its_path(self, small: Path, as_text: bool) -> None:
        found = Catalogue().find(str(small) if as_text else small)
        assert found.path == small
        assert found.criteria == packaged()

    def test_a_users_study_comes_before_the_programs_own(self, folder: Path) -> None:
        changed = folder / "mine.yaml"
        changed.write_text(STUDY.replace("id: small", "id: dawna-fes"), "utf-8")
        assert Catalogue([folder]).find("dawna-fes").path == changed
        assert Catalogue().find("dawna-fes").path != changed

    def test_facts_of_its_own_come_before_the_programs(self, tmp_path: Path) -> None:
        home = encoding_folder(tmp_path / "home")
        assert Catalogue([home]).find("own-facts").criteria == home
        by_path = Catalogue().find(home / "studies" / "own-facts.yaml")
        assert by_path.criteria == home
        assert list(Catalogue([home]).load("own-facts").facts) == ["bowel_obstruction"]

    def test_a_list_reads_only_the_head_of_a_file(self, folder: Path) -> None:
        (folder / "broken.yaml").write_text(
            'id: "broken"\nversion: "3"\ncriteria: [{{{\n', encoding="utf-8"
        )
        listed = {study.id: study for study in Catalogue([folder]).listed()}
        assert listed["small"].title == "A small study, to try the program"
        assert listed["small"].version == "1.10"
        assert listed["small"].registry == "NCT00000000"
        assert listed["broken"].version == "3"
        assert listed["broken"].title == ""

    def test_all_is_every_study_once(self, folder: Path) -> None:
        catalogue = Catalogue([folder])
        assert catalogue.chosen(["other", "all"]) == [
            "other",
            *(name for name in catalogue.ids() if name != "other"),
        ]

    @pytest.mark.parametrize(
        ("ref", "parts"),
        [
            ("dawna", ["no study dawna", "did you mean dawna-fes", "Known: ", "--criteria"]),
            ("DAWNA-FES", ["did you mean dawna-fes"]),
            ("zzzzzz", ["no study zzzzzz.", "Known: dawna-fes"]),
            ("", ["there is no study"]),
            ("../secret", ["../secret: there is no such study file", "screen studies"]),
            ("missing.yaml", ["missing.yaml: there is no such study file"]),
            ("nul\0.yaml", ["there is no such study file"]),
        ],
    )
    def test_what_is_not_there_is_told(self, ref: str, parts: list[str]) -> None:
        with pytest.raises(UsageError) as told:
            Catalogue().find(ref)
        for part in parts:
            assert part in str(told.value)

    def test_a_folder_that_is_none_is_told(self, tmp_path: Path, small: Path) -> None:
        with pytest.raises(UsageError, match="no such folder; give the folder that holds"):
            Catalogue([tmp_path / "missing"])
        with pytest.raises(UsageError, match="is not a folder"):
            Catalogue([small])
        with pytest.raises(UsageError, match=r"no study file in it; one ends in \.yaml"):
            Catalogue([tmp_path])

    def test_one_id_twice_in_a_folder_is_told(self, folder: Path) -> None:
        (folder / "copy.yaml").write_text(STUDY, "utf-8")
        with pytest.raises(
            UsageError, match=r"any-name\.yaml and .*copy\.yaml are both study small"
        ):
            Catalogue([folder]).find("small")

    def test_an_incomplete_program_is_told(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(
            "screener.encoding.catalogue.__file__", str(tmp_path / "a" / "b" / "catalogue.py")
        )
        with pytest.raises(StudyError, match="the program's own studies are missing; install"):
            packaged()

    def test_no_near_name_is_suggested_where_none_is(self) -> None:
        assert nearest("smal", ["small", "large"]) == "; did you mean small?"
        assert nearest("qqq", ["small", "large"]) == ""


NOT_OURS: list[Callable[[Path], object]] = [
    lambda kept: kept.chmod(0o666),
    lambda kept: kept.chmod(0o620),
    lambda kept: kept.parent.chmod(0o777),
    lambda kept: (
        kept.rename(kept.with_suffix(".real")) and kept.symlink_to(kept.with_suffix(".real"))
    ),
    lambda kept: kept.unlink() or kept.mkdir(),
    lambda kept: kept.unlink() or os.mkfifo(kept),
]
"""What leaves a kept file in a state in which others may have written it."""


class TestKeeping:
    def test_a_kept_plan_is_the_compiled_one(
        self, small: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        compiled = Catalogue().plan(small)
        monkeypatch.setattr(compiler, "Compiler", None)
        assert Catalogue().plan(small) == compiled
        assert sorted(path.suffix for path in cache.iterdir()) == [".duckdb", ".plan"]

    @pytest.mark.parametrize("name", ["dawna-fes", "zhou-2026"])
    def test_a_plan_for_many_records_is_kept_by_itself(
        self, name: str, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        few, many = Catalogue().plan(name), Catalogue().plan(name, many=True)
        assert few.many is None
        assert (many.many is None) == (name == "zhou-2026")  # which asks one by one
        monkeypatch.setattr(compiler, "Compiler", None)
        assert Catalogue().plan(name) == few
        assert Catalogue().plan(name, many=True) == many
        assert len(list(cache.glob("*.duckdb"))) == 1

    def test_a_changed_study_is_compiled_again(self, small: Path, cache: Path) -> None:
        first = Catalogue().plan(small)
        small.write_text(STUDY.replace("value: 18", "value: 21"), "utf-8")
        second = Catalogue().plan(small)
        assert first.sha256 != second.sha256
        assert second.parameters["adult_age"]["value"] == 21

    @pytest.mark.parametrize("changed", ["__version__", "_duckdb_version"])
    def test_another_version_compiles_again(
        self, small: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, changed: str
    ) -> None:
        sha256 = Catalogue().plan(small).sha256
        assert plan_cache.get(sha256)
        plan_cache._maker.cache_clear()
        monkeypatch.setattr(plan_cache, changed, "0" if changed == "__version__" else lambda: "0")
        try:
            assert plan_cache.get(sha256) is None
        finally:
            plan_cache._maker.cache_clear()

    def test_duckdb_need_not_have_a_metadata_folder(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        assert plan_cache._duckdb_version().startswith("duckdb-")
        package = tmp_path / "duckdb" / "__init__.py"
        package.parent.mkdir()
        package.touch()
        monkeypatch.setattr(plan_cache, "find_spec", lambda _: SimpleNamespace(origin=str(package)))
        assert str(package) in plan_cache._duckdb_version()

    def test_only_the_user_can_read_it(self, small: Path, cache: Path) -> None:
        Catalogue().plan(small)
        assert stat.S_IMODE(cache.stat().st_mode) == 0o700
        assert [stat.S_IMODE(kept.stat().st_mode) for kept in cache.iterdir()] == [0o600] * 2

    @pytest.mark.parametrize(
        "harm",
        [
            lambda kept: kept.write_bytes(kept.read_bytes()[:-20]),
            lambda kept: kept.write_bytes(kept.read_bytes().replace(b"at_least", b"at_most ")),
            lambda kept: kept.write_bytes(b""),
            lambda kept: kept.write_bytes(b"\xff\xfe\x00"),
            *NOT_OURS,
        ],
    )
    def test_what_somebody_else_may_have_written_is_not_used(
        self, small: Path, cache: Path, harm: object
    ) -> None:
        plan = Catalogue().plan(small)
        [kept] = cache.glob("*.plan")
        assert callable(harm)
        harm(kept)
        assert plan_cache.get(plan.sha256) is None
        assert Catalogue().plan(small) == plan

    @pytest.mark.parametrize(
        "harm",
        [
            *NOT_OURS,
            lambda kept: kept.unlink(),
        ],
    )
    def test_a_database_that_somebody_else_may_have_written_is_not_used(
        self, small: Path, cache: Path, harm: object
    ) -> None:
        plan = Catalogue().plan(small)
        [kept] = cache.glob("*.duckdb")
        assert plan_cache.database(plan.sha256) == kept
        assert callable(harm)
        harm(kept)
        assert plan_cache.database(plan.sha256) is None

    def test_what_somebody_else_owns_is_not_used(
        self, small: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plan = Catalogue().plan(small)
        monkeypatch.setattr(os, "geteuid", lambda: cache.stat().st_uid + 1)
        assert plan_cache.get(plan.sha256) is None
        assert Catalogue().plan(small) == plan

    def test_a_valid_file_of_another_study_is_not_used(self, small: Path, cache: Path) -> None:
        small_plan = Catalogue().plan(small)
        [kept] = cache.glob("*.plan")
        other = Catalogue().plan(small.with_name("other.yml"))
        [kept_other] = set(cache.glob("*.plan")) - {kept}
        kept.write_bytes(kept_other.read_bytes())
        assert plan_cache.get(small_plan.sha256) is None
        assert plan_cache.get(other.sha256) == other

    def test_a_cache_that_cannot_be_written_is_done_without(
        self, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        in_the_way = tmp_path / "file"
        in_the_way.touch()
        monkeypatch.setenv(plan_cache.FOLDER_VARIABLE, str(in_the_way))
        assert Catalogue().plan(small).study_id == "small"

    def test_a_full_disk_leaves_nothing_behind(
        self, small: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError("no space left")

        monkeypatch.setattr(Path, "replace", full)
        assert Catalogue().plan(small).study_id == "small"
        assert list(cache.iterdir()) == []

    def test_a_file_changed_while_compiling_is_not_kept(
        self, small: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("screener.encoding.sources.digest", lambda _: "before")
        assert Catalogue().plan(small).sha256 != "before"
        assert not cache.exists()

    def test_what_was_not_used_for_longest_is_removed(self, small: Path, cache: Path) -> None:
        cache.mkdir(parents=True, mode=0o700)
        for number in range(plan_cache.KEPT + 10):
            old = cache / f"old-{number}"
            old.touch()
            os.utime(old, (number, number))
        unfinished = cache / "unfinished"
        unfinished.mkdir()
        (unfinished / "part").touch()
        os.utime(unfinished, (0, 0))
        plan = Catalogue().plan(small)
        left = {path.name for path in cache.iterdir()}
        assert len(left) == plan_cache.KEPT
        assert plan_cache.get(plan.sha256)
        assert f"old-{plan_cache.KEPT + 9}" in left
        assert not {"old-0", "unfinished"} & left

    def test_it_is_kept_in_the_users_cache_folder(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        pytest.importorskip("platformdirs")
        monkeypatch.setenv(plan_cache.FOLDER_VARIABLE, "")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        assert plan_cache._folder().name == "plans"
        assert "trial-screen" in plan_cache._folder().parts

    def test_finding_one_imports_nothing_slow(self, small: Path, cache: Path) -> None:
        code = (
            "import sys; from screener.encoding.catalogue import Catalogue\n"
            f"plan = Catalogue().plan({str(small)!r})\n"
            "slow = {'yaml', 'pydantic', 'duckdb', '_duckdb', 'rich', 'typer', 'rapidfuzz',\n"
            "        'platformdirs', 'importlib.metadata', 'screener.encoding.study',\n"
            "        'screener.compiling.compiler'}\n"
            "print(plan.sha256, *sorted(slow & sys.modules.keys()))"
        )
        first, second = (
            subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            for _ in range(2)
        )
        sha256, *imported = first.stdout.split()
        assert "screener.compiling.compiler" in imported
        assert second.stdout.split() == [sha256]


class TestSources:
    def test_the_digest_is_of_names_and_contents(self, tmp_path: Path) -> None:
        one, two = tmp_path / "a", tmp_path / "b"
        one.write_text("text")
        two.write_text("text")
        assert digest([one]) != digest([two])
        assert digest([one, two]) != digest([two, one])
        assert digest([one]) == digest([one])

    def test_a_missing_source_is_named(self, tmp_path: Path) -> None:
        home = encoding_folder(tmp_path / "home")
        (home / "sites.yaml").unlink()
        files = source_files(home / "studies" / "own-facts.yaml", home)
        with pytest.raises(StudyError, match=r"sites\.yaml: cannot be read: No such file"):
            digest(files)

    def test_every_source_changes_the_digest(self, tmp_path: Path) -> None:
        home = encoding_folder(tmp_path / "home")
        study = home / "studies" / "own-facts.yaml"
        before = digest(source_files(study, home))
        for path in source_files(study, home):
            text = path.read_bytes()
            path.write_bytes(text + b"\n")
            assert digest(source_files(study, home)) != before
            path.write_bytes(text)


def test_a_plan_is_the_same_after_it_was_written(small: Path, cache: Path) -> None:
    plan = Catalogue().plan(small)
    assert Plan.from_json(plan.to_json()) == plan
