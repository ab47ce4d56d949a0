"""The study that is meant where none is named, made ready while the program is being imported.

Binding a study's statements takes about as long as importing everything else, and happens outside
of Python: done side by side, the two take hardly longer than one.
"""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from screener.engine import Engine

_started: list[SimpleQueue[Engine | None]] = []


def begin() -> None:
    """Start to load and bind the default study in the background."""
    queue: SimpleQueue[Engine | None] = SimpleQueue()
    _started.append(queue)
    threading.Thread(target=_make, args=(queue,), daemon=True).start()


def take() -> Engine | None:
    """The engine of the default study, once; None if it was not begun or could not be made."""
    return _started.pop().get() if _started else None


def _make(queue: SimpleQueue[Engine | None]) -> None:
    engine = None
    try:
        from screener.catalogue import DEFAULT_STUDY, Catalogue  # noqa: PLC0415
        from screener.engine import Engine  # noqa: PLC0415

        plan = Catalogue([]).plan(DEFAULT_STUDY)
        engine = Engine(plan, plan.halves)
    except Exception:  # noqa: S110  # met again, and told, when the study is asked for
        pass
    finally:
        queue.put(engine)
