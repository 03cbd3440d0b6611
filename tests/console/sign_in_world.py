"""Two services on one store, and an identity provider: one where people have passwords, one where they go there.

Real HTTP on loopback. Temporal is not needed for signing in, and is not there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from domain.identity.principals import Role
from integrations import password_hash
from runtime.settings.environment import load_settings
from runtime.temporal.dev_server import free_port
from sandbox.doors import Door, web
from sandbox.identity import CLIENT_ID, CLIENT_SECRET, IdentitySimulator
from starters.console.sign_in.passwords import set_password
from starters.service.access import keys
from starters.service.services import Services
from starters.service.serving import serve
from tests.console.browser import Browser
from tests.in_thread import InThread

BACK = "/console/sign-in/back"
LOOK = "/numbers"
"""A page that needs no Temporal."""


@dataclass
class House:
    """One of the services, as `Browser` wants it."""

    url: str
    services: Services


class SignInWorld(InThread):
    """Runs in a thread with a loop of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.people = folder / "config" / "people.yaml"
        self.people.parent.mkdir(parents=True)
        self.identity = IdentitySimulator()
        self.door = Door(web(self.identity.app()))
        self.houses: dict[str, House] = {}
        self._both = asyncio.Event()

    @property
    def local(self) -> House:
        """Where people have passwords."""
        return self.houses["local"]

    @property
    def real(self) -> House:
        """Where people go to the provider."""
        return self.houses["real"]

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.door.port}"

    def give_password(self, name: str, text: str, *roles: Role, tenant: str = "default") -> None:
        """As `surehand console password` does."""
        person = self.local.services.configuration.person(tenant, name)
        assert person is not None
        kept = roles or (Role.AGENT,)
        self.do(set_password(self.store, tenant, person, text, roles=kept, now=datetime.now(UTC)))

    def key(self, *roles: Role, person: str | None = None) -> str:
        _, text = self.do(
            keys.make(self.store.keys, tenant="default", name="t", roles=roles, now=datetime.now(UTC), person_id=person)
        )
        return text

    @property
    def store(self) -> Any:
        return self.local.services.store

    async def _live(self) -> None:
        await self.door.open()
        port, running = free_port(), AsyncExitStack()
        back = f"http://127.0.0.1:{port}{BACK}"
        self.identity.redirect_uris.add(back)
        oidc = {"ISSUER": self.issuer, "CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET, "REDIRECT_URI": back}
        given = {f"SUREHAND_SERVICE__OIDC__{name}": value for name, value in oidc.items()}
        async with running:
            given["SUREHAND_SERVICE__OIDC__LABEL"] = "Example ID"
            tasks = [
                asyncio.create_task(self._serve("local", 0, {})),
                asyncio.create_task(self._serve("real", port, given)),
            ]
            both = asyncio.create_task(self._both.wait())
            await asyncio.wait({both, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            both.cancel()
            self._up()
            await asyncio.gather(*tasks)
        await self.door.close()

    async def _serve(self, name: str, port: int, given: dict[str, str]) -> None:
        variables = {
            "SUREHAND_TEMPORAL__ADDRESS": f"127.0.0.1:{free_port()}",
            "SUREHAND_DATA_DIR": str(self.folder),
            "SUREHAND_CONFIG_DIRS": str(self.people.parent),
            **given,
        }

        async def ready(services: Services, bound: int) -> None:
            self.houses[name] = House(f"http://127.0.0.1:{bound}", services)
            if len(self.houses) == len(("local", "real")):
                self._both.set()

        await serve(load_settings(environ=variables), host="127.0.0.1", port=port, stop=self._stop, ready=ready)


def by_password(browser: Browser, name: str, password: str, **beside: str) -> httpx.Response:
    """Send the form."""
    return browser.post("/sign-in", {"csrf": browser.token(), "name": name, "password": password, **beside})


def is_in(browser: Browser) -> bool:
    """Whether somebody is signed in; a page would take longer to make."""
    told = browser.get("/live/nothing").status_code
    assert told in (401, 404)
    return told == 404


def go_away(browser: Browser, **parameters: str) -> httpx.Response:
    """Begin at the provider; returns its page."""
    sent = browser.get("/sign-in/away", **parameters)
    assert sent.status_code == 303, sent.text
    return browser.http.get(sent.headers["location"])


def chosen(browser: Browser, page: httpx.Response, subject: str) -> str:
    """Click on somebody at the provider; returns the address that leads back."""
    asked = {**dict(page.url.params), "subject": subject}
    answer = browser.http.post(f"{page.url.scheme}://{page.url.host}:{page.url.port}/authorize", data=asked)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def by_provider(browser: Browser, subject: str, **parameters: str) -> httpx.Response:
    """The whole way."""
    return browser.http.get(chosen(browser, go_away(browser, **parameters), subject))


@contextmanager
def open_doors(folder: Path) -> Iterator[SignInWorld]:
    """The services and the provider; passwords are hashed at a tenth of the cost."""
    cost, password_hash.COST = password_hash.COST, password_hash.Cost(log_n=10, r=8, p=1)
    try:
        with SignInWorld(folder) as running:
            yield running
    finally:
        password_hash.COST = cost
