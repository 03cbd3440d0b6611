"""HTTP for tools: one exchange with an address that the guard allows, bounded in time and size.

Redirects are followed only where asked, each hop is judged anew, and what belongs to one origin stays there.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import httpx

from domain.errors import InvalidInput, VendorError, VendorRefused
from domain.model import JsonValue
from integrations.http import (
    CONNECT_SECONDS,
    RESPONSE_LIMIT,
    Reply,
    Unreadable,
    read_bounded,
    read_reply,
    status_error,
    transport_error,
)
from integrations.tools.addresses import AddressGuard, PinnedTransport, same_origin
from integrations.vendor_calls import answered, vendor_call

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
REQUEST_LIMIT = 1_000_000
"""Bytes of a request's body."""
ERROR_DATA_LIMIT = 2_000
"""Characters of a vendor's error that a playbook may look at."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HOPS = 5
_BEAT_SECONDS = 3.0
_KEPT_ACROSS_ORIGINS = frozenset({"accept", "accept-encoding", "content-type", "user-agent"})
_SENSITIVE = (
    "authorization", "cookie", "token", "secret", "password", "api-key", "apikey", "authenticate", "credential",
    "session", "signature",
)  # fmt: skip


@dataclass(frozen=True)
class Outgoing:
    """A request as it is sent."""

    method: str
    url: str = field(repr=False)
    """With its query, which may hold a key; so it stands in no repr and no log."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = field(default=None, repr=False)
    secret_parameters: frozenset[str] = frozenset()
    """Names of query parameters that are credentials."""
    secret_headers: frozenset[str] = frozenset()
    """Names of headers that are credentials, in lower case, beyond those whose name says so."""
    harmless: bool = False
    """A POST that changes nothing, such as a request for a token."""

    @property
    def write(self) -> bool:
        """Whether it may change anything."""
        return self.method not in SAFE_METHODS and not self.harmless

    def shown(self) -> dict[str, JsonValue]:
        """Method, address and names of headers, without credentials."""
        return {
            "method": self.method.lower(),
            "uri": self.shown_address(),
            "headers": sorted(map(str.lower, self.headers)),
        }

    def shown_headers(self) -> dict[str, str]:
        """Headers without those that hold credentials; names in lower case."""
        named = {name.lower(): value for name, value in self.headers.items()}
        return {n: value for n, value in named.items() if n not in self.secret_headers and not is_sensitive(n)}

    def shown_address(self) -> str:
        """The address, with credentials in its query masked."""
        url = httpx.URL(self.url)
        masked = [(name, "***" if self._is_secret(name) else value) for name, value in url.params.multi_items()]
        return str(url.copy_with(params=masked)) if any(value == "***" for _, value in masked) else str(url)

    def _is_secret(self, name: str) -> bool:
        return name in self.secret_parameters or is_sensitive(name)


@dataclass(frozen=True)
class Incoming:
    """A response as it was read."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""
    content: bytes = field(repr=False)
    request: Outgoing = field(repr=False)
    """The last one, after redirects."""

    @property
    def media_type(self) -> str:
        """Such as `application/json`; empty when the answer does not say."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def shown_headers(self) -> dict[str, str]:
        """Headers without those that hold credentials."""
        return {name: value for name, value in self.headers.items() if not is_sensitive(name)}

    def reply(self) -> Reply:
        """As `integrations.http` reads it."""
        return read_reply(self.status, self.headers, self.content)


def is_sensitive(name: str) -> bool:
    """Whether a header or parameter of this name holds a credential."""
    plain = name.lower().replace("_", "-")
    return plain in {"key", "sig", "code"} or any(word in plain for word in _SENSITIVE)


