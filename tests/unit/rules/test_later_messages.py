"""Later customer messages: what closes a case, what escalates it, and what only looks like thanks."""

from __future__ import annotations

import pytest

from domain.policies.case_policy import CasePolicy
from domain.rules import RulesEngine
from domain.tickets.ticket import Priority
from domain.triage.conversation import MessageAssessment, MessageIntent


def assess(  # noqa: PLR0917 - a factory of tests
    engine: RulesEngine,
    policy: CasePolicy,
    text: str,
    history: list[str] | None = None,
    before: int = 20,
    proposal: MessageAssessment | None = None,
) -> MessageAssessment:
    return engine.assess_message(
        text,
        history=history or [],
        previous_frustration=before,
        priority=Priority.MEDIUM,
        policy=policy,
        proposal=proposal,
    )


@pytest.mark.parametrize(
    "text",
    [
        "Thanks!",
        "Thank you, that worked perfectly.",
        "It works now, thanks a lot for your help.",
        "Great, problem solved. You can close the ticket.",
        "Vielen Dank, jetzt hat es geklappt!",
        "Merci beaucoup, ça marche !",
        "Muchas gracias, ya funciona.",
        "All good now, cheers",
        "Thank you so much for your quick help, Maria!",
    ],
)
def test_a_thank_you_without_an_open_question_resolves(engine: RulesEngine, policy: CasePolicy, text: str) -> None:
    assessment = assess(engine, policy, text)
    assert assessment.intent is MessageIntent.THANKS
    assert assessment.resolves
    assert not assessment.escalates


@pytest.mark.parametrize(
    "text",
    [
        "Thanks but it is still broken.",
        "Thanks for nothing.",
        "Thank you, but how do I change the date?",
        "Thanks, one more question: where is the invoice?",
        "Thanks, I tried that but the same error comes up again",
        "Danke, aber es geht immer noch nicht.",
        "Merci, mais ça ne marche toujours pas.",
        "Gracias, pero sigue sin funcionar.",
        "Great. Just great. It crashed again.",
        "I will try it tomorrow.",
        "Thanks. It does not work.",
        "Thanks, the log is attached.",
        "Thank you, my order number is 48213.",
    ],
)
def test_thanks_that_are_none_do_not_resolve(engine: RulesEngine, policy: CasePolicy, text: str) -> None:
    assert not assess(engine, policy, text).resolves


@pytest.mark.parametrize(
    "text",
    [
        "I want to talk to a real person now.",
        "You will hear from my lawyer.",
        "I am escalating this to your CEO.",
        "My account was hacked in the meantime.",
        "Now production is down for all users.",
        "This is unacceptable!! I am furious and sick of this, fix it now!!!",
    ],
)
def test_messages_that_people_must_take_escalate(engine: RulesEngine, policy: CasePolicy, text: str) -> None:
    assessment = assess(engine, policy, text)
    assert assessment.escalates
    assert not assessment.resolves
    assert assessment.reasons


def test_answers_that_did_not_help_twice_escalate(engine: RulesEngine, policy: CasePolicy) -> None:
    once = assess(engine, policy, "It still does not work.")
    twice = assess(engine, policy, "It still does not work.", history=["I tried that, still broken."])
    assert (once.escalates, twice.escalates) == (False, True)
    assert twice.frustration > once.frustration


def test_a_new_problem_raises_the_priority_and_nothing_lowers_it(engine: RulesEngine, policy: CasePolicy) -> None:
    assert assess(engine, policy, "Production is down for all users.").priority is Priority.CRITICAL
    assert assess(engine, policy, "No rush, whenever you have time.").priority is Priority.MEDIUM


def test_a_cancelled_request_is_understood(engine: RulesEngine, policy: CasePolicy) -> None:
    assert assess(engine, policy, "Please ignore my request, I no longer need help.").intent is MessageIntent.CANCELS


def test_calm_messages_let_frustration_fade(engine: RulesEngine, policy: CasePolicy) -> None:
    assert assess(engine, policy, "Here is the log you asked for.", before=60).frustration == 36


def test_a_model_cannot_close_a_case_that_the_rules_see_open(engine: RulesEngine, policy: CasePolicy) -> None:
    says_done = MessageAssessment(
        intent=MessageIntent.THANKS, frustration=0, escalates=False, resolves=True, priority=Priority.LOW
    )
    assessment = assess(engine, policy, "Still broken, I will sue you.", proposal=says_done)
    assert assessment.escalates
    assert not assessment.resolves
    assert assessment.priority is Priority.HIGH
    assert assessment.intent is MessageIntent.STILL_BROKEN


def test_a_model_may_escalate_what_the_rules_let_pass(engine: RulesEngine, policy: CasePolicy) -> None:
    worried = MessageAssessment(
        intent=MessageIntent.WANTS_HUMAN, frustration=70, escalates=True, resolves=False, priority=Priority.HIGH
    )
    assessment = assess(engine, policy, "Hm, I see.", proposal=worried)
    assert assessment.escalates
    assert assessment.frustration == 70
