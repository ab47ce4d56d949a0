"""The curves of a study that looks at each patient as of an index date of the patient's own.

What such a record leaves open has to be tried in several ways (`index_date.py`), so the study is
asked again as a single screening asks it, with all values of a parameter at once.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from screener.answer import outcome
from screener.batch.curves import Division, by_parameter, drawn, numeric, ranked, unchanged
from screener.compiling.compiler import Compiler
from screener.compiling.dependence import index_rests_on
from screener.errors import StudyError
from screener.omissions import variants
from screener.screening import Screener

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from screener.batch.curves import Known
    from screener.batch.judge import Accepted
    from screener.encoding.study import Encoding
    from screener.report.what_if_data import Curve
    from screener.result import Outcome


class CohortCurves:
    """Asks about some records with one parameter after the other at several values.

    Raises:
        StudyError: the encoding is another than the one that the records were screened for.
    """

    def __init__(self, screener: Screener, encoding: Encoding) -> None:
        unchanged(screener.plan, encoding)
        self._screener = screener
        self._plan = screener.plan
        self._strict = screener.settings.strict
        self._bearing = by_parameter(self._plan, encoding)
        self._of_index = index_rests_on(Compiler(encoding)).parameters

    def of(self, records: Sequence[Known], as_of: date) -> list[Curve]:
        """The curve of each numeric parameter, those first at which most patients change.

        Raises:
            StudyError: an expression of the study cannot be computed for one of the records.
        """
        some = [known.record for known in records]
        now = _division(
            ["fail" if it.failed else "unknown" if it.unknown else "pass" for it in records]
        )

        def curve(name: str, parameter: Mapping[str, Any]) -> Curve:
            bearing = self._bearing.get(name, [])
            if not bearing and name not in self._of_index:
                return drawn(name, parameter, [], lambda values: dict.fromkeys(values, now))
            ask = partial(self._ask, some, as_of, name)
            return drawn(name, parameter, bearing, ask)

        found = numeric(self._plan).items()
        return ranked(curve(name, parameter) for name, parameter in found)

    def _ask(
        self, records: Sequence[Accepted], as_of: date, name: str, values: Sequence[float]
    ) -> dict[float, Division]:
        """The division at each value; without one at which an expression cannot be computed."""
        if not values:
            return {}
        if len(values) > 1 and name in self._of_index:
            return self._one_by_one(records, as_of, name, values)
        try:
            return self._divisions(records, as_of, name, values)
        except StudyError:  # a window of so many years leaves the calendar
            if len(values) == 1:
                return {}
            return self._one_by_one(records, as_of, name, values)

    def _one_by_one(
        self, records: Sequence[Accepted], as_of: date, name: str, values: Sequence[float]
    ) -> dict[float, Division]:
        found: dict[float, Division] = {}
        for value in values:
            found |= self._ask(records, as_of, name, [value])
        return found

    def _divisions(
        self, records: Sequence[Accepted], as_of: date, name: str, values: Sequence[float]
    ) -> dict[float, Division]:
        screener = self._screener
        if name in self._of_index:  # then each value has index dates of its own
            settings = screener.settings
            thresholds = {**settings.thresholds, name: values[0]}
            screener = Screener(self._plan, dataclasses.replace(settings, thresholds=thresholds))
        # A site that sets a value confirms it; strictly, only what also holds without the other
        # parameters that are assumed is decided.
        base = variants(self._plan, [], strict=self._strict)[: 2 if self._strict else 1]
        sets = [{**one, name: value} for value in values for one in base]
        today = date.today()
        some = [record.record(today) for record in records]
        unread = [record.unread for record in records]
        answered = screener.truths_at(some, as_of, sets, unread)
        found = {}
        for value, at in zip(values, range(0, len(sets), len(base)), strict=True):
            of_each = zip(*answered[at : at + len(base)], strict=True)
            found[value] = _division([self._outcome(truths) for truths in of_each])
        return found

    def _outcome(self, variants_of: Sequence[Sequence[bool | None]]) -> Outcome:
        """What one record is as a whole, by its truths without and with strictness."""
        found = set()
        for index in self._plan.top:
            truths = {truths[index] for truths in variants_of}
            truth = truths.pop() if len(truths) == 1 else None
            found.add(outcome(self._plan.nodes[index].kind, truth))
        return "fail" if "fail" in found else "unknown" if "unknown" in found else "pass"


def _division(outcomes: Sequence[Outcome]) -> Division:
    counts = Counter(outcomes)
    return Division(counts["pass"], counts["unknown"], counts["fail"])
