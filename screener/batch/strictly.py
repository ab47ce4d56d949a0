"""What holds of many records without the assumed parameters, as SQL.

`answer.py` says the same of one record: strictly, a criterion is what it is with all parameters,
where it is that without the assumed ones too. Elsewhere it is open, and the reason names those that
decide it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from screener.conclusion import ONLY_ASSUMED
from screener.plan import BASE, STRICT, truth_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from screener.omissions import Omission
    from screener.plan import Many, Plan

ON_ANY_DAY = f"(FROM variants WHERE variant IN ({BASE}, {STRICT}))"
"""The variants of which the truths that hold are told."""


class Deciding(NamedTuple):
    """An assumed parameter that may decide a criterion."""

    name: str
    column: str
    """The column that is true where it does, so that the criterion is open."""
    test: str
    """What that column holds."""


class Strictly:
    """What is asked of one study with all parameters, and `without` some of them in turn."""

    def __init__(self, plan: Plan, without: Sequence[Omission]) -> None:
        self._plan = plan
        self._without = without
        self._assumed = {name for name, it in plan.parameters.items() if it["assumed"]}
        self.open = [
            i for i, node in enumerate(plan.nodes) if not self._assumed.isdisjoint(node.rests_on)
        ]
        """The nodes that may be open only since nothing assumed counts."""
        self.deciding = {i: self._deciding(i) for i in self.open if not plan.nodes[i].parts}
        """What may decide those with a predicate of their own, in the order in which it is told."""

    def outcomes(self, many: Many) -> str:
        """A row for each record with the truths that hold strictly."""
        asked = many.verdicts.on_the_day(ON_ANY_DAY)
        return (
            f"WITH asked AS MATERIALIZED ({asked}) SELECT base.* REPLACE ({self._truths()}) "  # noqa: S608
            f"FROM {_variant(BASE)} AS base JOIN {_variant(STRICT)} AS strict ON strict.n = base.n"
        )

    def explained(self, many: Many) -> str:
        """The rows of `many.explained` with the truths that hold strictly, and their reasons.

        There are columns more: those of `deciding`, and `opened<position>` for each of these nodes,
        true where nothing but strictness leaves it open.
        """
        asked = many.verdicts.on_the_day(_where(f"variant <> {BASE}"))
        base = many.explained.on_the_day(_where(f"variant = {BASE}"))
        numbers = sorted({omission.variant for omission in self._without})
        joined = "".join(f" JOIN {_variant(k)} AS v{k} ON v{k}.n = base.n" for k in numbers)
        tests = [f"{self._opened(i)} AS opened{i}" for i in self.deciding]
        tests += [f"{it.test} AS {it.column}" for all_ in self.deciding.values() for it in all_]
        told = ", ".join(self._reason(i) for i in self.deciding)
        return (
            f"WITH asked AS MATERIALIZED ({asked}) SELECT * REPLACE ({told}) FROM "  # noqa: S608
            f"(SELECT {', '.join([f'base.* REPLACE ({self._truths()})', *tests])} FROM ({base}) "
            f"AS base JOIN {_variant(STRICT)} AS strict ON strict.n = base.n{joined})"
        )

    def _truths(self) -> str:
        return ", ".join(
            f"CASE WHEN {_differs('strict', i)} THEN NULL ELSE base.{_truth(i)} END AS {_truth(i)}"
            for i in self.open
        )

    def _opened(self, index: int) -> str:
        return f"(base.{_truth(index)} IS NOT NULL AND {_differs('strict', index)})"

    def _reason(self, index: int) -> str:
        deciding = self.deciding[index]
        names = ", ".join(f"CASE WHEN {it.column} THEN '{it.name}' END" for it in deciding)
        said = f"concat('{ONLY_ASSUMED}', concat_ws(', ', {names}), '.')"
        return f"CASE WHEN opened{index} THEN {said} ELSE r{index} END AS r{index}"

    def _deciding(self, index: int) -> list[Deciding]:
        """The assumed parameters of a criterion.

        Each that it rests on alone; then of those that stand in for each other; and if it rests on
        none of these, all of them.
        """
        tests: list[tuple[str, str]] = []
        found: dict[str, list[str]] = {}
        for omission in self._without:
            if index not in omission.nodes:
                continue
            test = _differs(f"v{omission.variant}", index)
            if before := [one for name in omission.names for one in found.get(name, [])]:
                test = f"({test} AND NOT ({_any(before)}))"
            for name in omission.names:
                found.setdefault(name, []).append(test)
                if name in self._assumed:
                    tests.append((name, test))
        several = f"NOT ({_any(test for _, test in tests)})"
        tests += [(n, several) for n in self._plan.nodes[index].rests_on if n in self._assumed]
        opened = self._opened(index)
        return [
            Deciding(name, f"decides{index}_{number}", f"({opened} AND {test})")
            for number, (name, test) in enumerate(tests)
        ]


def _truth(index: int) -> str:
    return f'"{truth_column(index)}"'


def _differs(other: str, index: int) -> str:
    return f"{other}.{_truth(index)} IS DISTINCT FROM base.{_truth(index)}"


def _variant(number: int) -> str:
    return f"(FROM asked WHERE variant = {number})"


def _where(test: str) -> str:
    return f"(FROM variants WHERE {test})"


def _any(tests: Iterable[str]) -> str:
    return " OR ".join(f"({test})" for test in tests) or "false"
