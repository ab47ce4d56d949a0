"""Pydantic models of the dictionary files: drugs, sites, laboratory tests, other malignancies."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(min_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Drug(_Model):
    """A drug, its names, and what kind of treatment it is."""

    name: Name
    kinds: Annotated[list[Name], Field(min_length=1)]
    group: Name
    names: list[Name]
    """Trade names, study codes, names in other languages."""
    source: Name


class Site(_Model):
    """An anatomical site and the wordings that mean it."""

    name: Name
    region: Literal["bone", "cns", "node", "organ", "skull"]
    names: list[Name]


class UnitSpellings(_Model):
    """Spellings of one unit; an amount in it times `factor` is one in the unit of the test."""

    factor: Decimal
    spellings: Annotated[list[Name], Field(min_length=1)]


class Test(_Model):
    """A laboratory test."""

    name: Name
    label: Name
    unit: Name
    """The unit in which predicates compare, as UCUM."""
    shown: Name
    """The same for people."""
    plausible: tuple[float, float]
    """What an amount outside of cannot be."""
    plausible_source: Name
    names: list[Name]
    units: Annotated[list[UnitSpellings], Field(min_length=1)]


class Drugs(_Model):
    """`drugs.yaml`."""

    drugs: list[Drug]


class Sites(_Model):
    """`sites.yaml`."""

    sites: list[Site]


class Tests(_Model):
    """`labs.yaml`."""

    tests: list[Test]


class Neoplasms(_Model):
    """`neoplasms.yaml`: wordings of other malignancies, by what they mean for eligibility."""

    exempt: list[Name]
    exempt_if_curative: list[Name]
    unclear: list[Name]
