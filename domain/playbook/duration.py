"""Durations as the specification writes them: a map of units, or ISO 8601."""

from __future__ import annotations

import re
from datetime import timedelta

from domain.errors import InvalidInput
from domain.model import JsonValue

_UNITS = ("days", "hours", "minutes", "seconds", "milliseconds")
_ISO = re.compile(
    r"P(?=.)(?:(?P<weeks>\d+(?:\.\d+)?)W)?(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?\Z"
)
_LONGEST = timedelta(days=3650)


def parse_duration(value: JsonValue) -> timedelta:
    """Read a duration.

    Args:
        value: `{days: 1, minutes: 30}` or `P1DT30M`. Months and years are no fixed time and are refused.

    Raises:
        InvalidInput: it is neither, it is negative, or it is longer than ten years.
    """
    duration = _of_map(value) if isinstance(value, dict) else _of_text(value)
    if duration is None or duration < timedelta(0) or duration > _LONGEST:
        raise InvalidInput("A duration is a map like {minutes: 30} or a text like PT30M, up to ten years: correct it.")
    return duration


def _of_map(value: dict[str, JsonValue]) -> timedelta | None:
    numbers = all(isinstance(number, int | float) and not isinstance(number, bool) for number in value.values())
    if not value or not numbers or not set(value) <= set(_UNITS):
        return None
    try:
        return timedelta(**value)
    except (OverflowError, ValueError):
        return None


def _of_text(value: JsonValue) -> timedelta | None:
    found = _ISO.match(value) if isinstance(value, str) and len(value) < 60 else None
    if found is None:
        return None
    try:
        return timedelta(**{unit: float(number) for unit, number in found.groupdict().items() if number})
    except OverflowError:
        return None
