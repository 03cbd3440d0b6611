"""What a ticket is about."""

from __future__ import annotations

from pydantic import Field

from domain.model import Term, Value
from domain.tickets.ticket import CustomerTier, Priority


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
