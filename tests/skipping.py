"""The server whose clock skips: its time, and how long a test waits for it."""

from __future__ import annotations

from datetime import timedelta

from temporalio.api.testservice.v1 import SleepRequest
from temporalio.testing import WorkflowEnvironment

PATIENCE_SECONDS = 90.0
"""Real seconds. The clock skips nothing while a task is out; one that is lost comes again after half a minute."""


async def pass_time(environment: WorkflowEnvironment, duration: timedelta) -> None:
    """Let time pass on the server.

    `WorkflowEnvironment.sleep` does the same, but gives up after the client's own limit of 30 real seconds.
    """
    request = SleepRequest()
    request.duration.FromTimedelta(duration)
    await environment.client.test_service.unlock_time_skipping_with_sleep(
        request, timeout=timedelta(seconds=PATIENCE_SECONDS)
    )


__all__ = ["PATIENCE_SECONDS", "pass_time"]
