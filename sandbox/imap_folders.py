"""The mails of a mailbox: numbered as RFC 3501 wants it, in folders, and kept over a restart."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sandbox.world import World

_VENDOR = "imap"
INBOX = "INBOX"


@dataclass
class Mail:
    """One mail in a folder."""

    uid: int
    content: str
    """Where its bytes are: they are read only when somebody asks for them."""
    size: int
    flags: list[str]
    arrived: datetime


class Folders:
    """One mailbox. Any user with any password but `wrong` finds the same one."""

    def __init__(self, world: World) -> None:
        self._world = world

    def find(self, name: str) -> dict[str, Any] | None:
        """A folder with `uid_validity` and `uid_next`; the inbox is always there."""
        name = INBOX if name.upper() == INBOX else name
        return self._world.find(_VENDOR, "folder", name) or (self.create(name) if name == INBOX else None)

    def create(self, name: str) -> dict[str, Any]:
        """Make a folder."""
        validity = self._world.next_number(_VENDOR, "validity")
        return self._world.keep(_VENDOR, "folder", name, {"id": name, "uid_validity": validity, "uid_next": 1})

    def names(self) -> list[str]:
        """Of all folders."""
        self.find(INBOX)
        return [folder["id"] for folder in self._world.all(_VENDOR, "folder")]

    def mails(self, name: str) -> list[Mail]:
        """What is in a folder, the lowest number first."""
        found = [row for row in self._world.all(_VENDOR, "mail") if row["folder"] == name]
        return sorted((_mail(row) for row in found), key=lambda mail: mail.uid)

    def add(self, name: str, raw: bytes, flags: list[str] | None = None, arrived: datetime | None = None) -> int:
        """Put a mail into a folder; returns its number."""
        folder = self.find(name)
        assert folder is not None  # noqa: S101 - whoever adds has looked
        content = str(self._world.next_number(_VENDOR, "content"))
        self._world.keep(_VENDOR, "content", content, {"raw": b64encode(raw).decode()})
        mail = Mail(0, content, len(raw), flags or [], arrived or self._world.now())
        return self._place(folder["id"], mail)

    def raw(self, mail: Mail) -> bytes:
        """A mail as it travelled."""
        kept = self._world.find(_VENDOR, "content", mail.content)
        return b64decode(kept["raw"]) if kept is not None else b""

    def set_flags(self, name: str, mail: Mail, flags: list[str]) -> None:
        """Give a mail other flags."""
        mail.flags = flags
        self._keep(name, mail)

    def move(self, name: str, mail: Mail, target: str) -> int:
        """Move a mail; it gets a new number there."""
        self.remove(name, mail)
        return self._place(target, mail)

    def remove(self, name: str, mail: Mail) -> None:
        """Delete a mail."""
        self._world.remove(_VENDOR, "mail", f"{name}/{mail.uid}")

    def number_anew(self, name: str) -> None:
        """As after a restored backup: the same mails under other numbers, in a folder of another validity."""
        mails = self.mails(name)
        for mail in mails:
            self.remove(name, mail)
        self.create(name)
        for mail in mails:
            self._place(name, mail)

    def _place(self, name: str, mail: Mail) -> int:
        folder = self.find(name)
        assert folder is not None  # noqa: S101 - whoever places has looked
        uid = int(folder["uid_next"])
        self._world.keep(_VENDOR, "folder", folder["id"], {**folder, "uid_next": uid + 1})
        self._keep(folder["id"], replace(mail, uid=uid))
        return uid

    def _keep(self, name: str, mail: Mail) -> None:
        row: dict[str, Any] = {
            "id": f"{name}/{mail.uid}",
            "folder": name,
            "uid": mail.uid,
            "content": mail.content,
            "size": mail.size,
            "flags": mail.flags,
            "arrived": mail.arrived.isoformat(),
        }
        self._world.keep(_VENDOR, "mail", row["id"], row)


def _mail(row: dict[str, Any]) -> Mail:
    arrived = datetime.fromisoformat(row["arrived"])
    return Mail(row["uid"], row["content"], row["size"], list(row["flags"]), arrived)
