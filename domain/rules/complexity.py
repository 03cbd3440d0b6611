"""How hard a case is: technically, to talk about, in process, and to resolve. Scores are 0-100."""

from __future__ import annotations

from dataclasses import dataclass

from domain.rules.reading import Reading
from domain.tickets.ticket import Customer
from domain.triage.classification import Category, Complexity

_BASE = {
    Category.TECHNICAL: 38,
    Category.INTEGRATION: 46,
    Category.BUG_REPORT: 42,
    Category.SECURITY: 48,
    Category.FEATURE_REQUEST: 22,
    Category.BILLING: 20,
    Category.ACCOUNT: 18,
    Category.PRODUCT: 16,
    Category.GENERAL_INQUIRY: 10,
}
_TERM_POINTS = 3
_MOST_TERM_POINTS = 24
_HARDEST_QUESTION = 45
_EXPERT_FROM = 84
"""Much technical talk alone is complex; it takes an outage or an incident to need an expert."""
_LONG_TEXT_WORDS = 400
_SHORT_TEXT_WORDS = 6


@dataclass(frozen=True)
class ComplexityScores:
    """The four kinds of complexity and their mean."""

    technical: int
    communication: int
    process: int
    resolution: int

    @property
    def overall(self) -> int:
        """Weighted to what costs most: the technical side and the resolution."""
        parts = 0.35 * self.technical + 0.10 * self.communication + 0.20 * self.process + 0.35 * self.resolution
        return _bounded(parts)


def _bounded(value: float) -> int:
    return max(0, min(100, round(value)))


def technical_score(reading: Reading, category: Category) -> int:
    """How difficult the matter is technically."""
    terms = reading.count("complexity.technical_terms") + reading.count("complexity.expert_talk")
    score = _BASE[category] + min(terms * _TERM_POINTS, _MOST_TERM_POINTS)
    broken = reading.has("urgency.broken", "urgency.outage", "urgency.service_down")
    if broken or category in (Category.SECURITY, Category.BUG_REPORT):
        score += 10 if reading.has("complexity.unstable") else 0
        score += 14 if reading.has("urgency.outage") else 0
        score += 8 if reading.has("urgency.outage") and reading.has("urgency.wide") else 0
        score += 6 if reading.has("complexity.many_systems") else 0
        score += 8 if reading.has("urgency.incident") else 0
    else:
        # A question with many technical words is still a question.
        score = min(score - 12, _HARDEST_QUESTION)
    if reading.has("complexity.simple") and not reading.has("urgency.outage", "complexity.unstable"):
        score -= 14
    return _bounded(score)


def complexity_of(reading: Reading, category: Category) -> Complexity:
    """The complexity as a word, from the technical score."""
    score = technical_score(reading, category)
    if score >= _EXPERT_FROM or (reading.has("urgency.outage") and reading.has("urgency.wide")):
        return Complexity.EXPERT_REQUIRED
    if score >= 54 or reading.has("urgency.data_loss"):
        return Complexity.COMPLEX
    # What earlier contacts did not solve is not simple, however plain it looks.
    return Complexity.MODERATE if score >= 26 or reading.has("signals.repeated") else Complexity.SIMPLE


def scores_of(reading: Reading, category: Category, frustrated: int, customer: Customer) -> ComplexityScores:
    """All four scores."""
    technical = technical_score(reading, category)
    length = len(reading.words)
    communication = 15 + frustrated * 0.3
    communication += 20 if length > _LONG_TEXT_WORDS else 0
    communication += 15 if length < _SHORT_TEXT_WORDS else 0
    communication += 10 if reading.language != "en" else 0
    process = 15
    process += 20 if reading.has("signals.repeated") else 0
    process += 20 if reading.has("signals.legal") else 0
    process += 15 if reading.has("signals.executive") else 0
    process += 10 if customer.escalation_history else 0
    process += 10 if reading.has("complexity.many_systems", "urgency.wide") else 0
    process += 10 if category in (Category.BILLING, Category.SECURITY) else 0
    resolution = max(technical, 0.8 * technical + 0.35 * process)
    resolution += 8 if reading.has("complexity.unstable") else 0
    return ComplexityScores(
        technical=technical,
        communication=_bounded(communication),
        process=_bounded(process),
        # Rules cannot tell that a case is beyond anyone's reach: only a model may say more than 90.
        resolution=min(_bounded(resolution), 90),
    )
