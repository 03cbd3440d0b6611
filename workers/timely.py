"""No run takes events before the workflow task that they belong to has started.

A question brings its run's history as it is. Where a timer, a signal or a result came since the last workflow task and
nobody has started the next (no worker was there), the SDK hands these events to the run with the time of the task
before: early by as long as no worker was there (temporalio 1.35: `WorkflowTaskStarted` alone moves a run's clock). What
the run decides then is sent with its next task. Whoever replays that task later has its right time, may decide
otherwise, and the run stands still for ever ("TMPRL1100").

So a run refuses such a question. The SDK forgets the run, builds it anew from history with its next task, and the
question is asked again (`runtime.temporal.asking`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.worker import WorkflowInstance

from runtime.temporal.asking import NOT_YET
from workers.sandboxed import Sandbox, SandboxedRun

logger = logging.getLogger(__name__)


class TimelySandbox(Sandbox):
    """For workers. Replay does without: a history that was saved between two tasks ends with such events."""

    def wrap(self, inside: WorkflowInstance) -> SandboxedRun:
        """What stands around a run."""
        return _TimelyRun(inside)


class _TimelyRun(SandboxedRun):
    """Knows how far its last activation was."""

    def __init__(self, inside: WorkflowInstance) -> None:
        super().__init__(inside)
        self._seen: _Point | None = None

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """Let the run take what came, unless it is early."""
        point = _Point.of(act)
        if self._seen is not None and point.is_early_after(self._seen) and _is_new(act):
            logger.info("a question came with events of a task that nobody has started: it is asked again")
            refused = WorkflowActivationCompletion(run_id=act.run_id)
            refused.failed.failure.message = NOT_YET
            return refused
        self._seen = point
        return super().activate(act)


@dataclass(frozen=True)
class _Point:
    """How far a history was."""

    event_id: int
    """Of its last event that the run was given."""
    at_ns: int
    """When its last workflow task started."""
    history_bytes: int
    """How large it was then; larger with each task that starts. 0 from servers that do not say."""

    @classmethod
    def of(cls, act: WorkflowActivation) -> _Point:
        return cls(act.history_length, act.timestamp.ToNanoseconds(), act.history_size_bytes)

    def is_early_after(self, before: _Point) -> bool:
        """Whether there are new events and no new task."""
        is_same_task = (self.at_ns, self.history_bytes) == (before.at_ns, before.history_bytes)
        return is_same_task and self.event_id > before.event_id


def _is_new(act: WorkflowActivation) -> bool:
    """Whether it is neither replay, which has the right times, nor the end of this instance."""
    return not act.is_replaying and not any(job.HasField("remove_from_cache") for job in act.jobs)


__all__ = ["TimelySandbox"]
