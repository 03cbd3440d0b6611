"""Step 4: the decision. Hard rules say that people get a case and how soon; the nature of the case says who.

The nature has three kinds. *Service*: something runs badly or is unsafe, so engineers (or security) get it.
*Relationship*: the customer's trust is the problem (repeated contact, a threat to leave or to go public) and nothing
technical is at stake, so management gets it, with finance and the relationship's owner. *Other*: senior support.
"""

from __future__ import annotations

from domain.cases.records import OutcomeRecord
from domain.policies.case_policy import RiskPolicy
from domain.rules import claims
from domain.rules.classification import IMPORTANT_TIERS
from domain.rules.nature import Case
from domain.tickets.ticket import CustomerTier, Priority
from domain.triage.analysis import Analysis
from domain.triage.classification import (
    Category,
    Classification,
    Complexity,
    EscalationSignal,
    Origin,
    UrgencyIndicator,
)
from domain.triage.decision import Decision, DecisionKind, Proposal, Risk, Urgency

KIND_ORDER = (
    DecisionKind.NONE,
    DecisionKind.SCHEDULED,
    DecisionKind.SPECIALIST,
    DecisionKind.MANAGEMENT,
    DecisionKind.IMMEDIATE,
)
_URGENCY_ORDER = (Urgency.SCHEDULED, Urgency.STANDARD, Urgency.URGENT, Urgency.IMMEDIATE)
_LEAST_LESSONS = 5
_LEAVES_IN_ANGER_ABOVE = 40
"""Frustration above which a threat to leave is more than a wish to cancel. Later messages use the same limit."""
_HARD_RULE_REASONS = {
    "high_frustration": "The customer is extremely frustrated.",
    "legal_threats": "The customer announces legal steps.",
    "executive_involvement": "Executives are involved.",
    "high_risk_score": "The overall risk is above the limit.",
    "extreme_complexity": "The resolution is beyond this level.",
    "critical_outage": "The service is down for many.",
    "security_incident": "A security incident is reported.",
    "no_reply_address": "The customer cannot be answered by e-mail, so a person must reach them.",
}
_NOT_PRESSING_RULES = frozenset({"no_reply_address"})
"""Hard rules that say that people get the case, and not that they get it at once."""


def hard_rules(classification: Classification, analysis: Analysis, risk: Risk, policy: RiskPolicy) -> tuple[str, ...]:
    """Names of the hard rules that fired. The first five and their order: escalation reference document, step 2."""
    signals, indicators = classification.signals, classification.urgency_indicators
    critical = classification.priority in (Priority.CRITICAL, Priority.URGENT)
    fired = {
        "high_frustration": analysis.frustration > policy.immediate_frustration_above,
        "legal_threats": EscalationSignal.LEGAL_THREATS in signals,
        "executive_involvement": EscalationSignal.EXECUTIVE_INVOLVEMENT in signals,
        "high_risk_score": risk.overall > policy.immediate_overall_above,
        "extreme_complexity": analysis.resolution_complexity > policy.immediate_resolution_complexity_above,
        "critical_outage": UrgencyIndicator.OUTAGE_RELATED in indicators
        and classification.priority is Priority.CRITICAL,
        "security_incident": UrgencyIndicator.SECURITY_RELATED in indicators and critical,
        "no_reply_address": EscalationSignal.NO_REPLY_ADDRESS in signals,
    }
    return tuple(name for name, applies in fired.items() if applies)


def by_hard_rules(case: Case, rules: tuple[str, ...]) -> Proposal | None:
    """The least that the hard rules demand; None when none fired."""
    if not rules:
        return None
    reasons = tuple(_HARD_RULE_REASONS[name] for name in rules)
    if set(rules) <= _NOT_PRESSING_RULES:
        return Proposal(
            kind=DecisionKind.SPECIALIST,
            urgency=Urgency.STANDARD,
            team=case.category_team,
            reasons=reasons,
            confidence=1,
        )
    # A lawyer or an executive speaks to senior people at once; bare anger over a broken relationship to its owners.
    about_trust = set(rules) <= {"high_frustration", "high_risk_score", *_NOT_PRESSING_RULES} and case.is_relationship
    kind = DecisionKind.MANAGEMENT if about_trust else DecisionKind.IMMEDIATE
    return Proposal(kind=kind, urgency=Urgency.IMMEDIATE, team=case.team_for(kind), reasons=reasons, confidence=1)


