"""When a failed block is tried again. Source: dsl-reference.md, "Retry", "Backoff", "Retry Limit", "Jitter"."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from domain.model import JsonValue
from domain.playbook.definition import RetryPolicy
from domain.playbook.duration import parse_duration

LONGEST = timedelta(days=30)
"""No single delay grows beyond this."""
_NO_LIMIT = 10
"""Attempts of a policy that gives no limit at all: nothing is tried for ever."""


def delay_before(policy: RetryPolicy, attempt: int, random: Random) -> timedelta:
    """How long to wait after a failed attempt.

    Args:
        policy: of the block.
        attempt: the one that failed, from 1.
        random: where the jitter comes from; the workflow's own, so that a replay draws the same.

    Returns:
        The delay, jitter included: constant = d; linear = d + increment x (attempt - 1); exponential =
        d x factor^(attempt - 1) with factor 2 unless given, capped at `maxDelay` where given.
    """
    delay = parse_duration(policy.delay) if policy.delay is not None else timedelta(0)
    backoff = policy.backoff
    if backoff is not None and backoff.linear is not None:
        increment = _option(backoff.linear, "increment")
        delay += (parse_duration(increment) if increment is not None else delay) * (attempt - 1)
    elif backoff is not None and backoff.exponential is not None:
        factor = float(_option(backoff.exponential, "factor") or 2)
        delay = min(LONGEST.total_seconds(), delay.total_seconds() * factor ** min(attempt - 1, 60)) * timedelta(
            seconds=1
        )
        longest = _option(backoff.exponential, "maxDelay")
        delay = min(delay, parse_duration(longest)) if longest is not None else delay
    if policy.jitter is not None:
        least, most = parse_duration(policy.jitter.from_), parse_duration(policy.jitter.to)
        delay += least + (most - least) * random.random()
    return min(delay, LONGEST)


def may_retry(policy: RetryPolicy, attempt: int, elapsed: timedelta) -> bool:
    """Whether the policy allows another attempt.

    Args:
        policy: of the block.
        attempt: the one that failed, from 1. A `count` of 3 allows three attempts after the first.
        elapsed: since the first attempt began, the next delay included.
    """
    limit = policy.limit
    count = limit.attempt.count if limit is not None and limit.attempt is not None else None
    duration = parse_duration(limit.duration) if limit is not None and limit.duration is not None else None
    if count is None and duration is None:
        count = _NO_LIMIT
    return (count is None or attempt <= count) and (duration is None or elapsed <= duration)


def _option(options: JsonValue, name: str) -> JsonValue:
    return options.get(name) if isinstance(options, dict) else None
