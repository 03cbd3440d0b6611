"""Finding an answer in whatever a model wrote."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.llm.model_answers import ReviewAnswer
from integrations.llm.reading import UnusableAnswer, read_answer

GOOD = '{"score": 7, "findings": ["Say when."]}'


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Sure {{as you asked}}: {GOOD} Hope it helps {{}}",
        f'{{"thought": "first I think"}} {GOOD}',
        f'<think>{{"score": 1, "findings": []}}</think>{GOOD}',
        f'{{"score": 99}}\n{GOOD}',
        f'{{"answer": {GOOD}}}'.replace('{"answer": ', "[").replace("}}", "}]"),
        f"\ufeff{GOOD}",
    ],
)
def test_the_first_object_that_fits_is_the_answer(text):
    answer, said = read_answer(text, ReviewAnswer)
    assert (answer.score, answer.findings) == (7, ("Say when.",))
    assert said["score"] == 7


@pytest.mark.parametrize(
    "text",
    ["", "no json", "[]", "null", '{"score": 7', '{"score": NaN}', '{"score": Infinity, "findings": []}', "}{", '"{}"'],
)
def test_a_text_without_a_fitting_object_is_unusable(text):
    with pytest.raises(UnusableAnswer):
        read_answer(text, ReviewAnswer)


def test_the_complaint_names_the_field_and_quotes_nothing():
    with pytest.raises(UnusableAnswer) as unusable:
        read_answer('{"score": "planted-secret", "findings": []}', ReviewAnswer)
    assert unusable.value.complaint.startswith("score: Input should be a valid number")
    assert "planted" not in unusable.value.complaint


@pytest.mark.parametrize(
    "text",
    [
        "{" * 5_000_000,
        '{"a":' * 1_000_000,
        "[" * 100_000 + GOOD[:-1],
        '{"score": ' + "9" * 100_000 + "}",
        '{"a":{}}' * 99_999,
    ],
)
def test_hostile_texts_cost_a_moment_at_most(text):
    begun = time.process_time()
    with pytest.raises(UnusableAnswer):
        read_answer(text, ReviewAnswer)
    assert time.process_time() - begun < 1


@given(st.text())
def test_no_text_breaks_the_reader(text):
    try:
        read_answer(text, ReviewAnswer)
    except UnusableAnswer:
        return
