"""The systems that the demo's incidents are about, as they stand in the sandbox: deployed, configured, and in trouble.

What is done here is what people and pipelines did before the demo begins, over the same interfaces that playbooks use.
Trouble follows from what is deployed and configured: whoever takes the cause away is rid of it, and nobody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from domain.errors import NotReachable

_WITHIN_SECONDS = 10.0
_SPARED = 4
"""Connections in the pool of `payments`, after somebody wanted to spare its database."""
_TROUBLES: Mapping[str, Mapping[str, Any]] = {
    "search-ranking": {"service": "search", "version": "v4", "error_ratio": 0.27},
    # A pool that is too small runs full a while after each start.
    "payments-pool": {
        "service": "payments",
        "config": {"pool_size": _SPARED},
        "after_minutes": 1,
        "error_ratio": 0.3,
        "p95_seconds": 2.3,
    },
}


class Scenery:
    """The sandbox's cluster, and the door by which its world is arranged.

    Args:
        cluster_url: of the deployment interface.
        cluster_key: that it asks for.
        outbox_url: of the sandbox's own interface.
    """

    def __init__(self, *, cluster_url: str, cluster_key: str, outbox_url: str) -> None:
        self._cluster_url = cluster_url
        self._headers = {"Authorization": f"Bearer {cluster_key}"}
        self._outbox_url = outbox_url

    async def build(self) -> None:
        """Deploy and configure what breaks, at the times that the evidence tells of, and come back to the present."""
        await self._age(hours=2)
        await self.pass_time(-36)
        config = await self._cluster("GET", "payments/config")
        await self._cluster("PUT", "payments/config", {"values": {**config["values"], "pool_size": _SPARED}})
        await self.pass_time(8)
        credential = {"since": await self._now(), "service": "notifications", "error_ratio": 0.7}
        await self._trouble("notifications-credential", {**credential, "ends_with": "credential"})
        await self.pass_time(3)
        await self._deploy("payments", "v8")
        await self.pass_time(2)
        await self._deploy("search", "v4")
        await self.pass_time(23)
        for name, trouble in _TROUBLES.items():
            await self._trouble(name, trouble)

    async def _age(self, *, hours: float) -> None:
        """The cluster has run for a while."""
        for history in await self._outbox("GET", "objects/deployments/history"):
            first = history["states"][0]
            moved = {name: first[name] - 3600 * hours for name in ("at", "started")}
            await self._outbox("PATCH", f"objects/deployments/history/{history['id']}", {"states": [first | moved]})

    async def _now(self) -> float:
        told = await self._outbox("GET", "clock")
        return datetime.fromisoformat(told["now"]).timestamp()

    async def _trouble(self, name: str, trouble: Mapping[str, Any]) -> None:
        await self._outbox("PATCH", f"objects/deployments/trouble/{name}", dict(trouble))

    async def pass_time(self, minutes: float) -> None:
        """Let time pass in the outside world."""
        await self._outbox("POST", "clock", {"advance_seconds": 60 * minutes})

    async def renew_credential(self, service: str) -> None:
        """What a person does by hand: make a new credential, look whether it works, revoke the old one."""
        known = await self._cluster("GET", f"{service}/credentials")
        made = await self._cluster("POST", f"{service}/credentials", {})
        await self._cluster("POST", f"{service}/credentials/{made['id']}/verify", {})
        for old in known["items"]:
            await self._cluster("POST", f"{service}/credentials/{old['id']}/revoke", {})

    async def _deploy(self, service: str, version: str) -> None:
        await self._cluster("POST", f"{service}/canary", {"version": version, "percent": 5})
        await self._cluster("POST", f"{service}/promote", {"version": version})

    async def _cluster(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return await self._ask(method, f"{self._cluster_url}/v1/services/{path}", body, self._headers)

    async def _outbox(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return await self._ask(method, f"{self._outbox_url}/api/{path}", body, {})

    async def _ask(self, method: str, url: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]) -> Any:
        try:
            # Loopback only: a proxy of the user's has no part in it.
            async with httpx.AsyncClient(timeout=_WITHIN_SECONDS, trust_env=False) as client:
                answer = await client.request(method, url, json=body, headers=dict(headers))
                answer.raise_for_status()
                return answer.json()
        except (httpx.HTTPError, ValueError) as problem:
            raise NotReachable(f"The sandbox could not be arranged for the demo ({problem}).") from None
