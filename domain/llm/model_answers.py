"""What a language model is asked to fill in, and how each answer becomes a value of ours.

The types are narrower than the domain's: a model never says who it is, moves no money and names no hard rule. They
forgive how a word is written (`Bug Report`, `bug-report`) and never which word it is: an unknown word is an error that
the model chain asks to repair, so it can't be taken for something that grants more.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from domain.model import Term
from domain.tickets.ticket import CustomerTier, Priority
from domain.triage.analysis import Analysis, CommunicationStyle, KnowledgeLevel, Tone
from domain.triage.classification import (
    Category,
    Classification,
    Complexity,
    Entity,
    EscalationSignal,
    IssueType,
    ResolutionLikelihood,
    UrgencyIndicator,
)
from domain.triage.conversation import MessageAssessment, MessageIntent, QualityReview, Reply
from domain.triage.decision import DecisionKind, Proposal, Urgency

ItemT = TypeVar("ItemT")

LIST_LIMIT = 10
"""Items of a list that count; the rest is dropped."""
LINE_LIMIT = 300
"""Characters of a line that count; the rest is dropped."""
REPLY_LIMIT = 6_000
"""Characters of an answer to a customer. A longer one is refused rather than cut in mid-sentence."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters other than tab and newline, and those that turn the reading direction."""


def spelt_as_ours(said: object) -> object:
    """Forgive case, spaces and hyphens of a word; leave everything else as it is, for the type to judge."""
    return re.sub(r"[\s-]+", "_", said.strip().casefold()) if isinstance(said, str) else said


def _cleaned(said: str) -> str:
    return _CONTROL.sub("", said.replace("\r\n", "\n")).encode("utf-8", "replace").decode()


def _line(said: object) -> object:
    return " ".join(_cleaned(said).split())[:LINE_LIMIT] if isinstance(said, str) else said


def _prose(said: object) -> object:
    return _cleaned(said).strip() if isinstance(said, str) else said


def _whole(said: object) -> object:
    """Round a score such as 72.5. A fraction below one is left for the type to refuse: 0.8 may well mean 80."""
    if isinstance(said, bool):
        return str(said)
    return round(said) if isinstance(said, float) and (said == 0 or 1 <= said <= 100) else said


def _first_items(said: object) -> object:
    if isinstance(said, str):
        return (said,) if said.strip() else ()
    return said[:LIST_LIMIT] if isinstance(said, list | tuple) else said


def _language(said: object) -> object:
    """`EN`, `en-US` and `en_GB` are all `en`."""
    said = spelt_as_ours(said)
    return said[:2] if isinstance(said, str) and re.fullmatch(r"[a-z]{2}_\w+", said) else said


def _nothing_as_none(said: object) -> object:
    return None if isinstance(said, str) and said.strip().casefold() in ("", "none", "null", "n/a") else said


Line = Annotated[str, BeforeValidator(_line)]
Prose = Annotated[str, BeforeValidator(_prose)]
Points = Annotated[int, Field(ge=0, le=100), BeforeValidator(_whole)]
Share = Annotated[float, Field(ge=0, le=1)]
Few = Annotated[tuple[ItemT, ...], BeforeValidator(_first_items), Field(json_schema_extra={"maxItems": LIST_LIMIT})]
WordT = TypeVar("WordT", bound=Any)
Word = Annotated[WordT, BeforeValidator(spelt_as_ours)]
Signal = Word[
    Literal[
        EscalationSignal.FRUSTRATED_LANGUAGE,
        EscalationSignal.LEGAL_THREATS,
        EscalationSignal.PREVIOUS_ESCALATIONS,
        EscalationSignal.EXECUTIVE_INVOLVEMENT,
        EscalationSignal.REPEATED_CONTACT,
        EscalationSignal.PUBLICITY_THREATS,
        EscalationSignal.CHURN_THREATS,
        EscalationSignal.HUMAN_REQUESTED,
    ]
]
"""What can be read in a text; the other signals are facts that only the case itself knows."""


