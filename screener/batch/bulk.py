"""Screens the valid records of a chunk for one study: verdicts, counts and the files they go to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from screener import database
from screener.answer import Answer
from screener.batch import outcomes, removal, results, verdicts
from screener.batch.handed import Handed
from screener.batch.judge import words_of
from screener.batch.log import LogRow
from screener.batch.outcomes import Outcomes
from screener.batch.strictly import ON_ANY_DAY, Strictly
from screener.batch.tally import Tally
from screener.conclusion import clears_on, first_day_without_fail
from screener.engine import Answered, Words, put_terms, put_variants, unanswerable
from screener.later import Later
from screener.omissions import variants
from screener.plan import BASE, truth_column

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from screener.batch.judge import Accepted
    from screener.plan import Plan
    from screener.screening import Screener

_SWEPT = 4
"""Chunks after which DuckDB gives free what was deleted, so that no more memory is ever used."""

_VERDICTS = """CREATE TABLE verdicts(n INTEGER, {truths}, status VARCHAR, later DATE[],
    reasons VARCHAR[], failed VARCHAR, "unknown" VARCHAR, why VARCHAR, needs VARCHAR[]);
    CREATE TABLE patients(n INTEGER, patient_id VARCHAR)"""

_KEPT = "SELECT patient_id, [{truths}] AS truths, reasons FROM verdicts JOIN patients USING (n)"

_TOLD = 'SELECT n, status, failed, "unknown", why, needs FROM verdicts ORDER BY n'

_EMPTY = "DELETE FROM verdicts; DELETE FROM patients"


@dataclass(frozen=True)
class Screened:
    """What came of the records of a chunk for one study."""

    log: list[LogRow]
    """A row of the screening log for each record, in their order."""
    tally: Tally


class Bulk:
    """The engine of one study for many records.

    It writes files of results into `folder` and nowhere else; without one, none. Without `reasons`,
    outcomes are all that can be asked.
    """

    def __init__(
        self, screener: Screener, folder: Path | None = None, *, reasons: bool = True
    ) -> None:
        self.plan = plan = screener.plan
        self.connection = connection = database.connect(writes=str(folder) if folder else None)
        strictly = Strictly(plan, screener.without) if screener.settings.strict else None
        if strictly and not strictly.open:
            strictly = None
        self._strict = strictly is not None
        truths = [f"t{i}" for i in range(len(plan.nodes))]
        made = _VERDICTS.format(truths=", ".join(f"{name} BOOLEAN" for name in truths))
        connection.execute(
            f"BEGIN; {plan.tables}; DROP TABLE viewed; {made}; "
            f"{plan.logic}; {verdicts.MACROS}; DROP TABLE question; COMMIT"
        )
        cursor = connection.cursor()
        self._handed = Handed("question", connection, cursor)
        # What is optimized is planned anew whenever it runs, which takes longer than it saves.
        for each in (connection, cursor):
            each.execute("PRAGMA disable_optimizer")
        connection.execute("SET lock_configuration = true")
        sets = variants(plan, screener.without, strict=False)
        put_variants(connection, plan, sets if strictly else sets[:1])
        counts = ", ".join(f"count({it}), count(CASE WHEN {it} THEN 1 END)" for it in truths)
        connection.execute(f"PREPARE count_truths AS SELECT {counts} FROM verdicts")
        self._kept = _KEPT.format(truths=", ".join(truths))
        self._waiting = f"SELECT n, [{', '.join(truths)}], later FROM verdicts WHERE len(later) > 0"
        decide = (
            f"INSERT INTO verdicts BY NAME {verdicts.statement(plan, strictly)}"
            if reasons
            else f"{outcomes.statement(plan, strictly)} ORDER BY n"
        )
        # Each takes DuckDB some tenths of a second, outside of Python.
        self.prepared = Later(lambda: connection.execute(f"PREPARE decide AS {decide}"))
        """The connection, once it is ready to be used."""
        if reasons:
            self.again = Later(lambda: cursor.execute(f"PREPARE ask_again AS {_again(plan)}"))
            """Another to the same database, once it is ready to be asked about later days."""
        self._begun = 0
        self._words: Words | None = None

    def screen(
        self, records: Sequence[Accepted], as_of: date, file: Path | None = None
    ) -> Screened:
        """Screen records, and keep their results in a file, if given, for `results.merging`.

        Raises:
            StudyError: an expression of the study cannot be computed for one of them.
        """
        try:
            self._put(records, as_of)
            self.connection.execute("DELETE FROM verdicts")
            self.connection.execute("EXECUTE decide")
            self._name(records)
            rescreen = self._rescreening(records, as_of)
            if file:
                results.keep(self.connection, self._kept, file)
            rows = self.connection.execute(_TOLD).fetchall()
            return Screened(self._log(rows, records, as_of, rescreen), self._tally(rows))
        except database.FileError as error:
            raise OSError(str(error)) from None
        except database.Error:
            raise unanswerable(self.plan.study_id) from None

    def outcomes(self, records: Sequence[Accepted], as_of: date) -> list[Outcomes]:
        """The outcomes of records, in their order.

        Raises:
            StudyError: an expression of the study cannot be computed for one of them.
        """
        try:
            self._put(records, as_of)
            rows = self.connection.execute("EXECUTE decide").fetchall()
        except database.Error:
            raise unanswerable(self.plan.study_id) from None
        return [Outcomes(status, letters) for _, status, letters in rows]

    def _put(self, records: Sequence[Accepted], as_of: date) -> None:
        """Fill `question` with records, as of a day."""
        self.prepared.result()
        if self._begun and self._begun % _SWEPT == 0:
            # Emptied first: what a table holds would be written anew, which takes long.
            self.connection.execute(_EMPTY)
            self.connection.execute("CHECKPOINT")
        self._begun += 1
        self.connection.execute("DELETE FROM day")
        self.connection.execute("INSERT INTO day VALUES (?)", [as_of])
        self._question(records, [()] * len(records))

    def _know_words(self, records: Sequence[Accepted]) -> None:
        words = words_of(records)
        if self._words is None or not words.within(self._words):
            self._words = words
            self.connection.execute("DELETE FROM terms")
            put_terms(self.connection, self.plan, words)

    def _ask_again(
        self, records: Sequence[Accepted], later: Sequence[Sequence[date]]
    ) -> list[tuple[Any, ...]]:
        """The truths of records on the same day as before and on later ones.

        Rows of n, variant, day and truths.
        """
        self._question(records, later)
        return self.again.result().execute("EXECUTE ask_again").fetchall()

    def _question(self, records: Sequence[Accepted], later: Sequence[Sequence[date]]) -> None:
        self._know_words(records)
        self._handed.put([record.text for record in records], later)

    def _name(self, records: Sequence[Accepted]) -> None:
        self.connection.execute("DELETE FROM patients")
        self.connection.execute(
            "INSERT INTO patients SELECT unnest(range($number)), unnest($id)",
            {"number": len(records), "id": [record.id for record in records]},
        )

    def _rescreening(self, records: Sequence[Accepted], as_of: date) -> dict[int, date]:
        """The first day on which nothing fails any more, where time alone can bring it."""
        rows = self.connection.execute(self._waiting).fetchall()
        waiting: dict[int, Answer] = {}
        for n, truths, days in rows:
            waiting[n] = answer = Answer(self.plan, strict=False, without=[])
            answer.add(self.plan.whole, Answered(n, BASE, as_of, as_of, 0, truths, days))
        if not waiting:
            return {}
        numbers = list(waiting)
        asked = [waiting[n].days for n in numbers]
        again = [Answer(self.plan, strict=self._strict, without=[]) for _ in numbers]
        for n, variant, day, truths in self._ask_again([records[n] for n in numbers], asked):
            again[n].add(self.plan.whole, Answered(n, variant, day, as_of, 0, truths, []))
        found: dict[int, date] = {}
        for n, later in zip(numbers, again, strict=True):
            answer = waiting[n]
            answer.later = later
            clears = {i: clears_on(self.plan, i, answer) for i in self.plan.top if answer.fails(i)}
            if day := first_day_without_fail(self.plan, answer, clears):
                found[n] = day
        return found

    def results(self) -> Any:
        """The long form of what was screened last as a table of Arrow, record by record."""
        return database.to_arrow(self.connection, results.long_form(self.plan, f"({self._kept})"))

    def _log(
        self,
        rows: Sequence[tuple[Any, ...]],
        records: Sequence[Accepted],
        as_of: date,
        rescreen: dict[int, date],
    ) -> list[LogRow]:
        plan, day = self.plan, as_of.isoformat()
        found: list[LogRow] = []
        for n, status, failed, unknown, why, needs in rows:
            again = rescreen[n].isoformat() if n in rescreen else None
            helps = status == "undetermined" or again
            found.append(
                LogRow(records[n].id, plan.study_id, plan.version, day, status, _ids(failed),
                       _ids(unknown), why, needs if helps else [], again)
            )  # fmt: skip
        return found

    def _tally(self, rows: Sequence[tuple[Any, ...]]) -> Tally:
        tally = Tally.empty(self.plan)
        counted = self.connection.execute("EXECUTE count_truths").fetchall()[0]
        for index, node in enumerate(self.plan.nodes):
            known, true = counted[2 * index : 2 * index + 2]
            passing = true if node.kind == "inclusion" else known - true
            tally.nodes[index] = [passing, known - passing, len(rows) - known]
        place = {self.plan.nodes[index].id: k for k, index in enumerate(self.plan.top)}
        alike = Counter((status, failed, unknown) for _, status, failed, unknown, *_ in rows)
        for (status, *ids), count in alike.items():
            tally.status[status] += count
            failed, unknown = ([place[name] for name in _ids(text)] for text in ids)
            if failed:
                tally.first[failed[0]] += count
                tally.only[failed[0]] += count * (len(failed) == 1)
            if code := removal.coded(failed, unknown):
                tally.close[code] += count
        tally.needs.update(
            need for _, status, *_, needs in rows if status == "undetermined" for need in needs
        )
        return tally


def _again(plan: Plan) -> str:
    """SQL for the truths of records on the day of their screening and on later ones."""
    names = (f'"{truth_column(i)}"' for i in range(len(plan.nodes)))
    asked = verdicts.asked_of_many(plan).verdicts.on_later_days(ON_ANY_DAY)
    return f"SELECT n, variant, as_of, [{', '.join(names)}] FROM ({asked})"


def _ids(text: str) -> list[str]:
    return text.split(verdicts.BETWEEN_IDS) if text else []
