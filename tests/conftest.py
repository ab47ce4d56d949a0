"""What all tests share: they never read or write the user's cache, and the longest begin first."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import pytest

from screener import plan_cache
from screener.encoding.catalogue import Catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator


_LONGEST = (
    "test_spark.py", "test_properties.py", "test_cohort_what_if.py", "test_stopped.py",
    "test_run.py", "test_batch_page.py", "test_catalogue.py", "test_readme.py",
)  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[None]:
    # The processes that share the tests share it, as those of a user do.
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIAL_SCREEN_CACHE", str(folder))
        yield


@pytest.fixture(scope="module", autouse=True)
def _shipped_plans_stay(_own_cache: None, shipped: list[str]) -> None:
    """What was not used for longest is removed, and the tests' own studies would soon crowd out
    those of the program, which take longest to compile."""
    for name in shipped:
        with contextlib.suppress(FileNotFoundError):
            os.utime(plan_cache._folder() / name)


@pytest.fixture(scope="session")
def shipped() -> list[str]:
    """The names of the files that are kept of the program's own studies."""
    digests = [Catalogue().sha256(study) for study in Catalogue().ids()]
    texts = [plan_cache._plan_name(it, many=many) for it in digests for many in (False, True)]
    names = [(text, plan_cache._TEXT) for text in texts]
    names += [(digest, plan_cache._DATABASE) for digest in digests]
    return [plan_cache._file_name(*name) for name in names]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # A worker takes one file after the other, so what comes last had better be short.
    places = {name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))
