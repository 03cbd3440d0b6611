"""How long activities may take and how they are retried, by what they touch. Durations come from the case policy."""

from __future__ import annotations

from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType, ActivityConfig

from domain.policies.case_policy import Timers
from domain.tools.tool import ToolBrief

HEARTBEAT = timedelta(seconds=10)
"""Every activity beats (see `activities/boundary.py`), so the next worker takes over this soon after one died."""
_MARGIN = timedelta(seconds=10)
_MODEL_CALLS = 4
"""Primary and secondary, each with one repair turn."""
_LONGEST_LOOK = timedelta(minutes=1)
_LONGEST_THOUGHT = timedelta(minutes=1)
_STORE_ATTEMPT = timedelta(seconds=25)
"""The longest wait for a connection and a statement together."""


def opening() -> ActivityConfig:
    """The first activity, before any policy is known. It has no end of its own: without a policy there is no case."""
    return ActivityConfig(
        start_to_close_timeout=timedelta(seconds=30),
        schedule_to_close_timeout=timedelta(hours=1),
        heartbeat_timeout=HEARTBEAT,
        retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)),
    )


def thought() -> ActivityConfig:
    """Reasoning: a moment of arithmetic without any effect, so a cancellation need not wait for it."""
    return ActivityConfig(
        cancellation_type=ActivityCancellationType.ABANDON,
        start_to_close_timeout=_LONGEST_THOUGHT,
        heartbeat_timeout=HEARTBEAT,
        retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)),
    )


def _config(timers: Timers, attempt: timedelta, give_up_after: timedelta) -> ActivityConfig:
    return ActivityConfig(
        # An undo may only start once its step has really stopped.
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        start_to_close_timeout=attempt + _MARGIN,
        schedule_to_close_timeout=give_up_after,
        heartbeat_timeout=HEARTBEAT,
        retry_policy=RetryPolicy(
            initial_interval=timers.retry_first, backoff_coefficient=2.0, maximum_interval=timers.retry_longest
        ),
    )


def model(timers: Timers, questions: int = 1) -> ActivityConfig:
    """An activity that asks a model `questions` times; the rules answer when none does, so it rarely fails."""
    return _config(timers, timers.model_timeout * _MODEL_CALLS * questions, timers.give_up_after)


def vendor(timers: Timers) -> ActivityConfig:
    """One effect at a vendor; parks the step when it keeps failing."""
    return _config(timers, timers.vendor_timeout, timers.give_up_after)


def handoff(timers: Timers) -> ActivityConfig:
    """One leg of a handoff, or of its undo; fails early, because the emergency path waits behind it."""
    return _config(timers, timers.vendor_timeout, timers.handoff_give_up_after)


def store(timers: Timers) -> ActivityConfig:
    """One write to the store."""
    return _config(timers, _STORE_ATTEMPT, timers.give_up_after)


def looking(timers: Timers) -> ActivityConfig:
    """A look into the store that others wait for; what it would have found is not worth a delay."""
    return _config(timers, _STORE_ATTEMPT, min(timers.handoff_give_up_after, _LONGEST_LOOK))


def tool(brief: ToolBrief, timers: Timers) -> ActivityConfig:
    """One call of a tool, on the task queue of its vendor where that is rate-limited."""
    config = _config(timers, brief.timeout, brief.give_up_after or timers.give_up_after)
    if brief.queue is not None:
        config["task_queue"] = brief.queue
    return config


def directory(timers: Timers) -> ActivityConfig:
    """A look into the people directory."""
    return _config(timers, _STORE_ATTEMPT, timers.give_up_after)
