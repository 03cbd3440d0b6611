"""One case on a page: what waits for a person is said, with the command that answers it."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from domain.cases.approval import ApprovalQuestion, ApprovalState, OpenRung
from domain.cases.escalation import EscalationState
from domain.cases.parts import HandoffState, ParkedStep
from domain.policies.case_policy import Ladder, Rung
from domain.tickets.intake import read_ticket
from domain.troubleshooting.linking import IncidentAdvice, LinkKind
from starters.cases import Attempt
from starters.cli.case_view import page, put_state

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def state(ticket) -> EscalationState:
    made = EscalationState(tenant="default", case_number="T-1", opened_at=NOW, ticket=read_ticket(ticket))
    made.hear(NOW, "ticket/T-1", "customer", made.ticket.text)
    return made


def shown(state: EscalationState, width: int = 100) -> str:
    out = Console(file=io.StringIO(), width=width)
    out.print(page("escalation:default:T-1", state))
    return out.file.getvalue()


def test_a_fresh_case_is_shown_before_anything_was_decided(state):
    text = shown(state)
    assert "Case T-1  triaging" in text
    assert "Waits for a person" not in text


def test_a_parked_step_is_named_with_its_problem_and_what_can_be_said(state):
    state.parked["handoff"] = ParkedStep(
        step="handoff", title="Hand the case over", problem="No channel.", parked_at=NOW, can_skip=False,
        left_undone=["the e-mail to the team"],
    )  # fmt: skip
    text = " ".join(shown(state).split())
    assert "parked step handoff: Hand the case over. No channel. (surehand case unpark: retry or give-up)" in text
    assert "to undo by hand: the e-mail to the team" in text


def test_incidents_are_named_with_what_a_person_can_do(state):
    reasons = ("The ticket reports an outage of checkout",)
    state.incident_advice = IncidentAdvice(kind=LinkKind.SUGGEST_OPEN, reasons=reasons)
    text = " ".join(shown(state).split())
    command = "surehand case open-incident T-1 --as PERSON"
    assert f"May be an incident (The ticket reports an outage of checkout): {command}" in text

    state.incident_advice = IncidentAdvice(kind=LinkKind.SUGGEST_JOIN, incident="incident:I-1", reasons=reasons)
    assert "surehand case join T-1 incident:I-1 --as PERSON" in " ".join(shown(state).split())
    state.not_incidents = ["incident:I-1"]
    assert "incident:I-1" not in shown(state)
    state.incidents = {"incident:I-2": ""}
    assert "Belongs to incident:I-2" in shown(state)


def test_a_call_that_is_tried_again_says_why_and_when(state):
    soon = datetime.now(UTC) + timedelta(minutes=2, seconds=29, milliseconds=900)
    calls = [
        Attempt(step="crm.find", attempt=1),
        Attempt(step="mail.send", attempt=3, problem="smtp did not answer.", next_at=soon),
        Attempt(step="chat.post", attempt=2, problem="slack answered 503."),
    ]
    out = Console(file=io.StringIO(), width=120)
    out.print(page("escalation:default:T-1", state, calls))
    text = " ".join(out.file.getvalue().split())
    assert "Calls under way crm.find: under way" in text
    assert "mail.send: attempt 3 in 2 min 29 s; the one before failed: smtp did not answer." in text
    assert "chat.post: attempt 2 is under way; the one before failed: slack answered 503." in text


def test_an_open_approval_and_an_unclaimed_case_are_named(state):
    question = ApprovalQuestion(action="reply", summary="Send an answer", arguments={"text": "Hello"})
    now = datetime.now(UTC)
    state.approvals["reply-1"] = ApprovalState(
        request_id="reply-1", question=question, digest=question.digest, asked_at=now,
        ladder=Ladder(rungs=(Rung(name="lead", roles=("support_lead",), time_allowed=timedelta(minutes=5)),)),
        rungs=[OpenRung(name="lead", approvers=["p-lena"], quorum=1, opened_at=now,
                        expires_at=now + timedelta(minutes=5, seconds=30))],
    )  # fmt: skip
    state.handoff = HandoffState(team="engineering", started_at=NOW, completed_at=NOW)
    text = " ".join(shown(state).split())
    assert "approval reply-1, 5 min" in text
    assert "left: Send an answer" in text
    assert "surehand claim T-1 --as PERSON" in text
    assert "claimed by nobody yet" in text


def test_what_customers_write_is_shown_literally_and_fits_a_narrow_terminal(state):
    state.hear(NOW, "m-2", "customer", "[red]no markup[/red] \x1b[31m \u202e")
    text = shown(state, width=50)
    assert "[red]no markup[/red]" in " ".join(text.split())
    assert "\u202e" not in text
    assert all(len(line) <= 50 for line in text.splitlines())
    assert "\x1b" not in text


def test_json_has_the_whole_state_without_the_policy(state, capsys):
    put_state("escalation:default:T-1", state, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert printed["workflow_id"] == "escalation:default:T-1"
    assert printed["ticket"]["ticket_id"] == "TICK-STD-001"
    assert "policy" not in printed
