"""HTTP to vendors, built in one place: bounded in time and size, no proxies from the environment, no redirects.

A client opens one connection per call. A kept connection that the vendor closes in the meantime would make a write look
as if its outcome were unknown; at the pace of support cases a handshake is the lesser cost.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import httpx
from opentelemetry.trace import Span

from domain.errors import (
    NotFoundAtVendor,
    OutcomeUnknown,
    VendorError,
    VendorRefused,
    VendorThrottled,
    VendorUnavailable,
)
from domain.model import JsonValue
from integrations.vendor_calls import answered, vendor_call

RESPONSE_LIMIT = 4_000_000
"""Bytes of a decoded response; the largest page that the clients ask for is a tenth of this."""
CONNECT_SECONDS = 5.0
RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""Statuses that may pass: the server's own trouble, a time-out, too many requests, and a proxy's words for these."""
_IN_DOUBT = frozenset({408, 500, 502, 504, 520, 522, 524})
"""Of those, the ones with which a write may have taken effect behind the answer."""
_LONGEST_WAIT = timedelta(days=1)


@dataclass(frozen=True)
class Reply:
    """An answer that could be read: a status, and JSON or nothing."""

    status: int
    body: JsonValue = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    readable: bool = True
    """False when there is a body and it is not JSON in UTF-8."""


class Unreadable(Exception):
    """The body is too large, or compressed in a way we did not ask for."""


Translate = Callable[[Reply, bool], VendorError]
"""A vendor's translation of a refusal: the reply and whether the request was a write."""


class VendorHttp:
    """Calls one vendor. Its repr shows the address and never the credentials."""

    def __init__(
        self,
        vendor: str,
        base_url: str,
        *,
        timeout_seconds: float,
        translate: Translate,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        reads_answers: bool = True,
    ) -> None:
        """Keep how to reach the vendor.

        Args:
            vendor: short name for errors.
            base_url: address of the API.
            timeout_seconds: for one whole call, connecting and reading included.
            translate: turns a status of 300 and above into an error.
            headers: sent with each call.
            auth: user name and password for basic authentication.
            reads_answers: False where the status is all that counts, so that a success may say what it likes.
        """
        self._vendor = vendor
        self._base_url = base_url.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._translate = translate
        self._headers = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
        self._auth = auth
        self._reads_answers = reads_answers

    def __repr__(self) -> str:
        return f"VendorHttp({self._vendor}, {self._base_url})"

    async def get(self, path: str, **params: str | int) -> JsonValue:
        """Read. Raises `VendorError`."""
        return await self._call("GET", path, params=params)

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: JsonValue = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> JsonValue:
        """Write, as JSON or as a form. Raises `VendorError`; an outcome that nobody knows is `OutcomeUnknown`."""
        content = {"json": body} if body is not None else {"data": dict(form or {})}
        return await self._call(method, path, headers=headers, **content)

    async def _call(self, method: str, path: str, **request: Any) -> JsonValue:
        with vendor_call(self._vendor, method, self._base_url, http__request__method=method) as span:
            return await self._made(span, method, path, request)

    async def _made(self, span: Span, method: str, path: str, request: dict[str, Any]) -> JsonValue:
        write = method != "GET"
        sent = False

        async def trace(event: str, _: object) -> None:
            nonlocal sent
            sent = sent or event.endswith("send_request_headers.started")

        try:
            async with asyncio.timeout(self._timeout_seconds):
                reply = await self._exchange(method, path, trace, request)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, Unreadable, OSError) as error:
            raise transport_error(self._vendor, error, write=write, sent=sent) from None
        answered(span, reply.status)
        if reply.status >= 300 or reply.status < 200:
            raise self._translate(reply, write)
        if self._reads_answers and not reply.readable:
            raise unreadable(self._vendor, write=write)
        return reply.body

    async def _exchange(self, method: str, path: str, trace: object, request: dict[str, Any]) -> Reply:
        extra = request.pop("headers", None) or {}
        async with (
            httpx.AsyncClient(
                base_url=self._base_url,
                headers=self._headers,
                auth=self._auth,
                timeout=httpx.Timeout(self._timeout_seconds, connect=min(CONNECT_SECONDS, self._timeout_seconds)),
                trust_env=False,
                follow_redirects=False,
                verify=certificates(),
            ) as client,
            client.stream(method, path, headers=extra, extensions={"trace": trace}, **request) as response,
        ):
            return read_reply(response.status_code, dict(response.headers), await read_bounded(response))


@cache
def certificates() -> ssl.SSLContext:
    """The certificate authorities that we trust, read once; the environment adds none."""
    return httpx.create_ssl_context(trust_env=False)


async def read_bounded(response: httpx.Response, limit_bytes: int | None = None) -> bytes:
    """Read a body up to the limit, counted after decompression and never inflated past it.

    Args:
        response: whose body was not read yet.
        limit_bytes: `RESPONSE_LIMIT` when None.

    Raises:
        Unreadable: it is larger, or compressed in a way that we do not read.
    """
    limit = RESPONSE_LIMIT if limit_bytes is None else limit_bytes
    inflate = _inflater(response.headers.get("content-encoding", ""))
    body = bytearray()
    async for part in response.aiter_raw():
        body += inflate(part, limit + 1 - len(body))
        if len(body) > limit:
            raise Unreadable
    return bytes(body)


