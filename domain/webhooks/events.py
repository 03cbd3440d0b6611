"""What systems outside are told of cases: which changes are events, what stands in them, and who wants which.

An event is a CloudEvent 1.0 with what is needed to look the case up and no more: no customer's words, names or
addresses, and no arguments of calls. It follows from two rows of a case, so a repeated save makes no second one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from pydantic import Field

from domain.cases.records import ApprovalRecord, CaseRecord
from domain.cases.terms import Status
from domain.ids import check_tenant
from domain.model import JsonValue, Term, Value

PREFIX = "com.surehand.case."
TEST_TYPE = "com.surehand.webhook.test"
_EVERYTHING = "*"
_WITH_PEOPLE = (Status.WAITING_CLAIM.value, Status.WITH_AGENT.value)
_RUN = "playbook"


class EventKind(Term):
    """What an event says; its type is the same after `com.surehand.case.`."""

    OPENED = "opened"
    STATUS_CHANGED = "status_changed"
    """Status, phase or priority are others now."""
    HANDED_OVER = "handed_over"
    CLAIMED = "claimed"
    PARKED = "parked"
    """A step waits for a person's word."""
    APPROVAL_REQUESTED = "approval_requested"
    APPROVAL_DECIDED = "approval_decided"
    """A person approved or rejected; where several must approve there is one for each."""
    APPROVAL_EXPIRED = "approval_expired"
    APPROVAL_WITHDRAWN = "approval_withdrawn"
    """Nobody need decide any more."""
    RESOLVED = "resolved"
    REOPENED = "reopened"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    """The case was cancelled or given up, and took back what it had sent."""
    RUN_ENDED = "run_ended"
    """A playbook's run; `phase` says how."""

    @property
    def type(self) -> str:
        """As CloudEvents names it."""
        return f"{PREFIX}{self.value}"


_OF_APPROVALS = {
    "requested": EventKind.APPROVAL_REQUESTED,
    "approved": EventKind.APPROVAL_DECIDED,
    "rejected": EventKind.APPROVAL_DECIDED,
    "expired": EventKind.APPROVAL_EXPIRED,
    "superseded": EventKind.APPROVAL_WITHDRAWN,
}


class CaseEvent(Value):
    """One thing that systems outside may want to know."""

    event_id: str
    """The same for every save of the same change."""
    kind: EventKind
    case: CaseRecord
    at: datetime
    more: dict[str, JsonValue] = Field(default_factory=dict)
    """What this kind says beside the case: what was before, or which approval."""


class Subscription(Value):
    """An endpoint that is told, from `subscriptions.yaml`."""

    name: str
    tenant: str
    url: str = Field(repr=False)
    """May hold a token in its path, as some receivers want it: it stands in no log."""
    events: tuple[str, ...] = (_EVERYTHING,)
    """Kinds, or `*`."""
    secrets: tuple[str, ...] = Field(min_length=1)
    """Names of settings; all that are set sign, so that one may replace the other."""
    subject: bool = False
    """Whether an event carries the case's subject line, which is the customer's words."""

    def wants(self, kind: EventKind) -> bool:
        """Whether it is told of such events."""
        return _EVERYTHING in self.events or kind.value in self.events


class DeliveryRules(Value):
    """How events are delivered."""

    retry_first: timedelta = timedelta(seconds=5)
    """Wait after the first failure; doubled after each further one, a quarter more or less by chance."""
    retry_longest: timedelta = timedelta(hours=1)
    timeout: timedelta = timedelta(seconds=15)
    """For one whole request."""
    disable_after: timedelta = timedelta(days=3)
    """An endpoint that took nothing for so long is told nothing more until a person enables it."""
    keep: timedelta = timedelta(days=14)
    """How long what was sent can be sent again."""

    def backoff(self, failures: int, chance: float) -> timedelta:
        """Wait after so many failures in a row.

        Args:
            failures: from 1.
            chance: from 0 to 1; spreads the wait from three quarters to five quarters.
        """
        doubled: int = 2 ** min(failures - 1, 30)
        whole = min(self.retry_first * doubled, self.retry_longest)
        return whole * (0.75 + 0.5 * chance)


class WebhookHealth(Value):
    """How an endpoint fares."""

    failing_since: datetime | None = None
    last_success_at: datetime | None = None
    last_attempt_at: datetime | None = None
    last_outcome: str | None = None
    disabled_at: datetime | None = None
    disabled_by: str | None = None
    """A person, a key, or `surehand`."""
    why_disabled: str | None = None


class DeliveryStatus(Term):
    """Where one event stands on its way to one endpoint."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    """The endpoint takes others and not this one."""


class WebhookDelivery(Value):
    """One event for one endpoint."""

    number: int
    """Rises in the order of a case's events."""
    tenant: str
    endpoint: str
    event_id: str
    """The `webhook-id`; the same each time it is sent."""
    workflow_id: str
    kind: str
    """The event's type."""
    body: str = Field(repr=False)
    status: DeliveryStatus
    created_at: datetime
    attempts: int = 0
    first_attempt_at: datetime | None = None
    last_attempt_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str | None = None
    """Of the last attempt: an HTTP status, or a word such as `timeout`."""


class WebhookAttempt(Value):
    """What came of sending once."""

    delivered: bool
    outcome: str
    gone: bool = False
    """The receiver said that it wants nothing any more (410)."""
    retry_after: timedelta | None = None
    """As the receiver asked."""


