"""Activities on the store: open a case, save its milestones, record how it ended."""

from __future__ import annotations

from datetime import UTC, datetime

from temporalio import activity

from domain.cases.records import ApprovalRecord, CaseRecord, InterventionRecord, OutcomeRecord
from domain.cases.terms import Channels
from domain.knowledge.articles import Article, ArticleHit
from domain.model import Value
from domain.policies.case_policy import CasePolicy
from domain.ports.cases import CaseStore
from domain.ports.configuration import PolicySource
from domain.ports.knowledge import KnowledgeBase
from domain.tickets.ticket import Ticket


class OpenCaseInput(Value):
    """What is known when a ticket arrives."""

    tenant: str
    case_number: str
    ticket: Ticket
    opened_at: datetime


class OpenedCase(Value):
    """What the case needs to go on."""

    policy: CasePolicy
    channels: Channels
    articles: tuple[ArticleHit, ...] = ()


class SaveCaseInput(Value):
    """A milestone: the case's row, what is new on its timeline, and what is new in the audits."""

    record: CaseRecord
    approvals: tuple[ApprovalRecord, ...] = ()
    interventions: tuple[InterventionRecord, ...] = ()


class RecordOutcomeInput(Value):
    """The end of a case."""

    case: SaveCaseInput
    outcome: OutcomeRecord
    article: Article | None = None
    """What the case taught; not public until a person reviewed it."""


class CaseActivities:
    """Receives the store, the knowledge base and the policies."""

    def __init__(self, store: CaseStore, knowledge: KnowledgeBase, policies: PolicySource, channels: Channels) -> None:
        """`channels` says which outside systems this installation has."""
        self._store = store
        self._knowledge = knowledge
        self._policies = policies
        self._channels = channels

    @activity.defn
    async def open_case(self, opening: OpenCaseInput) -> OpenedCase:
        """Load the tenant's policy, store the case, and look up articles that may help."""
        policy = self._policies.policy_for(opening.tenant)
        await self._store.save_case(
            CaseRecord(
                workflow_id=activity.info().workflow_id or "",
                tenant=opening.tenant,
                kind="escalation",
                case_id=opening.case_number,
                ticket_id=opening.ticket.ticket_id,
                status="triaging",
                phase="intake",
                subject=opening.ticket.subject,
                customer_ref=opening.ticket.customer.customer_id,
                opened_at=opening.opened_at,
                updated_at=opening.opened_at,
            )
        )
        articles = await self._knowledge.search(opening.tenant, opening.ticket.text)
        return OpenedCase(policy=policy, channels=self._channels, articles=tuple(articles))

    @activity.defn
    async def save_case(self, save: SaveCaseInput) -> None:
        """Write a milestone. Rows are keyed, so a repeat adds nothing."""
        await self._store.save_case(save.record)
        for approval in save.approvals:
            await self._store.audit_approval(approval)
        for intervention in save.interventions:
            await self._store.audit_intervention(intervention)

    @activity.defn
    async def record_outcome(self, end: RecordOutcomeInput) -> None:
        """Write how the case ended, and what it taught."""
        await self.save_case(end.case)
        await self._store.save_outcome(end.outcome.model_copy(update={"recorded_at": datetime.now(UTC)}))
        if end.article is not None:
            await self._knowledge.add(end.case.record.tenant, end.article)
