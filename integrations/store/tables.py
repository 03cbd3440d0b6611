"""The tables of the store. Every one has a tenant column, and times are UTC.

`migrations/` builds them; a test compares both, so a change here needs a new migration there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


class UtcTime(TypeDecorator[datetime]):
    """A moment: refused without a time zone, kept as UTC, returned with UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; SQLite keeps it without the zone, so that text order is time order."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError("A time without a zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """Text from outside. PostgreSQL takes no NUL character, and one must not cost us a case: it is replaced."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Replace NUL by the replacement character."""
        return value.replace("\x00", "�") if value is not None else None


Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def _column(name: str, kind: Any, *rest: Any, optional: bool = False, **options: Any) -> Column[Any]:
    return Column(name, kind, *rest, nullable=optional, **options)


def _tenant(**options: Any) -> Column[Any]:
    return _column("tenant", Text, **options)


def _case_key(**options: Any) -> Column[Any]:
    return _column("workflow_id", Text, **options)


def _belongs_to_case(**options: Any) -> Column[Any]:
    return _column("workflow_id", Text, ForeignKey("cases.workflow_id"), **options)


cases = Table(
    "cases",
    metadata,
    _case_key(primary_key=True),
    _tenant(),
    _column("kind", Text),
    _column("case_id", Text),
    _column("ticket_id", Words),
    _column("status", Text),
    _column("phase", Text),
    _column("category", Text, optional=True),
    _column("priority", Text, optional=True),
    _column("risk", Integer, optional=True),
    _column("decision", Text, optional=True),
    _column("team", Text, optional=True),
    _column("claimed_by", Text, optional=True),
    _column("subject", Words),
    _column("customer_ref", Words, optional=True),
    _column("opened_at", UtcTime),
    _column("updated_at", UtcTime),
    _column("resolved_at", UtcTime, optional=True),
    _column("closed_at", UtcTime, optional=True),
    _column("details", Json),
    Index(None, "tenant", "opened_at"),
    Index(None, "tenant", "status", "opened_at"),
)

timeline = Table(
    "timeline",
    metadata,
    _belongs_to_case(primary_key=True),
    _column("number", Integer, primary_key=True, autoincrement=False),
    _tenant(),
    _column("at", UtcTime),
    _column("kind", Text),
    _column("text", Words),
    _column("actor", Text),
)

messages = Table(
    "messages",
    metadata,
    _belongs_to_case(primary_key=True),
    _column("number", Integer, primary_key=True, autoincrement=False),
    _tenant(),
    _column("message_id", Words),
    _column("at", UtcTime),
    _column("author", Text),
    _column("text", Words),
)

approvals = Table(
    "approvals",
    metadata,
    _case_key(primary_key=True),
    _column("request_id", Text, primary_key=True),
    _column("number", Integer, primary_key=True, autoincrement=False),
    _tenant(),
    _column("event", Text),
    _column("at", UtcTime),
    _column("person_id", Text, optional=True),
    _column("digest", Text),
    _column("text", Words),
)

interventions = Table(
    "interventions",
    metadata,
    _case_key(primary_key=True),
    _column("number", Integer, primary_key=True, autoincrement=False),
    _tenant(),
    _column("step", Text),
    _column("title", Words),
    _column("tool", Text, optional=True),
    _column("problem", Words),
    _column("parked_at", UtcTime),
    _column("action", Text),
    _column("person_id", Text),
    _column("at", UtcTime),
    _column("reason", Words),
    _column("digest_before", Text, optional=True),
    _column("digest_after", Text, optional=True),
    Index(None, "tenant", "at"),
)

outcomes = Table(
    "outcomes",
    metadata,
    _case_key(primary_key=True),
    _tenant(),
    _column("decision", Text),
    _column("category", Text),
    _column("priority", Text),
    _column("risk", Integer),
    _column("escalated", Boolean),
    _column("reopened", Integer),
    _column("satisfaction", Integer, optional=True),
    _column("escalation_was_right", Boolean, optional=True),
    _column("first_response_seconds", Float(53), optional=True),
    _column("handoff_seconds", Float(53), optional=True),
    _column("resolution_seconds", Float(53), optional=True),
    _column("sla_breaches", Integer),
    _column("messages_sent", Integer),
    _column("model_cost", Float(53)),
    _column("signature", Words),
    _column("recorded_at", UtcTime),
    _column("report", Json),
    Index(None, "tenant", "recorded_at"),
    Index(None, "tenant", "category", "recorded_at"),
)

