"""What real histories say of urgency and of whose turn it is: of cases, their activities, children and next runs."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity, workflow
from temporalio.api.common.v1 import Priority
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHandle
from temporalio.worker import Worker

from domain.errors import ConfigurationProblem
from domain.playbook.messages import CloudEvent, PlaybookInput
from domain.tickets.ticket import Priority as Urgency
from domain.troubleshooting.linking import incident_id_of_ticket
from runtime.configuration.tenants import Tenants
from runtime.settings.environment import SHIPPED_CONFIG
from runtime.temporal.connection import connect
from starters.playbooks import Playbooks
from starters.ticket_links import TicketLinks
from tests.service.service_world import LEAD, ServiceWorld
from tests.service.test_contract import ORDER, incident, ticket
from workflows import sharing

OUTAGE = (
    "Our production system is down because every API call fails to authenticate. We lose thousands every minute. "
    "This is completely unacceptable and we are considering legal action."
)


@activity.defn
async def what_it_has() -> list[Any]:
    has = activity.info().priority
    return [has.priority_key, has.fairness_key, has.fairness_weight]


@workflow.defn(sandboxed=False)
class Hands:
    @workflow.run
    async def run(self, urgencies: list[str | None], deeper: bool) -> list[Any]:
        seen = [
            await workflow.execute_activity(
                what_it_has,
                priority=sharing.as_urgent_as(Urgency(urgency) if urgency else None),
                start_to_close_timeout=timedelta(seconds=30),
            )
            for urgency in urgencies
        ]
        if deeper:
            seen += await workflow.execute_child_workflow(
                Hands.run, args=[urgencies, False], priority=sharing.as_urgent_as(Urgency.URGENT)
            )
        return seen


def history(world: ServiceWorld, workflow_id: str, run_id: str | None = None) -> list[HistoryEvent]:
    async def fetched() -> list[HistoryEvent]:
        handle = world.services.client.get_workflow_handle(workflow_id, run_id=run_id)
        return list((await handle.fetch_history()).events)

    return world.do(fetched())


def started(events: list[HistoryEvent]) -> Priority:
    return events[0].workflow_execution_started_event_attributes.priority


def activities(events: list[HistoryEvent]) -> list[Priority]:
    return [
        event.activity_task_scheduled_event_attributes.priority
        for event in events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]


def eventually(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while not (found := look()):
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.1)
    return found


def test_an_urgent_ticket_moves_up_once_triage_has_seen_it_and_its_tenant_keeps_its_turn(world: ServiceWorld) -> None:
    with world.client("other") as client:
        opened = client.post("/api/v1/tickets", json=ticket(description=OUTAGE)).json()["case_id"]
    workflow_id = f"escalation:acme-us:{opened}"
    handed = eventually(lambda: (e := activities(history(world, workflow_id))) and len(e) > 5 and e)
    begun = started(history(world, workflow_id))

    assert (begun.priority_key, begun.fairness_key, begun.fairness_weight) == (4, "acme-us", 1.0)
    # Before triage it may be anything, so that it is looked at first of all.
    assert {one.priority_key for one in handed[:3]} == {sharing.TRIAGE_FIRST.priority_key}
    assert handed[-1].priority_key == Urgency.CRITICAL.rank
    assert {one.fairness_key for one in handed} == {""}


def test_incidents_runs_and_their_children_carry_urgency_and_tenant(world: ServiceWorld) -> None:
    services = world.services
    with world.client() as client:
        alarm = client.post("/api/v1/cases", json=incident(priority="low", title=f"Slow {uuid.uuid4().hex}")).json()
        told = client.post("/api/v1/tickets", json=ticket(priority="high")).json()["case_id"]
        run = client.post("/api/v1/playbooks/order-fulfilment/runs", json={"input": ORDER}).json()["case_id"]
        client.post(f"/api/v1/incidents/{alarm['case_id']}/tickets", json={"ticket_id": told})
    of_alarm = history(world, f"troubleshooting:default:{alarm['case_id'].removeprefix('incident:')}")
    of_run = eventually(lambda: (e := history(world, f"playbook:default:{run}")) and activities(e) and e)

    assert (started(of_alarm).priority_key, started(of_alarm).fairness_key) == (5, "default")
    assert (started(of_run).priority_key, started(of_run).fairness_key) == (4, "default")
    assert {(one.priority_key, one.fairness_key) for one in activities(of_run)} == {(0, "")}

    def children() -> list[Priority]:
        """Of an incident that a person opened from the ticket."""
        return [
            event.start_child_workflow_execution_initiated_event_attributes.priority
            for event in history(world, f"escalation:default:{told}")
            if event.HasField("start_child_workflow_execution_initiated_event_attributes")
        ]

    eventually(lambda: world.do(services.cases.escalation("default", told)).decision)
    world.do(TicketLinks(services.cases).open("default", told, LEAD))
    child = incident_id_of_ticket(told)
    of_child = eventually(lambda: (e := history(world, f"troubleshooting:default:{child}")) and activities(e) and e)

    with world.client() as client:
        # As the ticket's triage judged, not its sender; what the incident's own words add later changes no start.
        rank = Urgency(client.get(f"/api/v1/cases/{told}").json()["priority"]).rank
    assert [one.priority_key for one in children()] == [rank]
    assert (started(of_child).priority_key, started(of_child).fairness_key) == (rank, "default")
    assert {one.fairness_key for one in activities(of_child)} == {""}


def test_a_share_is_carried_on_into_the_next_run_and_a_tenant_without_one_starts_nothing(
    world: ServiceWorld, tmp_path: Path
) -> None:
    (tmp_path / "tenants.yaml").write_text("tenants: {default: {share: 2.5}}\n", "utf-8")
    services, key = world.services, uuid.uuid4().hex
    playbooks = Playbooks(
        services.client,
        task_queue=services.settings.temporal.task_queue,
        tenants=Tenants((SHIPPED_CONFIG, tmp_path)),
    )
    order = PlaybookInput(tenant="default", name="waits", key=key, started_by=LEAD, continue_after_events=5)
    start = world.do(playbooks.start(order))
    handle: WorkflowHandle[Any, Any] = services.client.get_workflow_handle(start.workflow_id)

    async def run_id() -> str:
        return (await handle.describe()).run_id

    first = world.do(run_id())
    again = eventually(lambda: (now := world.do(run_id())) != first and now)
    bought = CloudEvent(id="1", source="s", type="com.surehand.contact.purchase")
    world.do(playbooks.event("default", start.run, bought))
    world.do(handle.result())
    begun = started(history(world, start.workflow_id, again))

    assert (begun.priority_key, begun.fairness_key, begun.fairness_weight) == (4, "default", 2.5)
    with pytest.raises(ConfigurationProblem, match="add it to tenants"):
        world.do(playbooks.start(order.model_copy(update={"tenant": "nobody"})))


def test_what_nobody_says_is_handed_on_by_the_server(world: ServiceWorld) -> None:
    async def handed() -> list[Any]:
        client, queue = await connect(world.settings), uuid.uuid4().hex
        worker = Worker(
            client,
            task_queue=queue,
            workflows=[Hands],
            activities=[what_it_has],
            # What a worker is handed at once, beside the queue, does not say what it has.
            disable_eager_activity_execution=True,
        )
        async with worker:
            result: list[Any] = await client.execute_workflow(
                Hands.run,
                args=[[None, "critical"], True],
                id=queue,
                task_queue=queue,
                priority=sharing.of_tenant("acme-us", Urgency.LOW, weight=2.5),
            )
            return result

    assert world.do(handed()) == [
        [5, "acme-us", 2.5],
        [1, "acme-us", 2.5],
        [2, "acme-us", 2.5],
        [1, "acme-us", 2.5],
    ]
