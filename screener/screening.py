"""Screens records: from the rows that the engine answers to typed results."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from screener.answer import Answer, agreed_truths
from screener.canonical import canonical_json, with_fields
from screener.conclusion import Conclusions, evidence
from screener.errors import UsageError
from screener.omissions import omissions, variants
from screener.plan import BASE, STRICT, Plan
from screener.thresholds import near, with_thresholds

if TYPE_CHECKING:
    from screener.engine import Engine, Question, Words
    from screener.index_date import Asked
    from screener.omissions import Omission
    from screener.record import Record
    from screener.result import DerivedValue, ScreeningResult

    Unread = Sequence[Collection[str]]

_FEW = 20  # records for which binding two halves side by side is quicker than the whole


@dataclass(frozen=True)
class Settings:
    """What a user decides beside the study: site thresholds, lists taken as whole, strictness."""

    thresholds: Mapping[str, Any] = field(default_factory=dict)
    """The site's own values of parameters, by name."""
    complete: frozenset[str] = frozenset()
    """Names of lists that the user knows to be whole."""
    strict: bool = False
    """Whether what rests on an assumed parameter is unknown."""


class Screener:
    """One study, ready to screen any number of records.

    `engine` is one that has been started for the halves of the plan already, so that DuckDB binds
    them while other things are read.

    Raises:
        UsageError: a threshold names no parameter of the study or has the wrong type, or a list
            that is said to be whole is no list of a record.
    """

    def __init__(
        self, plan: Plan, settings: Settings | None = None, engine: Engine | None = None
    ) -> None:
        self.settings = settings or Settings()
        self.plan = with_thresholds(plan, self.settings.thresholds)
        if self.settings.complete:
            from screener.record import PARTIAL_NAMES  # noqa: PLC0415

            for name in sorted(self.settings.complete - set(PARTIAL_NAMES)):
                nearest = near(name, list(PARTIAL_NAMES))
                raise UsageError(f"{name} is no list of a record{nearest}")
        given = [n for n in self.plan.parameters if n in self.settings.thresholds]
        self._conclusions = Conclusions(self.plan, given, self.settings.complete)
        reported = given + [
            name
            for name, parameter in self.plan.parameters.items()
            if parameter["assumed"] and name not in given
        ]
        self.without = omissions(self.plan, reported)
        """What is left out to see which outcomes rest on it."""
        self._small = engine
        self._large: Engine | None = None

    def _engine(self, number: int) -> Engine:
        from screener.engine import Engine  # noqa: PLC0415  # DuckDB is needed only to screen

        if number <= _FEW:
            self._small = self._small or Engine(self.plan, few=True)
            return self._small
        self._large = self._large or Engine(self.plan)
        return self._large

    def begin(self, number: int) -> None:
        """Have DuckDB bind in the background what that many records need."""
        self._engine(number)

    def screen(
        self,
        records: Sequence[Record],
        as_of: date | Sequence[date],
        unread: Unread = (),
        *,
        assumptions: bool = True,
    ) -> list[ScreeningResult]:
        """Results in the order of the records.

        `as_of` is the screening date, or that of each record: what is dated later is not used.
        `unread` names for each record the lists that may hold what could not be read: no setting
        makes them whole. Without `assumptions` results do not tell what they rest on, which takes
        less time.
        """
        if not records:
            return []
        days = [as_of] * len(records) if isinstance(as_of, date) else as_of
        texts = [canonical_json(record) for record in records]
        taken = self._all_taken(records, unread)
        asked = self._asked([record for record, _ in taken], days, (records, texts))
        questions, words = _worlds(asked), _words([record for record, _ in taken])
        without = self.without if assumptions or self.settings.strict else []
        answers = self._answers(asked, questions, words, without)
        derived = self._derived(asked, questions, words)
        whole = {name for _, lists in taken for name in lists} if assumptions else set()
        for name in sorted(whole):
            # What rests on a word that a list is whole is otherwise without it.
            open_lists = [{name, *lists} for lists in unread] or [{name}] * len(records)
            other = [record for record, _ in self._all_taken(records, open_lists)]
            said = self._truths(other, days)
            for answer, (_, lists), truths in zip(answers, taken, said, strict=True):
                if name in lists:
                    answer.without_list[name] = truths
        return [
            self._conclusions.result(record.id, text, answer, day, values)
            for record, text, answer, day, values in zip(
                records, texts, answers, days, derived, strict=True
            )
        ]

    def derived(self, records: Sequence[Record], as_of: date) -> list[list[DerivedValue]]:
        """The study's derived variables of each record, in the order of the records."""
        taken = [self._taken(record)[0] for record in records]
        asked = self._asked(taken, [as_of] * len(taken))
        return self._derived(asked, _worlds(asked), _words(taken))

    def _derived(
        self, asked: Sequence[Asked], questions: Sequence[Question], words: Words
    ) -> list[list[DerivedValue]]:
        variables = self.plan.cohort.variables
        if not variables or not asked:
            return [[] for _ in asked]
        from screener.derived import values  # noqa: PLC0415

        rows = iter(
            self._engine(len(questions)).ask_statement(
                self.plan.cohort.variables_statement, questions, self._base(), words
            )
        )
        return [values(variables, [next(rows)[1:] for _ in one.worlds]) for one in asked]

    def truths(self, records: Sequence[Record], as_of: date) -> list[list[bool | None]]:
        """Only the truths of all criteria and parts, in the order of `plan.nodes`.

        As the study states them: settings beside thresholds and complete lists do not count.
        """
        days = [as_of] * len(records)
        return self._truths([self._taken(record)[0] for record in records], days)

    def truths_at(
        self,
        records: Sequence[Record],
        as_of: date,
        sets: Sequence[Mapping[str, Any]],
        unread: Unread = (),
    ) -> list[list[list[bool | None]]]:
        """What `truths` says with each of several sets of values of all parameters.

        A value that is None is not known. The index date of a record is told with the parameters
        of the study. `unread` is as `screen` takes it.
        """
        return self._truths_at(
            [record for record, _ in self._all_taken(records, unread)],
            [as_of] * len(records),
            sets,
        )

    def turning_days(self, records: Sequence[Record], as_of: date) -> list[list[date]]:
        """The days after `as_of` on which time alone may change what a record is, rising.

        None where each patient has an index date of the patient's own.
        """
        from screener.engine import Question  # noqa: PLC0415

        found: list[set[date]] = [set() for _ in records]
        if records and not self.plan.cohort.index_statement:
            taken = [self._taken(record)[0] for record in records]
            questions = [Question(canonical_json(record), as_of) for record in taken]
            engine = self._engine(len(questions))
            sets = variants(self.plan, [], strict=False)[:1]
            for rows in engine.ask(questions, sets, _words(taken)):
                for row in rows:
                    found[row.n].update(day for day in row.days if day and day > as_of)
        return [sorted(days) for days in found]

    def _truths(self, taken: Sequence[Record], days: Sequence[date]) -> list[list[bool | None]]:
        return self._truths_at(taken, days, variants(self.plan, [], strict=False)[:1])[0]

    def _truths_at(
        self, taken: Sequence[Record], days: Sequence[date], sets: Sequence[Mapping[str, Any]]
    ) -> list[list[list[bool | None]]]:
        asked = self._asked(taken, days)
        questions = _worlds(asked)
        engine = self._engine(len(questions))
        found: list[list[list[bool | None]]] = [
            [[None] * len(self.plan.nodes) for _ in questions] for _ in sets
        ]
        numbered = [{**one, "variant": number} for number, one in enumerate(sets)]
        answered = engine.ask(questions, numbered, _words(taken))
        for part, rows in zip(engine.parts, answered, strict=True):
            for row in rows:
                for index, truth in zip(part.nodes, row.truths, strict=True):
                    found[row.variant][row.n][index] = truth
        return [_agreed_by(self.plan, asked, worlds) for worlds in found]

    def _asked(
        self,
        taken: Sequence[Record],
        days: Sequence[date],
        written: tuple[Sequence[Record], Sequence[str]] = ((), ()),
    ) -> list[Asked]:
        """What to ask about each record: as of its screening date, or of its own index date.

        `written` are records whose canonical text is known, and their texts.
        """
        from screener.engine import Question  # noqa: PLC0415
        from screener.index_date import Asked, asked, index_of  # noqa: PLC0415

        known = {id(record): text for record, text in zip(*written, strict=True)}
        questions = [
            Question(known.get(id(record)) or canonical_json(record), day)
            for record, day in zip(taken, days, strict=True)
        ]
        if not self.plan.cohort.index_statement:
            return [Asked([question]) for question in questions]
        rows = self._engine(len(questions)).ask_statement(
            self.plan.cohort.index_statement, questions, self._base(), _words(taken)
        )
        return [
            asked(record, question.record, index_of(*row[1:]), day)
            for record, question, row, day in zip(taken, questions, rows, days, strict=True)
        ]

    def _base(self) -> list[dict[str, Any]]:
        """The parameters that hold, strictly or not, as the one set to ask with."""
        sets = variants(self.plan, [], strict=self.settings.strict)
        return [{**sets[-1 if self.settings.strict else 0], "variant": BASE}]

    def _answers(
        self,
        asked: Sequence[Asked],
        questions: Sequence[Question],
        words: Words,
        without: Sequence[Omission],
    ) -> list[Answer]:
        from screener.engine import Question  # noqa: PLC0415
        from screener.reasons import explained  # noqa: PLC0415

        engine = self._engine(len(questions))
        strict = self.settings.strict
        sets = variants(self.plan, without, strict=strict)[: None if without or strict else 1]

        def ask(questions: Sequence[Question], sets: list[dict[str, Any]]) -> list[Answer]:
            found = [Answer(self.plan, strict=strict, without=without) for _ in questions]
            for part, rows in zip(engine.parts, engine.ask(questions, sets, words), strict=True):
                for row in rows:
                    found[row.n].add(part, row)
            return found

        answers = ask(questions, sets)
        wanted = [
            set(truths) for truths in zip(*(a.truths_of_leaves() for a in answers), strict=True)
        ]
        for part, rows in zip(engine.parts, engine.words(wanted), strict=True):
            opens, keys = explained(self.plan, part, wanted)
            for row in rows:
                answers[row[0]].say(part, opens, keys, row)
        if self.plan.cohort.index_statement:
            # The index date is what it is: time alone clears nothing.
            return self._agreed(asked, answers)
        waiting = [n for n, answer in enumerate(answers) if answer.days and answer.only_time()]
        if waiting:
            # What fails now may pass on a later day: the same question again, on the days on which
            # a window ends.
            later = [
                Question(questions[n].record, questions[n].as_of, answers[n].days) for n in waiting
            ]
            both = [v for v in sets if v["variant"] in (BASE, STRICT)]
            for number, again in zip(waiting, ask(later, both), strict=True):
                answers[number].later = again
        return answers

    def _agreed(self, asked: Sequence[Asked], answers: Sequence[Answer]) -> list[Answer]:
        """One answer for each record, with what its worlds share."""
        from screener.index_date import why_open  # noqa: PLC0415

        given, found = iter(answers), []
        for one in asked:
            first, *others = [next(given) for _ in one.worlds]
            first.index = one.index
            first.agree(others, why_open(one, self.plan.cohort.index_means))
            found.append(first)
        return found

    def facts(
        self, records: Sequence[Record], as_of: date, unread: Unread = ()
    ) -> list[list[dict[str, Any]]]:
        """Every fact of the study about each record, as of its own index date if the study has one.

        Each as name, label, means, type, unit, source, value (JSON), words and evidence. What the
        index date leaves open has no value. `unread` is as `screen` takes it.
        """
        taken = [record for record, _ in self._all_taken(records, unread)]
        asked = self._asked(taken, [as_of] * len(taken))
        given = iter(self.facts_of(_worlds(asked), taken))
        found = []
        for one in asked:
            first, *others = [next(given) for _ in one.worlds]
            for place, fact in enumerate(first):
                if any(other[place]["value"] != fact["value"] for other in others):
                    fact |= {"value": None, "words": None}
            found.append(first)
        return found

    def facts_of(
        self, questions: Sequence[Question], records: Sequence[Record]
    ) -> list[list[dict[str, Any]]]:
        """The same for each of some questions about the records, whatever their own index dates."""
        rows = self._engine(len(questions)).ask_facts(questions, self._base(), _words(records))
        return [
            [
                {
                    **fact,
                    "value": _json(row[f"{fact['name']}_found"]["value"]),
                    "words": row[f"{fact['name']}_found"]["words"],
                    "evidence": [e.to_dict() for e in evidence(self.plan, [fact["name"]], row)],
                }
                for fact in self.plan.facts
            ]
            for row in rows
        ]

    def _all_taken(
        self, records: Sequence[Record], unread: Unread
    ) -> list[tuple[Record, list[str]]]:
        lists = list(unread) or [()] * len(records)
        return [self._taken(*each) for each in zip(records, lists, strict=True)]

    def _taken(
        self, record: Record, but: Collection[str] = frozenset()
    ) -> tuple[Record, list[str]]:
        """The record with lists taken as whole, by the user's word or the study's; and which.

        Those in `but` are not.
        """
        record, changed = _complete(record, self.settings.complete.difference(but))
        if self.settings.strict:
            return record, changed
        policy = {name for name in self.plan.cohort.undocumented if name not in but}
        absent: dict[str, list[Any]] = {n: [] for n in policy if getattr(record, n) is None}
        record = with_fields(record, absent) if absent else record
        record, whole = _complete(record, frozenset(policy))
        return record, sorted({*changed, *absent, *whole})


def _json(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _complete(record: Record, names: frozenset[str]) -> tuple[Record, list[str]]:
    """The record with lists taken as whole, and which of them were partial."""
    partial = record.partial or []
    changed = sorted(names & set(partial))
    if not changed:
        return record, []
    rest = [name for name in partial if name not in names]
    return with_fields(record, {"partial": rest}), changed


def _agreed_by(
    plan: Plan, asked: Iterable[Asked], truths: Iterable[list[bool | None]]
) -> list[list[bool | None]]:
    """The truths of each record on which the ways to ask about it agree."""
    worlds = iter(truths)
    return [agreed_truths(plan, [next(worlds) for _ in one.worlds]) for one in asked]


def _worlds(asked: Iterable[Asked]) -> list[Question]:
    return [world for one in asked for world in one.worlds]


def _words(records: Sequence[Record]) -> Words:
    from screener.engine import Words  # noqa: PLC0415
    from screener.entries import Gathered  # noqa: PLC0415

    return Words.of(Gathered(records))
