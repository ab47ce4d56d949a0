"""An outcome names the parameters that it rests on, as if each were left out by itself."""

from __future__ import annotations

from datetime import date
from typing import Any

import generators
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screener.encoding.catalogue import Catalogue
from screener.omissions import omissions, variants
from screener.plan import BASE, STRICT, Plan
from screener.record import Record, parse
from screener.result import CriterionResult
from screener.screening import Screener, Settings

DAY = date(2026, 1, 15)
ALL = ("platelets_min", "lab_valid_days", "alt_ast_max_x_upper", "alt_ast_liver_max_x_upper")


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Catalogue().plan("dawna-fes")


def records(seed: int, number: int) -> list[Record]:
    return [parse(generators.record(seed + n, DAY)) for n in range(number)]


def every(criteria: list[CriterionResult]) -> list[CriterionResult]:
    return [one for criterion in criteria for one in (criterion, *every(criterion.parts))]


def test_what_shares_a_predicate_is_left_out_apart(plan: Plan) -> None:
    found = omissions(plan, list(plan.parameters))
    for one in found:
        leaves = {n for n in one.nodes if plan.nodes[n].leaf is not None}
        assert leaves
        for other in found:
            if other is not one and other.variant == one.variant:
                assert leaves.isdisjoint(other.nodes)
    asked = {it["variant"]: it for it in variants(plan, found, strict=True)}
    assert len(asked) == len({one.variant for one in found}) + 2
    assert None not in asked[BASE].values()
    for one in found:
        assert all(asked[one.variant][name] is None for name in one.names)
    assert {n for n, value in asked[STRICT].items() if value is None} == {
        n for n, parameter in plan.parameters.items() if parameter["assumed"]
    }


def test_parts_come_before_what_they_are_parts_of(plan: Plan) -> None:
    for one in omissions(plan, list(plan.parameters)):
        places = {node: place for place, node in enumerate(one.nodes)}
        for node in one.nodes:
            parts = [part for part in plan.nodes[node].parts if part in places]
            assert all(places[part] < places[node] for part in parts)


def test_a_parameter_of_no_predicate_is_not_asked_about() -> None:
    plan = Catalogue().plan("zhou-2026")
    rested_on = {name for node in plan.nodes for name in node.rests_on}
    assert rested_on < plan.parameters.keys()
    found = omissions(plan, list(plan.parameters))
    assert {name for one in found for name in one.names} == rested_on


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([{}, dict.fromkeys(ALL[:2], 80), {ALL[2]: 2}]))
def test_each_is_named_as_if_left_out_alone(plan: Plan, seed: int, site: dict[str, Any]) -> None:
    screener = Screener(plan, Settings(site))
    made = records(seed, 60)
    base, strict, *_ = variants(screener.plan, [], strict=True)
    either = [tuple(names) for names in plan.alternatives]
    reported = [n for n, p in screener.plan.parameters.items() if p["assumed"] or n in site]
    alone = [(name,) for name in reported] + [it for it in either if {*it} <= {*reported}]
    sets = [base, strict, *({**base, **dict.fromkeys(names)} for names in alone)]
    told, without_assumed, *without = screener.truths_at(made, DAY, sets)
    numbers = {node.id: index for index, node in enumerate(plan.nodes)}
    seen: set[str] = set()
    for place, result in enumerate(screener.screen(made, DAY)):
        for one in every(result.criteria):
            index = numbers[one.id]
            truth = told[place][index]
            if truth is None:
                continue
            expected: set[str] = set()
            for names, truths in zip(alone, without, strict=True):
                if truths[place][index] != truth and expected.isdisjoint(names):
                    expected |= {*names}
            named = {text.split(" = ")[0] for text in one.assumptions}
            of_parts = {text.split(" = ")[0] for part in one.parts for text in part.assumptions}
            if without_assumed[place][index] == truth or expected - site.keys():
                assert expected <= named <= expected | of_parts
            else:  # only several together
                assert len(named - site.keys()) > 1
            seen |= expected
    assert len(seen) > 5


def test_strictly_the_value_of_a_site_is_not_called_assumed(plan: Plan) -> None:
    site = {"lab_valid_days": 30}
    lab = {"test": "anc", "value": 4, "unit": "10*9/L", "date": "2026-01-10"}
    record = parse({"id": "S", "labs": [lab]})

    def told(settings: Settings) -> CriterionResult:
        [result] = Screener(plan, settings).screen([record], DAY)
        return next(one for one in every(result.criteria) if one.id == "I8a")

    one = told(Settings(site, strict=True))
    assert one.reason == "Decided only by assumed values, not used here: anc_min."
    assert (one.outcome, one.needs, one.assumptions) == (
        "unknown", ["a confirmed value of anc_min"], [],
    )  # fmt: skip
    one = told(Settings({**site, "anc_min": 1.5}, strict=True))
    assert (one.outcome, one.needs) == ("pass", [])
    assert one.assumptions == [
        "anc_min = 1.5 ×10⁹/L (set by the site)",
        "lab_valid_days = 30 days (set by the site)",
    ]
