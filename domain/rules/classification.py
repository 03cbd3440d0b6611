"""Step 1 of triage by rules: category, priority, issue type, urgency indicators, signals, likelihood of resolution."""

from __future__ import annotations

from domain.rules.complexity import complexity_of
from domain.rules.entities import entities_of
from domain.rules.phrases import spoken
from domain.rules.reading import Reading
from domain.tickets.ticket import Customer, CustomerTier, Priority, Ticket
from domain.triage.classification import (
    Category,
    Classification,
    Complexity,
    EscalationSignal,
    IssueType,
    ResolutionLikelihood,
    UrgencyIndicator,
)

_WEIGHTS = {"heavy": 3.0, "normal": 2.0, "light": 1.0}
_SUBJECT_FACTOR = 2.0
_MOST_COUNTED = 4
"""A category is not more likely because one phrase fills the page."""
IMPORTANT_TIERS = frozenset({CustomerTier.ENTERPRISE, CustomerTier.VIP})
SERVICE_CATEGORIES = frozenset({Category.TECHNICAL, Category.INTEGRATION, Category.BUG_REPORT})
"""Categories about something that should work and does not: engineers settle them."""


def category_of(reading: Reading) -> tuple[Category, float, tuple[str, ...]]:
    """The category, how sure it is (0-1), and the phrases that led to it."""
    scores = {category: _score(reading, category) for category in Category}
    if reading.has("urgency.incident", "urgency.vulnerability"):
        scores[Category.SECURITY] += 14
    if reading.has("urgency.outage") and reading.has("urgency.wide"):
        scores[Category.TECHNICAL] += 8
    if _only_kind(reading):
        scores[Category.GENERAL_INQUIRY] += 6
    best = max(scores, key=lambda category: (scores[category], category is not Category.GENERAL_INQUIRY))
    if scores[best] < 1:
        return Category.GENERAL_INQUIRY, 0.3, ()
    second = max(score for category, score in scores.items() if category is not best)
    confidence = min(0.95, 0.4 + 0.5 * (scores[best] - second) / scores[best] + 0.02 * scores[best])
    phrases = [hit.phrase for weight in _WEIGHTS for hit in reading.found(f"categories.{best.value}.{weight}")]
    return best, round(confidence, 2), tuple(dict.fromkeys(phrases))[:4]


def _score(reading: Reading, category: Category) -> float:
    total = 0.0
    for weight, points in _WEIGHTS.items():
        table = f"categories.{category.value}.{weight}"
        in_subject = {hit.phrase for hit in reading.found(table) if hit.start < reading.subject_words}
        in_body = {hit.phrase for hit in reading.found(table)} - in_subject
        total += points * (_SUBJECT_FACTOR * min(len(in_subject), 2) + min(len(in_body), _MOST_COUNTED))
    return total


def _only_kind(reading: Reading) -> bool:
    praised = reading.has("feelings.praise") and (
        reading.has("conversation.solved") or not reading.has("urgency.broken")
    )
    return praised and not reading.has(
        "issues.question", "issues.request", "feelings.sarcasm", "feelings.strong", "signals.churn", "conversation.but"
    )


def indicators_of(reading: Reading, category: Category) -> tuple[UrgencyIndicator, ...]:
    """Why it cannot wait."""
    found = {
        UrgencyIndicator.OUTAGE_RELATED: reading.has("urgency.outage"),
        UrgencyIndicator.REVENUE_AFFECTING: reading.has("urgency.revenue"),
        UrgencyIndicator.BUSINESS_IMPACTING: reading.has("urgency.business", "urgency.revenue")
        and _is_trouble(reading),
        UrgencyIndicator.SECURITY_RELATED: category is Category.SECURITY or reading.has("urgency.incident"),
    }
    return tuple(indicator for indicator in UrgencyIndicator if found[indicator])


def _is_trouble(reading: Reading) -> bool:
    return reading.has("urgency.broken", "urgency.outage", "urgency.service_down", "urgency.incident")


