"""Studies, facts and dictionaries as they are written in `criteria/`, read and checked.

A study file and the fact files that it builds on are YAML; everything about them that is wrong is
an error that names file and line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from screener.encoding import yaml_file
from screener.encoding.cohort_study import CohortParts
from screener.encoding.sources import digest, source_files
from screener.encoding.terms import Drugs, Neoplasms, Sites, Tests
from screener.encoding.yaml_file import Position, YamlFile
from screener.errors import StudyError

FactType = Literal[
    "boolean", "integer", "number", "text", "span", "bounds", "entries"
]  # what the SQL yields; `entries` are helper lists that no report shows
ParameterValue = bool | int | float | str | list[str]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_M = TypeVar("_M", bound=BaseModel)


class Parameter(_Model):
    """A named value that predicates refer to."""

    value: ParameterValue
    unit: str = ""
    source: str = Field(min_length=1)
    """Where the value stands; for an assumed one, why this value."""
    assumed: bool = False
    """Whether the source of the study states no value, so that a site may set its own."""


class Case(_Model):
    """Why something is unknown, and what to obtain; applies where `when` is true."""

    when: str | None = None
    say: str
    ask: str | None = None


class EvidenceFrom(_Model):
    """Recorded values that a fact rests on: fields of the record, or of the entries of a helper."""

    record: list[str] = []
    """Fields of the record, `birth_date` or `diagnosis.extent`."""
    of: str | None = None
    """A fact of type `entries`; its entries have a path and a date."""
    within: str | None = None
    """The list within each entry that holds the values, if they are not its own."""
    fields: dict[str, str] = {}
    """Name of a field in the record, and of what holds it in the entry."""

    @model_validator(mode="before")
    @classmethod
    def _same_names(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("fields"), list):
            return {**data, "fields": {name: name for name in data["fields"]}}
        return data


class FactExample(_Model):
    """A record fragment and the value expected of the fact."""

    record: dict[str, Any]
    value: Any
    as_of: str | None = None
    cutoff: str | None = None
    """The day up to which follow-up is known, if it is not `as_of`."""
    index_date: str | None = None
    """The index date that the record is taken to have."""


class Fact(_Model):
    """One thing that follows from the record, as a SQL expression; NULL means unknown."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: str = ""
    means: str
    type: FactType
    unit: str = ""
    source: str = ""
    sql: str
    evidence: list[EvidenceFrom] = []
    unknown: list[Case] = []
    inherit: list[str] = []
    """Facts whose reasons for being unknown explain this one too."""
    examples: list[FactExample] = []


class CriterionExample(_Model):
    """A record fragment and the truth expected of the criterion."""

    record: dict[str, Any]
    truth: Literal["met", "not_met", "unknown"]
    as_of: str | None = None
    why: str = ""


class Criterion(_Model):
    """One inclusion or exclusion criterion, or one part of a compound one."""

    id: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9._-]*$")
    kind: Literal["inclusion", "exclusion"]
    text: str
    source: str
    reading: str = ""
    met_when: str | None = None
    all: list[Criterion] = []
    any: list[Criterion] = []
    met: str = ""
    not_met: str = ""
    clears_after: str | None = None
    """Days on which time alone could end a fail, as a SQL list of dates over the record."""
    examples: list[CriterionExample] = []

    @model_validator(mode="before")
    @classmethod
    def _hand_down(cls, data: Any) -> Any:
        if isinstance(data, dict):
            for key in ("all", "any"):
                parts = data.get(key)
                if isinstance(parts, list):
                    for part in parts:
                        if isinstance(part, dict):
                            part.setdefault("kind", data.get("kind"))
                            part.setdefault("source", data.get("source"))
        return data

    @model_validator(mode="after")
    def _one_way(self) -> Criterion:
        given = [bool(self.met_when), bool(self.all), bool(self.any)]
        if sum(given) != 1:
            raise ValueError("needs exactly one of met_when, all and any")
        if self.met_when and not (self.met and self.not_met):
            raise ValueError("needs a reason for met and one for not_met")
        return self

    @property
    def parts(self) -> list[Criterion]:
        """The parts of a compound criterion, in order; none for a single one."""
        return self.all or self.any


