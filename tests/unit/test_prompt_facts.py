"""What a question to a model may know of a ticket: never who wrote it, and always whose names are to be taken out."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.replies import DraftInput, ReplyActivities
from activities.triage import AssessInput, DecideInput, TriageActivities, TriageInput
from domain.policies.case_policy import CasePolicy
from domain.rules import Phrases, RulesEngine
from domain.text.redaction import Redactor
from domain.tickets.ticket import Customer, Ticket
from runtime.configuration.policies import Configuration
from runtime.settings.environment import SHIPPED_CONFIG
from tests.fakes import FakeModel, FakeStore

NAME, EMAIL, CUSTOMER = "Ann Hathersage", "ann@private.example", "CUST-77-ANN"
TICKET = Ticket(
    ticket_id="T-1",
    subject="Charged twice",
    body="You charged me twice this month, please look into it.",
    customer=Customer(customer_id=CUSTOMER, name=NAME, email=EMAIL, support_history=("TICK-9",)),
)


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return Configuration((SHIPPED_CONFIG,))


@pytest.fixture(scope="module")
def rules(configuration: Configuration) -> RulesEngine:
    return RulesEngine(configuration.keywords, Phrases.model_validate(configuration.phrases))


@pytest.fixture
def model() -> FakeModel:
    model = FakeModel()
    model.answers["none of ours"] = {}  # configured, and knows no answer to any question
    return model


async def ask(act: Callable[[Any], Awaitable[Any]], request: Any) -> Any:
    return await ActivityEnvironment().run(act, request)


async def test_no_question_says_who_wrote_and_each_names_who_is_to_be_taken_out(
    configuration: Configuration, rules: RulesEngine, model: FakeModel
) -> None:
    policy: CasePolicy = configuration.policy_for("default")
    triage, replies = TriageActivities(model, rules, FakeStore()), ReplyActivities(model, rules)
    request = TriageInput(tenant="default", ticket=TICKET, budget=policy.budget)
    classification = (await ask(triage.classify_ticket, request)).classification
    analysis = (await ask(triage.analyse_ticket, request)).analysis
    known = {"tenant": "default", "ticket": TICKET, "policy": policy}
    known |= {"classification": classification, "analysis": analysis}
    decided = await ask(triage.decide_escalation, DecideInput(**known))
    later = AssessInput(
        tenant="default",
        step="assess-1",
        ticket_subject=TICKET.subject,
        text="It is still wrong.",
        history=(TICKET.text,),
        frustration=20,
        priority=classification.priority,
        policy=policy,
        customer_name=NAME,
    )
    await ask(triage.assess_message, later)
    draft = DraftInput(**known, step="reply-1", decision=decided.decision, strategy=decided.strategy, articles=())
    answered = await ask(replies.draft_reply, draft)
    assert [question.prompt for question in model.questions] == [
        "classify",
        "analyse",
        "decide",
        "assess_message",
        "reply",
    ]
    for question in model.questions:
        assert question.known_names == (NAME,), question.prompt
        # The greeting of the suggested answer has the name, which the chain takes out; ids and addresses never stand.
        assert not any(personal in json.dumps(question.context) for personal in (EMAIL, CUSTOMER)), question.prompt
        sent = json.dumps(Redactor().redact_json(question.context, known_names=question.known_names).value)
        assert not any(part in sent for part in NAME.split()), question.prompt
        assert not any(personal in question.key for personal in (NAME, EMAIL, CUSTOMER)), question.prompt
    assert answered.reply.origin.degraded
