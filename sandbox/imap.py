"""A mailbox that speaks IMAP4rev1: what a client needs to look, fetch, mark, move and append, in several folders."""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sandbox.faults import HANG_SECONDS, Faults
from sandbox.imap_folders import Folders, Mail
from sandbox.mail_tokens import MailTokens
from sandbox.world import World

_MECHANISMS = ("PLAIN", "XOAUTH2", "OAUTHBEARER")
_REFUSAL = b64encode(b'{"status":"401","schemes":"bearer","scope":"mail"}').decode()
_LITERAL = re.compile(rb"\{(\d{1,9})(\+?)\}\r\n\Z")
_WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"|(\((?:[^()"]|"[^"]*")*\))|([^\s"()]+(?:\[[^\]]*\](?:<[\d.]+>)?)?)')
_PARTIAL = re.compile(r"BODY(?:\.PEEK)?\[\](?:<(\d+)\.(\d+)>)?", re.IGNORECASE)
_LONGEST_LINE = 65_536
_KEYWORDS: dict[str, Callable[[Mail], bool]] = {
    "ALL": lambda mail: True,
    "SEEN": lambda mail: "\\Seen" in mail.flags,
    "UNSEEN": lambda mail: "\\Seen" not in mail.flags,
    "FLAGGED": lambda mail: "\\Flagged" in mail.flags,
    "UNFLAGGED": lambda mail: "\\Flagged" not in mail.flags,
}


class ImapSimulator:
    """The mailbox behind every connection."""

    def __init__(self, world: World, faults: Faults, tokens: MailTokens | None = None) -> None:
        self.folders = Folders(world)
        self.faults = faults
        self.tokens = tokens or MailTokens()
        self.mechanisms = _MECHANISMS
        """Ways to log in that it offers."""

    def protocol(self) -> Callable[[], asyncio.Protocol]:
        """What serves one connection."""

        def connection() -> asyncio.Protocol:
            reader = asyncio.StreamReader(_LONGEST_LINE)
            return asyncio.StreamReaderProtocol(reader, lambda read, write: _Session(self, read, write).serve())

        return connection


class _Refused(Exception):
    """The client hears NO, with these words."""


