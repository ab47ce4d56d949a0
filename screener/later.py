"""What is found out in a thread of its own, while this one goes on.

`concurrent.futures` does the same and more, but importing it takes longer than DuckDB takes to
connect.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Later(Generic[T]):
    """The result of a function that runs in the background."""

    def __init__(self, find: Callable[[], T]) -> None:
        self._found: list[T] = []
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(find,))
        self._thread.start()

    def _run(self, find: Callable[[], T]) -> None:
        try:
            self._found.append(find())
        except BaseException as failure:  # it is raised where the result is asked for
            self._failure = failure

    def result(self) -> T:
        """Wait for it, and return what the function returned or raise what it raised."""
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self._found[0]
