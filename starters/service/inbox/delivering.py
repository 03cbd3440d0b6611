"""Brings what is in the inbox to its cases: again and again until Temporal answers, by any replica, each thing once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.service import RPCError

from domain.cases.deliveries import Delivery
from domain.errors import NotReachable, Refused, SurehandError, VendorUnavailable
from integrations.store.deliveries.inbox import ClaimedDelivery
from starters.answers import STUCK
from starters.service.http import correlation
from starters.service.services import Services

AT_ONCE = 16
_WITHIN_SECONDS = 25.0
_LEASE = timedelta(seconds=30)
"""Longer than one try may take, so that nobody else begins while it is made."""
_LOOKS_EVERY_SECONDS = 1.0
"""For what other replicas took and could not deliver."""
_LONGEST_WAIT_SECONDS = 10.0
_GATHERS_SECONDS = 0.02
_LOOK = timedelta(seconds=2)
_FAULTS = 20
"""Tries of something that fails in a way that nobody foresaw; waiting for Temporal has no end."""

logger = logging.getLogger("surehand.service")


@dataclass(frozen=True)
class Done:
    """A delivery was made, or will never be."""

    outcome: str
    then: tuple[Delivery, ...] = ()
    """What is to be done because of it."""


class Later(Exception):
    """Nothing answers; the delivery is tried again.

    Args:
        then: what is to be done meanwhile, such as telling who waits.
    """

    def __init__(self, then: tuple[Delivery, ...] = ()) -> None:
        super().__init__()
        self.then = then


Handler = Callable[[Services, Delivery], Awaitable[Done]]


@dataclass(frozen=True)
class Lane:
    """Deliveries of some kinds, made beside those of other lanes."""

    handlers: Mapping[str, Handler]
    hands: int = AT_ONCE
    """Deliveries at the same time."""


async def received(services: Services, delivery: Delivery, *, done: str | None = None, once: str | None = None) -> bool:
    """Write down what came, and have it delivered at once; False when it came before.

    Args:
        services: of the application.
        delivery: what came.
        done: its outcome, where nothing is left to do.
        once: another id beside its own; what came under either before is not taken again.

    Raises:
        NotReachable: the store does not answer, so nothing was taken.
    """
    is_new = await services.store.inbox.take(delivery, done=done, once=once)
    if is_new and done is None:
        services.bell.ring(delivery.kind)
    return is_new


@contextlib.asynccontextmanager
async def delivering(services: Services, *lanes: Mapping[str, Handler] | Lane) -> AsyncIterator[None]:
    """Deliver while the block runs.

    Args:
        services: of the application.
        lanes: what is done, by the kind of a delivery. Each lane has hands of its own, so that what waits for Temporal
            does not keep from people what needs none.
    """
    whole = [lane if isinstance(lane, Lane) else Lane(lane) for lane in lanes]
    tasks = [asyncio.create_task(_deliver(services, lane.handlers, lane.hands)) for lane in whole]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _deliver(services: Services, handlers: Mapping[str, Handler], hands: int) -> None:
    under_way: set[asyncio.Task[None]] = set()
    arrived = services.bell.listen(handlers)
    try:
        while True:
            # What comes together is claimed together: each claim waits for the right to write.
            await asyncio.sleep(_GATHERS_SECONDS)
            arrived.clear()
            room = hands - len(under_way)
            claimed = await _claimed(services, tuple(handlers), room) if room else []
            for one in claimed:
                task = asyncio.create_task(_make(services, handlers, one))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            if not room:
                await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            elif len(claimed) < room:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(arrived.wait(), _LOOKS_EVERY_SECONDS)
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _claimed(services: Services, kinds: tuple[str, ...], room: int) -> list[ClaimedDelivery]:
    try:
        return await services.store.inbox.claim(kinds, room, _LEASE)
    except SurehandError as error:
        logger.warning("the inbox cannot be read now", extra={"error": type(error).__name__})
        return []


async def _make(services: Services, handlers: Mapping[str, Handler], claimed: ClaimedDelivery) -> None:
    delivery, inbox = claimed.delivery, services.store.inbox
    correlation.current.set(delivery.correlation_id)
    try:
        try:
            done = await _handled(services, handlers, delivery)
        except Later as later:
            await inbox.postpone(claimed, _next_try(delivery), later.then)
            return
        except asyncio.CancelledError:
            await inbox.release(claimed)
            raise
        await inbox.finish(claimed, done.outcome, done.then)
        for one in done.then:
            services.bell.ring(one.kind)
        logger.info("delivered", extra=_about(delivery) | {"outcome": done.outcome})
    except SurehandError as error:
        # The store: the row stays, and is taken again when its lease has run out.
        logger.warning("a delivery waits for the store", extra=_about(delivery) | {"error": type(error).__name__})


async def _handled(services: Services, handlers: Mapping[str, Handler], delivery: Delivery) -> Done:
    try:
        async with asyncio.timeout(_WITHIN_SECONDS):
            return await handlers[delivery.kind](services, delivery)
    except Later:
        raise
    except Exception as error:  # whatever it is, what was taken is not dropped for it
        if may_pass(error):
            raise Later from None
        # The exception's own words may hold somebody's data.
        logger.error("a delivery failed", extra=_about(delivery) | {"error": type(error).__name__})
        if delivery.attempts >= _FAULTS:
            return Done("failed")
        raise Later from None


async def temporal_answers(services: Services) -> None:
    """Look whether Temporal is there at all, so that nothing holds a hand for as long as an answer may take.

    Raises:
        NotReachable: it is not.
    """
    try:
        await services.client.service_client.check_health(timeout=_LOOK)
    except (RPCError, RuntimeError):
        raise NotReachable("Temporal does not answer: try again in a moment.") from None


def may_pass(error: Exception) -> bool:
    """Whether another try may work: nobody answered, or nobody can carry the case on now."""
    if isinstance(error, NotReachable | VendorUnavailable | TimeoutError):
        return True
    if isinstance(error, RuntimeError):
        return "client connect" in str(error)  # as the SDK says that a lazy client found nobody
    return isinstance(error, Refused) and str(error) == STUCK


def _next_try(delivery: Delivery) -> datetime:
    seconds = min(0.5 * 2 ** min(delivery.attempts, 10), _LONGEST_WAIT_SECONDS)
    return datetime.now(UTC) + timedelta(seconds=seconds)


def _about(delivery: Delivery) -> dict[str, object]:
    return {
        "source": delivery.source,
        "kind": delivery.kind,
        "tenant": delivery.tenant,
        "attempt": delivery.attempts + 1,
    }
