"""The whole service over real HTTP on loopback: with a Temporal server, a worker and a store of its own.

It runs in a thread with a loop of its own, so that all tests of a process share one.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from domain.identity.principals import Role
from runtime.settings.environment import Settings, load_settings
from runtime.temporal.dev_server import EmbeddedServer, free_port
from starters.service.access import keys
from starters.service.services import Services
from starters.service.serving import serve
from tests.in_thread import InThread
from workers import worker

ISSUER = "https://login.example.com"
AUDIENCE = "surehand"
WAITS = """\
document: {dsl: '1.0.3', namespace: tests, name: waits, version: '1.0.0', title: Waits for a purchase}
do:
  - purchase:
      listen: {to: {one: {with: {type: com.surehand.contact.purchase}}}}
"""
PARKS = """\
document: {dsl: '1.0.3', namespace: tests, name: parks, version: '1.0.0', title: Looks where nobody is}
do:
  - look:
      call: health.check
      with: {url: 'http://127.0.0.1:9/'}
      metadata: {park: always, undo: none}
"""
LEAD = "p-lena"
"""A person of tenant `default` who may decide and claim."""


class ServiceWorld(InThread):
    """One service with what it needs."""

    def __init__(
        self,
        folder: Path,
        *,
        store_url: str | None = None,
        with_worker: bool = True,
        requests_per_minute: int = 6_000,
    ) -> None:
        super().__init__()
        self.folder = folder
        self.url = ""
        self.metrics_address = f"127.0.0.1:{free_port()}"
        self.private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.services: Services
        self.settings: Settings
        self.keys: dict[str, str] = {}
        """Role, or `other` for an admin of another tenant, or `person` for an admin who is somebody."""
        self._store_url = store_url
        self._with_worker = with_worker
        self._requests_per_minute = requests_per_minute

    @property
    def public_pem(self) -> bytes:
        return self.private_key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def client(self, who: str | None = "person", **headers: str) -> httpx.Client:
        """A client with somebody's key."""
        known = {"Authorization": f"Bearer {self.keys[who]}"} if who is not None else {}
        return httpx.Client(base_url=self.url, headers={**known, **headers}, timeout=60, trust_env=False)

    async def _live(self) -> None:
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(EmbeddedServer(ui=False))
            self.settings = self._settings(server.address)
            if self._with_worker:
                await self._has_a_worker(stack)
            await serve(self.settings, host="127.0.0.1", port=0, stop=self._stop, ready=self._ready)

    async def _has_a_worker(self, stack: AsyncExitStack) -> None:
        worked = asyncio.Event()
        working = asyncio.create_task(worker.run(self.settings, stop=self._stop, ready=worked.set))
        stack.push_async_callback(asyncio.gather, working)
        stack.callback(self._stop.set)  # else the worker would be waited for, for ever, when the service fails
        await asyncio.wait({working, asyncio.create_task(worked.wait())}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working

    async def _ready(self, services: Services, port: int) -> None:
        self.services, self.url = services, f"http://127.0.0.1:{port}"
        for role in Role:
            self.keys[role.value] = await self.key(role)
        self.keys["other"] = await self.key(Role.ADMIN, tenant="acme-us", person="p-dana")
        self.keys["person"] = await self.key(Role.ADMIN, person=LEAD)
        self._up()

    async def key(self, *roles: Role, tenant: str = "default", person: str | None = None) -> str:
        """A new key."""
        _, text = await keys.make(
            self.services.store.keys, tenant=tenant, name="test", roles=roles, now=datetime.now(UTC), person_id=person
        )
        return text

    def _settings(self, address: str) -> Settings:
        pem = self.folder / "provider.pem"
        pem.write_bytes(self.public_pem)
        (self.folder / "playbooks").mkdir(exist_ok=True)
        (self.folder / "playbooks" / "waits.yaml").write_text(WAITS, "utf-8")
        (self.folder / "playbooks" / "parks.yaml").write_text(PARKS, "utf-8")
        variables = {
            "SUREHAND_PLAYBOOKS__FOLDER": str(self.folder / "playbooks"),
            "SUREHAND_TEMPORAL__ADDRESS": address,
            "SUREHAND_DATA_DIR": str(self.folder),
            "SUREHAND_EVIDENCE__FILE_LIMIT_BYTES": "3000000",
            "SUREHAND_SERVICE__REQUESTS_PER_MINUTE": str(self._requests_per_minute),
            "SUREHAND_SERVICE__METRICS_ADDRESS": self.metrics_address,
            "SUREHAND_SERVICE__TOKENS__ISSUER": ISSUER,
            "SUREHAND_SERVICE__TOKENS__AUDIENCE": AUDIENCE,
            "SUREHAND_SERVICE__TOKENS__PUBLIC_KEY_FILE": str(pem),
            **({"SUREHAND_STORE__URL": self._store_url} if self._store_url else {}),
        }
        return load_settings(environ=variables)
