"""What becomes of an incident when people change their minds, stop it, add to it, or are not there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from temporalio.testing import WorkflowEnvironment

from domain.cases.approval import ApprovalState, ApprovalStatus
from domain.cases.terms import Status
from domain.troubleshooting.state import IncidentState
from domain.troubleshooting.telling.follow_ups import follow_ups
from runtime.configuration.policies import Configuration
from tests.replay import incident_turns as turns
from tests.workflows.incident_world import Incident, IncidentWorld
from workflows.playbook import PlaybookWorkflow
from workflows.troubleshooting import TroubleshootingWorkflow


@pytest.fixture
def world(environment: WorkflowEnvironment, configuration: Configuration) -> IncidentWorld:
    return IncidentWorld(environment, configuration)


async def state_after(world: IncidentWorld, turn: Callable[[IncidentWorld], Awaitable[Incident]]) -> IncidentState:
    async with world.worker():
        incident = await turn(world)
        return await incident.query(TroubleshootingWorkflow.query_state)


def calls(world: IncidentWorld) -> list[str]:
    """The effects that happened, in their order."""
    return [call.tool for call in world.tools.effects.values() if call.tool.startswith("deploy.")]


def phases(state: IncidentState) -> list[str]:
    return [moved.to_phase.value for moved in state.transitions]


def said(state: IncidentState) -> str:
    return "\n".join(entry.text for entry in state.timeline)


def outcomes_shown(world: IncidentWorld) -> list[str]:
    """What the chat says of decided requests, in place of the buttons."""
    return [message.text for message in world.chat.updates]


def of_solutions(state: IncidentState) -> list[ApprovalState]:
    return [request for name, request in state.approvals.items() if name.startswith("solution-")]


# People decide


async def test_an_unanswered_proposal_is_passed_along_its_ladder_and_done_once_approved(world: IncidentWorld) -> None:
    state = await state_after(world, turns.incident_fix_passed_along)
    (request,) = of_solutions(state)
    assert [rung.name for rung in request.rungs] == ["incident_lead", "support_manager"]
    assert request.rungs[0].reminded
    assert request.decided_by[0] in request.rungs[1].approvers
    told = {person for mail in world.mailer.sent.values() for person in mail.to if "pprov" in mail.subject}
    assert len(told) >= len({*request.rungs[0].approvers, *request.rungs[1].approvers})
    assert calls(world) == ["deploy.rollBack"]
    assert state.execution is not None
    assert state.execution.status == "completed"


async def test_each_reason_rules_something_out_until_people_are_asked_what_to_do(world: IncidentWorld) -> None:
    state = await state_after(world, turns.incident_rejected_until_nothing_is_left)
    kinds = [one.kind for one in state.rejected]
    assert kinds[0] == "roll_back"
    assert len(set(kinds)) == len(kinds) >= 2
    assert [one.reason.split()[0] for one in state.rejected] == ["No", "No", "By"][: len(kinds)]
    assert all(one.by.startswith("p-") for one in state.rejected)
    assert all(request.status is ApprovalStatus.REJECTED for request in of_solutions(state))
    assert "turned down" in state.escalated_because
    assert calls(world) == []
    handed = [mail for mail in world.mailer.sent.values() if "is handed to" in mail.text]
    assert len(handed) == 1
    assert all(one.reason in handed[0].text for one in state.rejected)


async def test_an_incident_withdrawn_while_people_decide_leaves_no_button_that_works(world: IncidentWorld) -> None:
    state = await state_after(world, turns.incident_withdrawn_while_people_decide)
    (request,) = of_solutions(state)
    assert (request.status, request.granted, state.withdrawn) == (ApprovalStatus.SUPERSEDED, False, True)
    assert request.chat is None
    assert any("superseded" in text for text in outcomes_shown(world)), outcomes_shown(world)
    assert calls(world) == []
    (case,) = (case for name, case in world.store.cases.items() if "troubleshooting" in name)
    assert case.status == "withdrawn"


async def test_evidence_that_speaks_against_a_proposal_takes_it_back_and_brings_another(world: IncidentWorld) -> None:
    state = await state_after(world, turns.incident_evidence_speaks_against_the_proposal)
    first, second = of_solutions(state)
    assert (first.status, first.granted) == (ApprovalStatus.SUPERSEDED, False)
    assert (second.status, second.question.arguments["input"]["service"]) == (ApprovalStatus.APPROVED, "payments")
    assert [call.arguments["service"] for call in world.tools.calls_of("deploy.rollBack")] == ["payments"]
    assert state.rejected == [], "nobody turned it down"
    assert "No longer proposed: Roll checkout back" in said(state)
    assert len([text for text in outcomes_shown(world) if "superseded" in text]) == 1


async def test_evidence_that_changes_nothing_is_read_and_leaves_the_question_open(world: IncidentWorld) -> None:
    state = await state_after(world, turns.incident_evidence_changes_nothing_about_the_proposal)
    (request,) = of_solutions(state)
    assert request.status is ApprovalStatus.APPROVED
    assert {ref.reference for ref in turns.LATER.evidence} <= {read for call in state.calls for read in call.reads}
    after = phases(state)[phases(state).index("human_review") :]
    assert after.index("human_review", 1) < after.index("execute_solution"), "it went back to where people decide"
    assert calls(world) == ["deploy.rollBack"]


# The fix is carried out and watched


async def test_a_fix_that_a_person_stops_while_it_runs_is_undone_and_not_proposed_again(world: IncidentWorld) -> None:
    state = await state_after(world, turns.incident_stopped_while_its_fix_runs)
    assert calls(world) == ["deploy.rollBack", "deploy.rollForward"]
    assert state.execution is not None
    assert (state.execution.status, state.execution.undone) == ("cancelled", ["back (deploy.rollBack)"])
    assert "A person stopped it" in state.execution.sentence
    assert "It failed" not in said(state)
    assert state.rejected[0].reason == state.execution.sentence
    assert "error_recovery" in phases(state)
    assert all(solution.kind != "roll_back" for solution in state.solutions[1:])
    assert state.monitoring is None


async def test_a_fix_that_a_person_stops_while_it_is_watched_is_undone_once(world: IncidentWorld) -> None:
    state = await state_after(world, turns.incident_stopped_while_its_fix_is_watched)
    assert calls(world) == ["deploy.rollBack", "deploy.rollForward"]
    assert state.monitoring is not None
    assert state.monitoring.outcome == "aborted"
    assert state.execution is not None
    assert (state.execution.status, state.execution.left) == ("cancelled", [])
    assert state.refuted == [], "that somebody stopped it says nothing about the cause"
    assert [one.reason for one in state.rejected] == ["A person stopped it."]


@pytest.mark.parametrize(
    "turn", [turns.incident_closed_while_its_fix_runs, turns.incident_closed_while_its_fix_is_watched]
)
async def test_what_was_carried_out_stays_when_a_person_closes(
    world: IncidentWorld, turn: Callable[[IncidentWorld], Awaitable[Incident]]
) -> None:
    state = await state_after(world, turn)
    assert calls(world) == ["deploy.rollBack"]
    assert (state.current_status(), state.resolved_by) == (Status.CLOSED, "p-ivan")
    assert state.execution is not None
    assert (state.execution.status, state.execution.undone) == ("completed", [])
    run = world.client.get_workflow_handle_for(PlaybookWorkflow.run, state.execution.run)
    assert (await run.result()).status == "completed"


async def test_questions_and_evidence_are_taken_while_a_fix_is_watched(world: IncidentWorld) -> None:
    state = await state_after(world, turns.incident_asked_and_added_to_while_its_fix_is_watched)
    assert "It is watched until" in state.queries[0].answer
    assert {ref.reference for ref in turns.LATER.evidence} <= {read for call in state.calls for read in call.reads}
    assert phases(state)[-2:] == ["monitor_outcome", "case_closure"]
    assert calls(world) == ["deploy.rollBack"]
    assert len(of_solutions(state)) == 1


async def test_what_a_regressed_fix_could_not_undo_is_asked_of_people_once_and_kept_in_view(
    world: IncidentWorld,
) -> None:
    state = await state_after(world, turns.incident_regressed_and_not_undone)
    assert calls(world) == ["deploy.rollBack"]
    assert state.execution is not None
    assert state.execution.left == ["back (deploy.rollBack)"]
    assert "Left to people to take back: back (deploy.rollBack)" in said(state)
    parked = [key for key in world.mailer.sent if "parked/" in key]
    assert len(parked) == 1, "the run asked, and the incident did not ask again"
    assert any("back (deploy.rollBack)" in one for one in follow_ups(state))
    assert state.refuted == [state.rejected[0].hypothesis_id]
    assert "did not hold" in state.escalated_because


async def test_what_people_do_by_hand_takes_its_time_and_a_run_before_it_is_forgotten(world: IncidentWorld) -> None:
    state = await state_after(world, turns.incident_fixed_by_hand_after_a_run_that_failed)
    assert calls(world) == ["deploy.rollBack", "deploy.rollForward"]
    assert [one.kind for one in state.rejected] == ["roll_back"]
    assert "A person stopped it" not in said(state)
    assert state.execution is not None
    assert state.execution.status == "by_hand"
    watch = state.monitoring
    assert watch is not None
    assert (watch.outcome, watch.looks - watch.good >= 3, state.reopened) == ("held", True, 0)
    assert state.resolved_by == "surehand"


# Tickets, the store and a long life


async def test_each_ticket_s_customer_is_told_once_whenever_it_was_linked(world: IncidentWorld) -> None:
    state = await state_after(world, turns.incident_with_tickets_of_all_kinds)
    mails = [mail for mail in world.mailer.sent.values() if "you wrote to us about" in mail.text]
    assert len(mails) == 2
    asked = [request for request in state.approvals.values() if request.question.action == "incident_news"]
    assert [len(request.question.arguments["tickets"]) for request in asked] == [2, 1]
    assert all(request.granted for request in asked)
    told = {one.ticket_id.rsplit("-", 1)[1]: bool(one.told) for one in state.linked}
    assert told == {"OVER": False, "T1": True, "T2": True}
    assert any(f"{world.task_queue}-OVER" in one for one in follow_ups(state)), "its customer is not forgotten"
    assert "The cause is not known" in state.queries[0].answer or "checkout" in state.queries[0].answer
    assert state.current_status() is Status.CLOSED


async def test_a_store_that_is_down_does_not_keep_an_incident_from_people(world: IncidentWorld) -> None:
    state = await state_after(world, turns.incident_handed_over_while_the_store_is_down)
    assert len([mail for mail in world.mailer.sent.values() if "is handed to" in mail.text]) == 1
    handed = next(entry.number for entry in state.timeline if "Handed to" in entry.text)
    parked = next(entry.number for entry in state.timeline if entry.text.startswith("Parked: Save the incident"))
    assert handed < parked
    (name,) = (name for name in world.store.cases if "troubleshooting" in name)
    assert world.store.cases[name].status == "closed"
    assert sorted(world.store.lines[name]) == list(range(state.timeline_count)), "not a line is missing"


async def test_a_linked_ticket_goes_along_when_the_history_is_full(world: IncidentWorld) -> None:
    state = await state_after(world, turns.incident_continued_with_a_linked_ticket)
    assert state.runs > 1
    assert [bool(one.told) for one in state.linked] == [True]
    assert len([mail for mail in world.mailer.sent.values() if "you wrote to us about" in mail.text]) == 1
