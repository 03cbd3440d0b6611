"""The life of an incident, from its report to a fix that holds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from domain.cases.messages import ClaimInput
from domain.errors import VendorRefused, VendorUnavailable
from domain.tools.tool import Safety, ToolUndo
from domain.troubleshooting.budget import Budget
from domain.troubleshooting.evidence import EvidenceKind, Sign
from domain.troubleshooting.messages import CloseIncidentInput, EvidenceInput, LinkTicketInput, QueryInput
from runtime.configuration.policies import Configuration
from tests.workflows.incident_world import DEPLOYED, ERRORS, IncidentWorld, evidence, finding
from tests.workflows.playbook_world import a_tool, playbook
from workflows.playbook import PlaybookWorkflow
from workflows.troubleshooting import TroubleshootingWorkflow

ROLL_BACK = playbook(
    "- back: {call: deploy.rollBack, with: {service: '${ .service }', to: '${ .to_version }'}}",
    "roll-back-deployment",
    input={
        "schema": {
            "document": {
                "type": "object",
                "required": ["service", "to_version"],
                "properties": {"service": {"type": "string"}, "to_version": {"type": "string"}},
            }
        }
    },
)


@pytest.fixture
def world(environment: WorkflowEnvironment, configuration: Configuration) -> IncidentWorld:
    made = IncidentWorld(environment, configuration)
    undo = ToolUndo(tool="deploy.rollForward", arguments={"service": "${ $arguments.service }"})
    made.tools.add(a_tool("deploy.rollBack", Safety.DANGEROUS, undo=undo), a_tool("deploy.rollForward"))
    made.library.definitions["roll-back-deployment"] = ROLL_BACK
    return made


async def test_the_cause_is_named_fixed_as_approved_watched_and_closed(world: IncidentWorld) -> None:
    async with world.worker():
        incident = await world.report(health_urls={"checkout": "https://checkout.example/health"})
        bad = iter([True])
        # One bad look after the fix is noise, and takes nothing back.
        world.tools.on(
            "health.probe",
            lambda _: {
                "healthy": not (world.tools.calls_of("deploy.rollBack") and next(bad, False)),
                "reason": "It was looked at.",
            },
        )
        asked = await world.answer(incident)
        (request,) = asked.pending_approvals
        assert request.question.arguments["playbook"] == "roll-back-deployment"
        assert request.question.arguments["input"]["to_version"] == DEPLOYED.before
        assert request.question.arguments["calls"][0]["tool"] == "deploy.rollBack"
        assert asked.cause is not None
        assert (asked.cause.service, asked.cause.change) == ("checkout", DEPLOYED)
        result = await world.result(incident)
        assert (result.status, result.service, result.change_id, result.undone) == (
            "closed",
            "checkout",
            "CHG-7",
            False,
        )
        state = await incident.query(TroubleshootingWorkflow.query_state)
    (lesson,) = world.lessons.learned.values()
    assert (lesson.service, lesson.status.value, lesson.playbook) == ("checkout", "draft", "roll-back-deployment")
    assert state.knowledge_id == f"lesson:{lesson.lesson_id}"
    # What runs is the version that people saw.
    assert ("roll-back-deployment", "1.0.0") in world.library.asked
    # One approval covers the whole: the run does not ask once more for the very call that people saw.
    assert len(world.tools.calls_of("deploy.rollBack")) == 1
    assert not world.tools.calls_of("deploy.rollForward")
    phases = [moved.to_phase.value for moved in state.transitions]
    assert phases[0] == "intake_classification"
    assert phases[-5:] == [
        "propose_solution", "human_review", "execute_solution", "monitor_outcome", "case_closure",
    ]  # fmt: skip
    assert all(moved.trigger for moved in state.transitions)
    # Neither waiting for people nor watching is time that the look for the cause has spent.
    assert state.spent.since is None
    assert state.monitoring.looks - state.monitoring.good == 1


async def test_a_rejected_proposal_changes_the_next_one(world: IncidentWorld) -> None:
    async with world.worker():
        incident = await world.report()
        first = await world.answer(incident, approve=False, reason="No roll back now, the schema has changed.")
        state = await world.when(incident, lambda s: len(s.solutions) > 1 or bool(s.escalated_because))
        assert not world.tools.calls_of("deploy.rollBack")
        assert state.rejected[0].solution_id == first.solutions[0].solution_id
        assert "schema" in state.rejected[0].reason
        assert all(solution.kind != "roll_back" for solution in state.solutions[1:])
        await world.cancel(incident)
        with pytest.raises(WorkflowFailureError):
            await world.result(incident)


async def test_nobody_decides_so_nothing_is_done_and_people_take_over(world: IncidentWorld) -> None:
    async with world.worker():
        incident = await world.report()
        await world.when(incident, lambda s: bool(s.pending_approvals))
        for _ in range(12):
            await world.pass_time(timedelta(hours=2))
            state = await incident.query(TroubleshootingWorkflow.query_state)
            if state.people_have_it:
                break
        assert state.people_have_it
        assert not world.tools.calls_of("deploy.rollBack")
        await world.cancel(incident)


async def test_a_fix_that_does_not_hold_is_rolled_back(world: IncidentWorld) -> None:
    world.tools.on("health.probe", {"healthy": False, "reason": "It answers 500."})
    async with world.worker():
        incident = await world.report(health_urls={"checkout": "https://checkout.example/health"})
        await world.answer(incident)
        await world.when(incident, lambda s: s.monitoring is not None)
        for _ in range(20):
            await world.pass_time(timedelta(minutes=2))
            state = await incident.query(TroubleshootingWorkflow.query_state)
            if state.reopened:
                break
        state = await world.when(
            incident,
            lambda s: (
                s.execution is not None
                and bool(s.execution.undone)
                and bool(s.rejected)
                # It is judged anew a moment after it was taken back.
                and (s.cause is None or s.cause.hypothesis_id != s.rejected[-1].hypothesis_id)
            ),
        )
        assert state.monitoring.outcome == "regressed"
        assert state.reopened == 1
        assert state.rejected[-1].refutes
        assert len(world.tools.calls_of("deploy.rollForward")) == 1
        await world.cancel(incident)


async def test_a_fix_that_fails_is_undone_and_another_way_is_found(world: IncidentWorld) -> None:
    world.tools.add(a_tool("deploy.check"))
    world.tools.on("deploy.check", VendorRefused("deploy", "unwell", "The service is not well."))
    world.library.definitions["roll-back-deployment"] = playbook(
        "- back: {call: deploy.rollBack, with: {service: '${ .service }', to: '${ .to_version }'}}\n"
        "- look: {call: deploy.check, metadata: {park: never}}",
        "roll-back-deployment",
        input=ROLL_BACK["input"],
    )
    async with world.worker():
        incident = await world.report()
        await world.answer(incident)
        state = await world.when(incident, lambda s: bool(s.rejected))
        assert state.execution.status == "faulted"
        assert len(world.tools.calls_of("deploy.rollForward")) == 1
        await world.cancel(incident)


async def test_a_cancelled_incident_takes_its_fix_back(world: IncidentWorld) -> None:
    async with world.worker():
        incident = await world.report()
        await world.answer(incident)
        await world.when(incident, lambda s: s.monitoring is not None)
        await world.cancel(incident)
        with pytest.raises(WorkflowFailureError):
            await world.result(incident)
        state = await incident.query(TroubleshootingWorkflow.query_state)
    assert state.withdrawn
    assert (state.execution.status, state.execution.sentence) == ("cancelled", "It was taken back.")
    assert state.execution.undone == state.execution.done == ["back (deploy.rollBack)"]
    assert len(world.tools.calls_of("deploy.rollForward")) == 1


async def test_nothing_in_the_evidence_is_said_honestly_and_handed_over(world: IncidentWorld) -> None:
    world.finds(())
    async with world.worker():
        incident = await world.report()
        state = await world.when(incident, lambda s: s.people_have_it)
        assert state.cause is None
        assert "No symptom was found" in state.escalated_because
        assert state.solutions == []
        mails = [mail for mail in world.mailer.sent.values() if "Not known." in mail.text]
        assert mails
        await incident.execute_update(TroubleshootingWorkflow.claim, ClaimInput(person_id="p-ivan"))
        word = CloseIncidentInput(person_id="p-ivan", resolution="The provider fixed it.")
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await incident.execute_update(
                TroubleshootingWorkflow.close, word.model_copy(update={"cause": "nobody/outage"})
            )
        assert "no such hypothesis" in str(refused.value.cause)
        await incident.execute_update(TroubleshootingWorkflow.close, word)
        result = await world.result(incident)
    assert (result.status, result.service, result.escalated) == ("closed", None, True)


async def test_new_evidence_starts_the_look_anew(world: IncidentWorld) -> None:
    world.finds(())
    async with world.worker():
        incident = await world.report(EvidenceKind.LOGS)
        await world.when(incident, lambda s: s.people_have_it)
        world.finds(ERRORS, changes=(DEPLOYED,))
        more = EvidenceInput(
            evidence=(evidence(EvidenceKind.LOGS, "more.log"), evidence(EvidenceKind.CHANGES)), person_id="p-ivan"
        )
        await incident.execute_update(TroubleshootingWorkflow.add_evidence, more)
        state = await world.when(incident, lambda s: s.cause is not None)
        assert state.cause.service == "checkout"
        await world.cancel(incident)


async def test_a_spent_budget_ends_at_people(world: IncidentWorld) -> None:
    world.finds((finding("checkout", Sign.ERRORS, "Errors rose a little", strength=0.3),))
    async with world.worker():
        incident = await world.report(budget=Budget(iterations=1))
        state = await world.when(incident, lambda s: s.people_have_it)
        assert "budget" in state.escalated_because
        assert state.spent.iterations == 1
        world.finds(ERRORS, changes=(DEPLOYED,))
        more = EvidenceInput(evidence=(evidence(EvidenceKind.LOGS, "more.log"),), person_id="p-ivan")
        await incident.execute_update(TroubleshootingWorkflow.add_evidence, more)
        # What a person brings is looked at, however much was spent before.
        state = await world.when(incident, lambda s: s.spent.iterations > 1)
        await world.cancel(incident)


async def test_no_round_makes_more_calls_than_the_budget_has_left(world: IncidentWorld) -> None:
    async with world.worker():
        incident = await world.report(budget=Budget(tool_calls=1))
        state = await world.when(incident, lambda s: s.people_have_it)
        assert state.spent.tool_calls == 1
        assert "1 tool calls" in state.escalated_because
        await world.cancel(incident)


async def test_the_policy_says_how_much_an_investigation_may_spend(world: IncidentWorld) -> None:
    policy = world.policies.policy
    tight = policy.incidents.model_copy(update={"budget": Budget(iterations=1)})
    world.policies.policy = policy.model_copy(update={"incidents": tight})
    world.finds((finding("checkout", Sign.ERRORS, "Errors rose a little", strength=0.3),))
    async with world.worker():
        incident = await world.report()
        state = await world.when(incident, lambda s: s.people_have_it)
        assert "1 rounds of looking" in state.escalated_because
        await world.cancel(incident)


async def test_tools_that_are_all_down_leave_instructions_for_a_person(world: IncidentWorld) -> None:
    for name in ("logs.analyse", "changes.read", "topology.read", "knowledge.search"):
        world.tools.on(name, VendorUnavailable("tools", "down", "It is down."))
    async with world.worker():
        incident = await world.report()
        state = await world.when(incident, lambda s: s.people_have_it)
        assert state.cause is None
        assert {call.level.value for call in state.calls} == {"manual_instructions"}
        assert all("By hand:" in call.outcome for call in state.calls)
        assert {use.level for use in state.fallbacks} == {"manual_instructions"}
        await world.cancel(incident)


async def test_questions_are_answered_while_it_goes_on_and_once_each(world: IncidentWorld) -> None:
    async with world.worker():
        incident = await world.report()
        await world.when(incident, lambda s: bool(s.pending_approvals))
        question = QueryInput(message_id="q-1", author="p-ivan", text="What is the root cause?")
        for _ in range(2):
            await incident.execute_update(TroubleshootingWorkflow.add_query, question)
        state = await world.when(incident, lambda s: any(not q.is_open for q in s.queries))
        (answered,) = state.queries
        assert "checkout" in answered.answer
        assert answered.model is not None
        assert answered.model.value == "structured_guidance"
        await world.cancel(incident)


async def test_a_linked_ticket_hears_once_how_it_ended_and_only_after_approval(world: IncidentWorld) -> None:
    async with world.worker():
        ticket = await world.ticket("T-77")
        incident = await world.report(linked_tickets=("T-77", "T-GONE"))
        link = LinkTicketInput(ticket_id="T-77", person_id="p-ivan")
        await incident.signal(TroubleshootingWorkflow.link_ticket, link)
        await world.when(incident, lambda s: bool(s.pending_approvals))
        word = CloseIncidentInput(person_id="p-ivan", resolution="The provider fixed it.")
        await incident.execute_update(TroubleshootingWorkflow.close, word)
        asked = await world.answer(incident)
        (request,) = asked.pending_approvals
        assert request.question.action == "incident_news"
        assert not [mail for mail in world.mailer.sent.values() if "problem that you wrote to us about" in mail.text]
        result = await world.result(incident)
        assert (result.status, result.linked_tickets) == ("closed", 2)
        told = await world.told(ticket)
        assert told.incidents["incident:" + result.incident_id]
        news = [mail for mail in world.mailer.sent.values() if "problem that you wrote to us about" in mail.text]
        assert [mail.to for mail in news] == [("customer@example.org",)]
        assert "checkout" not in news[0].text
        await ticket.terminate()


async def test_news_that_people_turn_down_reach_no_customer(world: IncidentWorld) -> None:
    async with world.worker():
        ticket = await world.ticket("T-78")
        incident = await world.report(linked_tickets=("T-78",))
        await world.when(incident, lambda s: bool(s.pending_approvals))
        word = CloseIncidentInput(person_id="p-ivan", resolution="The provider fixed it.")
        await incident.execute_update(TroubleshootingWorkflow.close, word)
        await world.answer(incident, approve=False, reason="Say nothing yet.")
        await world.result(incident)
        state = await incident.query(TroubleshootingWorkflow.query_state)
        assert (state.news, [one.told for one in state.linked]) == ("", [{}])
        await ticket.terminate()


async def test_a_long_investigation_continues_as_new_and_loses_nothing(world: IncidentWorld) -> None:
    world.continue_after_events = 30
    world.finds(())
    async with world.worker():
        incident = await world.report()
        state = await world.when(incident, lambda s: s.runs > 1 and s.people_have_it)
        calls = len(state.calls)
        question = QueryInput(message_id="q-1", author="p-ivan", text="What is the root cause?")
        await incident.execute_update(TroubleshootingWorkflow.add_query, question)
        state = await world.when(incident, lambda s: any(not q.is_open for q in s.queries))
        assert len(state.calls) == calls
        assert len([mail for mail in world.mailer.sent.values() if "is handed to" in mail.text]) == 1
        await world.cancel(incident)


async def test_a_plan_that_changes_while_people_decide_is_put_to_them_anew(world: IncidentWorld) -> None:
    world.continue_after_events = 30
    async with world.worker():
        incident = await world.report()
        before = await world.when(incident, lambda s: any(r.rungs for r in s.pending_approvals))
        seen = before.pending_approvals[0].digest
        world.library.definitions["roll-back-deployment"] = playbook(
            "- back: {call: deploy.rollBack, with: {service: gateway}}",
            "roll-back-deployment",
            input=ROLL_BACK["input"],
        )
        for number in range(4):
            question = QueryInput(message_id=f"q-{number}", author="p-ivan", text="What is the root cause?")
            await incident.execute_update(TroubleshootingWorkflow.add_query, question)
        # The next run of the workflow rehearses the fix once more, and what it would do is something else.
        state = await world.when(incident, lambda s: any(r.digest != seen and r.rungs for r in s.pending_approvals))
        (request,) = state.pending_approvals
        assert request.question.arguments["calls"][0]["arguments"] == {"service": "gateway"}
        assert not world.tools.calls_of("deploy.rollBack")
        await world.cancel(incident)


async def test_a_playbook_that_changes_after_the_approval_does_nothing_that_people_did_not_see(
    world: IncidentWorld,
) -> None:
    world.tools.add(a_tool("money.refund", Safety.DANGEROUS))
    async with world.worker():
        incident = await world.report()
        await world.when(incident, lambda s: any(r.rungs and r.rungs[-1].approvers for r in s.pending_approvals))
        world.library.definitions["roll-back-deployment"] = playbook(
            "- pay: {call: money.refund, with: {amount: 5000}}", "roll-back-deployment", input=ROLL_BACK["input"]
        )
        await world.answer(incident)
        state = await world.when(incident, lambda s: s.execution is not None and bool(s.execution.run))
        run = world.client.get_workflow_handle_for(PlaybookWorkflow.run, state.execution.run)
        asked = await world.until(run, lambda s: bool(s.pending_approvals))
        assert asked.pending_approvals[0].question.action == "money.refund"
        assert not world.tools.calls_of("money.refund")
        await world.cancel(incident)


async def test_a_fix_whose_outcome_nobody_can_tell_is_not_made_again_unasked(world: IncidentWorld) -> None:
    world.tools.on("metrics.query", {"samples": []})
    async with world.worker():
        incident = await world.report()
        await world.answer(incident)
        await world.when(incident, lambda s: s.monitoring is not None)
        for _ in range(20):
            await world.pass_time(timedelta(minutes=10))
            if (await incident.query(TroubleshootingWorkflow.query_state)).people_have_it:
                break
        more = EvidenceInput(evidence=(evidence(EvidenceKind.LOGS, "more.log"),), person_id="p-ivan")
        await incident.execute_update(TroubleshootingWorkflow.add_evidence, more)
        state = await world.when(incident, lambda s: bool(s.pending_approvals))
        assert len(state.solutions) == 2
        assert len(world.tools.calls_of("deploy.rollBack")) == 1
        await world.cancel(incident)
