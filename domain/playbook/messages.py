"""What goes in and out of a playbook run."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from domain.model import JsonValue, Value
from domain.playbook.errors import PlaybookError
from domain.playbook.state import PlaybookState


class PlaybookInput(Value):
    """What starts a run."""

    tenant: str
    name: str
    """Of a playbook in the tenant's library, or of the definition given here."""
    key: str
    """Makes the run's id, with tenant and name: `playbook:{tenant}:{name}:{key}`."""
    version: str | None = None
    """Of the playbook in the library; the newest when None."""
    definition: dict[str, JsonValue] | None = None
    """A definition from a file instead of the library's."""
    input: JsonValue = None
    started_by: str = "surehand"
    """Person id or workflow id; nobody approves their own run's calls."""
    customer_id: str | None = None
    """For limits per customer."""
    approved: tuple[str, ...] = ()
    """Digests of tool + arguments that the starting case's people approved already."""
    held: bool = False
    """Once all is done, wait until the case that started this says whether it stays. Without a parent nobody waits."""
    state: PlaybookState | None = None
    """Set by continue-as-new."""
    continue_after_events: int | None = None


class PlaybookResult(Value):
    """How a run ended."""

    status: str
    """`completed`, `faulted` or `cancelled`."""
    output: JsonValue = None
    error: PlaybookError | None = None
    done: tuple[str, ...] = ()
    """Effects that stand, in the order they were made."""
    unknown: tuple[str, ...] = ()
    """Calls of which nobody can say whether they took effect, such as one that a person replaced by another."""
    undone: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    """Effects that could not be taken back and were left to a person."""


class HeldPlaybook(Value):
    """A run has done all its tasks, and waits for the word of the case that started it."""

    workflow_id: str
    done: tuple[str, ...] = ()


class ReleaseInput(Value):
    """The word of the case that started a run: whether what it did stays."""

    keep: bool
    reason: str = Field(default="", max_length=500)


class CloudEvent(Value):
    """An event, as CloudEvents 1.0 has it (structured mode)."""

    id: str = Field(min_length=1, max_length=200)
    source: str = Field(min_length=1, max_length=500)
    type: str = Field(min_length=1, max_length=200)
    specversion: str = "1.0"
    time: datetime | None = None
    subject: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    data: JsonValue = None
    extensions: dict[str, JsonValue] = Field(default_factory=dict)
    """Extension attributes, which CloudEvents puts beside the others."""
