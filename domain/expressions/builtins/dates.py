"""Built-in functions over points in time, in UTC and without a locale; nothing here knows what time it is."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from domain.expressions.budget import Meter
from domain.expressions.builtins.registry import Builder, value_function
from domain.expressions.errors import Raised
from domain.expressions.paths import NUMBERS
from domain.expressions.values import as_double, kind, settle
from domain.model import JsonValue

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_LARGEST = 2**53
_LONGEST_FORMAT = 1000


def _days_from(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 of a date of the Gregorian calendar, extended backwards; `month` from 1."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


def _date_of(days: int) -> tuple[int, int, int]:
    era, of_era = divmod(days + 719468, 146097)
    year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month += 3 if month < 10 else -9
    return year + era * 400 + (month <= 2), month, day


def broken_down(seconds: int | float) -> list[Any]:
    """A point in time as jq writes it: year, month from 0, day, hour, minute, second, weekday, day of the year."""
    if not abs(seconds) < _LARGEST:
        raise Raised("error converting number of seconds since epoch to datetime")
    whole = math.floor(seconds)
    days, rest = divmod(whole, 86400)
    year, month, day = _date_of(days)
    second = settle(rest % 60 + (as_double(seconds) - whole)) if type(seconds) is float else rest % 60
    day_of_year = days - _days_from(year, 1, 1)
    return [year, month - 1, day, rest // 3600, rest // 60 % 60, second, (days + 4) % 7, day_of_year]


def _gmtime(_meter: Meter, value: JsonValue) -> JsonValue:
    if type(value) not in NUMBERS:
        raise Raised("gmtime() requires a number")
    return broken_down(value)


def _fields(value: JsonValue, what: str) -> list[int]:
    if type(value) in NUMBERS:
        value = broken_down(value)
    if type(value) is not list or len(value) < 6 or not all(type(part) in NUMBERS for part in value[:8]):
        raise Raised(f"{what} requires parsed datetime inputs")
    if not all(abs(part) < 10**7 for part in value[:8]):
        raise Raised(f"{what} requires parsed datetime inputs")
    fields = [math.floor(part) for part in value[:8]]
    days = _days_from(fields[0] + fields[1] // 12, fields[1] % 12 + 1, fields[2])
    return fields if len(fields) == 8 else [*fields[:6], (days + 4) % 7, days - _days_from(fields[0], 1, 1)]


def _seconds(fields: list[int]) -> int:
    days = _days_from(fields[0] + fields[1] // 12, fields[1] % 12 + 1, fields[2])
    return days * 86400 + fields[3] * 3600 + fields[4] * 60 + fields[5]


def _mktime(_meter: Meter, value: JsonValue) -> JsonValue:
    if type(value) is not list:
        raise Raised("mktime requires array of 6 numbers")
    return _seconds(_fields(value, "mktime"))


def _iso_week(fields: list[int]) -> tuple[int, int]:
    weekday = (fields[6] + 6) % 7
    thursday = _days_from(fields[0], 1, 1) + fields[7] - weekday + 3
    year = _date_of(thursday)[0]
    return year, (thursday - _days_from(year, 1, 1)) // 7 + 1


_WRITE: dict[str, Callable[[list[int]], str]] = {
    "Y": lambda t: str(t[0]),
    "C": lambda t: f"{t[0] // 100:02d}",
    "y": lambda t: f"{t[0] % 100:02d}",
    "m": lambda t: f"{t[1] + 1:02d}",
    "d": lambda t: f"{t[2]:02d}",
    "e": lambda t: f"{t[2]:2d}",
    "H": lambda t: f"{t[3]:02d}",
    "k": lambda t: f"{t[3]:2d}",
    "I": lambda t: f"{(t[3] + 11) % 12 + 1:02d}",
    "l": lambda t: f"{(t[3] + 11) % 12 + 1:2d}",
    "M": lambda t: f"{t[4]:02d}",
    "S": lambda t: f"{t[5]:02d}",
    "p": lambda t: "AM" if t[3] < 12 else "PM",
    "P": lambda t: "am" if t[3] < 12 else "pm",
    "Z": lambda _t: "UTC",
    "z": lambda _t: "+0000",
    "a": lambda t: _DAYS[t[6] % 7][:3],
    "A": lambda t: _DAYS[t[6] % 7],
    "b": lambda t: _MONTHS[t[1] % 12][:3],
    "h": lambda t: _MONTHS[t[1] % 12][:3],
    "B": lambda t: _MONTHS[t[1] % 12],
    "j": lambda t: f"{t[7] + 1:03d}",
    "u": lambda t: str((t[6] + 6) % 7 + 1),
    "w": lambda t: str(t[6]),
    "s": lambda t: str(_seconds(t)),
    "G": lambda t: str(_iso_week(t)[0]),
    "g": lambda t: f"{_iso_week(t)[0] % 100:02d}",
    "V": lambda t: f"{_iso_week(t)[1]:02d}",
    "U": lambda t: f"{(t[7] + 7 - t[6]) // 7:02d}",
    "W": lambda t: f"{(t[7] + 7 - (t[6] + 6) % 7) // 7:02d}",
    "n": lambda _t: "\n",
    "t": lambda _t: "\t",
    "%": lambda _t: "%",
}
_SHORT = {
    "D": "%m/%d/%y",
    "F": "%Y-%m-%d",
    "T": "%H:%M:%S",
    "R": "%H:%M",
    "r": "%I:%M:%S %p",
    "c": "%a %b %e %H:%M:%S %Y",
    "x": "%m/%d/%y",
    "X": "%H:%M:%S",
}
_DIRECTIVE = re.compile(r"%[EO_-]?(.)", re.DOTALL)


def _expanded(form: JsonValue, what: str) -> str:
    if type(form) is not str:
        raise Raised(f"{what} requires a string format")
    if len(form) > _LONGEST_FORMAT:
        raise Raised(f"{what} has a format that is too long")
    return re.sub(r"%([DFTRrcxX])", lambda found: _SHORT[found[1]], form)


def _strftime(meter: Meter, value: JsonValue, form: JsonValue) -> JsonValue:
    if type(value) not in NUMBERS and type(value) is not list:
        raise Raised("strftime/1 requires parsed datetime inputs")
    fields = _fields(value, "strftime/1")
    text = _expanded(form, "strftime/1")
    meter.step(len(text))
    meter.grow(8 * len(text))

    def written(found: re.Match[str]) -> str:
        write = _WRITE.get(found[1])
        return write(fields) if write else found[0]

    return _DIRECTIVE.sub(written, text)


_READ = {
    "Y": r"(?P<Y>[+-]?\d{1,4}+)",
    "m": r"(?P<m>\d{1,2}+)",
    "d": r"\s*+(?P<d>\d{1,2}+)",
    "e": r"\s*+(?P<d>\d{1,2}+)",
    "H": r"(?P<H>\d{1,2}+)",
    "I": r"(?P<I>\d{1,2}+)",
    "M": r"(?P<M>\d{1,2}+)",
    "S": r"(?P<S>\d{1,2}+)",
    "y": r"(?P<y>\d{1,2}+)",
    "j": r"(?P<j>\d{1,3}+)",
    "s": r"(?P<s>-?\d{1,12}+)",
    "p": r"(?P<p>[AaPp][Mm])",
    "Z": r"(?P<Z>[A-Za-z]{1,9}+)",
    "z": r"(?P<z>Z|[+-]\d{2}:?\d{2})",
    "a": r"(?P<a>[A-Za-z]{3,9}+)",
    "A": r"(?P<a>[A-Za-z]{3,9}+)",
    "b": r"(?P<b>[A-Za-z]{3,9}+)",
    "B": r"(?P<b>[A-Za-z]{3,9}+)",
    "h": r"(?P<b>[A-Za-z]{3,9}+)",
    "%": "%",
    "n": r"\s*+",
    "t": r"\s*+",
}


def _reader(form: str) -> re.Pattern[str]:
    """The format as a pattern whose parts never give back what they took, so reading takes one pass."""
    pieces, place, seen = [], 0, set()
    for found in _DIRECTIVE.finditer(form):
        piece = _READ.get(found[1])
        if piece is None or (found[1] in seen and "?P<" in piece):
            raise Raised(f"strptime/1 does not read %{found[1]} here")
        seen.add(found[1])
        pieces += [_plain(form[place : found.start()]), piece]
        place = found.end()
    pieces.append(_plain(form[place:]))
    try:
        return re.compile("".join(pieces) + r"\Z", re.ASCII)
    except re.error:
        raise Raised("strptime/1 has a format that names the same field twice") from None


def _plain(text: str) -> str:
    return "".join(r"\s*+" if character.isspace() else re.escape(character) for character in text)


def _strptime(meter: Meter, value: JsonValue, form: JsonValue) -> JsonValue:
    if type(value) is not str:
        raise Raised(f"strptime/1 requires string inputs and arguments, not {kind(value)}")
    text = _expanded(form, "strptime/1")
    if len(value) > _LONGEST_FORMAT:
        raise Raised("date does not match format")
    meter.step(len(value) + 20 * len(text))
    found = _reader(text).match(value)
    if found is None:
        raise Raised("date does not match format")
    return _understood({name: part for name, part in found.groupdict().items() if part is not None}, form)


def _understood(parts: dict[str, str], form: str) -> list[Any]:
    if "s" in parts:
        return broken_down(int(parts["s"]))
    number = {name: int(part) for name, part in parts.items() if name in "YmdHIMSyj"}
    year = number.get("Y", 1900)
    if "y" in number:
        year = number["y"] + (1900 if number["y"] >= 69 else 2000)
    hour = number.get("H", 0)
    if "I" in number:
        hour = number["I"] % 12 + (12 if parts.get("p", "").lower() == "pm" else 0)
    month, day = number.get("m", 1), number.get("d", 1)
    if "b" in parts:
        month = _place(_MONTHS, parts["b"], form) + 1
    if "a" in parts:
        _place(_DAYS, parts["a"], form)
    limits = ((month, 1, 12), (day, 1, 31), (hour, 0, 23), (number.get("M", 0), 0, 59), (number.get("S", 0), 0, 61))
    if not all(low <= value <= high for value, low, high in limits):
        raise Raised("date does not match format")
    if "j" in number:
        _, month, day = _date_of(_days_from(year, 1, 1) + number["j"] - 1)
    days = _days_from(year, month, day)
    clock = [hour, number.get("M", 0), number.get("S", 0)]
    return [year, month - 1, day, *clock, (days + 4) % 7, days - _days_from(year, 1, 1)]


def _place(names: Any, wanted: str, form: str) -> int:
    for place, name in enumerate(names):
        if wanted.lower() in (name.lower(), name[:3].lower()):
            return place
    raise Raised("date does not match format")


DATES: dict[str, Builder] = {
    "gmtime/0": value_function(_gmtime),
    "mktime/0": value_function(_mktime),
    "strftime/1": value_function(_strftime, 1),
    "strptime/1": value_function(_strptime, 1),
}
