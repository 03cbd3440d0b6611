"""What is to become of a ticket: risk, decision, how it is handled."""

from __future__ import annotations

from pydantic import Field

from domain.model import Term, Value
from domain.tickets.ticket import Score
from domain.triage.analysis import CommunicationStyle
from domain.triage.classification import Origin


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
