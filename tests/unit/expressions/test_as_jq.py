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
PLACES = ". .a .b .[0] .[] .[]? .[1:] .[-1] .a? .a[]? .. .a.b .[-1:]? .a//.b first(.[]) .[]|select(.) empty".split()
LEAVES = st.sampled_from(
    PLACES
    + '0 1 2 -1 null true false [] {} $x "a" "ab" length keys type add not sort to_entries tostring tojson min max'
    " unique flatten any all ascii_downcase explode paths last".split()
)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    binary = st.sampled_from(["|", ",", "+", "-", "*", "==", "!=", "<", "<=", ">", "//", "and", "or"])
    unary = st.sampled_from(
        ["[{}]", "({})?", "map({})", "select({})", "first({})", "[limit(2; {})]", 'try ({}) catch "c"', "isempty({})"]
        + [
            "{{a: ({})}}",
            "[.[]? | {}]",
            "sort_by({})",
            "group_by({})",
            "objects | with_entries(.value |= ({}))",
            "path(PLACE)",
            "del(PLACE), ({})",
        ]
        + ["walk({})", '"<\\({})>"', "last({})", "[paths({})]", "map_values({})", "max_by({})", "unique_by({})"]
    )
    double = st.sampled_from(
        ["if {} then {} else . end", "reduce ({}) as $x (0; {})", "[foreach ({}) as $x (0; {})]", "({}) as $x | {}"]
        + ["{{a: ({}), b: ({})}}", "def f(g): g | {}; f({})", "({}) as [$x] | {}", "({}) as {{a: $x}} | {}"]
        + [
            "any({}; {})",
            "({}) | (PLACE) |= ({})",
            "({}) | (PLACE) = ({})",
            "({}) | (PLACE) += ({})",
            "[.[({})]?, ({})]",
            "label $l | {}, break $l, {}",
        ]
    )
    place = st.sampled_from(PLACES)
    return (
        st.builds(lambda operator, two: f"({two[0]}) {operator} ({two[1]})", binary, pair)
        | st.builds(lambda form, one, at: form.format(one).replace("PLACE", at), unary, inner, place)
        | st.builds(lambda form, two, at: form.format(*two).replace("PLACE", at), double, pair, place)
    )


EXPRESSIONS = st.recursive(LEAVES, _grown, max_leaves=6).map(lambda text: f". as $x | {text}")


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(text=EXPRESSIONS, value=VALUES)
def test_generated_expressions_give_what_jq_gives(text: str, value: Any) -> None:
    assert by_us(text, value) == by_jq(text, value)
