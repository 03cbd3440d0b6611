"""Parameters as they go over the wire, against the tables of the specification and of RFC 6570; and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import InvalidInput
from integrations.tools.openapi.parameters import Parameter, fill_path, header_value, query_pairs

ARRAY = ["blue", "black", "brown"]
OBJECT = {"R": 100, "G": 200, "B": 150}


def in_path(value: Any, template: str = "/x/{color}", **more: Any) -> str:
    parameter = Parameter.of({"name": "color", "in": "path", **more})
    return fill_path(template, {"color": (parameter, value)}).removeprefix("/x/")


def in_query(value: Any, **more: Any) -> str:
    pairs = query_pairs(Parameter.of({"name": "color", "in": "query", **more}), value)
    return "&".join(f"{name}={text}" for name, text in pairs)


@pytest.mark.parametrize(
    ("style", "explode", "text", "array", "mapping"),
    [
        ("simple", False, "blue", "blue,black,brown", "R,100,G,200,B,150"),
        ("simple", True, "blue", "blue,black,brown", "R=100,G=200,B=150"),
        ("label", False, ".blue", ".blue,black,brown", ".R,100,G,200,B,150"),
        ("label", True, ".blue", ".blue.black.brown", ".R=100.G=200.B=150"),
        ("matrix", False, ";color=blue", ";color=blue,black,brown", ";color=R,100,G,200,B,150"),
        ("matrix", True, ";color=blue", ";color=blue;color=black;color=brown", ";R=100;G=200;B=150"),
    ],
)
def test_path_styles_are_written_as_the_specification_shows(
    style: str, explode: bool, text: str, array: str, mapping: str
):
    assert in_path("blue", style=style, explode=explode) == text
    assert in_path(ARRAY, style=style, explode=explode) == array
    assert in_path(OBJECT, style=style, explode=explode) == mapping


@pytest.mark.parametrize(
    ("style", "explode", "array", "mapping"),
    [
        ("form", True, "color=blue&color=black&color=brown", "R=100&G=200&B=150"),
        ("form", False, "color=blue,black,brown", "color=R,100,G,200,B,150"),
        ("spaceDelimited", False, "color=blue%20black%20brown", "color=R%20100%20G%20200%20B%20150"),
        ("pipeDelimited", False, "color=blue%7Cblack%7Cbrown", "color=R%7C100%7CG%7C200%7CB%7C150"),
        ("deepObject", True, "color%5B0%5D=blue&color%5B1%5D=black&color%5B2%5D=brown",
         "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"),
    ],
)  # fmt: skip
def test_query_styles_are_written_as_the_specification_shows(style: str, explode: bool, array: str, mapping: str):
    assert in_query(ARRAY, style=style, explode=explode) == array
    assert in_query(OBJECT, style=style, explode=explode) == mapping
    assert in_query("blue", style=style, explode=explode) == "color=blue"


def test_query_parameters_are_exploded_forms_unless_the_document_says_otherwise():
    assert in_query(ARRAY) == "color=blue&color=black&color=brown"
    assert in_query(ARRAY, style="no-such-style") == "color=blue&color=black&color=brown"


@pytest.mark.parametrize(
    ("value", "written"),
    [(True, "true"), (False, "false"), (3, "3"), (3.0, "3"), (2.5, "2.5"), ("a b", "a%20b"), ("", "")],
)
def test_plain_values_are_written_as_json_writes_them(value: Any, written: str):
    assert in_query(value) == f"color={written}"


def test_nothing_is_sent_for_null_and_for_an_empty_list():
    assert in_query(None) == "" == in_query([])


def test_a_parameter_with_content_is_one_json_text():
    assert in_query({"a": [1]}, content={"application/json": {}}) == "color=%7B%22a%22%3A%5B1%5D%7D"


def test_deep_objects_nest_with_brackets_as_stripe_reads_them():
    value = {"items": [{"price": "p_1", "quantity": 2}], "metadata": {"a b": "c&d=e"}}
    assert in_query(value, style="deepObject", explode=True) == (
        "color%5Bitems%5D%5B0%5D%5Bprice%5D=p_1&color%5Bitems%5D%5B0%5D%5Bquantity%5D=2"
        "&color%5Bmetadata%5D%5Ba%20b%5D=c%26d%3De"
    )


def test_what_a_style_cannot_say_is_refused_and_not_guessed():
    with pytest.raises(InvalidInput, match="nested deeper"):
        in_query({"a": {"b": 1}})


@pytest.mark.parametrize("text", ["a&b=c", "a#b", "a?b", "a,b", "a=b", "a+b", "ü", "a\r\nb", "[x]", "100%", "%26"])
def test_no_query_value_becomes_a_second_parameter(text: str):
    written = in_query([text, "z"], explode=False)
    assert not set("&#?=+[]\r\n ") & set(written.removeprefix("color="))
    assert written.count(",") == 1


@pytest.mark.parametrize("text", ["a?b", "a#b", "a/b", "a;b", "a b", "ü", "a&b", "100%", "{x}", "a:b@c"])
def test_no_path_value_leaves_its_segment(text: str):
    assert not set("/?#;& {}@") & set(in_path(text))


@pytest.mark.parametrize(
    "text",
    ["..", ".", "../x", "x/..", "x/../y", "..\\x", "%2e%2e", "%2E.", "%252e%252e", "..%2fx", "%2e%2e%5cx", "../../etc",
     "a\r\nb", "a\x00b", "%00", "%0d%0aSet-Cookie", "\x7f", ""],
)  # fmt: skip
@pytest.mark.parametrize("shape", ["text", "list", "key"])
def test_a_path_value_that_climbs_or_breaks_the_line_is_refused(text: str, shape: str):
    value = {"text": text, "list": [text], "key": {text: 1}}[shape]
    if text == "" and shape == "key":
        return
    with pytest.raises(InvalidInput) as refused:
        in_path(value)
    assert not text or text not in ("..", ".") or repr(text) not in str(refused.value)


def test_two_parameters_cannot_make_a_climbing_segment_together():
    dot = Parameter.of({"name": "a", "in": "path"})
    with pytest.raises(InvalidInput):
        fill_path("/x/{a}{b}/y", {"a": (dot, "%"), "b": (dot, "..")})
    with pytest.raises(InvalidInput):
        fill_path("/x/.{a}", {"a": (dot, ".")})
    label = Parameter.of({"name": "a", "in": "path", "style": "label", "explode": True})
    with pytest.raises(InvalidInput):
        fill_path("/x/{a}", {"a": (label, ["", ""])})


def test_a_missing_path_parameter_is_named():
    with pytest.raises(InvalidInput, match="needs color"):
        fill_path("/x/{color}", {})


def test_headers_are_simple_and_not_encoded():
    parameter = Parameter.of({"name": "X-Color", "in": "header"})
    assert header_value(parameter, ARRAY) == "blue,black,brown"
    assert header_value(Parameter.of({"name": "X", "in": "header", "explode": True}), OBJECT) == "R=100,G=200,B=150"
    assert header_value(parameter, "a b/c") == "a b/c"
