"""Delays between attempts at a vendor."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from temporalio.common import RetryPolicy
from temporalio.testing import ActivityEnvironment

from activities.boundary import _varied_delay

POLICY = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=32)
)


def delay(attempt: int, share: float, policy: RetryPolicy | None = POLICY) -> float | None:
    """The delay after an attempt, where the draw is at that share between least and most."""
    info = dataclasses.replace(ActivityEnvironment.default_info(), attempt=attempt, retry_policy=policy)
    found = _varied_delay(info, lambda least, most: least + share * (most - least))
    return found.total_seconds() if found is not None else None


@pytest.mark.parametrize(("attempt", "expected"), [(1, 1), (2, 2), (5, 16), (6, 32), (9, 32), (5_000, 32)])
def test_delays_double_up_to_the_longest(attempt: int, expected: float) -> None:
    assert delay(attempt, 0.5) == expected


@pytest.mark.parametrize(("share", "expected"), [(0, 3.0), (1, 5.0)])
def test_delays_vary_by_a_quarter_so_that_calls_that_failed_together_part(share: float, expected: float) -> None:
    assert delay(3, share) == expected


def test_an_activity_without_a_policy_keeps_what_the_server_says() -> None:
    assert delay(1, 0.5, None) is None
