"""Reading: YAML 1.2 and JSON into the same data, with places, and nothing that could hurt."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.playbooks.reading import NODE_LIMIT, SIZE_LIMIT, Unreadable, read_playbook


def refusal(text: str | bytes) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        read_playbook(text)
    return caught.value


def test_words_that_yaml_1_1_would_change_stay_text():
    text = "on: yes\nno: off\ny: 12:30\nday: 2026-01-31\noctal: 0o17\nhex: 0xff\nnumber: 017\nyear: 1_000\n"
    assert read_playbook(text).data == {
        "on": "yes",
        "no": "off",
        "y": "12:30",
        "day": "2026-01-31",
        "octal": 15,
        "hex": 255,
        "number": 17,
        "year": "1_000",
    }


def test_the_core_schema_is_read():
    text = "[true, False, NULL, ~, -1, +2, 1.5, 1e3, .5, '1', \"true\", null, ]"
    assert read_playbook(text).data == [True, False, None, None, -1, 2, 1.5, 1000.0, 0.5, "1", "true", None]


def test_json_is_read_like_json():
    value = {"a": [1, 2.5, None, True, "\\ud83d\\ude00 / \t tab"], "b": {"c": "\u00e4"}, "": {}}
    for indent in (None, 2, "\t"):
        assert read_playbook(json.dumps(value, indent=indent)).data == value
    assert read_playbook('{"smile": "\\ud83d\\ude00", "slash": "\\/"}').data == {"smile": "\U0001f600", "slash": "/"}


@settings(max_examples=40, deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**15), 10**15)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=12,
    ).filter(lambda value: isinstance(value, dict))
)
def test_whatever_json_says_is_what_is_read(value):
    assert read_playbook(json.dumps(value)).data == json.loads(json.dumps(value))


@pytest.mark.parametrize(
    ("text", "line", "column", "part"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, '"a" stands here twice'),
        ("a: !!python/object/apply:os.system [x]", 1, 4, "A tag"),
        ("a: !secret x", 1, 4, "A tag"),
        ("a: !!binary aGk=", 1, 4, "A tag"),
        ("a: !!set {x}", 1, 4, "A tag"),
        ("base: &b {x: 1}\na:\n  <<: *b\n", 3, 3, "merge key"),
        ("a: .nan", 1, 4, "JSON knows"),
        ("a: -.inf", 1, 4, "JSON knows"),
        ("a: 1e999", 1, 4, "JSON knows"),
        ("a: !!int x", 1, 4, "JSON knows"),
        ('a: "\\ud800"', 1, 4, "surrogate"),
        ('a: "\\UFFFFFFFF"', 1, 1, "escape"),
        ("? [a]\n: b", 1, 3, "plain word"),
        ("a: 1\n---\nb: 2", 2, 1, "not YAML"),
        ("a: [1, 2", 1, 9, "not YAML"),
        ("a:\n\tb: 1", 2, 1, "not YAML"),
        ("a: *nobody", 1, 4, "not YAML"),
        ("a: \x00", 1, 4, "may not stand in YAML"),
        ("", 1, 1, "empty"),
        ("# nothing\n", 1, 1, "empty"),
        (b"a: \xff", 1, 1, "UTF-8"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text, line, column, part):
    problem = refusal(text)
    assert (problem.line, problem.column) == (line, column)
    assert part in problem.sentence
    assert problem.sentence.endswith(".")


def test_bombs_are_refused_quickly():
    laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
    )
    bombs = [
        laughs,
        "a: &a [*a]",
        "[" * 400 + "]" * 400,
        "[" * 100_000,
        "a: " + "{b: " * 5000,
        "- " * 3000 + "x",
        "[" + "0," * NODE_LIMIT + "0]",
        "x" * (SIZE_LIMIT + 1),
        "a: " + "9" * 5000,
    ]
    for bomb in bombs:
        before = time.process_time()
        refusal(bomb)
        assert time.process_time() - before < 5


def test_an_alias_is_written_out():
    assert read_playbook("a: &x {k: [1]}\nb: *x\n").data == {"a": {"k": [1]}, "b": {"k": [1]}}


def test_places_point_to_values_and_keys():
    read = read_playbook("do:\n  - first:\n      set: {a/b: 1, c: 'x'}\n  - second: {}\n")
    assert (read.places["/do/0/first/set/a~1b"].line, read.places["/do/0/first/set/a~1b"].column) == (3, 18)
    assert read.places["/do/0/first/set/c"].shown == (3, 24)
    assert read.places["/do/1/second"].shown == (4, 5)
    assert read.place("/do/1/second/nothing/here").shown == (4, 5)


def test_characters_within_texts_have_places():
    read = read_playbook("plain: ab cd\nquoted: 'ab cd'\nblock: |\n    ab\n    cd\nfolded: >-\n  ab\n  cd\n")
    values = read.data
    assert read.places["/plain"].within(values["plain"], 3) == (1, 11)
    assert read.places["/quoted"].within(values["quoted"], 3) == (2, 13)
    assert read.places["/block"].within(values["block"], 4) == (5, 6)
    assert read.places["/folded"].within(values["folded"], 3)[0] in (7, 8)
