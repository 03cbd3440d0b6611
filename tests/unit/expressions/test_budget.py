"""A runaway expression stops at the same step each time, long before it blocks a worker."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from domain.expressions import Budget, ExpressionFault, ExpressionSyntax, compile_expression
from domain.expressions.budget import Meter

BOMBS = [
    '"x" * 1e9',
    'reduce range(60) as $i ("x"; . + .)',
    "[range(1e9)]",
    "last(range(1e12))",
    "[limit(1e9; repeat(1))]",
    "label $x | repeat(1) | empty",
    "reduce range(1e12) as $i (0; . + 1)",
    "[range(1000)] as $a | [$a[] as $x | $a[] as $y | [$x, $y]]",
    "[range(30) | [0, 1]] | [combinations]",
    "[range(5)] | [combinations(12)]",
    "[{a: range(1000), b: range(1000)}]",
    '["\\(range(1000))\\(range(1000))"]',
    "def f: f; f",
    "def f: f | f; f",
    "def f: .+1 | f; f",
    "def f: ., f; [f]",
    "def f(x): x | f(x | x); 1 | f(. + 1)",
    "def f: [.] | map(f); f",
    "def f: (f | f) + (f | f); f",
    "def fib: if . < 2 then . else (. - 1 | fib) + (. - 2 | fib) end; 25 | fib",
    "until(false; . + 1)",
    "[while(true; . + 1)]",
    "[recurse(.)]",
    "[recurse(., .)] | length",
    "[.. | .. | .., repeat(1)] | length",
    "reduce range(100) as $i (1; [., .])",
    "reduce range(100) as $i (1; [., .]) | tojson",
    "reduce range(100) as $i (1; [., .]) | . == .",
    "(reduce range(60) as $i (1; [., .])) as $a | (reduce range(60) as $i (1; [., .])) as $b | $a == $b",
    "reduce range(60) as $i (1; [., .]) | flatten",
    "reduce range(60) as $i (1; [., .]) | [..] | length",
    "reduce range(1e5) as $i (null; [.])",
    "reduce range(400) as $i (null; [.]) | tojson",
    "[limit(100000; repeat(0))] | sort_by(-.)",
    "[range(3000)] - [range(3000)]",
    'reduce range(100000) as $i ({}; .["k\\($i)"] = $i)',
    "reduce range(100000) as $i ([]; .[$i] = $i)",
    '("a" * 100000) as $s | [range(1000) | $s]',
    '("a" * 100000) as $s | [range(1000) | $s] | join("")',
    '("a" * 1000000) as $s | ("a" * 999999 + "b") as $t | [range(100000) | $s == $t] | length',
    '("a" * 30000) | test("(a*)*b")',
    '("a" * 30000) | test("(a|a)*b")',
    '("a" * 30000) | test("(a|aa)+$x")',
    '("a" * 5000) | test("(a{1,100}){1,10}x")',
    '[range(100000) | tostring | . as $p | "x" | test("(a{1000})" + $p)]',
    '[range(100000) | tostring | . as $p | "x" | try test("((a{1000}){1000})" + $p) catch 0]',
    '[range(100000) | tostring | . as $p | "x" | try strptime(("a" * 900) + $p) catch 0]',
    '("[" * 100000) + ("]" * 100000) | fromjson',
    "def f: try f catch f; f",
    "def f: walk([f]); reduce range(60) as $i (1; [.]) | f",
    "def f: {a: (1, 2), b: (1, 2), c: f}; f",
    "def f: f?; f",
]


def spent(text: str) -> tuple[int, int]:
    """What is left of the steps and the size when the expression is stopped."""
    meter = Meter(Budget())
    with pytest.raises(ExpressionFault) as fault:
        compile_expression(text).evaluate_with(meter, None)
    assert fault.value.exhausted
    return meter.steps, meter.size


@pytest.mark.parametrize("text", BOMBS)
def test_a_bomb_ends_early_and_at_the_same_step_each_time(text: str) -> None:
    started = time.process_time()
    first = spent(text)
    # The default budget takes about a tenth of a second; three leave room for any machine.
    assert time.process_time() - started < 3
    assert spent(text) == first


@pytest.mark.parametrize("text", [text for text in BOMBS if text.startswith("def ")])
def test_recursion_stops_at_the_same_step_under_a_deeper_call_stack(text: str) -> None:
    def beneath(frames: int, work: Callable[[], Any]) -> Any:
        return work() if frames == 0 else beneath(frames - 1, work)

    assert beneath(150, lambda: spent(text)) == spent(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 400 + "1" + ")" * 400,
        "[" * 3000,
        "1+" * 3000 + "1",
        "1//" * 3000 + "1",
        "1|" * 3000 + "1",
        "-" * 3000 + "1",
        ".a" + "?" * 3000,
        "." + "[.a]" * 3000,
        "{a:" * 300 + "1" + "}" * 300,
        "if 1 then " * 300,
        "try " * 300,
        "def f: " * 300,
        ". as $x|" * 300 + "1",
        ". as " + "[" * 300,
        "reduce . as $x (0;" * 300,
        '"\\(' * 100,
        "1" * 30_000,
    ],
)
def test_a_text_that_is_nested_too_deeply_is_refused_and_not_a_recursion_error(text: str) -> None:
    with pytest.raises(ExpressionSyntax, match=r"deeply|shorten"):
        compile_expression(text)


def test_a_smaller_budget_stops_sooner() -> None:
    count = compile_expression("[range(500)] | length")
    assert count.evaluate(None) == 500
    with pytest.raises(ExpressionFault) as steps:
        count.evaluate(None, budget=Budget(steps=100))
    with pytest.raises(ExpressionFault) as size:
        compile_expression('"x" * 2000').evaluate(None, budget=Budget(size=1000))
    assert steps.value.exhausted
    assert size.value.exhausted


def test_an_exhausted_budget_cannot_be_caught() -> None:
    with pytest.raises(ExpressionFault) as fault:
        compile_expression('try last(range(1e12)) catch "caught"').evaluate(None)
    assert fault.value.exhausted


def test_what_is_not_asked_for_is_not_computed() -> None:
    frugal = Budget(steps=200)
    for text, expected in (
        ("first(range(1e9))", [0]),
        ("[limit(3; range(1e9))]", [[0, 1, 2]]),
        ("any(range(1e9); . == 2)", [True]),
        ("isempty(range(1e9))", [False]),
        ("first(repeat(1))", [1]),
        ("label $out | range(1e9) | if . == 3 then ., break $out else empty end", [3]),
    ):
        assert compile_expression(text).evaluate_all(None, budget=frugal) == expected


def test_ordinary_work_fits_the_default_budget() -> None:
    value = {"items": [{"id": number, "open": number % 2 == 0, "price": number} for number in range(2000)]}
    report = compile_expression(
        "[.items[] | select(.open) | {id, price: (.price * 2)}]"
        " | group_by(.id % 7) | map({n: length, top: (map(.price) | max)})"
    )
    assert len(report.evaluate(value)) == 7
    assert compile_expression(". == .").evaluate(value) is True
    assert compile_expression(".").evaluate(value) == value
