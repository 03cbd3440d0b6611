"""What a report or a question is about, by patterns. A model may judge next; both answers are recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from domain.text.normalise import normalise_text
from domain.tickets.ticket import Priority
from domain.triage.classification import Complexity
from domain.troubleshooting.evidence import EvidenceKind, EvidenceRef
from domain.troubleshooting.incident import Entities, IncidentClassification
from domain.troubleshooting.intake_patterns import DOMAINS, HARD, INTENTS, NEGATED, URGENCIES, Clue
from domain.troubleshooting.naming import LOOKED_AT, entities_of
from domain.troubleshooting.terms import QueryIntent, TechnicalDomain

MOST_CONFIDENT = 0.95
"""Patterns are never certain."""
_TITLE_FACTOR = 1.5
_MOST_COUNTED = 3
"""A word that fills the page does not decide alone."""
_ASKS_ONLY = frozenset(
    {QueryIntent.EXPLANATION, QueryIntent.STATUS_CHECK, QueryIntent.CONFIGURATION, QueryIntent.BEST_PRACTICES}
)
_HARDNESS = {
    QueryIntent.EXPLANATION: 0,
    QueryIntent.STATUS_CHECK: 0,
    QueryIntent.BEST_PRACTICES: 1,
    QueryIntent.CONFIGURATION: 1,
    QueryIntent.TROUBLESHOOTING: 2,
    QueryIntent.ROOT_CAUSE_ANALYSIS: 3,
    QueryIntent.INCIDENT_RESPONSE: 3,
}
_RAW = frozenset({EvidenceKind.LOGS, EvidenceKind.METRICS, EvidenceKind.TRACES, EvidenceKind.KUBERNETES})
"""Evidence that wants to be worked through."""
_DOMAIN_OF = {EvidenceKind.KUBERNETES: TechnicalDomain.KUBERNETES}

Word = TypeVar("Word", bound=str)


def classify(
    text: str,
    evidence: tuple[EvidenceRef, ...] = (),
    *,
    known_services: Iterable[str] = (),
    urgency: Priority | None = None,
) -> IncidentClassification:
    """Classify a report or a question.

    Args:
        text: title in the first line, then the description; from outside, and taken as data.
        evidence: what came with it.
        known_services: names that are known already.
        urgency: as the reporter sees it; the words may raise it and never lower it.
    """
    text = normalise_text(text[:LOOKED_AT])
    read = text.lower()
    intents = _scores(INTENTS, read)
    raw = [one for one in evidence if one.kind in _RAW]
    if raw:
        intents[QueryIntent.TROUBLESHOOTING] += 3.0
    intent, sure = _best(intents, QueryIntent.TROUBLESHOOTING)
    if raw and intent in _ASKS_ONLY and intents[QueryIntent.TROUBLESHOOTING] >= 4:
        intent = QueryIntent.TROUBLESHOOTING
    domains = _scores(DOMAINS, read)
    for one in evidence:
        if one.kind in _DOMAIN_OF:
            domains[_DOMAIN_OF[one.kind]] += 3.0
    domain, domain_sure = _best(domains, TechnicalDomain.GENERAL)
    entities = entities_of(text, [*known_services, *(one.service for one in evidence if one.service)])
    complexity, why_hard = _complexity(read, intent, len(raw), domains, entities)
    how_soon, why_soon = _urgency(read, intent, urgency)
    reasons = [
        *_reasons(f"{intent.label}", INTENTS.get(intent, ()), read),
        *_reasons(f"{domain.label}", DOMAINS.get(domain, ()), read),
        *why_soon,
        *why_hard,
        *([f"{len(raw)} pieces of evidence to work through"] if raw else []),
    ]
    return IncidentClassification(
        intent=intent,
        complexity=complexity,
        domain=domain,
        urgency=how_soon,
        entities=entities,
        confidence=round(min(MOST_CONFIDENT, 0.7 * sure + 0.3 * domain_sure), 2),
        reasons=tuple(dict.fromkeys(reasons)) or ("No word says what it is about.",),
    )


def _scores(table: Mapping[Word, tuple[Clue, ...]], text: str) -> dict[Word, float]:
    title = text.split("\n", 1)[0]
    return {
        word: sum(
            clue.weight
            * (
                _holds(clue, text, _MOST_COUNTED) ** 0.5
                + (_TITLE_FACTOR - 1) * (_holds(clue, title, 1) if title != text else 0)
            )
            for clue in clues
        )
        for word, clues in table.items()
    }


def _holds(clue: Clue, text: str, most: int) -> int:
    """How often a clue stands there and is not denied, up to `most`."""
    count = 0
    for match in clue.pattern.finditer(text):
        if not NEGATED.search(text[max(0, match.start() - 24) : match.start()]):
            count += 1
            if count == most:
                break
    return count


def _best(scores: Mapping[Word, float], otherwise: Word) -> tuple[Word, float]:
    """The highest score, and how sure it is (0 to 1); `otherwise` with little confidence where nothing speaks."""
    ordered = sorted(scores.items(), key=lambda entry: -entry[1])
    (best, most), second = ordered[0], ordered[1][1] if len(ordered) > 1 else 0.0
    if most < 0.5:
        return otherwise, 0.2
    return best, min(MOST_CONFIDENT, 0.35 + 0.45 * (most - second) / most + 0.03 * most)


def _complexity(
    text: str, intent: QueryIntent, raw: int, domains: Mapping[TechnicalDomain, float], entities: Entities
) -> tuple[Complexity, list[str]]:
    """How hard it is, by points, and why."""
    hard = [clue.label for clue in HARD if _holds(clue, text, 1)]
    touched = [
        domain for domain, score in domains.items() if score >= 2.0 and domain is not TechnicalDomain.APPLICATION
    ]
    points = _HARDNESS[intent] + len(set(hard))
    if intent not in _ASKS_ONLY:
        points += min(raw, 1) + (len(entities.services) >= 2) + (len(entities.services) >= 4) + (len(touched) >= 3)
    level = (
        Complexity.SIMPLE
        if points <= 0
        else Complexity.MODERATE
        if points <= 2
        else Complexity.COMPLEX
        if points <= 4
        else Complexity.EXPERT_REQUIRED
    )
    return level, list(dict.fromkeys(hard))


def _urgency(text: str, intent: QueryIntent, hint: Priority | None) -> tuple[Priority, list[str]]:
    """How soon, and why. A question about an outage is no outage."""
    found = {level: [clue.label for clue in clues if _holds(clue, text, 1)] for level, clues in URGENCIES.items()}
    base = Priority.LOW if intent in _ASKS_ONLY else Priority.MEDIUM
    level = next((level for level in (Priority.CRITICAL, Priority.URGENT, Priority.HIGH) if found[level]), base)
    reasons = found.get(level, [])
    if intent in _ASKS_ONLY and intent is not QueryIntent.STATUS_CHECK:
        level, reasons = base, []
    elif intent is QueryIntent.STATUS_CHECK:
        level, reasons = Priority.MEDIUM, []
    if found[Priority.LOW] and level.rank > Priority.CRITICAL.rank:
        level, reasons = Priority.LOW, found[Priority.LOW]
    if hint is not None and hint.rank < level.rank:
        return hint, ["the reporter's own word"]
    return level, reasons


def _reasons(what: str, clues: tuple[Clue, ...], text: str) -> list[str]:
    labels = dict.fromkeys(clue.label for clue in clues if _holds(clue, text, 1))
    return [f"{what}: {label}" if label != what else what for label in list(labels)[:3]]
