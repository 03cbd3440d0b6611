"""Times and terms as a person reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain.troubleshooting.topology import BlastRadius  # takes a while, and `--help` needs none of it

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_SECONDS_COUNT_BELOW = timedelta(minutes=10)
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def span(length: timedelta) -> str:
    """A length of time in its two largest units: `2 h 5 min`."""
    rest = int(abs(length.total_seconds()))
    parts: list[str] = []
    for seconds, unit in _UNITS:
        count, rest = divmod(rest, seconds)
        if count or (parts and len(parts) == 1):
            parts.append(f"{count} {unit}")
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if not part.startswith("0 ")) or "0 s"


def times(count: int) -> str:
    """How often: `once`, `3 times`; empty for never."""
    return "once" if count == 1 else f"{count} times" if count > 0 else ""


def reach_of(radius: BlastRadius, most: int = 6) -> str:
    """How far an incident reaches, in a line.

    Args:
        radius: as the investigation knows it.
        most: services that are named.
    """
    if not radius.affected:
        return "not known"
    return f"{radius.scope}, severity {radius.severity}: {', '.join(radius.affected[:most])}"


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """`3 min 5 s ago`, `12 min ago`, `in 2 h`, `now`; empty when there is no moment."""
    if moment is None:
        return ""
    difference = moment - (now or datetime.now(UTC))
    if abs(difference) < timedelta(seconds=1):
        return "now"
    if abs(difference) >= _SECONDS_COUNT_BELOW:
        difference = timedelta(minutes=int(difference / timedelta(minutes=1)))
    return f"in {span(difference)}" if difference > timedelta(0) else f"{span(difference)} ago"


def due(moment: datetime | None, now: datetime | None = None) -> str:
    """A deadline: `in 2 h`, or `5 min late`."""
    return ago(moment, now).replace(" ago", " late")


def left(moment: datetime, now: datetime | None = None) -> str:
    """How much time there is until a deadline: `5 min left`, or `5 min late`."""
    difference = moment - (now or datetime.now(UTC))
    return f"{span(difference)} {'left' if difference > timedelta(0) else 'late'}"


def sentences(parts: Iterable[str]) -> str:
    """Several reasons as running text."""
    return " ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in parts if part)


def clock(moment: datetime) -> str:
    """A moment in local time, with its date when it is not today."""
    local = moment.astimezone()
    today = datetime.now(UTC).astimezone().date()
    return local.strftime("%H:%M:%S" if local.date() == today else "%Y-%m-%d %H:%M:%S")


def label(term: str | None) -> str:
    """A word of the vocabulary as a person reads it: `bug_report` -> `bug report`."""
    return (term or "").replace("_", " ")


def decision_word(kind: str | None) -> str:
    """A kind of decision in one word, for a narrow column: `immediate_escalation` -> `immediate`."""
    return "none" if kind == "no_escalation" else label(kind).removesuffix(" escalation")


def harmless(text: str) -> str:
    """A text from outside as it may reach a terminal: control characters are written out, so that none takes effect."""
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)


def one_line(text: str, most: int = 100) -> str:
    """The beginning of a text, on one line."""
    joined = " ".join(text.split())
    return joined if len(joined) <= most else joined[: most - 3].rstrip() + "..."
