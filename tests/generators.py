"""Made-up patient records that reach every truth of every criterion of DAWNA-FES, and mutations.

A record is drawn with a `random.Random`, so that a seed names it. Values cluster where the criteria
decide: one day before, on and after the end of each window; just below, at and just above each
threshold; dates as day, month, year or none; lists absent, empty, whole or partial.
"""

from __future__ import annotations

import copy
import re
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from random import Random
from typing import Any, Union, get_args, get_origin

from dateutil.relativedelta import relativedelta
from pydantic import BaseModel

from screener.record import PARTIAL_NAMES, Record

Data = dict[str, Any]
Path = tuple[str | int, ...]

SCREENING_DAY = date(2026, 1, 15)
SCREENING_DAYS = (SCREENING_DAY, date(2024, 2, 29), date(2025, 3, 1), date(2026, 12, 31))

EVENT_DATES = {
    "pathology": "date",
    "performance_status": "date",
    "therapies": "start",
    "procedures": "date",
    "injuries": "date",
    "imaging": "date",
    "metastases": "date",
    "effusions": "date",
    "labs": "date",
    "adverse_events": "onset",
    "other_malignancies": "diagnosed",
    "genomics": "date",
}
"""The date by which an entry of each list has happened."""

_RECENT = (0, 1, 5, 5, 12, 27, 28, 29, 60)
_LONG = (5, 40, 200, 400, 900, 2000)
_DRUGS = (
    "palbociclib", "Ibrance", "哌柏西利", "LY2835219", "瑞波西利", "SHR6390", "达尔西利",
    "dalpicilib",
    "letrozole", "来曲唑", "fulvestrant", "tamoxifen", "exemestane", "capecitabine", "紫杉醇",
    "paclitaxel", "Enhertu", "everolimus", "goserelin", "trilaciclib", "HRX-0000",
)  # fmt: skip
_KINDS = ("chemotherapy", "endocrine", "cdk4_6_inhibitor", "targeted", "supportive")
_SITES = (
    "liver", "hepatic", "肝", "lung", "bone", "brain", "leptomeninges", "meninges", "spinal cord",
    "lymph_node", "chest_wall", "pleura", "somewhere odd",
)  # fmt: skip
_LESION_SITES = ("lung", "bone", "liver", "lymph_node", "axilla", "brain", "skull", "骨")
_LABS: dict[str, tuple[tuple[str | None, tuple[float, ...]], ...]] = {
    "anc": (("10*9/L", (1.49, 1.5, 1.51, 4, 3000)), ("/uL", (1499, 1500, 1501)), (None, (3,))),
    "platelets": (("10*9/L", (89.9, 90, 90.1, 240)), ("furlong", (150,))),
    "hemoglobin": (("g/L", (89.9, 90, 120)), ("g/dL", (8.9, 9, 9.1))),
    "creatinine_clearance": (("mL/min", (29.9, 30, 30.1, 90)), ("mL/min/1.73m2", (60,))),
}
_LIMITED = {"bilirubin": ("umol/L", 20, (1.5,)), "alt": ("U/L", 40, (2.5, 5)),
            "ast": ("U/L", 40, (2.5, 5))}  # fmt: skip
_MALIGNANCIES = (
    "colon cancer", "melanoma", "basal cell carcinoma", "papillary thyroid cancer", "CIN 3",
    "squamous cell carcinoma", "non-melanoma skin cancer",
)  # fmt: skip
_ALLERGIES = (
    "penicillin", "latex", "dalpiciclib", "达尔西利", "letrozole", "platinum", "dalpicilib", "卡铂",
)  # fmt: skip


def _entry(**fields: Any) -> Data:
    return {name: value for name, value in fields.items() if value is not None}


