"""How the customer feels: frustration, tone, style, and the risks to the relationship.

Frustration is a sum of plain signals (words, VADER's sentiment, shouting, exclamation, repetition, lost time, what is
threatened) that is squeezed above 80, so that calm facts alone never reach the hard rule and many signals do.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from domain.rules.reading import Reading
from domain.rules.words import SENTENCE_END
from domain.tickets.ticket import Customer, CustomerTier
from domain.triage.analysis import CommunicationStyle, KnowledgeLevel, Tone

if TYPE_CHECKING:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

_READ_CHARACTERS = 4_000
"""VADER is slow on long texts, and a long text says how it feels at its beginning and end."""
_CAPITALS = re.compile(r"(?<![\w./_-])[A-ZÀ-ÖØ-Þ]{4,20}(?![\w/_-]|\.\w)")
_LOWER_WORDS = re.compile(r"[^\W\d_]{2,}")
_SQUEEZE_FROM = 80
_ALREADY_FRUSTRATED = 60


class Sentiment:
    """VADER behind one method; the analyser is made when first needed, because its lexicon takes a while to read."""

    def __init__(self, acronyms: tuple[str, ...]) -> None:
        """`acronyms`: words in capitals that are no shouting."""
        self._acronyms = frozenset(word.upper() for word in acronyms)
        self._vader: SentimentIntensityAnalyzer | None = None

    def polarity(self, reading: Reading) -> float:
        """-1 (bad) to 1 (good) of the prose; 0 for languages that VADER does not know."""
        if reading.language != "en":
            return 0.0
        if self._vader is None:
            from vaderSentiment.vaderSentiment import (  # noqa: PLC0415 - its lexicon is read on import and first use
                SentimentIntensityAnalyzer,
            )

            self._vader = SentimentIntensityAnalyzer()
        prose = reading.prose
        if len(prose) > _READ_CHARACTERS:
            half = _READ_CHARACTERS // 2
            prose = f"{prose[:half]}\n{prose[-half:]}"
        return float(self._vader.polarity_scores(prose)["compound"])

    def shouting(self, reading: Reading) -> int:
        """How many ordinary words are written in capitals; acronyms, log levels and identifiers are none."""
        shouted = [word for word in _CAPITALS.findall(reading.prose[:_READ_CHARACTERS]) if word not in self._acronyms]
        pronounceable = [word for word in shouted if re.search("[AEIOUYÀ-Þ]", word)]
        words = len(_LOWER_WORDS.findall(reading.prose[:_READ_CHARACTERS]))
        everything = words >= 4 and len(pronounceable) > words / 2
        return len(pronounceable) if len(pronounceable) >= 2 or everything else 0


def exclamation(text: str) -> int:
    """Exclamation marks beyond the friendly ones: runs of two and more, and every one after the second."""
    marks = text[:_READ_CHARACTERS]
    return sum(len(run) for run in re.findall(r"!{2,}|(?:\?!|!\?)[!?]*|\?{3,}", marks)) + max(marks.count("!") - 3, 0)


def repetition(reading: Reading) -> int:
    """How often the most repeated sentence of some length comes again."""
    text = " ".join(reading.words[:3_000])
    sentences = Counter(part.strip() for part in text.split(f" {SENTENCE_END} ") if part.count(" ") >= 1)
    return max(sentences.values(), default=1) - 1


def frustration(reading: Reading, sentiment: Sentiment, customer: Customer) -> tuple[int, tuple[str, ...]]:
    """Frustration 0-100 and the reasons for it."""
    polarity = sentiment.polarity(reading)
    strong = reading.places("feelings.strong")
    upset = strong + reading.places("feelings.insults") + reading.places("feelings.sarcasm")
    parts = {
        "strong words": (0, 24, 38, 48)[min(strong, 3)] + (4 if strong and reading.has("feelings.intensifiers") else 0),
        # VADER reads English only; elsewhere the words themselves must carry its share.
        "strong words in another language": 8 if strong and reading.language != "en" else 0,
        "insults": min(reading.places("feelings.insults"), 3) * 12,
        "sarcasm": 32 if reading.has("feelings.sarcasm") else 0,
        "signs of disappointment": min(reading.places("feelings.mild"), 3) * 7,
        "a legal threat": 16 if reading.has("signals.legal") else 0,
        "a threat to leave": 10 if reading.has("signals.churn") else 0,
        "a threat of publicity": 12 if reading.has("signals.publicity") else 0,
        "repeated contact": min(8 + 4 * reading.places("signals.repeated"), 18)
        if reading.has("signals.repeated")
        else 0,
        "trouble that goes on": 5 if reading.has("conversation.still_broken") else 0,
        "lost time": 6 if reading.has("feelings.time_lost") else 0,
        "demands": min(reading.places("feelings.demands"), 2) * 6,
        "a loss of money": 8 if reading.has("urgency.revenue") else 0,
        "lost data": 8 if reading.has("urgency.data_loss") else 0,
        "work that stands still": 6 if reading.has("urgency.outage") and reading.has("urgency.business") else 0,
        "an outage that angers": 6 if upset and reading.has("urgency.outage") else 0,
        "executives": 5 if reading.has("signals.executive") else 0,
        "shouting": min(3 + 2 * sentiment.shouting(reading), 12) if sentiment.shouting(reading) else 0,
        "exclamation marks": min(exclamation(reading.prose) * 2, 8),
        "repetition": min(repetition(reading) * 3, 9),
        "negative sentiment": round(14 * -min(polarity, 0.0)),
    }
    history = (6 if customer.escalation_history else 0) + (4 if customer.previous_tickets > 5 else 0)
    total = 5 + sum(parts.values()) + (history if sum(parts.values()) > 15 else 0)
    total -= _politeness(reading, polarity, upset)
    if total > _SQUEEZE_FROM:
        total = round(_SQUEEZE_FROM + (total - _SQUEEZE_FROM) * 0.5)
    reasons = tuple(f"Frustration: {name}." for name, points in parts.items() if points >= 5)
    return max(0, min(100, total)), reasons


def _politeness(reading: Reading, polarity: float, upset: int) -> int:
    """Points that kind words take off; none where strong words show that they are only a form."""
    if upset:
        return 0
    kind = min(reading.places("feelings.polite"), 3) * 2
    return kind + (4 if polarity > 0.4 else 0) + (4 if reading.has("feelings.praise") else 0)


def tone(polarity: float, frustrated: int, reading: Reading) -> Tone:
    """The overall tone, from frustration first: a sarcastic `great` must not look positive."""
    if frustrated > 75:
        return Tone.VERY_NEGATIVE
    if frustrated > 40 or (polarity < -0.5 and frustrated > 25):
        return Tone.NEGATIVE
    if frustrated < 20 and reading.has("feelings.praise"):
        return Tone.VERY_POSITIVE if polarity > 0.7 else Tone.POSITIVE
    return Tone.POSITIVE if frustrated < 15 and polarity > 0.6 else Tone.NEUTRAL


def style(reading: Reading, frustrated: int) -> CommunicationStyle:
    """How the customer writes, and so how we answer."""
    if reading.has("feelings.insults") or frustrated > 85:
        return CommunicationStyle.AGGRESSIVE
    if frustrated > _ALREADY_FRUSTRATED:
        return CommunicationStyle.EMOTIONAL
    if reading.count("complexity.technical_terms") >= 4 or reading.count("complexity.expert_talk") >= 2:
        return CommunicationStyle.TECHNICAL
    return CommunicationStyle.CASUAL if _is_casual(reading) else CommunicationStyle.FORMAL


def _is_casual(reading: Reading) -> bool:
    return reading.places("style.casual") > 2 * reading.places("style.formal")


def knowledge(reading: Reading) -> KnowledgeLevel:
    """How much the customer knows of the technology, by the terms they use."""
    terms = reading.count("complexity.technical_terms") + 2 * reading.count("complexity.expert_talk")
    if terms >= 7:
        return KnowledgeLevel.EXPERT
    return KnowledgeLevel.INTERMEDIATE if terms >= 3 else KnowledgeLevel.NOVICE


def churn_risk(reading: Reading, frustrated: int, customer: Customer) -> int:
    """How likely the customer leaves, 0-100."""
    risk = 10 + frustrated * 0.3
    risk += 40 if reading.has("signals.churn") else 0
    risk += 10 if reading.has("signals.repeated") else 0
    risk += 15 if customer.tier is CustomerTier.AT_RISK else 0
    risk += 8 if customer.escalation_history else 0
    risk += 10 if reading.has("signals.legal") else 0
    return max(0, min(100, round(risk)))


def publicity_risk(reading: Reading, frustrated: int) -> int:
    """How likely it becomes public, 0-100."""
    risk = 5 + frustrated * 0.15
    risk += 55 if reading.has("signals.publicity") else 0
    risk += 15 if reading.has("signals.legal") else 0
    return max(0, min(100, round(risk)))


def perceived_urgency(reading: Reading, frustrated: int) -> int:
    """How urgent the customer finds it, 0-100."""
    urgency = 20 + frustrated * 0.2
    urgency += 30 if reading.has("urgency.pressing", "feelings.demands") else 0
    urgency += 20 if reading.has("urgency.outage", "urgency.incident") else 0
    urgency += 12 if reading.has("urgency.deadline") else 0
    urgency += 12 if reading.has("urgency.business", "urgency.revenue") else 0
    urgency -= 25 if reading.has("urgency.can_wait") else 0
    return max(0, min(100, round(urgency)))
