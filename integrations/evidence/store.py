"""Evidence in a folder: one folder per tenant, one file per content, named by its SHA-256.

Files come from outside and are large: they are written as a stream, never held in memory, and never opened by the name
that a user gave them.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import ParamSpec, TypeVar

from domain.errors import InvalidInput, VendorUnavailable
from domain.ids import case_id, check_tenant

Given = ParamSpec("Given")
ResultT = TypeVar("ResultT")
VENDOR = "evidence"
_REFERENCE = re.compile(r"sha256:([0-9a-f]{64})\Z")
_FLUSH_BYTES = 1_048_576
_INCOMING = ".incoming"
_MISSING = "There is no such evidence: upload the file, or give a reference that the upload returned."


class EvidenceFolder:
    """`domain.ports.evidence.EvidenceStore` on a folder that all workers of an installation share."""

    def __init__(
        self, folder: Path, *, file_limit_bytes: int = 500_000_000, tenant_limit_bytes: int = 5_000_000_000
    ) -> None:
        """Keep evidence below `folder`, which is made when it is needed.

        Args:
            folder: for all tenants.
            file_limit_bytes: of one file, as it is uploaded.
            tenant_limit_bytes: of all files of a tenant together. Uploads in other processes at the same moment may
                exceed it by what they hold.
        """
        self._folder = folder
        self._file_limit = file_limit_bytes
        self._tenant_limit = tenant_limit_bytes
        self._keeping = asyncio.Lock()

    async def put(self, tenant: str, name: str, content: AsyncIterator[bytes]) -> tuple[str, int]:
        """Keep a file; the same content twice is kept once.

        Args:
            tenant: whose it is.
            name: as the user calls the file, for the sentence that refuses it.
            content: its bytes, in pieces of any size.

        Returns:
            The reference and the size in bytes.

        Raises:
            InvalidInput: it is empty or too large, or the tenant keeps too much.
            VendorUnavailable: the folder cannot be written.
        """
        home = self._home(tenant)
        incoming = await _in_thread(_Incoming, self._folder, home)
        try:
            size = await self._receive(incoming, name, content)
            digest = await _in_thread(incoming.finish)
            async with self._keeping:
                await _in_thread(self._keep, incoming.place, home / digest, size)
        finally:
            await _in_thread(incoming.drop)
        return f"sha256:{digest}", size

    async def path(self, tenant: str, reference: str) -> Path:
        """Where a file is, to read and never to change; gzip as it was uploaded.

        Raises:
            InvalidInput: the tenant has no such evidence. Another tenant's looks the same.
        """
        named = _REFERENCE.match(reference)
        if named is None:
            raise InvalidInput(_MISSING)
        found = self._home(tenant) / named.group(1)
        if not await _in_thread(_is_plain_file, found):
            raise InvalidInput(_MISSING)
        return found

    async def remove_older_than(self, moment: datetime) -> int:
        """Remove what was last uploaded before a moment, of every tenant.

        Args:
            moment: with a time zone.

        Returns:
            How many files went.

        Raises:
            VendorUnavailable: the folder cannot be written.
        """
        return await _in_thread(_remove_before, self._folder, moment.timestamp())

    def _home(self, tenant: str) -> Path:
        return self._folder / _folder_name(tenant)

    async def _receive(self, incoming: _Incoming, name: str, content: AsyncIterator[bytes]) -> int:
        size, waiting = 0, bytearray()
        async for piece in content:
            size += len(piece)
            if size > self._file_limit:
                limit = _megabytes(self._file_limit)
                raise InvalidInput(f"{_shown(name)} is larger than {limit}: upload the part around the incident.")
            waiting += piece
            if len(waiting) >= _FLUSH_BYTES:
                await _in_thread(incoming.write, bytes(waiting))
                waiting.clear()
        if size == 0:
            raise InvalidInput(f"{_shown(name)} is empty: upload a file with something in it.")
        await _in_thread(incoming.write, bytes(waiting))
        return size

    def _keep(self, incoming: Path, kept: Path, size: int) -> None:
        if _is_plain_file(kept):
            os.utime(kept)  # It is wanted again, so its time to be kept begins anew.
            return
        if _used(kept.parent) + size > self._tenant_limit:
            limit = _megabytes(self._tenant_limit)
            raise InvalidInput(f"The evidence kept would exceed {limit}: remove old evidence or raise the limit.")
        os.replace(incoming, kept)


def _folder_name(tenant: str) -> str:
    """A tenant's own name where that is an ordinary one; `..` and hidden names are hashed."""
    hidden = check_tenant(tenant).startswith(".")
    return case_id(f"{tenant}/" if hidden else tenant)


class _Incoming:
    """A file that is being written, with its digest. `mkstemp` makes it readable by its owner alone."""

    def __init__(self, folder: Path, home: Path) -> None:
        waiting = folder / _INCOMING
        for needed in (folder, waiting, home):
            needed.mkdir(mode=0o700, parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=waiting)
        self.place = Path(name)
        self._file = os.fdopen(number, "wb")
        self._digest = hashlib.sha256()

    def write(self, piece: bytes) -> None:
        self._file.write(piece)
        self._digest.update(piece)

    def finish(self) -> str:
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._digest.hexdigest()

    def drop(self) -> None:
        self._file.close()
        self.place.unlink(missing_ok=True)


def _is_plain_file(place: Path) -> bool:
    return place.is_file() and not place.is_symlink()


def _files(home: Path) -> Iterator[os.DirEntry[str]]:
    with suppress(FileNotFoundError), os.scandir(home) as entries:
        yield from (entry for entry in entries if entry.is_file(follow_symlinks=False))


def _used(home: Path) -> int:
    total = 0
    for entry in _files(home):
        with suppress(FileNotFoundError):
            total += entry.stat().st_size
    return total


def _remove_before(folder: Path, moment: float) -> int:
    """Also what uploads left that were cut off."""
    removed = 0
    homes = (
        [place for place in folder.iterdir() if place.is_dir() and not place.is_symlink()] if folder.is_dir() else []
    )
    for home in homes:
        for entry in _files(home):
            with suppress(FileNotFoundError):
                if entry.stat().st_mtime < moment:
                    os.unlink(entry.path)
                    removed += home.name != _INCOMING
    return removed


def _shown(name: str) -> str:
    """A user's file name, short and on one line, for a sentence."""
    plain = "".join(letter for letter in name if letter.isprintable())[:80].strip()
    return f'"{plain}"' if plain else "The file"


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:g} MB"


async def _in_thread(work: Callable[Given, ResultT], *given: Given.args, **named: Given.kwargs) -> ResultT:
    """Do file work beside the event loop. What the upload itself raises does not come through here."""
    try:
        return await asyncio.to_thread(work, *given, **named)
    except OSError as error:
        code = errno.errorcode.get(error.errno or 0, "unknown")
        raise VendorUnavailable(
            VENDOR, code, "The evidence folder cannot be used now: check its disk and permissions."
        ) from None
