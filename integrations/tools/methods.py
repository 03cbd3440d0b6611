"""What an HTTP method says of a call: how safe it is, and whether a repeat has a second effect (RFC 9110, 9.2)."""

from __future__ import annotations

from domain.tools.tool import Safety

METHODS = ("get", "head", "options", "post", "put", "patch", "delete")
_SAFE = frozenset({"get", "head", "options"})
_IDEMPOTENT = _SAFE | {"put", "delete"}


def safety_of(method: str, tightened: Safety | None = None) -> Safety:
    """Reading is safe, writing needs confirmation, deleting is dangerous; configuration may only tighten that."""
    own = Safety.SAFE if method in _SAFE else Safety.DANGEROUS if method == "delete" else Safety.CONFIRM
    return max(own, tightened or own, key=lambda level: level.rank)


def is_idempotent(method: str) -> bool:
    """Whether HTTP itself promises that a repeat does no more."""
    return method in _IDEMPOTENT
