"""The settings of signatures: the key that this process signs with, and those that its workers trust."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic import model_validator as check_together

from runtime.settings.groups import Group

_MAKE_ONE = "make one with `surehand signing-key NAME --file FILE`"
KEY_BYTES = 32


@dataclass(frozen=True)
class TrustedKey:
    """A public key that is trusted, for ever or to the end of a day (UTC)."""

    public: bytes
    """32 bytes."""
    until: date | None = None


class SigningSettings(Group):
    """Who may speak to cases in people's names."""

    key: SecretStr | None = Field(
        None, description="id:key that starters sign people's words with; unset means they are not signed"
    )
    key_file: Path | None = Field(None, description="file that holds that key, instead of KEY")
    trusted: str = Field(
        "",
        description="id:key,id:key:2027-01-31 of public keys that workers trust, the last day where one has one; "
        "unset means they take unsigned words",
    )
    trusted_file: Path | None = Field(
        None, description="file that holds the trusted keys, one a line, instead of TRUSTED"
    )

    @field_validator("key_file", "trusted_file")
    @classmethod
    def _exists(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_file():
            raise ValueError(f"names a file that is not there: correct the path, or {_MAKE_ONE}")
        return path

    @check_together(mode="after")
    def _can_be_read(self) -> SigningSettings:
        if (self.key is not None and self.key_file is not None) or (self.trusted and self.trusted_file is not None):
            raise ValueError("has the same keys in a variable and in a file: set one of the two")
        self.signing_key()
        self.trusted_keys()
        return self

    @property
    def says_something(self) -> bool:
        """Whether any of it is set."""
        return bool(self.key or self.key_file or self.trusted or self.trusted_file)

    def signing_key(self) -> tuple[str, bytes] | None:
        """Id and 32 bytes of the key that this process signs with; None where it signs nothing."""
        text = _text(self.key_file) if self.key_file is not None else ""
        text = self.key.get_secret_value().strip() if self.key is not None else text
        if not text:
            return None
        key_id, _, encoded = text.partition(":")
        return _id(key_id), _decoded(encoded)

    def trusted_keys(self) -> dict[str, TrustedKey]:
        """The keys that workers trust, by their ids; empty where they take unsigned words."""
        text = _text(self.trusted_file) if self.trusted_file is not None else self.trusted
        found: dict[str, TrustedKey] = {}
        for part in (part.strip() for part in re.split(r"[,\n]", text) if part.strip()):
            key_id, _, rest = part.partition(":")
            encoded, _, until = rest.partition(":")
            if _id(key_id) in found:
                raise ValueError("has two keys with the same id: give each its own")
            found[key_id] = TrustedKey(_decoded(encoded), _day(until) if until else None)
        if self.trusted_file is not None and not found:
            # An empty file would silently let everybody speak.
            raise ValueError(f"names a file without a key: {_MAKE_ONE}")
        return found


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise ValueError(f"names a file that cannot be read: correct its rights, or {_MAKE_ONE}") from None


def _id(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", text):
        raise ValueError(f"has a key that is not written as id:base64: {_MAKE_ONE}")
    return text


def _decoded(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"has a key that is not {KEY_BYTES} bytes in base64: {_MAKE_ONE}")
    return key


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("has a last day that is no date: write it as 2027-01-31") from None
