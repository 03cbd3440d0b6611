"""Signing in by password: as slow for strangers as for people who are known, and too seldom to be guessed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from starlette.requests import Request

from domain.identity.passwords import LONGEST, PasswordRecord, check_new_password, normalised
from domain.identity.people import Person
from domain.identity.principals import Role
from integrations.password_hash import fits, hashed, is_outdated, nobodys
from integrations.store.access.sign_in_tries import TryLimit
from integrations.store.store import SqlStore
from runtime.settings.service import networks_in
from starters.console.sign_in.visitors import SignIn, mark_of
from starters.service.http.addresses import address_of
from starters.service.http.errors import Problem
from starters.service.services import Services

_WITHIN = timedelta(minutes=15)
_PER_ACCOUNT_AND_ADDRESS, _PER_ACCOUNT, _PER_ADDRESS = 5, 50, 50
"""Wrong passwords within a quarter of an hour. Somebody elsewhere who guesses locks nobody out: their own five come
first."""
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Typed:
    """What stands in the form."""

    name: str
    password: str
    tenant: str = ""
    """Which organisation, where a person has a password in several."""


async def signed_in(request: Request, services: Services, typed: Typed) -> SignIn | None:
    """Who it is; None for every kind of failure.

    Raises:
        Problem: 429, too many were wrong.
    """
    if not services.service.takes_passwords or len(typed.name) > _LONGEST_NAME or len(typed.password) > LONGEST * 4:
        return None
    now, person_id = datetime.now(UTC), _person_id(services, typed.name)
    limits = _limits(request, services, person_id or f"nobody:{typed.name.strip().casefold()}")
    free_at = await services.store.sign_in_tries.take(limits, now)
    if free_at is not None:
        raise _too_many(free_at - now)
    record = _meant(services, await services.store.passwords.of(person_id or ""), typed.tenant)
    password = normalised(typed.password)
    async with services.looking:
        # Somebody who is not known costs the same time.
        is_right = await asyncio.to_thread(fits, password, record.hashed if record is not None else nobodys())
    if record is None or not is_right:
        return None
    await services.store.sign_in_tries.forgive(limits[:-1], once=limits[-1:])
    if is_outdated(record.hashed):
        await services.store.passwords.rehash(record, await asyncio.to_thread(hashed, password))
    return SignIn(record.tenant, f"person:{record.person_id}/{mark_of(record)}", record.person_id)


async def set_password(
    store: SqlStore, tenant: str, person: Person, text: str, *, roles: Sequence[Role], now: datetime
) -> None:
    """Give somebody a password. Whoever was signed in with the one before, or in another way as them, is signed out.

    Args:
        store: of the service.
        tenant: where they act.
        person: whose it is.
        text: as typed.
        roles: what they may do in the console.
        now: the time.

    Raises:
        InvalidInput: it would soon be guessed.
    """
    check_new_password(text, (person.person_id, person.name, person.email, *person.aliases))
    made = await asyncio.to_thread(hashed, normalised(text))
    kept = tuple(dict.fromkeys(roles))
    await store.passwords.put(
        PasswordRecord(tenant=tenant, person_id=person.person_id, hashed=made, roles=kept, set_at=now)
    )
    await _sign_out(store, tenant, person.person_id)


async def take_away(store: SqlStore, tenant: str, person_id: str) -> bool:
    """Take somebody's password away and sign them out; False when they had none."""
    had_one = await store.passwords.remove(tenant, person_id)
    await _sign_out(store, tenant, person_id)
    return had_one


async def _sign_out(store: SqlStore, tenant: str, person_id: str) -> None:
    await store.console_sessions.end_all(tenant=tenant, principal=f"person:{person_id}", person_id=person_id)


def _person_id(services: Services, name: str) -> str | None:
    """Whoever is called that in any tenant; the directory is one for all of them."""
    for tenant in services.configuration.tenants:
        person = services.configuration.person(tenant, name)
        if person is not None and person.active:
            return person.person_id
    return None


def _meant(services: Services, records: Sequence[PasswordRecord], tenant: str) -> PasswordRecord | None:
    """Which of somebody's passwords counts: the named tenant's, else the settings' one's, else the first."""
    there = {
        record.tenant: record
        for record in records
        if record.tenant in services.configuration.tenants
        and services.configuration.person(record.tenant, record.person_id) is not None
    }
    if tenant:
        # People type it: capitals count where there is one that fits exactly.
        alike = (record for name, record in there.items() if name.casefold() == tenant.casefold())
        return there.get(tenant) or next(alike, None)
    return there.get(services.settings.tenant) or next(iter(there.values()), None)


def _limits(request: Request, services: Services, account: str) -> list[TryLimit]:
    address = address_of(request, networks_in(services.service.proxies))
    return [
        TryLimit(f"both\n{account}\n{address}", _PER_ACCOUNT_AND_ADDRESS, _WITHIN),
        TryLimit(f"account\n{account}", _PER_ACCOUNT, _WITHIN),
        TryLimit(f"address\n{address}", _PER_ADDRESS, _WITHIN),
    ]


def _too_many(wait: timedelta) -> Problem:
    minutes = max(1, -(-int(wait.total_seconds()) // 60))
    word = "a minute" if minutes == 1 else f"{minutes} minutes"
    return Problem(
        429,
        "TOO_MANY_TRIES",
        f"That was wrong too often: wait {word}, or sign in another way.",
        {"Retry-After": str(max(1, int(wait.total_seconds())))},
    )
