"""What a study file says beside its criteria when it describes a cohort.

An index date of each patient's own, what counts as none where nothing is documented, variables
that are derived of each patient, the baseline table and the flow of patients.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from screener.record import ListName

Counted = Literal["undetermined", "ineligible", "eligible"]
"""What a patient is of whom nothing fails and something is unknown."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class IndexDate(_Model):
    """The patient's own day as of which facts are: the start of a treatment, for instance."""

    means: str = Field(min_length=1)
    """What happened on that day, as a noun: "first start of dalpiciclib"."""
    event: str
    """SQL, true or false: whether there is such a day at all."""
    day: str
    """SQL, a span: when it was, as far as the record tells."""
    entry: str | None = None
    """SQL, a text: the path of the entry that began on that day, where it is certain which one.
    So a partial date is that of this entry alone: the others of that month remain open."""


class Undocumented(_Model):
    """A list that counts as whole, and as empty where it is absent: the study's own policy."""

    list: ListName
    source: str = Field(min_length=1)


class Category(_Model):
    """One category of a derived variable."""

    label: str = Field(min_length=1)
    when: str
    """SQL, true or false for each patient; unknown where the record leaves it open."""


class Derived(_Model):
    """A variable of each patient, for the baseline table and for subgroups.

    It has categories of which a patient is in one, or in any number, or it is a number.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: str = Field(min_length=1)
    unit: str = ""
    source: str = Field(min_length=1)
    reading: str = ""
    """How the source is understood; shown with the variable."""
    remark: str = ""
    """What to know of the figures, shown wherever they are."""
    yes_if: str | None = None
    """Short for the categories Yes and No of one condition."""
    one_of: list[Category] = []
    any_of: list[Category] = []
    number: str | None = None
    """SQL, a number or bounds; shown as median and range."""
    unknown: str = "Not available"
    """What a patient counts as who is certainly in no category and not certainly out of all."""

    @model_validator(mode="after")
    def _one_form(self) -> Derived:
        given = [bool(self.yes_if), bool(self.one_of), bool(self.any_of), bool(self.number)]
        if sum(given) != 1:
            raise ValueError("needs exactly one of yes_if, one_of, any_of and number")
        labels = [category.label for category in self.categories]
        if len(set(labels)) < len(labels):
            raise ValueError("has two categories of one label")
        return self

    @property
    def categories(self) -> list[Category]:
        """The categories in order; none for a number."""
        if self.yes_if:
            condition = self.yes_if.strip()
            return [
                Category(label="Yes", when=condition),
                Category(label="No", when=f"not ({condition})"),
            ]
        return self.one_of or self.any_of


class FlowStep(_Model):
    """A criterion at which patients leave, with what the diagram says of it."""

    criterion: str
    label: str = Field(min_length=1)
    optional: bool = False
    """Whether the step is left out where it excludes nobody."""


class Flow(_Model):
    """The order in which patients are excluded, and the words for both ends."""

    screened: str = "Screened"
    included: str = "Included"
    steps: list[FlowStep] = []


class CohortParts(_Model):
    """The keys of a study file that this module is about."""

    index_date: IndexDate | None = None
    undocumented_counts_as_none: list[Undocumented] = []
    unknown_counts_as: Counted = "undetermined"
    derived: list[Derived] = []
    table_one: list[str] = []
    """The variables of the baseline table, in order."""
    flow: Flow = Flow()

    @model_validator(mode="after")
    def _known_names(self) -> Any:
        ids = [variable.id for variable in self.derived]
        for name in ids:
            if ids.count(name) > 1:
                raise ValueError(f"derived has two variables {name}")
        for name in self.table_one:
            if name not in ids:
                raise ValueError(f"table_one names {name}, which is no variable of derived")
        return self
