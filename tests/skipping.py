"""The server whose clock skips: its time, and how long a test waits for it."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

from temporalio.api.testservice.v1 import SleepRequest
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment

PATIENCE_SECONDS = 90.0
"""Real seconds. The clock skips nothing while a task is out; one that is lost comes again after half a minute."""

_RESTS_WITHIN_SECONDS = 2.0


async def pass_time(environment: WorkflowEnvironment, duration: timedelta) -> None:
    """Let time pass on the server.

    `WorkflowEnvironment.sleep` does the same, but gives up after the client's own limit of 30 real seconds.
    """
    request = SleepRequest()
    request.duration.FromTimedelta(duration)
    await environment.client.test_service.unlock_time_skipping_with_sleep(
        request, timeout=timedelta(seconds=PATIENCE_SECONDS)
    )


async def at_rest(run: WorkflowHandle[Any, Any]) -> None:
    """Wait until nothing of a run is on its way, or for two seconds where something always is.

    A cancellation that meets an activity on its way stops this server's clock for good, about once in sixty times.
    """
    until = time.monotonic() + _RESTS_WITHIN_SECONDS
    while time.monotonic() < until:
        known = (await run.describe()).raw_description
        if not known.pending_activities and not known.HasField("pending_workflow_task"):
            return
        await asyncio.sleep(0.02)


__all__ = ["PATIENCE_SECONDS", "at_rest", "pass_time"]
