"""What expressions of an encoding may say: nothing that turns the unknown into true or false."""

from __future__ import annotations

from pathlib import Path

import pytest

from screener.encoding import sql

LOGIC = (Path(__file__).parents[3] / "criteria" / "logic.sql").read_text("utf-8")
MACROS = sql.macro_names(LOGIC)

REFUSED_EVERYWHERE = [
    ("exists (select 1)", "use any_true"),
    ("not exists (select 1 where a)", "use any_true"),
    ("(select true)", "use any_true"),
    ("a in (select b)", "use any_true"),
    ("true = any(l)", "use any_true"),
    ("bool_or(a)", "use any_true"),
    ("BOOL_OR(a)", "use any_true"),
    ("bool_and(a)", "use all_true"),
    ("list_bool_or(l)", "use any_true"),
    ("list_bool_and(l)", "use all_true"),
    ("list_has_any(l, m)", "use any_true"),
    ("list_has_all(l, m)", "use all_true"),
    ("list_aggregate(l, 'bool_or')", "function list_aggregate is not among those"),
    ("list_has(l, a)", "use one_of"),
    ("array_contains(l, a)", "use one_of"),
    ("list_contains([x.a = 1 for x in l], true)", "use any_true"),
    ("list_contains(list_transform(l, lambda x: x.a), true)", "use any_true"),
    ("count(*) > 0", "use count_true"),
    ("count(a) > 0", "use count_true"),
    ("count(a) filter (where b)", "an aggregate drops unknowns"),
    ("count(distinct a)", "an aggregate drops unknowns"),
    ("list_count(l)", "use count_true"),
    ("max(a)", "use latest"),
    ("sum(a) over ()", "a window function looks at other patients"),
    ("row_number() over (order by a) = 1", "a window function looks at other patients"),
    ("[x for x in l if x.a = 1]", "wrap the condition in certainly(…) or possibly(…)"),
    ("list_filter(l, lambda x: x.a)", "wrap the condition in certainly(…) or possibly(…)"),
    ("len([x for x in l if not x.a]) = 0", "wrap the condition in certainly(…) or possibly(…)"),
    ("[x for x in l if certainly(x.a) and x.b]", "wrap the condition in certainly(…)"),
    ("date_diff('year', a, b)", "use completed_years"),
    ("datediff('year', a, b)", "use completed_years"),
    ("age(a)", "use completed_years"),
    ("now()", "use as_of"),
    ("today()", "use as_of"),
    ("getvariable('drugs')", "use a parameter"),
    ("random() < 0.5", "random"),
    ("read_csv('/etc/passwd')", "function read_csv is not among those that facts may use"),
    ("md5(a)", "function md5 is not among those that facts may use"),
    ("if(a, true, false)", "function if is not among those that facts may use"),
    ("$1 = a", "name parameters by their name"),
    ("? = a", "name parameters by their name"),
]  # fmt: skip
REFUSED_IN_FACTS = [
    ("case when a then 1 else 2 end", "wrap it in certainly(…) or possibly(…)"),
    ("case a when 1 then 2 else 3 end", "wrap it in certainly(…) or possibly(…)"),
    ("case when certainly(a) then 1 when b > 2 then 2 end", "wrap it in certainly(…)"),
    ("case when certainly(a) or b then 1 end", "wrap it in certainly(…) or possibly(…)"),
]
REFUSED_IN_PREDICATES = [
    ("case when certainly(a) then true else false end", "use decide"),
    ("a is null", "put it in a fact"),
    ("a is not null", "put it in a fact"),
    ("coalesce(a, false)", "put it in a fact"),
    ("ifnull(a, false)", "put it in a fact"),
    ("a is distinct from b", "put it in a fact"),
    ("a is not distinct from b", "put it in a fact"),
    ("a is true", "put it in a fact"),
    ("a is not false", "put it in a fact"),
    ("certainly(a)", "put it in a fact"),
    ("not possibly(a)", "put it in a fact"),
    ("recorded(a)", "put it in a fact"),
    ("or_assumed(a, true)", "put it in a fact"),
    ("conflicting(a, b)", "put it in a fact"),
    ("is_empty(l)", "put it in a fact"),
    ("not may_lack_entries(l)", "put it in a fact"),
]
ACCEPTED_IN_PREDICATES = [
    ("a >= b and not c or d", {"a", "b", "c", "d"}),
    ("a between 1 and b", {"a", "b"}),
    ("a in ('x', 'y')", {"a"}),
    ("a.lo <> b.hi", {"a", "b"}),
    ("at_most(a, b)", {"a", "b"}),
    ("any_true([x.a = b for x in l])", {"b", "l"}),
    ("all_true([x.a, x.b])", {"x"}),
    ("decide(a, b, c)", {"a", "b", "c"}),
]  # fmt: skip
ACCEPTED_IN_FACTS = [
    ("case when certainly(a) and not recorded(b) then c end", {"a", "b", "c"}),
    ("case when a is null or is_empty(l) then 1 end", {"a", "l"}),
    ("[x.v for x in l if certainly(x.a = b)]", {"b", "l"}),
    ("[x.v for x in l if not x.unseen]", {"l"}),
    ("list_filter(l, lambda x: possibly(x.a))", {"l"}),
    ("coalesce(a, 'none') || lower(b)", {"a", "b"}),
    ("only_if(a, b * 2.5)", {"a", "b"}),
    ("one_of(a, l)", {"a", "l"}),
]


