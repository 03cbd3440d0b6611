"""The cap: always valid JSON, never over the limit, whole where it fits."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.tools.cap import DEEPEST, cap, clean, deeper_than, size_of

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=40), inner, max_size=8),
    max_leaves=25,
)


@settings(max_examples=80, deadline=None)
@given(JSON, st.integers(min_value=2, max_value=400))
def test_what_is_cut_is_json_within_the_limit_and_what_fits_stays_whole(value, limit):
    value = clean(value)
    capped, whole, was_cut = cap(value, limit)
    assert whole == size_of(value)
    assert was_cut == (whole > limit)
    assert size_of(capped) <= limit
    assert json.loads(json.dumps(capped)) == capped
    if not was_cut:
        assert capped == value
    if isinstance(value, dict | list | str):
        assert type(capped) is type(value), "the kind of the whole is kept"


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.text("abc", max_size=3), JSON, max_size=6), st.integers(min_value=60, max_value=300))
def test_a_cut_object_has_only_members_of_the_whole_in_their_order(value, limit):
    capped, _, _ = cap(clean(value), limit)
    assert [key for key in value if key in capped] == list(capped)


def test_small_members_stay_whole_beside_a_large_one():
    value = {"body": "x" * 5_000, "id": 7, "links": ["a", "b"], "state": "open"}
    capped, _, was_cut = cap(value, 200)
    assert was_cut
    assert {name: capped[name] for name in ("id", "links", "state")} == {"id": 7, "links": ["a", "b"], "state": "open"}
    assert capped["body"].endswith("...")
    assert 180 <= size_of(capped) <= 200, "and the room is used"


def test_an_array_keeps_its_first_elements():
    capped, _, _ = cap([{"n": n} for n in range(1000)], 100)
    assert capped[:3] == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_a_letter_outside_ascii_is_never_cut_in_half():
    capped, _, _ = cap("\U0001f600" * 100, 50)
    assert capped.rstrip(".") == "\U0001f600" * 3


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        (float("nan"), None),
        ([float("inf"), 1.5], [None, 1.5]),
        ("\ud800x", "?x"),
        ({1: (2, 3)}, {"1": [2, 3]}),
        (b"x", "b'x'"),
    ],
)
def test_what_json_does_not_have_becomes_something_that_it_has(value, cleaned):
    assert clean(value) == cleaned


def test_endless_depth_ends():
    deep: object = "core"
    for _ in range(5_000):
        deep = [deep]
    assert deeper_than(deep, DEEPEST)
    assert not deeper_than(clean(deep), DEEPEST + 1)
    json.dumps(clean(deep))


def test_a_number_that_no_reader_takes_becomes_nothing():
    assert clean([10**5000, 10**300]) == [None, 10**300]
