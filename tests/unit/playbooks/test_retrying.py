"""When a failed block is tried again: the formulas of the specification."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from domain.playbook.definition import RetryPolicy
from domain.playbook.retrying import LONGEST, delay_before, may_retry


def seconds_before(policy: dict[str, Any], *attempts: int) -> list[float]:
    read = RetryPolicy.model_validate(policy)
    return [delay_before(read, attempt, Random(7)).total_seconds() for attempt in attempts]


@pytest.mark.parametrize(
    ("backoff", "delays"),
    [
        ({}, [2, 2, 2, 2]),
        ({"backoff": {"constant": {}}}, [2, 2, 2, 2]),
        ({"backoff": {"linear": {}}}, [2, 4, 6, 8]),
        ({"backoff": {"linear": {"increment": {"seconds": 5}}}}, [2, 7, 12, 17]),
        ({"backoff": {"exponential": {}}}, [2, 4, 8, 16]),
        ({"backoff": {"exponential": {"factor": 3}}}, [2, 6, 18, 54]),
        ({"backoff": {"exponential": {"maxDelay": {"seconds": 5}}}}, [2, 4, 5, 5]),
    ],
)
def test_delays_grow_as_the_backoff_says(backoff: dict[str, Any], delays: list[float]) -> None:
    assert seconds_before({"delay": {"seconds": 2}, **backoff}, 1, 2, 3, 4) == delays


def test_no_delay_grows_beyond_all_bounds() -> None:
    policy = {"delay": {"days": 1}, "backoff": {"exponential": {"factor": 10}}}
    assert seconds_before(policy, 500) == [LONGEST.total_seconds()]


def test_jitter_lies_between_its_bounds_and_varies() -> None:
    policy = RetryPolicy.model_validate(
        {"delay": {"seconds": 10}, "jitter": {"from": {"seconds": 1}, "to": {"seconds": 3}}}
    )
    drawn = [delay_before(policy, 1, Random(seed)).total_seconds() for seed in range(50)]
    assert 11 <= min(drawn) < 11.5
    assert 12.5 < max(drawn) <= 13


@pytest.mark.parametrize(
    ("limit", "attempt", "elapsed", "allowed"),
    [
        ({"attempt": {"count": 3}}, 3, 0, True),
        ({"attempt": {"count": 3}}, 4, 0, False),
        ({"duration": {"seconds": 30}}, 99, 30, True),
        ({"duration": {"seconds": 30}}, 1, 31, False),
        ({"attempt": {"count": 3}, "duration": {"seconds": 30}}, 3, 31, False),
        ({"attempt": {"count": 3}, "duration": {"seconds": 30}}, 4, 1, False),
        ({}, 10, 10_000, True),
        ({}, 11, 0, False),
    ],
)
def test_attempts_end_at_whichever_limit_comes_first(
    limit: dict[str, Any], attempt: int, elapsed: int, allowed: bool
) -> None:
    policy = RetryPolicy.model_validate({"limit": limit} if limit else {})
    assert may_retry(policy, attempt, timedelta(seconds=elapsed)) is allowed