def signals_of(reading: Reading, ticket: Ticket) -> tuple[EscalationSignal, ...]:
    """What speaks for passing it up."""
    customer = ticket.customer
    found = {
        EscalationSignal.FRUSTRATED_LANGUAGE: reading.has("feelings.strong", "feelings.insults", "feelings.sarcasm")
        or reading.places("feelings.mild") >= 2,
        EscalationSignal.LEGAL_THREATS: reading.has("signals.legal"),
        EscalationSignal.PREVIOUS_ESCALATIONS: bool(customer.escalation_history)
        or reading.has("signals.escalated_before"),
        EscalationSignal.EXECUTIVE_INVOLVEMENT: reading.has("signals.executive"),
        EscalationSignal.REPEATED_CONTACT: reading.has("signals.repeated"),
        EscalationSignal.PUBLICITY_THREATS: reading.has("signals.publicity"),
        EscalationSignal.CHURN_THREATS: reading.has("signals.churn"),
        EscalationSignal.NO_REPLY_ADDRESS: not ticket.can_be_answered,
        EscalationSignal.HUMAN_REQUESTED: reading.has("signals.wants_human"),
    }
    return tuple(signal for signal in EscalationSignal if found.get(signal, False))


def issue_type_of(reading: Reading, category: Category) -> IssueType:
    """What the customer wants of us."""
    if _only_kind(reading):
        return IssueType.COMPLIMENT
    upset = reading.has("feelings.strong", "feelings.insults", "feelings.sarcasm")
    if reading.has("issues.complaint") and (upset or reading.has("feelings.mild")):
        return IssueType.COMPLAINT
    if category is Category.FEATURE_REQUEST:
        return IssueType.REQUEST
    if _is_trouble(reading):
        return IssueType.PROBLEM
    if reading.has("issues.question"):
        return IssueType.QUESTION
    return IssueType.REQUEST if reading.has("issues.request") else IssueType.QUESTION


def priority_of(
    reading: Reading, ticket: Ticket, category: Category, issue: IssueType, complexity: Complexity
) -> tuple[Priority, str]:
    """The priority and the rule that set it. What the customer stated may raise it and never lowers it."""
    priority, reason = _priority_by_words(reading, ticket.customer, category, issue, complexity)
    if ticket.stated_priority is not None and ticket.stated_priority.rank < priority.rank:
        return ticket.stated_priority, "The sender stated it."
    return priority, reason


def _priority_by_words(
    reading: Reading, customer: Customer, category: Category, issue: IssueType, complexity: Complexity
) -> tuple[Priority, str]:
    floor = _protected_priority(reading, customer)
    if floor is not None:
        return floor
    trouble = issue in (IssueType.PROBLEM, IssueType.COMPLAINT)
    rules = (
        (reading.has("signals.executive"), Priority.HIGH, "Executives are involved."),
        (reading.has("urgency.vulnerability"), Priority.HIGH, "Somebody reports a weakness."),
        (trouble and reading.has("urgency.revenue"), Priority.HIGH, "Revenue is affected."),
        (trouble and reading.has("urgency.data_loss"), Priority.HIGH, "The customer's data is gone."),
        (
            trouble and reading.has("urgency.business") and category in SERVICE_CATEGORIES,
            Priority.HIGH,
            "It stops work.",
        ),
        (issue is IssueType.COMPLIMENT, Priority.LOW, "A compliment."),
        (_relationship_at_risk(reading, customer, trouble=trouble), Priority.HIGH, "The relationship is at risk."),
        (trouble and customer.tier in IMPORTANT_TIERS, Priority.HIGH, "An important customer has a problem."),
        (trouble and reading.has("urgency.pressing", "urgency.deadline"), Priority.HIGH, "It is pressing."),
        (trouble and complexity is Complexity.EXPERT_REQUIRED, Priority.HIGH, "It takes an expert."),
        (category is Category.FEATURE_REQUEST, Priority.LOW, "A wish."),
        (trouble, Priority.MEDIUM, "Something does not work."),
        (customer.tier in IMPORTANT_TIERS, Priority.MEDIUM, "An important customer asks."),
        (reading.has("urgency.pressing", "urgency.deadline"), Priority.MEDIUM, "It is pressing."),
        (
            category in (Category.ACCOUNT, Category.BILLING, Category.SECURITY),
            Priority.MEDIUM,
            "It concerns an account.",
        ),
    )
    for applies, priority, reason in rules:
        if applies:
            return (_one_lower(priority), reason) if reading.has("urgency.can_wait") else (priority, reason)
    return Priority.LOW, "A question or a compliment."


