"""What an incoming e-mail is and what it wants: whether it needs an answer, which one, how soon. By triage's rules.

A machine's mail is recognised by its headers first (RFC 3834, RFC 2369) and is never answered: two machines that answer
each other never stop.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import Field

from domain.analysis.text import read
from domain.model import Term, Value
from domain.rules import RulesEngine
from domain.tickets.ticket import Customer, Priority, Ticket
from domain.triage.analysis import Analysis, Tone
from domain.triage.classification import Category, Classification, EscalationSignal, IssueType

_SUBJECT_PREFIX = re.compile(r"(?i)^(?:\s*(?:re|aw|fwd?|wg|tr|rv)\s*(?:\[\d+\])?\s*:)+\s*")
_QUOTED = re.compile(r"(?im)^(?:>.*|on .{5,120} wrote:|-{2,}\s*(?:original|forwarded) message\s*-{2,}[\s\S]*)$")
_SIGNATURE = re.compile(r"(?m)^-- ?$[\s\S]*\Z")
_AWAY = re.compile(r"(?i)\b(?:out of (?:the )?office|on (?:annual |parental )?leave|automatic reply|auto(?:matic)?[- ]?reply|abwesenheitsnotiz|absence du bureau)\b")  # fmt: skip  # noqa: E501
_BOUNCE = re.compile(
    r"(?i)\b(?:delivery status notification|undeliver(?:able|ed)|mail delivery (?:failed|subsystem)|returned mail)\b"
)
_MACHINES = re.compile(
    r"(?i)^(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|notifications?|bounces?)(?:[+.-].*)?@"
)
_BULK = ("list-unsubscribe", "list-id", "feedback-id")
_THANKS_ONLY = 25
_ASKS = re.compile(
    r"(?i)\b(?:please|could you|can you|would you|we need|i need|let (?:me|us) know|get back to|waiting for|bitte|"
    r"pourriez|podr[ií]a)\b"
)
_DUE = re.compile(
    r"(?i)\b(?:by|until|before|no later than|bis|avant|antes de)\s+(?:the\s+)?(?:end of (?:the )?(?:day|week|month)|"
    r"eod|tomorrow|today|tonight|noon|monday|tuesday|wednesday|thursday|friday|\d{4}-\d\d-\d\d|"
    r"\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{1,2}(?:st|nd|rd|th)?\s+\w{3,9})"
)


class EmailKind(Term):
    """What sort of mail it is."""

    PERSONAL = "personal"
    """Somebody wrote it to us."""
    AUTOMATIC_REPLY = "automatic_reply"
    BOUNCE = "bounce"
    BULK = "bulk"
    """A newsletter or another list's mail."""
    NOTIFICATION = "notification"
    """A machine's."""


class EmailReading(Value):
    """What the rules make of an e-mail."""

    kind: EmailKind
    requires_response: bool
    template: str
    """Which answer fits: `none`, `thanks`, `question`, `problem`, `complaint`, `request` or `hand_to_people`."""
    respond_within_minutes: int | None
    """From the priority (the shipped first-response targets); None when no answer is due."""
    subject: str
    """Without `Re:` and `Fwd:`."""
    category: Category
    priority: Priority
    issue_type: IssueType
    tone: Tone
    frustration: int = Field(ge=0, le=100)
    language: str
    questions: tuple[str, ...]
    """What it asks, word for word."""
    deadlines: tuple[str, ...]
    """Such as `by Friday`."""
    signals: tuple[str, ...]
    entities: dict[str, tuple[str, ...]]
    """Kind -> what was named, such as order numbers and amounts."""
    confidence: float = Field(ge=0, le=1)
    reasons: tuple[str, ...]


_MINUTES = {
    Priority.CRITICAL: 15, Priority.URGENT: 30, Priority.HIGH: 120, Priority.MEDIUM: 480, Priority.LOW: 1440
}  # fmt: skip
"""First response by priority; source: the lifecycle's SLA table."""
_PEOPLE = frozenset({
    EscalationSignal.LEGAL_THREATS, EscalationSignal.EXECUTIVE_INVOLVEMENT, EscalationSignal.HUMAN_REQUESTED,
    EscalationSignal.PUBLICITY_THREATS,
})  # fmt: skip


