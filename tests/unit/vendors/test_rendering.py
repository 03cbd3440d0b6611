"""Templates: what they need, what they make, and what no value can do in them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.errors import ConfigurationProblem
from integrations.rendering import OUTPUT_LIMIT, Templates
from integrations.slack.blocks import escape, fitted, unescape
from integrations.template_values import duration, moment, signed
from sandbox.slack_blocks import blocks_fault

SHIPPED = Path(__file__).resolve().parents[3] / "templates"
MAILS = sorted(file.name for file in (SHIPPED / "mail").glob("[a-z]*.txt") if file.name != "notice.txt")
"""All but the one whose every word is a playbook's author's."""
CHATS = sorted(file.name.removesuffix(".json.j2") for file in (SHIPPED / "slack").glob("[a-z]*.json.j2"))
ABOUT_NO_CASE = "webhook_disabled"
"""Told to whoever looks after the installation."""
templates = Templates(SHIPPED)


def context(text: str = "Some words") -> dict[str, Any]:
    """A value for everything that the workflows give, with `text` wherever somebody outside has a say."""
    at = "2026-11-21T10:00:00+00:00"
    return {
        "case_number": "TICK-1", "workflow_id": "escalation:acme:TICK-1", "subject": text, "customer_name": text,
        "priority": "high", "expected_response_minutes": 120, "articles": [{"title": text, "url": "https://h/x"}] * 5,
        "signature": "Customer Support", "text": text, "team": "Management", "urgency": "immediate",
        "decision": "management escalation", "reasons": [text, text], "author": "customer", "frustration": 92,
        "customer": {
            "id": "C-1", "name": text, "email": text, "tier": "at_risk", "account_value": None, "previous_tickets": 3,
            "earlier_escalations": ["ESC-1"], "style": None, "knowledge_level": "novice", "language": "en",
            "emotion": "negative", "frustration": 92,
        },
        "issue": {
            "category": "billing", "issue_type": "bug", "complexity": "high", "signals": ["repeat_contact"],
            "urgency_indicators": [],
        },
        "risks": {
            "overall": 88, "churn": 70, "publicity": 60, "business": 50, "business_impact": "high", "customer": 40,
            "technical": 30,
        },
        "escalation": {"estimated_resolution": "4 hours", "required_expertise": None},
        "conversation": [{"at": at, "author": "customer", "text": text}] * 3,
        "recommended_actions": [text], "special_instructions": [text], "notes": [text],
        "request_id": "reply-1", "action": "refund", "summary": text, "arguments": {"amount": 10.5, text: text},
        "digest": "ab" * 32, "risk": 88, "evidence": [text], "rung": "support_lead", "expires_at": at,
        "waiting_minutes": 15, "clock": "first response", "percent": 75, "due_at": at, "resolution": text,
        "escalated": True, "left_undone": [text], "step": "handoff", "title": text, "problem": text, "can_skip": True,
        "report": {"seconds_to_handoff": 12.5, "satisfaction": None, "overridden": False}, "claimed_by": "p-lena",
        "category": "billing", "complexity": "high", "tier": "vip", "context_url": "https://console/cases/TICK-1?a=1&b=2",
        "decided_by": "p-lena", "reason": text, "cause": text, "why_not": text, "affected": [text], "services": text,
        "onset": at, "tried": [text], "next_steps": [text], "timeline": [{"at": at, "text": text}], "fallbacks": [text],
        "endpoint": "crm", "tenant": "acme", "why": text, "given_by": "p-lena", "note": text,
    }  # fmt: skip


def mrkdwn_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["text"]] if value.get("type") == "mrkdwn" else []
        return own + [text for part in value.values() for text in mrkdwn_in(part)]
    return [text for part in value for text in mrkdwn_in(part)] if isinstance(value, list | tuple) else []


@pytest.mark.parametrize("name", MAILS)
def test_every_mail_has_a_subject_with_its_case_and_a_text(name: str) -> None:
    subject, text = templates.mail(f"mail/{name}", **context())
    assert subject.startswith("[Case TICK-1] ") or name == f"{ABOUT_NO_CASE}.txt"
    assert len(text) > 60
    assert "{" not in text


@pytest.mark.parametrize("name", CHATS)
def test_every_chat_message_is_one_that_slack_takes_with_a_plain_text_beside_it(name: str) -> None:
    blocks = templates.blocks(f"slack/{name}.json.j2", **context())
    assert blocks_fault(list(blocks)) is None
    assert "TICK-1" in json.dumps(blocks) or name == ABOUT_NO_CASE
    subject, _ = templates.mail(f"slack/{name}.txt", **context())
    assert subject


@pytest.mark.parametrize("name", MAILS)
def test_a_missing_value_is_named(name: str) -> None:
    values, needed = context(), "endpoint" if name == f"{ABOUT_NO_CASE}.txt" else "case_number"
    del values[needed]
    with pytest.raises(ConfigurationProblem, match=f"{needed} is missing"):
        templates.mail(f"mail/{name}", **values)


HOSTILE = [
    "<!channel> <@U1> <https://evil.example|bank.example>", '"}], "x": [{"', "\\", "\n\nSubject: other\n- forged",
    "{{ 7 * 7 }} {% raw %}", "```", "a\u202eb\u200bc\x00d\x1be\ud800", "&lt;!here&gt;", "x" * 10_000, "", "\u2028",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", CHATS)
def test_no_value_breaks_a_chat_message_or_speaks_to_slack(name: str, text: str) -> None:
    blocks = templates.blocks(f"slack/{name}.json.j2", **context(text))
    assert blocks_fault(list(blocks)) is None
    assert len(blocks) == len(templates.blocks(f"slack/{name}.json.j2", **context()))
    for shown in mrkdwn_in(blocks):
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", shown)
    for line in templates.mail(f"slack/{name}.txt", **context(text)):
        assert "<" not in line


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400))
@example("```` ``` <!channel> ```")
def test_no_text_at_all_breaks_an_approval_or_hides_its_digest(text: str) -> None:
    blocks = templates.blocks("slack/approval_request.json.j2", **context(text))
    assert blocks_fault(list(blocks)) is None
    buttons = next(block for block in blocks if block["type"] == "actions")["elements"]
    assert [button["action_id"] for button in buttons] == ["approve_request", "reject_request"]
    for button in buttons:
        assert json.loads(button["value"]) == {
            "workflow": "escalation:acme:TICK-1", "request": "reply-1", "digest": "ab" * 32,
        }  # fmt: skip
    exact = next(shown for shown in mrkdwn_in(blocks) if shown.startswith("*What exactly*"))
    assert exact.count("```") == 2 or "shortened" in exact


@pytest.mark.parametrize("name", MAILS)
def test_a_value_cannot_pass_for_a_line_of_ours(name: str) -> None:
    forged = "x\nWorkflow: other\nSubject: other"
    subject, text = templates.mail(f"mail/{name}", **context(forged))
    assert "\n" not in subject
    own_words = {"reply.txt", "closed.txt", "incident_news.txt"}  # here the text is the message itself
    if name not in own_words:
        assert "\nWorkflow: other" not in text


def test_text_from_outside_is_never_a_template() -> None:
    subject, text = templates.mail("mail/reply.txt", **context("{{ 7 * 7 }}{% for x in y %}"))
    assert "{{ 7 * 7 }}" in subject
    assert "{{ 7 * 7 }}{% for x in y %}" in text


def test_the_claim_button_and_the_link_carry_raw_values() -> None:
    blocks = templates.blocks("slack/handoff.json.j2", **context())
    view, claim = next(block for block in blocks if block["type"] == "actions")["elements"]
    assert view["url"] == "https://console/cases/TICK-1?a=1&b=2"
    assert (claim["action_id"], claim["value"]) == ("claim_case", "escalation:acme:TICK-1")


def test_without_a_dashboard_there_is_no_link() -> None:
    blocks = templates.blocks("slack/handoff.json.j2", **context() | {"context_url": ""})
    (claim,) = next(block for block in blocks if block["type"] == "actions")["elements"]
    assert claim["action_id"] == "claim_case"


def test_an_acknowledgement_names_three_articles_at_most() -> None:
    _, text = templates.mail("mail/acknowledgement.txt", **context("Reset"))
    assert text.count("- Reset") == 3
    assert "within 2 hours" in text
    assert "URGENT" in text


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}", "{{ cycler.__init__.__globals__ }}", "{{ 'a' * 100000000 }}",
        "{{ 2 ** 1000000 }}",
        "{{ '%1000000000d' % 1 }}", "{{ 'a'.ljust(1000000000) }}", "{{ 'a' | center(1000000000) }}", "{{ range(10) }}",
        "{{ '{:>1000000000}'.format(1) }}", "{{ lipsum() }}", "{{ text.upper() }}", "{{ nothing }}",
        "{% include '../x' %}",
        "{{ 'a' | attr('__class__') }}", "{% for", "{{ customer.pop('id') }}", "{{ customer.__class__ }}",
    ],
)  # fmt: skip
def test_a_template_can_reach_nothing_and_grow_nothing(tmp_path: Path, source: str) -> None:
    (tmp_path / "t.txt").write_text(f"{{% block subject %}}x{{% endblock %}}{{% block text %}}{source}{{% endblock %}}")
    with pytest.raises(ConfigurationProblem):
        Templates(tmp_path).mail("t.txt", **context())


def test_output_is_capped(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("{% for a in many %}{% for b in many %}{{ a }}{% endfor %}{% endfor %}")
    with pytest.raises(ConfigurationProblem, match="limit"):
        Templates(tmp_path).text("t.txt", many=["x" * 1_000] * 1_000)
    assert OUTPUT_LIMIT < 1_000_000


def test_an_error_names_the_template_and_repeats_no_data(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("{{ secret | round }}")
    with pytest.raises(ConfigurationProblem) as caught:
        Templates(tmp_path).text("t.txt", secret="personal words")
    assert "t.txt" in str(caught.value)
    assert "personal" not in str(caught.value)


@pytest.mark.parametrize("made", ['{"type": "section"}', "[1]", "[{}]", "not json", '[{"type": "section"},]'])
def test_a_chat_template_that_makes_no_blocks_is_a_fault_of_the_template(tmp_path: Path, made: str) -> None:
    (tmp_path / "t.json.j2").write_text(made)
    with pytest.raises(ConfigurationProblem, match=r"t\.json\.j2"):
        Templates(tmp_path).blocks("t.json.j2")


def test_more_blocks_than_slack_takes_are_cut_and_it_says_so() -> None:
    block = {"type": "section", "text": {"type": "plain_text", "text": "x"}}
    blocks = fitted([block] * 80)
    assert len(blocks) == 50
    assert blocks[-1]["elements"][0]["text"] == "... 31 more parts are left out"
    assert blocks_fault(list(blocks)) is None


def test_a_cut_text_says_so_and_ends_in_no_half_entity() -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "&amp;" * 700}}
    (cut,) = fitted([section])
    assert cut["text"]["text"].endswith("&amp; ... (shortened)")
    assert blocks_fault([cut]) is None


@given(st.text())
def test_escaping_can_be_undone(text: str) -> None:
    assert unescape(escape(text)) == text


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(1, "1 minute"), (15, "15 minutes"), (60, "1 hour"), (90, "90 minutes"), (120, "2 hours"), (480, "8 hours"),
     (1_440, "1 day"), (2_880, "2 days"), (1_500, "25 hours"), (200, "3 hours")],
)  # fmt: skip
def test_minutes_are_said_in_words(minutes: int, said: str) -> None:
    assert duration(minutes) == said


def test_moments_are_said_in_words_and_anything_else_as_it_is() -> None:
    assert moment("2026-11-21T09:05:00+00:00") == "21 Nov 2026, 09:05 UTC"
    assert moment("soon") == "soon"


def test_a_text_that_is_signed_is_not_signed_twice() -> None:
    assert signed("Hello\n\nBest regards\nCustomer Support\n", "Customer Support").count("Customer Support") == 1
    assert signed("Hello", "Customer Support") == "Hello\n\nCustomer Support"
