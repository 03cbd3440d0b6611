"""Which dead letters a filter means."""

from __future__ import annotations

from datetime import timedelta

import pytest

from starters.dead_letters import DeadLetter, LetterFilter
from tests.fakes import at

NOW = at("2026-03-02T10:00:00+00:00")
LETTER = DeadLetter(
    case="payment:A-1",
    workflow_id="playbook:default:payment:A-1",
    tenant="default",
    kind="playbook",
    step="/do/0/pay",
    title="Pay",
    tool="payments.capture",
    problem="Down.",
    parked_at=NOW - timedelta(hours=2),
)


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        ({}, True),
        ({"tool": "payments.capture"}, True),
        ({"tool": "payments.*"}, True),
        ({"tool": "payments.refund"}, False),
        ({"step": "*/pay"}, True),
        ({"step": "*/ship"}, False),
        ({"older_than": timedelta(hours=2)}, True),
        ({"older_than": timedelta(hours=2, seconds=1)}, False),
        ({"tool": "payments.*", "step": "*/ship"}, False),
    ],
)
def test_a_filter_takes_what_fits_all_that_it_says(wanted: dict[str, object], taken: bool) -> None:
    assert LetterFilter.model_validate({"tenant": "default", **wanted}).takes(LETTER, NOW) is taken


def test_a_step_that_calls_no_tool_is_not_meant_by_a_tools_name() -> None:
    plain = LETTER.model_copy(update={"tool": None})
    assert not LetterFilter(tenant="default", tool="payments.*").takes(plain, NOW)
