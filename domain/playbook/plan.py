"""What a dry run finds: every step that a playbook would take, in order, without taking any."""

from __future__ import annotations

from pydantic import Field

from domain.model import JsonValue, Term, Value


class StepKind(Term):
    """What a step is."""

    CALL = "call"
    """A tool."""
    APPROVAL = "approval"
    """People are asked."""
    MESSAGE = "message"
    MODEL = "model"
    WAIT = "wait"
    LISTEN = "listen"
    EMIT = "emit"
    SET = "set"
    RAISE = "raise"
    PLAYBOOK = "playbook"
    """Another playbook, with steps of its own."""
    BRANCH = "branch"
    """Where the way divides, or several ways are taken at once."""
    CATCH = "catch"


class PlannedApproval(Value):
    """An approval that a call will need."""

    ladder: str
    """Whose approval, as `approvals.yaml` names it."""
    rungs: tuple[str, ...] = ()
    """The ladder's rungs, in order, where they are known here."""
    reasons: tuple[str, ...] = ()


class PlannedStep(Value):
    """One step."""

    path: str
    """Of the task within the definition, with the rounds of loops: `/do/0/loop/do#1/0/charge`."""
    name: str
    depth: int = 0
    kind: StepKind
    what: str
    """In a few words."""
    when: str = ""
    """On which condition the step is taken; empty when it is taken for sure, as far as nothing fails."""
    tool: str = ""
    safety: str = ""
    arguments: JsonValue = None
    """As far as they are known; an unknown value is a text that begins with `(unknown:`."""
    certain: bool = True
    """False when something in the arguments is unknown."""
    denied: tuple[str, ...] = ()
    """Why the guardrails would not let the call through."""
    approval: PlannedApproval | None = None
    undo: str = ""
    """How it is taken back; empty when it need not be or cannot be."""
    remark: str = ""


class Plan(Value):
    """A whole dry run."""

    name: str
    version: str
    steps: tuple[PlannedStep, ...] = ()
    output: JsonValue = None
    """Of the playbook, as far as it is known."""
    notes: tuple[str, ...] = ()
    """What will go wrong, or could not be looked at."""
    tools: tuple[str, ...] = Field(default=())
    """Names of the tools that would be called."""
