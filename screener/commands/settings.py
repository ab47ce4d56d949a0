"""What the options of a screening mean: the day, the studies, and the site's settings for each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from screener.encoding.catalogue import DEFAULT_STUDY, Catalogue, nearest
from screener.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from screener.encoding.study import Encoding
    from screener.engine import Engine
    from screener.plan import Plan
    from screener.screening import Screener


@dataclass(frozen=True)
class Options:
    """The options that say what to ask, as they were typed."""

    study: Sequence[str]
    as_of: str | None
    thresholds: Sequence[str]
    site: Path | None
    complete: Sequence[str]
    strict: bool
    criteria: Sequence[Path]

    def day(self) -> date:
        """Return the screening date, today unless given.

        Raises UsageError where it is not a day, written as YYYY-MM-DD.
        """
        return date.today() if self.as_of is None else a_day("--as-of", self.as_of)

    def screeners(self, *, many: bool = False) -> list[Screener]:
        """Return the studies in the order given, with the site's settings.

        Unless they are for many records, what screens a few is begun at once in the background.

        Raises UsageError where there is no such study, threshold or list or a value does not fit,
        and StudyError where a file of a study or of the site cannot be used.
        """
        engines: Sequence[Engine | None]
        if many:
            plans = self._plans(many=True)
            engines = [None] * len(plans)
        else:
            engines = begun = self._engines()  # at work while the rest is read
            plans = [engine.plan for engine in begun]
        from screener.screening import Screener, Settings  # noqa: PLC0415

        complete = _lists(self.complete)
        given = _thresholds(self.site, self.thresholds, plans)
        return [
            Screener(
                plan,
                Settings(
                    thresholds={k: v for k, v in given.items() if k in plan.parameters},
                    complete=complete,
                    strict=self.strict,
                ),
                engine,
            )
            for plan, engine in zip(plans, engines, strict=True)
        ]

    def encodings(self) -> list[Encoding]:
        """Return the encodings of the studies, in the order of `screeners`.

        Raises UsageError where there is no such study, and StudyError where it cannot be used.
        """
        catalogue = Catalogue(self.criteria)
        return [catalogue.load(name) for name in catalogue.chosen(self.study or [DEFAULT_STUDY])]

    def _engines(self) -> list[Engine]:
        from screener import ahead  # noqa: PLC0415

        begun = ahead.take()
        if begun and not self.study and not self.criteria:
            return [begun]
        from screener.engine import Engine  # noqa: PLC0415

        return [Engine(plan, few=True) for plan in self._plans()]

    def _plans(self, *, many: bool = False) -> list[Plan]:
        from screener.report import progress  # noqa: PLC0415

        catalogue = Catalogue(self.criteria, before_compiling=progress.preparing)
        names = catalogue.chosen(self.study or [DEFAULT_STUDY])
        return [catalogue.plan(name, many=many) for name in names]


def a_day(option: str, text: str) -> date:
    """Read the day that an option names.

    Raises UsageError where it is not a day, written as YYYY-MM-DD.
    """
    from screener.dates import span  # noqa: PLC0415

    why = "not written as YYYY-MM-DD"
    if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        try:
            return span(text)[0]
        except ValueError as error:
            why = str(error)
    raise UsageError(f"{option} {text}: {why}; a day is needed, such as 2026-01-31")


def _lists(names: Sequence[str]) -> frozenset[str]:
    if not names:
        return frozenset()
    from screener.record import PARTIAL_NAMES  # noqa: PLC0415

    for name in names:
        if name not in PARTIAL_NAMES:
            raise UsageError(
                f"--complete {name}: this is no list of a record{nearest(name, PARTIAL_NAMES)}; "
                f"there are {', '.join(PARTIAL_NAMES)}"
            )
    return frozenset(names)


def _thresholds(
    site: Path | None, assignments: Sequence[str], plans: Sequence[Plan]
) -> dict[str, Any]:
    """Collect values by name, each a parameter of at least one of the studies."""
    given = _from_site(site, plans) if site else {}
    typed: dict[str, str] = {}
    for assignment in assignments:
        name, equals, value = (part.strip() for part in assignment.partition("="))
        if not equals or not name or not value:
            raise UsageError(f"--set {assignment}: NAME=VALUE is needed, such as anc_min=1.0")
        if name in typed:
            raise UsageError(f"--set {name} is given twice; keep one")
        if why := _unknown(name, plans):
            raise UsageError(f"--set {assignment}: {why}")
        typed[name] = value
    return {**given, **typed}


def _from_site(path: Path, plans: Sequence[Plan]) -> Mapping[str, Any]:
    from screener.encoding import yaml_file  # noqa: PLC0415

    file = yaml_file.load(path)
    if not isinstance(file.data, dict):
        raise file.error((), "lines NAME: VALUE are needed here, such as anc_min: 1.0")
    for name, value in file.data.items():
        words = isinstance(value, list) and all(isinstance(item, str) for item in value)
        if not words and not isinstance(value, bool | int | float | str):
            raise file.error(
                (name,), f"{name} needs a number, yes or no, a word, or a list of words"
            )
        if why := _unknown(name, plans):
            raise file.error((name,), why)
    return file.data


def _unknown(name: str, plans: Sequence[Plan]) -> str:
    """Say why a name is not a threshold of any of the studies; nothing if it is."""
    known = sorted({parameter for plan in plans for parameter in plan.parameters})
    if name in known:
        return ""
    ids = [plan.study_id for plan in plans]
    shows = " and ".join(f"`screen show {study}`" for study in ids)
    return (
        f"{name} is no parameter of {' or '.join(ids)}{nearest(name, known)}; {shows} "
        f"list{'s' if len(ids) == 1 else ''} them"
    )
