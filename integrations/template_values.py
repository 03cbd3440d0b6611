"""How values stand in templates: cleaned, on one line unless said otherwise, and in words that people read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
"""Control characters and those that turn or hide text. The joiners stay: scripts and emoji need them."""


class Lines(str):
    """Text whose line breaks stay. In all other values they become spaces, so that no value can pass for a new line."""

    __slots__ = ()


def clean(value: object) -> str:
    """A value as text that a reader sees as it is: without characters that hide or turn it round."""
    if value is None:
        return ""
    return _UNSEEN.sub("", str(value).replace("\r\n", "\n").replace("\r", "\n"))


def shaped(value: object) -> str:
    """A value as it goes into a template: cleaned, and on one line unless it is `Lines`."""
    text = clean(value)
    return text if isinstance(value, Lines) else " ".join(text.split("\n"))


def lines(text: str) -> Lines:
    """Text that keeps its line breaks."""
    return Lines(clean(text))


def quoted(text: str) -> Lines:
    """Somebody's words, marked on every line, so that they are not taken for ours."""
    return Lines("\n".join(f"> {line}".rstrip() for line in clean(text).split("\n")))


def indented(text: str) -> Lines:
    """Lines after the first moved in, so that they are not taken for further arguments."""
    return Lines(clean(text).replace("\n", "\n    "))


def unfenced(text: str) -> Lines:
    """Text for inside a code fence, which three backticks would end."""
    return Lines(indented(text).replace("```", "'''"))


def signed(text: str, signature: str) -> Lines:
    """The text with the signature under it, unless it ends with it already."""
    body = clean(text).strip()
    return Lines(body if body.endswith(signature.strip()) else f"{body}\n\n{clean(signature)}")


def duration(minutes: float) -> str:
    """Minutes in words: `45 minutes`, `8 hours`, `1 day`."""
    whole = round(minutes)
    for unit, size in (("day", 1440), ("hour", 60)):
        if whole >= size and whole % size == 0:
            return _count(whole // size, unit)
    return _count(round(whole / 60), "hour") if whole > 120 else _count(whole, "minute")


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def words(value: object) -> str:
    """A term as people read it: `at_risk` -> `at risk`."""
    return str(value).replace("_", " ")


def moment(value: object) -> str:
    """An ISO 8601 instant as people read it: `21 Nov 2026, 14:05 UTC`; anything else as it is."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return str(value)
    return f"{at.day} {at:%b %Y, %H:%M} {at.tzname() or ''}".strip()


def shown(value: object) -> str:
    """A value of any kind as text: what is approved must be seen exactly."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def told(value: object) -> str:
    """A value as a report tells it."""
    if value is None or value == "":
        return "-"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def initial(text: object) -> str:
    """With a capital at its beginning, and nothing else changed."""
    said = str(text)
    return said[:1].upper() + said[1:]


FILTERS: dict[str, Callable[..., str]] = {
    "lines": lines,
    "quoted": quoted,
    "indented": indented,
    "unfenced": unfenced,
    "signed": signed,
    "duration": duration,
    "words": words,
    "moment": moment,
    "shown": shown,
    "told": told,
    "initial": initial,
}
"""The filters that templates have beside a few of Jinja's own."""
