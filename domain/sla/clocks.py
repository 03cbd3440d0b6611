"""SLA clocks: first response, next response, resolution. Pure arithmetic on business time; `now` is always passed in.

The targets by priority are the policy's (source: escalation reference document, step 1). A clock counts only the
opening time of the team's calendar, stands still while the customer has the word, and is measured anew when the
priority or the team changes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import Field

from domain.model import State, Term, Value
from domain.policies.sla import Calendar, SlaTarget
from domain.sla.calendars import add_business_time, business_time_between


class ClockName(Term):
    """Which clock."""

    FIRST_RESPONSE = "first_response"
    NEXT_RESPONSE = "next_response"
    RESOLUTION = "resolution"


class SlaClock(State):
    """One clock of one case."""

    name: ClockName
    target: timedelta
    counted: timedelta = timedelta(0)
    """Business time counted before `running_since`."""
    running_since: datetime | None = None
    """None while it stands still."""
    warned: list[int] = Field(default_factory=list)
    breached_at: datetime | None = None
    met_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more can happen on this clock."""
        return self.met_at is not None or self.breached_at is not None


class SlaEvent(Value):
    """What a clock has reached: `percent` of its target; 100 is the breach."""

    clock: ClockName
    percent: int
    at: datetime


def target_of(name: ClockName, targets: SlaTarget) -> timedelta:
    """The target of a clock among those of a priority."""
    return {
        ClockName.FIRST_RESPONSE: targets.first_response,
        ClockName.NEXT_RESPONSE: targets.next_response,
        ClockName.RESOLUTION: targets.resolution,
    }[name]


def elapsed(clock: SlaClock, calendar: Calendar, now: datetime) -> timedelta:
    """Business time on the clock."""
    if clock.running_since is None:
        return clock.counted
    return clock.counted + business_time_between(calendar, clock.running_since, now)


def reaches(clock: SlaClock, calendar: Calendar, percent: int) -> datetime | None:
    """When the running clock reaches `percent` of its target; None while it stands still."""
    if clock.running_since is None:
        return None
    return add_business_time(calendar, clock.running_since, clock.target * percent / 100 - clock.counted)


def deadline(clock: SlaClock, calendar: Calendar) -> datetime | None:
    """When the running clock is breached; None when it stands still or is over."""
    return None if clock.is_over else reaches(clock, calendar, 100)


def next_event(clocks: list[SlaClock], calendar: Calendar, warn_at: tuple[int, ...]) -> SlaEvent | None:
    """The first threshold that any running clock will reach, or has reached and nobody was told."""
    events = [
        SlaEvent(clock=clock.name, percent=percent, at=at)
        for clock in clocks
        if not clock.is_over
        for percent in (*warn_at, 100)
        if percent not in clock.warned and (at := reaches(clock, calendar, percent)) is not None
    ]
    return min(events, key=lambda event: (event.at, event.percent), default=None)


def record_event(clock: SlaClock, event: SlaEvent, now: datetime, warn_at: tuple[int, ...]) -> None:
    """Note that a threshold was reached. A breach counts every warning as given, so none follows it."""
    clock.warned.extend(percent for percent in warn_at if percent <= event.percent and percent not in clock.warned)
    if event.percent >= 100:
        clock.breached_at = now


def pause(clock: SlaClock, calendar: Calendar, now: datetime) -> None:
    """Stand still, keeping what was counted."""
    if clock.running_since is not None and not clock.is_over:
        clock.counted = elapsed(clock, calendar, now)
        clock.running_since = None


def resume(clock: SlaClock, now: datetime) -> None:
    """Run on."""
    if clock.running_since is None and not clock.is_over:
        clock.running_since = now


def meet(clock: SlaClock, calendar: Calendar, now: datetime) -> None:
    """What the clock waits for has happened."""
    if clock.met_at is None:
        clock.counted = elapsed(clock, calendar, now)
        clock.running_since = None
        clock.met_at = now


def retarget(clock: SlaClock, target: timedelta, before: Calendar, now: datetime) -> None:
    """Measure against a new target (priority changed) or by a new calendar (team changed).

    What was counted stays counted. Warnings that the new target has not reached yet may come again.
    """
    if clock.running_since is not None:
        clock.counted = elapsed(clock, before, now)
        clock.running_since = now
    share = clock.counted / target * 100 if target else 100
    clock.warned = [percent for percent in clock.warned if percent <= share]
    clock.target = target
