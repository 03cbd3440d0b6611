"""Business time: how much of a span lies in a team's opening hours, and when a budget of it runs out. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from domain.policies.sla import Calendar

_LONGEST_LOOK_AHEAD = timedelta(days=366 * 2)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _spans_of(calendar: Calendar, day: date) -> Iterator[tuple[datetime, datetime]]:
    """The opening spans of one local day, in UTC, so that a change of clocks lengthens or shortens none of them."""
    if day in calendar.holidays:
        return
    zone = _zone(calendar.time_zone)
    whole_day = ((time.min, time.max),)
    for opens, closes in calendar.hours.get(day.weekday(), whole_day if not calendar.hours else ()):
        start = datetime.combine(day, opens, zone).astimezone(UTC)
        end_day, end_time = (day + timedelta(days=1), time.min) if closes == time.max else (day, closes)
        yield start, datetime.combine(end_day, end_time, zone).astimezone(UTC)


def _spans_from(calendar: Calendar, start: datetime) -> Iterator[tuple[datetime, datetime]]:
    day = start.astimezone(_zone(calendar.time_zone)).date()
    last = day + _LONGEST_LOOK_AHEAD
    while day <= last:
        for opens, closes in _spans_of(calendar, day):
            if closes > start:
                yield max(opens, start), closes
        day += timedelta(days=1)


def business_time_between(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """How much opening time lies between two instants; zero when `end` is not after `start`."""
    if end <= start:
        return timedelta(0)
    if calendar.always_open:
        return end - start
    total = timedelta(0)
    for opens, closes in _spans_from(calendar, start):
        if opens >= end:
            break
        total += min(closes, end) - opens
    return total


def add_business_time(calendar: Calendar, start: datetime, duration: timedelta) -> datetime:
    """The instant at which `duration` of opening time has passed since `start`.

    A calendar that does not open often enough within two years gives the end of that time, so that a mistake in
    a calendar delays a deadline and never loses it.
    """
    if calendar.always_open or duration <= timedelta(0):
        return start + max(duration, timedelta(0))
    left = duration
    for opens, closes in _spans_from(calendar, start):
        if closes - opens >= left:
            return opens + left
        left -= closes - opens
    return start + _LONGEST_LOOK_AHEAD
