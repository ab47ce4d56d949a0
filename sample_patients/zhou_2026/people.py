"""Writes a made-up record for a patient of whom it is settled what the paper counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from courses import CDK46, CHEMOTHERAPY, CONJUGATE, ENDOCRINE, Course, months
from dateutil.relativedelta import relativedelta

Data = dict[str, Any]
FIRST_DAY, LAST_DAY = date(2022, 7, 1), date(2024, 9, 25)
REVIEWED = date(2024, 12, 31)

# Names as charts have them: generic, trade and Chinese names of one drug.
_NAMES = {
    "Abemaciclib": ("abemaciclib", "Verzenios", "阿贝西利"),
    "Palbociclib": ("palbociclib", "Ibrance", "哌柏西利"),
    "Ribociclib": ("ribociclib", "Kisqali"),
    "Another (clinical trial)": ("TQB3616", "BPI-16350"),
    "dalpiciclib": ("dalpiciclib", "SHR6390", "达尔西利"),
}
_ENDOCRINE = ("letrozole", "anastrozole", "exemestane", "fulvestrant", "来曲唑", "氟维司群")
_CHEMOTHERAPY = ("capecitabine", "paclitaxel", "vinorelbine", "gemcitabine", "卡培他滨", "eribulin")


@dataclass(frozen=True)
class Person:
    """What is settled of a patient before the record is written."""

    course: Course
    inhibitors: tuple[str, ...]
    """The earlier CDK4/6 inhibitor of each line that has one, as Table 1 names them."""
    sites: tuple[str, ...]
    age: int
    stage: str
    her2: str
    ecog: str
    stopped_for: str = "progression"
    """Why the CDK4/6 inhibitors were stopped."""
    other_tumour: bool = False


class Writer:
    """Writes records; the same random numbers give the same ones."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def record(self, name: str, person: Person) -> Data:
        """The whole record of one patient."""
        self._person = person
        self._index = self._between(FIRST_DAY, LAST_DAY)
        therapies, advanced = self._lines()
        diagnosed, around_surgery = self._before(advanced)
        record: Data = {
            "id": name,
            "birth_date": self._birth(),
            "sex": "female",
            "menopausal_status": "postmenopausal" if person.age > 52 else "premenopausal",
            "centre": self._random.choice(("Centre A", "Centre B")),
            "diagnosis": self._diagnosis(diagnosed, advanced),
            "pathology": self._pathology(diagnosed, advanced),
            "performance_status": self._performance(),
            "therapies": [*around_surgery, *therapies, *self._dalpiciclib()],
            "metastases": self._metastases(advanced),
            "assessments": {"complete_clinical_data": True},
            "follow_up": self._follow_up(),
        }
        if person.other_tumour:
            record["other_malignancies"] = [
                {"type": "colon cancer", "diagnosed": str(diagnosed.year - 3), "solid_tumor": True}
            ]
        elif self._random.random() < 0.5:  # in the other charts nobody wrote that there is none
            record["other_malignancies"] = []
        return record

    def _between(self, first: date, last: date) -> date:
        return first + timedelta(days=self._random.randrange((last - first).days + 1))

    def _later(self, day: date, least: int, most: int) -> date:
        return day + timedelta(days=self._random.randint(least, most))

    def _birth(self) -> str:
        youngest = self._index - relativedelta(years=self._person.age)
        return (youngest - timedelta(days=self._random.randrange(360))).isoformat()

    def _lines(self) -> tuple[list[Data], date]:
        """The lines before dalpiciclib, backwards from it, and the day on which they began."""
        person, random = self._person, self._random
        spans = months(person.course)
        inhibitors = list(person.inhibitors)
        found: list[Data] = []
        end = self._later(self._index, -40, -7)
        for number in range(len(person.course.lines), 0, -1):
            kind, (least, most) = person.course.lines[number - 1], spans[number - 1]
            # Within the span by calendar months, whatever their lengths.
            start = end - relativedelta(months=random.randrange(least, most)) - timedelta(days=15)
            reason = person.stopped_for if kind == CDK46 else "progression"
            entry: Data = {
                "setting": "advanced",
                "line": number,
                "drugs": self._drugs(kind, inhibitors),
                "start": start.isoformat(),
                "end": end.isoformat(),
                "stop_reason": reason,
            }
            if reason == "progression":
                entry["progression_date"] = end.isoformat()
            found[:0] = [entry, *self._within_line(entry, kind, end)]
            end = self._later(start, -35, -8)
        return found, (date.fromisoformat(found[0]["start"]) if found else self._index)

    def _drugs(self, kind: str, inhibitors: list[str]) -> list[str]:
        pick = self._random.choice
        if kind == CDK46:
            return [pick(_NAMES[inhibitors.pop()]), pick(_ENDOCRINE)]
        if kind == CONJUGATE:
            return ["trastuzumab deruxtecan"]
        if kind == CHEMOTHERAPY:
            return [pick(_CHEMOTHERAPY)]
        assert kind == ENDOCRINE
        return [pick(_ENDOCRINE), *(["everolimus"] if self._random.random() < 0.3 else [])]

    def _within_line(self, entry: Data, kind: str, end: date) -> list[Data]:
        """Maintenance after chemotherapy in its line, or a drug that makes no line of its own."""
        start = date.fromisoformat(entry["start"])
        if kind == CHEMOTHERAPY and self._random.random() < 0.4:
            middle = start + (end - start) / 2
            entry |= {"end": middle.isoformat(), "stop_reason": "completed"}
            entry.pop("progression_date")
            return [
                {"setting": "advanced", "line": entry["line"], "drugs": ["letrozole"],
                 "start": (middle + timedelta(days=14)).isoformat(), "end": end.isoformat(),
                 "stop_reason": "progression", "progression_date": end.isoformat()}
            ]  # fmt: skip
        if kind == CDK46 and self._random.random() < 0.3:
            drug = self._random.choice(("denosumab", "goserelin", "zoledronic acid"))
            return [{"setting": "advanced", "drugs": [drug], "ongoing": True,
                     "start": self._later(start, 0, 30).isoformat()}]  # fmt: skip
        return []

    def _before(self, advanced: date) -> tuple[date, list[Data]]:
        """The day of diagnosis, and what was given around surgery."""
        person, random = self._person, self._random
        if person.stage == "De novo IV":
            return self._later(advanced, -30, -10), []
        relapse = self._later(advanced, -35, -14)
        free = (
            random.randrange(9, 22) if person.course.adjuvant_relapse else random.randrange(26, 140)
        )
        start = relapse - relativedelta(months=free)
        diagnosed = self._later(start, -300, -240)
        found = [
            {"setting": "adjuvant", "drugs": ["epirubicin", "cyclophosphamide"],
             "start": self._later(diagnosed, 20, 60).isoformat(),
             "end": self._later(diagnosed, 120, 200).isoformat(), "stop_reason": "completed"}
        ] if random.random() < 0.7 else []  # fmt: skip
        drug = random.choice(("tamoxifen", "letrozole"))
        endocrine: Data = {"setting": "adjuvant", "drugs": [drug], "start": start.isoformat()}
        if free > 66:
            end = start + relativedelta(months=60)
            endocrine |= {"end": end.isoformat(), "stop_reason": "completed"}
        else:
            day = relapse.isoformat()
            endocrine |= {"end": day, "stop_reason": "progression", "progression_date": day}
        return diagnosed, [*found, endocrine]

    def _diagnosis(self, diagnosed: date, advanced: date) -> Data:
        stages = {
            "I": ("IA", "IB"),
            "II": ("IIA", "IIB"),
            "III": ("IIIA", "IIIC"),
            "De novo IV": ("IV",),
        }
        stage = self._person.stage
        found: Data = {
            "cancer": "breast",
            "date": diagnosed.isoformat(),
            "pathologically_confirmed": True,
            "extent": "metastatic",
            "presentation": "de_novo" if stage == "De novo IV" else "recurrent",
            "advanced_since": self._later(advanced, -7, -2).isoformat(),
            "distant_metastasis_confirmed": True,
        }
        if stage in stages:
            found["initial_stage"] = self._random.choice(stages[stage])
        return found

    def _pathology(self, diagnosed: date, advanced: date) -> list[Data]:
        random = self._random
        her2 = {
            "IHC 0": {"her2_ihc": "0"},
            "IHC 1+": {"her2_ihc": "1+"},
            "IHC 2+ and ISH-negative": {"her2_ihc": "2+", "her2_ish": "negative"},
            "Not available": {"her2_status": "negative"},
            "Positive": random.choice(
                ({"her2_ihc": "3+"}, {"her2_ihc": "2+", "her2_ish": "positive"})
            ),
        }[self._person.her2]
        primary: Data = {"date": diagnosed.isoformat(), "specimen": "primary", "er_percent": 90,
                         "pr_percent": 30, "her2_ihc": "1+"}  # fmt: skip
        latest: Data = {
            "date": self._later(advanced, -6, -1).isoformat(),
            "specimen": "metastasis",
            "er_percent": random.choice((5, 30, 60, 80, 90)),
            "pr_percent": random.choice((0, 0, 10, 40)),
            **her2,
        }
        return [primary, latest] if diagnosed < advanced - timedelta(days=60) else [latest]

    def _performance(self) -> list[Data]:
        grade = self._random.choice((0, 1, 1)) if self._person.ecog == "0-1" else 2
        found = [{"date": self._later(self._index, -20, 0).isoformat(), "ecog": grade}]
        if self._random.random() < 0.4:  # what came later does not count
            found.append({"date": self._later(self._index, 30, 80).isoformat(), "ecog": 3 - grade})
        return found

    def _metastases(self, advanced: date) -> list[Data]:
        found = [
            {"site": site.lower().replace(" ", "_"), "present": True, "confirmed_by": "imaging",
             "date": self._between(advanced, self._index).isoformat()}
            for site in self._person.sites
        ]  # fmt: skip
        if self._random.random() < 0.3:  # found while on dalpiciclib: after the index date
            found.append({"site": "brain", "present": True, "confirmed_by": "mri",
                          "date": self._later(self._index, 40, 90).isoformat()})  # fmt: skip
        return found

    def _dalpiciclib(self) -> list[Data]:
        lines = len(self._person.course.lines)
        pick = self._random.choice
        found: Data = {
            "setting": "advanced",
            "line": lines + 1,
            "drugs": [pick(_NAMES["dalpiciclib"]), pick(_ENDOCRINE)],
            "start": self._index.isoformat(),
        }
        end = self._later(self._index, 60, 400)
        if end >= REVIEWED - timedelta(days=20) or self._random.random() < 0.4:
            return [{**found, "ongoing": True}]
        day = end.isoformat()
        return [
            {**found, "end": day, "stop_reason": "progression", "progression_date": day},
            {"setting": "advanced", "line": lines + 2, "drugs": [pick(_CHEMOTHERAPY)],
             "start": self._later(end, 5, 20).isoformat(), "ongoing": True},
        ]  # fmt: skip

    def _follow_up(self) -> Data:
        return {
            "last_contact": self._between(
                self._index + relativedelta(months=3), REVIEWED
            ).isoformat()
        }