def _inflater(encoding: str) -> Callable[[bytes, int], bytes]:
    if encoding.strip().lower() in ("", "identity"):
        return lambda part, _: part
    if encoding.strip().lower() in ("gzip", "deflate"):
        decoder = zlib.decompressobj(wbits=47)

        def inflate(part: bytes, room: int) -> bytes:
            try:
                return decoder.decompress(part, room)
            except zlib.error:
                raise Unreadable from None

        return inflate
    raise Unreadable


def read_reply(status: int, headers: Mapping[str, str], content: bytes) -> Reply:
    """Read a body as JSON in UTF-8 (RFC 8259, section 8.1), whatever charset its header claims."""
    if not content.strip():
        return Reply(status, None, headers)
    try:
        return Reply(status, json.loads(content.decode("utf-8"), parse_constant=_no_constant), headers)
    except (ValueError, RecursionError):
        return Reply(status, None, headers, readable=False)


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def transport_error(vendor: str, error: Exception, *, write: bool, sent: bool) -> VendorError:
    """Translate a call without a readable answer.

    Args:
        vendor: for the error.
        error: what the transport raised; its text is not repeated, because it can hold an address with credentials.
        write: whether the call changes anything.
        sent: whether any of the request left us.
    """
    code = "timeout" if isinstance(error, TimeoutError | httpx.TimeoutException) else "connection"
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return VendorRefused(vendor, "bad_address", f"The address of {vendor} cannot be used: correct its BASE_URL.")
    if isinstance(error, Unreadable):
        code = "unreadable"
    if write and sent:
        return OutcomeUnknown(vendor, code, f"No answer from {vendor} after the request was sent ({code}).")
    return VendorUnavailable(vendor, code, f"{vendor} could not be reached or did not answer ({code}).")


def unreadable(vendor: str, *, write: bool) -> VendorError:
    """Translate a success whose body is not what the vendor sends, such as a proxy's HTML page with status 200."""
    sentence = f"{vendor} answered with something that is not its JSON: check its BASE_URL and what stands in between."
    kind = OutcomeUnknown if write else VendorUnavailable
    return kind(vendor, "unreadable", sentence)


def expect(vendor: str, body: JsonValue, *path: str, write: bool = False) -> Any:
    """The value at `path` in a reply; a reply without it is unreadable."""
    for name in path:
        if not isinstance(body, dict) or name not in body:
            raise unreadable(vendor, write=write)
        body = body[name]
    return body


def status_error(
    vendor: str,
    reply: Reply,
    *,
    write: bool,
    code: str = "",
    retryable: frozenset[int] = RETRYABLE,
    advice: Mapping[int, str] | None = None,
) -> VendorError:
    """Translate a status that is no success; each vendor's own function calls this with what differs there.

    Args:
        vendor: for the error.
        reply: the answer.
        write: whether the call changes anything.
        code: the vendor's own word for it; the status when empty.
        retryable: statuses that may pass.
        advice: what to do, by status.
    """
    status, word = reply.status, code or str(reply.status)
    error = _by_status(vendor, reply, word, write=write, retryable=retryable)
    if error is None:
        sentence = (
            (advice or {}).get(status) or _ADVICE.get(status) or f"{vendor} refused the request (status {status})."
        )
        if 300 <= status < 400 and status not in (advice or {}):
            sentence = f"{vendor} redirects elsewhere (status {status}): correct its BASE_URL."
        kind = NotFoundAtVendor if status in (404, 410) else VendorRefused
        error = kind(vendor, word, sentence.format(vendor=vendor))
    error.status = status
    return error


def _by_status(vendor: str, reply: Reply, word: str, *, write: bool, retryable: frozenset[int]) -> VendorError | None:
    """The error for a status that may pass; None for one that does not."""
    status = reply.status
    wait = retry_after(reply.headers.get("retry-after"), datetime.now(UTC))
    if status == 429:
        return VendorThrottled(vendor, word, f"{vendor} asked us to slow down.", retry_after=wait)
    if status not in retryable:
        return None
    if write and status in _IN_DOUBT:
        return OutcomeUnknown(vendor, word, f"{vendor} failed (status {status}) and may have acted.")
    return VendorUnavailable(vendor, word, f"{vendor} failed (status {status}).", retry_after=wait)


_ADVICE = {
    401: "{vendor} refused our credentials: renew them.",
    403: "{vendor} does not allow this to our credentials: give them the right.",
    404: "{vendor} does not know what this is about.",
    410: "{vendor} no longer has what this is about.",
}


def retry_after(header: str | None, now: datetime) -> timedelta | None:
    """Read a Retry-After header, in seconds or as a date (RFC 9110, section 10.2.3); None when it says nothing usable.

    Args:
        header: its value.
        now: with a time zone, for the date form.
    """
    text = (header or "").strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return min(timedelta(seconds=min(float(text), 1e6)), _LONGEST_WAIT) or None
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(at - now, timedelta(0)), _LONGEST_WAIT) or None
