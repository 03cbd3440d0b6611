"""Presses the buttons of Slack messages, as Slack tells an app about it: signed, with a trigger, dialogs included.

Source: docs.slack.dev, "Verifying requests from Slack", "block_actions payload", "view_submission payload".
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from typing import Any
from urllib.parse import urlencode

import httpx

from sandbox.world import World

TEAM, APP = "T0SANDBOX", "A0SANDBOX"
SIGNING_SECRET = "sandbox-signing-secret"  # noqa: S105 - of a workspace that does not exist
_TRIGGER_SECONDS = 3.0
_ANSWER_SECONDS = 3.0
"""Slack waits this long for an app's answer."""


class CannotPress(Exception):
    """What was to be pressed is not there; the sentence says what."""


class SlackPressing:
    """The people of one workspace, at their screens."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._opened: dict[str, asyncio.Event] = {}

    # The app

    def set_app(self, url: str, signing_secret: str = SIGNING_SECRET) -> None:
        """Say where the app listens (its base address) and what its requests are signed with."""
        self._world.keep("slack", "app", "self", {"url": url.rstrip("/"), "signing_secret": signing_secret})

    def _app(self) -> dict[str, Any]:
        known = self._world.find("slack", "app", "self")
        if known is None:
            raise CannotPress("The app's address is not known: POST it to /_app first.")
        return known

    # Pressing

    async def press(
        self, channel: str, ts: str, action: str, user: str, text: str | None = None, *, copies: int = 1
    ) -> dict[str, Any]:
        """Press a button and, where that opens a dialog, answer it.

        Args:
            channel: id or `#name`.
            ts: of the message.
            action: the button's `action_id`.
            user: id of whoever presses.
            text: for the dialog's text field; a dialog stays open without it.
            copies: how often the one click arrives; more than once, as after an answer that was lost.

        Returns:
            `status` of the app's answer; `dialog` with what became of a dialog, where one was answered.
        """
        identity = self._channel(channel)
        message = self._world.find("slack", "message", f"{identity}/{ts}")
        if message is None:
            raise CannotPress("There is no such message in that channel.")
        button, block_id = _button(message, action)
        trigger = f"{secrets.randbelow(10**12)}.{secrets.token_hex(8)}"
        self._world.keep("slack", "trigger", trigger, {"at": time.time(), "used": False})
        opened = self._opened.setdefault(trigger, asyncio.Event())
        payload = {
            **self._who(user), "type": "block_actions", "trigger_id": trigger, "channel": {"id": identity, "name": "x"},
            "container": {"type": "message", "message_ts": ts, "channel_id": identity, "is_ephemeral": False},
            "message": message, "response_url": "https://hooks.slack.com/actions/T0SANDBOX/1/x",
            "actions": [{**button, "block_id": block_id, "action_ts": f"{time.time():.6f}"}],
        }  # fmt: skip
        try:
            status = [(await self.send_interaction(payload))["status"] for _ in range(copies)][-1]
            if text is None or status != 200:
                return {"status": status}
            async with asyncio.timeout(_TRIGGER_SECONDS):
                await opened.wait()
        except TimeoutError:
            return {"status": status, "dialog": None}
        finally:
            self._opened.pop(trigger, None)
        return {"status": status, "dialog": await self.submit(trigger, user, text)}

    async def submit(self, trigger: str, user: str, text: str) -> dict[str, Any]:
        """Answer the dialog that a trigger opened, with one text in its first field."""
        view = self._world.find("slack", "view", trigger)
        if view is None:
            raise CannotPress("No dialog was opened.")
        block = next(block for block in view["blocks"] if block["type"] == "input")
        values = {block["block_id"]: {block["element"]["action_id"]: {"type": "plain_text_input", "value": text}}}
        payload = {
            **self._who(user), "type": "view_submission", "trigger_id": f"{trigger}.submit", "response_urls": [],
            "view": {**view, "team_id": TEAM, "hash": "1.x", "state": {"values": values}},
        }  # fmt: skip
        return await self.send_interaction(payload)

    async def send_interaction(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Send a payload to the app, signed now; its answer's `status` and `body`."""
        app = self._app()
        return await send(app["url"], app["signing_secret"], payload)

    def _who(self, user: str) -> dict[str, Any]:
        return {
            "user": {"id": user, "username": "somebody", "name": "somebody", "team_id": TEAM},
            "team": {"id": TEAM, "domain": "sandbox"}, "api_app_id": APP, "token": "deprecated",
            "enterprise": None, "is_enterprise_install": False,
        }  # fmt: skip

    def _channel(self, name: str) -> str:
        known = self._world.find("slack", "channel", name)
        if known is None:
            raise CannotPress("There is no such channel.")
        return str(known["id"])

    # What the app asks of Slack because of it

    def open_view(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """`views.open`: a trigger is good for one dialog, within three seconds. The error is Slack's word."""
        trigger = str(wanted.get("trigger_id") or "")
        view = wanted.get("view")
        view = json.loads(view) if isinstance(view, str) else view
        known = self._world.find("slack", "trigger", trigger)
        fault = _view_fault(view) or _trigger_fault(known)
        if fault is not None or known is None or not isinstance(view, dict):
            raise ValueError(fault or "invalid_arguments")
        self._world.keep("slack", "trigger", trigger, {**known, "used": True})
        made = {"id": f"V{secrets.token_hex(5).upper()}", "app_id": APP, **view}
        self._world.keep("slack", "view", trigger, made)
        if trigger in self._opened:
            self._opened[trigger].set()
        return {"view": made}


async def send(url: str, secret: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Send an interaction as Slack does."""
    body = urlencode({"payload": json.dumps(payload)}).encode()
    stamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature(secret, stamp, body),
    }
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=_ANSWER_SECONDS) as client:
            answer = await client.post(f"{url}/slack/interactivity", content=body, headers=headers)
    except httpx.HTTPError:
        return {"status": 0, "body": ""}
    return {"status": answer.status_code, "body": answer.text}


def signature(secret: str, stamp: str, body: bytes) -> str:
    """Slack's signature of a body (version v0)."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()


def _button(message: dict[str, Any], action: str) -> tuple[dict[str, Any], str]:
    for block in message.get("blocks", []):
        for element in block.get("elements", []) if block.get("type") == "actions" else []:
            if element.get("action_id") == action:
                return element, str(block.get("block_id", ""))
    raise CannotPress("The message has no such button.")


def _trigger_fault(known: dict[str, Any] | None) -> str | None:
    if known is None:
        return "invalid_trigger_id"
    if known["used"]:
        return "exchanged_trigger_id"
    return "expired_trigger_id" if time.time() - known["at"] > _TRIGGER_SECONDS else None


def _view_fault(view: Any) -> str | None:
    if not isinstance(view, dict) or view.get("type") != "modal" or not isinstance(view.get("blocks"), list):
        return "invalid_arguments"
    titles = [view.get(name) for name in ("title", "submit", "close")]
    fits = all(isinstance(one, dict) and 1 <= len(str(one.get("text", ""))) <= 24 for one in titles)
    return None if fits and len(str(view.get("private_metadata", ""))) <= 3_000 else "invalid_arguments"