def by_rules(case: Case, past: list[OutcomeRecord]) -> Proposal:
    """What the rules choose when no hard rule fired and no model spoke."""
    kind, urgency, reason = _choice(case)
    kind, lesson = _with_lessons(kind, case, past)
    reasons = (reason, lesson) if lesson else (reason,)
    return Proposal(kind=kind, urgency=urgency, team=case.team_for(kind), reasons=reasons, confidence=0.7)


def _choice(case: Case) -> tuple[DecisionKind, Urgency, str]:
    classification, analysis, policy = case.classification, case.analysis, case.policy.risk
    signals = set(classification.signals)
    pressing = classification.priority in (Priority.CRITICAL, Priority.URGENT)
    important = case.ticket.customer.tier in IMPORTANT_TIERS
    hurts = important or case.ticket.customer.tier is CustomerTier.AT_RISK
    soon = Urgency.URGENT if pressing else Urgency.STANDARD
    upset = analysis.frustration > policy.careful_above
    angry = analysis.frustration > _LEAVES_IN_ANGER_ABOVE
    leaves = EscalationSignal.CHURN_THREATS in signals and (hurts or angry)
    trust_at_stake = case.is_relationship and (upset or leaves)
    hard = (
        classification.complexity in (Complexity.COMPLEX, Complexity.EXPERT_REQUIRED)
        or analysis.overall_complexity > policy.specialist_complexity_above
    )
    rules = (
        (trust_at_stake, DecisionKind.MANAGEMENT, Urgency.URGENT, "The relationship with the customer is at risk."),
        (
            case.risk.overall > policy.management_risk_above and not case.is_service,
            DecisionKind.MANAGEMENT,
            Urgency.URGENT,
            "The overall risk is high.",
        ),
        (pressing, DecisionKind.SPECIALIST, Urgency.URGENT, "It is too pressing for this level."),
        (
            case.is_security and classification.priority.rank <= Priority.HIGH.rank,
            DecisionKind.SPECIALIST,
            Urgency.URGENT,
            "Only the security team may judge a report of a weakness.",
        ),
        (hard and case.is_service, DecisionKind.SPECIALIST, soon, "The matter is complex and needs a specialist."),
        (
            EscalationSignal.HUMAN_REQUESTED in signals,
            DecisionKind.SPECIALIST,
            soon,
            "The customer asks for a person.",
        ),
        (
            EscalationSignal.REPEATED_CONTACT in signals and classification.priority.rank <= Priority.HIGH.rank,
            DecisionKind.SPECIALIST,
            soon,
            "Earlier contacts did not solve it.",
        ),
        (
            case.is_service and important and classification.priority.rank <= Priority.HIGH.rank,
            DecisionKind.SPECIALIST,
            soon,
            "An important customer has a technical problem.",
        ),
        (
            upset,
            DecisionKind.SPECIALIST,
            soon,
            "The customer is upset.",
        ),
        (case.is_security, DecisionKind.SCHEDULED, Urgency.SCHEDULED, "The security team answers such questions."),
        (
            classification.category is Category.FEATURE_REQUEST and important,
            DecisionKind.SCHEDULED,
            Urgency.SCHEDULED,
            "An important customer has a wish.",
        ),
    )
    for applies, kind, urgency, reason in rules:
        if applies:
            return kind, urgency, reason
    return DecisionKind.NONE, Urgency.STANDARD, "It can be answered at this level."


def _with_lessons(kind: DecisionKind, case: Case, past: list[OutcomeRecord]) -> tuple[DecisionKind, str]:
    """What earlier outcomes of the same category and priority teach; at least five must speak, and by a majority."""
    alike = [
        record
        for record in past
        if record.category == case.classification.category.value
        and record.priority == case.classification.priority.value
        and record.escalated is (kind is not DecisionKind.NONE)
    ]
    if len(alike) < _LEAST_LESSONS:
        return kind, ""
    if kind is DecisionKind.NONE:
        wrong = sum(record.reopened > 0 or record.escalation_was_right is False for record in alike)
        if wrong * 2 > len(alike):
            return DecisionKind.SPECIALIST, "Similar cases that were not escalated came back more often than not."
    elif kind is DecisionKind.SPECIALIST and case.classification.priority.rank > Priority.HIGH.rank:
        needless = sum(record.escalation_was_right is False for record in alike)
        if needless * 2 > len(alike):
            return DecisionKind.SCHEDULED, "Similar cases were escalated needlessly more often than not."
    return kind, ""


