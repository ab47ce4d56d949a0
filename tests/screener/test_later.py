"""What is found out in the background is there when it is asked for, or fails there."""

from __future__ import annotations

import threading

import pytest

from screener.later import Later


def test_it_runs_while_this_thread_goes_on() -> None:
    let_go = threading.Event()

    def find() -> str:
        assert let_go.wait(10)
        return "found"

    later = Later(find)
    let_go.set()
    assert later.result() == "found"
    assert later.result() == "found"


def test_a_failure_is_raised_where_the_result_is_asked_for() -> None:
    def fail() -> None:
        raise KeyError("name")

    later = Later(fail)
    for _ in range(2):
        with pytest.raises(KeyError, match="name"):
            later.result()
