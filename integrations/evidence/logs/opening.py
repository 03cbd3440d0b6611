"""Opens log files: plain or gzip, whole or cut off, text or junk. What comes out is always lines of text."""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

LONGEST_LINE = 16_384
"""Characters of a line that are kept; the rest of it is dropped."""
_CHUNK_BYTES = 1 << 20
_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31
_ESCAPES = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]|\x1b")
_MARKS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"), (codecs.BOM_UTF8, "utf-8-sig"))


class Opened:
    """One file. `broken` and `truncated` are known once it was read."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        """Read at most `most_bytes`, counted after decompression."""
        self._path = path
        self._left = most_bytes
        self.size = 0
        """Bytes that were read, decompressed."""
        self.truncated = False
        """There was more than may be read."""
        self.broken = False
        """A compressed file ends in the middle, or is damaged; what came before that counts."""

    def batches(self) -> Iterator[list[str]]:
        """The lines, some thousands at a time, without line ends, NULs and terminal colours."""
        carry, skipping, decoder = "", False, None
        for chunk in self._capped():
            if decoder is None:
                encoding = next((name for mark, name in _MARKS if chunk.startswith(mark)), "utf-8")
                decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
            text = carry + decoder.decode(chunk)
            end = text.rfind("\n")
            body, carry = text[: max(end, 0)], text[end + 1 :]
            if skipping and end >= 0:
                body, skipping = body[body.find("\n") + 1 :] if "\n" in body else "", False
            if end >= 0:
                yield _clean(body).split("\n")
            if skipping:
                carry = ""
            elif len(carry) > LONGEST_LINE:
                yield [_clean(carry)[:LONGEST_LINE]]
                carry, skipping = "", True
        if carry and not skipping:
            yield [_clean(carry)[:LONGEST_LINE]]

    def _capped(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            first = file.read(2)
            file.seek(0)
            source = self._inflated(file) if first == _GZIP else iter(lambda: file.read(_CHUNK_BYTES), b"")
            for chunk in source:
                if self._left <= 0:
                    self.truncated = True
                    return
                kept = chunk[: self._left]
                self.truncated = len(kept) < len(chunk)
                self._left -= len(kept)
                self.size += len(kept)
                yield kept
                if self.truncated:
                    return

    def _inflated(self, file: object) -> Iterator[bytes]:
        """Members of a gzip file one after the other; the size of each piece is bounded, so that no bomb goes off."""
        read = file.read  # type: ignore[attr-defined]  # a binary file
        inflater, waiting = zlib.decompressobj(_GZIP_WINDOW), b""
        while True:
            waiting = waiting or read(_CHUNK_BYTES // 4)
            if not waiting:
                self.broken = self.broken or not inflater.eof
                return
            try:
                if inflater.eof:
                    if not waiting.startswith(_GZIP):
                        return  # padding
                    inflater = zlib.decompressobj(_GZIP_WINDOW)
                piece = inflater.decompress(waiting, _CHUNK_BYTES)
            except zlib.error:
                self.broken = True
                return
            waiting = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            if piece:
                yield piece


def _clean(text: str) -> str:
    if "\r" in text:
        text = text.replace("\r\n", "\n").rstrip("\r")
    if "\0" in text:
        text = text.replace("\0", "")
    return _ESCAPES.sub("", text) if "\x1b" in text else text
