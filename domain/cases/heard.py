"""Which messages a case has heard, by short marks of their ids: an id is the sender's own and may be long."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

_SIGN = "#"
_BYTES = 9
"""72 bits: among thousands of ids two with one mark do not come by chance."""
_LENGTH = len(_SIGN) + 4 * _BYTES // 3


def mark_of(message_id: str) -> str:
    """A mark of 13 characters, the same for the same id."""
    digest = hashlib.blake2b(message_id.encode("utf-8", "surrogatepass"), digest_size=_BYTES).digest()
    return _SIGN + base64.urlsafe_b64encode(digest).decode()


def marks_of(known: Iterable[str]) -> list[str]:
    """Marks of ids, some of which may be marks already: cases of earlier versions kept the ids themselves."""
    return [one if _is_mark(one) else mark_of(one) for one in known]


def _is_mark(text: str) -> bool:
    return len(text) == _LENGTH and text.startswith(_SIGN)