class Patient:
    """Draws one record as decoded JSON."""

    def __init__(self, random: Random, as_of: date) -> None:
        self.random = random
        self.as_of = as_of

    def chance(self, percent: float) -> bool:
        return self.random.random() * 100 < percent

    def one(self, *options: Any) -> Any:
        return self.random.choice(options)

    def some(self, *options: Any, percent: float = 70) -> Any:
        """One of the options, or nothing recorded."""
        return self.random.choice(options) if self.chance(percent) else None

    def day(self, *back: int, absent: float = 8) -> str | None:
        """A day so long before the screening date; now and then less exact, or not recorded."""
        if self.chance(absent):
            return None
        text = (self.as_of - timedelta(days=self.random.choice(back))).isoformat()
        return text[: self.random.choice((10,) * 8 + (7, 4))]

    def anniversary(self, *years: int) -> str:
        """A day around so many years before the screening date."""
        day = self.as_of - relativedelta(years=self.random.choice(years))
        day += timedelta(days=self.random.choice((-1, 0, 1)))
        return day.isoformat()[: self.random.choice((10,) * 8 + (7, 4))]

    def entries(self, draw: Any, most: int = 3) -> list[Data]:
        return [draw() for _ in range(self.random.choice((0, *range(1, most + 1), 1)))]

    def words(self, known: tuple[str, ...], *lengths: int) -> list[str]:
        return [self.random.choice(known) for _ in range(self.random.choice(lengths))]

    def record(self) -> Data:
        record: Data = {
            "birth_date": self.anniversary(17, 18, 18, 40, 60, 80, 81),
            "sex": self.some("female", "female", "male", "other"),
            "menopausal_status": self.some("premenopausal", "perimenopausal", "postmenopausal"),
            "centre": self.some("North", "上海", percent=20),
            "diagnosis": self.diagnosis(),
            "pathology": self.entries(self.specimen),
            "performance_status": self.entries(
                lambda: _entry(date=self.day(*_RECENT), ecog=self.one(0, 1, 1, 2, 2, 3, 3, 4))
            ),
            "life_expectancy_months": self.some(2.9, 3, 3.1, 12),
            "therapies": self.lines() if self.chance(20) else self.entries(self.therapy, most=5),
            "procedures": self.entries(self.procedure, most=2),
            "injuries": self.entries(self.injury, most=2),
            "imaging": self.entries(self.examination),
            "metastases": self.entries(self.metastasis),
            "effusions": self.entries(self.effusion),
            "labs": self.labs(),
            "adverse_events": self.entries(self.adverse_event, most=2),
            "other_malignancies": self.entries(self.other_malignancy, most=2),
            "allergies": self.words(_ALLERGIES, 0, 0, 1, 2),
            "genomics": self.entries(self.genomic, most=1),
            "assessments": self.assessments(),
            "follow_up": self.some(
                _entry(last_contact=self.day(0, 5), progression_date=self.day(40, 90, absent=60),
                       death_date=self.day(0, absent=90)), percent=20,
            ),
        }  # fmt: skip
        # Some records say little, so that each way of not knowing is reached on its own.
        left_out = self.one(5, 5, 15, 50)
        record = {k: v for k, v in record.items() if v is not None and not self.chance(left_out)}
        partial = [name for name in PARTIAL_NAMES if self.chance(4)]
        return {"id": f"R{self.random.randrange(10**9)}", **record} | _entry(
            partial=partial or None
        )

    def diagnosis(self) -> Data:
        return _entry(
            cancer=self.some("breast", "breast", "breast", "乳腺癌", "lung", percent=92),
            date=self.day(400, 900, 2000, absent=50),
            pathologically_confirmed=self.some(True, False),
            initial_stage=self.some("I", "IIA", "IIIC", "IV", percent=40),
            extent=self.some("early", "locally_advanced", "metastatic", "metastatic"),
            presentation=self.some("de_novo", "recurrent"),
            advanced_since=self.day(100, 400, absent=60),
            distant_metastasis_confirmed=self.some(True, False, percent=30),
        )

    def specimen(self) -> Data:
        er, her2 = self.chance(85), self.chance(75)
        return _entry(
            date=self.day(*_LONG),
            specimen=self.some("primary", "metastasis"),
            site=self.some("breast", "liver", percent=30),
            er_percent=self.some(0, 0, 0.9, 1, 1.1, 10, 10.1, 90, percent=85) if er else None,
            er_status=self.some("positive", "negative", percent=25) if er else None,
            pr_percent=self.some(0, 0, 0.9, 1, 40, percent=70) if er else None,
            pr_status=self.some("positive", "negative", percent=20) if er else None,
            her2_ihc=self.some("0", "1+", "2+", "2+", "3+", percent=90) if her2 else None,
            her2_ish=self.some("negative", "positive", "equivocal", percent=35) if her2 else None,
            her2_status=self.some("negative", "positive", "equivocal", percent=20)
            if her2
            else None,
            ki67_percent=self.some(5, 30, percent=30),
        )

    def therapy(self) -> Data:
        end = self.one(0, 20, 55, 56, 57, 195, 196, 197, 600)
        return _entry(
            setting=self.some(*("advanced",) * 3, "adjuvant", "neoadjuvant", percent=88),
            line=self.some(1, 1, 2, 2, 3, 4, percent=75),
            drugs=self.words(_DRUGS, 1, 1, 1, 2, 3) if self.chance(92) else None,
            kinds=self.words(_KINDS, 0, 1, 1, 2) if self.chance(18) else None,
            start=self.day(end + 30, end + 300),
            end=self.day(end, absent=30),
            ongoing=self.some(True, False, percent=30),
            stop_reason=self.some("progression", "toxicity", "completed", percent=40),
            progression_date=self.day(end, absent=60),
            best_response=self.some("PR", "SD", "PD", percent=30),
        )  # fmt: skip

    def lines(self) -> list[Data]:
        """A course of treatment in numbered lines, mostly endocrine."""
        drugs = ("letrozole", "氟维司群", "exemestane", "tamoxifen", "capecitabine", "everolimus")
        return [
            _entry(setting="advanced", line=number, drugs=[self.one(*drugs)],
                   start=self.day(1000 - 150 * number), end=self.day(900 - 150 * number))
            for number in range(1, self.random.choice((3, 4, 5, 6)))
        ]  # fmt: skip

    def procedure(self) -> Data:
        """Surgery that took place, or is planned for no particular day."""
        planned = self.some(True, False, percent=30)
        return _entry(
            name=self.one("mastectomy", "biopsy", "卵巢切除术"),
            date=self.day(*_RECENT, 400) if not planned else None,
            major=self.some(True, True, False, percent=88),
            planned=planned,
        )

    def injury(self) -> Data:
        return _entry(
            description=self.some("hip fracture", "sprain"),
            date=self.day(*_RECENT),
            major=self.some(True, False, percent=88),
        )

    def examination(self) -> Data:
        modality = self.one("FES-PET/CT", "FES-PET/CT", "FES-PET/CT", "CT", "CT", "MRI", "X-ray",
                            "FDG-PET/CT", "bone scan", "ultrasound", "clinical")  # fmt: skip
        fes = modality == "FES-PET/CT"
        return _entry(
            date=self.day(*_RECENT),
            modality=modality,
            fes_conclusion=self.some("some_positive", "all_negative", percent=30) if fes else None,
            lesions=self.entries(lambda: self.lesion(fes)) if self.chance(88) else None,
        )

    def lesion(self, fes: bool) -> Data:
        return _entry(
            site=self.some(*_LESION_SITES, percent=92),
            lymph_node=self.some(True, False, percent=25),
            longest_diameter_mm=self.some(9.9, 10, 10.1, 14, 16, 19.9, 20, 30),
            short_axis_mm=self.some(9, 14.9, 15, 15.1, percent=35),
            slice_thickness_mm=self.some(3, 5, 5.1, 8, percent=40),
            measurable=self.some(True, False, percent=25),
            fes=self.some("positive", "negative", "negative", "not_evaluable") if fes else None,
            suv_max=self.some(0.8, 1.49, 1.5, 1.51, 6, percent=35) if fes else None,
            irradiated=self.some(True, False, percent=40),
            progressed_after_irradiation=self.some(True, False, percent=30),
            soft_tissue_component=self.some(True, False, percent=40),
        )  # fmt: skip

    def metastasis(self) -> Data:
        return _entry(
            site=self.one(*_SITES),
            present=self.chance(70),
            date=self.day(*_RECENT, 400),
            confirmed_by=self.some("imaging", "mri", "lumbar_puncture", "pathology", "clinical"),
        )

    def effusion(self) -> Data:
        return _entry(
            kind=self.one("ascites", "pleural", "pericardial", "pericardial"),
            present=self.chance(65),
            date=self.day(*_RECENT),
            symptomatic=self.some(True, False),
            drainage_required=self.some(True, False, percent=40),
            drainage_date=self.day(*_RECENT, absent=50),
        )

    def labs(self) -> list[Data]:
        every = (*_LABS, *_LIMITED)
        if self.chance(20):  # all in order, but for what is not there
            usual = (4, 240, 120, 90, 10, 20, 20)
            return [
                _entry(
                    test=test,
                    value=value,
                    unit=(_LIMITED.get(test) or _LABS[test][0])[0],
                    upper_limit=40 if test in _LIMITED else None,
                    date=self.day(0, 5, 27, 28),
                )
                for test, value in zip(every, usual, strict=True)
                if self.chance(97)
            ]
        most = self.one(0, 1, 2, 2)
        return [self.lab(test) for test in every for _ in range(self.random.randint(0, most))]

    def lab(self, test: str) -> Data:
        if test in _LIMITED:
            unit, upper, factors = _LIMITED[test]
            value = upper * self.one(0.5, *(f + step for f in factors for step in (-0.01, 0, 0.01)))
            limits = {
                "lower_limit": self.some(1, percent=30),
                "upper_limit": self.some(upper, percent=90),
            }
        else:
            unit, values = self.one(*_LABS[test])
            value, limits = self.one(*values), {}
        return _entry(
            test=self.one(test, test, test.upper()),
            date=self.day(*_RECENT, absent=4),
            value=round(value, 3),
            unit=unit if self.chance(95) else None,
            **limits,
        )

    def adverse_event(self) -> Data:
        over = self.one(0, 1, 5, 40)
        return _entry(
            term=self.one("neutropenia", "腹泻", "fracture"),
            grade=self.some(1, 2, 3, 4, percent=88),
            ctcae_version=self.some("5.0", "4.03", percent=15),
            onset=self.day(over + 10, over + 90),
            resolved=self.day(over, absent=60),
            ongoing=self.some(True, False, percent=65),
            from_antitumor_therapy=self.some(True, False, percent=70),
        )

    def other_malignancy(self) -> Data:
        return _entry(
            type=self.one(*_MALIGNANCIES),
            diagnosed=self.anniversary(1, 5, 5, 5, 9) if self.chance(90) else None,
            solid_tumor=self.some(True, False, percent=30),
            curative_treatment=self.some(True, False, percent=60),
        )

    def genomic(self) -> Data:
        return _entry(
            gene=self.one("PIK3CA", "ESR1"),
            result=self.one("altered", "wild_type"),
            variant=self.some("p.H1047R", percent=40),
            origin=self.some("germline", "somatic"),
            specimen=self.some("tissue", "ctdna"),
            date=self.day(*_LONG),
        )

    def assessments(self) -> Data:
        worries = (
            "visceral_crisis",
            "rapid_progression",
            "bowel_obstruction",
            "absorption_disorder",
        )
        hopes = ("suitable_for_endocrine_therapy", "able_to_swallow", "willing_fdg_pet",
                 "complete_clinical_data")  # fmt: skip
        worry = {name: self.some(True, False, False, percent=85) for name in worries}
        hope = {name: self.some(True, True, False, percent=85) for name in hopes}
        return _entry(**worry, **hope)


