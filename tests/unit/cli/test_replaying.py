"""Which cases of a server are replayed."""

from __future__ import annotations

import pytest

from starters.replaying import _narrowed
from workers.worker import WORKFLOWS


@pytest.mark.parametrize("query", ["", "ExecutionStatus = 'Running'"])
def test_every_kind_of_case_is_replayed_and_nothing_else(query: str) -> None:
    narrowed = _narrowed(query)
    assert narrowed.endswith(
        "WorkflowType IN ('EscalationWorkflow', 'PlaybookWorkflow', 'TroubleshootingWorkflow', 'WebhookWorkflow')"
    )
    assert len(WORKFLOWS) == 4
    assert query in narrowed
