"""How long something took, as a line of text says."""

from __future__ import annotations

import re

_TOOK = re.compile(
    r"(?:\b(?:took|in|after|duration|elapsed|latency|time|lasted|within|rt|response_time|request_time)\w{0,12}[\s=:]{1,3}\"?)"
    r"(\d{1,9}(?:\.\d{1,9})?) ?(ms|milliseconds|msec|us|\u00b5s|ns|seconds|secs?|s|m)?(?![\w.])",
    re.IGNORECASE,
)
_IN_MILLISECONDS = {
    "us": 1e-3,
    "\u00b5s": 1e-3,
    "ns": 1e-6,
    "s": 1e3,
    "sec": 1e3,
    "secs": 1e3,
    "seconds": 1e3,
    "m": 6e4,
}
_BY_NAME = re.compile(r"(?:_ms|millis\w{0,8})[\s=:]{1,3}\"?\d", re.IGNORECASE)


def took(text: str) -> float | None:
    """The duration in milliseconds; None when the line says none, or one without a unit."""
    match = _TOOK.search(text[:1_500])
    if match is None:
        return None
    unit = (match.group(2) or "").lower()
    if not unit and not _BY_NAME.search(match.group()):
        return None
    return float(match.group(1)) * _IN_MILLISECONDS.get(unit, 1.0)
