"""What a model may say: close words are forgiven, unknown ones never become something else."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from domain.llm.model_answers import (
    LINE_LIMIT,
    LIST_LIMIT,
    AnalysisAnswer,
    ClassificationAnswer,
    MessageAnswer,
    ProposalAnswer,
    ReplyAnswer,
    ReviewAnswer,
)
from domain.tickets.ticket import Priority
from domain.triage.classification import Category, EscalationSignal
from domain.triage.decision import DecisionKind
from integrations.llm.answer_schema import answer_schema, is_closed
from integrations.llm.prompts import PromptLibrary
from sandbox.openai_schemas import fitting_value, strictness_fault

ANSWERS: dict[str, type[BaseModel]] = {
    "classify": ClassificationAnswer,
    "analyse": AnalysisAnswer,
    "decide": ProposalAnswer,
    "assess_message": MessageAnswer,
    "reply": ReplyAnswer,
    "review": ReviewAnswer,
    "revise": ReplyAnswer,
}

CLASSIFICATION: dict[str, Any] = {
    "category": "billing",
    "priority": "high",
    "complexity": "moderate",
    "customer_type": "paid",
    "issue_type": "complaint",
}
SCORES = (
    "frustration",
    "perceived_urgency",
    "resolution_confidence",
    "technical_complexity",
    "communication_complexity",
    "process_complexity",
    "resolution_complexity",
    "overall_complexity",
    "churn_risk",
    "publicity_risk",
)
ANALYSIS: dict[str, Any] = {
    "tone": "negative",
    "style": "casual",
    "knowledge_level": "novice",
    "language": "DE",
    **dict.fromkeys(SCORES, 40),
}


@pytest.mark.parametrize("said", ["bug_report", "Bug Report", "BUG-REPORT", "  bug   report ", "bug - report"])
def test_a_word_may_be_spelt_otherwise(said):
    assert ClassificationAnswer.model_validate(CLASSIFICATION | {"category": said}).category is Category.BUG_REPORT


@pytest.mark.parametrize(
    "said", ["P0!!", "critical!", "CRITICALLY", "critical high", "", "1", None, 1, True, ["critical"]]
)
def test_an_unknown_word_is_an_error(said):
    with pytest.raises(ValidationError):
        ClassificationAnswer.model_validate(CLASSIFICATION | {"priority": said})


@given(st.text(max_size=30))
def test_no_text_at_all_becomes_a_word_it_does_not_spell(said):
    try:
        kind = ProposalAnswer.model_validate({"kind": said, "urgency": "standard"}).kind
    except ValidationError:
        return
    assert "".join(filter(str.isalpha, said.casefold())) == kind.value.replace("_", "")


@pytest.mark.parametrize("said", ["wants_admin", "classification_failure", "no_reply_address"])
def test_an_unknown_signal_or_one_that_no_text_shows_is_an_error_and_not_dropped(said):
    with pytest.raises(ValidationError):
        ClassificationAnswer.model_validate(CLASSIFICATION | {"signals": ["legal_threats", said]})


def test_a_signal_is_the_term_itself():
    answer = ClassificationAnswer.model_validate(CLASSIFICATION | {"signals": ["Legal threats"]})
    (signal,) = answer.to_classification().signals
    assert signal is EscalationSignal.LEGAL_THREATS


@pytest.mark.parametrize(("said", "language"), [("DE", "de"), ("en-US", "en"), ("pt_BR", "pt")])
def test_a_language_is_its_two_letters(said, language):
    assert AnalysisAnswer.model_validate(ANALYSIS | {"language": said}).language == language


def test_fields_nobody_asked_for_are_dropped():
    said = {"text": "Hello", "kind": "solution", "billing_action": {"kind": "refund"}, "origin": {"provider": "rules"}}
    reply = ReplyAnswer.model_validate(said).to_reply()
    assert reply.billing_action is None
    assert reply.origin.provider == "rules"
    assert type(reply.kind) is str


@pytest.mark.parametrize(("said", "score"), [(72, 72), (72.5, 72), ("72", 72), (0, 0), (0.0, 0), (100, 100), (1.0, 1)])
def test_a_score_is_rounded(said, score):
    assert AnalysisAnswer.model_validate(ANALYSIS | {"frustration": said}).frustration == score


@pytest.mark.parametrize("said", [0.85, -1, 101, 1e9, True, "high", float("nan"), None])
def test_a_score_that_could_mean_something_else_is_an_error(said):
    with pytest.raises(ValidationError):
        AnalysisAnswer.model_validate(ANALYSIS | {"frustration": said})


def test_long_lists_and_lines_are_cut_and_control_characters_dropped():
    reasons = [f"line\none\x00 {number} " + "x" * 1000 for number in range(50)]
    answer = ClassificationAnswer.model_validate(CLASSIFICATION | {"reasons": reasons})
    assert len(answer.reasons) == LIST_LIMIT
    assert {len(reason) for reason in answer.reasons} == {LINE_LIMIT}
    assert answer.reasons[0].startswith("line one 0")


def test_a_reply_keeps_its_lines_and_loses_what_could_deceive():
    reply = ReplyAnswer.model_validate({"text": "  Hello\r\n\r\nthere\u202e\x1b[31m \ud800\n", "kind": "Follow-up"})
    assert reply.text == "Hello\n\nthere[31m ?"
    assert reply.to_reply().kind == "follow_up"


@pytest.mark.parametrize("text", ["", " \n ", "x" * 6001])
def test_a_reply_without_text_or_too_long_is_an_error(text):
    with pytest.raises(ValidationError):
        ReplyAnswer.model_validate({"text": text, "kind": "solution"})


@pytest.mark.parametrize(("said", "team"), [("null", None), ("", None), (None, None), ("finance", "finance")])
def test_no_team_may_be_said_in_several_ways(said, team):
    answer = ProposalAnswer.model_validate({"kind": "no_escalation", "urgency": "standard", "team": said})
    assert answer.to_proposal().team == team


def test_every_answer_becomes_its_domain_value():
    classification = ClassificationAnswer.model_validate(
        CLASSIFICATION | {"entities": [{"kind": "product", "text": "Webhooks", "more": 1}]}
    )
    assert classification.to_classification().entities[0].text == "Webhooks"
    analysis = AnalysisAnswer.model_validate(ANALYSIS).to_analysis()
    assert (analysis.language, analysis.churn_risk) == ("de", 40)
    proposal = ProposalAnswer.model_validate({"kind": "Management escalation", "urgency": "URGENT"}).to_proposal()
    assert proposal.kind is DecisionKind.MANAGEMENT
    message = MessageAnswer.model_validate(
        {"intent": "thanks", "frustration": 5, "escalates": False, "resolves": True, "priority": "low"}
    )
    assert message.to_assessment().priority is Priority.LOW
    assert ReviewAnswer.model_validate({"score": 7.5, "findings": "Too long."}).to_review().findings == ("Too long.",)


@pytest.mark.parametrize("answer_type", ANSWERS.values())
def test_schemas_are_what_strict_mode_takes_and_fit_their_type(answer_type):
    schema = answer_schema(answer_type)
    assert strictness_fault(schema.portable) == ""
    assert is_closed(schema.portable)
    assert '"max' not in json.dumps(schema.portable)
    answer_type.model_validate(fitting_value(schema.bounded, schema.bounded))


def test_the_bounded_schema_keeps_a_model_from_rambling():
    fields = answer_schema(ClassificationAnswer).bounded["properties"]
    assert fields["reasons"] == {
        "type": "array",
        "maxItems": LIST_LIMIT,
        "items": {"type": "string"},
    }
    assert fields["confidence"] == {"type": "number", "minimum": 0, "maximum": 1}


def test_an_open_schema_is_not_called_strict():
    class Open(BaseModel):
        anything: dict[str, int]

    assert not is_closed(answer_schema(Open).portable)


@pytest.mark.parametrize("name", ANSWERS)
def test_each_prompt_explains_every_field_and_every_word_of_its_answer(name):
    schema = answer_schema(ANSWERS[name]).portable
    prompt = PromptLibrary().fill(name, {})
    words = re.findall(r"[a-z_]+", json.dumps([*schema["properties"], *_enums(schema)]))
    assert [word for word in words if word not in prompt.system] == []


def _enums(schema: Any) -> list[str]:
    parts = schema if isinstance(schema, list) else list(schema.values()) if isinstance(schema, dict) else []
    own = schema.get("enum", []) if isinstance(schema, dict) else []
    return [*own, *(word for part in parts for word in _enums(part))]
