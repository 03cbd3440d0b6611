"""A service with a server, a worker and a store that tell two endpoints, and the receiver that they are told at."""

from __future__ import annotations

import base64
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from standardwebhooks.webhooks import Webhook

from runtime.settings.environment import Settings, load_settings
from tests.loopback import Answer, Loopback, loopback
from tests.service.service_world import ServiceWorld

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


class TellingWorld(ServiceWorld):
    """A service, a worker, a store and a server that tell two endpoints, one of them another tenant's."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.receiver: Loopback
        self.variables: dict[str, str] = {}

    async def _live(self) -> None:
        async with AsyncExitStack() as stack:
            self.receiver = await stack.enter_async_context(loopback())
            self.receiver.handler = lambda _: Answer(status=204)
            await super()._live()

    def _settings(self, address: str) -> Settings:
        config = self.folder / "config"
        config.mkdir()
        given = {"secrets": ["hook_new", "hook_old"], "url": f"{self.receiver.url}/T0KEN"}
        told = {"portal": {"tenant": "default", **given}, "theirs": {"tenant": "acme-us", **given}}
        quick = {"retry_first": "200 ms", "retry_longest": "1 s"}
        (config / "subscriptions.yaml").write_text(json.dumps({"subscriptions": told, "delivery": quick}))
        plain = super()._settings(address)
        more = {
            "SUREHAND_TEMPORAL__ADDRESS": address,
            "SUREHAND_DATA_DIR": str(plain.data_dir),
            "SUREHAND_CONFIG_DIRS": str(config),
            "SUREHAND_SECRETS__HOOK_NEW": SECRET,
            "SUREHAND_WEBHOOKS__INTERNAL_HOSTS": self.receiver.place,
            "SUREHAND_DASHBOARD_URL": "https://desk.example.com/console",
        }
        self.variables = more
        return load_settings(environ=more)

    def told(self, case: str) -> list[dict[str, Any]]:
        """What the receiver took of a case, verified by the library of the convention."""
        events = []
        for request in list(self.receiver.received):
            event = Webhook(SECRET).verify(request.body, request.headers)
            assert event["id"] == request.headers["webhook-id"]
            if event.get("subject") == case:
                events.append(event)
        return events
