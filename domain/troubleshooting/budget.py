"""What an investigation may spend, and what it spent."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import Field

from domain.model import State, Value

_WORDS = {
    "iterations": "rounds of looking for the cause",
    "tool_calls": "tool calls",
    "model_calls": "model calls",
    "tokens": "model tokens",
    "minutes": "minutes",
}
_LOOKING = ("iterations", "tool_calls", "minutes")


class Budget(Value):
    """The most that one incident may spend before a person is asked. Each limit may be reached and not passed."""

    iterations: int = Field(default=8, ge=1)
    """Rounds of plan, execute, observe."""
    tool_calls: int = Field(default=60, ge=1)
    model_calls: int = Field(default=20, ge=0)
    tokens: int = Field(default=200_000, ge=0)
    """Input and output together."""
    minutes: float = Field(default=60, gt=0)
    """Of looking for the cause; waiting for people and watching the outcome do not count."""

    def left(self, spent: Spent, now: datetime) -> dict[str, float]:
        """What is left of each limit, never below 0."""
        used = spent.counted(now)
        return {name: max(0.0, getattr(self, name) - used[name]) for name in _WORDS}

    def exceeded(self, spent: Spent, now: datetime) -> str | None:
        """Why the investigation must not go on, in one sentence; None when it may.

        Args:
            spent: so far.
            now: the workflow's time.
        """
        used = spent.counted(now)
        for name in _LOOKING:
            most = getattr(self, name)
            if used[name] >= most:
                return (
                    f"The budget of {most:g} {_WORDS[name]} is spent: "
                    "a person takes over, or brings new evidence, for which it begins anew."
                )
        return None

    def model_exceeded(self, spent: Spent) -> str | None:
        """Why no model may be asked any more; None when one may. Rules go on without."""
        for name in ("model_calls", "tokens"):
            most = getattr(self, name)
            if getattr(spent, name) >= most:
                return f"The budget of {most:,} {_WORDS[name]} is spent: rules answer from here on."
        return None


class Spent(State):
    """What one incident spent."""

    iterations: int = 0
    tool_calls: int = 0
    model_calls: int = 0
    tokens: int = 0
    minutes: float = 0.0
    """Of looks for the cause that are over."""
    since: datetime | None = None
    """When the present look began; None while people are waited for or an outcome is watched."""

    renewed: dict[str, float] = Field(default_factory=dict)
    """What of looking had been spent when a person last brought new evidence: the limits count from there."""

    def renew(self, now: datetime) -> None:
        """A person brought something new: it may be looked at as long as the first time. Models cost as before."""
        used = self.amounts(now)
        self.renewed = {name: used[name] for name in _LOOKING}

    def counted(self, now: datetime) -> dict[str, float]:
        """Every amount that counts towards its limit."""
        return {name: used - self.renewed.get(name, 0.0) for name, used in self.amounts(now).items()}

    def resume(self, now: datetime) -> None:
        """Count minutes from now on."""
        if self.since is None:
            self.since = now

    def pause(self, now: datetime) -> None:
        """Stop counting minutes."""
        self.minutes = self.minutes_at(now)
        self.since = None

    def minutes_at(self, now: datetime) -> float:
        """All minutes so far."""
        running = now - self.since if self.since is not None else timedelta(0)
        return self.minutes + max(0.0, running.total_seconds() / 60)

    def amounts(self, now: datetime) -> dict[str, float]:
        """Every amount by the name of its limit."""
        return {
            "iterations": self.iterations,
            "tool_calls": self.tool_calls,
            "model_calls": self.model_calls,
            "tokens": self.tokens,
            "minutes": self.minutes_at(now),
        }
