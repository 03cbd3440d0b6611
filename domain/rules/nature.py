"""The nature of a case, which says who gets it: service, security, relationship, or other."""

from __future__ import annotations

from dataclasses import dataclass

from domain.policies.case_policy import CasePolicy
from domain.rules.classification import IMPORTANT_TIERS, SERVICE_CATEGORIES
from domain.tickets.ticket import Ticket
from domain.triage.analysis import Analysis
from domain.triage.classification import Category, Classification, EscalationSignal, UrgencyIndicator
from domain.triage.decision import DecisionKind, Risk

_RELATIONSHIP_SIGNALS = frozenset(
    {EscalationSignal.REPEATED_CONTACT, EscalationSignal.CHURN_THREATS, EscalationSignal.PUBLICITY_THREATS}
)


@dataclass(frozen=True)
class Case:
    """Everything a decision looks at."""

    ticket: Ticket
    classification: Classification
    analysis: Analysis
    risk: Risk
    policy: CasePolicy

    @property
    def is_security(self) -> bool:
        """Whether safety is at stake."""
        return (
            self.classification.category is Category.SECURITY
            or UrgencyIndicator.SECURITY_RELATED in self.classification.urgency_indicators
        )

    @property
    def is_service(self) -> bool:
        """Whether something of ours runs badly."""
        return (
            self.classification.category in SERVICE_CATEGORIES
            or UrgencyIndicator.OUTAGE_RELATED in self.classification.urgency_indicators
        )

    @property
    def is_relationship(self) -> bool:
        """Whether trust is the problem and nothing technical."""
        signals = set(self.classification.signals)
        return bool(_RELATIONSHIP_SIGNALS & signals) and not self.is_service and not self.is_security

    @property
    def category_team(self) -> str:
        """The team of the category."""
        return self.policy.category_team.get(self.classification.category, self.policy.immediate_team)

    def team_for(self, kind: DecisionKind) -> str:
        """Who gets it: the nature of the case decides."""
        if kind is DecisionKind.MANAGEMENT:
            return self.policy.management_team
        if kind is DecisionKind.IMMEDIATE:
            if self.is_security:
                return self.policy.category_team.get(Category.SECURITY, self.policy.immediate_team)
            return self.policy.immediate_technical_team if self.is_service else self.policy.immediate_team
        return self.category_team

    def also_notified(self, kind: DecisionKind, team: str, rules: tuple[str, ...]) -> tuple[str, ...]:
        """Who hears of it beside the team."""
        owner = self.policy.category_team.get(Category.ACCOUNT)
        finance = self.policy.category_team.get(Category.BILLING)
        wanted: list[str | None] = []
        if kind is DecisionKind.MANAGEMENT:
            wanted += [finance if self.classification.category is Category.BILLING else None, owner]
        elif kind is DecisionKind.IMMEDIATE:
            people_matter = {"legal_threats", "executive_involvement"} & set(rules)
            trust = bool(_RELATIONSHIP_SIGNALS & set(self.classification.signals))
            important = self.ticket.customer.tier in IMPORTANT_TIERS
            wanted += [self.policy.management_team if people_matter or trust else None, owner if important else None]
            wanted += [finance if self.classification.category is Category.BILLING else None]
        names = [name for name in wanted if name is not None and name != team]
        return tuple(dict.fromkeys(names))