effects = Table(
    "effects",
    metadata,
    _column("key", Text, primary_key=True),
    _tenant(),
    _column("status", Text),
    _column("claim", Text),
    _column("attempts", Integer),
    _column("claimed_at", UtcTime),
    _column("recorded_at", UtcTime, optional=True),
    _column("outcome", Json, optional=True),
    Index(None, "tenant", "status", "claimed_at"),
)

model_calls = Table(
    "model_calls",
    metadata,
    _tenant(primary_key=True),
    _column("key", Text, primary_key=True),
    _case_key(),
    _column("provider", Text),
    _column("model", Text),
    _column("purpose", Text),
    _column("input_tokens", Integer),
    _column("output_tokens", Integer),
    _column("cost", Float(53)),
    _column("at", UtcTime),
    Index(None, "tenant", "at"),
    Index(None, "tenant", "workflow_id"),
)

articles = Table(
    "articles",
    metadata,
    # A number of its own, because SQLite's search index refers to rows by number.
    _column("id", Integer, primary_key=True),
    _tenant(),
    _column("article_id", Text),
    _column("title", Words),
    _column("body", Words),
    # One keyword a line: the search index reads this column as text.
    _column("keywords", Words),
    _column("url", Words, optional=True),
    _column("category", Text, optional=True),
    _column("public", Boolean),
    _column("source_case", Text, optional=True),
    _column("created_at", UtcTime),
    # The shipped file this row was last filled from, so that start-up skips unchanged files and keeps people's edits.
    _column("seed_digest", Text, optional=True),
    UniqueConstraint("tenant", "article_id"),
)

lessons = Table(
    "lessons",
    metadata,
    _column("id", Integer, primary_key=True),
    _tenant(),
    _column("lesson_id", Text),
    _column("title", Words),
    _column("body", Words),
    # One a line, as with articles.
    _column("keywords", Words),
    _column("service", Words, optional=True),
    _column("fault", Text),
    _column("signs", Text),
    _column("playbook", Text, optional=True),
    _column("source_case", Text, optional=True),
    _column("status", Text),
    _column("reviewer", Text, optional=True),
    _column("reviewed_at", UtcTime, optional=True),
    _column("created_at", UtcTime),
    UniqueConstraint("tenant", "lesson_id"),
    Index(None, "tenant", "status", "created_at"),
)

vectors = Table(
    "vectors",
    metadata,
    _tenant(primary_key=True),
    # `lesson:...` or `signature:...`.
    _column("reference", Text, primary_key=True),
    _column("model", Text),
    # Of the text that the vector was made of.
    _column("digest", Text),
    _column("numbers", LargeBinary),
)

texts = Table(
    "texts",
    metadata,
    _tenant(primary_key=True),
    _column("reference", Text, primary_key=True),
    _column("text", Words),
    _column("saved_at", UtcTime),
)

allowances = Table(
    "allowances",
    metadata,
    _tenant(primary_key=True),
    _column("limit_name", Text, primary_key=True),
    # Hashed: whom it counts for is nobody's business here.
    _column("subject", Text, primary_key=True),
    _column("day", Text, primary_key=True),
    _column("used", Float(53)),
)

allowance_claims = Table(
    "allowance_claims",
    metadata,
    _column("key", Text, primary_key=True),
    _column("limit_name", Text, primary_key=True),
    _column("subject", Text, primary_key=True),
    _tenant(),
    _column("day", Text),
    _column("amount", Float(53)),
    _column("claimed_at", UtcTime),
)

api_keys = Table(
    "api_keys",
    metadata,
    # Public: it stands in the key and in logs.
    _column("key_id", Text, primary_key=True),
    _tenant(),
    _column("name", Words),
    _column("roles", Json),
    _column("person_id", Text, optional=True),
    # SHA-256 of the secret part, which nobody keeps.
    _column("digest", Text),
    _column("created_at", UtcTime),
    _column("expires_at", UtcTime, optional=True),
    _column("revoked_at", UtcTime, optional=True),
    Index(None, "tenant", "created_at"),
)

repeatable_requests = Table(
    "repeatable_requests",
    metadata,
    _tenant(primary_key=True),
    _column("principal", Text, primary_key=True),
    _column("key", Text, primary_key=True),
    # Of method, path and body: another request under the same key is refused.
    _column("digest", Text),
    _column("claim", Text),
    _column("claimed_at", UtcTime),
    _column("leased_until", UtcTime),
    _column("answered_at", UtcTime, optional=True),
    _column("status", Integer, optional=True),
    _column("headers", Json, optional=True),
    _column("body", LargeBinary, optional=True),
    Index(None, "claimed_at"),
)

