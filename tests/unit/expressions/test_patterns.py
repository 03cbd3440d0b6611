"""The own regular expressions match what Python's match, in time that grows with the text alone."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.expressions.budget import Budget, Meter
from domain.expressions.patterns import compile_pattern


def spans(pattern: str, text: str, flags: str = "") -> list[tuple[int, int]]:
    found = compile_pattern(pattern, flags).matches(Meter(Budget()), text, everywhere=True)
    return [one.spans[0] for one in found]


ATOMS = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]", "\\w", "\\d", "\\b", "^", "$", "[a-b0]"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map("".join)
        | st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})")
        | st.tuples(inner, st.sampled_from(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}?"])).map(
            lambda two: f"(?:x{two[0]}){two[1]}"
        )
        | inner.map(lambda one: f"(?:{one})")
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(pattern=PATTERNS, text=st.text(alphabet="abx0 ", max_size=12))
def test_the_leftmost_match_is_the_one_python_finds(pattern: str, text: str) -> None:
    expected = re.search(pattern, text)
    found = compile_pattern(pattern, "").matches(Meter(Budget()), text, everywhere=False)
    assert [one.spans[0] for one in found] == ([expected.span()] if expected else [])


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet="ab01 -", max_size=20))
def test_groups_are_those_python_finds(text: str) -> None:
    pattern = r"(?P<word>[ab]+)(-?)(\d\d?|x)?"
    expected = re.search(pattern, text)
    found = compile_pattern(pattern, "").matches(Meter(Budget()), text, everywhere=False)
    assert bool(found) == bool(expected)
    if expected:
        assert list(found[0].spans) == [expected.span(group) for group in range(4)]


def test_the_steps_grow_with_the_text_alone() -> None:
    def steps(length: int) -> int:
        meter = Meter(Budget(steps=10**9))
        compile_pattern("(a*)*(a|a)*b$", "").matches(meter, "a" * length, everywhere=False)
        return 10**9 - meter.steps

    assert steps(200) < 30 * steps(20)


def test_flags_change_what_matches() -> None:
    assert spans("A", "aA", "i") == [(0, 1), (1, 2)]
    assert spans("[A-Z]", "b", "i") == [(0, 1)]
    assert spans("a b # both", "ab", "x") == [(0, 2)]
    assert spans("a.b", "a\nb") == []
    assert spans("a.b", "a\nb", "p") == [(0, 3)]
    assert spans("a|ab", "ab", "l") == [(0, 2)]
    assert spans("a*", "ba", "n") == [(1, 2)]