def record(seed: int, as_of: date = SCREENING_DAY) -> Data:
    """The record that a seed names: valid, and with no entry after the screening date."""
    return Patient(Random(seed), as_of).record()


# Mutations ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mutation:
    """One change of a record; `kind` says which, `path` where. The value None takes it out."""

    kind: str
    path: Path
    whole: Data
    value: Any

    @property
    def record(self) -> Data:
        """The changed record."""
        return changed(self.whole, self.path, self.value)


LOSSES = (
    "delete value",
    "delete date",
    "delete list",
    "delete object",
    "shorten date",
    "mark partial",
)
"""The kinds of change that only take information away."""


def losses(record: Data) -> Iterator[Mutation]:
    """Every way of saying one thing less."""
    for path, value, optional in _places(Record, record, ()):
        dated = isinstance(value, str) and _DATE.fullmatch(value)
        if dated:
            for length in (7, 4):
                if len(value) > length:
                    yield Mutation("shorten date", path, record, value[:length])
        if optional and path != ("partial",):
            kinds = {list: "delete list", dict: "delete object"}
            kind = "delete date" if dated else kinds.get(type(value), "delete value")
            yield Mutation(kind, path, record, None)
    partial = record.get("partial", [])
    for name in PARTIAL_NAMES:
        if name not in partial:
            yield Mutation("mark partial", ("partial",), record, [*partial, name])


