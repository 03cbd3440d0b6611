"""The service's poll against the sandbox's mailbox, on both databases; Temporal is not needed to take a mail."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select

from integrations.store.tables.deliveries import inbox
from runtime.settings.environment import Settings, load_settings
from sandbox.server import Sandbox
from starters.service.inbox import polling
from starters.service.services import Services, open_services
from tests.postgres import PostgresServer

_numbers = itertools.count(1)
PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


def letter(number: int, sender: str = "Ada <ada@example.org>", text: str = "It smokes.") -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, "support@example.com", f"Printer {number}"
    mail["Message-ID"] = f"<{number}@example.org>"
    mail.set_content(text)
    return mail.as_bytes()


class World:
    """A sandbox, a store, and as many services as a test opens."""

    def __init__(self, folder: Path, sandbox: Sandbox, store_url: str) -> None:
        self.folder, self.sandbox = folder, sandbox
        self.folders = sandbox.imap.folders
        self.more: dict[str, str] = {}
        """Variables beside the usual ones."""
        self._store_url = store_url
        self._stack = AsyncExitStack()

    def settings(self, **mailbox: Any) -> Settings:
        """With one mailbox, `support`."""
        port = self.sandbox.state()["imap"]["port"]
        keys = {"tenant": "default", "host": "127.0.0.1", "port": port, "security": "none", "secret": "mailbox",
                "user": "support@example.com", "every": "200 ms", **mailbox}  # fmt: skip
        own = self.folder / "own"
        own.mkdir(exist_ok=True)
        lines = "".join(f"    {name}: {value}\n" for name, value in keys.items())
        (own / "mailboxes.yaml").write_text(f"mailboxes:\n  support:\n{lines}")
        variables = {
            "SUREHAND_TEMPORAL__ADDRESS": "127.0.0.1:1",
            "SUREHAND_DATA_DIR": str(self.folder),
            "SUREHAND_STORE__URL": self._store_url,
            "SUREHAND_CONFIG_DIRS": str(own),
            "SUREHAND_SECRETS__MAILBOX": "a password",
            "SUREHAND_SMTP__HOST": "127.0.0.1",
            "SUREHAND_SMTP__SENDER": "support@example.com",
            **self.more,
        }
        return load_settings(environ=variables)

    async def services(self, **mailbox: Any) -> Services:
        """What a service works with; nothing is read yet."""
        return await self._stack.enter_async_context(open_services(self.settings(**mailbox)))

    async def poll(self, **mailbox: Any) -> Services:
        """A service that reads the mailbox, from its first look on."""
        services = await self.services(**mailbox)
        await self.begin(services)
        return services

    async def begin(self, services: Services) -> None:
        """Read until the test is over; returns after the first look."""
        await self._stack.enter_async_context(polling.polling(services))
        await until(lambda: looks(services) > 0)

    async def taken(self, services: Services) -> list[str]:
        """Subjects of the tickets that were taken, in order."""
        async with services.store.database.reading() as connection:
            rows = (await connection.execute(select(inbox.c.body).order_by(inbox.c.received_at))).scalars().all()
        return [str(row["ticket"]["subject"]) for row in rows if row is not None]

    async def close(self) -> None:
        await self._stack.aclose()


def looks(services: Services, outcome: str = "read") -> float:
    """How often a mailbox was looked at."""
    labels = {"mailbox": "support", "outcome": outcome}
    return services.metrics.registry.get_sample_value("surehand_mailbox_polls_total", labels) or 0


async def once_more(services: Services) -> None:
    """Wait until a look has begun and ended from now on."""
    seen = looks(services)
    await until(lambda: looks(services) >= seen + 2)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - another task's work shows in no event
            await asyncio.sleep(0.02)


@pytest.fixture
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """On SQLite, or on what a test names."""
    store_url = f"sqlite:///{tmp_path}/surehand.db"
    if getattr(request, "param", "sqlite") == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        name = f"mails_{next(_numbers)}"
        connection = await asyncpg.connect(server.url())
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        store_url = server.url(name)
    async with Sandbox(tmp_path / "sandbox") as sandbox:
        made = World(tmp_path, sandbox, store_url)
        yield made
        await made.close()
