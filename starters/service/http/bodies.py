"""What comes in: JSON of one kind only, small, whole and plain. All else is refused before anything looks at it."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import ClientDisconnect, Request

from domain.model import JsonValue
from starters.service.http.errors import Problem, invalid

JSON = ("application/json",)
DEEPEST = 40
_UNKEPT = re.compile("[\x00\ud800-\udfff]")
_READ_WITHIN_SECONDS = 30.0
_POURED_AWAY_BYTES = 64_000_000
"""An answer that comes while a body is still being sent is lost with most clients; so the rest is read and dropped."""
_POURED_WITHIN_SECONDS = 10.0
FORM_ROOM_BYTES = 100_000
"""What a form may have around its file."""


def media_type_of(request: Request) -> str:
    """The declared type, without its parameters, in small letters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_json(request: Request, *, limit_bytes: int, types: tuple[str, ...] = JSON) -> tuple[bytes, JsonValue]:
    """The body, as bytes and as data.

    Raises:
        Problem: 408, 413, 415 or 422.
    """
    await refuse_packed(request)
    if media_type_of(request) not in types or not _is_utf8(request):
        await pour_away(request)
        raise Problem(415, "UNSUPPORTED_MEDIA_TYPE", f"This takes {' or '.join(types)} in UTF-8: say so and send that.")
    raw = await _read(request, limit_bytes)
    return raw, parse(raw)


async def read_raw(request: Request, *, limit_bytes: int, types: tuple[str, ...]) -> bytes:
    """The body as it came, for a signature to be checked before anything reads it.

    Raises:
        Problem: 408, 413 or 415.
    """
    await refuse_packed(request)
    if media_type_of(request) not in types:
        await pour_away(request)
        raise Problem(415, "UNSUPPORTED_MEDIA_TYPE", f"This takes {' or '.join(types)}: say so and send that.")
    return await _read(request, limit_bytes)


async def refuse_packed(request: Request) -> None:
    """Refuse a body that is compressed on its way: what it unpacks to is nobody's promise.

    Raises:
        Problem: it is.
    """
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        await pour_away(request)
        raise Problem(415, "UNSUPPORTED_MEDIA_TYPE", "A compressed body is not taken: send it as it is.")


async def refuse_body(request: Request) -> None:
    """Nothing is expected here; what comes is not looked at."""
    if int_or_none(request.headers.get("content-length")) or "transfer-encoding" in request.headers:
        await pour_away(request)


def int_or_none(text: str | None) -> int | None:
    """A header's number."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 20 else None


def parse(raw: bytes) -> JsonValue:
    """Data as JSON has it, and nothing that only Python reads.

    Raises:
        Problem: it is no JSON, is nested too deeply, names a key twice, or holds what cannot be kept: NaN, a lone
            half of a character, a NUL, a number beyond 64 bits.
    """
    try:
        data = json.loads(raw.decode("utf-8"), parse_constant=_no_number, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise invalid("The body is no JSON in UTF-8, or names a key twice: correct it.") from None
    _check(data)
    return data


def _no_number(word: str) -> Any:
    raise ValueError(word)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _check(data: JsonValue) -> None:
    waiting: list[tuple[JsonValue, int]] = [(data, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEEPEST:
            raise invalid(f"The body is nested deeper than {DEEPEST}: flatten it.")
        if isinstance(value, dict):
            waiting += [(part, depth + 1) for part in value.values()]
            waiting += [(name, depth + 1) for name in value]
        elif isinstance(value, list):
            waiting += [(part, depth + 1) for part in value]
        elif isinstance(value, str):
            check_text(value)
        elif isinstance(value, int | float) and not _is_kept(value):
            raise invalid("A number is larger than can be kept: correct it.")


def _is_kept(value: float) -> bool:
    return math.isfinite(value) if isinstance(value, float) else -(2**63) <= value < 2**63


def check_text(text: str) -> None:
    """Refuse what no database and no other program takes.

    Raises:
        Problem: a NUL, or half of a surrogate pair.
    """
    if _UNKEPT.search(text):
        raise invalid("A text holds a NUL or half a character: leave it out.")


def _is_utf8(request: Request) -> bool:
    for parameter in request.headers.get("content-type", "").split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in ("utf-8", "utf8"):
            return False
    return True


async def _read(request: Request, limit_bytes: int) -> bytes:
    declared = int_or_none(request.headers.get("content-length"))
    too_large = Problem(413, "PAYLOAD_TOO_LARGE", f"A JSON body has at most {limit_bytes:,} bytes: send less.")
    if declared is not None and declared > limit_bytes:
        await pour_away(request)
        raise too_large
    read = bytearray()
    async for piece in pieces_of(request):
        read += piece
        if len(read) > limit_bytes:
            await pour_away(request)
            raise too_large
    return bytes(read)


async def pieces_of(request: Request, within_seconds: float = _READ_WITHIN_SECONDS) -> AsyncIterator[bytes]:
    """The body, piece by piece; a client that stalls is let go.

    Raises:
        Problem: 408.
    """
    stream = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(within_seconds):
                piece = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise Problem(408, "REQUEST_TIMEOUT", "The body did not come in time: send it again.") from None
        except ClientDisconnect:
            raise Problem(400, "BAD_REQUEST", "The body broke off: send it again.") from None
        yield piece


async def pour_away(request: Request) -> None:
    """Read what still comes, keep none of it, and do not wait for ever."""
    if request._stream_consumed:  # all of it came already
        return
    poured = 0
    try:
        async with asyncio.timeout(_POURED_WITHIN_SECONDS):
            while poured < _POURED_AWAY_BYTES:
                message = await request.receive()
                poured += len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body", False):
                    request._stream_consumed = True
                    return
    except TimeoutError:
        return
