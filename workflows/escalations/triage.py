"""Triage: take the ticket in, classify and analyse it side by side, weigh the risk and decide."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.cases import CaseActivities, OpenCaseInput
    from activities.triage import DecideInput, TriageActivities, TriageInput
    from domain.cases.escalation import EscalationState
    from domain.cases.timeline import TimelineKind
    from domain.policies.case_policy import shared

from workflows import options
from workflows.cases.case import GIVEN_UP, Case
from workflows.escalations.sla import SlaWatch


class Triage:
    """The first minute of a case."""

    def __init__(self, case: Case[EscalationState], sla: SlaWatch) -> None:
        """Work on a case."""
        self._case = case
        self._sla = sla

    @property
    def _state(self) -> EscalationState:
        return self._case.state

    async def take_in(self) -> None:
        """Load the policy, store the case, look for articles that may help."""
        opening = OpenCaseInput(
            tenant=self._state.tenant,
            case_number=self._state.case_number,
            ticket=self._state.ticket,
            opened_at=self._state.opened_at,
        )
        opened = await self._case.must(
            "open-case",
            "Open the case",
            lambda: self._case.do(
                CaseActivities.open_case,
                opening,
                "Load the policy, store the case, look for articles",
                options.opening(),
            ),
        )
        if opened is None:
            raise ApplicationError("The case was not opened.", type=GIVEN_UP, non_retryable=True)
        self._state.policy = shared(opened.policy)
        self._state.channels = opened.channels
        self._state.articles = list(opened.articles)
        self._state.phase = "triage"

    async def classify_and_analyse(self) -> None:
        """Both at the same time; the SLA clocks start with the priority."""
        request = TriageInput(tenant=self._state.tenant, ticket=self._state.ticket, budget=self._case.policy.budget)
        config = options.model(self._case.policy.timers)
        classified, analysed = await asyncio.gather(
            self._case.must(
                "classify",
                "Classify the ticket",
                lambda: self._case.do(TriageActivities.classify_ticket, request, "Classify the ticket", config),
            ),
            self._case.must(
                "analyse",
                "Analyse tone, complexity and risks",
                lambda: self._case.do(
                    TriageActivities.analyse_ticket, request, "Analyse tone, complexity and risks", config
                ),
            ),
        )
        if classified is None or analysed is None:
            raise ApplicationError("The ticket was not triaged.", type=GIVEN_UP, non_retryable=True)
        self._state.classification = classified.classification
        self._state.analysis = analysed.analysis
        self._state.frustration = analysed.analysis.frustration
        for origin in (classified.origin, analysed.origin):
            self._state.degraded = self._state.degraded or origin.degraded
            self._state.model_cost += origin.cost
        kind = classified.classification
        self._case.note(
            TimelineKind.TRIAGE,
            f"{kind.category.label}, priority {kind.priority.value}, {kind.complexity.label}, "
            f"frustration {self._state.frustration}",
        )
        self._sla.start(kind.priority)
        self._state.phase = "decision"

    async def decide(self, escalate: Callable[[str], None]) -> None:
        """Weigh the risk and decide. `escalate` hands over at once what a person asked for meanwhile."""
        if self._state.classification is None or self._state.analysis is None:
            raise ApplicationError("A decision was asked for before triage.", non_retryable=True)
        request = DecideInput(
            tenant=self._state.tenant,
            ticket=self._state.ticket,
            classification=self._state.classification,
            analysis=self._state.analysis,
            policy=self._case.policy,
        )
        decided = await self._case.must(
            "decide",
            "Decide how the case goes on",
            lambda: self._case.do(
                TriageActivities.decide_escalation,
                request,
                "Weigh the risk and decide",
                options.model(self._case.policy.timers),
            ),
        )
        if decided is None:
            raise ApplicationError("Nothing was decided.", type=GIVEN_UP, non_retryable=True)
        decision = decided.decision
        self._state.risk, self._state.strategy, self._state.decision = decided.risk, decided.strategy, decision
        self._state.disruption = decided.disruption
        self._state.degraded = self._state.degraded or decision.origin.degraded
        self._state.model_cost += decision.origin.cost
        self._case.note(
            TimelineKind.DECISION, f"{decision.kind.label} to {decision.team}: {'; '.join(decision.reasons)}"
        )
        if decision.escalates:
            self._state.escalate_at = workflow.now() + self._case.policy.timers.urgency_delay[decision.urgency]
        if self._state.escalation_asked:
            escalate(self._state.escalation_asked)
        self._case.enter("conversation")
