"""The service dies between its acknowledgement and the delivery: everything accepted takes effect, and once."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from temporalio.client import Client

from domain.cases.escalation import EscalationState
from domain.ids import escalation_workflow_id
from tests.faults.installation import PASSWORD_TICKET, SOON_SECONDS, Case
from tests.faults.service_process import ServedInstallation
from tests.postgres import PostgresServer
from workflows.escalation import EscalationWorkflow

pytestmark = pytest.mark.asyncio(loop_scope="session")

LENA = "U0SURE0001"
TICKETS = 6
_SLOW_ANSWERS = 3
_numbers = itertools.count(1)


def own(served: ServedInstallation, name: str) -> str:
    """A number of this scenario's alone: both live in one namespace at once."""
    return f"{name}-{served.store_url.partition(':')[0]}"


def number_of(served: ServedInstallation) -> str:
    """The same for a ticket of Zendesk's."""
    return "4711" if served.store_url.startswith("sqlite") else "4712"


def ticket(name: str, **more: Any) -> dict[str, Any]:
    customer = {"id": "CUST-1", "email": "customer@example.org", "tier": "vip"}
    return {"id": name, "subject": "Help", "description": PASSWORD_TICKET, "customer": customer, **more}


def zendesk(kind: str, detail: dict[str, Any], event: dict[str, Any], name: str) -> bytes:
    whole = {"id": name, "type": f"zen:event-type:ticket.{kind}", "detail": detail, "event": event}
    return json.dumps(whole).encode()


def case_of(served: ServedInstallation, name: str) -> Case:
    workflow_id = escalation_workflow_id("default", name)
    return Case(served, served.client.get_workflow_handle_for(EscalationWorkflow.run, workflow_id))


async def button(served: ServedInstallation, case: Case, action: str = "approve_request") -> tuple[str, str]:
    """Where the newest message with that button is."""
    async with asyncio.timeout(SOON_SECONDS):
        while True:
            for entry in reversed(list(served.sandbox.world.entries(vendor="slack"))):
                blocks = entry.body.get("message", {}).get("blocks", [])
                if any(
                    element.get("action_id") == action and case.handle.id in element.get("value", "")
                    for block in blocks
                    for element in block.get("elements", [])
                ):
                    return entry.body["channel"], entry.body["message"]["ts"]
            await asyncio.sleep(0.1)


async def drained(served: ServedInstallation) -> None:
    async with asyncio.timeout(SOON_SECONDS):
        while await served.store.inbox.waiting():  # noqa: ASYNC110 - other processes empty it
            await asyncio.sleep(0.2)


async def killed_between_acknowledgement_and_delivery(served: ServedInstallation) -> None:
    """With no worker, nothing that is accepted can reach its case before the service dies."""
    worker = served.worker()
    detail = {"id": number_of(served), "subject": "Where is it?", "description": PASSWORD_TICKET, "requester_id": "77"}
    opened = await served.insist("/api/v1/tickets", ticket(own(served, "T-KILL")), "open-kill")
    assert opened.json()["case_id"] == own(served, "T-KILL")
    assert (await served.from_zendesk(zendesk("created", detail, {}, "z-1"))).status_code == 202
    approved, asked = case_of(served, own(served, "T-KILL")), case_of(served, number_of(served))
    channel, ts = await button(served, approved)
    await asked.until(lambda state: state.last_word_at is not None or state.people_have_it)
    await approved.quiet()
    await asked.quiet()
    worker.kill()

    comment = {"comment": {"id": "c9", "body": "Are you there?", "is_public": True, "author": {"is_staff": False}}}
    said = zendesk("comment_added", detail, comment, "z-2")
    headers = {"Idempotency-Key": "ask-1", "Prefer": "respond-async"}
    question: dict[str, Any] = {"json": {"query": "When will it work again?"}, "headers": headers}
    pressed, told, taken = await asyncio.gather(
        served.sandbox.slack.pressing.press(channel, ts, "approve_request", LENA, copies=2),
        served.from_zendesk(said, at=1),
        served.ask("POST", f"/api/v1/cases/{number_of(served)}/queries", at=1, **question),
    )
    assert pressed["status"] == 200
    assert told.status_code == 202
    assert taken.status_code == 202, taken.text
    for service in served.services:
        service.kill()
    for service in served.services:
        service.start()
    for service in served.services:
        await service.ready()
    # Another replica than the one that took it knows it, though no worker answers.
    waiting = await served.ask("GET", taken.headers["location"])
    assert (waiting.status_code, waiting.json()["status"]) == (200, "pending")
    again = await served.ask("POST", f"/api/v1/cases/{number_of(served)}/queries", **question)
    assert (again.status_code, again.content) == (202, taken.content)
    assert (await served.from_zendesk(said)).json() == {"status": "known"}

    served.worker()
    await drained(served)
    decided = await approved.until(lambda state: state.last_word_at is not None)
    votes = [vote for request in decided.approvals.values() for vote in request.votes]
    assert [vote.person_id for vote in votes] == ["p-lena"]
    heard = await asked.until(lambda state: len(of_customer(state)) >= 3)
    words = [one.text for one in of_customer(heard)]
    assert sorted(words[1:]) == ["Are you there?", "When will it work again?"]
    looked = await served.ask("GET", taken.headers["location"])
    assert looked.status_code == 303 or looked.json()["status"] in ("pending", "processing")
    await sent_once(approved, asked)


