"""What all tests share: they never read or write the user's cache, and the longest begin first."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

gc.set_threshold(100_000, 50, 50)  # as the program does

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # A worker takes one file after the other, so what comes last had better be short.
    places = {name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))