def shuffled(record: Data, random: Random) -> Data:
    """The same record with the entries of every list, inner ones too, in another order."""

    def mix(value: Any) -> Any:
        if isinstance(value, list):
            return random.sample([mix(item) for item in value], len(value))
        if isinstance(value, dict):
            return {key: mix(item) for key, item in value.items()}
        return value

    return typing.cast(Data, mix(record))


def with_future(record: Data, random: Random, as_of: date) -> tuple[Data, int]:
    """The record with entries after the screening date in the lists that it has; and how many.

    Each is put in at any position. None of them is a plan, which counts although it lies ahead.
    """
    patient, result, added = Patient(random, as_of), copy.deepcopy(record), 0
    draw = {
        "pathology": patient.specimen, "therapies": patient.therapy, "imaging": patient.examination,
        "metastases": patient.metastasis, "effusions": patient.effusion, "injuries": patient.injury,
        "procedures": patient.procedure, "adverse_events": patient.adverse_event,
        "other_malignancies": patient.other_malignancy, "genomics": patient.genomic,
        "labs": lambda: patient.lab(patient.one(*_LABS, *_LIMITED)),
        "performance_status": lambda: {"ecog": patient.one(0, 4)},
    }  # fmt: skip
    for name, event in EVENT_DATES.items():
        for _ in range(random.choice((0, 1, 2)) if name in result else 0):
            entry = draw[name]()
            for other in ("planned", "end", "resolved"):
                entry.pop(other, None)
            later = as_of + timedelta(days=random.choice((1, 1, 20, 400)))
            month = (as_of + relativedelta(months=1)).isoformat()[:7]
            entry[event] = random.choice((later.isoformat(), month, str(as_of.year + 1)))
            result[name].insert(random.randint(0, len(result[name])), entry)
            added += 1
    return result, added


