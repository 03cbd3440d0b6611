"""Does a ticket report a disruption of a service? Only what the customer's own words say counts, never a model's."""

from __future__ import annotations

from domain.rules.classification import SERVICE_CATEGORIES
from domain.rules.reading import Reading
from domain.tickets.disruption import Affected, Disruption, Symptom
from domain.tickets.ticket import Priority
from domain.triage.classification import Category, Classification, IssueType, UrgencyIndicator

_FUNCTIONS = "functions."
_MOST_FUNCTIONS = 3
"""A text that names more than this fits any incident, and so says nothing."""
_PRESSING = frozenset({Priority.CRITICAL, Priority.URGENT})


def affected_of(reading: Reading) -> Affected:
    """What fails, and how."""
    found = {
        Symptom.OUTAGE: reading.has("urgency.outage", "urgency.service_down"),
        Symptom.ERRORS: reading.has("urgency.broken", "topics.error"),
        Symptom.SLOW: reading.has("topics.performance"),
        Symptom.DATA_LOSS: reading.has("urgency.data_loss"),
    }
    functions = [
        table.removeprefix(_FUNCTIONS) for table in reading.hits if table.startswith(_FUNCTIONS) and reading.has(table)
    ]
    return Affected(
        symptoms=tuple(symptom for symptom in Symptom if found[symptom]), functions=tuple(sorted(functions))
    )


def disruption_of(reading: Reading, classification: Classification, own: Classification) -> Disruption | None:
    """The disruption that a ticket reports; None for all other tickets.

    Args:
        reading: of the ticket.
        classification: of triage, where a model may have had a say.
        own: what the rules alone say of it; a stated priority counts in neither.
    """
    if own.category is Category.SECURITY or classification.category is Category.SECURITY:
        return None  # a security incident is not looked into with logs and restarts
    technical = own.category in SERVICE_CATEGORIES or UrgencyIndicator.OUTAGE_RELATED in own.urgency_indicators
    asks = own.issue_type is IssueType.QUESTION and reading.has("issues.question")
    if not technical or asks or own.issue_type is IssueType.COMPLIMENT:
        return None
    seen, wide = affected_of(reading), reading.has("urgency.wide")
    outage = reading.has("urgency.outage")
    down = reading.has("urgency.service_down") and (wide or bool(seen.functions))
    degraded = wide and bool(seen.functions) and bool(seen.symptoms) and not _is_talk(reading)
    if not (outage or down or degraded):
        return None
    doubtful = reading.has("context.manipulation") or len(seen.functions) > _MOST_FUNCTIONS
    return Disruption(
        symptoms=seen.symptoms,
        functions=seen.functions,
        wide=wide,
        pressing=outage and classification.priority in _PRESSING and own.priority in _PRESSING,
        doubtful=doubtful,
        reasons=_reasons(outage or down, seen, wide=wide, doubtful=doubtful),
    )


def _is_talk(reading: Reading) -> bool:
    """It is about what might happen, or what is over."""
    return reading.has("context.hypothetical") or (reading.has("context.past") and not reading.has("context.anew"))


def _reasons(down: bool, seen: Affected, *, wide: bool, doubtful: bool) -> tuple[str, ...]:
    what = ", ".join(name.replace("_", " ") for name in seen.functions)
    said = "an outage" if down else "a degradation"
    reasons = [f"The ticket reports {said}{f' of {what}' if what and not doubtful else ''}"]
    if wide:
        reasons.append("It says that many people are affected")
    if doubtful:
        reasons.append("Its words are doubtful, so a person judges it")
    return tuple(reasons)