def floor_for(case: Case, rules: tuple[str, ...], chosen: Proposal) -> Proposal | None:
    """The least escalation that no model's answer may go below; None when it may choose freely."""
    by_rule = by_hard_rules(case, rules)
    if by_rule is not None:
        return by_rule
    protected = (
        case.is_security and case.classification.priority.rank <= Priority.HIGH.rank
    ) or UrgencyIndicator.OUTAGE_RELATED in case.classification.urgency_indicators
    asked = EscalationSignal.HUMAN_REQUESTED in case.classification.signals
    return chosen if (protected or asked) and chosen.kind is not DecisionKind.NONE else None


def decide(  # noqa: PLR0917 - the case, what fired, what was proposed, what was learnt
    case: Case,
    rules: tuple[str, ...],
    proposal: Proposal | None,
    origin: Origin | None,
    past: list[OutcomeRecord],
    doubted: tuple[str, ...] = (),
) -> Decision:
    """The decision, with what the model proposed and whether the rules overrode it.

    `rules` are the hard rules that stand; `doubted` are those that fired on a model's word alone.
    """
    chosen = by_rules(case, past)
    floor = floor_for(case, rules, chosen)
    wanted = proposal or chosen
    kind, urgency = wanted.kind, wanted.urgency
    if floor is not None and KIND_ORDER.index(kind) < KIND_ORDER.index(floor.kind):
        kind = floor.kind
    pressing_rules = bool(set(rules) - _NOT_PRESSING_RULES)
    if pressing_rules and floor is not None:
        kind = floor.kind
    if floor is not None and _URGENCY_ORDER.index(urgency) < _URGENCY_ORDER.index(floor.urgency):
        urgency = floor.urgency
    if doubted and not pressing_rules:
        kind, urgency = claims.bounded(kind, urgency, doubted)
    if kind is DecisionKind.IMMEDIATE:
        urgency = Urgency.IMMEDIATE
    reasons = (*(floor.reasons if floor else ()), *wanted.reasons, *claims.reasons(doubted))
    team = _team(case, kind, wanted, by_hard_rule=pressing_rules)
    changed = proposal is not None and (
        (kind, urgency) != (proposal.kind, proposal.urgency) or (proposal.team is not None and proposal.team != team)
    )
    return Decision(
        kind=kind,
        urgency=urgency,
        team=team,
        also_notify=case.also_notified(kind, team, rules),
        reasons=tuple(dict.fromkeys(reasons)) or ("No reason was given.",),
        hard_rules=rules,
        recommended_actions=tuple(dict.fromkeys((*wanted.recommended_actions, *_actions(case, kind)))),
        special_instructions=_instructions(case, rules),
        confidence=floor.confidence if pressing_rules and floor else wanted.confidence,
        proposed=proposal,
        overridden=changed,
        origin=origin or Origin(provider="rules"),
    )


def _team(case: Case, kind: DecisionKind, wanted: Proposal, *, by_hard_rule: bool) -> str:
    """The model may name a team we have; at a hard rule, and for what it did not propose, the rules name it."""
    if by_hard_rule or wanted.team not in case.policy.teams or wanted.kind is not kind:
        return case.team_for(kind)
    return wanted.team or case.team_for(kind)


def _actions(case: Case, kind: DecisionKind) -> tuple[str, ...]:
    if kind is DecisionKind.NONE:
        return ()
    actions = ["Read the whole conversation before writing."]
    if case.is_security:
        actions.append("Contain first: revoke sessions and keys, then investigate and keep the evidence.")
    elif case.is_service:
        actions.append("Check the service's status and recent changes, and reproduce the problem.")
    if case.classification.category is Category.BILLING:
        actions.append("Compare the customer's charges with the contract before offering anything.")
    if EscalationSignal.REPEATED_CONTACT in case.classification.signals:
        actions.append("Say what went wrong with the earlier contacts, and name one owner until it is solved.")
    if EscalationSignal.LEGAL_THREATS in case.classification.signals:
        actions.append("Bring in the legal department before answering on liability.")
    return tuple(actions)


def _instructions(case: Case, rules: tuple[str, ...]) -> tuple[str, ...]:
    told: list[str] = []
    if "no_reply_address" in rules:
        told.append("There is no e-mail address: reach the customer on the channel they came by.")
    if "legal_threats" in rules:
        told.append("Admit and promise nothing in writing without the legal department.")
    if case.analysis.language != "en":
        told.append(f"The customer writes in language {case.analysis.language!r}.")
    if any("automatic assistant" in reason for reason in case.classification.reasons):
        told.append("The text holds instructions aimed at an automatic assistant: judge it with care.")
    return tuple(told)
