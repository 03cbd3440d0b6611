"""Documents from files and addresses, read once and kept; an address is asked again now and then whether it changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from domain.errors import ConfigurationProblem, InvalidInput, VendorUnavailable
from integrations.tools.guarded_http import GuardedHttp, Outgoing, refusal
from integrations.tools.openapi.reading import DOCUMENT_LIMIT, Document, read_document

FRESH_SECONDS = 300.0
_ACCEPT = "application/json, application/yaml, text/yaml;q=0.9, */*;q=0.5"


@dataclass(frozen=True, eq=False)
class Loaded:
    """A document as it was read."""

    document: Document
    address: str | None = None
    """Where it came from, for servers given relative to it; None for a file."""


class Origin(Protocol):
    """Where a document comes from."""

    async def load(self) -> Loaded:
        """The document, the same object until it changes.

        Raises:
            InvalidInput: it is no OpenAPI document.
            VendorError: it could not be fetched.
        """
        ...


class FromFile:
    """A document in a file, read once."""

    def __init__(self, name: str, folders: Sequence[Path]) -> None:
        """`folders` are the layers of configuration, lowest first; the file of the highest layer counts."""
        self._name = name
        self._folders = tuple(folders)
        self._loaded: Loaded | None = None
        self._lock = asyncio.Lock()

    async def load(self) -> Loaded:
        """The document.

        Raises:
            ConfigurationProblem: there is no such file, or it cannot be used.
        """
        async with self._lock:
            if self._loaded is None:
                self._loaded = await asyncio.to_thread(self._read)
            return self._loaded

    def _read(self) -> Loaded:
        found = [path for folder in reversed(self._folders) if (path := folder / self._name).is_file()]
        if not found:
            raise ConfigurationProblem(f"The OpenAPI document {self._name} is not there: correct `document`.")
        if found[0].stat().st_size > DOCUMENT_LIMIT:
            raise ConfigurationProblem(f"The OpenAPI document {self._name} is too large: cut it down.")
        try:
            return Loaded(read_document(found[0].read_bytes()))
        except InvalidInput as error:
            raise ConfigurationProblem(f"{self._name}: {error}") from None


class FromAddress:
    """A document at an address, kept for five minutes and then asked for with its ETag."""

    def __init__(
        self, address: str, http: GuardedHttp, *, vendor: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Keep where it is.

        Args:
            address: of the document.
            http: with a guard that allows the address.
            vendor: for errors.
            clock: seconds that only grow.
        """
        self._address = address
        self._http = http
        self._vendor = vendor
        self._clock = clock
        self._lock = asyncio.Lock()
        self._loaded: Loaded | None = None
        self._etag: str | None = None
        self._due = 0.0

    async def load(self) -> Loaded:
        """The document. One that was read before stays while its address gives none."""
        async with self._lock:
            if self._loaded is not None and self._clock() < self._due:
                return self._loaded
            try:
                self._loaded = await self._fetch()
            except (VendorUnavailable, InvalidInput):
                if self._loaded is None:
                    raise
            self._due = self._clock() + FRESH_SECONDS
            return self._loaded

    async def _fetch(self) -> Loaded:
        headers = {"Accept": _ACCEPT}
        if self._etag and self._loaded:
            headers["If-None-Match"] = self._etag
        incoming = await self._http.exchange(self._vendor, Outgoing("GET", self._address, headers), redirect=True)
        if incoming.status == 304 and self._loaded is not None:
            return self._loaded
        if incoming.status != 200:
            raise refusal(self._vendor, incoming)
        document = await asyncio.to_thread(read_document, incoming.content)
        self._etag = incoming.headers.get("etag")
        return Loaded(document, incoming.request.url)