class ModelAnswer(BaseModel):
    """The base of the answers. A field nobody asked for is dropped: it can do nothing."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class EntityAnswer(ModelAnswer):
    """Something the ticket names."""

    kind: Line = Field(description="product, error_code, account_id, feature, or another short word")
    text: Line = Field(description="as the ticket writes it")


class ClassificationAnswer(ModelAnswer):
    """Step 1 of triage."""

    category: Word[Category]
    priority: Word[Priority]
    complexity: Word[Complexity]
    customer_type: Word[CustomerTier]
    issue_type: Word[IssueType]
    urgency_indicators: Few[Word[UrgencyIndicator]] = ()
    signals: Few[Signal] = ()
    resolution_likelihood: Word[ResolutionLikelihood] = ResolutionLikelihood.MEDIUM
    entities: Few[EntityAnswer] = ()
    confidence: Share = 0.5
    reasons: Few[Line] = ()

    def to_classification(self) -> Classification:
        """The answer as a classification."""
        said = {name: getattr(self, name) for name in type(self).model_fields if name != "entities"}
        entities = tuple(Entity(kind=entity.kind, text=entity.text) for entity in self.entities)
        return Classification(**said, entities=entities)


class AnalysisAnswer(ModelAnswer):
    """Step 2 of triage. Scores are 0-100."""

    tone: Word[Tone]
    frustration: Points
    perceived_urgency: Points
    resolution_confidence: Points
    style: Word[CommunicationStyle]
    knowledge_level: Word[KnowledgeLevel]
    language: Annotated[str, Field(pattern="^[a-z]{2}$"), BeforeValidator(_language)] = "en"
    technical_complexity: Points
    communication_complexity: Points
    process_complexity: Points
    resolution_complexity: Points
    overall_complexity: Points
    churn_risk: Points
    publicity_risk: Points
    reasons: Few[Line] = ()

    def to_analysis(self) -> Analysis:
        """The answer as an analysis."""
        return Analysis(**{name: getattr(self, name) for name in type(self).model_fields})


class ProposalAnswer(ModelAnswer):
    """Step 4 of triage: a proposal, which the rules may override."""

    kind: Word[DecisionKind]
    urgency: Word[Urgency]
    team: Annotated[Line | None, BeforeValidator(_nothing_as_none)] = None
    reasons: Few[Line] = ()
    confidence: Share = 0.5
    recommended_actions: Few[Line] = ()

    def to_proposal(self) -> Proposal:
        """The answer as a proposal. Whether its team exists is for the rules to say."""
        return Proposal(**{name: getattr(self, name) for name in type(self).model_fields})


class MessageAnswer(ModelAnswer):
    """A later customer message, re-analysed."""

    intent: Word[MessageIntent]
    frustration: Points
    escalates: bool
    resolves: bool
    priority: Word[Priority]
    signals: Few[Signal] = ()
    reasons: Few[Line] = ()

    def to_assessment(self) -> MessageAssessment:
        """The answer as an assessment, whose origin the caller sets."""
        return MessageAssessment(**{name: getattr(self, name) for name in type(self).model_fields})


class WrittenKind(Term):
    """What kind of answer a model may say it wrote; a part of `domain.triage.conversation.Reply.kind`."""

    ESCALATION = "escalation"
    SOLUTION = "solution"
    CLARIFICATION = "clarification"
    FOLLOW_UP = "follow_up"


class ReplyAnswer(ModelAnswer):
    """An answer to the customer. It words what is done and decides nothing: no money, no steps of ours."""

    text: Annotated[Prose, Field(min_length=1, max_length=REPLY_LIMIT)]
    kind: Word[WrittenKind] = WrittenKind.SOLUTION
    tone: Line = "professional"
    next_actions: Few[Line] = ()
    follow_up_promised: bool = False
    resolution_steps: Few[Line] = ()
    articles: Few[Line] = ()

    def to_reply(self) -> Reply:
        """The answer as a reply, whose origin and billing action the caller sets."""
        said = {name: getattr(self, name) for name in type(self).model_fields}
        return Reply(**{**said, "kind": self.kind.value})


class ReviewAnswer(ModelAnswer):
    """The quality review of an answer."""

    score: float = Field(ge=0, le=10)
    findings: Few[Line] = ()

    def to_review(self) -> QualityReview:
        """The answer as a review, whose origin the caller sets."""
        return QualityReview(score=self.score, findings=self.findings)
