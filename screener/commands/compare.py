"""`screen compare OLD NEW EXPORT`: what an amendment changes, for whom."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from screener.commands import options as opt
from screener.commands import output
from screener.commands.ending import ends, tell, tell_input

if TYPE_CHECKING:
    from collections.abc import Iterator

    from screener.batch.compare import Compared
    from screener.batch.judge import Rejected
    from screener.commands.settings import Options

REJECTED = 4
_TOLD = 5
"""Rejected records of which it is told what is wrong; the others are counted."""


@ends
def command(
    old: opt.Old,
    new: opt.New,
    export: opt.Export,
    as_of: opt.AsOf = None,
    mapping: opt.Mapping = None,
    form: opt.CompareForm = opt.ComparisonForm.TABLE,
    target: opt.Output = None,
    force: opt.Force = False,
    thresholds: opt.Set = None,
    site: opt.Site = None,
    complete: opt.Complete = None,
    criteria: opt.Criteria = None,
) -> int:
    """Compare two versions of a study on an export: which criteria changed, who changes status."""
    from screener.commands.settings import Options  # noqa: PLC0415
    from screener.encoding.catalogue import ALL  # noqa: PLC0415
    from screener.errors import UsageError  # noqa: PLC0415

    inputs = [str(path) for path in (export, old, new, mapping, site) if path]
    output.check(target, force=force, inputs=inputs)
    chosen = Options(
        [old, new], as_of, thresholds or [], site, complete or [], False, criteria or []
    )
    if old == new or ALL in (old, new):
        raise UsageError(
            f"{old} and {new}: give two versions of a study, by id or path of the file"
        )
    return _compare(chosen, export, mapping, form, target, force=force)


def _compare(  # as they were typed
    chosen: Options,
    export: str,
    mapping: opt.Mapping,
    form: opt.ComparisonForm,
    target: opt.Output,
    *,
    force: bool,
) -> int:
    import sqlite3  # noqa: PLC0415
    import tempfile  # noqa: PLC0415
    from datetime import date  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    from screener.batch.amendment import Version  # noqa: PLC0415
    from screener.batch.compare import Comparing, compare  # noqa: PLC0415
    from screener.batch.run import Stopped, digest  # noqa: PLC0415
    from screener.intake.detect import opened  # noqa: PLC0415
    from screener.report import progress  # noqa: PLC0415

    day = chosen.day()
    old, new = chosen.screeners(many=True)
    first, second = chosen.encodings()
    rejected = _Rejects()
    with (
        tempfile.TemporaryDirectory(prefix="trial-screen-") as folder,
        opened(export, mapping, as_of=day, scratch=Path(folder)) as found,
    ):
        rejected.source = found.name
        comparing = Comparing(
            source=found.source,
            name=found.name,
            sha256=digest(found.path),
            old=old,
            new=new,
            as_of=day,
            today=date.today(),
            scratch=Path(folder),
        )
        versions = (Version(first, old.plan), Version(second, new.plan))
        try:
            with progress.shown(found.name) as shown:
                compared = compare(comparing, versions, rejected=rejected, report=shown)
        except (OSError, sqlite3.OperationalError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise Stopped(
                f"{tempfile.gettempdir()}: temporary files cannot be written: {why}; free some "
                "room there, or name another folder in the variable TMPDIR"
            ) from None
        pieces = _pieces(compared, form, to_file=target is not None)
        output.write_pieces(pieces, target, force=force)
    return rejected.told()


def _pieces(compared: Compared, form: opt.ComparisonForm, *, to_file: bool) -> Iterator[str]:
    if form is opt.ComparisonForm.JSON:
        yield from _json(compared)
    elif form is opt.ComparisonForm.HTML:
        from screener.report import compare_page as page  # noqa: PLC0415

        patients = compared.foremost(page.MOST_PATIENTS)
        yield page.compare_page({**compared.comparison, "patients": patients})
    else:
        from screener.report import compare_table as table  # noqa: PLC0415

        memory = output.Memory(to_file=to_file)
        table.render(compared.comparison, compared.foremost(table.MOST_PATIENTS), memory)
        yield memory.getvalue()


def _json(compared: Compared) -> Iterator[str]:
    """Write all of it; `patients` comes last, one a line, as there may be very many."""
    head = {k: v for k, v in compared.comparison.items() if k != "patients"}
    yield json.dumps(head, ensure_ascii=False, indent=2).removesuffix("\n}")
    yield ',\n  "patients": ['
    between = "\n    "
    for patient in compared.patients():
        yield between + json.dumps(patient, ensure_ascii=False)
        between = ",\n    "
    yield "\n  ]\n}\n" if between.startswith(",") else "]\n}\n"


class _Rejects:
    """Tells what is wrong with the first rejected records, and counts all."""

    def __init__(self) -> None:
        self.source = ""
        self._count = 0

    def __call__(self, rejected: Rejected) -> None:
        from screener.batch.judge import place_in_words  # noqa: PLC0415
        from screener.errors import InputError  # noqa: PLC0415

        self._count += 1
        if self._count <= _TOLD:
            where = f"{self.source}, {place_in_words(rejected.place)}"
            error = InputError(where, list(rejected.problems), rejected.patient_id)
            tell_input(error, record=True)

    def told(self) -> int:
        """Tell how many there were, and give the exit code."""
        if not self._count:
            return 0
        were = "record was" if self._count == 1 else "records were"
        tell(
            f"{self._count:,} {were} rejected and count nowhere; `screen batch` writes what is "
            "wrong with each."
        )
        return REJECTED
