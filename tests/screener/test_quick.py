"""What is accepted quickly is exactly what the models accept, and reads the same."""

from __future__ import annotations

import json
from datetime import date
from random import Random
from typing import Any

import generators
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screener import quick
from screener.canonical import canonical_json
from screener.intake.json_file import read_one
from screener.record import Record

TODAY = date(2026, 1, 15)
BASE: dict[str, Any] = {"id": "P", "birth_date": "1970-02-03"}

ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 1.0, 7, 140, 1e300, 10**30, "", " ", "  ", "x", "x ", " x",
    "\u3000", "a\u0007", "a\u007f", "a\u0085", "a\u202e", "\ud83d", "好", "é", '"', "\\",
    "2026-02-30", "2026",
    "2026-13", "1799", "2201-01-01", "2199-12", "positive", "0", [], {}, [None], ["x"], ["x", "x"],
    [{}], {"x": 1},
)  # fmt: skip
"""Values that are wrong in most places and right in some."""


def accepts(text: bytes) -> Any:
    return quick.from_models(TODAY).accept(text)


def judged_by_models(text: bytes) -> Record | None:
    found = read_one("", text.decode("utf-8", "replace"), today=TODAY)
    return found if isinstance(found, Record) else None


def agree(text: bytes) -> bool:
    """Check that nothing is accepted that the models refuse; whether it was accepted."""
    record = accepts(text)
    if record is None:
        return False
    model = judged_by_models(text)
    assert model is not None, text
    assert canonical_json(record) == canonical_json(model)
    return True


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.booleans(), st.booleans())
def test_records_as_they_are_made(seed: int, ascii_only: bool, spaced: bool) -> None:
    record = generators.record(seed)
    text = json.dumps(record, ensure_ascii=ascii_only, indent=1 if spaced else None).encode()
    agree(text)


def test_most_records_are_accepted() -> None:
    """Or nothing would be gained; a few have partial dates that only look out of order."""
    texts = [json.dumps(generators.record(seed), ensure_ascii=False) for seed in range(200)]
    assert sum(accepts(text.encode()) is not None for text in texts) > 150


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 9), st.sampled_from(ODD))
def test_what_is_accepted_together_is_accepted_alone(seed: int, number: int, odd: Any) -> None:
    """One that is changed, or none, among others in order: all are known, or none is."""
    random = Random(seed)
    records = [generators.record(seed + n) for n in range(number)]
    texts = [json.dumps(it, ensure_ascii=False, separators=(",", ":")).encode() for it in records]
    assert together(texts) or not all(accepts(text) for text in texts)
    at = random.randrange(number)
    changed = generators.changed(
        records[at], random.choice(list(generators.paths(records[at]))), odd
    )
    texts[at] = json.dumps(changed, ensure_ascii=False).encode("utf-8", "surrogatepass")
    together(texts)


