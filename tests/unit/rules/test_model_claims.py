"""A model's word alone rushes nobody: claims that the text does not bear out are kept and looked at by people."""

from __future__ import annotations

import pytest

from domain.policies.case_policy import CasePolicy
from domain.rules import RulesEngine
from domain.tickets.intake import read_ticket
from domain.triage.classification import EscalationSignal
from domain.triage.decision import Decision, DecisionKind, Proposal, Urgency

CALM = "Hi, I forgot my password and cannot access my account. Could you please help me reset it? Thanks!"
AT_ONCE = Proposal(kind=DecisionKind.IMMEDIATE, urgency=Urgency.IMMEDIATE, team="senior_support", reasons=("So.",))
NOTHING = Proposal(kind=DecisionKind.NONE, urgency=Urgency.STANDARD, reasons=("So.",))


def decide_with_model(  # noqa: PLR0917 - a factory of tests
    engine: RulesEngine,
    policy: CasePolicy,
    text: str,
    signals: tuple[EscalationSignal, ...] = (),
    frustration: int = 0,
    proposal: Proposal | None = AT_ONCE,
) -> Decision:
    ticket = read_ticket({"id": "t", "description": text, "customerEmail": "c@example.com", "customerTier": "paid"})
    rules, felt = engine.classify(ticket), engine.analyse(ticket)
    model = rules.model_copy(update={"signals": signals})
    merged = engine.merge(model, rules)
    analysis = engine.merge_analysis(felt.model_copy(update={"frustration": frustration}), felt)
    assert set(signals) <= set(merged.signals)
    assert analysis.frustration >= frustration
    risk = engine.risk(ticket, merged, analysis, policy.risk)
    return engine.decide(ticket, merged, analysis, risk, policy, proposal)


@pytest.mark.parametrize(
    ("signals", "frustration"),
    [
        ((EscalationSignal.LEGAL_THREATS,), 0),
        ((EscalationSignal.EXECUTIVE_INVOLVEMENT,), 0),
        ((), 97),
        ((EscalationSignal.LEGAL_THREATS, EscalationSignal.EXECUTIVE_INVOLVEMENT), 97),
    ],
)
@pytest.mark.parametrize("proposal", [AT_ONCE, None])
def test_a_model_alone_cannot_make_a_calm_ticket_immediate(
    engine: RulesEngine,
    policy: CasePolicy,
    signals: tuple[EscalationSignal, ...],
    frustration: int,
    proposal: Proposal | None,
) -> None:
    decision = decide_with_model(engine, policy, CALM, signals, frustration, proposal)
    assert decision.kind in (DecisionKind.NONE, DecisionKind.SCHEDULED, DecisionKind.SPECIALIST)
    assert decision.urgency is not Urgency.IMMEDIATE
    assert decision.hard_rules == ()
    assert any("does not bear it out" in reason for reason in decision.reasons)
    assert decision.proposed == proposal
    assert decision.overridden is (proposal is not None)


def test_a_person_looks_at_a_threat_that_only_the_model_reads(engine: RulesEngine, policy: CasePolicy) -> None:
    decision = decide_with_model(engine, policy, CALM, (EscalationSignal.LEGAL_THREATS,), proposal=NOTHING)
    assert decision.kind is DecisionKind.SPECIALIST


@pytest.mark.parametrize(
    ("text", "signals"),
    [
        ("My attorney will be in touch about the password of my account.", (EscalationSignal.LEGAL_THREATS,)),
        (
            "This invoice is wrong, I am very disappointed and this will have consequences for you.",
            (EscalationSignal.LEGAL_THREATS,),
        ),
        ("Sprawa trafi do naszego prawnika, jesli nic nie zrobicie.", (EscalationSignal.LEGAL_THREATS,)),
    ],
    ids=["the rules see it too", "the text is upset", "no language of the tables"],
)
def test_a_model_is_believed_where_the_text_bears_it_out_or_the_rules_cannot_tell(
    engine: RulesEngine, policy: CasePolicy, text: str, signals: tuple[EscalationSignal, ...]
) -> None:
    decision = decide_with_model(engine, policy, text, signals)
    assert "legal_threats" in decision.hard_rules
    assert decision.kind is DecisionKind.IMMEDIATE


def test_a_doubted_claim_never_weakens_a_hard_rule_that_stands(engine: RulesEngine, policy: CasePolicy) -> None:
    text = "Production is down for all users."
    decision = decide_with_model(engine, policy, text, (EscalationSignal.LEGAL_THREATS,), proposal=NOTHING)
    assert decision.kind is DecisionKind.IMMEDIATE
    assert "critical_outage" in decision.hard_rules
