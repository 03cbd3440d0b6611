"""Who asks: told by a key or a token, and nothing else of the request."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.requests import Request

from domain.identity.principals import Principal, Role
from integrations.identity.id_tokens import NotBelieved
from starters.service.access.keys import taken_apart
from starters.service.http.errors import Problem

if TYPE_CHECKING:
    from starters.service.services import Services

KEY_HEADER = "X-API-Key"


def unknown() -> Problem:
    """One answer for every reason, so that nobody learns how near they came."""
    return Problem(
        401,
        "UNAUTHENTICATED",
        "Nobody is known by that key or token: send one that is in force.",
        {"WWW-Authenticate": "Bearer"},
    )


async def authenticated(request: Request, services: Services) -> Principal:
    """Who asks.

    Raises:
        Problem: 401 for nobody that is known, 403 where the tenant is not configured.
        NotReachable: the identity provider's keys, or the store, cannot be read.
    """
    credential = _credential(request)
    if credential is None:
        raise unknown()
    principal = (
        await _by_key(credential, services) if taken_apart(credential) else await _by_token(credential, services)
    )
    if principal.tenant not in services.configuration.tenants:
        raise Problem(403, "FORBIDDEN", "The tenant of this key or token is not configured: add it to tenants.yaml.")
    return principal


def permitted(principal: Principal, role: Role) -> None:
    """Refuse whoever lacks a role.

    Raises:
        Problem: 403.
    """
    if not principal.may(role):
        raise Problem(403, "FORBIDDEN", f"This needs the role {role.value}: ask whoever gave you the key for it.")


def person_of(principal: Principal) -> str:
    """The person that a principal acts as; whom the body names does not matter.

    Raises:
        Problem: 403, it acts as nobody.
    """
    if principal.person_id is None:
        raise Problem(
            403, "NO_PERSON", "This key or token stands for no person of the directory: make one with `--as PERSON`."
        )
    return principal.person_id


def reporter_of(principal: Principal) -> str:
    """Who is on record for something that needs no person: the person, else the program."""
    return principal.person_id or principal.principal_id


def _credential(request: Request) -> str | None:
    given = request.headers.getlist("authorization")
    keys = request.headers.getlist(KEY_HEADER)
    if len(given) + len(keys) != 1:
        return None
    if keys:
        return keys[0].strip()
    scheme, _, value = given[0].partition(" ")
    return value.strip() if scheme.lower() == "bearer" else None


async def _by_key(text: str, services: Services) -> Principal:
    key_id, secret = taken_apart(text) or ("", "")
    key = await services.store.keys.find(key_id)
    if key is None or not key.opens(secret, datetime.now(UTC)):
        raise unknown()
    return _as_of_now(key.principal, key.person_id, services)


async def _by_token(token: str, services: Services) -> Principal:
    if services.tokens is None:
        raise unknown()
    try:
        principal, person = await services.tokens.believed(token)
    except NotBelieved:
        raise unknown() from None
    return _as_of_now(principal, person, services)


def _as_of_now(principal: Principal, named: str | None, services: Services) -> Principal:
    """With the person as the directory has it today: who left acts no more."""
    person = services.configuration.person(principal.tenant, named) if named else None
    active = person.person_id if person is not None and person.active else None
    return principal.model_copy(update={"person_id": active})