def together(texts: list[bytes]) -> bool:
    """Check that some texts are accepted together only if each is alone; whether they were."""
    found = quick.from_models(TODAY).accept_all(texts)
    if found is None:
        return False
    alone = [accepts(text) for text in texts]
    assert all(record is not None for record in alone), texts
    assert list(map(canonical_json, found.records)) == list(map(canonical_json, alone))
    return True


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(ODD))
def test_an_odd_value_anywhere(seed: int, odd: Any) -> None:
    random = Random(seed)
    record = generators.record(seed)
    places = list(generators.paths(record))
    changed = generators.changed(record, random.choice(places), odd)
    agree(json.dumps(changed, ensure_ascii=False).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    "text",
    [
        b'{"id": "P", "sex": "female", "sex": "male"}',
        b'{"id": "P", "id": "Q"}',
        b'{"id": "P", "labs": [{"test": "anc", "value": 1, "value": 2}]}',
        b'{"id": "P", "sex": "female", "sex" : "male"}',
        b'{"id": "P", "centre": "a:b", "centre": "a"}',
        b'{"id": "P", "centre": "\\u0022:", "sex": "female", "sex": "female"}',
        b'{"id": "P", "centre": null}',
        b'{"id": "P", "unknown": 1}',
        b'{"id": "P", "performance_status": [{"ecog": 1.0}]}',
        b'{"id": "P", "performance_status": [{"ecog": 6}]}',
        b'{"id": "P", "pathology": [{"er_percent": 140}]}',
        b'{"id": "P", "pathology": [{"er_percent": "60"}]}',
        b'{"id": "P", "birth_date": "2026-01-16"}',
        b'{"id": "P", "birth_date": "2027"}',
        b'{"id": "P", "birth_date": "1970-02-30"}',
        b'{"id": "P", "birth_date": "1970-02-03", "injuries": [{"major": true, "date": "1969"}]}',
        b'{"id": "P", "therapies": [{"start": "2020-02", "end": "2020-01-31"}]}',
        b'{"id": "P", "adverse_events": [{"term": "x", "onset": "2020", "resolved": "2019"}]}',
        b'{"id": "P", "labs": [{"test": "a", "value": 1, "lower_limit": 2, "upper_limit": 1}]}',
        b'{"id": "P", "partial": ["labs", "labs"]}',
        b'{"id": "P", "centre": "   "}',
        b'{"id": "P", "centre": "a\x7f"}',
        '{"id": "P", "centre": "a\u0085b"}'.encode(),
        '{"id": "P", "centre": "\u3000"}'.encode(),
        '{"id": "P", "centre": "a\u2028b"}'.encode(),
        b'{"id": " P"}',
        b'{"id": ""}',
        b'{"centre": "x"}',
        b'{"id": "P"} x',
        b'{"id": "P",}',
        b'{"id": NaN}',
        b"[]",
        b"",
        b'{"id": "P\xff"}',
        b'{"id": "P", "labs": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_what_is_never_accepted(text: bytes) -> None:
    assert accepts(text) is None
    good = json.dumps(BASE).encode()
    for texts in ([text], [text, good], [good, text], [good, text, good]):
        assert quick.from_models(TODAY).accept_all(texts) is None


@pytest.mark.parametrize(
    "texts",
    [
        [b'{"id": "P"}{"id": "Q"}', b""],
        [b'{"id": "P"}\n{"id": "Q"}', b" "],
        [b'{"id": "P"}\n{"id": "Q"}', b'{"id": "R"}'],
        [b'{"id": "P"', b'}{"id": "Q"}'],
        [b'{"id":', b'"P"}', b'{"id": "Q"} {"id": "R"} {"id": "S"}'],
        [b'{"id": "P", "labs": [{"test": "anc", "value": 1}', b'{"test": "ast", "value": 1}]}'],
        [b'{"id": "P", "centre": "a}', b'{b"}', b'{"id": "Q"}'],
        [b'{"id": "P", "sex": "male", "sex": "male"}', b'{"id": "Q", "centre": "a:b"}'],
    ],
)
def test_texts_that_are_not_one_record_each_are_never_accepted_together(texts: list[bytes]) -> None:
    assert quick.from_models(TODAY).accept_all(texts) is None


@pytest.mark.parametrize("spaces", [0, 1, 7, 8, 9, 15, 16, 17, 100])
def test_a_text_of_blanks_is_found_behind_any_number_of_spaces(spaces: int) -> None:
    name = "a" + " b" * spaces
    good = json.dumps({"id": "P", "centre": name}, separators=(",", ":")).encode()
    blank = json.dumps({"id": "P", "centre": name, "labs": [{"test": " ", "value": 1}]},
                       separators=(",", ":")).encode()  # fmt: skip
    assert accepts(good) is not None
    assert quick.from_models(TODAY).accept_all([good, good]) is not None
    agree(blank)
    assert accepts(blank) is None
    assert quick.from_models(TODAY).accept_all([good, blank]) is None


def test_dates_before_the_birth_of_another_are_no_hindrance() -> None:
    """Text alone does not tell there; each record is then looked at by itself."""
    young = {"id": "P", "birth_date": "2001-01-01"}
    texts = [
        json.dumps({"id": "Q", "birth_date": "1950", "injuries": [{"major": True, "date": date}]})
        for date in ("2000-12-31", "1949-12-31")
    ]
    assert together([json.dumps(young).encode(), texts[0].encode()])
    assert not together([json.dumps(young).encode(), texts[1].encode()])
    born_today = json.dumps({**young, "birth_date": TODAY.isoformat()}).encode()
    assert together([born_today, texts[0].encode()])
    born_tomorrow = json.dumps({**young, "birth_date": "2026-01-16"}).encode()
    assert not together([born_tomorrow, texts[0].encode()])


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"birth_date": "2026-01-15"},
        {"birth_date": "1970", "labs": [{"test": "a", "value": 1, "date": "1970-03-01"}]},
        {"therapies": [{"start": "2020-02", "end": "2020-02-01"}]},
        {"labs": [{"test": "anc", "value": 1e9, "lower_limit": 1, "upper_limit": 1}]},
        {"centre": "北京 医院", "partial": ["labs", "drugs"]},
        {"performance_status": [{"ecog": 0}, {"ecog": 5}]},
        {"pathology": [{"er_percent": 0}, {"er_percent": 100, "date": "2024-02-29"}]},
    ],
)
def test_what_is_always_accepted(more: dict[str, Any]) -> None:
    text = json.dumps({**BASE, **more}, ensure_ascii=False).encode()
    assert agree(text)
    assert together([text, json.dumps({"id": "Q"}).encode(), text])


def test_the_odd_values_are_right_somewhere_and_wrong_somewhere() -> None:
    """Guards the test above: it must see both answers."""
    seen = set()
    for seed in range(300):
        random = Random(seed)
        record = {**BASE, "centre": "x", "labs": [{"test": "anc", "value": 1, "date": "2025"}]}
        place = random.choice(list(generators.paths(record)))
        changed = generators.changed(record, place, random.choice(ODD))
        seen.add(agree(json.dumps(changed, ensure_ascii=False).encode("utf-8", "surrogatepass")))
    assert seen == {True, False}


def test_kept_types_are_those_of_the_models(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("TRIAL_SCREEN_CACHE", str(tmp_path))
    quick.kept.cache_clear()
    first = quick.kept(TODAY)
    quick.kept.cache_clear()
    second = quick.kept(TODAY)
    text = json.dumps(BASE).encode()
    assert canonical_json(first.accept(text)) == canonical_json(second.accept(text))
    assert list(tmp_path.rglob("*.plan"))
