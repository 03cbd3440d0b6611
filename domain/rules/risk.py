"""Step 3: risk and handling strategy. Formulas and thresholds: escalation reference document, step 2."""

from __future__ import annotations

from domain.policies.case_policy import RiskPolicy
from domain.tickets.ticket import Customer, CustomerTier, Priority, Ticket
from domain.triage.analysis import Analysis
from domain.triage.classification import Classification, UrgencyIndicator
from domain.triage.decision import HandlingApproach, HandlingStrategy, Risk


def business_impact(classification: Classification) -> str:
    """`high`, `medium` or `low`, by how many of four factors are present."""
    factors = (
        UrgencyIndicator.BUSINESS_IMPACTING in classification.urgency_indicators,
        UrgencyIndicator.REVENUE_AFFECTING in classification.urgency_indicators,
        classification.customer_type is CustomerTier.ENTERPRISE,
        classification.priority is Priority.CRITICAL,
    )
    return {0: "low", 1: "low", 2: "medium"}.get(sum(factors), "high")


def customer_risk(customer: Customer) -> int:
    """What the customer's standing and history add, 0-100."""
    risk = 30
    risk += {CustomerTier.ENTERPRISE: 30, CustomerTier.VIP: 25}.get(customer.tier, 0)
    risk += 20 if customer.previous_tickets > 5 else 0
    risk += 25 if customer.escalation_history else 0
    return min(risk, 100)


def assess(ticket: Ticket, classification: Classification, analysis: Analysis, policy: RiskPolicy) -> Risk:
    """The numbers that decide; `overall` by the policy's weights."""
    overall = (
        policy.frustration_weight * analysis.frustration
        + policy.complexity_weight * analysis.overall_complexity
        + policy.churn_weight * analysis.churn_risk
        + policy.publicity_weight * analysis.publicity_risk
    )
    impact = business_impact(classification)
    return Risk(
        overall=max(0, min(100, round(overall))),
        sentiment=analysis.frustration,
        complexity=analysis.overall_complexity,
        churn=analysis.churn_risk,
        publicity=analysis.publicity_risk,
        business=80 if impact == "high" else 40,
        customer=customer_risk(ticket.customer),
        technical=analysis.technical_complexity,
        business_impact=impact,
    )


def strategy(risk: Risk, analysis: Analysis, policy: RiskPolicy) -> HandlingStrategy:
    """How to treat the customer, how long it takes, and who can do it."""
    return HandlingStrategy(
        approach=_approach(risk, analysis, policy),
        estimated_resolution=_estimated_resolution(analysis.resolution_complexity),
        required_expertise=_expertise(analysis),
        style=analysis.style,
    )


def _approach(risk: Risk, analysis: Analysis, policy: RiskPolicy) -> HandlingApproach:
    if max(risk.overall, analysis.frustration) > policy.high_touch_above:
        return HandlingApproach.HIGH_TOUCH
    if max(risk.overall, analysis.frustration) > policy.careful_above:
        return HandlingApproach.CAREFUL
    if analysis.technical_complexity > 70:
        return HandlingApproach.TECHNICAL_SPECIALIST
    return HandlingApproach.STANDARD


def _estimated_resolution(complexity: int) -> str:
    if complexity > 80:
        return "2-4 hours"
    if complexity > 60:
        return "1-2 hours"
    return "30-60 minutes" if complexity > 40 else "15-30 minutes"


def _expertise(analysis: Analysis) -> str:
    if analysis.technical_complexity > 80:
        return "senior_technical"
    if analysis.technical_complexity > 60:
        return "technical_specialist"
    return "communication_specialist" if analysis.communication_complexity > 70 else "general_support"
