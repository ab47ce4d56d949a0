"""The study that is meant where none is named, made ready while the program is being imported.

Preparing a study's statements takes about as long as importing everything else, and happens outside
of Python: done side by side, the two take hardly longer than one. So this comes first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from screener.engine import Engine

_begun: list[Engine] = []
_alive: list[Engine] = []
"""Taking a database apart takes a tenth of a second, and the process ends sooner."""


def begin() -> None:
    """Load the default study, and have DuckDB start to prepare it in the background."""
    from screener import database  # noqa: PLC0415
    from screener.later import Later  # noqa: PLC0415

    connected = Later(database.unlocked)  # before all else: it holds up nothing of Python
    from screener import opening, plan_cache  # noqa: PLC0415
    from screener.encoding.catalogue import DEFAULT_STUDY, Catalogue  # noqa: PLC0415
    from screener.errors import ScreenError  # noqa: PLC0415

    try:
        catalogue = Catalogue(before_compiling=_tell)
        sha256 = catalogue.sha256(DEFAULT_STUDY)
        kept = None
        if path := plan_cache.database(sha256):
            kept = Later(lambda: opening.read_file(connected.result(), path))
        from screener.engine import Engine  # noqa: PLC0415

        plan = plan_cache.get(sha256) or catalogue.plan(DEFAULT_STUDY)
    except ScreenError:
        return  # met again, and told, when the study is asked for
    _begun.append(Engine(plan, few=True, kept=kept))


def _tell(study: str) -> None:
    from screener.report import progress  # noqa: PLC0415  # seldom needed

    progress.preparing(study)


def take() -> Engine | None:
    """The engine of the default study, once; None if it was not begun."""
    if _begun:
        _alive.append(_begun.pop())
        return _alive[-1]
    return None
