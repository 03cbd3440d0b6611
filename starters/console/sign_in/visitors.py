"""Who sits at the browser: signed in by a link, a key, a password or an identity provider, known again by a cookie.

The cookie holds 256 random bits and nothing else; the store knows their digest only. So it cannot be made up or
changed, and every replica ends a session the moment the store does.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from domain.identity.passwords import PasswordRecord
from domain.identity.people import Person
from domain.identity.principals import ApiKey, ConsoleSession, Principal, Role, SessionRecord, digest_of
from integrations.store.store import SqlStore
from starters.console.sign_in import cookies
from starters.service.access.keys import taken_apart
from starters.service.services import Services

logger = logging.getLogger(__name__)

LINK = "console-link"
LINK_LIVES = timedelta(minutes=15)
_SECRET_BYTES = 32
_SEEN_EVERY = timedelta(minutes=1)
"""How exactly the store knows when somebody was last there."""


@dataclass(frozen=True)
class Visitor:
    """Whoever sits there, as of now."""

    principal: Principal
    person: Person | None
    """Whom they act as; None for a key that stands for nobody of the directory, or for somebody who left."""
    secret: str
    """Of the session."""

    @property
    def csrf(self) -> str:
        """What every form of theirs carries."""
        return csrf_of(self.secret)

    @property
    def name(self) -> str:
        """For the page."""
        return self.person.name if self.person is not None else "nobody of the directory"


@dataclass(frozen=True)
class SignIn:
    """Somebody who has just shown who they are."""

    tenant: str
    principal: str
    """As in `ConsoleSession`."""
    person_id: str | None
    roles: frozenset[Role] = frozenset()

    @classmethod
    def by_key(cls, key: ApiKey) -> SignIn:
        """With a key, or the link that was made of it."""
        return cls(key.tenant, key.principal.principal_id, key.person_id)


def csrf_of(secret: str) -> str:
    """The word that a form carries for a cookie: another site can send the cookie along, and cannot know this."""
    return hmac.new(secret.encode(), b"surehand console form", hashlib.sha256).hexdigest()


def subject_mark(issuer: str, subject: str) -> str:
    """What stands for an account at the identity provider: its own name of it may be an address."""
    return hashlib.sha256(f"{issuer}\n{subject}".encode("utf-8", "surrogatepass")).hexdigest()[:24]


def mark_of(password: PasswordRecord) -> str:
    """What tells a password from the one before it, and says nothing of either."""
    return digest_of(password.set_at.isoformat())[:16]


async def make_link(store: SqlStore, key: ApiKey, now: datetime) -> str:
    """A word that signs in once, as a key.

    Args:
        store: of the service.
        key: whose roles and person the session has.
        now: the time; the word holds for fifteen minutes.
    """
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    await store.sessions.add(
        SessionRecord(
            session_id=digest_of(secret),
            tenant=key.tenant,
            principal=f"console:{key.principal.principal_id}",
            kind=LINK,
            created_at=now,
            expires_at=now + LINK_LIVES,
        )
    )
    return secret


async def key_by_link(services: Services, word: str) -> ApiKey | None:
    """The key that a link stands for. The link is used up, whatever follows."""
    now = datetime.now(UTC)
    taken = await services.store.sessions.take(digest_of(word), kinds=(LINK,), now=now)
    if taken is None:
        return None
    return await _key(services, taken.tenant, taken.principal.removeprefix("console:key:"), now)


async def key_by_text(services: Services, text: str) -> ApiKey | None:
    """The key that somebody typed in."""
    parts = taken_apart(text.strip())
    if parts is None:
        return None
    key = await services.store.keys.find(parts[0])
    now = datetime.now(UTC)
    return (
        key if key is not None and key.opens(parts[1], now) and key.tenant in services.configuration.tenants else None
    )


async def begin(request: Request, services: Services, who: SignIn, response: Response) -> None:
    """Begin a session, and give the browser its cookie: always a new one. The session that it had before ends."""
    secret, lives = secrets.token_urlsafe(_SECRET_BYTES), timedelta(hours=services.service.session_hours)
    now, before = datetime.now(UTC), cookies.cookie_of(request, cookies.SESSION)
    session = ConsoleSession(
        session_id=digest_of(secret),
        tenant=who.tenant,
        principal=who.principal,
        person_id=who.person_id,
        roles=tuple(sorted(who.roles)),
        created_at=now,
        seen_at=now,
        expires_at=now + lives,
    )
    ended = digest_of(before) if before is not None else None
    await services.store.console_sessions.begin(session, instead_of=ended)
    cookies.give(request, response, cookies.SESSION, secret, lives)
    logger.info("somebody signed in", extra={"principal": who.principal.partition("/")[0], "tenant": who.tenant})
    cookies.forget(request, response, cookies.BEFORE)


async def visitor_of(request: Request, services: Services) -> Visitor | None:
    """Whose session this is; None without one that is in force. Roles and person are as of now."""
    secret = cookies.cookie_of(request, cookies.SESSION)
    if secret is None:
        return None
    now, kept = datetime.now(UTC), services.store.console_sessions
    idle = timedelta(minutes=services.service.idle_minutes)
    session = await kept.find(digest_of(secret), now=now, seen_after=now - idle)
    if session is None or session.tenant not in services.configuration.tenants:
        return None
    principal = await _principal_of(services, session, now)
    if principal is None:
        return None
    if _is_somebody_there(request) and now - session.seen_at > _SEEN_EVERY:
        await kept.see(session.session_id, now)
    person = _active(services, principal.tenant, principal.person_id)
    named = person.person_id if person is not None else None
    return Visitor(principal=principal.model_copy(update={"person_id": named}), person=person, secret=secret)


async def sign_out(request: Request, services: Services, visitor: Visitor, response: Response, *, all_: bool) -> None:
    """End this session, or every one of the same person or key."""
    principal, kept = visitor.principal, services.store.console_sessions
    if all_:
        await kept.end_all(tenant=principal.tenant, principal=principal.principal_id, person_id=principal.person_id)
    else:
        await kept.end(digest_of(visitor.secret))
    cookies.forget(request, response, cookies.SESSION)


def _is_somebody_there(request: Request) -> bool:
    """Whether a person did this: a page that renews itself, or its live stream, keeps no session alive."""
    return request.method == "POST" or request.headers.get("sec-fetch-mode", "navigate") == "navigate"


async def _principal_of(services: Services, session: ConsoleSession, now: datetime) -> Principal | None:
    """Who they are, as whatever they signed in with says now; None when it is no longer in force."""
    kind, _, name = session.principal.partition(":")
    if kind == "key":
        key = await _key(services, session.tenant, name, now)
        return key.principal if key is not None else None
    person = _active(services, session.tenant, session.person_id)
    if person is None:
        return None
    roles = session.roles
    if kind == "person":
        password = await services.store.passwords.find(session.tenant, person.person_id)
        if (
            password is None
            or name != f"{person.person_id}/{mark_of(password)}"
            or not services.service.takes_passwords
        ):
            return None
        roles, name = password.roles, person.person_id
    elif not _is_still_theirs(services, person, name):
        return None
    return Principal(
        principal_id=f"{kind}:{name}", tenant=session.tenant, roles=frozenset(roles), person_id=person.person_id
    )


def _is_still_theirs(services: Services, person: Person, mark: str) -> bool:
    """Whether the account at the identity provider still stands for the person."""
    oidc, subject = services.service.oidc, person.oidc_subject
    return oidc is not None and subject is not None and subject_mark(oidc.issuer, subject) == mark


async def _key(services: Services, tenant: str, key_id: str, now: datetime) -> ApiKey | None:
    key = await services.store.keys.find(key_id)
    if key is None or key.tenant != tenant or key.tenant not in services.configuration.tenants:
        return None
    in_force = key.revoked_at is None and (key.expires_at is None or now < key.expires_at)
    return key if in_force else None


def _active(services: Services, tenant: str, person_id: str | None) -> Person | None:
    person = services.configuration.person(tenant, person_id) if person_id else None
    return person if person is not None and person.active else None
