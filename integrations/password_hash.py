"""Passwords, hashed by scrypt so that each guess costs 32 MB of memory and a third of a second.

The parameters are one of the equal choices of OWASP's password storage cheat sheet. A hash says how it was made, so
they can grow: what was made with less is made anew when its owner signs in.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

_FORM = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{22,86})\$([A-Za-z0-9+/]{43})\Z")
_SALT_BYTES, _HASH_BYTES = 16, 32
_MOST_MEMORY = 256 * 1024 * 1024


@dataclass(frozen=True)
class Cost:
    """What a guess costs: `128 * r * 2 ** log_n` bytes, and `p` times the work."""

    log_n: int = 15
    r: int = 8
    p: int = 3


COST = Cost()


def hashed(password: str, cost: Cost | None = None) -> str:
    """A password's hash, with a salt of its own, as `$scrypt$ln=15,r=8,p=3$SALT$HASH`."""
    cost = cost or COST
    salt = secrets.token_bytes(_SALT_BYTES)
    made = _derive(password, salt, cost)
    return f"$scrypt$ln={cost.log_n},r={cost.r},p={cost.p}${_text(salt)}${_text(made)}"


def fits(password: str, known: str) -> bool:
    """Whether a hash is a password's; False for one that cannot be read or would cost too much."""
    read = _read(known)
    if read is None:
        return False
    cost, salt, made = read
    try:
        return hmac.compare_digest(_derive(password, salt, cost), made)
    except ValueError:
        return False


def nobodys() -> str:
    """A hash that no password fits, and that takes as long to look at as any."""
    return f"$scrypt$ln={COST.log_n},r={COST.r},p={COST.p}${_text(bytes(_SALT_BYTES))}${_text(bytes(_HASH_BYTES))}"


def is_outdated(known: str) -> bool:
    """Whether a hash was made with other parameters than those of today."""
    read = _read(known)
    return read is None or read[0] != COST


def _derive(password: str, salt: bytes, cost: Cost) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"),
        salt=salt,
        n=2**cost.log_n,
        r=cost.r,
        p=cost.p,
        maxmem=_MOST_MEMORY,
        dklen=_HASH_BYTES,
    )


def _read(known: str) -> tuple[Cost, bytes, bytes] | None:
    found = _FORM.match(known)
    if found is None:
        return None
    try:
        return Cost(*(int(found[number]) for number in (1, 2, 3))), _bytes(found[4]), _bytes(found[5])
    except binascii.Error:
        return None


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
