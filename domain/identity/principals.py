"""Who asks something of the HTTP service: a program or a person, with a tenant, roles and, where known, a person."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from pydantic import Field

from domain.model import JsonValue, Term, Value


class Role(Term):
    """What a principal may do. `admin` may do all; whoever has any role may look."""

    VIEWER = "viewer"
    """Looks at cases."""
    AGENT = "agent"
    """Opens cases and works on them."""
    APPROVER = "approver"
    """Decides approvals."""
    OPERATOR = "operator"
    """Releases parked steps, runs playbooks, brings events, reads metrics."""
    ADMIN = "admin"


class Principal(Value):
    """Whoever asks, once it is known who that is."""

    principal_id: str = Field(min_length=1, max_length=300)
    """`key:ID` or `token:SUBJECT`; for logs and for the record."""
    tenant: str
    roles: frozenset[Role] = frozenset()
    person_id: str | None = None
    """The person of the directory that it acts as; None for one that may only look and open."""

    def may(self, role: Role) -> bool:
        """Whether it has a role."""
        return role in self.roles or Role.ADMIN in self.roles or (role is Role.VIEWER and bool(self.roles))


class ApiKey(Value):
    """A program's key, as the store keeps it: without the secret."""

    key_id: str
    tenant: str
    name: str = Field(min_length=1, max_length=100)
    """For people: which program has it."""
    roles: tuple[Role, ...] = Field(min_length=1)
    person_id: str | None = None
    digest: str = Field(repr=False)
    """SHA-256 of the secret."""
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def opens(self, secret: str, now: datetime) -> bool:
        """Whether a secret is the key's, and the key is in force. Takes as long for any secret."""
        same = hmac.compare_digest(self.digest, digest_of(secret))
        return same and self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    @property
    def principal(self) -> Principal:
        """Who has it."""
        return Principal(
            principal_id=f"key:{self.key_id}",
            tenant=self.tenant,
            roles=frozenset(self.roles),
            person_id=self.person_id,
        )


def digest_of(secret: str) -> str:
    """SHA-256 of a secret. It has 256 random bits, so nothing slower is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class SessionRecord(Value):
    """A client's session: cases may be opened and questions asked in it."""

    session_id: str
    tenant: str
    principal: str
    kind: str
    created_at: datetime
    expires_at: datetime


class ConsoleSession(Value):
    """Somebody who is signed in to the web console. Its id is the digest of the cookie's secret."""

    session_id: str
    tenant: str
    principal: str
    """`key:ID`, `person:ID/MARK` for a password, or `token:MARK` for an account at the identity provider."""
    person_id: str | None = None
    roles: tuple[Role, ...] = ()
    """What the identity provider said. Those of a key and of a password are read as they are now."""
    created_at: datetime
    seen_at: datetime
    """When the person last went to a page or sent a form."""
    expires_at: datetime


class Answered(Value):
    """An answer that was given, to be given again."""

    status: int
    headers: dict[str, JsonValue]
    body: bytes
