"""Timers that Temporal cannot keep are refused when the configuration is read, not in a running case."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.errors import ConfigurationProblem
from domain.policies.case_policy import Timers
from domain.triage.decision import Urgency

BY_URGENCY = dict.fromkeys(Urgency, timedelta(minutes=1))


def timers(**changes: Any) -> Timers:
    return Timers(**{"urgency_delay": BY_URGENCY, "claim_within": BY_URGENCY, **changes})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"retry_first": timedelta(minutes=10)}, "retry_longest shorter than retry_first"),
        ({"vendor_timeout": timedelta(0)}, "vendor_timeout to nothing"),
        ({"agreed_minute": timedelta(0)}, "agreed_minute to nothing"),
        ({"give_up_after": timedelta(seconds=-1)}, "give_up_after to nothing"),
        ({"claim_within": {Urgency.URGENT: timedelta(minutes=1)}}, "no claim_within for immediate"),
    ],
)
def test_timers_that_would_stall_every_case_are_refused_in_a_sentence(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationProblem, match=says):
        timers(**changes)


def test_no_delay_before_a_handoff_is_fine() -> None:
    assert timers(urgency_delay=dict.fromkeys(Urgency, timedelta(0))).urgency_delay[Urgency.URGENT] == timedelta(0)
