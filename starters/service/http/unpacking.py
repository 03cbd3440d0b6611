"""Uploads on their way to the store: no larger than allowed, of a kind that can be read, and no bomb."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator

from starters.service.http.errors import Problem

TYPES = frozenset(
    {
        "text/plain", "text/csv", "text/tab-separated-values", "text/markdown", "text/yaml", "text/x-log",
        "application/json", "application/x-ndjson", "application/jsonl", "application/yaml", "application/x-yaml",
        "application/gzip", "application/x-gzip", "application/octet-stream",
    }
)  # fmt: skip
"""Declared types that are taken; `application/octet-stream` is what programs say of a log."""
_GZIP = b"\x1f\x8b"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_PIECE = 1_048_576
_LOOKED_AT = 65_536
_MOST_TIMES = 200
"""Logs pack to a tenth or a thirtieth; a bomb to a thousandth."""
_SMALL = 20_000_000
"""Unpacked to no more than this, nothing is a bomb."""


class Checked:
    """A file's bytes, looked at while they pass.

    Args:
        pieces: of the file.
        limit_bytes: of the file as it is uploaded.
    """

    def __init__(self, pieces: AsyncIterator[bytes], limit_bytes: int) -> None:
        self._pieces = pieces
        self._limit = limit_bytes
        self.head = bytearray()
        """How the file begins."""
        self._read = 0
        self._unpacker: zlib._Decompress | None = None
        self._unpacked = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The file, piece by piece.

        Raises:
            Problem: 413 where it is too large, packed or unpacked; 415 where it is neither text nor gzip; 422 where it
                is gzip that cannot be unpacked.
        """
        async for piece in self._pieces:
            self._read += len(piece)
            if self._read > self._limit:
                raise _too_large(f"A file has at most {self._limit:,} bytes: upload the part around the incident.")
            await self._look(piece)
            yield piece
        if self._unpacker is not None and not self._unpacker.eof:
            raise Problem(422, "VALIDATION_ERROR", "The file is gzip that breaks off: upload it whole.")

    async def _look(self, piece: bytes) -> None:
        begins = not self.head and self._read == len(piece)
        if len(self.head) < _LOOKED_AT:
            self.head += piece[: _LOOKED_AT - len(self.head)]
        if self._read - len(piece) < len(_GZIP) <= self._read and self.head.startswith(_GZIP):
            self._unpacker = zlib.decompressobj(wbits=31)
            piece = bytes(self.head) if not begins else piece
        if self._unpacker is not None:
            await asyncio.to_thread(self._unpack, piece)
        elif b"\x00" in piece and not self.head.startswith(_UTF_16):
            raise Problem(415, "UNSUPPORTED_MEDIA_TYPE", "The file is neither text nor gzip: upload logs or data.")

    def _unpack(self, piece: bytes) -> None:
        assert self._unpacker is not None  # noqa: S101 - set by the caller
        rest = piece
        try:
            while rest:
                if self._unpacker.eof:
                    # Several gzip files one after the other are one.
                    self._unpacker = zlib.decompressobj(wbits=31)
                self._unpacked += len(self._unpacker.decompress(rest, _PIECE))
                if self._unpacked > max(_SMALL, _MOST_TIMES * self._read):
                    raise _too_large("The file unpacks to far more than it is: upload the part around the incident.")
                rest = self._unpacker.unused_data if self._unpacker.eof else self._unpacker.unconsumed_tail
        except zlib.error:
            raise Problem(422, "VALIDATION_ERROR", "The file begins as gzip and is none: upload it anew.") from None


def _too_large(detail: str) -> Problem:
    return Problem(413, "PAYLOAD_TOO_LARGE", detail)
