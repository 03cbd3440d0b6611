"""What expressions give that jq does not settle, what they refuse, and what they are called with."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import InvalidInput, SurehandError
from domain.expressions import (
    Budget,
    ExpressionFault,
    ExpressionSyntax,
    compile_expression,
    fill,
    inner,
    is_expression,
)


def outputs(text: str, value: Any = None, **variables: Any) -> list[Any]:
    return compile_expression(text).evaluate_all(value, variables)


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("reverse", "abc", ["cba"]),
        ("ltrimstr(1)", 1, [1]),
        ('ltrimstr("a")', 1, [1]),
        ("[leaf_paths]", {"a": [1]}, [[["a", 0]]]),
        ('.a?//"d"', 1, ["d"]),
        ("[.[] | tojson]", [1000.0, 1.5], [["1000", "1.5"]]),
        ('strftime("%Z")', 0, ["UTC"]),
        ('"10:15" | strptime("%H:%M") | mktime', None, [-2208951900]),
        ('"x" | @base32', None, ["PA======"]),
        ('"PA======" | @base32d', None, ["x"]),
        ('"a%20b" | @urid', None, ["a b"]),
        ("[65, 97] | map(ascii)", None, [["A", "a"]]),
        ("1, [1] | toarray", None, [[1], [1]]),
        ("exp10", 8, [100000000]),
        ("from_entries", [{"k": 1, "v": 2}, {"key": False}, {"key": None}], [{"1": 2, "false": None, "null": None}]),
        ('[path(reduce ("a", "b") as $k (.; .[$k]))]', None, [[["a", "b"]]]),
        ('dateadd("seconds"; 60) | todate', 0, ["1970-01-01T00:01:00Z"]),
        ('abs, (try ("a" | abs) catch "none")', -3, [3, "none"]),
        ("join(1)?", ["a"], []),
    ],
)
def test_where_jq_versions_differ_this_is_what_holds(text: str, value: Any, expected: list[Any]) -> None:
    assert outputs(text, value) == expected


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("env", "environment"),
        ("env.PATH", "environment"),
        ("$ENV.PATH", "environment"),
        ("now", "clock"),
        ("now | todate", "clock"),
        ("localtime", "Local time"),
        ('strflocaltime("%H")', "Local time"),
        ("input", "further input"),
        ("[inputs]", "further input"),
        ("input_filename", "further input"),
        ("input_line_number", "further input"),
        ("debug", "messages"),
        ('debug("x")', "messages"),
        ("stderr", "messages"),
        ("halt", "error"),
        ("halt_error", "error"),
        ("halt_error(1)", "error"),
        ("get_search_list", "Modules"),
        ('import "a" as a; 1', "Modules"),
        ('include "a"; 1', "Modules"),
        ("modulemeta", "Modules"),
        ("builtins", "Modules"),
        ("$__loc__", "__loc__"),
        ("$__prog_args", "further input"),
        ("if . then now else 1 end", "clock"),
        ("def f: env; 1", "environment"),
        ("nosuch", "no function nosuch/0"),
        ("map(.; .)", "no function map/2"),
        ("@nosuch", "no format @nosuch"),
        ("break $out", "no label $out"),
    ],
)
def test_a_refused_name_is_refused_before_anything_runs(text: str, word: str) -> None:
    with pytest.raises(ExpressionSyntax) as refused:
        compile_expression(text)
    sentence = str(refused.value)
    assert word in sentence
    assert sentence.endswith(".")
    assert isinstance(refused.value, InvalidInput)


@pytest.mark.parametrize("pattern", ["(a)\\\\1", "a(?=b)", "a(?!b)", "(?<=a)b", "(?<!a)b", "(?>a)", "a++", "\\\\k<x>"])
def test_a_pattern_that_needs_going_back_is_refused(pattern: str) -> None:
    with pytest.raises(ExpressionFault, match="refused") as fault:
        outputs(f'test("{pattern}")', "ab")
    assert not fault.value.exhausted


def test_a_name_may_be_defined_even_where_jqs_own_is_refused() -> None:
    assert outputs("def now: 5; now") == [5]


def test_the_position_of_an_error_counts_from_the_start_of_what_was_given() -> None:
    with pytest.raises(ExpressionSyntax) as bare:
        compile_expression(".a | nosuch")
    with pytest.raises(ExpressionSyntax) as wrapped:
        compile_expression("${ .a | nosuch }")
    assert bare.value.position == 5
    assert wrapped.value.position == 8


def test_an_expression_knows_the_variables_it_needs() -> None:
    expression = compile_expression("${ $a + (.x as $b | $b + $c) | def f($d): $d; f(1) }")
    assert expression.variables == {"a", "c"}
    assert expression.text.startswith("$a")


def test_a_missing_variable_is_a_fault_that_names_it() -> None:
    with pytest.raises(ExpressionFault, match=r"\$context") as fault:
        outputs("$context.a", {})
    assert not fault.value.exhausted


def test_the_first_output_is_the_value_and_none_without_one() -> None:
    assert compile_expression("1, error").evaluate(None) == 1
    assert compile_expression("empty").evaluate(None) is None
    assert compile_expression("first(1, error)").evaluate_all(None) == [1]


def test_a_fault_names_types_and_never_values() -> None:
    secret = "4111-1111-1111-1111"
    for text in (
        ".a + 1",
        ".a | keys",
        ".a.b",
        ".a - {}",
        ".a | tonumber",
        "error(.a)",
        ".a | error",
        '.a | test("(")',
    ):
        with pytest.raises(ExpressionFault) as fault:
            outputs(text, {"a": secret})
        assert secret not in str(fault.value)
        assert not fault.value.exhausted
        assert not isinstance(fault.value, InvalidInput)
        assert isinstance(fault.value, SurehandError)


def test_what_an_expression_raises_itself_is_kept_beside_the_sentence() -> None:
    with pytest.raises(ExpressionFault) as fault:
        outputs("error({code: 5})")
    assert fault.value.value == {"code": 5}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nan", None),
        ("[nan, {a: nan}]", [None, {"a": None}]),
        ("infinite", 1.7976931348623157e308),
        ("-infinite", -1.7976931348623157e308),
        ("1e1000", 1.7976931348623157e308),
        ("1.0", 1),
        ("0.5 * 2", 1),
        ("1e3", 1000),
        ("9007199254740992 + 1", 9007199254740992),
        ("pow(2; 64)", 18446744073709551616),
        ("0.1 + 0.2", 0.30000000000000004),
    ],
)
def test_results_hold_only_numbers_that_json_has(text: str, expected: Any) -> None:
    result = compile_expression(text).evaluate(None)
    assert result == expected
    assert type(result) in (type(expected), float)
    json.dumps(result, allow_nan=False)


def test_whole_results_are_integers() -> None:
    assert [type(one) for one in outputs("1.0, 4 / 2, (2.5 | floor), 1e15 + 0, length", "ab")] == [int] * 5


def test_a_large_whole_number_passes_through_unchanged() -> None:
    number = 12345678901234567890
    assert outputs(".id", {"id": number}) == [number]


def test_a_value_that_is_no_json_is_a_fault() -> None:
    for value in ({"a": object()}, {"a": (1, 2)}, {"a": {1: 2}}):
        with pytest.raises(ExpressionFault, match=r"JSON|texts"):
            outputs(".a", value)


def test_the_input_is_never_changed_and_the_result_shares_nothing_with_it() -> None:
    value = {"a": [1, {"b": 2}], "c": {}}
    before = json.dumps(value)
    result = compile_expression(".a[1].b = 3 | del(.a[0]) | .c.d = 1 | .a += [5]").evaluate(value)
    same = compile_expression(".").evaluate(value)
    assert json.dumps(value) == before
    assert result == {"a": [{"b": 3}, 5], "c": {"d": 1}}
    same["a"][1]["b"] = "changed"
    assert json.dumps(value) == before


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("${ .a }", True),
        ("  ${.a}\n", True),
        ("${}", True),
        ("$ {.a}", False),
        ("a ${ .a }", False),
        ("${ .a } b", False),
        (".a", False),
        ("", False),
        (5, False),
        (None, False),
    ],
)
def test_an_expression_is_a_text_that_is_one_from_beginning_to_end(text: Any, holds: bool) -> None:
    assert is_expression(text) is holds


def test_inner_is_the_jq_text() -> None:
    assert inner(" ${ .a | {b: 1} } ") == ".a | {b: 1}"
    assert inner(".a") == ".a"


def test_fill_replaces_whole_texts_and_nothing_else() -> None:
    template = {"a": "${ .x }", "${ .x }": "plain ${ .x }", "list": ["${ $y }", 5, None, True], "deep": {"b": "${.x}"}}
    assert fill(template, {"x": [1]}, {"y": "z"}) == {
        "a": [1],
        "${ .x }": "plain ${ .x }",
        "list": ["z", 5, None, True],
        "deep": {"b": [1]},
    }


TEXTS = st.sampled_from(["${ .secret }", "${ error }", "${", "a", "${ $y }", ""])
DATA = st.recursive(
    TEXTS | st.none() | st.integers(-5, 5),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(TEXTS, part, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(data=DATA)
def test_fill_never_evaluates_data(data: Any) -> None:
    filled = fill(
        {"a": "${ .data }", "b": ["${ $data }"], "c": "${ {d: .data} }"}, {"data": data, "secret": 1}, {"data": data}
    )
    assert filled == {"a": data, "b": [data], "c": {"d": data}}


def test_one_budget_is_for_the_whole_template() -> None:
    expression = "${ [range(1000)] | length }"
    assert fill([expression], None, budget=Budget(steps=3000)) == [1000]
    with pytest.raises(ExpressionFault) as fault:
        fill([expression] * 5, None, budget=Budget(steps=3000))
    assert fault.value.exhausted


def test_a_bad_expression_in_a_template_is_refused() -> None:
    with pytest.raises(ExpressionSyntax):
        fill({"a": "${ .x | }"}, None)
