"""What an incident's state keeps of each call, query, execution and look at the outcome."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from domain.model import JsonValue, State, Value
from domain.triage.classification import Complexity
from domain.troubleshooting.evidence import Change, Finding
from domain.troubleshooting.incident import Success
from domain.troubleshooting.terms import (
    KnowledgeFallback,
    ModelFallback,
    QueryIntent,
    ToolFallback,
    TroublePhase,
)


class PhaseTransition(Value):
    """The incident went from one phase to another."""

    from_phase: TroublePhase | None
    """None for the first."""
    to_phase: TroublePhase
    at: datetime
    trigger: str
    """Why, for people."""


class CallMade(Value):
    """A tool's call that was made, or that could not be."""

    call_id: str
    digest: str
    """Of capability and arguments: the same call is not made twice."""
    capability: str
    tool: str | None = None
    """The one that answered; None when none did."""
    why: str
    outcome: str
    """In a sentence."""
    ok: bool = True
    level: ToolFallback = ToolFallback.BEST_MATCH
    tells_apart: tuple[str, ...] = ()
    """Ids of the hypotheses it was made for."""
    reads: tuple[str, ...] = ()
    """References of the evidence that it was to read, well or not."""
    at: datetime


class Observed(State):
    """What one call found, as far as it is kept."""

    call_id: str
    reads: tuple[str, ...] = ()
    """References of the evidence that was read: a later reading of the same takes its place."""
    capability: str = ""
    findings: list[Finding] = Field(default_factory=list)
    denied: list[Finding] = Field(default_factory=list)
    """Symptoms that were looked for and are not there."""
    changes: list[Change] = Field(default_factory=list)
    facts: list[str] = Field(default_factory=list)
    """What it says plainly without being trouble."""
    services: list[str] = Field(default_factory=list)
    calls: list[tuple[str, str]] = Field(default_factory=list)
    begins: datetime | None = None
    ends: datetime | None = None
    left_out: int = 0
    """Findings that were dropped, by the tool or to keep the state small."""


class QueryRecord(State):
    """A question about the incident, and its answer."""

    message_id: str
    author: str
    text: str
    asked_at: datetime
    intent: QueryIntent | None = None
    complexity: Complexity | None = None
    answer: str = ""
    answered_at: datetime | None = None
    model: ModelFallback | None = None
    """Who gave the words."""
    knowledge: KnowledgeFallback | None = None

    @property
    def is_open(self) -> bool:
        """Whether it still wants an answer."""
        return self.answered_at is None


class FallbackUse(Value):
    """Something was answered by another than the best."""

    chain: str
    """`model`, `tool` or `knowledge`."""
    level: str
    """A value of the chain's own vocabulary."""
    what: str
    """What was asked for."""
    why: str = ""
    at: datetime


class ExecutionState(State):
    """A solution that is carried out, or was."""

    solution_id: str
    run: str
    """Workflow id of the playbook's run; empty where people act."""
    started_at: datetime
    ended_at: datetime | None = None
    status: str = "running"
    """`running`, `completed`, `faulted`, `cancelled` or `by_hand`."""
    output: JsonValue = None
    """Small: what the playbook gave."""
    sentence: str = ""
    """What came of it, for people."""
    done: list[str] = Field(default_factory=list)
    undone: list[str] = Field(default_factory=list)
    left: list[str] = Field(default_factory=list)
    """What could not be taken back and was left to a person."""


class Verdict(Value):
    """One look at the measure that proved the trouble."""

    at: datetime
    value: float | None = None
    good: bool | None = None
    """None when it could not be measured."""
    sentence: str = ""
    source: str = ""


class MonitoringState(State):
    """The outcome is watched."""

    solution_id: str
    success: Success
    started_at: datetime
    until: datetime
    verdicts: list[Verdict] = Field(default_factory=list)
    """The latest; older ones are counted below."""
    looks: int = 0
    good: int = 0
    bad_in_a_row: int = 0
    ended_at: datetime | None = None
    outcome: str = ""
    """`held`, `regressed` or `unknown`; empty while it goes on."""


class LinkedTicket(State):
    """A ticket that is about this incident."""

    ticket_id: str
    linked_at: datetime
    linked_by: str
    told: dict[str, datetime] = Field(default_factory=dict)
    """What the ticket's case was told, such as `outcome`, and when: nothing is told twice."""
