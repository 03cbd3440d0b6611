"""Questions to a run that cannot answer at this moment are asked again.

A worker refuses a question that came with events of a workflow task which nobody has started (see `workers.timely`).
The run answers with its next task, a moment later, and whoever asked sees nothing of it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from temporalio.client import (
    Interceptor,
    OutboundInterceptor,
    QueryWorkflowInput,
    WorkflowQueryFailedError,
)

NOT_YET = "This run has events that no workflow task has started: ask again."
"""What a worker answers; also read by people who ask with Temporal's own tools."""
_PAUSES_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0)


class AsksAgain(Interceptor):
    """Client interceptor."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002
        """Wrap a client's calls."""
        return _AsksAgain(next)


class _AsksAgain(OutboundInterceptor):
    async def query_workflow(self, input: QueryWorkflowInput) -> Any:  # noqa: A002
        for pause in _PAUSES_SECONDS:
            try:
                return await super().query_workflow(input)
            except WorkflowQueryFailedError as error:
                if NOT_YET not in error.message:
                    raise
            await asyncio.sleep(pause)
        return await super().query_workflow(input)


__all__ = ["NOT_YET", "AsksAgain"]