class GuardedHttp:
    """Exchanges requests for responses, with addresses that the guard allows."""

    def __init__(self, guard: AddressGuard, *, timeout_seconds: float = 20, limit_bytes: int = RESPONSE_LIMIT) -> None:
        """Keep the bounds.

        Args:
            guard: where calls may go.
            timeout_seconds: for one exchange with all its redirects.
            limit_bytes: of a response, after decompression.
        """
        self.guard = guard
        self._timeout_seconds = timeout_seconds
        self._limit_bytes = limit_bytes

    def within(self, guard: AddressGuard) -> GuardedHttp:
        """The same bounds for other addresses."""
        return GuardedHttp(guard, timeout_seconds=self._timeout_seconds, limit_bytes=self._limit_bytes)

    async def exchange(
        self, vendor: str, request: Outgoing, *, redirect: bool = False, beat: Callable[[], None] = lambda: None
    ) -> Incoming:
        """Send a request and read its response, whatever its status.

        Args:
            vendor: for errors.
            request: what to send.
            redirect: follow redirects, five at most.
            beat: called every few seconds until the response is there.

        Raises:
            NotAllowed: this address or one that it redirects to is off limits.
            InvalidInput: the request is too large.
            VendorError: there was no response that could be read.
        """
        self.guard.check(request.url)
        if len(request.content or b"") > REQUEST_LIMIT:
            raise InvalidInput(f"The body is larger than {REQUEST_LIMIT // 1000} kB: send less at once.")
        with vendor_call(vendor, request.method, request.url, http__request__method=request.method) as span:
            incoming = await self._exchanged(vendor, request, redirect, beat)
            answered(span, incoming.status)
            return incoming

    async def _exchanged(self, vendor: str, request: Outgoing, redirect: bool, beat: Callable[[], None]) -> Incoming:
        sent = _Sent()
        try:
            async with asyncio.timeout(self._timeout_seconds), _beating(beat), self._client() as client:
                return await self._follow(client, vendor, request, redirect, sent)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, Unreadable, OSError) as error:
            raise transport_error(vendor, error, write=request.write, sent=sent.any) from None

    def _client(self) -> httpx.AsyncClient:
        seconds = self._timeout_seconds
        return httpx.AsyncClient(
            transport=PinnedTransport(self.guard),
            timeout=httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
            trust_env=False,
            follow_redirects=False,
        )

    async def _follow(
        self, client: httpx.AsyncClient, vendor: str, request: Outgoing, redirect: bool, sent: _Sent
    ) -> Incoming:
        for _ in range(_HOPS):
            incoming = await self._one(client, request, sent)
            location = incoming.headers.get("location")
            if not redirect or incoming.status not in _REDIRECTS or not location:
                return incoming
            request = _next_hop(vendor, request, incoming.status, location)
        raise VendorRefused(vendor, "redirects", f"{vendor} redirects more than {_HOPS} times: correct the address.")

    async def _one(self, client: httpx.AsyncClient, request: Outgoing, sent: _Sent) -> Incoming:
        headers = {"Accept": "application/json, */*;q=0.5", "Accept-Encoding": "identity", **request.headers}
        async with client.stream(
            request.method, request.url, headers=headers, content=request.content, extensions={"trace": sent.trace}
        ) as response:
            content = await read_bounded(response, self._limit_bytes)
            names = {name.lower(): value for name, value in response.headers.items()}
            return Incoming(response.status_code, names, content, request)


class _Sent:
    """Remembers whether any of a request left us."""

    any = False

    async def trace(self, event: str, _: object) -> None:
        self.any = self.any or event.endswith("send_request_headers.started")


def _next_hop(vendor: str, request: Outgoing, status: int, location: str) -> Outgoing:
    """The request that a redirect asks for (RFC 9110, section 15.4)."""
    here = httpx.URL(request.url)
    try:
        there = here.join(location)
        same = same_origin(here, there) if there.scheme in ("http", "https") else False
    except (httpx.InvalidURL, ValueError):
        raise VendorRefused(vendor, "redirect", f"{vendor} redirects to something that is no address.") from None
    if here.scheme == "https" and there.scheme == "http":
        raise VendorRefused(vendor, "redirect", f"{vendor} redirects to an address without TLS: correct the address.")
    moved = replace(request, url=str(there))
    if request.write and (status == 303 or (status in (301, 302) and request.method == "POST")):
        moved = replace(moved, method="GET", content=None)
    if not same:
        if moved.content:
            raise VendorRefused(vendor, "redirect", f"{vendor} redirects a body to another host: correct the address.")
        kept = {name: value for name, value in request.headers.items() if name.lower() in _KEPT_ACROSS_ORIGINS}
        moved = replace(moved, headers=kept)
    if moved.content is None:
        moved = replace(moved, headers={k: v for k, v in moved.headers.items() if k.lower() != "content-type"})
    return moved


@asynccontextmanager
async def _beating(beat: Callable[[], None]) -> AsyncIterator[None]:
    async def keep_on() -> None:
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            beat()

    task = asyncio.create_task(keep_on())
    try:
        yield
    finally:
        task.cancel()


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse headers that would end their line or change how the request is read.

    Raises:
        InvalidInput: names the header and never its value.
    """
    for name, value in headers.items():
        if not name or not all(char.isascii() and (char.isalnum() or char in "!#$%&'*+-.^_`|~") for char in name):
            raise InvalidInput("A header has a name that is none: write letters, digits and dashes.")
        if name.lower() in _OURS:
            raise InvalidInput(f"The header {name} is set by the connection itself: leave it out.")
        if not value.isascii() or any(ord(char) < 32 or ord(char) == 127 for char in value):
            raise InvalidInput(f"The header {name} has a line break or another character that no header has.")


_OURS = frozenset({
    "host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "keep-alive",
    "proxy-authorization", "proxy-connection", "accept-encoding", "expect",
})  # fmt: skip


def refusal(vendor: str, incoming: Incoming) -> VendorError:
    """The error for a status that is no success, with a capped piece of what the vendor said as data."""
    reply = incoming.reply()
    error = status_error(
        vendor, reply, write=incoming.request.write,
        advice=dict.fromkeys(_REDIRECTS, "{vendor} redirects elsewhere: correct the address."),
    )  # fmt: skip
    error.data = capped(reply.body)
    return error


def capped(body: JsonValue) -> JsonValue:
    """A vendor's words as they are when they are short; else their beginning as text."""
    text = json.dumps(body, ensure_ascii=False)
    return body if len(text) <= ERROR_DATA_LIMIT else text[:ERROR_DATA_LIMIT]
