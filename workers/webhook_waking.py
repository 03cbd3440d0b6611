"""Wakes the senders of webhooks: at once when this process wrote something for one, and now and then for all.

What wakes a sender may be lost, for it is no part of the transaction that wrote the event; the look that is taken now
and then finds what waits, whoever wrote it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from domain.errors import SurehandError
from domain.tickets.ticket import Priority
from domain.webhooks.events import webhook_workflow_id
from domain.webhooks.messages import SenderInput, WakeInput
from integrations.store.deliveries.outbox import SqlOutbox
from workflows import search_attributes, sharing

_EVERY = timedelta(seconds=30)
_QUIET = timedelta(milliseconds=200)
"""Between two looks, so that a hundred saves wake a sender once."""
_FORGETS_EVERY = timedelta(hours=6)
_WORKFLOW = "WebhookWorkflow"
logger = logging.getLogger(__name__)


async def wake(client: Client, task_queue: str, tenant: str, endpoint: str, *, at_once: bool = False) -> None:
    """Have an endpoint's sender look for what waits; it is started where none runs.

    Args:
        client: connected.
        task_queue: of the workers.
        tenant: whose endpoint.
        endpoint: its name.
        at_once: whether a pause after failures ends.
    """
    await client.start_workflow(
        _WORKFLOW,
        SenderInput(tenant=tenant, endpoint=endpoint),
        id=webhook_workflow_id(tenant, endpoint),
        task_queue=task_queue,
        start_signal="wake",
        start_signal_args=[WakeInput(at_once=at_once)],
        search_attributes=search_attributes.at_sender_start(tenant),
        static_summary=f"Webhooks to {endpoint}",
        priority=sharing.of_tenant(tenant, Priority.LOW),
    )


async def _start(client: Client, task_queue: str, tenant: str, endpoint: str) -> None:
    """Start a sender, unless one runs: one that waits for its next try is left alone."""
    await client.start_workflow(
        _WORKFLOW,
        SenderInput(tenant=tenant, endpoint=endpoint),
        id=webhook_workflow_id(tenant, endpoint),
        task_queue=task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        search_attributes=search_attributes.at_sender_start(tenant),
        static_summary=f"Webhooks to {endpoint}",
        priority=sharing.of_tenant(tenant, Priority.LOW),
    )


@asynccontextmanager
async def waking_senders(
    client: Client, outbox: SqlOutbox, task_queue: str, keep: timedelta, *, every: timedelta = _EVERY
) -> AsyncIterator[None]:
    """Wake them as long as the block runs.

    Args:
        client: connected.
        outbox: of this process.
        task_queue: of the workers.
        keep: how long what was sent is remembered.
        every: time between two looks when this process wrote nothing.
    """
    waking = _Waking(client, outbox, task_queue, keep)
    task = asyncio.create_task(waking.run(every))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class _Waking:
    """The looks of one process."""

    def __init__(self, client: Client, outbox: SqlOutbox, task_queue: str, keep: timedelta) -> None:
        self._client = client
        self._outbox = outbox
        self._task_queue = task_queue
        self._keep = keep
        self._written = asyncio.Event()
        self._forgot_at = datetime.min.replace(tzinfo=UTC)
        outbox.listen(self._written.set)

    async def run(self, every: timedelta) -> None:
        while True:
            # What is written from here on is seen by the look or rings once more.
            rung = self._written.is_set()
            self._written.clear()
            try:
                await self._look(rung)
            except (SurehandError, RPCError, RuntimeError) as error:
                logger.warning("senders of webhooks could not be woken", extra={"error": type(error).__name__})
            await asyncio.sleep(_QUIET.total_seconds())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._written.wait(), every.total_seconds())

    async def _look(self, rung: bool) -> None:
        for tenant, endpoint, failing in await self._outbox.waiting():
            # One that is failing has its own times; it is only started again, should nothing be at work for it.
            if not failing:
                await wake(self._client, self._task_queue, tenant, endpoint)
            elif not rung:
                await _start(self._client, self._task_queue, tenant, endpoint)
        now = datetime.now(UTC)
        if now - self._forgot_at > _FORGETS_EVERY:
            self._forgot_at = now
            await self._outbox.forget_before(now - self._keep)
