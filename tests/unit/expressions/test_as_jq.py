"""Expressions give what jq gives: the C library is the oracle, asked anew in each run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.expressions import ExpressionFault, ExpressionSyntax, compile_expression

CASES = [
    line for line in (Path(__file__).parent / "as_jq.txt").read_text().splitlines() if line and not line.startswith("#")
]


def by_jq(text: str, value: Any) -> list[Any] | None:
    """All outputs as jq gives them; None where it stops with an error."""
    try:
        outputs: list[Any] = jq.compile(text).input_text(json.dumps(value)).all()
    except ValueError:
        return None
    return outputs


def by_us(text: str, value: Any) -> list[Any] | None:
    try:
        return compile_expression(text).evaluate_all(value)
    except (ExpressionFault, ExpressionSyntax):
        return None


@pytest.mark.parametrize("case", CASES)
def test_each_case_gives_what_jq_gives(case: str) -> None:
    text, _, given_value = case.partition(" <<< ")
    value = json.loads(given_value) if given_value else None
    assert by_us(text, value) == by_jq(text, value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 20) | st.sampled_from(["", "a", "b", "ab", "x y", "é"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
PLACES = """.
.a
.b
.[0]
.[]
.[]?
.[1:]
.[-1]
.a?
.a[]?
..
.a.b
.[-1:]?
.a//.b
first(.[])
.[]|select(.)
empty""".splitlines()
OTHERS = "0 1 2 -1 null true false [] {} $x length keys type add not sort to_entries tostring tojson min max unique"
TEXTS = ['"a"', '"ab"', "flatten", "any", "all", "ascii_downcase", "explode", "paths", "last"]
LEAVES = st.sampled_from([*PLACES, *OTHERS.split(), *TEXTS])
BINARY = st.sampled_from(["|", ",", "+", "-", "*", "==", "!=", "<", "<=", ">", "//", "and", "or"])
ONE_PART = st.sampled_from(
    """[ONE]
(ONE)?
map(ONE)
select(ONE)
first(ONE)
last(ONE)
[limit(2; ONE)]
try (ONE) catch "c"
isempty(ONE)
{a: (ONE)}
[.[]? | ONE]
sort_by(ONE)
group_by(ONE)
unique_by(ONE)
max_by(ONE)
objects | with_entries(.value |= (ONE))
map_values(ONE)
walk(ONE)
[paths(ONE)]
"<\\(ONE)>"
path(PLACE)
del(PLACE), (ONE)""".splitlines()
)
TWO_PARTS = st.sampled_from(
    """if ONE then TWO else . end
reduce (ONE) as $x (0; TWO)
[foreach (ONE) as $x (0; TWO)]
(ONE) as $x | TWO
(ONE) as [$x] | TWO
(ONE) as {a: $x} | TWO
{a: (ONE), b: (TWO)}
def f(g): g | ONE; f(TWO)
any(ONE; TWO)
(ONE) | (PLACE) |= (TWO)
(ONE) | (PLACE) = (TWO)
(ONE) | (PLACE) += (TWO)
[.[(ONE)]?, (TWO)]
label $l | ONE, break $l, TWO""".splitlines()
)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def written(form: str, one: str, two: str, place: str) -> str:
        return form.replace("PLACE", place).replace("TWO", two).replace("ONE", one)

    binary = st.builds(lambda operator, one, two: f"({one}) {operator} ({two})", BINARY, inner, inner)
    return binary | st.builds(written, ONE_PART | TWO_PARTS, inner, inner, st.sampled_from(PLACES))


EXPRESSIONS = st.recursive(LEAVES, _grown, max_leaves=6).map(lambda text: f". as $x | {text}")


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(text=EXPRESSIONS, value=VALUES)
def test_generated_expressions_give_what_jq_gives(text: str, value: Any) -> None:
    assert by_us(text, value) == by_jq(text, value)
