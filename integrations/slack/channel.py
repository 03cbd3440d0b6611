"""Slack: posts to channels, once per key.

Slack takes no idempotency key. The ledger says whether an earlier attempt may have posted; if so, the key is looked up
in the metadata of the channel's or the thread's messages before anything is posted again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from pydantic import SecretStr

from domain.cases.records import EffectStatus
from domain.errors import NotFoundAtVendor, OutcomeUnknown, VendorError, VendorRefused
from domain.mail import ChatMessage, ChatReceipt
from domain.ports.effects import EffectLedger
from integrations.http import expect
from integrations.idempotency import metadata_key, tenant_of
from integrations.slack.session import VENDOR, SlackSession

EVENT_TYPE = "surehand_message"
TEXT_LIMIT = 4_000
"""Characters of the plain text; Slack advises this and cuts at 40,000 (chat.postMessage, truncating content)."""
LOOKUP_PAGES = 10
PAGE = 100
_THREAD_GONE = frozenset({"thread_not_found", "message_not_found", "cannot_reply_to_message"})
_CANNOT_UPDATE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"})
_CANNOT_LOOK = frozenset({"missing_scope", "not_in_channel", "not_allowed_token_type"})


class SlackChat:
    """`domain.ports.channels.TeamChat` on Slack's Web API."""

    def __init__(
        self,
        *,
        token: SecretStr,
        base_url: str = "https://slack.com/api",
        ledger: EffectLedger,
        timeout_seconds: float = 20,
    ) -> None:
        """`token` is a bot's, with the scopes chat:write, channels:read, channels:history, and the same for groups."""
        self._session = SlackSession(token, base_url, timeout_seconds)
        self._ledger = ledger

    async def look(self) -> str:
        """The workspace that our token is for; nothing is posted. Raises `VendorError`."""
        return str(expect(VENDOR, await self._session.call(lambda client: client.auth_test(), write=False), "team_id"))

    async def post(self, message: ChatMessage) -> ChatReceipt:
        """Post once per key; a post that an earlier attempt made is found and returned.

        Raises:
            VendorRefused: such as an unknown or archived channel. Nothing was posted.
            OutcomeUnknown: the answer was lost. The next attempt looks for the message first.
            VendorUnavailable: anything that may pass. Nothing was posted.
        """
        entry = await self._ledger.claim(message.key, tenant_of(message.key))
        if entry.status is EffectStatus.DONE and entry.outcome is not None:
            return ChatReceipt(channel=entry.outcome["channel"], ts=entry.outcome["ts"])
        again = entry.status is EffectStatus.CLAIMED
        receipt, could_look = (None, True)
        if again:
            receipt, could_look = await self._look_up(message)
        if receipt is None:
            receipt = await self._post(message, claimed_before=again)
            receipt = receipt.model_copy(update={"repeated": not could_look})
        await self._ledger.record(message.key, {"channel": receipt.channel, "ts": receipt.ts})
        return receipt

    async def _post(self, message: ChatMessage, *, claimed_before: bool) -> ChatReceipt:
        try:
            try:
                return await self._post_in(message, message.thread)
            except VendorRefused as refused:
                if message.thread is None or refused.code not in _THREAD_GONE:
                    raise
                return await self._post_in(message, None)
        except OutcomeUnknown:
            raise
        except VendorError:
            # Certainly not posted by this attempt; an earlier one's fate is still open.
            if not claimed_before:
                await self._ledger.release(message.key)
            raise

    async def _post_in(self, message: ChatMessage, thread: str | None) -> ChatReceipt:
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"key": metadata_key(message.key)}}
        data = await self._session.call(
            lambda client: client.chat_postMessage(
                channel=message.channel,
                text=message.text[:TEXT_LIMIT],
                blocks=list(message.blocks) or None,
                thread_ts=thread,
                metadata=metadata,
                # Nobody's link is fetched on our behalf, and nobody is called by name from a customer's text.
                unfurl_links=False,
                unfurl_media=False,
                link_names=False,
            ),
            write=True,
        )
        return ChatReceipt(
            channel=str(expect(VENDOR, data, "channel", write=True)), ts=str(expect(VENDOR, data, "ts", write=True))
        )

    async def update(self, receipt: ChatReceipt, message: ChatMessage) -> ChatReceipt:
        """Replace a message in place; when it is gone or cannot be changed any more, post anew."""
        try:
            # Metadata is left out on purpose: Slack then keeps the first message's, which its key is looked up by.
            data = await self._session.call(
                lambda client: client.chat_update(
                    channel=receipt.channel,
                    ts=receipt.ts,
                    text=message.text[:TEXT_LIMIT],
                    blocks=list(message.blocks) or None,
                    link_names=False,
                ),
                write=True,
            )
        except VendorRefused as refused:
            if refused.code not in _CANNOT_UPDATE:
                raise
            return await self.post(message)
        return ChatReceipt(channel=receipt.channel, ts=str(data.get("ts") or receipt.ts))

    async def delete(self, receipt: ChatReceipt) -> None:
        """Delete a message; gone already is fine."""
        try:
            await self._session.call(
                lambda client: client.chat_delete(channel=receipt.channel, ts=receipt.ts), write=True
            )
        except NotFoundAtVendor:
            return

    # Looking an earlier post up

    async def _look_up(self, message: ChatMessage) -> tuple[ChatReceipt | None, bool]:
        """The earlier post if there is one, and whether anybody could look."""
        try:
            channel = await self._channel_id(message.channel)
            found = await self._find(channel, metadata_key(message.key), message.thread)
            if found is None and message.thread is not None:
                found = await self._find(channel, metadata_key(message.key), None)
        except VendorRefused as refused:
            if refused.code in _CANNOT_LOOK:
                return None, False
            if isinstance(refused, NotFoundAtVendor):
                return None, True
            raise
        return (ChatReceipt(channel=channel, ts=found) if found else None), True

    async def _find(self, channel: str, mark: str, thread: str | None) -> str | None:
        try:
            async for page in self._messages(channel, thread):
                for found in page:
                    metadata = found.get("metadata") or {}
                    payload = metadata.get("event_payload") or {}
                    if metadata.get("event_type") == EVENT_TYPE and payload.get("key") == mark:
                        return str(found["ts"])
        except VendorRefused as refused:
            if thread is None or refused.code not in _THREAD_GONE:
                raise
        return None

    async def _messages(self, channel: str, thread: str | None) -> AsyncIterator[list[dict[str, Any]]]:
        cursor: str | None = None
        for _ in range(LOOKUP_PAGES):
            if thread is None:
                page = await self._session.call(
                    lambda client, at=cursor: client.conversations_history(  # type: ignore[misc]  # a default binds the loop's value
                        channel=channel, limit=PAGE, cursor=at, include_all_metadata=True
                    ),
                    write=False,
                )
            else:
                page = await self._session.call(
                    lambda client, at=cursor: client.conversations_replies(  # type: ignore[misc]  # as above
                        channel=channel, ts=thread, limit=PAGE, cursor=at, include_all_metadata=True
                    ),
                    write=False,
                )
            yield list(expect(VENDOR, page, "messages"))
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return

    async def _channel_id(self, channel: str) -> str:
        """History wants an id; posts take a name too."""
        if not channel.startswith("#"):
            return channel
        cursor: str | None = None
        for _ in range(LOOKUP_PAGES):
            page = await self._session.call(
                lambda client, at=cursor: client.conversations_list(  # type: ignore[misc]  # a default binds the loop's value
                    types="public_channel,private_channel", exclude_archived=True, limit=1000, cursor=at
                ),
                write=False,
            )
            for known in expect(VENDOR, page, "channels"):
                if known.get("name") == channel[1:]:
                    return str(known["id"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
        raise NotFoundAtVendor(VENDOR, "channel_not_found", "Slack has no such channel: correct the channel's name.")
