"""Incidents on the time-skipping server: the real workflow, activities and reasoning, fake tools behind them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.incidents import IncidentActivities
from activities.notices import NoticeActivities
from activities.reasoning import ReasoningActivities, Thought
from activities.supposing import SupposingActivities
from domain.cases.approval import ApprovalDecision
from domain.cases.escalation import EscalationInput, EscalationResult, EscalationState
from domain.cases.terms import Channels
from domain.ids import escalation_workflow_id, troubleshooting_workflow_id
from domain.model import JsonValue
from domain.tools.tool import Safety, ToolSpec
from domain.triage.decision import Decision, DecisionKind, Urgency
from domain.troubleshooting.checks import Check
from domain.troubleshooting.evidence import Change, EvidenceKind, EvidenceRef, Finding, Findings, Sign
from domain.troubleshooting.knowledge import KnowledgeAnswer, Lesson, LessonStatus
from domain.troubleshooting.messages import IncidentInput, IncidentReport, IncidentResult
from domain.troubleshooting.state import IncidentState
from domain.troubleshooting.topology import Topology
from integrations.evidence.logs.meaning import sign_of
from integrations.rendering import Templates
from runtime.configuration.policies import Configuration
from tests.cancelling import careful_worker
from tests.skipping import PATIENCE_SECONDS
from tests.workflows.conftest import TEMPLATES, a_ticket
from tests.workflows.playbook_world import PlaybookWorld, a_tool
from workflows import search_attributes
from workflows.escalation import EscalationWorkflow
from workflows.playbook import PlaybookWorkflow
from workflows.troubleshooting import TroubleshootingWorkflow

Incident = WorkflowHandle[TroubleshootingWorkflow, IncidentResult]

ONSET = datetime(2026, 3, 2, 14, 5, tzinfo=UTC)
BEGINS, ENDS = ONSET - timedelta(hours=2), ONSET + timedelta(minutes=30)
DEPLOYED = Change(
    change_id="CHG-7",
    at=ONSET - timedelta(minutes=3),
    kind="deployment",
    service="checkout",
    summary="checkout 4.2.0",
    version="4.2.0",
    before="4.1.9",
)
TOPOLOGY = Topology(calls=(("gateway", "checkout"), ("checkout", "payments"), ("checkout", "orders-db")))


def evidence(kind: EvidenceKind, name: str | None = None) -> EvidenceRef:
    """An uploaded file of some content."""
    content = f"{kind.value}{name or ''}".encode().hex().ljust(64, "0")[:64]
    return EvidenceRef(reference=f"sha256:{content}", name=name or f"{kind.value}.txt", kind=kind, size_bytes=100)


def finding(service: str, sign: Sign, text: str, *, strength: float = 0.8, **more: Any) -> Finding:
    """Something that began at the onset."""
    given = {"at": ONSET, "until": ENDS, "numbers": {"before": 1.0, "after": 90.0, "ratio": 90.0}, **more}
    return Finding(service=service, sign=sign, text=text, strength=strength, source="logs.analyse app.log", **given)


ERRORS = (
    finding("checkout", Sign.NEW_ERROR, "New error: KeyError 'currency' (90 per minute)", strength=0.95),
    finding("checkout", Sign.ERRORS, "Errors rose from 1 to 90 per minute"),
    finding("gateway", Sign.ERRORS, "502 from checkout rose from 0 to 80 per minute", about="checkout", strength=0.7),
)


def looking(name: str) -> ToolSpec:
    """A tool that only looks."""
    return a_tool(name, Safety.SAFE, capabilities=(name,))


class FakeLessons:
    """Keeps what was taught, by tenant and id."""

    def __init__(self) -> None:
        self.learned: dict[tuple[str, str], Lesson] = {}

    async def search(self, tenant: str, text: str, *, signs: Sequence[Sign] = (), limit: int = 5) -> KnowledgeAnswer:
        raise AssertionError("incidents search by their tools")

    async def learn(self, tenant: str, lesson: Lesson) -> LessonStatus:
        self.learned[tenant, lesson.lesson_id] = lesson
        return lesson.status

    async def find(self, tenant: str, reference: str) -> Lesson | None:
        return self.learned.get((tenant, reference))


class IncidentWorld(PlaybookWorld):
    """One worker on fakes, and what a test does to an incident."""

    def __init__(self, environment: WorkflowEnvironment, configuration: Configuration) -> None:
        super().__init__(environment, configuration)
        for name in ("logs.analyse", "metrics.analyse", "changes.read", "topology.read", "knowledge.search"):
            self.tools.add(looking(name))
        self.tools.add(looking("metrics.query"), looking("health.probe"))
        self.lessons = FakeLessons()
        self.checks: tuple[Check, ...] = ()
        self.with_model = False
        self.thinks_for = 0.0
        """Seconds that each thought takes at least."""
        self.finds(ERRORS, changes=(DEPLOYED,))
        self.tools.on("knowledge.search", {"articles": [], "level": "general"})
        self.tools.on("metrics.query", {"value": 0.0, "samples": [{"labels": {}, "value": 0.0}]})

    def checks_for(self, tenant: str) -> tuple[Check, ...]:
        """What engineers look at by hand."""
        return self.checks

    def finds(self, findings: tuple[Finding, ...], changes: tuple[Change, ...] = ()) -> None:
        """What the evidence holds, from now on."""
        covers = {"begins": BEGINS, "ends": ENDS}
        found = Findings(
            findings=findings, services=("checkout", "gateway", "payments", "orders-db"), summary="Read.", **covers
        )
        self.tools.on("logs.analyse", found.model_dump(mode="json"))
        self.tools.on("changes.read", Findings(changes=changes, summary="Read.", **covers).model_dump(mode="json"))
        self.tools.on("topology.read", TOPOLOGY.model_dump(mode="json"))

    def methods(self) -> list[Callable[..., Any]]:
        incidents = IncidentActivities(
            library=self.library,
            toolbox=self.tools,
            policies=self.policies,
            guardrails=self.guardrails,
            store=self.store,
            channels=Channels(mail=True, chat=True, model=self.with_model),
            knowledge=self.lessons,
        )
        reasoning = ReasoningActivities(self, sign_of)

        @activity.defn(name="think")
        async def think(state: IncidentState) -> Thought:
            await asyncio.sleep(self.thinks_for)
            return await reasoning.think(state)

        return [
            *super().methods(),
            NoticeActivities(self.mailer, self.chat, Templates(TEMPLATES), self.directory, self.store).mail_customer,
            incidents.open_incident,
            incidents.rehearse_solution,
            incidents.learn_from_incident,
            reasoning.classify_query,
            think,
            reasoning.read_check,
            reasoning.propose_solution,
            SupposingActivities(model=self.model).suppose_causes,
        ]

    @asynccontextmanager
    async def worker(self, **options: Any) -> AsyncIterator[Worker]:
        async with careful_worker(
            self.client,
            task_queue=self.task_queue,
            workflows=[TroubleshootingWorkflow, PlaybookWorkflow, EscalationWorkflow],
            activities=self.methods(),
            **options,
        ) as worker:
            yield worker

    async def report(self, *kinds: EvidenceKind, **more: Any) -> Incident:
        """Report an incident with evidence of these kinds; logs, changes and a topology when none is named."""
        given = kinds or (EvidenceKind.LOGS, EvidenceKind.CHANGES, EvidenceKind.TOPOLOGY)
        incident_id = more.pop("incident_id", None) or f"INC-{uuid.uuid4().hex[:6]}"
        budget = more.pop("budget", None)
        report = IncidentReport(
            incident_id=incident_id,
            title=more.pop("title", "Checkout fails for many customers"),
            description=more.pop("description", "Since about 14:05 customers cannot pay."),
            reported_by=more.pop("reported_by", "p-ivan"),
            evidence=tuple(evidence(kind) for kind in given),
            **more,
        )
        return await self.client.start_workflow(
            TroubleshootingWorkflow.run,
            IncidentInput(
                tenant="default", report=report, budget=budget, continue_after_events=self.continue_after_events
            ),
            id=troubleshooting_workflow_id("default", incident_id),
            task_queue=self.task_queue,
            search_attributes=search_attributes.at_incident_start("default"),
        )

    async def ticket(self, ticket_id: str) -> WorkflowHandle[EscalationWorkflow, EscalationResult]:
        """The case of a ticket, waiting for nothing but signals: triage is a matter of other tests."""
        ticket = a_ticket(ticket_id=ticket_id)
        opened = self.policies.policy
        state = EscalationState(
            tenant="default",
            case_number=ticket_id,
            opened_at=datetime.now(UTC),
            ticket=ticket,
            policy=opened,
            channels=Channels(mail=True),
            resolved_at=datetime.now(UTC),
            decision=Decision(
                kind=DecisionKind.NONE, urgency=Urgency.STANDARD, team="customer_success", reasons=("-",)
            ),
        )
        return await self.client.start_workflow(
            EscalationWorkflow.run,
            EscalationInput(tenant="default", ticket=ticket, state=state),
            id=escalation_workflow_id("default", ticket_id),
            task_queue=self.task_queue,
        )

    async def told(self, ticket: WorkflowHandle[EscalationWorkflow, EscalationResult]) -> EscalationState:
        """The ticket's case, once its mail went out."""
        for _ in range(500):
            if any("you wrote to us about" in mail.text for mail in self.mailer.sent.values()):
                break
            await asyncio.sleep(0.02)
        return await ticket.query(EscalationWorkflow.query_state)

    async def when(
        self, incident: Incident, condition: Callable[[IncidentState], bool], *, within: float = PATIENCE_SECONDS
    ) -> IncidentState:
        """Poll the incident's state, in real time, until a condition holds."""
        state: IncidentState | None = None
        try:
            async with asyncio.timeout(within):
                while True:
                    with suppress(RPCError):
                        state = await incident.query(
                            TroubleshootingWorkflow.query_state, rpc_timeout=timedelta(seconds=2)
                        )
                        if condition(state):
                            return state
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"It did not come to that: {_told(state)}") from None

    async def answer(self, incident: Incident, *, approve: bool = True, reason: str = "") -> IncidentState:
        """Decide the open approval as the first person who was asked; the state it was decided in."""
        state = await self.when(incident, lambda s: any(r.rungs and r.rungs[-1].approvers for r in s.pending_approvals))
        request = next(r for r in state.pending_approvals if r.rungs and r.rungs[-1].approvers)
        decision = ApprovalDecision(
            request_id=request.request_id,
            person_id=request.rungs[-1].approvers[0],
            approve=approve,
            digest=request.digest,
            reason=reason,
        )
        await incident.execute_update(TroubleshootingWorkflow.decide_approval, decision)
        return state

    async def cancel(self, incident: Incident) -> None:
        """Cancel it at a moment at which nothing is being sent: the time-skipping server refuses to cancel an activity
        that completes at that moment, and the case then stays where it is."""
        await asyncio.sleep(0.4)
        await incident.cancel()

    async def result(self, incident: Incident, *, within: float = PATIENCE_SECONDS) -> IncidentResult:
        return await asyncio.wait_for(incident.result(), within)


def _told(state: IncidentState | None) -> JsonValue:
    if state is None:
        return "nothing is known"
    return [state.phase, [entry.text for entry in state.timeline], state.diagnosis and state.diagnosis.why_not]


__all__ = ["DEPLOYED", "ERRORS", "ONSET", "Incident", "IncidentWorld", "evidence", "finding"]