def classify(
    engine: RulesEngine, subject: str, body: str, *, sender: str = "", headers: Mapping[str, str] | None = None
) -> EmailReading:
    """Read an e-mail.

    Args:
        engine: triage's rules.
        subject: as it came.
        body: its text part; quoted mail and signature are left out here.
        sender: the address it came from, for telling machines.
        headers: the mail's headers, where they are known; names in any case.
    """
    plain = _SUBJECT_PREFIX.sub("", subject).strip()
    own = _own_words(body)
    kind, why = kind_of(subject, own, sender, headers or {})
    ticket = Ticket(ticket_id="email", subject=plain, body=own, customer=Customer())
    found, felt = engine.classify(ticket), engine.analyse(ticket)
    text = read(own)
    questions = tuple(sentence for sentence in text.sentences if sentence.rstrip("\"')").endswith("?"))[:10]
    template, because = _answer(kind, found, felt, questions, own)
    entities: dict[str, tuple[str, ...]] = {}
    for entity in found.entities:
        entities[entity.kind] = (*entities.get(entity.kind, ()), entity.text)
    return EmailReading(
        kind=kind,
        requires_response=template != "none",
        template=template,
        respond_within_minutes=_MINUTES[found.priority] if template != "none" else None,
        subject=plain,
        category=found.category,
        priority=found.priority,
        issue_type=found.issue_type,
        tone=felt.tone,
        frustration=felt.frustration,
        language=felt.language,
        questions=questions,
        deadlines=tuple(dict.fromkeys(match.group() for match in _DUE.finditer(own)))[:10],
        signals=tuple(signal.value for signal in found.signals),
        entities=entities,
        confidence=0.95 if kind is not EmailKind.PERSONAL else found.confidence,
        reasons=(why, because, *(found.reasons if kind is EmailKind.PERSONAL else ())),
    )


def kind_of(subject: str, body: str, sender: str, headers: Mapping[str, str]) -> tuple[EmailKind, str]:
    """What sort of mail it is, and why."""
    known = {name.lower(): value.strip().lower() for name, value in headers.items()}
    if _BOUNCE.search(subject) or known.get("return-path") == "<>" or sender.lower().startswith("mailer-daemon@"):
        return EmailKind.BOUNCE, "A mail server reports a delivery that failed."
    automatic = known.get("auto-submitted", "no") != "no" or "x-autoreply" in known
    if _AWAY.search(subject) or (automatic and _AWAY.search(body)):
        return EmailKind.AUTOMATIC_REPLY, "Somebody's mail program answers while they are away."
    if any(name in known for name in _BULK) or known.get("precedence") in ("bulk", "list", "junk"):
        return EmailKind.BULK, "Its headers say that it went to a list."
    if automatic or _MACHINES.match(sender):
        return EmailKind.NOTIFICATION, "A machine sent it."
    return EmailKind.PERSONAL, "A person wrote it."


def _own_words(body: str) -> str:
    return _QUOTED.sub("", _SIGNATURE.sub("", body)).strip()


def _answer(
    kind: EmailKind, found: Classification, felt: Analysis, questions: tuple[str, ...], body: str
) -> tuple[str, str]:
    if kind is not EmailKind.PERSONAL:
        return "none", "A machine's mail is not answered."
    if _PEOPLE & set(found.signals) or felt.frustration > 85:
        return "hand_to_people", "It is for a person to answer."
    asks = bool(questions) or _ASKS.search(body) is not None
    if found.issue_type is IssueType.COMPLIMENT and not asks:
        return "none", "It thanks and asks nothing."
    if not asks and len(body.split()) <= _THANKS_ONLY and felt.tone in (Tone.POSITIVE, Tone.VERY_POSITIVE):
        return "none", "It is short, friendly and asks nothing."
    words = {IssueType.QUESTION: "question", IssueType.PROBLEM: "problem", IssueType.COMPLAINT: "complaint",
             IssueType.REQUEST: "request", IssueType.COMPLIMENT: "thanks"}  # fmt: skip
    return words[found.issue_type], f"It is a {found.issue_type.label}."
