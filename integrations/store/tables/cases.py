"""The tables of cases."""

from __future__ import annotations

from sqlalchemy import Boolean, Float, Index, Integer, Table, Text

from integrations.store.tables.columns import Json, UtcTime, Words, belongs_to_case, case_key, column, metadata, tenant

cases = Table(
    "cases",
    metadata,
    case_key(primary_key=True),
    tenant(),
    column("kind", Text),
    column("case_id", Text),
    column("ticket_id", Words),
    column("status", Text),
    column("phase", Text),
    column("category", Text, optional=True),
    column("priority", Text, optional=True),
    column("risk", Integer, optional=True),
    column("decision", Text, optional=True),
    column("team", Text, optional=True),
    column("claimed_by", Text, optional=True),
    column("subject", Words),
    column("customer_ref", Words, optional=True),
    column("opened_at", UtcTime),
    column("updated_at", UtcTime),
    column("resolved_at", UtcTime, optional=True),
    column("closed_at", UtcTime, optional=True),
    column("details", Json),
    Index(None, "tenant", "opened_at"),
    Index(None, "tenant", "status", "opened_at"),
)

timeline = Table(
    "timeline",
    metadata,
    belongs_to_case(primary_key=True),
    column("number", Integer, primary_key=True, autoincrement=False),
    tenant(),
    column("at", UtcTime),
    column("kind", Text),
    column("text", Words),
    column("actor", Text),
)

messages = Table(
    "messages",
    metadata,
    belongs_to_case(primary_key=True),
    column("number", Integer, primary_key=True, autoincrement=False),
    tenant(),
    column("message_id", Words),
    column("at", UtcTime),
    column("author", Text),
    column("text", Words),
)

approvals = Table(
    "approvals",
    metadata,
    case_key(primary_key=True),
    column("request_id", Text, primary_key=True),
    column("number", Integer, primary_key=True, autoincrement=False),
    tenant(),
    column("event", Text),
    column("at", UtcTime),
    column("person_id", Text, optional=True),
    column("digest", Text),
    column("text", Words),
)

interventions = Table(
    "interventions",
    metadata,
    case_key(primary_key=True),
    column("number", Integer, primary_key=True, autoincrement=False),
    tenant(),
    column("step", Text),
    column("title", Words),
    column("tool", Text, optional=True),
    column("problem", Words),
    column("parked_at", UtcTime),
    column("action", Text),
    column("person_id", Text),
    column("at", UtcTime),
    column("reason", Words),
    column("digest_before", Text, optional=True),
    column("digest_after", Text, optional=True),
    Index(None, "tenant", "at"),
)

outcomes = Table(
    "outcomes",
    metadata,
    case_key(primary_key=True),
    tenant(),
    column("decision", Text),
    column("category", Text),
    column("priority", Text),
    column("risk", Integer),
    column("escalated", Boolean),
    column("reopened", Integer),
    column("satisfaction", Integer, optional=True),
    column("escalation_was_right", Boolean, optional=True),
    column("first_response_seconds", Float(53), optional=True),
    column("handoff_seconds", Float(53), optional=True),
    column("resolution_seconds", Float(53), optional=True),
    column("sla_breaches", Integer),
    column("messages_sent", Integer),
    column("model_cost", Float(53)),
    column("signature", Words),
    column("recorded_at", UtcTime),
    column("report", Json),
    Index(None, "tenant", "recorded_at"),
    Index(None, "tenant", "category", "recorded_at"),
)

texts = Table(
    "texts",
    metadata,
    tenant(primary_key=True),
    column("reference", Text, primary_key=True),
    column("text", Words),
    column("saved_at", UtcTime),
)
