"""Parses an e-mail that anybody may have written, in bounded time: the standard parser takes minutes over some."""

from __future__ import annotations

from collections.abc import Sequence
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message
from email.policy import Compat32, Policy
from typing import Any

LONGEST_HEADER = 2_000
"""Characters; what follows is cut off. The parser's time grows with the square of a header's parameters."""
_MOST_HEADERS = 5_000
_MOST_PARTS = 200
_MOST_MULTIPARTS = 20
"""Each line is held against the boundaries of every multipart around it."""
_MOST_LINES = 300_000


class TooIntricate(MessageError):
    """The e-mail has more headers, parts or lines than anybody's program writes."""


def parsed(raw: bytes) -> Message:
    """Parse an e-mail.

    Raises:
        MessageError: it is too intricate, or none.
    """
    if raw.count(b"\n") > _MOST_LINES:
        raise TooIntricate
    bounds = _Bounds()
    return message_from_bytes(raw, bounds.part, policy=bounds)


class _Bounds(Compat32):
    """The parser's own policy, which is asked about every header; for one e-mail."""

    def __init__(self) -> None:
        super().__init__()
        # The policy refuses to be changed; a list can be.
        object.__setattr__(self, "_met", {"headers": 0, "parts": 0, "multiparts": 0})

    def header_source_parse(self, sourcelines: Sequence[str]) -> tuple[str, str]:
        """A header's name and value."""
        name, value = super().header_source_parse(list(sourcelines))
        self._count("headers", _MOST_HEADERS)
        if name.lower() == "content-type" and value.lstrip().lower().startswith("multipart/"):
            self._count("multiparts", _MOST_MULTIPARTS)
        return name, value[:LONGEST_HEADER]

    def part(self, policy: Policy | None = None) -> Message:
        """One more part."""
        self._count("parts", _MOST_PARTS)
        return Message(policy) if policy is not None else Message()

    def _count(self, what: str, most: int) -> None:
        met: dict[str, Any] = self._met  # type: ignore[attr-defined]  # set past the policy's own refusal
        met[what] += 1
        if met[what] > most:
            raise TooIntricate
