"""The sender of webhooks as a workflow: its input and its state."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from domain.model import State, Value
from domain.webhooks.events import DeliveryRules


class FailingCase(State):
    """A case whose oldest event was not taken."""

    failures: int
    since: datetime
    next_at: datetime


class SenderState(State):
    """What a sender remembers between tries."""

    rules: DeliveryRules = DeliveryRules()
    failing: dict[str, FailingCase] = Field(default_factory=dict)
    """By workflow id."""
    failing_since: datetime | None = None
    """When the endpoint failed first without having taken anything since."""
    failures: int = 0
    """In a row, of the endpoint as a whole."""
    paused_until: datetime | None = None
    gone: bool = False
    """Whether the endpoint said that it wants nothing any more (410)."""
    sent: int = 0
    runs: int = 1


class SenderInput(Value):
    """Which endpoint a sender tells."""

    tenant: str
    endpoint: str
    state: SenderState | None = None
    """Set by continue-as-new only."""
    continue_after_events: int | None = None
    """Continue-as-new after this many events; none leaves it to the server's suggestion. A knob for tests."""


class WakeInput(Value):
    """Something waits."""

    at_once: bool = False
    """Whether a pause after failures ends now: a person enabled the endpoint or wants something sent again."""
