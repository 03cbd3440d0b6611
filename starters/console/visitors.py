"""Who sits at the browser: signed in by a single-use link or by a key, known again by a cookie.

The cookie holds 256 random bits and nothing else; the store knows their digest only. So it cannot be made up or
changed, and every replica ends a session the moment the store does.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from domain.people import Person
from domain.principals import ApiKey, Principal, SessionRecord, digest_of
from integrations.store.store import SqlStore
from starters.service.keys import taken_apart
from starters.service.services import Services

SESSION, LINK = "console", "console-link"
LINK_LIVES = timedelta(minutes=15)
COOKIE, BEFORE = "surehand_console", "surehand_sign_in"
"""The session's cookie, and the one that guards the sign-in form."""
_SAFE_PREFIX = "__Host-"
_LOOPBACK = frozenset({"127.0.0.1", "[::1]", "localhost"})
_SECRET_BYTES = 32
_LONGEST = 200


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


def csrf_of(secret: str) -> str:
    """The word that a form carries for a cookie: another site can send the cookie along, and cannot know this."""
    return hmac.new(secret.encode(), b"surehand console form", hashlib.sha256).hexdigest()


async def make_link(store: SqlStore, key: ApiKey, now: datetime) -> str:
    """A word that signs in once, as a key.

    Args:
        store: of the service.
        key: whose roles and person the session has.
        now: the time; the word holds for fifteen minutes.
    """
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    await store.sessions.add(_record(secret, key, LINK, now, LINK_LIVES))
    return secret


async def key_by_link(services: Services, word: str) -> ApiKey | None:
    """The key that a link stands for. The link is used up, whatever follows."""
    now = datetime.now(UTC)
    taken = await services.store.sessions.take(digest_of(word), kinds=(LINK,), now=now)
    return await _key_of(services, taken, now) if taken is not None else None


async def key_by_text(services: Services, text: str) -> ApiKey | None:
    """The key that somebody typed in."""
    parts = taken_apart(text.strip())
    if parts is None:
        return None
    key = await services.store.keys.find(parts[0])
    now = datetime.now(UTC)
    return key if key is not None and key.opens(parts[1], now) and _is_known(services, key) else None


async def sign_in(request: Request, services: Services, key: ApiKey, response: Response) -> None:
    """Begin a session of a key, and give the browser its cookie: always a new one, and none that was there."""
    secret, lives = secrets.token_urlsafe(_SECRET_BYTES), timedelta(hours=services.service.session_hours)
    await services.store.sessions.add(_record(secret, key, SESSION, datetime.now(UTC), lives))
    _set(request, response, COOKIE, secret, lives)
    forget(request, response, BEFORE)


async def visitor_of(request: Request, services: Services) -> Visitor | None:
    """Whose session this is; None without one that is in force. Roles and person are as of now."""
    secret = cookie_of(request, COOKIE)
    if secret is None:
        return None
    now = datetime.now(UTC)
    session = await services.store.sessions.open_one(digest_of(secret), kinds=(SESSION,), now=now)
    key = await _key_of(services, session, now) if session is not None else None
    if key is None:
        return None
    person = services.configuration.person(key.tenant, key.person_id) if key.person_id else None
    active = person if person is not None and person.active else None
    named = active.person_id if active is not None else None
    principal = key.principal.model_copy(update={"person_id": named})
    return Visitor(principal=principal, person=active, secret=secret)


async def sign_out(request: Request, services: Services, visitor: Visitor, response: Response, *, all_: bool) -> None:
    """End this session, or every one of the same key."""
    tenant, owner = visitor.principal.tenant, _owner(visitor.principal.principal_id)
    if all_:
        await services.store.sessions.remove_all(tenant=tenant, principal=owner)
    else:
        await services.store.sessions.remove(digest_of(visitor.secret), tenant=tenant, principal=owner)
    forget(request, response, COOKIE)


def guard_sign_in(request: Request, response: Response, secret: str) -> None:
    """Give the browser the cookie that the sign-in form answers to."""
    _set(request, response, BEFORE, secret, LINK_LIVES)


def cookie_of(request: Request, name: str) -> str | None:
    """A cookie of ours; None for what cannot be one."""
    value = request.cookies.get(_named(request, name), "")
    return value if 20 <= len(value) <= _LONGEST and value.isascii() else None


def forget(request: Request, response: Response, name: str) -> None:
    """Have the browser drop a cookie."""
    _set(request, response, name, "", timedelta(0))


def is_loopback(request: Request) -> bool:
    """Whether the browser is on this machine, where there is no TLS."""
    name, _, port = request.headers.get("host", "").rpartition(":")
    return (name if port.isdecimal() else request.headers.get("host", "")) in _LOOPBACK


def _set(request: Request, response: Response, name: str, value: str, lives: timedelta) -> None:
    response.set_cookie(
        _named(request, name),
        value,
        max_age=int(lives.total_seconds()),
        path="/",
        secure=not is_loopback(request),
        httponly=True,
        samesite="lax",
    )


def _named(request: Request, name: str) -> str:
    # With the prefix a browser takes it over TLS and from this very host only.
    return name if is_loopback(request) else _SAFE_PREFIX + name


def _record(secret: str, key: ApiKey, kind: str, now: datetime, lives: timedelta) -> SessionRecord:
    return SessionRecord(
        session_id=digest_of(secret),
        tenant=key.tenant,
        principal=_owner(key.principal.principal_id),
        kind=kind,
        created_at=now,
        expires_at=now + lives,
    )


def _owner(principal_id: str) -> str:
    """Not the key's own name: its sessions of the API are another thing."""
    return f"console:{principal_id}"


async def _key_of(services: Services, session: SessionRecord, now: datetime) -> ApiKey | None:
    key = await services.store.keys.find(session.principal.removeprefix("console:key:"))
    if key is None or key.tenant != session.tenant or not _is_known(services, key):
        return None
    in_force = key.revoked_at is None and (key.expires_at is None or now < key.expires_at)
    return key if in_force else None


def _is_known(services: Services, key: ApiKey) -> bool:
    return key.tenant in services.configuration.tenants
