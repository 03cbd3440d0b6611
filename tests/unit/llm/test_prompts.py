"""Prompt files: data stays data, and a faulty file is told in a sentence."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigurationProblem
from integrations.llm.prompts import SHIPPED_PROMPTS, PromptLibrary, as_json

SHIPPED = sorted(path.stem for path in SHIPPED_PROMPTS.glob("[a-z]*.j2"))


def test_the_prompts_of_all_steps_are_shipped():
    assert SHIPPED == ["analyse", "ask", "assess_message", "classify", "decide", "reply", "review", "revise", "suppose"]


@pytest.mark.parametrize("name", SHIPPED)
def test_data_stands_only_in_the_user_part_between_its_marks(name):
    prompt = PromptLibrary().fill(name, {"ticket": {"body": "planted-words {{ 7 * 7 }} {% raw %}"}})
    assert "planted-words" not in prompt.system
    begin, _, rest = prompt.user.partition("<data>\n")
    inside, _, end = rest.partition("\n</data>")
    assert json.loads(inside) == {"ticket": {"body": "planted-words {{ 7 * 7 }} {% raw %}"}}
    assert begin
    assert end == ""


@given(st.text())
def test_no_text_can_close_the_marks_or_break_the_encoding(text):
    written = as_json({"text": text})
    assert "<" not in written
    assert ">" not in written
    assert written.encode("utf-8")
    assert json.loads(written)["text"] == text.encode("utf-8", "replace").decode()


def test_a_lone_surrogate_is_sent_as_a_question_mark():
    assert json.loads(as_json("\ud800 ü")) == "? ü"


def test_long_texts_lose_their_middle_until_the_prompt_fits():
    library = PromptLibrary(character_limit=12_000)
    messages = [f"begin-{number} " + "x" * 5_000 + f" end-{number}" for number in range(10)]
    prompt = library.fill("classify", {"ticket": {"subject": "short"}, "earlier_messages": messages})
    assert len(prompt.system) + len(prompt.user) <= 12_000
    assert "begin-9" in prompt.user
    assert "end-9" in prompt.user
    assert "characters left out" in prompt.user
    assert '"short"' in prompt.user


def test_a_prompt_that_never_fits_is_told_in_a_sentence():
    with pytest.raises(ConfigurationProblem, match=r"classify\.j2 is longer than its limit"):
        PromptLibrary(character_limit=500).fill("classify", {"ticket": {}})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{% block system %}a{% endblock %}", "has no block named user"),
        ("{% block system %}{{ nothing }}{% endblock %}{% block user %}b{% endblock %}", "UndefinedError"),
        ("{% block system %}{{ ''.__class__.mro() }}{% endblock %}{% block user %}b{% endblock %}", "SecurityError"),
        ("{% block system %}{{ 1 / 0 }}{% endblock %}{% block user %}b{% endblock %}", "ZeroDivisionError"),
        (
            "{% block system %}{% for n in range(10**9) %}n{% endfor %}{% endblock %}{% block user %}b{% endblock %}",
            "Overflow",
        ),
        ("{% block system %}", "cannot be read"),
    ],
)
def test_a_faulty_file_is_told_in_a_sentence(tmp_path, text, says):
    (tmp_path / "own.j2").write_text(text, "utf-8")
    with pytest.raises(ConfigurationProblem, match=says):
        PromptLibrary((SHIPPED_PROMPTS, tmp_path)).fill("own", {"secret": "planted"})


@pytest.mark.parametrize("name", ["missing", "../prompts/classify", "/etc/passwd"])
def test_a_file_that_is_not_there_is_told_in_a_sentence(name):
    with pytest.raises(ConfigurationProblem, match="There is no prompt"):
        PromptLibrary().fill(name, {})


def test_a_later_folder_replaces_a_prompt(tmp_path):
    (tmp_path / "classify.j2").write_text("{% block system %}own{% endblock %}{% block user %}b{% endblock %}", "utf-8")
    library = PromptLibrary((SHIPPED_PROMPTS, tmp_path))
    assert library.fill("classify", {}).system == "own"
    assert library.fill("analyse", {}).system != "own"
