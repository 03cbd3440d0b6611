"""What a tenant promises: targets, and the hours they count in."""

from __future__ import annotations

from datetime import date, time, timedelta

from pydantic import Field

from domain.model import Value
from domain.tickets.ticket import Priority


class SlaTarget(Value):
    """How long each clock may run for one priority, in business time of the team's calendar."""

    first_response: timedelta
    next_response: timedelta
    resolution: timedelta


class Calendar(Value):
    """When a team works. Times are wall-clock times in `time_zone`; a day without hours is closed."""

    name: str
    time_zone: str = "UTC"
    hours: dict[int, tuple[tuple[time, time], ...]] = Field(default_factory=dict)
    """Weekday (0 = Monday) -> opening spans. 24:00 is written as time.max. Empty everywhere means never closed."""
    holidays: tuple[date, ...] = ()

    @property
    def always_open(self) -> bool:
        """True for a calendar without any hours and holidays: around the clock."""
        return not self.hours and not self.holidays


class SlaPolicy(Value):
    """Targets by priority, where to warn, and what is shared by all clocks."""

    targets: dict[Priority, SlaTarget]
    warn_at_percent: tuple[int, ...] = (50, 75, 90)
