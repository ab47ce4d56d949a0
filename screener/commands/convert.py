"""`screen convert`: the record made of a FHIR bundle or bulk export, and what was not used."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from screener.commands import options as opt
from screener.commands import output
from screener.commands.ending import ends, tell, tell_input

if TYPE_CHECKING:
    from collections.abc import Iterator

    from screener.errors import InputError
    from screener.intake.fhir.draft import Extract

REJECTED = 4


@ends
def command(
    source: opt.Extracted,
    as_of: opt.AsOf = None,
    form: opt.ConvertForm = opt.Listing.JSON,
    target: opt.Output = None,
    force: opt.Force = False,
) -> int:
    """Print the record made of a FHIR bundle or bulk export; --format table says of what."""
    from screener.commands.settings import Options  # noqa: PLC0415
    from screener.errors import InputError, Problem  # noqa: PLC0415

    output.check(target, force=force, inputs=[source])
    day = Options([], as_of, [], None, [], False, []).day()
    extracts: list[Extract] = []
    rejected = 0
    for item in _extracts(source, day):
        if isinstance(item, InputError):
            tell_input(item, record=True)
            rejected += 1
        else:
            extracts.append(item)
    if not extracts:
        if not rejected:
            raise InputError(source, [Problem("", "no patient is in it")])
        return REJECTED
    if form is opt.Listing.TABLE:
        text = "\n".join(line for made in extracts for line in _table(made)) + "\n"
    elif len(extracts) + rejected == 1:
        text = json.dumps(extracts[0].record, ensure_ascii=False, indent=2) + "\n"
    else:
        text = "".join(json.dumps(it.record, ensure_ascii=False) + "\n" for it in extracts)
    output.write(text, target, force=force)
    _summarise(source, extracts, form)
    return REJECTED if rejected else 0


def _extracts(source: str, day: date) -> Iterator[Extract | InputError]:
    """Give what is made of each patient of a source, or why nothing is."""
    from screener.errors import InputError, Problem  # noqa: PLC0415
    from screener.intake import json_file  # noqa: PLC0415
    from screener.intake.fhir.recognise import recognise  # noqa: PLC0415

    if source != "-" and (Path(source).is_dir() or Path(source).suffix in (".ndjson", ".jsonl")):
        found = recognise(Path(source), as_of=day)
        if found is None:
            raise InputError(source, [Problem("", _NO_FHIR)])
        for candidate in found.candidates():
            if candidate.extract is not None:
                yield candidate.extract
            else:
                yield InputError(source, list(candidate.problems), candidate.patient_id)
        if unowned := getattr(found, "unowned", None):
            counted = ", ".join(f"{number} {kind}" for kind, number in sorted(unowned.items()))
            tell(f"{source}: of no patient, and of types that are not read: {counted}")
        return
    extracts: dict[int, Extract] = {}
    for item in json_file.read(source, today=max(day, date.today()), as_of=day, extracts=extracts):
        if isinstance(item, InputError):
            yield item
        elif id(item) in extracts:
            yield extracts[id(item)]
        else:
            yield InputError(source, [Problem("", _NO_FHIR)], item.id)


_NO_FHIR = (
    "this is no FHIR; give a bundle, or the folder of a bulk export. A record needs no conversion"
)


def _summarise(source: str, extracts: list[Extract], form: opt.Listing) -> None:
    """Tell on standard error how much was used; nothing of a patient but ids of resources."""
    for made in extracts:
        for problem in made.problems:
            tell(f"{source}: patient {made.record['id']}: something is wrong with {problem.path}")
    resources = sum(made.resources for made in extracts)
    used = sum(len(set(made.origins.values())) for made in extracts)
    hint = "" if form is opt.Listing.TABLE else "; --format table says of each what became of it"
    tell(f"{used} of {resources} resources gave a value{hint}.")


def _table(made: Extract) -> Iterator[str]:
    """Say what the record holds, where it comes from, and what was not used."""
    yield f"Patient {made.record['id']}"
    yield ""
    yield "FROM"
    for path, value in _values(made.record):
        yield f"  {path} = {json.dumps(value, ensure_ascii=False)}  ({made.origin(path) or '-'})"
    yield f"  lists that may lack entries: {', '.join(made.record['partial'])}"
    yield ""
    yield "NOT USED"
    for kind, code, why, number in made.counts():
        yield f"  {number} x {kind} {code}: {why}"
    for title, rows in (
        ("PROBLEMS", [str(it) for it in made.problems]),
        ("NOTES", [it.text for it in made.notes]),
    ):
        if rows:
            yield ""
            yield title
            yield from (f"  {row}" for row in rows)
    yield ""


def _values(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Give every value of a record with its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            if path or key != "partial":
                yield from _values(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _values(item, f"{path}[{number}]")
    else:
        yield path, value
