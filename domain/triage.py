"""What triage finds out about a ticket: classification, analysis, risk, decision."""

from __future__ import annotations

from pydantic import Field

from domain.model import Term, Value
from domain.ticket import CustomerTier, Priority, Score


class Category(Term):
    """What it is about."""

    TECHNICAL = "technical"
    BILLING = "billing"
    ACCOUNT = "account"
    PRODUCT = "product"
    INTEGRATION = "integration"
    SECURITY = "security"
    BUG_REPORT = "bug_report"
    FEATURE_REQUEST = "feature_request"
    GENERAL_INQUIRY = "general_inquiry"


class Complexity(Term):
    """How hard it is."""

    SIMPLE = "simple"
    MODERATE = "moderate"
    COMPLEX = "complex"
    EXPERT_REQUIRED = "expert_required"


class IssueType(Term):
    """What the customer wants of us."""

    QUESTION = "question"
    PROBLEM = "problem"
    COMPLAINT = "complaint"
    COMPLIMENT = "compliment"
    REQUEST = "request"


class UrgencyIndicator(Term):
    """Why it cannot wait."""

    BUSINESS_IMPACTING = "business_impacting"
    REVENUE_AFFECTING = "revenue_affecting"
    SECURITY_RELATED = "security_related"
    OUTAGE_RELATED = "outage_related"


class EscalationSignal(Term):
    """What speaks for passing it up."""

    FRUSTRATED_LANGUAGE = "frustrated_language"
    LEGAL_THREATS = "legal_threats"
    PREVIOUS_ESCALATIONS = "previous_escalations"
    EXECUTIVE_INVOLVEMENT = "executive_involvement"
    REPEATED_CONTACT = "repeated_contact"
    PUBLICITY_THREATS = "publicity_threats"
    CHURN_THREATS = "churn_threats"
    CLASSIFICATION_FAILURE = "classification_failure"
    NO_REPLY_ADDRESS = "no_reply_address"
    HUMAN_REQUESTED = "human_requested"


class ResolutionLikelihood(Term):
    """Can it be solved at this level?"""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    REQUIRES_HUMAN = "requires_human"


class Entity(Value):
    """Something named in the text: a product, an error code, an account id."""

    kind: str
    text: str


class Origin(Value):
    """Who produced an answer, kept beside it so that a person can judge it."""

    provider: str
    """`primary`, `secondary` or `rules`."""
    model: str = ""
    degraded: bool = False
    """True when a better provider should have answered: no model is configured, or none answered."""
    note: str = ""
    """One sentence on why it is degraded or what was repaired."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    """In the tenant's currency, from the configured price per million tokens."""


class Classification(Value):
    """Step 1 of triage."""

    category: Category
    priority: Priority
    complexity: Complexity
    customer_type: CustomerTier
    issue_type: IssueType
    urgency_indicators: tuple[UrgencyIndicator, ...] = ()
    signals: tuple[EscalationSignal, ...] = ()
    resolution_likelihood: ResolutionLikelihood = ResolutionLikelihood.MEDIUM
    entities: tuple[Entity, ...] = ()
    confidence: float = Field(default=0.5, ge=0, le=1)
    reasons: tuple[str, ...] = ()
    """Short sentences: which words or facts led to it. They quote no personal data."""


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


class Risk(Value):
    """Step 3: numbers that decide. `overall` is the weighted sum of the case policy's risk weights."""

    overall: Score
    sentiment: Score
    complexity: Score
    churn: Score
    publicity: Score
    business: Score
    customer: Score
    technical: Score
    business_impact: str
    """`high`, `medium` or `low`, by how many impact factors are present."""


class DecisionKind(Term):
    """How the case goes on."""

    NONE = "no_escalation"
    SCHEDULED = "scheduled_escalation"
    SPECIALIST = "specialist_escalation"
    MANAGEMENT = "management_escalation"
    IMMEDIATE = "immediate_escalation"


class Urgency(Term):
    """How soon the handoff follows the decision; the delays are the case policy's."""

    IMMEDIATE = "immediate"
    URGENT = "urgent"
    STANDARD = "standard"
    SCHEDULED = "scheduled"


