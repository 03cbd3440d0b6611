"""When a line was written: the common forms of timestamps, as seconds since the epoch in UTC.

A file mostly has one form throughout, so the one that fitted last is tried first, and a second that was read once is
remembered.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

_MOST_REMEMBERED = 100_000
_EARLIEST, _LATEST = 631_152_000, 4_102_444_800
"""1990 and 2100: what is said to be before or after that is no time of a log."""
_LATE = timedelta(days=2)
"""A stamp without a year may be this far ahead of the moment that stands in for it: clocks and zones differ."""
_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name.lower(): number for number, name in enumerate(_NAMES, 1)}
_MONTH = f"({'|'.join(_NAMES)})"
_CLOCK = r"(\d\d):(\d\d):(\d\d)"
_ZONE = r"(?: ?(Z|UTC|GMT|[+-]\d\d:?\d\d)(?![\w]))?"

Stamp = tuple[int, int]
"""Seconds since the epoch, and where in the line the rest begins."""
Reader = Callable[[re.Match[str]], int]


class Stamps:
    """Reads the stamp at the head of a line. One per file."""

    def __init__(self, near: datetime) -> None:
        """`near` is a moment close to the lines, for forms without a year."""
        self._near = near
        self._remembered: dict[tuple[str, str | None], int] = {}
        self._forms: list[tuple[re.Pattern[str], Reader]] = [
            (re.compile(rf"\[?((\d{{4}})-(\d\d)-(\d\d)[T ]{_CLOCK})(?:[.,]\d{{1,9}})?{_ZONE}\]?"), self._iso),
            (re.compile(rf"\[?((\d{{4}})/(\d\d)/(\d\d) {_CLOCK})(?:[.,]\d{{1,9}})?{_ZONE}\]?"), self._iso),
            (
                re.compile(rf"<\d{{1,3}}>1 ((\d{{4}})-(\d\d)-(\d\d)T{_CLOCK})(?:\.\d{{1,9}})?{_ZONE} (?=\S)"),
                self._iso,
            ),
            (re.compile(rf"(?:<\d{{1,3}}>)?({_MONTH} {{1,2}}(\d{{1,2}}) {_CLOCK})(?= )"), self._without_year),
            (re.compile(rf"[IWEF](?=\d{{4}} \d\d:)((\d\d)(\d\d) {_CLOCK})(?:\.\d{{1,9}})?"), self._klog),
            # Ruby's logger: a letter for the level, then the stamp with the process in brackets.
            (re.compile(rf"[DIWEFA], \[((\d{{4}})-(\d\d)-(\d\d)T{_CLOCK})(?:\.\d{{1,9}})?{_ZONE} ?#\d+\]"), self._iso),
            (re.compile(r"\[?(1\d{9})(?:[.,]\d{1,9}|\d{3}|\d{6}|\d{9})?\]?(?=[\s|:,]|\Z)"), self._epoch),
            (re.compile(rf"\[?((\d{{1,2}})[-/ ]{_MONTH}[-/ ](\d{{4}})[: ]{_CLOCK})(?:[.,]\d{{1,9}})?{_ZONE}\]?"), _day),
            (
                re.compile(rf"\[(?:\w{{3}} )?({_MONTH} {{1,2}}(\d{{1,2}}) {_CLOCK}(?:\.\d{{1,9}})? (\d{{4}}))\]"),
                _apache,
            ),
        ]
        self._last = self._forms[0]

    def head(self, line: str) -> Stamp | None:
        """The stamp that a line begins with; None when it begins otherwise."""
        pattern, read = self._last
        match = pattern.match(line)
        if match is None:
            return self._other(line)
        seconds = self._read(match, read)
        return None if seconds is None else (seconds, match.end())

    def _read(self, match: re.Match[str], read: Reader) -> int | None:
        """By second and zone: fractions differ from line to line and do not matter."""
        groups = match.groups()
        key = (groups[0], groups[-1])
        remembered = self._remembered.get(key)
        if remembered is not None:
            return remembered
        try:
            seconds = read(match)
        except (ValueError, OverflowError):
            return None
        if not _EARLIEST <= seconds < _LATEST:
            return None
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[key] = seconds
        return seconds

    def _other(self, line: str) -> Stamp | None:
        for form in self._forms:
            match = form[0].match(line)
            if match is not None:
                seconds = self._read(match, form[1])
                if seconds is not None:
                    self._last = form
                    return seconds, match.end()
        return None

    def _iso(self, match: re.Match[str]) -> int:
        _, year, month, day, hour, minute, second, zone = match.groups()
        return _seconds(
            datetime(int(year), int(month), int(day), int(hour), int(minute), min(int(second), 59), tzinfo=UTC), zone
        )

    def _without_year(self, match: re.Match[str]) -> int:
        _, month, day, hour, minute, second = match.groups()
        return self._nearest(_MONTHS[month.lower()], int(day), int(hour), int(minute), int(second))

    def _klog(self, match: re.Match[str]) -> int:
        _, month, day, hour, minute, second = match.groups()
        return self._nearest(int(month), int(day), int(hour), int(minute), int(second))

    def _epoch(self, match: re.Match[str]) -> int:
        return int(match.group(1))

    def _nearest(self, month: int, day: int, hour: int, minute: int, second: int) -> int:
        """The latest such moment that is not far ahead of `near`."""
        for year in (self._near.year + 1, self._near.year, self._near.year - 1):
            try:
                moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
            except ValueError:
                continue  # 29 February
            if moment <= self._near + _LATE:
                return int(moment.timestamp())
        raise ValueError("no such day")


def moment_of(value: object) -> int | None:
    """Seconds since the epoch of a JSON value: ISO 8601, or a number in s, ms, us or ns."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _scaled(float(value))
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        moment = datetime.fromisoformat(value.strip().replace(" UTC", "Z"))
        return _scaled((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        pass
    try:
        return _scaled(float(value))
    except ValueError:
        return None


def _scaled(value: float) -> int | None:
    for scale in (1, 1e3, 1e6, 1e9):
        if _EARLIEST <= value / scale < _LATEST:
            return int(value / scale)
    return None


def _seconds(written: datetime, zone: str | None) -> int:
    """What is written in some zone; a stamp without one is UTC. A leap second counts as the one before it."""
    return int(written.replace(tzinfo=_zone(zone)).timestamp())


def _zone(words: str | None) -> timezone:
    if words is None or words in ("Z", "UTC", "GMT"):
        return UTC
    plain = words.replace(":", "")
    offset = timedelta(hours=int(plain[1:3]), minutes=int(plain[3:5]))
    return timezone(-offset if plain[0] == "-" else offset)


def _day(match: re.Match[str]) -> int:
    _, day, month, year, hour, minute, second, zone = match.groups()
    return _seconds(
        datetime(int(year), _MONTHS[month.lower()], int(day), int(hour), int(minute), min(int(second), 59), tzinfo=UTC),
        zone,
    )


def _apache(match: re.Match[str]) -> int:
    _, month, day, hour, minute, second, year = match.groups()
    return _seconds(
        datetime(int(year), _MONTHS[month.lower()], int(day), int(hour), int(minute), min(int(second), 59), tzinfo=UTC),
        None,
    )
