"""Replicas of the HTTP service, each a process at an address of its own, that a test starts, kills and stops."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from domain.identity.principals import Role
from integrations.store.store import SqlStore
from runtime.temporal.dev_server import free_port
from sandbox.slack_pressing import APP, SIGNING_SECRET, TEAM
from starters.service.access import keys
from tests.faults.installation import SOON_SECONDS, Installation
from tests.nursery import Nursery

NURSERY = Nursery("starters.cli:main", "starters.cli.app", "starters.cli.serving", "starters.service.serving")
ZENDESK = "zendesk's secret"
_STOPS_WITHIN_SECONDS = 60.0


class ServiceProcess:
    """One replica."""

    def __init__(self, variables: dict[str, str], log: Path) -> None:
        self._variables, self._log = variables, log
        self._port = free_port()
        self._pid: int | None = None
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        plain = {name: text for name, text in os.environ.items() if not name.startswith("SUREHAND_")}
        variables = {**plain, **self._variables}
        self._pid = NURSERY.start("serve", "--port", str(self._port), variables=variables, out=self._log, err=self._log)

    async def ready(self) -> None:
        """Wait until it takes requests."""
        async with asyncio.timeout(SOON_SECONDS), httpx.AsyncClient(trust_env=False, verify=False) as client:
            while True:
                try:
                    if (await client.get(f"{self.url}/health/live")).status_code == 200:
                        return
                except httpx.TransportError:
                    await asyncio.sleep(0.1)

    def kill(self) -> None:
        """As the kernel would."""
        if self._pid is not None:
            NURSERY.kill(self._pid)
            self._pid = None

    async def stop(self) -> int:
        """As whoever deploys would; its exit code."""
        assert self._pid is not None
        os.kill(self._pid, signal.SIGTERM)
        pid, self._pid = self._pid, None
        return await asyncio.to_thread(NURSERY.wait, pid, _STOPS_WITHIN_SECONDS)

    @property
    def words(self) -> str:
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""


class ServedInstallation(Installation):
    """An installation with replicas of the service in front of it, on one store."""

    store_url: str
    key: str
    store: SqlStore
    http: httpx.AsyncClient

    async def serve(self, store_url: str, replicas: int = 2) -> list[ServiceProcess]:
        """Start replicas, and wait until they take requests."""
        self.store_url = store_url
        # One for all: each loads the certificates of the world anew.
        self.http = httpx.AsyncClient(trust_env=False, timeout=60, verify=False)
        self.store = await SqlStore.open(store_url)
        _, self.key = await keys.make(
            self.store.keys,
            tenant="default",
            name="test",
            roles=[Role.ADMIN],
            now=datetime.now(UTC),
            person_id="p-lena",
        )
        self.services = [
            ServiceProcess(self._variables(), self.folder / f"service-{number}.log") for number in range(replicas)
        ]
        for service in self.services:
            service.start()
        for service in self.services:
            await service.ready()
        self.sandbox.slack.pressing.set_app(self.services[0].url)
        return self.services

    async def __aenter__(self) -> ServedInstallation:
        await super().__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        for service in getattr(self, "services", []):
            service.kill()
        if hasattr(self, "store"):
            await self.store.close()
        if hasattr(self, "http"):
            await self.http.aclose()
        await super().__aexit__(*error)

    def _variables(self) -> dict[str, str]:
        return {
            **super()._variables(),
            "SUREHAND_STORE__URL": self.store_url,
            "SUREHAND_SLACK__SIGNING_SECRET": SIGNING_SECRET,
            "SUREHAND_SLACK__TEAM_ID": TEAM,
            "SUREHAND_SLACK__APP_ID": APP,
            "SUREHAND_SECRETS__ZENDESK_WEBHOOK": ZENDESK,
        }

    async def ask(self, method: str, path: str, *, at: int = 0, **more: Any) -> httpx.Response:
        """One request to one replica."""
        headers = {"Authorization": f"Bearer {self.key}", **more.pop("headers", {})}
        return await self.http.request(method, self.services[at].url + path, headers=headers, **more)

    async def insist(self, path: str, body: dict[str, Any], key: str) -> httpx.Response:
        """As a client that wants it done: repeats with its key, at any replica, until it is taken."""
        turn = 0
        async with asyncio.timeout(SOON_SECONDS):
            while True:
                turn += 1
                try:
                    headers = {"Idempotency-Key": key}
                    answer = await self.ask("POST", path, at=turn % 2, json=body, headers=headers)
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
                    continue
                if answer.is_success:
                    return answer
                assert answer.status_code in (409, 503), answer.text
                await asyncio.sleep(float(answer.headers["retry-after"]))

    async def from_zendesk(self, body: bytes, *, at: int = 0) -> httpx.Response:
        """A webhook, signed by its sender."""
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        made = hmac.new(ZENDESK.encode(), stamp.encode() + body, hashlib.sha256).digest()
        headers = {
            "Content-Type": "application/json",
            "X-Zendesk-Webhook-Signature-Timestamp": stamp,
            "X-Zendesk-Webhook-Signature": base64.b64encode(made).decode(),
        }
        return await self.ask("POST", "/webhooks/zendesk", at=at, content=body, headers=headers)