class Proposal(Value):
    """A decision as one side proposes it: the model's, or the rules'."""

    kind: DecisionKind
    urgency: Urgency
    team: str | None = None
    """Name of a team in the case policy."""
    reasons: tuple[str, ...] = ()
    confidence: float = Field(default=0.5, ge=0, le=1)
    recommended_actions: tuple[str, ...] = ()


class Decision(Value):
    """Step 4: what is done, and how it came about."""

    kind: DecisionKind
    urgency: Urgency
    team: str
    """Name of the team that gets it when it is escalated, or whose queue it stays in."""
    also_notify: tuple[str, ...] = ()
    """Further teams that hear of it, such as finance beside management, or the relationship owner's."""
    reasons: tuple[str, ...]
    hard_rules: tuple[str, ...] = ()
    """Names of the hard rules that fired; they win over any model."""
    recommended_actions: tuple[str, ...] = ()
    special_instructions: tuple[str, ...] = ()
    confidence: float = Field(default=0.5, ge=0, le=1)
    proposed: Proposal | None = None
    """What the model said, kept also where the rules overrode it."""
    overridden: bool = False
    """True when the rules changed what the model said."""
    origin: Origin = Origin(provider="rules")

    @property
    def escalates(self) -> bool:
        """Whether people get the case."""
        return self.kind is not DecisionKind.NONE


class HandlingApproach(Term):
    """How careful the answer must be."""

    HIGH_TOUCH = "high_touch_escalation"
    CAREFUL = "careful_handling"
    TECHNICAL_SPECIALIST = "technical_specialist"
    STANDARD = "standard_support"


class HandlingStrategy(Value):
    """How to treat the customer, from risk and analysis."""

    approach: HandlingApproach
    estimated_resolution: str
    """Such as `1-2 hours`."""
    required_expertise: str
    """`senior_technical`, `technical_specialist`, `communication_specialist` or `general_support`."""
    style: CommunicationStyle


class MessageIntent(Term):
    """What a later customer message does to the case."""

    THANKS = "thanks"
    STILL_BROKEN = "still_broken"
    MORE_INFORMATION = "more_information"
    QUESTION = "question"
    WANTS_HUMAN = "wants_human"
    CANCELS = "cancels_request"


class MessageAssessment(Value):
    """A later customer message, re-analysed."""

    intent: MessageIntent
    frustration: Score
    escalates: bool
    """True when the rules say that people must take over now."""
    resolves: bool
    """True for a thank-you without any open question."""
    priority: Priority
    """The case's priority after this message; never lower than before."""
    signals: tuple[EscalationSignal, ...] = ()
    reasons: tuple[str, ...] = ()
    origin: Origin = Origin(provider="rules")


class BillingActionKind(Term):
    """What the billing specialist may do."""

    REFUND = "refund"
    CREDIT = "credit"
    CANCELLATION = "cancellation"
    DISPUTE_INVESTIGATION = "dispute_investigation"
    INVOICE_RESEND = "invoice_resend"
    PAYMENT_ASSISTANCE = "payment_assistance"
    ACCOUNT_REVIEW = "account_review"

    @property
    def moves_money(self) -> bool:
        """Refund and credit need a manager's approval."""
        return self in (BillingActionKind.REFUND, BillingActionKind.CREDIT)


class BillingAction(Value):
    """A billing step the specialist proposes, with the exact arguments an approval is bound to."""

    kind: BillingActionKind
    amount: float | None = Field(default=None, ge=0)
    currency: str = "USD"
    reason: str = ""


class Reply(Value):
    """An answer to the customer, before it is sent."""

    text: str
    kind: str
    """`acknowledgement`, `escalation`, `solution`, `clarification`, `follow_up`, `fallback`."""
    tone: str = "professional"
    next_actions: tuple[str, ...] = ()
    follow_up_promised: bool = False
    billing_action: BillingAction | None = None
    resolution_steps: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()
    """Ids of the knowledge articles it rests on."""
    origin: Origin = Origin(provider="rules")


class QualityReview(Value):
    """The quality review of an answer. Below the policy's threshold it is revised once, then a person takes it."""

    score: float = Field(ge=0, le=10)
    findings: tuple[str, ...] = ()
    origin: Origin = Origin(provider="rules")
