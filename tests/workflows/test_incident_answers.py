"""What an incident answers people, whatever is down; and what it does not do while it is in doubt."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from domain.cases.approval import ApprovalStatus
from domain.cases.messages import ClaimInput
from domain.tools.tool import ToolCall
from domain.troubleshooting.evidence import Findings, Sign
from domain.troubleshooting.messages import EvidenceInput, QueryInput
from domain.troubleshooting.terms import ModelFallback
from runtime.configuration.policies import Configuration
from tests.replay.incident_paths import begin, closed_by_hand
from tests.replay.incident_turns import LATER, OF_PAYMENTS, PAYMENTS_FAILS, asked, close, watched
from tests.workflows.incident_world import BEGINS, ENDS, IncidentWorld, finding
from workflows.troubleshooting import TroubleshootingWorkflow

WHY = QueryInput(message_id="q-1", author="p-ivan", text="What is the root cause?")


@pytest.fixture
def world(environment: WorkflowEnvironment, configuration: Configuration) -> IncidentWorld:
    return IncidentWorld(environment, configuration)


async def refusal(update: Any) -> str:
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await update
    return str(refused.value.cause)


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({"another": "x"}, "No model answered."),
        ({"ask": {"answer": "  \n "}}, "The model's answer had no words."),
        ({"ask": {"garbage": True}}, "No model answered."),
    ],
    ids=["down", "blank", "garbage"],
)
async def test_rules_answer_when_the_model_does_not_and_say_so(
    world: IncidentWorld, answers: dict[str, Any], why: str
) -> None:
    world.with_model = True
    world.model.answers = answers
    async with world.worker():
        incident = await begin(world)
        await asked(world, incident)
        await incident.execute_update(TroubleshootingWorkflow.add_query, WHY)
        state = await world.when(incident, lambda s: s.queries[0].answer != "")
        (answered,) = state.queries
        assert answered.model is ModelFallback.STRUCTURED_GUIDANCE
        assert "Deployment 4.2.0 of checkout" in answered.answer
        (used,) = [use for use in state.fallbacks if use.what == "a question"]
        assert (used.chain, used.level, used.why) == ("model", "structured_guidance", why)
        assert [request.status for request in state.approvals.values()] == [ApprovalStatus.PENDING]
        await closed_by_hand(world, incident)


async def test_two_causes_that_fit_equally_well_are_both_told_and_neither_is_acted_on(world: IncidentWorld) -> None:
    world.finds((
        finding("orders-db", Sign.NEW_ERROR, "New error: deadlock (300 per minute)", strength=0.95),
        finding("payments", Sign.NEW_ERROR, "New error: no route (300 per minute)", strength=0.95),
    ))  # fmt: skip
    async with world.worker():
        incident = await begin(world)
        state = await world.when(incident, lambda s: s.people_have_it)
        assert (state.cause, state.solutions, state.approvals) == (None, [], {})
        suspects = {one.service for one in state.open_hypotheses}
        assert {"orders-db", "payments"} <= suspects
        (mail,) = [mail for mail in world.mailer.sent.values() if "is handed to" in mail.text]
        assert "Not known." in mail.text
        assert state.escalated_because
        assert state.escalated_because in mail.text
        assert not [call for call in world.tools.calls if call.tool.startswith("deploy.")]
        await closed_by_hand(world, incident)


async def test_an_incident_belongs_to_whoever_claimed_it_until_somebody_takes_it_over(world: IncidentWorld) -> None:
    claim = TroubleshootingWorkflow.claim
    async with world.worker():
        early = await begin(world)
        await asked(world, early)
        why = await refusal(early.execute_update(claim, ClaimInput(person_id="p-ivan")))
        assert why.startswith("Nobody was asked to take over")
        world.finds(())
        incident = await world.report(incident_id=f"{world.task_queue}-2")
        await world.when(incident, lambda s: s.people_have_it)
        await incident.execute_update(claim, ClaimInput(person_id="p-ivan"))
        why = await refusal(incident.execute_update(claim, ClaimInput(person_id="p-omar")))
        assert why == "p-ivan has this incident: talk to them, or take it over."
        await incident.execute_update(claim, ClaimInput(person_id="p-omar", take_over=True))
        state = await world.when(incident, lambda s: s.claim.claimed_by == "p-omar" and s.claim.announced)
        assert [entry.actor for entry in state.timeline if entry.text == "claimed the case"] == ["p-ivan", "p-omar"]
        await closed_by_hand(world, incident)
        assert [name for name in ("p-ivan", "p-omar") if any(name in m.text for m in world.chat.updates)][
            -1
        ] == "p-omar"
        await closed_by_hand(world, early)


async def test_an_approval_does_not_count_when_what_is_just_being_read_speaks_against_it(world: IncidentWorld) -> None:
    reading, read = asyncio.Event(), asyncio.Event()

    async def slowly(call: ToolCall) -> Any:
        reading.set()
        await read.wait()
        return found.model_dump(mode="json")

    async with world.worker():
        incident = await begin(world)
        await asked(world, incident)
        world.finds(PAYMENTS_FAILS, changes=(OF_PAYMENTS,))
        found = Findings(findings=PAYMENTS_FAILS, services=("payments",), begins=BEGINS, ends=ENDS)
        world.tools.on("logs.analyse", slowly)
        await incident.execute_update(TroubleshootingWorkflow.add_evidence, LATER)
        await asyncio.wait_for(reading.wait(), 15)
        await world.answer(incident)
        await world.when(incident, lambda s: s.approvals["solution-S1"].granted)
        assert not world.tools.calls_of("deploy.rollBack"), "it waits for what is being read"
        read.set()
        state = await world.when(incident, lambda s: "solution-S2" in s.approvals)
        assert "It was approved, and is not carried out." in "\n".join(entry.text for entry in state.timeline)
        await world.answer(incident)
        await watched(world, incident)
        assert [call.arguments["service"] for call in world.tools.calls_of("deploy.rollBack")] == ["payments"]
        await closed_by_hand(world, incident)


async def test_evidence_for_an_incident_that_is_resolved_is_refused_with_what_to_do(world: IncidentWorld) -> None:
    async with world.worker():
        ticket = await world.ticket(f"{world.task_queue}-T1")
        incident = await begin(world, linked_tickets=(f"{world.task_queue}-T1",))
        await asked(world, incident)
        await close(incident)
        state = await world.when(incident, lambda s: any(r.rungs for r in s.pending_approvals))
        assert [request.question.action for request in state.pending_approvals] == ["incident_news"]
        more = EvidenceInput(evidence=LATER.evidence, person_id="p-ivan")
        why = await refusal(incident.execute_update(TroubleshootingWorkflow.add_evidence, more))
        assert why.endswith("open a new one with this evidence.")
        await world.answer(incident, approve=False, reason="It is not solved for them yet.")
        await world.result(incident)
        state = await incident.query(TroubleshootingWorkflow.query_state)
        assert "Customers are not told: It is not solved for them yet." in [entry.text for entry in state.timeline]
        assert not [mail for mail in world.mailer.sent.values() if "you wrote to us about" in mail.text]
        await ticket.terminate()