def webhook_workflow_id(tenant: str, endpoint: str) -> str:
    """The workflow id of an endpoint's sender. The one place that knows its form."""
    return f"webhooks:{check_tenant(tenant)}:{endpoint}"


def events_of_change(before: CaseRecord | None, after: CaseRecord) -> tuple[CaseEvent, ...]:
    """What is to be told because a case's row became another.

    Args:
        before: the row as it was; None when there was none.
        after: the row as it is.
    """
    if before is None or before.opened_at != after.opened_at:
        return (_event(EventKind.OPENED, after, after.opened_at.isoformat()),)
    was = {name: getattr(before, name) for name in ("status", "phase", "priority")}
    is_now = {name: getattr(after, name) for name in was}
    at = after.updated_at.isoformat()
    events = []
    if was != is_now:
        events.append(_event(EventKind.STATUS_CHANGED, after, f"{at}|{was}|{is_now}", previous=was))
    events += [_event(kind, after, mark or at) for kind, mark in _milestones(before, after)]
    return tuple(events)


def _milestones(before: CaseRecord, after: CaseRecord) -> list[tuple[EventKind, str]]:
    """Kinds, each with what tells this time from another; none where the time of the change does."""

    def came(status: Status) -> bool:
        return after.status == status.value != before.status

    with_people = after.status in _WITH_PEOPLE and before.status not in _WITH_PEOPLE
    is_run = after.kind == _RUN
    facts = (
        # A case that waits for an approval in between was not handed over twice.
        (with_people, EventKind.HANDED_OVER, f"{_handed_over_at(after)}|{after.team}"),
        (after.claimed_by is not None and after.claimed_by != before.claimed_by, EventKind.CLAIMED, ""),
        (came(Status.PARKED), EventKind.PARKED, ""),
        (after.resolved_at is not None and before.resolved_at is None, EventKind.RESOLVED, ""),
        (after.resolved_at is None and before.resolved_at is not None, EventKind.REOPENED, ""),
        (came(Status.CLOSED) and not is_run, EventKind.CLOSED, ""),
        (came(Status.WITHDRAWN) and not is_run, EventKind.WITHDRAWN, ""),
        (is_run and after.closed_at is not None and before.closed_at is None, EventKind.RUN_ENDED, ""),
    )
    return [(kind, mark) for holds, kind, mark in facts if holds]


def _handed_over_at(record: CaseRecord) -> JsonValue:
    handoff = record.details.get("handoff")
    return handoff.get("completed_at") if isinstance(handoff, dict) else record.details.get("reopened")


def event_of_approval(line: ApprovalRecord, case: CaseRecord) -> CaseEvent | None:
    """What is to be told because of a line of the approvals audit; None for reminders and the like."""
    kind = _OF_APPROVALS.get(line.event)
    if kind is None:
        return None
    approval: dict[str, JsonValue] = {"request_id": line.request_id, "digest": line.digest}
    if kind is EventKind.APPROVAL_DECIDED:
        approval["decision"] = line.event
    made = _event(kind, case, f"{line.request_id}|{line.number}|{line.at.isoformat()}", approval=approval)
    return made.model_copy(update={"at": line.at})


def _event(kind: EventKind, case: CaseRecord, mark: str, **more: JsonValue) -> CaseEvent:
    told = f"{case.workflow_id}|{case.opened_at.isoformat()}|{kind.value}|{mark}"
    name = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
    bare = case.model_copy(update={"timeline": (), "conversation": ()})
    return CaseEvent(event_id=f"evt_{name[:32]}", kind=kind, case=bare, at=case.updated_at, more=more)


def body_of(event: CaseEvent, subscription: Subscription, console: str | None) -> str:
    """The event as it is signed and sent: CloudEvents 1.0, JSON format.

    Args:
        event: what happened.
        subscription: who is told.
        console: base address of the console, for a link.
    """
    case = event.case
    data: dict[str, JsonValue] = {
        "id": case.case_id,
        "tenant": case.tenant,
        "kind": {"escalation": "ticket", "troubleshooting": "incident", _RUN: "run"}.get(case.kind, case.kind),
        "status": case.status,
        "phase": case.phase,
        "priority": case.priority,
        "link": f"{console.rstrip('/')}/cases/{quote(case.case_id, safe=':')}" if console else None,
        **event.more,
    }
    if subscription.subject:
        data["subject"] = case.subject
    return enveloped(event.event_id, event.kind.type, case.tenant, event.at, data, subject=case.case_id)


def enveloped(
    event_id: str, kind: str, tenant: str, at: datetime, data: dict[str, JsonValue], *, subject: str | None = None
) -> str:
    """A CloudEvent in the JSON format, in ASCII."""
    envelope: dict[str, JsonValue] = {
        "specversion": "1.0",
        "id": event_id,
        "source": f"/surehand/{tenant}",
        "type": kind,
        "time": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": data,
    }
    return json.dumps(envelope | ({"subject": subject} if subject else {}), separators=(",", ":"))


def trial_body(subscription: Subscription, event_id: str, at: datetime) -> str:
    """An event that only says that the way to an endpoint is open."""
    return enveloped(event_id, TEST_TYPE, subscription.tenant, at, {"endpoint": subscription.name})


def unknown_kinds(events: Sequence[str]) -> list[str]:
    """Those that no event is of."""
    return [name for name in events if name != _EVERYTHING and name not in set(EventKind)]