class AdvisoryRule(_Model):
    """Something to tell whenever a condition certainly holds; it decides nothing."""

    id: str
    when: str
    text: str


class Study(_Model, CohortParts):
    """A study: its criteria in order, their parameters, and where all of it comes from."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    version: str
    registry: str = ""
    sources: list[str] = Field(min_length=1)
    as_of_means: str
    """What the screening date stands for in this study."""
    examples_as_of: date
    parameters: dict[str, Parameter] = {}
    criteria: list[Criterion] = Field(min_length=1)
    advisories: list[AdvisoryRule] = []

    @model_validator(mode="after")
    def _flow_of_criteria(self) -> Study:
        known = {criterion.id for criterion in self.criteria}
        steps = [step.criterion for step in self.flow.steps]
        for name in steps:
            if name not in known:
                raise ValueError(f"flow names {name}, which is no criterion of the study")
            if steps.count(name) > 1:
                raise ValueError(f"flow names {name} twice")
        return self


@dataclass(frozen=True)
class Encoding:
    """A study with every fact, parameter and dictionary that it can use, and where each stands."""

    study: Study
    study_file: YamlFile
    facts: dict[str, Fact]
    parameters: dict[str, Parameter]
    """The facts' own parameters and the study's; the study's value wins."""
    logic: str
    """The text of logic.sql."""
    terms: dict[str, list[dict[str, Any]]]
    """The dictionaries: drugs, sites, tests, neoplasms."""
    sha256: str
    """Over the study file and everything that it uses."""
    places: dict[str, tuple[YamlFile, Position]] = field(default_factory=dict)
    """Where each fact and criterion stands, for errors."""


_KEPT = 16
"""Files of facts, and dictionaries, that are read once for all studies: all that one rests on."""


class _FactFile(_Model):
    examples_as_of: date
    parameters: dict[str, Parameter] = {}
    facts: list[Fact]


def leaves(criteria: list[Criterion]) -> list[Criterion]:
    """Every criterion and part that has a predicate of its own, in order."""
    found: list[Criterion] = []
    for criterion in criteria:
        found += leaves(criterion.parts) if criterion.parts else [criterion]
    return found


def every(criteria: list[Criterion]) -> list[Criterion]:
    """Every criterion and part, each before its parts."""
    found: list[Criterion] = []
    for criterion in criteria:
        found += [criterion, *every(criterion.parts)]
    return found


def load(study_path: Path, criteria: Path) -> Encoding:
    """Read a study file and everything in `criteria` that it builds on.

    Raises:
        StudyError: a file cannot be read or says something that is not allowed.
    """
    study_file = yaml_file.load(study_path)
    study = _read(Study, study_file, study_file.data, ())
    places: dict[str, tuple[YamlFile, Position]] = {}
    _place_criteria(study_file, study.criteria, ("criteria",), places)
    facts: dict[str, Fact] = {}
    parameters: dict[str, Parameter] = {}
    for path in sorted((criteria / "facts").glob("*.yaml")):
        file, part, positions = _fact_file(str(path), yaml_file.content(path))
        for index, fact in enumerate(part.facts):
            at: Position = ("facts", positions[index])
            if fact.name in places:
                other, where = places[fact.name]
                raise file.error(
                    at, f"fact {fact.name} is defined a second time; first in {other.name}, "
                    f"line {other.line(where)}"
                )  # fmt: skip
            examples = [
                e if e.as_of else e.model_copy(update={"as_of": part.examples_as_of.isoformat()})
                for e in fact.examples
            ]
            facts[fact.name] = fact.model_copy(update={"examples": examples})
            places[fact.name] = (file, at)
        for name, parameter in part.parameters.items():
            if name in parameters:
                raise file.error(("parameters", name), f"parameter {name} is defined twice")
            parameters[name] = parameter
            places[name] = (file, ("parameters", name))
    for name in study.parameters:
        places[name] = (study_file, ("parameters", name))
    return Encoding(
        study=study,
        study_file=study_file,
        facts=facts,
        parameters={**parameters, **study.parameters},
        logic=_text(criteria / "logic.sql"),
        terms=_terms(criteria),
        sha256=digest(source_files(study_path, criteria)),
        places=places,
    )


