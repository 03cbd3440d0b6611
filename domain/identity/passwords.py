"""What a password for the console must be. Length counts, and nothing about which characters (NIST SP 800-63B)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import datetime

from pydantic import Field

from domain.errors import InvalidInput
from domain.identity.principals import Role
from domain.model import Value

SHORTEST, LONGEST = 12, 128
"""Characters, after normalisation. Longer ones are refused before anything is computed over them."""
_FEWEST_DIFFERENT = 5


class PasswordRecord(Value):
    """Somebody's password, as the store keeps it."""

    tenant: str
    person_id: str
    hashed: str = Field(repr=False)
    """Says itself how it was made: `$scrypt$ln=15,r=8,p=3$SALT$HASH`."""
    roles: tuple[Role, ...] = Field(min_length=1)
    """What the person may do in the console."""
    set_at: datetime


def normalised(text: str) -> str:
    """A password as it is hashed: the same for every way in which keyboards write the same characters (NFKC)."""
    return unicodedata.normalize("NFKC", text)


def check_new_password(text: str, names: Iterable[str]) -> None:
    """Refuse a password that would soon be guessed.

    Args:
        text: as typed.
        names: of the person, such as the id and the address.

    Raises:
        InvalidInput: it is too short, too long, of too few different characters, or one of the names.
    """
    password = normalised(text)
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidInput(f"A password has {SHORTEST} to {LONGEST} characters: choose another, such as four words.")
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in password):
        raise InvalidInput("A password holds no control characters: choose another.")
    if len(set(password)) < _FEWEST_DIFFERENT:
        raise InvalidInput(f"A password has {_FEWEST_DIFFERENT} different characters at least: choose another.")
    plain = password.casefold().strip()
    if any(name and plain == name.casefold() for name in names):
        raise InvalidInput("That is the person's own name or address: choose another password.")
