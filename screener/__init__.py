"""Screen patient records against the eligibility criteria of clinical trials.

One record:

    >>> from datetime import date
    >>> import screener
    >>> result = screener.screen({"id": "DEMO-01"}, study="dawna-fes", as_of=date(2026, 1, 15))
    >>> result.status
    'undetermined'
    >>> result.criteria[0].outcome, result.criteria[0].needs
    ('unknown', ['date of birth'])

Many records: load the study once, and give them all at a time.

    >>> study = screener.load_study("dawna-fes", settings=screener.Settings(strict=True))
    >>> records = [screener.parse({"id": name}) for name in ("DEMO-01", "DEMO-02")]
    >>> [result.patient_id for result in study.screen(records, as_of=date(2026, 1, 15))]
    ['DEMO-01', 'DEMO-02']

A record that is not valid raises `RecordInvalid` with everything that is wrong with it; a study
that does not exist or cannot be used raises a `ScreenError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from screener.errors import InputError, Problem, ScreenError, StudyError, UsageError
    from screener.record import Record, RecordInvalid, parse
    from screener.result import CriterionResult, Evidence, ScreeningResult
    from screener.screening import Screener, Settings

__all__ = [
    "CriterionResult",
    "Evidence",
    "InputError",
    "Problem",
    "Record",
    "RecordInvalid",
    "ScreenError",
    "Screener",
    "ScreeningResult",
    "Settings",
    "StudyError",
    "UsageError",
    "__version__",
    "load_study",
    "parse",
    "screen",
    "studies",
]

_HOMES = {
    "errors": ("InputError", "Problem", "ScreenError", "StudyError", "UsageError"),
    "record": ("Record", "RecordInvalid", "parse"),
    "result": ("CriterionResult", "Evidence", "ScreeningResult"),
    "screening": ("Screener", "Settings"),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: most of them are slow to import."""
    from importlib import import_module  # noqa: PLC0415

    for module, names in _HOMES.items():
        if name in names:
            value = getattr(import_module(f"screener.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def studies(criteria: Sequence[str | Path] = ()) -> list[str]:
    """List the ids of the studies that can be screened for.

    `criteria` names further folders with study files. Raises UsageError where one of them does not
    exist or holds no study.
    """
    from screener.encoding.catalogue import Catalogue  # noqa: PLC0415

    return Catalogue(criteria).ids()


def load_study(
    study: str | Path = "dawna-fes",
    *,
    criteria: Sequence[str | Path] = (),
    settings: Settings | None = None,
) -> Screener:
    """Load a study, so that it can screen any number of records.

    `study` is an id or the path of a study file, `criteria` names further folders with study files,
    and `settings` holds what the site decides: thresholds, lists that are whole, strictness.
    Raises UsageError where there is no such study or a setting does not fit it, and StudyError
    where something is wrong in the study's files.
    """
    from screener.encoding.catalogue import Catalogue  # noqa: PLC0415
    from screener.screening import Screener  # noqa: PLC0415

    return Screener(Catalogue(criteria).plan(study, many=True), settings)


def screen(
    record: Record | Mapping[str, Any],
    study: str | Path = "dawna-fes",
    as_of: date | None = None,
    *,
    criteria: Sequence[str | Path] = (),
    settings: Settings | None = None,
) -> ScreeningResult:
    """Screen one record for one study on a day, today unless given.

    `record` may be decoded JSON as well. For many records, `load_study` is much faster. Raises
    RecordInvalid where the record is not valid, and what `load_study` raises.
    """
    from datetime import date  # noqa: PLC0415

    from screener.encoding.catalogue import Catalogue  # noqa: PLC0415
    from screener.record import Record, parse  # noqa: PLC0415
    from screener.screening import Screener  # noqa: PLC0415

    day = as_of or date.today()
    known = record if isinstance(record, Record) else parse(record, today=max(day, date.today()))
    return Screener(Catalogue(criteria).plan(study), settings).screen([known], day)[0]
