"""The tables of what came in and what goes out."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, Integer, Table, Text, UniqueConstraint

from integrations.store.tables.columns import Json, UtcTime, Words, column, metadata, tenant

inbox = Table(
    "inbox",
    metadata,
    tenant(primary_key=True),
    # `slack`, or `KIND/NAME` of a webhook's endpoint.
    column("source", Text, primary_key=True),
    # The sender's; a second one with the same id is the same.
    column("delivery_id", Text, primary_key=True),
    column("kind", Text),
    # What is to be done; gone once it is done, for it holds people's words.
    column("body", Json, optional=True),
    column("correlation_id", Text),
    column("received_at", UtcTime),
    column("due_at", UtcTime),
    column("attempts", Integer),
    column("claim", Text, optional=True),
    column("leased_until", UtcTime, optional=True),
    column("done_at", UtcTime, optional=True),
    column("outcome", Words, optional=True),
    Index(None, "done_at", "due_at"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    # Its order is the order of a case's events.
    column("number", Integer, primary_key=True, autoincrement=True),
    tenant(),
    column("endpoint", Text),
    # Of many saves of one change, this decides which is the first.
    column("event_id", Text),
    column("workflow_id", Text),
    column("kind", Text),
    # As it is signed and sent: the same bytes each time.
    column("body", Text),
    column("status", Text),
    column("created_at", UtcTime),
    column("attempts", Integer),
    column("first_attempt_at", UtcTime, optional=True),
    column("last_attempt_at", UtcTime, optional=True),
    column("ended_at", UtcTime, optional=True),
    column("outcome", Text, optional=True),
    UniqueConstraint("tenant", "endpoint", "event_id"),
    Index(None, "tenant", "endpoint", "status", "number"),
    Index(None, "ended_at"),
)

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    tenant(primary_key=True),
    column("endpoint", Text, primary_key=True),
    column("failing_since", UtcTime, optional=True),
    column("last_success_at", UtcTime, optional=True),
    column("last_attempt_at", UtcTime, optional=True),
    column("last_outcome", Text, optional=True),
    column("disabled_at", UtcTime, optional=True),
    column("disabled_by", Text, optional=True),
    column("why_disabled", Words, optional=True),
)

mailboxes = Table(
    "mailboxes",
    metadata,
    tenant(primary_key=True),
    # Hashed from server, user and folder: an address is nobody's business here.
    column("place", Text, primary_key=True),
    column("uid_validity", BigInteger, optional=True),
    column("last_uid", BigInteger),
    # Mails that were there before count only where this search key holds.
    column("old_until", BigInteger),
    column("old_only", Text),
    column("trying_uid", BigInteger, optional=True),
    column("tries", Integer),
    column("due_at", UtcTime),
    column("claim", Text, optional=True),
    column("leased_until", UtcTime, optional=True),
    column("polled_at", UtcTime, optional=True),
    column("failures", Integer),
)


withdrawn_questions = Table(
    "withdrawn_questions",
    metadata,
    tenant(primary_key=True),
    column("workflow_id", Text, primary_key=True),
    column("query_id", Text, primary_key=True),
    column("withdrawn_by", Text),
    column("withdrawn_at", UtcTime),
)