def of_customer(state: EscalationState) -> list[Any]:
    return [one for one in state.conversation if one.author == "customer"]


async def sent_once(*cases: Case) -> None:
    """Each case said each thing once. A mail whose answer was slow may come again, under its own Message-ID."""
    for case in cases:
        await case.assert_each_effect_once(kills=_SLOW_ANSWERS)


async def stopped_and_started_while_it_is_used(served: ServedInstallation) -> None:
    """Tickets keep coming and approvals are pressed while one replica after the other is killed or stopped."""
    first, second = served.services
    names = [own(served, f"T-FLOW-{number}") for number in range(TICKETS)]
    answers: dict[str, httpx.Response] = {}

    async def post(name: str, after: float) -> None:
        await asyncio.sleep(after)
        answers[name] = await served.insist("/api/v1/tickets", ticket(name), f"key-{name}")

    async def approve(name: str) -> None:
        case = case_of(served, name)
        channel, ts = await button(served, case)
        press = served.sandbox.slack.pressing.press
        while (await press(channel, ts, "approve_request", LENA))["status"] != 200:  # noqa: ASYNC110 - as people do
            await asyncio.sleep(0.2)

    work = [asyncio.create_task(post(name, place * 0.25)) for place, name in enumerate(names)]
    work += [asyncio.create_task(approve(name)) for name in names[:2]]
    first.kill()
    first.start()
    await first.ready()
    assert await second.stop() == 0
    second.start()
    await second.ready()
    await asyncio.gather(*work)
    await drained(served)
    for place, (name, answer) in enumerate(answers.items()):
        assert answer.json()["case_id"] == name
        again = await served.insist("/api/v1/tickets", ticket(name), f"key-{name}")
        assert (again.status_code, again.content) == (answer.status_code, answer.content)
        assert again.headers["idempotent-replayed"] == "true", place
    for name in names[:2]:
        state = await case_of(served, name).until(lambda state: state.last_word_at is not None)
        assert [vote.person_id for request in state.approvals.values() for vote in request.votes] == ["p-lena"]
    await sent_once(*(case_of(served, name) for name in names))


async def replicas_share_what_they_know(served: ServedInstallation) -> None:
    """One key at two replicas at once is one case; a session of one is the other's too."""
    body, headers = ticket(own(served, "T-SHARED")), {"Idempotency-Key": "shared"}
    posts = [served.ask("POST", "/api/v1/tickets", at=n % 2, json=body, headers=headers) for n in range(20)]
    answers = await asyncio.gather(*posts)
    # 200 where Temporal was slow to say that it had begun: the client asked again, and found the case there.
    assert {answer.status_code for answer in answers} - {409} in ({201}, {200})
    assert len({answer.content for answer in answers if answer.status_code != 409}) == 1
    made = await served.ask("POST", "/api/v1/sessions", json={})
    assert made.status_code == 201, made.text
    body = {**ticket(own(served, "T-SESSION")), "session_id": made.json()["session_id"]}
    assert (await served.ask("POST", "/api/v1/tickets", at=1, json=body)).status_code == 201


async def lives(client: Client, folder: Path, store_url: str) -> None:
    async with ServedInstallation(client, folder) as served:
        await served.serve(store_url)
        try:
            await replicas_share_what_they_know(served)
            await killed_between_acknowledgement_and_delivery(served)
            await stopped_and_started_while_it_is_used(served)
        except BaseException as error:
            error.add_note("\n".join(service.words[-1_500:] for service in served.services))
            raise


async def on_sqlite(client: Client, folder: Path) -> None:
    await lives(client, folder, f"sqlite:///{folder}/surehand.db")


async def on_postgresql(client: Client, folder: Path) -> None:
    with PostgresServer() as server:
        name = f"served_{next(_numbers)}"
        connection = await asyncpg.connect(server.url())
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        await lives(client, folder, server.url(name))


Scenario = Callable[[Client, Path], Awaitable[None]]


@pytest.mark.parametrize("scenario", [on_sqlite, on_postgresql], ids=lambda scenario: scenario.__name__)
async def test_what_the_service_accepted_takes_effect_once_though_it_is_killed(
    scenario: Scenario, running: Any
) -> None:
    await running(scenario)
