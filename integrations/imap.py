"""Reads one folder of a mailbox over IMAP4rev1 (RFC 3501), with MOVE (RFC 6851) where the server has it.

Python's own client does the talking, in a thread of its own for each mailbox: it is kept with the language and adds no
dependency. What it lacks is added here: bounds on what a server may send, and on how long it may take.
"""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypeVar, cast

from pydantic import SecretStr

from domain.errors import VendorError, VendorRefused, VendorUnavailable
from integrations.imap_login import LOGIN_REFUSED, Login, log_in, quoted
from integrations.mail_tokens import MailTokens

Security = Literal["tls", "starttls", "none"]
T = TypeVar("T")
_NAME = "imap"
_STEP_SECONDS = 60.0
"""For one step, such as loading a mail, however slowly the server drips."""
_LONGEST_LINE = 16_000_000
"""The numbers of a million mails stand in one line."""
_MOST_BYTES = 64_000_000
"""That a server may send within one step."""
_NUMBER = re.compile(rb"\bUID (\d{1,10})\b")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d{1,19})\b")
_ASCII = re.compile(r"([ -~]+)|([^ -~]+)")


@dataclass(frozen=True)
class ImapAccount:
    """Where a mailbox is, and how to be let in."""

    host: str
    port: int
    security: Security
    user: str
    password: SecretStr | None
    folder: str = "INBOX"
    ca_file: Path | None = None
    timeout_seconds: float = 20.0
    """For each answer."""
    tokens: MailTokens | None = None
    """Lets us in instead of a password."""

    @property
    def where(self) -> str:
        """For people; no address of anybody."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Folder:
    """A folder as it was opened."""

    uid_validity: int
    """Another one than before: the mails were numbered anew (RFC 3501, 2.3.1.1)."""
    next_uid: int
    mails: int
    can_move: bool


class _Wire(imaplib.IMAP4):
    """The connection. Everything that comes from the server is counted."""

    def __init__(self, account: ImapAccount, opened: Callable[[socket.socket], None]) -> None:
        self._account = account
        self._opened = opened
        self.allowed_bytes = _MOST_BYTES
        super().__init__(account.host, account.port, account.timeout_seconds)

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        """Connect; encrypted from the first byte where that is asked for."""
        self.host, self.port = host, port
        plain = socket.create_connection((host, port), timeout)
        self._opened(plain)
        encrypts = self._account.security == "tls"
        self.sock = _trust(self._account).wrap_socket(plain, server_hostname=host) if encrypts else plain
        self._opened(self.sock)
        self.file = self.sock.makefile("rb")

    def read(self, size: int) -> bytes:
        """A literal, unless it is longer than anything we asked for."""
        self._count(size)
        return cast(bytes, self.file.read(size))

    def readline(self) -> bytes:
        """A line."""
        line = cast(bytes, self.file.readline(_LONGEST_LINE + 1))
        self._count(len(line))
        if len(line) > _LONGEST_LINE:
            raise self.abort("a line is too long")
        return line

    def _count(self, size: int) -> None:
        self.allowed_bytes -= size
        if self.allowed_bytes < 0:
            raise self.abort("the server sends more than it was asked for")


class Mailbox:
    """One folder, open while the block runs. Every method raises `VendorError` when the server does not do it."""

    def __init__(self, account: ImapAccount, *, read_only: bool = False) -> None:
        self._account = account
        self._read_only = read_only
        # Of its own: a server that hangs keeps nobody else's thread.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=_NAME)
        self._socket: socket.socket | None = None
        self._wire: _Wire | None = None
        self._is_over = False
        self.folder = Folder(0, 0, 0, can_move=False)

    async def __aenter__(self) -> Mailbox:
        try:
            self.folder = await self._enter()
        except BaseException:
            self._break_off()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                with contextlib.suppress(VendorError):
                    await self._run(lambda wire: wire.logout())
        finally:
            self._break_off()

    async def search(self, first: int, last: int | None = None, only: str = "") -> list[int]:
        """Numbers of the mails in a range, the lowest first.

        Args:
            first: number.
            last: number; None for all that follow.
            only: a search key of RFC 3501, such as `UNSEEN`.
        """
        words = [f"UID {first}:{last if last is not None else '*'}", *([only] if only else [])]
        answer = await self._run(lambda wire: _done(wire.uid("SEARCH", *words), "search"))
        numbers = {int(word) for line in answer if isinstance(line, bytes) for word in line.split() if word.isdigit()}
        # `*` is the last mail, whatever its number: a range that begins above it runs backwards.
        return sorted(number for number in numbers if number >= first and (last is None or number <= last))

    async def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """Bytes of each mail; those that are gone are left out."""
        if not uids:
            return {}
        named = ",".join(map(str, uids))
        answer = await self._run(lambda wire: _done(wire.uid("FETCH", named, "(UID RFC822.SIZE)"), "fetch"))
        found = {}
        for line in answer:
            number, size = (pattern.search(line) if isinstance(line, bytes) else None for pattern in (_NUMBER, _SIZE))
            if number is not None and size is not None:
                found[int(number[1])] = int(size[1])
        return found

    async def load(self, uid: int, limit_bytes: int) -> bytes | None:
        """A mail as it travelled, without marking it; None when it is gone.

        Args:
            uid: of the mail.
            limit_bytes: no more than this and one byte is asked for.
        """
        part = f"(UID BODY.PEEK[]<0.{limit_bytes + 1}>)"
        answer = await self._run(lambda wire: _done(wire.uid("FETCH", str(uid), part), "fetch"))
        bodies: list[bytes] = [one[1] for one in answer if isinstance(one, tuple) and b"BODY[]" in one[0].upper()]
        if bodies:
            return bodies[0]
        return b"" if any(isinstance(one, bytes) and b"BODY[]" in one.upper() for one in answer) else None

    async def mark(self, uid: int, flag: str) -> None:
        """Add a flag, such as `\\Seen`."""
        await self._run(lambda wire: _done(wire.uid("STORE", str(uid), "+FLAGS.SILENT", f"({flag})"), "store"))

    async def move(self, uid: int, folder: str) -> None:
        """Move a mail to another folder, which is made where it is not there."""
        name = quoted(_as_utf7(folder))

        def move(wire: _Wire) -> None:
            if wire.uid("MOVE", str(uid), name)[0] != "OK":
                wire.create(name)
                _done(wire.uid("MOVE", str(uid), name), "move")

        await self._run(move)

    async def _enter(self) -> Folder:
        tokens = self._account.tokens
        if tokens is None:
            return await self._run(lambda wire: self._open(wire, None))
        token = await tokens.token()
        try:
            return await self._run(lambda wire: self._open(wire, token))
        except VendorRefused as refused:
            # It may have been withdrawn before its end. A connection that refused once is used no more.
            fresh = await tokens.token(instead_of=token) if refused.code == LOGIN_REFUSED else token
            if fresh == token:
                raise
        self._thread.submit(self._close)
        return await self._run(lambda wire: self._open(wire, fresh))

    async def _run(self, step: Callable[[_Wire], T]) -> T:
        def work() -> T:
            if self._wire is None:
                self._wire = _Wire(self._account, self._keep)
            self._wire.allowed_bytes = _MOST_BYTES
            return step(self._wire)

        try:
            async with asyncio.timeout(_STEP_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except VendorError:
            raise
        except (OSError, imaplib.IMAP4.error, ValueError, TimeoutError, EOFError) as error:
            raise _translated(error, self._account) from None

    def _keep(self, opened: socket.socket) -> None:
        if self._is_over:
            opened.close()
            raise OSError("nobody waits for it any more")
        self._socket = opened

    def _break_off(self) -> None:
        """End the connection, also under the thread's hands, and then the thread."""
        self._is_over = True
        if self._socket is not None:
            # Wakes a thread that waits for the server.
            with contextlib.suppress(OSError, ValueError, AttributeError):
                self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.submit(self._close)
        self._thread.shutdown(wait=False)

    def _close(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            with contextlib.suppress(OSError):
                wire.shutdown()
        if self._socket is not None:
            self._socket.close()

    def _open(self, wire: _Wire, token: str | None) -> Folder:
        account = self._account
        if account.security == "starttls":
            wire.starttls(_trust(account))
        log_in(wire, Login(account.user, account.password, token, account.host, account.port))
        answer, _ = wire.select(quoted(_as_utf7(account.folder)), readonly=self._read_only)
        if answer != "OK":
            raise VendorRefused(_NAME, "no_folder", f"{account.where} has no such folder: correct it.")
        told = {name: wire.response(name)[1] for name in ("UIDVALIDITY", "UIDNEXT", "EXISTS")}
        numbers = {name: int(values[-1]) if values and values[-1] else 0 for name, values in told.items()}
        next_uid = numbers["UIDNEXT"] or _last_uid(wire) + 1
        can_move = "MOVE" in wire.capabilities
        return Folder(numbers["UIDVALIDITY"], next_uid, numbers["EXISTS"], can_move=can_move)


def _last_uid(wire: _Wire) -> int:
    """Of a server that does not say which number comes next."""
    answer = _done(wire.uid("SEARCH", "ALL"), "search")
    return max((int(word) for line in answer if isinstance(line, bytes) for word in line.split()), default=0)


def _trust(account: ImapAccount) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(account.ca_file) if account.ca_file is not None else None)


