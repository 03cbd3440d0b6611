"""Embeddings from an OpenAI-compatible endpoint (`POST /embeddings`). Texts leave redacted, and only when it is set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pydantic import SecretStr

from domain.errors import VendorError
from domain.text.redaction import Redactor
from integrations.http import Reply, VendorHttp, expect, status_error, unreadable

VENDOR = "embeddings"
BATCH = 32
"""Texts in one request: with the longest vectors their answer stays well below the limit of an answer."""
_LONGEST_TEXT = 8_000
_LONGEST_VECTOR = 8_192


def _translate(reply: Reply, write: bool) -> VendorError:
    return status_error(VENDOR, reply, write=False)


class RestEmbeddings:
    """One model behind one endpoint."""

    def __init__(
        self, *, base_url: str, model: str, api_key: SecretStr | None = None, timeout_seconds: float = 10
    ) -> None:
        """Keep how to reach it.

        Args:
            base_url: such as `https://api.openai.com/v1`.
            model: name of the model there.
            api_key: when it asks for one.
            timeout_seconds: for one request.
        """
        headers = {"Authorization": f"Bearer {api_key.get_secret_value()}"} if api_key is not None else {}
        self._http = VendorHttp(
            VENDOR, base_url, timeout_seconds=timeout_seconds, translate=_translate, headers=headers
        )
        self._redactor = Redactor()
        self.model = model

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector per text, each of length one, in order.

        Raises:
            VendorError: there was no answer that can be used.
        """
        vectors: list[list[float]] = []
        for start in range(0, len(texts), BATCH):
            vectors += await self._batch([self._leaving(text) for text in texts[start : start + BATCH]])
        if len({len(vector) for vector in vectors}) > 1:
            raise unreadable(VENDOR, write=False)
        return vectors

    def _leaving(self, text: str) -> str:
        return self._redactor.redact(text[:_LONGEST_TEXT]).text or "-"

    async def _batch(self, texts: list[str]) -> list[list[float]]:
        body = await self._http.send("POST", "/embeddings", body={"model": self.model, "input": texts})
        listed = expect(VENDOR, body, "data")
        if not isinstance(listed, list) or len(listed) != len(texts):
            raise unreadable(VENDOR, write=False)
        vectors: dict[int, list[float]] = {}
        for place, entry in enumerate(listed):
            index = entry.get("index", place) if isinstance(entry, dict) else place
            vectors[index] = _unit(expect(VENDOR, entry, "embedding"))
        if sorted(vectors) != list(range(len(texts))):
            raise unreadable(VENDOR, write=False)
        return [vectors[place] for place in range(len(texts))]


def _unit(numbers: Any) -> list[float]:
    """A vector scaled to length one, so that its product with another is their cosine."""
    if not isinstance(numbers, list) or not 0 < len(numbers) <= _LONGEST_VECTOR:
        raise unreadable(VENDOR, write=False)
    if not all(isinstance(number, int | float) and math.isfinite(number) for number in numbers):
        raise unreadable(VENDOR, write=False)
    length = math.sqrt(sum(number * number for number in numbers))
    if length == 0:
        raise unreadable(VENDOR, write=False)
    return [number / length for number in numbers]
