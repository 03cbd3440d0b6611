"""A store that tells, as the real outbox does, beside any world's other fakes."""

from __future__ import annotations

from typing import Any

from domain.cases.records import ApprovalRecord, CaseRecord
from domain.webhooks.events import CaseEvent, event_of_approval, events_of_change
from tests.fakes import FakeStore


class TellingStore(FakeStore):
    """Keeps the events that follow from what it is given, each once."""

    def __init__(self) -> None:
        super().__init__()
        self.events: dict[str, CaseEvent] = {}
        self.saves = 0

    async def save_case(self, record: CaseRecord) -> None:
        before = self.cases.get(record.workflow_id)
        await super().save_case(record)
        self.saves += 1
        for event in events_of_change(before, record):
            self.events.setdefault(event.event_id, event)

    async def audit_approval(self, record: ApprovalRecord) -> None:
        await super().audit_approval(record)
        event = event_of_approval(record, self.cases[record.workflow_id])
        if event is not None:
            self.events.setdefault(event.event_id, event)

    def told(self, of: str = "") -> list[str]:
        """Kinds, in the order in which they were told; of the cases whose id holds `of`."""
        return [event.kind.value for event in self.events.values() if of in event.case.workflow_id]


def tells(world: Any) -> TellingStore:
    """From now on somebody wants to know of the world's cases; call it before the worker is built."""
    store = world.store = TellingStore()
    world.policies.policy = world.policies.policy.model_copy(update={"tells_others": True})
    return store