def _done(answer: tuple[str, list[Any]], step: str) -> list[Any]:
    if answer[0] != "OK":
        raise VendorUnavailable(_NAME, step, f"The mail server does not do what it is asked ({step}): see its log.")
    return answer[1]


def _translated(error: Exception, account: ImapAccount) -> VendorError:
    """One of our errors, with nothing in it that the server said."""
    where = account.where
    if isinstance(error, ssl.SSLCertVerificationError):
        return VendorRefused(
            _NAME, "certificate", f"{where} shows a certificate that is not trusted: correct host, or set ca_file."
        )
    if isinstance(error, ssl.SSLError):
        return VendorUnavailable(_NAME, "tls", f"{where} does not speak TLS as asked: correct port or security.")
    if isinstance(error, imaplib.IMAP4.error | ValueError | EOFError):
        return VendorUnavailable(_NAME, "broken", f"{where} answers in no way that we know: correct port or security.")
    return VendorUnavailable(_NAME, "silent", f"{where} does not answer: correct host, port or the firewall.")


def _as_utf7(name: str) -> str:
    """A folder's name as it travels (RFC 3501, 5.1.3)."""

    def encoded(found: re.Match[str]) -> str:
        plain, other = found.groups()
        if plain is not None:
            return str(plain).replace("&", "&-")
        return "&" + b64encode(str(other).encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"

    return _ASCII.sub(encoded, name)
