"""What a ticket says of the customer: tone, style, knowledge."""

from __future__ import annotations

from domain.model import Term, Value
from domain.tickets.ticket import Score


class Tone(Term):
    """The overall emotional tone."""

    VERY_NEGATIVE = "very_negative"
    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"
    VERY_POSITIVE = "very_positive"


class CommunicationStyle(Term):
    """How the customer writes, and so how we answer."""

    FORMAL = "formal"
    CASUAL = "casual"
    TECHNICAL = "technical"
    EMOTIONAL = "emotional"
    AGGRESSIVE = "aggressive"


class KnowledgeLevel(Term):
    """How much the customer knows of the technology."""

    NOVICE = "novice"
    INTERMEDIATE = "intermediate"
    EXPERT = "expert"


class Analysis(Value):
    """Step 2 of triage, made at the same time as step 1: tone, frustration, complexity, risks. Scores are 0-100."""

    tone: Tone
    frustration: Score
    perceived_urgency: Score
    resolution_confidence: Score
    """How much the customer still expects to be helped."""
    style: CommunicationStyle
    knowledge_level: KnowledgeLevel
    language: str = "en"
    """ISO 639-1 code of the language the customer writes in."""
    technical_complexity: Score
    communication_complexity: Score
    process_complexity: Score
    resolution_complexity: Score
    overall_complexity: Score
    churn_risk: Score
    publicity_risk: Score
    reasons: tuple[str, ...] = ()
