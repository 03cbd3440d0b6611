"""What senders say, read into what is to be done. What asks for nothing is taken and left alone."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.model import JsonValue, Value
from starters.service.http.errors import invalid

_MOST_ALERTS = 500


class Read(Value):
    """What one delivery says."""

    delivery_id: str = Field(min_length=1, max_length=200)
    kind: Literal["hook_ticket", "hook_message", "hook_incident", "hook_resolved", "hook_event"] | None = None
    """None where nothing is to be done."""
    body: dict[str, JsonValue] = Field(default_factory=dict)


class _Part(BaseModel):
    """A part of what a sender sends; it may send more than we read."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Alert(_Part):
    status: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    startsAt: str = ""  # noqa: N815 - the sender's name
    endsAt: str = ""  # noqa: N815 - the sender's name
    fingerprint: str = ""


class _Alerts(_Part):
    """Alertmanager's webhook, version 4 (prometheus.io, "webhook_config")."""

    version: Literal["4"]
    groupKey: str = Field(min_length=1, max_length=10_000)  # noqa: N815 - the sender's name
    status: Literal["firing", "resolved"]
    commonLabels: dict[str, str] = {}  # noqa: N815 - the sender's name
    commonAnnotations: dict[str, str] = {}  # noqa: N815 - the sender's name
    alerts: list[_Alert] = Field(min_length=1, max_length=_MOST_ALERTS)


class _PagerService(_Part):
    summary: str = ""


class _PagerIncident(_Part):
    id: str = Field("", max_length=100)
    type: str = ""
    title: str = ""
    urgency: str = ""
    service: _PagerService | None = None


class _PagerEvent(_Part):
    id: str = Field(min_length=1, max_length=100)
    event_type: str = Field(max_length=100)
    occurred_at: str = Field("", max_length=50)
    data: _PagerIncident = _PagerIncident()


class _Pager(_Part):
    """PagerDuty's webhook, version 3 (developer.pagerduty.com, "Webhooks overview")."""

    event: _PagerEvent


class _ZendeskAuthor(_Part):
    id: str = ""
    is_staff: bool = False


class _ZendeskComment(_Part):
    id: str = Field("", max_length=100)
    body: str = ""
    is_public: bool = False
    author: _ZendeskAuthor = _ZendeskAuthor()


class _ZendeskDetail(_Part):
    id: str = Field("", max_length=64, pattern=r"^[0-9]*$")
    subject: str | None = None
    description: str | None = None
    external_id: str | None = None
    priority: str | None = None
    requester_id: str | None = None
    tags: list[str] | None = None


class _ZendeskChange(_Part):
    comment: _ZendeskComment | None = None


class _Zendesk(_Part):
    """Zendesk's ticket events (developer.zendesk.com, "Ticket events")."""

    id: str = Field(min_length=1, max_length=150)
    type: str = Field(max_length=200)
    detail: _ZendeskDetail = _ZendeskDetail()
    event: _ZendeskChange = _ZendeskChange()


def alerts(data: JsonValue) -> Read:
    """A group of alerts is one incident, which hears when they are over.

    Raises:
        Problem: 422.
    """
    given = _read(_Alerts, data)
    # The same content again is Alertmanager's own repeat.
    told = _made_of(json.dumps(given.model_dump(), sort_keys=True))
    name = "AM-" + _made_of(given.groupKey)[:16]
    body: dict[str, JsonValue] = {
        "incident": name,
        "note": "\n".join(_line(one) for one in given.alerts),
        "by": "alertmanager",
    }
    if given.status == "resolved":
        return Read(delivery_id=told, kind="hook_resolved", body=body)
    labels, texts = given.commonLabels, given.commonAnnotations
    title = texts.get("summary") or labels.get("alertname") or "Alerts are firing"
    severity = labels.get("severity", "").lower()
    body |= {
        "title": title,
        "description": texts.get("description", ""),
        "service": labels.get("service") or labels.get("job"),
        "urgency": {"critical": "critical", "page": "critical", "error": "high", "warning": "medium"}.get(severity),
    }
    return Read(delivery_id=told, kind="hook_incident", body=body)


def pager(data: JsonValue) -> Read:
    """An incident there is one here.

    Raises:
        Problem: 422.
    """
    event = _read(_Pager, data).event
    about = event.data
    body: dict[str, JsonValue] = {
        "incident": f"PD-{about.id}",
        "note": f"{event.occurred_at} {event.event_type} {about.title}",
        "by": "pagerduty",
    }
    if about.type != "incident" or not about.id:
        return Read(delivery_id=event.id)
    if event.event_type == "incident.resolved":
        return Read(delivery_id=event.id, kind="hook_resolved", body=body)
    if event.event_type not in ("incident.triggered", "incident.reopened", "incident.escalated"):
        return Read(delivery_id=event.id)
    body |= {
        "title": about.title or "PagerDuty incident",
        "description": "",
        "service": about.service.summary if about.service is not None else None,
        "urgency": {"high": "critical", "low": "medium"}.get(about.urgency),
    }
    return Read(delivery_id=event.id, kind="hook_incident", body=body)


def zendesk(data: JsonValue) -> Read:
    """A new ticket is a case, a customer's public comment a message in it.

    Raises:
        Problem: 422.
    """
    given = _read(_Zendesk, data)
    detail, comment = given.detail, given.event.comment
    if not detail.id:
        return Read(delivery_id=given.id)
    if given.type == "zen:event-type:ticket.created":
        if detail.external_id:
            return Read(delivery_id=given.id)  # we made it there ourselves, for a case that is open here
        fields: dict[str, JsonValue] = {
            "id": detail.id,
            "external_id": detail.id,
            "subject": detail.subject or "(no subject)",
            "description": detail.description or "",
            "priority": {"urgent": "critical"}.get(detail.priority or "", detail.priority),
            "tags": list(detail.tags or ()),
            "customerId": f"zendesk:{detail.requester_id}" if detail.requester_id else None,
        }
        return Read(delivery_id=given.id, kind="hook_ticket", body={"ticket": _without_none(fields)})
    is_customers = comment is not None and comment.is_public and not comment.author.is_staff and comment.body.strip()
    if given.type != "zen:event-type:ticket.comment_added" or comment is None or not is_customers:
        return Read(delivery_id=given.id)
    said: dict[str, JsonValue] = {
        "case": detail.external_id or detail.id,
        "text": comment.body[:20_000],
        "message_id": f"zendesk/{comment.id or given.id}",
    }
    return Read(delivery_id=given.id, kind="hook_message", body=said)


def _line(alert: _Alert) -> str:
    labels = " ".join(f"{name}={value}" for name, value in sorted(alert.labels.items()))
    words = " ".join(alert.annotations.get(name, "") for name in ("summary", "description")).strip()
    at = alert.endsAt if alert.status == "resolved" else alert.startsAt
    level = "INFO" if alert.status == "resolved" else "ERROR"
    return " ".join(f"{at} {level} alert {alert.status}: {labels} {words}".split())[:4_000]


def _without_none(fields: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {name: value for name, value in fields.items() if value is not None}


def _made_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def _read(model: type[Any], data: JsonValue) -> Any:
    try:
        return model.model_validate(data)
    except ValidationError:
        raise invalid("The body is none that this endpoint's sender sends: check what sends it.") from None
