"""Triage by the rules alone: what a case would decide about a ticket if no model and no past cases were there."""

from __future__ import annotations

from domain.model import Value
from domain.policies.case_policy import CasePolicy
from domain.rules import Phrases, RulesEngine
from domain.tickets.ticket import Ticket
from domain.triage.classification import Origin
from runtime.configuration.policies import Configuration
from starters.finding import find_settings


class Judgement(Value):
    """What triage found out, flat, for people and scripts."""

    id: str
    category: str
    priority: str
    complexity: str
    customer_type: str
    issue_type: str
    tone: str
    language: str
    frustration: int
    churn_risk: int
    publicity_risk: int
    risk: int
    urgency_indicators: tuple[str, ...]
    signals: tuple[str, ...]
    decision: str
    urgency: str
    team: str
    also_notify: tuple[str, ...]
    hard_rules: tuple[str, ...]
    reasons: tuple[str, ...]
    recommended_actions: tuple[str, ...]
    confidence: float
    degraded: bool
    """True: rules answered. A case asks a model first, where one is configured."""


class Triage:
    """Judges tickets.

    Args:
        rules: the engine.
        policy: of the tickets' tenant.
    """

    def __init__(self, rules: RulesEngine, policy: CasePolicy) -> None:
        self._rules = rules
        self._policy = policy

    @classmethod
    def for_tenant(cls, tenant: str | None) -> Triage:
        """With the configuration of this installation.

        Raises:
            ConfigurationProblem: settings or configuration cannot be used, or the tenant is not configured.
        """
        settings = find_settings()
        configuration = Configuration.from_settings(settings)
        rules = RulesEngine(configuration.keywords, Phrases.model_validate(configuration.phrases))
        return cls(rules, configuration.policy_for(tenant or settings.tenant))

    def judge(self, ticket: Ticket) -> Judgement:
        """Classify, analyse, weigh the risk, decide."""
        classification = self._rules.classify(ticket)
        analysis = self._rules.analyse(ticket)
        risk = self._rules.risk(ticket, classification, analysis, self._policy.risk)
        origin = Origin(provider="rules", degraded=True, note="Triage from the command line asks no language model.")
        decision = self._rules.decide(ticket, classification, analysis, risk, self._policy, origin=origin)
        return Judgement(
            id=ticket.ticket_id,
            category=classification.category,
            priority=classification.priority,
            complexity=classification.complexity,
            customer_type=classification.customer_type,
            issue_type=classification.issue_type,
            tone=analysis.tone,
            language=analysis.language,
            frustration=analysis.frustration,
            churn_risk=analysis.churn_risk,
            publicity_risk=analysis.publicity_risk,
            risk=risk.overall,
            urgency_indicators=classification.urgency_indicators,
            signals=classification.signals,
            decision=decision.kind,
            urgency=decision.urgency,
            team=decision.team,
            also_notify=decision.also_notify,
            hard_rules=decision.hard_rules,
            reasons=decision.reasons,
            recommended_actions=decision.recommended_actions,
            confidence=decision.confidence,
            degraded=True,
        )
