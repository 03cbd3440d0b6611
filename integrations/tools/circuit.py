"""One gate per vendor: a circuit breaker, and a wait that one answer tells all calls of this process.

`purgatory` keeps the breaker's state: closed, opened, half-opened. Its half-open state lets every caller through at
once, and any answer that comes late from before may close it. So the gate admits one probe, lets only the probe decide,
and gives callers that wait a moment of their own to come back at.
"""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TypeVar

from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import CLOSED, HALF_OPENED

from domain.errors import OutcomeUnknown, VendorError, VendorThrottled, VendorUnavailable
from domain.tools.tool_policy import VendorSettings

T = TypeVar("T")
_LEAST_PAUSE_SECONDS = 0.5
_MOST_GATES = 1_000
_DICE = random.SystemRandom()


class VendorGate:
    """What this process knows of one vendor's health. State is per process: each learns for itself."""

    def __init__(
        self,
        vendor: str,
        settings: VendorSettings,
        *,
        uniform: Callable[[float, float], float] = _DICE.uniform,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`uniform` and `clock` are for tests; the breaker itself goes by the wall clock."""
        self._vendor = vendor
        self._settings = settings
        self._uniform = uniform
        self._clock = clock
        self._breakers = AsyncCircuitBreakerFactory(settings.opens_after, settings.stays_open.total_seconds())
        self._probing = False
        self._wait_until = 0.0

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[Admission]:
        """Let a call through to its vendor, or say when to come back.

        Raises:
            VendorThrottled: the vendor told an earlier call to wait.
            VendorUnavailable: the circuit is open, or another call is trying whether it may close.
        """
        self._obey_the_wait()
        breaker = await self._breakers.get_breaker(self._vendor)
        context = breaker.context
        probe = context.state != CLOSED
        if probe:
            left = (context.opened_at or 0) + context.ttl - time.time() if context.state != HALF_OPENED else 0.0
            if left >= 0 and context.state != HALF_OPENED:
                raise self._open(left)
            if self._probing:
                raise self._open(0)
            self._probing = True
        try:
            if probe:
                context.handle_new_request()

            async def report(error: VendorError | None) -> None:
                if context.state == HALF_OPENED and not probe:
                    return  # from before the circuit opened: says nothing about now
                await breaker.__aexit__(type(error) if error else None, error, None)

            yield Admission(self, report)
        finally:
            if probe:
                self._probing = False

    async def state(self) -> str:
        """`closed`, `half-opened` or `opened`, as of the last call."""
        return str((await self._breakers.get_breaker(self._vendor)).context.state)

    def told_to_wait(self, retry_after: timedelta) -> None:
        """Remember what a vendor asked for; a shorter wish never shortens a longer one."""
        self._wait_until = max(self._wait_until, self._clock() + retry_after.total_seconds())

    def _obey_the_wait(self) -> None:
        left = self._wait_until - self._clock()
        if left > 0:
            raise VendorThrottled(
                self._vendor,
                "waiting",
                f"{self._vendor} asked us to slow down: the call waits its turn.",
                retry_after=self._later(left),
            )

    def _open(self, left: float) -> VendorUnavailable:
        return VendorUnavailable(
            self._vendor,
            "circuit_open",
            f"{self._vendor} failed several times in a row and is left alone for a while.",
            retry_after=self._later(max(left, _LEAST_PAUSE_SECONDS)),
        )

    def _later(self, seconds: float) -> timedelta:
        return timedelta(seconds=seconds + self._uniform(0, self._settings.spread.total_seconds()))


class Admission:
    """One call that was let through. What comes of it is the vendor's record."""

    def __init__(self, gate: VendorGate, report: Callable[[VendorError | None], Awaitable[None]]) -> None:
        self._gate = gate
        self._report = report

    async def watch(self, call: Awaitable[T]) -> T:
        """Await the call and learn from its outcome.

        Trouble at the vendor counts against it; an answer counts for it, a refusal or a wish to slow down too. What
        is our own (a cancellation, arguments that do not fit, a defect) counts neither way.
        """
        try:
            answer = await call
        except VendorError as error:
            if isinstance(error, VendorUnavailable) and error.retry_after is not None:
                self._gate.told_to_wait(error.retry_after)
            troubled = isinstance(error, VendorUnavailable | OutcomeUnknown) and not isinstance(error, VendorThrottled)
            await self._report(error if troubled else None)
            raise
        await self._report(None)
        return answer


class Gates:
    """A gate for every vendor, made when it is first called."""

    def __init__(self, vendors: Mapping[str, VendorSettings], *, gate: Callable[..., VendorGate] = VendorGate) -> None:
        """`vendors` are those with settings of their own; `gate` makes a gate, for tests."""
        self._vendors = vendors
        self._gate = gate
        self._gates: dict[str, VendorGate] = {}

    def of(self, vendor: str) -> VendorGate:
        """The vendor's gate."""
        if vendor not in self._gates:
            while len(self._gates) >= _MOST_GATES:  # hosts of plain HTTP calls are vendors too
                del self._gates[next(iter(self._gates))]
            self._gates[vendor] = self._gate(vendor, self._vendors.get(vendor, VendorSettings()))
        return self._gates[vendor]