@lru_cache(maxsize=_KEPT)
def _fact_file(name: str, raw: bytes) -> tuple[YamlFile, _FactFile, list[int]]:
    """What a file of facts says, and the place in it of each fact."""
    file = yaml_file.parse(name, raw)
    data, positions = _expand(file)
    return file, _read(_FactFile, file, data, (), positions), positions


@lru_cache(maxsize=_KEPT)
def _dictionary(name: str, raw: bytes, model: type[BaseModel]) -> dict[str, Any]:
    file = yaml_file.parse(name, raw)
    _read(model, file, file.data, ())
    return dict(file.data)


def _terms(criteria: Path) -> dict[str, list[dict[str, Any]]]:
    """The dictionaries, as they stand in their files."""

    def read(name: str, model: type[BaseModel]) -> dict[str, Any]:
        path = criteria / name
        return _dictionary(str(path), yaml_file.content(path), model)

    return {
        **read("drugs.yaml", Drugs),
        **read("sites.yaml", Sites),
        **read("labs.yaml", Tests),
        "neoplasms": [
            {"class": kind, "names": names}
            for kind, names in read("neoplasms.yaml", Neoplasms).items()
        ],
    }


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"{path}: cannot be read: {error}") from None


def _place_criteria(
    file: YamlFile,
    criteria: list[Criterion],
    at: Position,
    places: dict[str, tuple[YamlFile, Position]],
) -> None:
    for index, criterion in enumerate(criteria):
        here: Position = (*at, index)
        if criterion.id in places:
            first = file.line(places[criterion.id][1])
            raise file.error(
                (*here, "id"), f"criterion {criterion.id} is there twice; first in line {first}"
            )
        places[criterion.id] = (file, here)
        _place_criteria(file, criterion.all, (*here, "all"), places)
        _place_criteria(file, criterion.any, (*here, "any"), places)


def _expand(file: YamlFile) -> tuple[Any, list[int]]:
    """Write out facts that are declared `each:` for several things; and the origin of each."""
    data = file.data
    if not isinstance(data, dict) or not isinstance(data.get("facts"), list):
        raise file.error((), "must be a map with a list `facts`")
    facts: list[Any] = []
    origins: list[int] = []
    for index, entry in enumerate(data["facts"]):
        if not isinstance(entry, dict) or "each" not in entry:
            facts.append(
                _substitute(entry, {"name": entry.get("name", "")})
                if isinstance(entry, dict)
                else entry
            )
            origins.append(index)
            continue
        rest = {key: value for key, value in entry.items() if key != "each"}
        for words in entry["each"]:
            name = _substitute(rest.get("name", ""), words)
            facts.append(_substitute(rest, {**words, "name": name}))
            origins.append(index)
    return {**data, "facts": facts}, origins


def _substitute(value: Any, words: dict[str, Any]) -> Any:
    if isinstance(value, str):
        for word, replacement in words.items():
            value = value.replace(f"<{word}>", str(replacement))
        return value
    if isinstance(value, list):
        return [_substitute(item, words) for item in value]
    if isinstance(value, dict):
        return {_substitute(k, words): _substitute(v, words) for k, v in value.items()}
    return value


def _read(
    model: type[_M], file: YamlFile, data: Any, at: Position, origins: list[int] | None = None
) -> _M:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        # A misspelled key is missing too; told as a key that is not known, it is found at once.
        errors = error.errors(include_url=False)
        first = min(errors, key=lambda found: found["type"] != "extra_forbidden")
        position: Position = (*at, *first["loc"])
        if origins and len(position) > 1 and position[0] == "facts":
            position = ("facts", origins[int(position[1])], *position[2:])
        path = ".".join(str(step) for step in position)
        raise file.error(position, f"{path}: {_plain(first)}") from None


def _plain(error: Any) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return "is not a key that is known here"
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        return str(context.get("error", error["msg"]))
    if kind == "literal_error":
        return f"is {error['input']!r}; allowed: {context.get('expected')}"
    return f"is not allowed ({error['msg'].lower()})"
