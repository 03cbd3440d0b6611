"""How bytes reach a model's endpoint and come back: no proxies from the environment, no redirects, a cap on size."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2  # the HTTP library that `openai` itself is built on

RESPONSE_LIMIT = 1_000_000
"""Bytes of a response. An answer at the token limit is a hundredth of this."""


class ResponseTooLarge(httpx2.ReadError):
    """The endpoint sent more than the cap, or a compressed body that could unpack to more."""


class _CappedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        received = 0
        async for part in self._stream:
            received += len(part)
            if received > RESPONSE_LIMIT:
                raise ResponseTooLarge("The response is larger than the cap.")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


class CappedTransport(httpx2.AsyncHTTPTransport):
    """Stops reading at the cap. Compressed bodies are refused, because the cap would not see what they unpack to."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send as the base does, and wrap the response's body."""
        response = await super().handle_async_request(request)
        if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            await response.aclose()
            raise ResponseTooLarge("The response is compressed although plain was asked for.")
        assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101 - narrows the type; always so here
        response.stream = _CappedStream(response.stream)
        return response


def http_client(timeout_seconds: float) -> httpx2.AsyncClient:
    """The HTTP client under an `AsyncOpenAI`: its key goes to the configured host and nowhere else."""
    return httpx2.AsyncClient(
        transport=CappedTransport(trust_env=False),
        trust_env=False,
        follow_redirects=False,
        headers={"Accept-Encoding": "identity"},
        timeout=httpx2.Timeout(timeout_seconds, connect=min(5.0, timeout_seconds)),
    )
