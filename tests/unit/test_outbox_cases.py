"""Which case the outbox puts a message under."""

import pytest

from sandbox.world import case_in


@pytest.mark.parametrize(
    ("key", "text", "case"),
    [
        ("", "[Case TICK-1] Your ticket", "TICK-1"),
        ("", "[Case incident:INC-7] URGENT: Checkout fails", "INC-7"),
        ("troubleshooting:default:INC-7/handoff-1/mail", "", "INC-7"),
        ("escalation:default:TICK-1/acknowledge", "[Case TICK-2]", "TICK-1"),
        ("", "Nothing of the kind", None),
    ],
)
def test_messages_of_one_case_stand_together(key: str, text: str, case: str | None) -> None:
    assert case_in(key, text) == case
