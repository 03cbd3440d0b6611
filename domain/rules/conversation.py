"""A later customer message: does it thank, complain, ask, cancel, want a person; is the customer getting angrier?"""

from __future__ import annotations

from domain.policies.case_policy import RiskPolicy
from domain.rules.merging import more_pressing
from domain.rules.reading import Reader, Reading
from domain.rules.sentiment import Sentiment, frustration
from domain.rules.words import SENTENCE_END
from domain.tickets.ticket import Customer, Priority
from domain.triage.classification import EscalationSignal
from domain.triage.conversation import MessageAssessment, MessageIntent

_RISING_BY = 25
"""A rise of this much in one message calls for a person, once the customer is clearly upset."""
_STILL_BROKEN_TOO_OFTEN = 2
_STOPS = ("urgency.business", "urgency.revenue", "urgency.outage", "urgency.service_down", "urgency.broken")
"""What a customer is kept from doing, in the words of the tables."""
_OTHER_WORDS_IN_THANKS = 1
_FADING = 0.6
"""What is left of the earlier frustration when a message shows none."""


class Conversation:
    """Judges messages of a running case."""

    def __init__(self, reader: Reader, sentiment: Sentiment) -> None:
        """Share the engine's reader and sentiment."""
        self._reader = reader
        self._sentiment = sentiment

    def assess(
        self, text: str, *, history: list[str], previous_frustration: int, priority: Priority, policy: RiskPolicy
    ) -> MessageAssessment:
        """Judge one message; `history` holds the earlier customer texts, oldest first."""
        reading = self._reader.read("", text)
        fresh, _ = frustration(reading, self._sentiment, Customer())
        intent = self._intent(reading)
        failures = self._failures(history) + (intent is MessageIntent.STILL_BROKEN)
        if intent is MessageIntent.STILL_BROKEN:
            fresh = min(100, fresh + 10 + 5 * failures)
        level = fresh if intent is MessageIntent.THANKS else max(fresh, round(previous_frustration * _FADING))
        signals = _signals(reading)
        rise = level - previous_frustration
        reasons = _reasons(reading, intent, level=level, rise=rise, failures=failures, policy=policy)
        resolves = intent is MessageIntent.THANKS and not reasons
        return MessageAssessment(
            intent=intent,
            frustration=level,
            escalates=bool(reasons),
            resolves=resolves,
            priority=more_pressing(priority, _priority(reading)),
            signals=signals,
            reasons=reasons or (f"The message was read as: {intent.label}.",),
        )

    def _failures(self, history: list[str]) -> int:
        return sum(
            self._intent(self._reader.read("", earlier)) is MessageIntent.STILL_BROKEN for earlier in history[-6:]
        )

    def _intent(self, reading: Reading) -> MessageIntent:
        if reading.has("signals.wants_human"):
            return MessageIntent.WANTS_HUMAN
        broken = reading.has("conversation.still_broken", "feelings.sarcasm", "urgency.outage", "urgency.incident")
        upset = reading.has("feelings.strong", "feelings.insults", "signals.legal", "signals.repeated")
        if broken or (upset and reading.has("urgency.broken")):
            return MessageIntent.STILL_BROKEN
        if reading.has("conversation.cancels") and not upset:
            return MessageIntent.CANCELS
        asks = reading.has("conversation.question") or "?" in reading.prose
        grateful = reading.has("conversation.thanks", "conversation.solved")
        open_end = (
            asks
            or reading.has("conversation.but")
            or (reading.has("urgency.broken") and not reading.has("conversation.solved"))
        )
        if grateful and not open_end and not upset and not reading.has("feelings.mild"):
            return MessageIntent.THANKS if _is_closing(reading) else MessageIntent.MORE_INFORMATION
        return MessageIntent.QUESTION if asks else MessageIntent.MORE_INFORMATION


def _is_closing(reading: Reading) -> bool:
    """A thank-you closes a case when it says that it is solved, or says nothing else (a name may stand beside it)."""
    if reading.has("conversation.solved"):
        return True
    kind = {hit.start for table in ("conversation.thanks", "conversation.pleasantries") for hit in reading.hits[table]}
    others = [word for index, word in enumerate(reading.words) if word != SENTENCE_END and index not in kind]
    return len(others) <= _OTHER_WORDS_IN_THANKS


def _signals(reading: Reading) -> tuple[EscalationSignal, ...]:
    tables = {
        EscalationSignal.FRUSTRATED_LANGUAGE: ("feelings.strong", "feelings.insults", "feelings.sarcasm"),
        EscalationSignal.LEGAL_THREATS: ("signals.legal",),
        EscalationSignal.EXECUTIVE_INVOLVEMENT: ("signals.executive",),
        EscalationSignal.REPEATED_CONTACT: ("signals.repeated",),
        EscalationSignal.PUBLICITY_THREATS: ("signals.publicity",),
        EscalationSignal.CHURN_THREATS: ("signals.churn",),
        EscalationSignal.HUMAN_REQUESTED: ("signals.wants_human",),
    }
    return tuple(signal for signal, names in tables.items() if reading.has(*names))


def _reasons(
    reading: Reading, intent: MessageIntent, *, level: int, rise: int, failures: int, policy: RiskPolicy
) -> tuple[str, ...]:
    rules = (
        (reading.has("signals.legal"), "The customer announces legal steps."),
        (reading.has("signals.executive"), "Executives are involved."),
        (intent is MessageIntent.WANTS_HUMAN, "The customer asks for a person."),
        (reading.has("urgency.incident"), "A security incident is reported."),
        (reading.has("urgency.outage") and reading.has("urgency.wide"), "The service is down for many."),
        (_is_urgent(reading) and reading.has(*_STOPS), "The customer says that it is urgent and what it stops."),
        (reading.has("urgency.data_loss"), "The customer's data is gone."),
        (level > policy.immediate_frustration_above, "The customer is extremely frustrated."),
        (rise >= _RISING_BY and level > policy.careful_above, "The customer's frustration is rising."),
        (failures >= _STILL_BROKEN_TOO_OFTEN, "Our answers did not help more than once."),
        (reading.has("signals.churn") and level > 40, "The customer threatens to leave."),
        (reading.has("signals.publicity") and level > 40, "The customer threatens to go public."),
    )
    return tuple(reason for applies, reason in rules if applies)


def _is_urgent(reading: Reading) -> bool:
    """Whether the customer uses the word that our acknowledgement asks for, and does not take it back."""
    return reading.has("conversation.urgent") and not reading.has("urgency.can_wait")


def _priority(reading: Reading) -> Priority:
    if reading.has("urgency.outage") and reading.has("urgency.wide", "urgency.revenue"):
        return Priority.CRITICAL
    if reading.has("urgency.outage", "urgency.incident") or (_is_urgent(reading) and reading.has(*_STOPS)):
        return Priority.URGENT
    at_risk = reading.has("signals.legal", "signals.executive", "signals.churn", "signals.publicity")
    pressing = reading.has("urgency.pressing") and not reading.has("urgency.can_wait")
    return Priority.HIGH if at_risk or pressing else Priority.LOW
