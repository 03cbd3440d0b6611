"""Signals: findings that say the same, taken together, so that nothing counts twice.

Two tools that report the same symptom of the same service at the same time make one signal that is a little stronger
than the better of them. Neither the order of the findings nor their repetition changes anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.troubleshooting.evidence import Finding, Sign
from domain.troubleshooting.reasoning.graph import Names

_EPISODE_GAP = 20.0
"""Minutes: what begins again later is another episode."""
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class Clock:
    """Moments as minutes from the incident's opening; negative before it."""

    opened_at: datetime

    def minutes(self, at: datetime | None) -> float | None:
        """Minutes from the opening; a moment without a time zone is taken as UTC."""
        return None if at is None else (aware(at) - aware(self.opened_at)) / timedelta(minutes=1)

    def moment(self, minutes: float) -> datetime:
        """The way back."""
        return aware(self.opened_at) + timedelta(minutes=minutes)


def aware(at: datetime) -> datetime:
    """A moment with a time zone: UTC where it has none."""
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Signal:
    """One symptom of one service in one episode."""

    service: str | None
    sign: Sign
    about: str | None
    start: float | None
    end: float | None
    strength: float
    """0 to 1."""
    text: str
    source: str
    ratio: float = 1.0
    """How many times as much as before, where a tool says so."""
    certain: bool = False
    """A single finding is beyond doubt."""
    defect: bool = False
    """It names an error that only the service's own code makes."""
    weight: float = 0.0
    """What it counts for, 0 to 1: by its strength, and by whether it belongs to this incident at all."""
    stale: bool = False
    """It was there long before the onset, or was over by then: most likely noise."""

    @property
    def tool(self) -> str:
        """What saw it most clearly."""
        return tool_of(self.source)

    def after(self, minute: float | None, slack: float) -> bool:
        """Whether it begins later than a minute, by more than the slack; no when one of them is unknown."""
        return minute is not None and self.start is not None and self.start > minute + slack


def gather(findings: Iterable[Finding], names: Names, clock: Clock) -> list[Signal]:
    """Findings as signals, ordered by time and name.

    Args:
        findings: In any order, with repetitions.
        names: To tell services apart.
        clock: The incident's.

    Returns:
        Signals without weights; `onset.standing` gives them.
    """
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for found in findings:
        service, about = names.service(found.service), names.service(found.about)
        about = None if about == service else about
        groups.setdefault((service or "", found.sign.value, about or ""), []).append(found)
    signals = []
    for (service, sign, about), group in groups.items():
        for episode in _episodes(group, clock):
            signals.append(_together(service or None, Sign(sign), about or None, episode, clock))
    return sorted(signals, key=order)


def tool_of(source: str) -> str:
    """The tool of a source: `logs.analyse` of `logs.analyse api.log lines 10402-11890`."""
    return source.split(" ", 1)[0]


def order(signal: Signal) -> tuple[float, str, str, str]:
    """By time, those without a time last; then by name."""
    start = float("inf") if signal.start is None else signal.start
    return (start, signal.service or "", signal.sign.value, signal.about or "")


def _episodes(group: list[Finding], clock: Clock) -> list[list[Finding]]:
    timed = sorted((one for one in group if one.at is not None), key=lambda one: (clock.minutes(one.at), _rank(one)))
    untimed = [one for one in group if one.at is None]
    episodes: list[list[Finding]] = []
    last = 0.0
    for one in timed:
        begins = clock.minutes(one.at) or 0.0
        if not episodes or begins - last > _EPISODE_GAP:
            episodes.append([])
        episodes[-1].append(one)
        last = begins
    if not episodes:
        return [untimed]
    strongest = max(episodes, key=lambda one: max(found.strength for found in one))
    strongest.extend(untimed)
    return episodes


def _together(service: str | None, sign: Sign, about: str | None, group: list[Finding], clock: Clock) -> Signal:
    ranked = sorted(group, key=_rank)
    best = ranked[0]
    starts = [clock.minutes(one.at) for one in ranked if one.strength >= _HALF * best.strength]
    ends = [clock.minutes(one.until or one.at) for one in ranked]
    by_tool: dict[str, float] = {}
    for one in ranked:
        tool = tool_of(one.source)
        by_tool[tool] = max(by_tool.get(tool, 0.0), one.strength)
    # A second tool that sees the same closes a third of the remaining doubt, by as much as it is sure itself.
    doubt = 1.0 - best.strength
    for strength in sorted(by_tool.values(), reverse=True)[1:]:
        doubt *= 1.0 - strength / 3
    return Signal(
        service=service,
        sign=sign,
        about=about,
        start=min((one for one in starts if one is not None), default=None),
        end=max((one for one in ends if one is not None), default=None),
        strength=1.0 - doubt,
        text=best.text,
        source=best.source,
        ratio=_ratio(ranked),
        certain=best.strength >= 0.9,
        defect=about is None and any(one.numbers.get("defect") for one in ranked),
    )


def _ratio(group: list[Finding]) -> float:
    """How many times as much: what each tool says at most, and of several tools the most careful."""
    by_tool: dict[str, float] = {}
    for one in group:
        if "ratio" in one.numbers:
            tool = tool_of(one.source)
            by_tool[tool] = max(by_tool.get(tool, 0.0), one.numbers["ratio"])
    return min(by_tool.values(), default=1.0)


def _rank(one: Finding) -> tuple[float, datetime, str, str]:
    at = aware(one.at) if one.at is not None else datetime.max.replace(tzinfo=UTC)
    return (-one.strength, at, one.text, one.source)
