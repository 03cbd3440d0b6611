"""What a model alone claims and the text does not bear out: it is kept, people look at it, nobody is rushed."""

from __future__ import annotations

from domain.tickets.ticket import Priority
from domain.triage.analysis import Analysis, Tone
from domain.triage.classification import Classification, EscalationSignal
from domain.triage.decision import DecisionKind, Urgency

_CALM_UP_TO = 20
"""Frustration by rules up to which a text shows no anger."""
_EASY_UP_TO = 45
"""Resolution complexity by rules up to which nothing in a text speaks for a hard case."""
_NOT_UNDERSTOOD = 0.3
"""Confidence of a text in which no phrase of the tables was found; there the model knows better."""
_OF_THE_RECORD = frozenset({EscalationSignal.NO_REPLY_ADDRESS, EscalationSignal.PREVIOUS_ESCALATIONS})
"""Signals that come from the customer's record and say nothing of the text."""
_FROM_WORDS = frozenset({"high_frustration", "legal_threats", "executive_involvement", "high_risk_score"})
_CLAIMS = {
    "high_frustration": "A model finds the customer extremely frustrated",
    "legal_threats": "A model reads a legal threat",
    "executive_involvement": "A model reads that executives are involved",
    "high_risk_score": "A model's scores put the risk above the limit",
    "extreme_complexity": "A model finds the resolution beyond this level",
}
_A_PERSON_CHECKS = frozenset({"legal_threats", "executive_involvement"})


def unsupported(
    fired: tuple[str, ...], by_rules: tuple[str, ...], classification: Classification, analysis: Analysis
) -> tuple[str, ...]:
    """Hard rules that fired on a model's word alone.

    Args:
        fired: the hard rules that fired on what the model and the rules found together.
        by_rules: those that fire on what the rules alone find in the ticket.
        classification: the rules' own.
        analysis: the rules' own.
    """
    if not _reads_calmly(classification, analysis):
        return ()
    doubtful = set(_FROM_WORDS)
    if analysis.resolution_complexity <= _EASY_UP_TO:
        doubtful.add("extreme_complexity")
    return tuple(name for name in fired if name in doubtful and name not in by_rules)


def _reads_calmly(classification: Classification, analysis: Analysis) -> bool:
    """Whether the rules understand the text and find neither anger, threat nor pressure in it."""
    return (
        classification.confidence > _NOT_UNDERSTOOD
        and analysis.frustration <= _CALM_UP_TO
        and analysis.tone not in (Tone.NEGATIVE, Tone.VERY_NEGATIVE)
        and set(classification.signals) <= _OF_THE_RECORD
        and classification.priority.rank >= Priority.MEDIUM.rank
    )


def bounded(kind: DecisionKind, urgency: Urgency, doubted: tuple[str, ...]) -> tuple[DecisionKind, Urgency]:
    """A decision that rests on doubted claims: a specialist at most, and for a doubted threat a specialist at least."""
    if kind in (DecisionKind.IMMEDIATE, DecisionKind.MANAGEMENT):
        kind = DecisionKind.SPECIALIST
    elif kind in (DecisionKind.NONE, DecisionKind.SCHEDULED) and _A_PERSON_CHECKS & set(doubted):
        kind, urgency = DecisionKind.SPECIALIST, Urgency.STANDARD
    return kind, Urgency.URGENT if urgency is Urgency.IMMEDIATE else urgency


def reasons(doubted: tuple[str, ...]) -> tuple[str, ...]:
    """What the model claims, in words for the people who decide."""
    return tuple(f"{_CLAIMS[name]}; the text does not bear it out." for name in doubted)
