"""The service with a sandbox's Slack in front of it, and a Temporal server that can be stopped and started."""

from __future__ import annotations

import base64
import json
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from runtime.settings.environment import Settings, load_settings
from runtime.temporal.dev_server import EmbeddedServer
from sandbox.server import Sandbox
from sandbox.slack_pressing import APP, SIGNING_SECRET, TEAM, signature
from starters.dev.world import variables
from starters.service.services import Services
from starters.service.serving import serve
from tests.service.service_world import ServiceWorld

SECRETS = {
    "zendesk": "zendesk's secret",
    "alertmanager": "alertmanager's secret",
    "pagerduty": "pagerduty's secret",
    "email": "mail's secret",
    "events": "whsec_" + base64.b64encode(b"a secret of the events sender").decode(),
    "acme": "acme's secret",
}
FORM = "application/x-www-form-urlencoded"


class SlackWorld(ServiceWorld):
    """One service, one worker, one sandbox."""

    sandbox: Sandbox
    server: EmbeddedServer

    async def _live(self) -> None:
        async with AsyncExitStack() as stack:
            self.sandbox = await stack.enter_async_context(Sandbox(self.folder / "sandbox"))
            self.server = EmbeddedServer(ui=False, database_file=self.folder / "temporal.db")
            await stack.enter_async_context(self.server)
            self.settings = self._settings(self.server.address)
            await self._has_a_worker(stack)
            await serve(self.settings, host="127.0.0.1", port=0, stop=self._stop, ready=self._ready)

    async def _ready(self, services: Services, port: int) -> None:
        await super()._ready(services, port)
        self.pressing.set_app(self.url)

    @property
    def pressing(self) -> Any:
        """The people at their screens."""
        return self.sandbox.slack.pressing

    def _settings(self, address: str) -> Settings:
        vendors = variables(self.sandbox.state()["ports"], load_settings(environ={}))
        return load_settings(
            environ={
                **vendors,
                "SUREHAND_TEMPORAL__ADDRESS": address,
                "SUREHAND_DATA_DIR": str(self.folder),
                "SUREHAND_SLACK__SIGNING_SECRET": SIGNING_SECRET,
                "SUREHAND_SLACK__TEAM_ID": TEAM,
                "SUREHAND_SLACK__APP_ID": APP,
                "SUREHAND_CONFIG_DIRS": str(self._own_configuration()),
                **{f"SUREHAND_SECRETS__{kind.upper()}_WEBHOOK": secret for kind, secret in SECRETS.items()},
                "SUREHAND_SECRETS__PAGERDUTY_WEBHOOK_OLD": "the old one",
            }
        )

    def _own_configuration(self) -> Path:
        folder = self.folder / "own"
        folder.mkdir()
        (folder / "webhooks.yaml").write_text(
            "endpoints:\n"
            "  acme: {kind: alertmanager, tenant: acme-us, secrets: [acme_webhook]}\n"
            "  bare: {kind: zendesk, tenant: default, secrets: [nobody_set_it]}\n"
        )
        return folder

    def chat(self, kind: str = "message") -> list[dict[str, Any]]:
        """What Slack got."""

        async def look() -> list[dict[str, Any]]:
            return [entry.body for entry in self.sandbox.world.entries(vendor="slack") if entry.kind == kind]

        return self.do(look())

    def button(self, action: str, about: str, within_seconds: float = 40) -> dict[str, Any]:
        """The newest message with a button that has a word in its value; waits for it."""
        deadline = time.monotonic() + within_seconds
        while True:
            for body in reversed([*self.chat(), *self.chat("message_changed")]):
                if any(
                    element.get("action_id") == action and about in element.get("value", "")
                    for block in body["message"].get("blocks", [])
                    for element in block.get("elements", [])
                ):
                    return body
            assert time.monotonic() < deadline, [body["message"]["text"] for body in self.chat()]
            time.sleep(0.1)

    def press(self, message: dict[str, Any], action: str, user: str, text: str | None = None, **more: Any) -> Any:
        """Somebody presses."""
        work = self.pressing.press(message["channel"], message["message"]["ts"], action, user, text, **more)
        return self.do(work)


def click(action: str, value: str, *, user: str = "U0SURE0001", trigger: str = "1.t", **more: Any) -> dict[str, Any]:
    """A payload as Slack sends it."""
    return {
        "type": "block_actions",
        "user": {"id": user, "username": "x"},
        "team": {"id": TEAM},
        "api_app_id": APP,
        "trigger_id": trigger,
        "channel": {"id": "C1"},
        "container": {"channel_id": "C1", "message_ts": "1.0"},
        "actions": [{"type": "button", "action_id": action, "block_id": "b", "value": value, "action_ts": "1.0"}],
        **more,
    }


def form(payload: Any) -> bytes:
    """As it travels."""
    return urlencode({"payload": json.dumps(payload)}).encode()


def signed(body: bytes, *, at: float | None = None, secret: str = SIGNING_SECRET, kind: str = FORM) -> dict[str, str]:
    """Headers of a request that Slack makes."""
    stamp = str(int(time.time() if at is None else at))
    return {
        "Content-Type": kind,
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature(secret, stamp, body),
    }


def send(client: httpx.Client, body: bytes, path: str = "/slack/interactivity", **more: Any) -> httpx.Response:
    """A request that Slack makes."""
    return client.post(path, content=body, headers=signed(body, **more))