def changed(record: Any, path: Path, value: Any) -> Any:
    """A copy of the record with one value replaced; None takes it out."""
    step, rest = path[0], path[1:]
    result = record.copy()
    if rest:
        result[step] = changed(record[step], rest, value)
    elif value is not None:
        result[step] = value
    else:
        del result[step]
    return result


def paths(data: Any, at: Path = ()) -> Iterator[Path]:
    """The place of everything in a record, outer things first."""
    items: Any = ()
    if isinstance(data, dict):
        items = data.items()
    elif isinstance(data, list):
        items = enumerate(data)
    for step, value in items:
        yield (*at, step)
        yield from paths(value, (*at, step))


def fields(model: type[BaseModel] = Record, prefix: str = "") -> Iterator[str]:
    """The names of all fields of the record, inner ones with the names around them."""
    for name, info in model.model_fields.items():
        yield prefix + name
        kind = _item(info.annotation)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from fields(kind, f"{prefix}{name}.")


_DATE = re.compile(r"\d{4}(-\d\d){0,2}")


def _places(model: Any, data: Data, at: Path) -> Iterator[tuple[Path, Any, bool]]:
    """Everything in a record, with whether the record may lack it."""
    for name, value in data.items():
        info = model.model_fields[name]
        yield (*at, name), value, not info.is_required()
        kind = _item(info.annotation)
        if isinstance(value, dict):
            yield from _places(kind, value, (*at, name))
        elif isinstance(value, list) and isinstance(kind, type) and issubclass(kind, BaseModel):
            for index, entry in enumerate(value):
                yield from _places(kind, entry, (*at, name, index))


@cache
def _item(annotation: Any) -> Any:
    """The type of a field, or of the entries of a list."""
    origin = get_origin(annotation)
    if origin in (typing.Annotated, list):
        return _item(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return _item(next(a for a in get_args(annotation) if a is not type(None)))
    return annotation
