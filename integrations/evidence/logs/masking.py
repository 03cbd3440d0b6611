"""The shape of a message: numbers, ids, addresses and durations masked, words kept. One pass, in linear time."""

from __future__ import annotations

import re

MASK = "<*>"
_UUID = r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"
_WITH_DIGITS = (
    # Names such as s3, auth2 and db-1 are words; ids, hashes, addresses, durations and numbers are not.
    r"\b(?![A-Za-z]++\d{1,2}\b)(?!(?<=[A-Za-z]-)\d{1,2}\b)[A-Za-z_]*+\d\w*+(?:[.:%]\d\w*+)*+"
)
_MASKED = re.compile(_WITH_DIGITS)
_HYPHENATED = re.compile(rf"{_UUID}|{_WITH_DIGITS}")
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w.-]{1,120}")
_LONGEST = 2_000
"""Characters that make a shape; two messages that differ later only are the same to us."""
_WORDS = re.compile(r"[A-Za-z_]{2,30}")


def shape_of(message: str) -> str:
    """The message with everything masked that differs from call to call."""
    if len(message) > _LONGEST:
        message = message[:_LONGEST]
    if "@" in message:
        message = _ADDRESS.sub(MASK, message)
    return (_HYPHENATED if message.count("-") >= 4 else _MASKED).sub(MASK, message)


def coarse_shape_of(message: str) -> str:
    """Its first words only: for files in which hardly two messages have the same shape."""
    return " ".join(_WORDS.findall(message[:200])[:5])
