"""Slack's Web API as far as a bot uses it: posting, changing, deleting, looking messages and people up.

Every channel exists when it is named, except `#no-such-channel`; `#archived-channel` is archived, and our bot is not in
`#not-invited`. Messages are checked as Slack checks them and refused in its words, with `ok: false` and status 200.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.forms import urlencoded
from sandbox.slack_blocks import blocks_fault
from sandbox.slack_pressing import TEAM, CannotPress, SlackPressing
from sandbox.world import Entry, World, case_in

BOT = "B0SANDBOX"
_REFUSING = {"no-such-channel": "channel_not_found", "archived-channel": "is_archived", "not-invited": "not_in_channel"}


class Refused(Exception):
    """`ok: false` with Slack's word for why."""


def error_body(status: int, code: str) -> dict[str, Any]:
    """Slack's words for a refusal."""
    return {"ok": False, "error": code}


class SlackSimulator:
    """One workspace."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._last_ts = 0.0
        self.pressing = SlackPressing(world)

    def app(self) -> Starlette:
        """The workspace's Web API."""
        methods: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "api.test": lambda _: {},
            "auth.test": lambda _: {
                "url": "https://sandbox.slack.com/", "team": "Sandbox", "user": "surehand",
                "team_id": TEAM, "user_id": "U0SANDBOX", "bot_id": BOT,
            },
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "conversations.list": self._channels,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
            "users.lookupByEmail": self._person,
            "chat.postEphemeral": self._whisper,
            "views.open": self._open_view,
        }  # fmt: skip

        async def call(request: Request) -> Response:
            method = methods.get(request.path_params["method"])
            wanted = await _arguments(request)
            try:
                _check_token(request, wanted)
                if method is None:
                    raise Refused("unknown_method")
                return JSONResponse({"ok": True, **method(wanted)})
            except Refused as refused:
                return JSONResponse(error_body(200, str(refused)))

        return Starlette(
            routes=[
                Route("/api/{method}", call, methods=["GET", "POST"]),
                Route("/_app", self._set_app, methods=["POST"]),
                Route("/_press", self._press, methods=["POST"]),
            ]
        )

    # People at their screens

    async def _set_app(self, request: Request) -> Response:
        """Where the app listens: `url`, and its `signing_secret` when it is not the sandbox's own."""
        wanted = _object((await request.body()).decode("utf-8", "replace"))
        known = {name: str(wanted[name]) for name in ("url", "signing_secret") if wanted.get(name)}
        if "url" not in known:
            return JSONResponse({"error": "`url` is the app's base address."}, 400)
        self.pressing.set_app(**known)
        return JSONResponse({"ok": True})

    async def _press(self, request: Request) -> Response:
        """Press a button: `channel`, `ts`, `action`, `user`, and `text` for the dialog that it opens."""
        wanted = _object((await request.body()).decode("utf-8", "replace"))
        named = [str(wanted.get(name) or "") for name in ("channel", "ts", "action", "user")]
        text = str(wanted["text"]) if wanted.get("text") is not None else None
        try:
            return JSONResponse(await self.pressing.press(named[0], named[1], named[2], named[3], text))
        except CannotPress as problem:
            return JSONResponse({"error": str(problem)}, 400)

    def _open_view(self, wanted: dict[str, Any]) -> dict[str, Any]:
        try:
            return self.pressing.open_view(wanted)
        except ValueError as error:
            raise Refused(str(error)) from None

    def _whisper(self, wanted: dict[str, Any]) -> dict[str, Any]:
        channel, user, ts = self._channel(wanted.get("channel")), str(wanted.get("user") or ""), self._next_ts()
        if not user.startswith("U"):
            raise Refused("user_not_in_channel")
        message = {**_checked(wanted), "ts": ts}
        body = {"channel": channel["id"], "channel_name": channel["name"], "user": user, "message": message}
        self._world.record(Entry(vendor="slack", kind="whisper", key=f"whisper/{ts}", body=body))
        return {"message_ts": ts}

    # Messages

    def _post(self, wanted: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(wanted.get("channel"))
        message = _checked(wanted)
        thread = wanted.get("thread_ts")
        if thread is not None and self._world.find("slack", "message", f"{channel['id']}/{thread}") is None:
            raise Refused("thread_not_found")
        message |= {"type": "message", "user": "U0SANDBOX", "bot_id": BOT, "ts": self._next_ts()}
        if thread is not None:
            message["thread_ts"] = thread
        self._world.keep("slack", "message", f"{channel['id']}/{message['ts']}", {**message, "channel": channel["id"]})
        self._record("message", channel, message)
        return {"channel": channel["id"], "ts": message["ts"], "message": message}

    def _update(self, wanted: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(wanted.get("channel"))
        before = self._message(channel, wanted)
        changed = _checked(wanted)
        message = {**before, **changed, "edited": {"user": "U0SANDBOX", "ts": self._next_ts()}}
        self._world.keep("slack", "message", f"{channel['id']}/{message['ts']}", message)
        self._record("message_changed", channel, message, key=f"change/{message['edited']['ts']}")
        return {"channel": channel["id"], "ts": message["ts"], "text": message.get("text", ""), "message": message}

    def _delete(self, wanted: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(wanted.get("channel"))
        message = self._message(channel, wanted)
        self._world.remove("slack", "message", f"{channel['id']}/{message['ts']}")
        self._record("message_deleted", channel, message, key=f"delete/{message['ts']}")
        return {"channel": channel["id"], "ts": message["ts"]}

    def _message(self, channel: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
        found = self._world.find("slack", "message", f"{channel['id']}/{wanted.get('ts')}")
        if found is None:
            raise Refused("message_not_found")
        return found

    def _record(self, kind: str, channel: dict[str, Any], message: dict[str, Any], key: str | None = None) -> None:
        payload = (message.get("metadata") or {}).get("event_payload") or {}
        own = str(payload.get("key") or "")
        self._world.record(
            Entry(
                vendor="slack",
                kind=kind,
                key=key or own or message["ts"],
                case=case_in(own, str(message.get("text", ""))),
                body={"channel": channel["id"], "channel_name": channel["name"], "message": message},
            )
        )

    def _next_ts(self) -> str:
        self._last_ts = max(self._last_ts + 0.000001, time.time())
        return f"{self._last_ts:.6f}"

    # Looking up

    def _channel(self, name: object) -> dict[str, Any]:
        if not isinstance(name, str) or not name.strip("#"):
            raise Refused("channel_not_found")
        known = self._world.find("slack", "channel", name)
        if known is None and name[0] == "C":
            raise Refused("channel_not_found")
        plain = known["name"] if known else name.lstrip("#")
        if plain in _REFUSING:
            raise Refused(_REFUSING[plain])
        if known is not None:
            return known
        identity = "C" + sha256(plain.encode()).hexdigest()[:9].upper()
        channel = {"id": identity, "name": plain, "is_channel": True, "is_archived": False, "is_member": True}
        self._world.keep("slack", "channel", f"#{plain}", channel)
        return self._world.keep("slack", "channel", identity, channel)

    def _channels(self, wanted: dict[str, Any]) -> dict[str, Any]:
        known = {channel["id"]: channel for channel in self._world.all("slack", "channel")}
        page, cursor = _page(list(known.values()), wanted)
        return {"channels": page, "response_metadata": {"next_cursor": cursor}}

    def _history(self, wanted: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(wanted.get("channel"))
        return self._listing(wanted, [m for m in self._messages(channel) if "thread_ts" not in m][::-1])

    def _replies(self, wanted: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(wanted.get("channel"))
        ts = wanted.get("ts")
        found = [m for m in self._messages(channel) if ts in (m["ts"], m.get("thread_ts"))]
        if not found:
            raise Refused("thread_not_found")
        return self._listing(wanted, found)

    def _messages(self, channel: dict[str, Any]) -> list[dict[str, Any]]:
        return [m for m in self._world.all("slack", "message") if m["channel"] == channel["id"]]

    @staticmethod
    def _listing(wanted: dict[str, Any], messages: list[dict[str, Any]]) -> dict[str, Any]:
        page, cursor = _page(messages, wanted)
        if str(wanted.get("include_all_metadata", "")).lower() not in ("1", "true"):
            page = [{key: value for key, value in message.items() if key != "metadata"} for message in page]
        return {
            "messages": page, "has_more": bool(cursor), "pin_count": 0, "channel_actions_ts": None,
            "channel_actions_count": 0, "response_metadata": {"next_cursor": cursor},
        }  # fmt: skip

    @staticmethod
    def _person(wanted: dict[str, Any]) -> dict[str, Any]:
        email = str(wanted.get("email") or "")
        if "@" not in email or email.startswith("unknown"):
            raise Refused("users_not_found")
        identity = "U" + sha256(email.encode()).hexdigest()[:9].upper()
        return {"user": {"id": identity, "team_id": TEAM, "profile": {"email": email}}}


async def _arguments(request: Request) -> dict[str, Any]:
    wanted: dict[str, Any] = dict(request.query_params)
    if request.headers.get("content-type", "").startswith("application/json"):
        return wanted | _object((await request.body()).decode("utf-8", "replace"))
    return wanted | await urlencoded(request)


def _check_token(request: Request, wanted: dict[str, Any]) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token if scheme == "Bearer" else str(wanted.get("token") or "")
    if not token:
        raise Refused("not_authed")
    if token == "xoxb-revoked":  # noqa: S105 - a name, not a secret
        raise Refused("token_revoked")
    if not token.startswith("xoxb-"):
        raise Refused("invalid_auth")


def _checked(wanted: dict[str, Any]) -> dict[str, Any]:
    """The parts of a message, as Slack takes them."""
    text, blocks = wanted.get("text"), wanted.get("blocks")
    blocks = json.loads(blocks) if isinstance(blocks, str) else blocks
    if not text and not blocks:
        raise Refused("no_text")
    if text is not None and len(str(text)) > 40_000:
        raise Refused("msg_too_long")
    if blocks is not None:
        fault = blocks_fault(blocks)
        if fault:
            raise Refused(fault)
    message = {"text": str(text or "")} | ({"blocks": blocks} if blocks else {})
    metadata = _object(wanted.get("metadata"))
    if wanted.get("metadata") is not None:
        if not isinstance(metadata.get("event_type"), str) or not isinstance(metadata.get("event_payload"), dict):
            raise Refused("invalid_metadata_format")
        message["metadata"] = metadata
    return message


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def _page(rows: list[dict[str, Any]], wanted: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
    start, limit = int(wanted.get("cursor") or 0), max(1, min(int(wanted.get("limit") or 100), 1_000))
    return rows[start : start + limit], str(start + limit) if start + limit < len(rows) else ""
