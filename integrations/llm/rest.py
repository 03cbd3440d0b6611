"""When an endpoint is left alone: a small circuit breaker with one probe after each rest."""

from __future__ import annotations

from datetime import datetime, timedelta

from integrations.llm.failures import Failing, ProviderFailure

FAILURES_BEFORE_REST = 3
"""Time-outs and server errors in a row before an endpoint rests."""
LONGEST_REST = timedelta(minutes=15)
LONGEST_PROBE = timedelta(minutes=2)
"""A probe that has not come back by then was lost with its activity; the next question probes."""


class Rest:
    """Whether one endpoint may be asked. After a rest one question goes first, and the others wait for how it fares."""

    def __init__(self) -> None:
        """A new endpoint is asked."""
        self.reason = ""
        self._until: datetime | None = None
        self._length = timedelta(0)
        self._probe_since: datetime | None = None
        self._failures_in_a_row = 0

    def enter(self, now: datetime) -> bool:
        """Ask to be let through; whoever is must call `succeeded`, `failed` or `left` afterwards."""
        if self._until is None:
            return True
        # A clock that was set back must not make a rest longer than any rest is.
        if timedelta(0) < self._until - now <= LONGEST_REST:
            return False
        if self._probe_since is not None and timedelta(0) <= now - self._probe_since < LONGEST_PROBE:
            return False
        self._probe_since = now
        return True

    def succeeded(self) -> None:
        """The endpoint answered: it is well, whatever the answer was worth."""
        self.reason = ""
        self._until = self._probe_since = None
        self._length = timedelta(0)
        self._failures_in_a_row = 0

    def left(self) -> None:
        """The question was given up before the endpoint showed anything."""
        self._probe_since = None

    def failed(self, failure: ProviderFailure, now: datetime) -> bool:
        """Count a failure.

        Returns:
            True when the endpoint begins to rest with it, so that one line is logged and not one per case.
        """
        if failure.failing is Failing.NO_ANSWER:
            self.succeeded()
            return False
        probing = self._probe_since is not None
        self._probe_since = None
        self._failures_in_a_row += 1
        patient = failure.failing is Failing.UNAVAILABLE and not probing
        if patient and self._failures_in_a_row < FAILURES_BEFORE_REST:
            return False
        resting = self._until is not None and now < self._until
        self._length = min(max(failure.rest, self._length * 2 if probing else failure.rest), LONGEST_REST)
        self._until = max(now + self._length, self._until) if resting and self._until else now + self._length
        self.reason = failure.reason
        return not resting
