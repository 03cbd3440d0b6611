"""What a reader gives, put together: cleaned texts, the strongest findings first, and what could not be read."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from domain.model import JsonValue
from domain.text.redaction import Redactor
from domain.troubleshooting.evidence import MOST_FINDINGS, Change, Finding, Findings

_REDACTOR = Redactor()
_SPACES = re.compile(r"[\s\x00-\x1f\x7f]{1,1000}")
_LONGEST_LOOKED_AT = 4_000
MOST_NAME = 120
T = TypeVar("T")


def said(text: str, most: int = 480) -> str:
    """Words from outside for a person: one line, without personal data or secrets, at most `most` characters."""
    line = _SPACES.sub(" ", text[:_LONGEST_LOOKED_AT]).strip()
    clean = _REDACTOR.redact(line).text
    return clean if len(clean) <= most else clean[: most - 3].rstrip() + "..."


def name_of(value: object) -> str | None:
    """A service's name as a file gives it; None when it is none."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    name = _SPACES.sub(" ", str(value)).strip().strip("\"'")[:MOST_NAME]
    return name or None


def figure(value: float) -> str:
    """A number as people read it: 0.018, 3.2, 1240."""
    if not math.isfinite(value):
        return "?"
    if value and abs(value) < 10:
        return f"{value:.2g}"
    return f"{value:.0f}" if abs(value) < 1e7 else f"{value:.3g}"


def numbers(**given: float | None) -> dict[str, float]:
    """Those that are finite numbers, rounded to what anybody reads."""
    return {name: float(f"{value:.6g}") for name, value in given.items() if value is not None and math.isfinite(value)}


def gathered(
    found: Iterable[Finding],
    *,
    summary: str,
    changes: Iterable[Change] = (),
    services: Iterable[str] = (),
    calls: Iterable[tuple[str, str]] = (),
    begins: datetime | None = None,
    ends: datetime | None = None,
    facts: Iterable[str] = (),
    details: dict[str, JsonValue] | None = None,
) -> Findings:
    """One answer, with at most `MOST_FINDINGS` findings."""
    ordered = sorted(found, key=lambda one: (-one.strength, one.at.timestamp() if one.at else math.inf, one.text))
    return Findings(
        findings=tuple(ordered[:MOST_FINDINGS]),
        changes=tuple(sorted(changes, key=lambda one: (one.at, one.change_id))),
        services=tuple(dict.fromkeys(services)),
        calls=tuple(dict.fromkeys(calls)),
        begins=begins,
        ends=ends,
        summary=summary,
        left_out=max(0, len(ordered) - MOST_FINDINGS),
        facts=tuple(dict.fromkeys(facts)),
        details=details or {},
    )


def earliest(moments: Iterable[datetime | None]) -> datetime | None:
    """The first of those that are known."""
    return min((one for one in moments if one is not None), default=None)


def latest(moments: Iterable[datetime | None]) -> datetime | None:
    """The last of those that are known."""
    return max((one for one in moments if one is not None), default=None)


async def off_loop(beat: Callable[[], None], work: Callable[[], T], *, every_seconds: float = 2.0) -> T:
    """Do work in a thread, so that the worker serves others meanwhile, and tell now and then that it goes on."""
    doing = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        while True:
            beat()
            done, _ = await asyncio.wait({doing}, timeout=every_seconds)
            if done:
                return doing.result()
    finally:
        # A thread ends when its work does; whoever gave up on it must not be told of its error.
        doing.add_done_callback(lambda ended: None if ended.cancelled() else ended.exception() and None)