def _protected_priority(reading: Reading, customer: Customer) -> tuple[Priority, str] | None:
    """Outage, security and legal: no word such as `not urgent`, and no model, lowers these."""
    if reading.has("urgency.outage") and (reading.has("urgency.wide") or reading.has("urgency.revenue")):
        return Priority.CRITICAL, "The service is down for many."
    if reading.has("urgency.incident"):
        wide = reading.has("urgency.wide") or customer.tier in IMPORTANT_TIERS
        return (Priority.CRITICAL if wide else Priority.URGENT), "A security incident is reported."
    if reading.has("urgency.outage", "urgency.service_down") and reading.has("urgency.broken", "urgency.outage"):
        return Priority.URGENT, "The service is down."
    if reading.has("signals.legal"):
        return Priority.HIGH, "Legal steps are announced."
    return None


def _relationship_at_risk(reading: Reading, customer: Customer, *, trouble: bool) -> bool:
    """A threat or repeated contact, from somebody with trouble, in anger, or whose leaving would hurt most.

    Who was left waiting and now threatens means it, however calm the words.
    """
    upset = reading.has("feelings.strong", "feelings.mild", "feelings.insults", "feelings.sarcasm")
    matters = customer.tier in IMPORTANT_TIERS or customer.tier is CustomerTier.AT_RISK
    threatens = reading.has("signals.churn", "signals.publicity")
    ignored = reading.has("signals.repeated", "feelings.time_lost")
    return (reading.has("signals.repeated") and (trouble or upset or matters)) or (
        threatens and (trouble or upset or matters or ignored)
    )


def _one_lower(priority: Priority) -> Priority:
    ranked = list(Priority)
    return ranked[min(priority.rank, len(ranked) - 1)]


def likelihood_of(
    category: Category, complexity: Complexity, signals: tuple[EscalationSignal, ...], issue: IssueType
) -> ResolutionLikelihood:
    """Can it be solved at this level?"""
    people_only = {EscalationSignal.LEGAL_THREATS, EscalationSignal.EXECUTIVE_INVOLVEMENT}
    if people_only & set(signals) or complexity is Complexity.EXPERT_REQUIRED:
        return ResolutionLikelihood.REQUIRES_HUMAN
    if EscalationSignal.HUMAN_REQUESTED in signals or EscalationSignal.NO_REPLY_ADDRESS in signals:
        return ResolutionLikelihood.REQUIRES_HUMAN
    if complexity is Complexity.COMPLEX or category is Category.SECURITY:
        return ResolutionLikelihood.LOW
    if complexity is Complexity.SIMPLE and issue is not IssueType.COMPLAINT:
        return ResolutionLikelihood.HIGH
    return ResolutionLikelihood.MEDIUM


def classify(ticket: Ticket, reading: Reading) -> Classification:
    """Step 1 as a whole. Quotes phrases of the tables, never the customer's own words."""
    category, confidence, phrases = category_of(reading)
    issue = issue_type_of(reading, category)
    complexity = complexity_of(reading, category)
    signals = signals_of(reading, ticket)
    priority, why = priority_of(reading, ticket, category, issue, complexity)
    said = ", ".join(dict.fromkeys(map(spoken, phrases)))
    words = f"Category by: {said}." if said else "No phrase of the tables speaks for a category."
    notes = (words, f"Priority: {why}", *manipulation_note(reading))
    return Classification(
        category=category,
        priority=priority,
        complexity=complexity,
        customer_type=ticket.customer.tier,
        issue_type=issue,
        urgency_indicators=indicators_of(reading, category),
        signals=signals,
        resolution_likelihood=likelihood_of(category, complexity, signals, issue),
        entities=entities_of(reading.text),
        confidence=confidence,
        reasons=notes,
    )


def manipulation_note(reading: Reading) -> tuple[str, ...]:
    """A warning when the text holds instructions for an automatic assistant."""
    if not reading.has("context.manipulation"):
        return ()
    return ("The text holds instructions aimed at an automatic assistant; they were not followed.",)
