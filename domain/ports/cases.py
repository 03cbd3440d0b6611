"""The port of the store that keeps cases."""

from __future__ import annotations

from typing import Protocol

from domain.cases.records import ANY_CASE, ApprovalRecord, CaseMatch, CaseRecord, InterventionRecord, OutcomeRecord
from domain.cases.timeline import CaseMessage, TimelineEntry


class CaseStore(Protocol):
    """What must outlive Temporal's retention. Every write may be repeated."""

    async def save_case(self, record: CaseRecord) -> None:
        """Write the case's row and its new timeline entries in one transaction."""
        ...

    async def find_case(self, workflow_id: str, *, tenant: str | None = None) -> CaseRecord | None:
        """The case's row, without its timeline. With `tenant`, here and below, another tenant's case is not found."""
        ...

    async def list_cases(
        self, tenant: str, wanted: CaseMatch = ANY_CASE, *, limit: int = 50, offset: int = 0
    ) -> list[CaseRecord]:
        """Rows that match, newest first."""
        ...

    async def open_incidents(self, tenant: str, *, limit: int = 20) -> list[CaseRecord]:
        """Rows of the tenant's incidents that are not over, newest first."""
        ...

    async def timeline(self, workflow_id: str, *, tenant: str | None = None) -> list[TimelineEntry]:
        """The whole timeline, in order."""
        ...

    async def conversation(self, workflow_id: str, *, tenant: str | None = None) -> list[CaseMessage]:
        """The whole conversation, in order."""
        ...

    async def audit_approval(self, record: ApprovalRecord) -> None:
        """Append to the approvals audit."""
        ...

    async def approvals_of(self, workflow_id: str, *, tenant: str | None = None) -> list[ApprovalRecord]:
        """The approvals audit of one case, in order."""
        ...

    async def audit_intervention(self, record: InterventionRecord) -> None:
        """Append what a person said about a parked step."""
        ...

    async def interventions_of(self, workflow_id: str, *, tenant: str | None = None) -> list[InterventionRecord]:
        """What people said about the parked steps of one case, in order."""
        ...

    async def save_outcome(self, record: OutcomeRecord) -> None:
        """Write how the decision turned out; one row per workflow id."""
        ...

    async def outcomes(self, tenant: str, *, category: str | None = None, limit: int = 200) -> list[OutcomeRecord]:
        """Past outcomes, newest first."""
        ...

    async def save_text(self, reference: str, tenant: str, text: str) -> None:
        """Keep a long text under a reference."""
        ...

    async def load_text(self, reference: str, tenant: str) -> str | None:
        """The text under a reference, for this tenant only."""
        ...