sessions = Table(
    "sessions",
    metadata,
    _column("session_id", Text, primary_key=True),
    _tenant(),
    _column("principal", Text),
    _column("kind", Text),
    _column("created_at", UtcTime),
    _column("expires_at", UtcTime),
    Index(None, "tenant", "principal", "created_at"),
)

inbox = Table(
    "inbox",
    metadata,
    _tenant(primary_key=True),
    # `slack`, or `KIND/NAME` of a webhook's endpoint.
    _column("source", Text, primary_key=True),
    # The sender's; a second one with the same id is the same.
    _column("delivery_id", Text, primary_key=True),
    _column("kind", Text),
    # What is to be done; gone once it is done, for it holds people's words.
    _column("body", Json, optional=True),
    _column("correlation_id", Text),
    _column("received_at", UtcTime),
    _column("due_at", UtcTime),
    _column("attempts", Integer),
    _column("claim", Text, optional=True),
    _column("leased_until", UtcTime, optional=True),
    _column("done_at", UtcTime, optional=True),
    _column("outcome", Words, optional=True),
    Index(None, "done_at", "due_at"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    # Its order is the order of a case's events.
    _column("number", Integer, primary_key=True, autoincrement=True),
    _tenant(),
    _column("endpoint", Text),
    # Of many saves of one change, this decides which is the first.
    _column("event_id", Text),
    _column("workflow_id", Text),
    _column("kind", Text),
    # As it is signed and sent: the same bytes each time.
    _column("body", Text),
    _column("status", Text),
    _column("created_at", UtcTime),
    _column("attempts", Integer),
    _column("first_attempt_at", UtcTime, optional=True),
    _column("last_attempt_at", UtcTime, optional=True),
    _column("ended_at", UtcTime, optional=True),
    _column("outcome", Text, optional=True),
    UniqueConstraint("tenant", "endpoint", "event_id"),
    Index(None, "tenant", "endpoint", "status", "number"),
    Index(None, "ended_at"),
)

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    _tenant(primary_key=True),
    _column("endpoint", Text, primary_key=True),
    _column("failing_since", UtcTime, optional=True),
    _column("last_success_at", UtcTime, optional=True),
    _column("last_attempt_at", UtcTime, optional=True),
    _column("last_outcome", Text, optional=True),
    _column("disabled_at", UtcTime, optional=True),
    _column("disabled_by", Text, optional=True),
    _column("why_disabled", Words, optional=True),
)

mailboxes = Table(
    "mailboxes",
    metadata,
    _tenant(primary_key=True),
    # Hashed from server, user and folder: an address is nobody's business here.
    _column("place", Text, primary_key=True),
    _column("uid_validity", BigInteger, optional=True),
    _column("last_uid", BigInteger),
    # Mails that were there before count only where this search key holds.
    _column("old_until", BigInteger),
    _column("old_only", Text),
    _column("trying_uid", BigInteger, optional=True),
    _column("tries", Integer),
    _column("due_at", UtcTime),
    _column("claim", Text, optional=True),
    _column("leased_until", UtcTime, optional=True),
    _column("polled_at", UtcTime, optional=True),
    _column("failures", Integer),
)


_FULL_TEXT = ("ix_articles_search", "ix_lessons_search")


def is_compared(_object: object, name: str | None, kind: str, reflected: bool, _other: object) -> bool:
    """Leave out what only one database has when tables and database are compared: the full-text indexes."""
    if not reflected or name is None:
        return True
    if kind == "column":
        return name != "search"
    return not (name.startswith(("articles_search", "lessons_search")) or name in _FULL_TEXT)


withdrawn_questions = Table(
    "withdrawn_questions",
    metadata,
    _tenant(primary_key=True),
    _column("workflow_id", Text, primary_key=True),
    _column("query_id", Text, primary_key=True),
    _column("withdrawn_by", Text),
    _column("withdrawn_at", UtcTime),
)

request_windows = Table(
    "request_windows",
    metadata,
    _tenant(primary_key=True),
    _column("principal", Text, primary_key=True),
    _column("began_at", UtcTime),
    # Handed out to replicas in this window; what they have not used of it is not given back.
    _column("taken", Integer),
)
