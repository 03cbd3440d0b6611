"""What a model says, with the rules as its floor: a model may see more than the rules, and never less."""

from __future__ import annotations

from typing import TypeVar

from domain.model import Term
from domain.tickets.ticket import Priority
from domain.triage.analysis import Analysis
from domain.triage.classification import Category, Classification, UrgencyIndicator
from domain.triage.conversation import MessageAssessment

TermT = TypeVar("TermT", bound=Term)
_MOST_ENTITIES = 30


def more_pressing(first: Priority, second: Priority) -> Priority:
    """The one that is served sooner."""
    return first if first.rank <= second.rank else second


def union(first: tuple[TermT, ...], second: tuple[TermT, ...]) -> tuple[TermT, ...]:
    """Both, each once, in the order of the vocabulary."""
    both = {*first, *second}
    return tuple(term for term in type(next(iter(both))) if term in both) if both else ()


def classification(model: Classification, rules: Classification) -> Classification:
    """A model's classification: it keeps every signal of the rules, and is never less pressing than they are.

    The customer's type is a fact of the ticket and no matter of opinion. A security incident stays one.
    """
    is_incident = rules.category is Category.SECURITY and UrgencyIndicator.SECURITY_RELATED in rules.urgency_indicators
    return model.model_copy(
        update={
            "category": rules.category if is_incident else model.category,
            "priority": more_pressing(model.priority, rules.priority),
            "customer_type": rules.customer_type,
            "urgency_indicators": union(model.urgency_indicators, rules.urgency_indicators),
            "signals": union(model.signals, rules.signals),
            "entities": tuple(dict.fromkeys((*model.entities, *rules.entities)))[:_MOST_ENTITIES],
            "reasons": tuple(dict.fromkeys((*model.reasons, *rules.reasons))),
        }
    )


def analysis(model: Analysis, rules: Analysis) -> Analysis:
    """A model's analysis; frustration, urgency and the risks to the relationship never fall below the rules'."""
    floors = ("frustration", "perceived_urgency", "churn_risk", "publicity_risk")
    update: dict[str, object] = {name: max(getattr(model, name), getattr(rules, name)) for name in floors}
    if len(model.language) != 2 or not model.language.isalpha():
        update["language"] = rules.language
    update["reasons"] = tuple(dict.fromkeys((*model.reasons, *rules.reasons)))
    return model.model_copy(update=update)


def assessment(model: MessageAssessment, rules: MessageAssessment) -> MessageAssessment:
    """A model's look at a later message: it may escalate more, and cannot resolve where the rules refuse."""
    escalates = model.escalates or rules.escalates
    return model.model_copy(
        update={
            "intent": rules.intent if rules.escalates and not model.escalates else model.intent,
            "frustration": max(model.frustration, rules.frustration),
            "escalates": escalates,
            "resolves": model.resolves and rules.resolves and not escalates,
            "priority": more_pressing(model.priority, rules.priority),
            "signals": union(model.signals, rules.signals),
            "reasons": tuple(dict.fromkeys((*model.reasons, *rules.reasons))),
        }
    )
