"""What a playbook run knows. One serialisable value; continue-as-new carries it on."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from domain.cases.state import CaseState
from domain.cases.terms import Status
from domain.model import JsonValue, State, Value
from domain.policies.guardrails import Guardrails
from domain.tools.tool import ToolBrief, ToolUndo

KEPT_RECENT = 40
"""Tasks that a run remembers having begun."""


class Frame(State):
    """Where one task stands. A new run starts the definition from the top and finds its place by these."""

    input: JsonValue = None
    """The task's input after `input.from`."""
    raw_input: JsonValue = None
    started_at: datetime
    data: JsonValue = None
    """What a list or loop passes to its next task."""
    next: int = 0
    """Index of the next task of a list, or of the next round of a loop."""
    begun: bool = False
    """Whether the task at `next` was begun."""
    visits: dict[str, int] = Field(default_factory=dict)
    """How often a list's task was begun: `then` may lead back to it, and each visit is its own effect."""
    attempt: int = 1
    """Of a `try` block."""
    until: datetime | None = None
    """End of a wait, of a retry's delay."""
    error: JsonValue = None
    """The error that a `catch` is dealing with."""
    outputs: dict[str, JsonValue] = Field(default_factory=dict)
    """Of the branches of a fork that are through; of the events that a listener has."""
    asked_again: int = 0
    """How often a person sent the call on its way again; each time it is a new effect."""
    arguments: dict[str, JsonValue] | None = None
    """Arguments that a person put in place of the task's own."""
    edited_by: str | None = None
    """Who did that: a person does not approve what they wrote themselves."""
    granted: bool = False
    """Whether limits and people let the call through already."""


class Effect(State):
    """Something outside that a task did, or may have done, and how it is taken back."""

    number: int
    what: str
    """For a person: the tool's title and the task's name."""
    place: str
    """Key of the task: its path, with the rounds of loops."""
    reference: str
    """Path of the task in the definition."""
    tool: str
    arguments: dict[str, JsonValue]
    key: str
    output: JsonValue = None
    """What the call gave; kept for the undo only."""
    known: bool = False
    """False while nobody knows whether it took effect."""
    input: JsonValue = None
    undo: dict[str, JsonValue] | None = None
    """The author's undoing task (`metadata.undo`)."""
    tool_undo: ToolUndo | None = None
    """The tool's own, where the author gave none."""
    counted: bool = False
    """Whether it counts towards limits that add up over runs."""
    needs_undo: bool = True
    """False for what cannot or need not be taken back, such as a message that was sent."""
    unwanted: bool = False
    """It was to be taken back while the run went on, and could not be: the end deals with it, however the run ends."""


class OpenedPlaybook(Value):
    """All that the worker looked up at the start; a run keeps it, whatever changes later."""

    definition: dict[str, JsonValue]
    version: str
    digest: str
    """SHA-256 of the definition."""
    tools: dict[str, tuple[ToolBrief, ...]]
    """By what stands in the definition: a tool's name, `capability:NAME` with its alternatives in order, or the path of
    a `call: openapi`, `call: mcp` or `call: http` task."""
    guardrails: Guardrails = Guardrails()


_SHARED: dict[tuple[str, str], OpenedPlaybook] = {}


def shared_opening(tenant: str, opened: OpenedPlaybook) -> OpenedPlaybook:
    """One object for equal openings, so that a thousand waiting runs do not hold a thousand copies of it.

    It never changes, so sharing it is safe between runs; one that differs takes the place of the last.
    """
    key = (tenant, opened.digest)
    known = _SHARED.get(key)
    if known == opened:
        return known
    _SHARED[key] = opened
    return opened


class PlaybookState(CaseState):
    """Everything a playbook run knows."""

    name: str
    opened: OpenedPlaybook | None = None
    started_by: str = "surehand"
    customer_id: str | None = None
    raw_input: JsonValue = None
    context: JsonValue = None
    frames: dict[str, Frame] = Field(default_factory=dict)
    effects: list[Effect] = Field(default_factory=list)
    effect_count: int = 0
    undone: list[str] = Field(default_factory=list)
    events: list[dict[str, JsonValue]] = Field(default_factory=list)
    """Events that no listener has taken yet."""
    seen_events: list[str] = Field(default_factory=list)
    """`source id` of events, to know a redelivered one."""
    recent: list[str] = Field(default_factory=list)
    """Paths of the tasks that were begun last, oldest first."""
    waiting_for_event: int = 0
    """How many listeners wait now."""
    suspicious_text: bool = False
    """Whether a guardrail saw words that look like instructions in what a model was given."""
    totals: dict[str, float] = Field(default_factory=dict)
    """Limits per case: what has added up."""
    ending: str = ""
    """`faulted` or `cancelled` from when undos begin; empty before, and for a run that completes."""
    held: bool = False
    """All is done, and the case that started it has not said yet whether it stays."""
    kept: bool | None = None
    """What it said."""
    kept_because: str = ""
    stopped_by: str = ""
    """Who aborted it, and why."""
    error: JsonValue = None
    runs: int = 1

    @property
    def at_work(self) -> list[str]:
        """Paths of the tasks that are under way: of each task with others inside it, only those."""
        return sorted(
            place for place in self.frames if place != "/" and not any(_is_below(other, place) for other in self.frames)
        )

    def facts(self, *, undoing: bool = False) -> dict[str, JsonValue]:
        """What guardrails may read of the run."""
        return {
            "tenant": self.tenant,
            "playbook": self.name,
            "customer_id": self.customer_id,
            "started_by": self.started_by,
            "undoing": undoing,
            "suspicious_text": self.suspicious_text,
            "totals": dict(self.totals),
        }

    def current_status(self) -> Status:
        """The status that follows from everything else. The order says which fact a person must see first."""
        facts = (
            (self.withdrawn, Status.WITHDRAWN),
            (self.closed and bool(self.ending), Status.FAULTED),
            (self.closed, Status.CLOSED),
            (bool(self.parked), Status.PARKED),
            (bool(self.ending), Status.UNDOING),
            (bool(self.pending_approvals), Status.WAITING_APPROVAL),
            (self.waiting_for_event > 0, Status.WAITING_EVENT),
        )
        return next((status for holds, status in facts if holds), Status.RUNNING)


def _is_below(other: str, place: str) -> bool:
    return other != place and other.startswith((f"{place}/", f"{place}#"))
