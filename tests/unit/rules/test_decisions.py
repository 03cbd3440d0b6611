"""Decisions: what a model proposes, what the rules never let it lower, and what earlier outcomes teach."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.cases.records import OutcomeRecord
from domain.policies.case_policy import CasePolicy
from domain.rules import RulesEngine
from domain.tickets.intake import read_ticket
from domain.tickets.ticket import CustomerTier, Priority
from domain.triage.classification import Category, EscalationSignal, Origin
from domain.triage.decision import Decision, DecisionKind, Proposal, Urgency

NOTHING = Proposal(kind=DecisionKind.NONE, urgency=Urgency.SCHEDULED, team="general_support", reasons=("All is well.",))


def decide(
    engine: RulesEngine,
    policy: CasePolicy,
    text: str,
    proposal: Proposal | None = None,
    past: list[OutcomeRecord] | None = None,
    **fields: object,
) -> Decision:
    raw = {"id": "t", "description": text, "customerEmail": "a@example.com", "customerTier": "paid", **fields}
    ticket = read_ticket(raw)
    classification, analysis = engine.classify(ticket), engine.analyse(ticket)
    risk = engine.risk(ticket, classification, analysis, policy.risk)
    origin = Origin(provider="primary") if proposal else None
    return engine.decide(
        ticket, classification, analysis, risk, policy, proposal=proposal, origin=origin, past=past or []
    )


@pytest.mark.parametrize(
    ("text", "rule", "team"),
    [
        ("We will take legal action over this invoice.", "legal_threats", "senior_support"),
        ("Our CEO is asking for an answer.", "executive_involvement", "senior_support"),
        ("Production is down for all users.", "critical_outage", "engineering"),
        ("My account was hacked.", "security_incident", "security_team"),
    ],
)
def test_a_model_cannot_suppress_a_hard_rule(
    engine: RulesEngine, policy: CasePolicy, text: str, rule: str, team: str
) -> None:
    decision = decide(engine, policy, text, NOTHING)
    assert rule in decision.hard_rules
    assert (decision.kind, decision.urgency, decision.team) == (DecisionKind.IMMEDIATE, Urgency.IMMEDIATE, team)
    assert decision.overridden
    assert decision.proposed == NOTHING
    assert decision.origin.provider == "primary"


def test_without_a_hard_rule_the_model_decides(engine: RulesEngine, policy: CasePolicy) -> None:
    wish = Proposal(kind=DecisionKind.SPECIALIST, urgency=Urgency.URGENT, team="technical_support", reasons=("Hard.",))
    decision = decide(engine, policy, "The export looks a bit odd.", wish)
    assert (decision.kind, decision.urgency, decision.team) == (wish.kind, wish.urgency, wish.team)
    assert not decision.overridden


def test_a_team_we_do_not_have_is_replaced(engine: RulesEngine, policy: CasePolicy) -> None:
    wish = Proposal(kind=DecisionKind.SPECIALIST, urgency=Urgency.STANDARD, team="evil_corp", reasons=("x",))
    decision = decide(engine, policy, "My invoice is wrong.", wish)
    assert decision.team == "finance"
    assert decision.overridden


def test_a_customer_who_asks_for_a_person_gets_one_whatever_the_model_says(
    engine: RulesEngine, policy: CasePolicy
) -> None:
    decision = decide(engine, policy, "Please let me speak to a human.", NOTHING)
    assert decision.kind is DecisionKind.SPECIALIST
    assert decision.overridden


def test_a_ticket_nobody_can_answer_goes_to_a_person_but_not_at_once(engine: RulesEngine, policy: CasePolicy) -> None:
    decision = decide(engine, policy, "How do I export a report?", NOTHING, channel="phone", customerEmail=None)
    assert decision.hard_rules == ("no_reply_address",)
    assert (decision.kind, decision.urgency) == (DecisionKind.SPECIALIST, Urgency.STANDARD)
    assert any("no e-mail address" in told for told in decision.special_instructions)


def test_anger_over_trust_goes_to_management_and_anger_over_service_to_engineers(
    engine: RulesEngine, policy: CasePolicy
) -> None:
    anger = "This is unacceptable, disgusting and utterly ridiculous!!! I have asked five times and I am leaving you."
    billing = decide(engine, policy, f"You charged me twice on my invoice. {anger}")
    service = decide(engine, policy, f"Your app crashes with an error, the sync stopped working. {anger}")
    assert (billing.kind, billing.urgency, billing.team) == (DecisionKind.MANAGEMENT, Urgency.IMMEDIATE, "management")
    assert (service.kind, service.team) == (DecisionKind.IMMEDIATE, "engineering")
    assert "management" in service.also_notify


def test_at_a_hard_rule_the_rules_name_kind_and_team_also_against_a_louder_model(
    engine: RulesEngine, policy: CasePolicy
) -> None:
    text = (
        "You charged me twice on my invoice. This is unacceptable, disgusting and ridiculous!!!"
        " I have asked five times and I am leaving you."
    )
    loud = Proposal(kind=DecisionKind.IMMEDIATE, urgency=Urgency.IMMEDIATE, team="engineering", reasons=("Loud.",))
    decision = decide(engine, policy, text, loud)
    assert (decision.kind, decision.team) == (DecisionKind.MANAGEMENT, "management")
    assert decision.overridden


def test_a_legal_threat_reaches_management_beside_the_team(engine: RulesEngine, policy: CasePolicy) -> None:
    decision = decide(engine, policy, "We will sue you over this invoice.")
    assert {"management", "finance"} <= set(decision.also_notify)
    assert any("legal department" in told for told in decision.special_instructions)


def test_thresholds_come_from_the_policy(engine: RulesEngine, policy: CasePolicy) -> None:
    strict = policy.model_copy(update={"risk": policy.risk.model_copy(update={"immediate_frustration_above": 20})})
    text = "I am very frustrated with my billing issue."
    assert decide(engine, policy, text).hard_rules == ()
    assert decide(engine, strict, text).hard_rules == ("high_frustration",)


def outcome(*, escalated: bool, reopened: int = 0, right: bool | None = None) -> OutcomeRecord:
    return OutcomeRecord(
        workflow_id="w",
        tenant="acme",
        decision="x",
        category=Category.BILLING.value,
        priority=Priority.MEDIUM.value,
        risk=10,
        escalated=escalated,
        reopened=reopened,
        escalation_was_right=right,
        recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_cases_that_kept_coming_back_teach_the_rules_to_escalate(engine: RulesEngine, policy: CasePolicy) -> None:
    text = "There is an unexpected charge on my invoice."
    assert decide(engine, policy, text).kind is DecisionKind.NONE
    assert decide(engine, policy, text, past=[outcome(escalated=False, reopened=1)] * 4).kind is DecisionKind.NONE
    taught = decide(engine, policy, text, past=[outcome(escalated=False, reopened=1)] * 6)
    assert taught.kind is DecisionKind.SPECIALIST
    assert any("came back" in reason for reason in taught.reasons)


def test_needless_escalations_teach_the_rules_to_wait(engine: RulesEngine, policy: CasePolicy) -> None:
    text = "Please let someone call me back about my plan price."
    past = [outcome(escalated=True, right=False)] * 6
    assert decide(engine, policy, text).kind is DecisionKind.SPECIALIST
    assert decide(engine, policy, text, past=past).kind is DecisionKind.SCHEDULED


def test_a_models_classification_keeps_the_rules_signals_and_priority(engine: RulesEngine) -> None:
    raw = {
        "id": "t",
        "description": "Production is down for all users, we will sue you.",
        "customerEmail": "a@example.com",
    }
    rules = engine.classify(read_ticket(raw))
    model = rules.model_copy(
        update={
            "priority": Priority.LOW,
            "category": Category.GENERAL_INQUIRY,
            "signals": (EscalationSignal.REPEATED_CONTACT,),
            "urgency_indicators": (),
            "customer_type": CustomerTier.VIP,
        }
    )
    merged = engine.merge(model, rules)
    assert merged.priority is Priority.CRITICAL
    assert {EscalationSignal.LEGAL_THREATS, EscalationSignal.REPEATED_CONTACT} <= set(merged.signals)
    assert merged.urgency_indicators == rules.urgency_indicators
    assert merged.customer_type is CustomerTier.FREE
    assert merged.category is Category.GENERAL_INQUIRY


def test_a_security_incident_stays_one_whatever_the_model_calls_it(engine: RulesEngine) -> None:
    raw = {
        "id": "t",
        "description": "Someone logged in to my account, it was hacked.",
        "customerEmail": "a@example.com",
    }
    rules = engine.classify(read_ticket(raw))
    model = rules.model_copy(update={"category": Category.GENERAL_INQUIRY})
    assert engine.merge(model, rules).category is Category.SECURITY


def test_a_models_analysis_never_calms_the_customer(engine: RulesEngine) -> None:
    raw = {"id": "t", "description": "This is unacceptable! I am furious!!!", "customerEmail": "a@example.com"}
    rules = engine.analyse(read_ticket(raw))
    model = rules.model_copy(update={"frustration": 0, "churn_risk": 0, "language": "klingon"})
    merged = engine.merge_analysis(model, rules)
    assert (merged.frustration, merged.churn_risk, merged.language) == (rules.frustration, rules.churn_risk, "en")
    angrier = engine.merge_analysis(rules.model_copy(update={"frustration": 99}), rules)
    assert angrier.frustration == 99


def test_risk_follows_the_formulas_of_the_reference_document(engine: RulesEngine, policy: CasePolicy) -> None:
    raw = {
        "id": "t", "description": "Production is down for all users. We lose thousands per minute.",
        "customerEmail": "a@example.com", "customerTier": "enterprise", "previousTicketCount": 8,
        "escalationHistory": ["E-1"],
    }  # fmt: skip
    ticket = read_ticket(raw)
    classification = engine.classify(ticket)
    analysis = engine.analyse(ticket).model_copy(
        update={"frustration": 50, "overall_complexity": 60, "churn_risk": 30, "publicity_risk": 20}
    )
    risk = engine.risk(ticket, classification, analysis, policy.risk)
    assert risk.overall == round(0.4 * 50 + 0.3 * 60 + 0.2 * 30 + 0.1 * 20)
    assert (risk.business, risk.business_impact, risk.customer) == (80, "high", 100)
