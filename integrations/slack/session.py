"""How `slack_sdk` reaches Slack: no retries, no proxies from the environment, no redirects, a cap on answers.

Everything that goes wrong on the way is translated here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from domain.errors import (
    NotFoundAtVendor,
    OutcomeUnknown,
    VendorError,
    VendorRefused,
    VendorThrottled,
    VendorUnavailable,
)
from integrations.http import CONNECT_SECONDS, RESPONSE_LIMIT, retry_after, unreadable
from integrations.vendor_calls import vendor_call

VENDOR = "slack"
THROTTLED = frozenset({"ratelimited", "rate_limited"})
RETRYABLE = frozenset({"service_unavailable", "team_added_to_org", "org_login_required"})
"""Codes with which nothing happened and another try may work."""
IN_DOUBT = frozenset({"internal_error", "fatal_error", "request_timeout"})
"""Codes of which Slack says that part of the request may have taken effect."""
GONE = frozenset({"channel_not_found", "message_not_found", "thread_not_found", "user_not_found", "users_not_found"})
_ADVICE = {
    "channel_not_found": "Slack has no such channel, or our app cannot see it: correct the channel or invite the app.",
    "is_archived": "The Slack channel is archived: name another one.",
    "not_in_channel": "Our app is not in the Slack channel: invite it there.",
    "msg_too_long": "The message is too long for Slack: shorten its template.",
    "msg_blocks_too_long": "The message is too long for Slack: shorten its template.",
    "invalid_blocks": "Slack refused the message's blocks: correct its template.",
    "invalid_blocks_format": "Slack refused the message's blocks: correct its template.",
    "token_revoked": "Slack's token was revoked: install the app anew and renew SUREHAND_SLACK__BOT_TOKEN.",
    "token_expired": "Slack's token has expired: renew SUREHAND_SLACK__BOT_TOKEN.",
    "invalid_auth": "Slack refused our token: renew SUREHAND_SLACK__BOT_TOKEN.",
    "not_authed": "Slack refused our token: renew SUREHAND_SLACK__BOT_TOKEN.",
    "account_inactive": "Slack's token belongs to a removed app: install it anew and renew SUREHAND_SLACK__BOT_TOKEN.",
    "missing_scope": "Slack's token lacks a scope: add those that docs/integrations.md lists.",
}


class SlackRedirected(Exception):
    """Slack does not redirect; whoever does shall not see the token."""


class SlackAnswerTooLarge(Exception):
    """The answer is larger than the cap."""


class SlackFlight:
    """Whether any of a request has left us."""

    def __init__(self) -> None:
        self.sent = False


class _CappedResponse(aiohttp.ClientResponse):
    async def read(self) -> bytes:
        if self._body is None:
            body = bytearray()
            async for part in self.content.iter_any():
                body += part
                if len(body) > RESPONSE_LIMIT:
                    self.close()
                    raise SlackAnswerTooLarge
            self._body = bytes(body)
        return self._body


SlackCall = Callable[[AsyncWebClient], Awaitable[Any]]


class SlackSession:
    """Makes calls with a bot token, one connection each. Its repr shows the address and never the token."""

    def __init__(self, token: SecretStr, base_url: str, timeout_seconds: float) -> None:
        """`timeout_seconds` is for one whole call."""
        self._token = token
        self._base_url = f"{base_url.rstrip('/')}/"
        self._timeout_seconds = timeout_seconds

    def __repr__(self) -> str:
        return f"SlackSession({self._base_url})"

    async def call(self, what: SlackCall, *, write: bool) -> dict[str, Any]:
        """Make one call.

        Args:
            what: the call on the client.
            write: whether it changes anything.

        Raises:
            VendorError: in its kinds, see `translate`.
        """
        with vendor_call(VENDOR, "POST", self._base_url, http__request__method="POST"):
            return await self._made(what, write=write)

    async def _made(self, what: SlackCall, *, write: bool) -> dict[str, Any]:
        flight = SlackFlight()
        try:
            async with asyncio.timeout(self._timeout_seconds), self._client(flight) as client:
                response = await what(client)
        except (
            SlackClientError, aiohttp.ClientError, SlackRedirected, SlackAnswerTooLarge,
            OSError, ValueError, AttributeError, LookupError,
        ) as error:  # fmt: skip
            # The last three are what slack_sdk lets through when an answer is not what it expects.
            raise translate(error, write=write, sent=flight.sent) from None
        data: dict[str, Any] = response.data
        return data

    @asynccontextmanager
    async def _client(self, flight: SlackFlight) -> AsyncIterator[AsyncWebClient]:
        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._timeout_seconds, connect=CONNECT_SECONDS),
            trust_env=False,
            response_class=_CappedResponse,
            trace_configs=[_watch(flight)],
        ) as session:
            client = AsyncWebClient(
                token=self._token.get_secret_value(),
                base_url=self._base_url,
                session=session,
                retry_handlers=[],
                headers={"Accept-Encoding": "identity"},
            )
            client.proxy = None  # slack_sdk takes one from the environment, whatever its session trusts
            yield client


def _watch(flight: SlackFlight) -> aiohttp.TraceConfig:
    async def sent(*_: object) -> None:
        flight.sent = True

    async def redirected(*_: object) -> None:
        raise SlackRedirected

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(sent)
    trace.on_request_redirect.append(redirected)
    return trace


def translate(error: Exception, *, write: bool, sent: bool) -> VendorError:
    """What went wrong at Slack, row by row.

    Args:
        error: what the call raised; its text is not repeated, because it can quote the message.
        write: whether the call changes anything.
        sent: whether any of the request left us.
    """
    if isinstance(error, SlackApiError):
        return _from_answer(error.response, write=write)
    if isinstance(error, SlackRedirected):
        return VendorRefused(VENDOR, "redirect", "Slack redirects elsewhere: correct SUREHAND_SLACK__BASE_URL.")
    if isinstance(error, aiohttp.InvalidURL):
        return VendorRefused(VENDOR, "bad_address", "Slack's address cannot be used: correct SUREHAND_SLACK__BASE_URL.")
    if not isinstance(error, OSError | aiohttp.ClientError):
        return unreadable(VENDOR, write=write)
    code = "timeout" if isinstance(error, TimeoutError) else "connection"
    if write and sent:
        return OutcomeUnknown(VENDOR, code, f"No answer from Slack after the request was sent ({code}).")
    return VendorUnavailable(VENDOR, code, f"Slack could not be reached or did not answer ({code}).")


def _from_answer(response: Any, *, write: bool) -> VendorError:
    """`response` is slack_sdk's own, or aiohttp's where the body was not JSON."""
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0))
    headers: Mapping[str, str] = getattr(response, "headers", None) or {}
    data = getattr(response, "data", None)
    code = str(data.get("error") or "")[:60] if isinstance(data, dict) else ""
    if status == 429 or code in THROTTLED:
        wait = retry_after(_header(headers, "retry-after"), datetime.now(UTC))
        return VendorThrottled(VENDOR, code or "429", "Slack asked us to slow down.", retry_after=wait)
    if code in IN_DOUBT or status >= 500:
        if write:
            return OutcomeUnknown(VENDOR, code or str(status), "Slack failed and may have acted.")
        return VendorUnavailable(VENDOR, code or str(status), "Slack failed.")
    if code in RETRYABLE:
        return VendorUnavailable(VENDOR, code, "Slack is not available.")
    if not code and 200 <= status < 300:
        return unreadable(VENDOR, write=write)
    kind = NotFoundAtVendor if code in GONE else VendorRefused
    return kind(VENDOR, code or str(status), _ADVICE.get(code) or f"Slack refused the request ({code or status}).")


def _header(headers: Mapping[str, str], name: str) -> str | None:
    return next((str(value) for key, value in headers.items() if key.lower() == name), None)
