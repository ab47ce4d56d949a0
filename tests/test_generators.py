"""The generator of records reaches what the properties are about."""

from __future__ import annotations

from collections import Counter
from random import Random

import generators
import pytest
from generators import LOSSES, SCREENING_DAY, SCREENING_DAYS, losses, record, shuffled, with_future

from screener.encoding.catalogue import Catalogue
from screener.record import LIST_FIELDS, parse
from screener.screening import Screener

SEEDS = range(400)


@pytest.fixture(scope="module")
def screener() -> Screener:
    return Screener(Catalogue().plan("dawna-fes"))


def test_every_criterion_and_part_reaches_each_truth(screener: Screener) -> None:
    rows = screener.truths([parse(record(seed)) for seed in SEEDS], SCREENING_DAY)
    names = {True: "met", False: "not_met", None: "unknown"}
    reached = Counter(
        (node.id, names[row[index]])
        for row in rows
        for index, node in enumerate(screener.plan.nodes)
    )
    missing = [
        (node.id, truth)
        for node in screener.plan.nodes
        for truth in names.values()
        if not reached[node.id, truth]
    ]
    assert missing == []


@pytest.mark.parametrize("as_of", SCREENING_DAYS, ids=str)
def test_records_are_valid_and_none_of_their_entries_lies_ahead(
    screener: Screener, as_of: generators.date
) -> None:
    records = [parse(record(seed, as_of)) for seed in range(20)]
    assert {result.ignored_entries for result in screener.screen(records, as_of)} == {0}


def test_every_field_of_the_record_occurs() -> None:
    seen: set[str] = set()
    for seed in SEEDS:
        for path in generators.paths(record(seed)):
            seen.add(".".join(step for step in path if isinstance(step, str)))
    assert [field for field in generators.fields() if field not in seen] == []


def test_every_form_of_date_and_list_occurs() -> None:
    records = [record(seed) for seed in SEEDS]
    for name in LIST_FIELDS:
        lengths = {len(r[name]) if name in r else None for r in records}
        assert {None, 0, 1} <= lengths, name
        assert name == "genomics" or 2 in lengths, name
        assert any(name in r.get("partial", []) for r in records), name
    for name, event in generators.EVENT_DATES.items():
        forms = {len(e.get(event, "")) for r in records for e in r.get(name, [])}
        assert forms == {0, 4, 7, 10}, name


def test_every_loss_occurs_and_takes_something_away() -> None:
    kinds: Counter[str] = Counter()
    for seed in range(60):
        whole = record(seed)
        for mutation in losses(whole):
            assert mutation.record != whole
            assert parse(mutation.record) != parse(whole)
            kinds[mutation.kind] += 1
    assert set(kinds) == set(LOSSES)


def test_shuffling_keeps_the_entries_and_changes_their_order() -> None:
    moved = 0
    for seed in range(60):
        whole = record(seed)
        mixed = shuffled(whole, Random(seed))
        moved += mixed != whole
        for name in LIST_FIELDS:
            assert len(mixed.get(name, [])) == len(whole.get(name, []))
    assert moved > 50


def test_entries_to_come_are_valid_and_counted() -> None:
    total = 0
    for seed in range(60):
        whole = record(seed)
        more, added = with_future(whole, Random(seed), SCREENING_DAY)
        parse(more)
        entries = sum(len(more.get(n, [])) - len(whole.get(n, [])) for n in generators.EVENT_DATES)
        assert entries == added
        total += added
    assert total > 100