@pytest.mark.parametrize("predicate", [False, True], ids=["fact", "predicate"])
@pytest.mark.parametrize(("text", "advice"), REFUSED_EVERYWHERE)
def test_what_loses_unknowns_is_refused(text: str, advice: str, predicate: bool) -> None:
    faults = sql.parse(text, MACROS, predicate=predicate).faults
    assert any(advice in message for _, message in faults), faults


@pytest.mark.parametrize(("text", "advice"), REFUSED_IN_FACTS)
def test_a_fact_says_what_becomes_of_the_unknown(text: str, advice: str) -> None:
    faults = sql.parse(text, MACROS).faults
    assert any(advice in message for _, message in faults), faults


@pytest.mark.parametrize(("text", "advice"), REFUSED_IN_PREDICATES)
def test_a_predicate_does_not_decide_on_the_unknown(text: str, advice: str) -> None:
    faults = sql.parse(text, MACROS, predicate=True).faults
    assert any(advice in message for _, message in faults), faults


@pytest.mark.parametrize(("text", "columns"), ACCEPTED_IN_PREDICATES)
def test_a_predicate_may_compare_and_combine(text: str, columns: set[str]) -> None:
    found = sql.parse(text, MACROS, predicate=True)
    assert (found.faults, found.columns) == ([], columns)


@pytest.mark.parametrize(("text", "columns"), ACCEPTED_IN_PREDICATES + ACCEPTED_IN_FACTS)
def test_a_fact_may_say_as_much_and_more(text: str, columns: set[str]) -> None:
    found = sql.parse(text, MACROS)
    assert (found.faults, found.columns) == ([], columns)


def test_fields_are_told_apart_from_parameters_of_lambdas() -> None:
    found = sql.parse("any_true([x.a = diagnosis.extent for x in l.m])", MACROS)
    assert found.paths == {("diagnosis", "extent"), ("l", "m")}


@pytest.mark.parametrize(
    ("text", "message", "offset"),
    [
        ("a = ", "not a SQL expression: syntax error", 2),
        ("a and\n  (b = 1", "not a SQL expression: syntax error", None),
        ("", "not a SQL expression", 0),
        ("a; select b", "must be exactly one SQL expression", 0),
        ("a, b", "must be exactly one SQL expression", 0),
        ("a from read_csv('x')", "must be exactly one SQL expression", 0),
        ("a where b", "must be exactly one SQL expression", 0),
        ("a limit 1", "must be exactly one SQL expression", 0),
        ("a order by b", "must be exactly one SQL expression", 0),
        ("distinct a", "must be exactly one SQL expression", 0),
        ("a qualify b", "must be exactly one SQL expression", 0),
        ("a as b", "must be exactly one SQL expression", 0),
    ],
)
def test_anything_but_one_expression_is_no_expression(
    text: str, message: str, offset: int | None
) -> None:
    with pytest.raises(sql.SqlSyntaxError, match=message) as caught:
        sql.parse(text, MACROS)
    assert offset is None or caught.value.offset == offset


def test_a_fault_names_its_place_in_the_text() -> None:
    text = "certainly(a)\n  and bool_or(b)"
    ((offset, _),) = sql.parse(text, MACROS).faults
    assert text[offset:].startswith("bool_or")


def test_macro_names_are_those_that_the_file_defines() -> None:
    text = "CREATE MACRO One(a) AS a;\n-- MACRO two\ncreate macro  three (b) AS b;"
    assert sql.macro_names(text) == {"one", "three"}
    assert {"any_true", "latest", "span"} <= MACROS
