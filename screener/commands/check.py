"""`screen check`: whether encodings are sound, and give what their examples say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from screener.commands import options as opt
from screener.commands import output
from screener.commands.ending import ends

if TYPE_CHECKING:
    from screener.encoding.catalogue import Catalogue

FAULTY = 1

Checked = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[STUDY...]",
        help="Ids of studies or paths of their files; all studies unless given.",
        show_default=False,
        autocompletion=opt.study_ids_or_all,
    ),
]


@ends
def command(study: Checked = None, criteria: opt.Criteria = None) -> int:
    """Check how studies are encoded, and run the examples embedded in them."""
    from screener.encoding.catalogue import ALL, Catalogue  # noqa: PLC0415

    catalogue = Catalogue(criteria or [])
    names = catalogue.chosen(study or [ALL])
    for name in names:
        catalogue.find(name)  # wrong usage is told before a long check
    found = [_check(catalogue, name) for name in names]
    output.write("".join(text for text, _ in found), None)
    return FAULTY if any(faults for _, faults in found) else 0


def _check(catalogue: Catalogue, name: str) -> tuple[str, int]:
    """Return what to print about one study, and the number of its faults."""
    from screener.encoding.check import check  # noqa: PLC0415
    from screener.encoding.study import every  # noqa: PLC0415
    from screener.errors import StudyError  # noqa: PLC0415

    try:
        encoding = catalogue.load(name)
        faults, examples = check(encoding)
    except StudyError as error:
        faults = str(error).split("\n")
        counted = "not run"
    else:
        criteria = len(encoding.study.criteria)
        parts = len(every(encoding.study.criteria)) - criteria
        counted = (
            f"{criteria} criteria with {parts} parts, {len(encoding.facts)} facts, "
            f"{examples} examples run"
        )
    number = len(faults)
    verdict = "no fault" if not number else f"{number} fault{'' if number == 1 else 's'}"
    lines = [f"{name}: {counted}: {verdict}", *(f"  {fault}" for fault in faults)]
    return "".join(f"{line}\n" for line in lines), number