class _Session:
    def __init__(self, mailbox: ImapSimulator, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._folders, self._faults, self._mailbox = mailbox.folders, mailbox.faults, mailbox
        self._reader, self._writer = reader, writer
        self._known = False
        self._folder = ""
        self._over = False

    async def serve(self) -> None:
        """Answer until the client goes."""
        try:
            self._say(f"* OK [CAPABILITY {self._capabilities()}] Surehand sandbox")
            while not self._over:
                words = await self._command()
                await self._answer(words)
                await self._writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            self._writer.close()

    def _say(self, line: str | bytes) -> None:
        self._writer.write((line.encode() if isinstance(line, str) else line) + b"\r\n")

    async def _command(self) -> list[bytes]:
        """The words of one command, literals among them."""
        words: list[bytes] = []
        while True:
            line = await self._reader.readuntil(b"\r\n")
            literal = _LITERAL.search(line)
            text = line[: literal.start()] if literal is not None else line
            for quoted, group, plain in _WORD.findall(text):
                words.append(re.sub(rb"\\(.)", rb"\1", quoted) if quoted else group or plain)
            if literal is None:
                return words
            if not literal[2]:
                self._say("+ go on")
                await self._writer.drain()
            words.append(await self._reader.readexactly(int(literal[1])))

    async def _answer(self, words: list[bytes]) -> None:
        if len(words) < 2:
            self._say("* BAD a command has a tag and a name")
            return
        tag, name = words[0].decode("ascii", "replace"), words[1].decode("ascii", "replace").upper()
        rest = words[2:]
        if name == "UID" and rest:
            name, rest = f"UID {rest[0].decode('ascii', 'replace').upper()}", rest[1:]
        work = getattr(self, "_" + name.lower().replace(" ", "_"), None)
        is_open = name in ("CAPABILITY", "NOOP", "LOGIN", "AUTHENTICATE", "LOGOUT")
        needs_folder = name.startswith("UID ")
        try:
            await self._meet_fault(name, b" ".join(rest[:3]).decode("utf-8", "replace"))
            if work is None or (not is_open and not self._known) or (needs_folder and not self._folder):
                self._say(f"{tag} BAD not now, or not known here")
                return
            await work(rest)
            self._say(f"{tag} OK done")
        except _Refused as why:
            self._say(f"{tag} NO {why}")
        except (ValueError, IndexError, KeyError):
            self._say(f"{tag} BAD arguments")

    async def _meet_fault(self, name: str, rest: str) -> None:
        fault = self._faults.meet("imap", f"{name} {rest}")
        if fault is None:
            return
        if fault.kind == "hang":
            await asyncio.sleep(HANG_SECONDS)
        if fault.kind == "delay":
            await asyncio.sleep(fault.delay_ms / 1000)
        elif fault.kind in ("drop", "truncated"):
            self._writer.transport.abort()
            raise ConnectionResetError
        else:
            raise _Refused(f"[{fault.code or 'SERVERBUG'}] sandbox fault")

    # Commands; each is named like its command.

    async def _capability(self, rest: list[bytes]) -> None:
        self._say(f"* CAPABILITY {self._capabilities()}")

    async def _noop(self, rest: list[bytes]) -> None:
        pass

    async def _logout(self, rest: list[bytes]) -> None:
        self._over = True
        self._say("* BYE until later")

    def _capabilities(self) -> str:
        return " ".join(["IMAP4rev1", *(f"AUTH={name}" for name in self._mailbox.mechanisms), "MOVE", "UIDPLUS"])

    async def _login(self, rest: list[bytes]) -> None:
        if "PLAIN" not in self._mailbox.mechanisms:
            raise _Refused("[PRIVACYREQUIRED] no passwords here")
        self._let_in(rest[1])

    async def _authenticate(self, rest: list[bytes]) -> None:
        mechanism = rest[0].decode("ascii", "replace").upper()
        if mechanism not in self._mailbox.mechanisms:
            raise _Refused("[CANNOT] not a way in")
        if len(rest) < 2:
            rest.append(await self._ask(""))
        words = b64decode(rest[1])
        if mechanism == "PLAIN":
            self._let_in(words.split(b"\0")[2])
        elif self._mailbox.tokens.lets_in(mechanism, words):
            self._known = True
        else:
            # RFC 7628, section 3.2.3: it says why, and the client says that it read it.
            await self._ask(_REFUSAL)
            raise _Refused("[AUTHENTICATIONFAILED] no")

    async def _ask(self, words: str) -> bytes:
        self._say(f"+ {words}")
        await self._writer.drain()
        return (await self._reader.readuntil(b"\r\n")).strip()

    def _let_in(self, password: bytes) -> None:
        if password == b"wrong":
            raise _Refused("[AUTHENTICATIONFAILED] no")
        self._known = True

    async def _select(self, rest: list[bytes]) -> None:
        name = rest[0].decode()
        folder = self._folders.find(name)
        if folder is None:
            raise _Refused("[NONEXISTENT] no such folder")
        self._folder = folder["id"]
        self._say(f"* {len(self._folders.mails(self._folder))} EXISTS")
        self._say("* 0 RECENT")
        self._say("* FLAGS (\\Seen \\Flagged \\Deleted)")
        self._say(f"* OK [UIDVALIDITY {folder['uid_validity']}] valid")
        self._say(f"* OK [UIDNEXT {folder['uid_next']}] next")

    async def _examine(self, rest: list[bytes]) -> None:
        await self._select(rest)

    async def _create(self, rest: list[bytes]) -> None:
        if self._folders.find(rest[0].decode()) is not None:
            raise _Refused("[ALREADYEXISTS] it is there")
        self._folders.create(rest[0].decode())

    async def _list(self, rest: list[bytes]) -> None:
        for name in self._folders.names():
            self._say(f'* LIST () "/" "{name}"')

    async def _append(self, rest: list[bytes]) -> None:
        if self._folders.find(rest[0].decode()) is None:
            raise _Refused("[TRYCREATE] no such folder")
        flags = next((_listed(word) for word in rest[1:-1] if word.startswith(b"(")), [])
        self._folders.add(rest[0].decode(), rest[-1], flags)

    async def _uid_search(self, rest: list[bytes]) -> None:
        found, keys = self._folders.mails(self._folder), [word.decode() for word in rest]
        while keys:
            key = keys.pop(0).upper()
            if key == "UID":
                found = _in_set(found, keys.pop(0))
            elif key == "SINCE":
                since = datetime.strptime(keys.pop(0), "%d-%b-%Y").replace(tzinfo=UTC)
                found = [mail for mail in found if mail.arrived >= since]
            else:
                found = [mail for mail in found if _KEYWORDS[key](mail)]
        self._say(" ".join(["* SEARCH", *(str(mail.uid) for mail in found)]))

    async def _uid_fetch(self, rest: list[bytes]) -> None:
        asked = b" ".join(rest[1:]).decode()
        every = self._folders.mails(self._folder)
        for mail in _in_set(every, rest[0].decode()):
            parts = [f"UID {mail.uid}".encode()]
            if "RFC822.SIZE" in asked.upper():
                parts.append(f"RFC822.SIZE {mail.size}".encode())
            if "FLAGS" in asked.upper():
                parts.append(f"FLAGS ({' '.join(mail.flags)})".encode())
            if (body := _PARTIAL.search(asked)) is not None:
                start, most = int(body[1] or 0), int(body[2] or mail.size)
                content = self._folders.raw(mail)[start : start + most]
                named = b"BODY[]<%d>" % start if body[1] is not None else b"BODY[]"
                parts.append(named + b" {%d}\r\n" % len(content) + content)
            self._say(b"* %d FETCH (%b)" % (every.index(mail) + 1, b" ".join(parts)))

    async def _uid_store(self, rest: list[bytes]) -> None:
        how, flags = rest[1].decode().upper(), _listed(rest[2])
        for mail in _in_set(self._folders.mails(self._folder), rest[0].decode()):
            others = [flag for flag in mail.flags if flag not in flags]
            kept = {"+": [*others, *flags], "-": others}.get(how[0], flags)
            self._folders.set_flags(self._folder, mail, kept)

    async def _uid_move(self, rest: list[bytes]) -> None:
        target = rest[1].decode()
        if self._folders.find(target) is None:
            raise _Refused("[TRYCREATE] no such folder")
        for mail in _in_set(self._folders.mails(self._folder), rest[0].decode()):
            self._folders.move(self._folder, mail, target)


def _listed(word: bytes) -> list[str]:
    return word.decode().strip("()").split()


def _in_set(mails: list[Mail], asked: str) -> list[Mail]:
    """Mails of a sequence set; a range may be written from either end, and `*` is the last mail."""
    last = mails[-1].uid if mails else 0
    ranges: list[tuple[int, int]] = []
    for part in asked.split(","):
        ends: list[Any] = [last if end == "*" else int(end) for end in part.split(":")]
        ranges.append((min(ends), max(ends)))
    return [mail for mail in mails if any(low <= mail.uid <= high for low, high in ranges)]
