"""Times as files write them: ISO 8601, epoch seconds to nanoseconds, git's, mail's and helm's. UTC where no zone is."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_EARLIEST, _LATEST = 3.0e8, 4.1e9
"""Epoch seconds between 1979 and 2099: what lies outside is a number and no time."""
_LONGEST = 64
_SPACED_ZONE = re.compile(r"^(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?) ?([+-]\d\d:?\d\d|Z|UTC|GMT)$")
_FRACTION = re.compile(r"[.,](\d{1,12})")
_FORMATS = (
    "%a %b %d %H:%M:%S %Y",
    "%a %b %d %H:%M:%S %Y %z",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%d/%b/%Y:%H:%M:%S %z",
    "%d %b %Y %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%Y%m%dT%H%M%SZ",
)


def moment(value: object) -> datetime | None:
    """A time with its zone; None when the value is none. Never raises."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _of_epoch(float(value))
    text = str(value).strip()
    if not text or len(text) > _LONGEST:
        return None
    try:
        return with_zone(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        pass
    try:
        number = float(text)
    except ValueError:
        return _written(text)
    return _of_epoch(number)


def with_zone(at: datetime) -> datetime:
    """The same moment in UTC; a time without a zone is taken to be UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _of_epoch(number: float) -> datetime | None:
    for factor in (1.0, 1e3, 1e6, 1e9):
        seconds = number / factor
        if _EARLIEST <= seconds <= _LATEST:
            return datetime.fromtimestamp(seconds, UTC)
    return None


def _written(text: str) -> datetime | None:
    zoned = _SPACED_ZONE.match(text)
    try:
        if zoned is not None:
            zone = zoned[2].replace("UTC", "+00:00").replace("GMT", "+00:00")
            return with_zone(
                datetime.fromisoformat(_FRACTION.sub(lambda m: "." + m[1][:6].ljust(6, "0"), zoned[1]) + zone)
            )
        if text[0].isdigit() and "T" in text:
            return with_zone(datetime.fromisoformat(_FRACTION.sub(lambda m: "." + m[1][:6].ljust(6, "0"), text)))
    except (ValueError, OverflowError):
        pass
    for form in _FORMATS:
        try:
            return with_zone(datetime.strptime(text, form))  # noqa: DTZ007 - `with_zone` gives it one
        except (ValueError, OverflowError):
            continue
    try:
        return with_zone(parsedate_to_datetime(text))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
