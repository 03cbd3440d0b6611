"""The Zendesk client against the simulated account."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from domain.errors import NotFoundAtVendor, OutcomeUnknown, VendorRefused, VendorThrottled, VendorUnavailable
from domain.mail import TicketEscalation, TicketReceipt
from integrations.zendesk import COMMENT_LIMIT, ZendeskTickets
from tests.vendor_world import WORKFLOW, Outside

TOKEN = "token-that-must-not-show"
AGENT = ("agent@example.com/token", "t")


@pytest.fixture
def tickets(world: Outside) -> ZendeskTickets:
    return ZendeskTickets(
        base_url=world.url("zendesk"), email="a@example.com", token=SecretStr(TOKEN), timeout_seconds=2
    )


def a_change(**changes: Any) -> TicketEscalation:
    return TicketEscalation(
        **{
            "key": f"{WORKFLOW}/handoff-1/ticketing",
            "external_id": "4711",
            "priority": "critical",
            "group": "Management",
            "tags": ("surehand-escalated", "web"),
            "note": "Why",
        }
        | changes
    )


async def ticket(world: Outside, number: str = "4711") -> dict[str, Any]:
    return await agent(world, "GET", f"/api/v2/tickets/{number}")


async def agent(world: Outside, method: str, path: str, **fields: Any) -> dict[str, Any]:
    """What an agent does meanwhile."""
    async with httpx.AsyncClient(base_url=world.url("zendesk"), auth=AGENT, trust_env=False) as client:
        answer = await client.request(method, path, json={"ticket": fields} if fields else None)
    found: dict[str, Any] = answer.json()["ticket"]
    return found


async def test_a_handoff_raises_the_priority_moves_the_ticket_and_notes_why(
    world: Outside, tickets: ZendeskTickets
) -> None:
    receipt = await tickets.escalate(a_change())
    now = await ticket(world)
    assert (now["priority"], now["group_id"], now["tags"]) == ("urgent", 505, ["web", "surehand-escalated"])
    assert receipt == TicketReceipt(
        external_id="4711",
        previous_status="open",
        previous_priority="normal",
        previous_group="500",
        added_tags=("surehand-escalated",),
        set_priority="urgent",
        set_group="505",
    )
    (entry,) = await world.messages("zendesk")
    assert [event["public"] for event in entry["body"]["events"] if event["type"] == "Comment"] == [False]
    assert entry["case"] == "TICK-1"


@pytest.mark.parametrize("kind", ["drop", "html", "truncated", "empty", "charset"])
async def test_a_change_whose_answer_was_lost_is_found_and_tells_what_was_there_before(
    world: Outside, tickets: ZendeskTickets, kind: str
) -> None:
    await world.fault("zendesk", kind, match="PUT")
    with pytest.raises(OutcomeUnknown):
        await tickets.escalate(a_change())
    receipt = await tickets.escalate(a_change())
    assert receipt.repeated
    assert receipt.previous_priority == "normal"
    assert await world.count("zendesk", f"{WORKFLOW}/handoff-1/ticketing") == 1


async def test_a_priority_is_never_lowered(world: Outside, tickets: ZendeskTickets) -> None:
    await ticket(world)
    await agent(world, "PUT", "/api/v2/tickets/4711", priority="urgent")
    receipt = await tickets.escalate(a_change(priority="medium"))
    assert (await ticket(world))["priority"] == "urgent"
    assert receipt.set_priority is None


async def test_an_agents_edit_in_between_is_read_again_and_not_overwritten(
    world: Outside, tickets: ZendeskTickets, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = tickets._made

    async def agent_is_faster(found: dict[str, Any], key: str) -> Any:
        made = await read(found, key)
        await agent(world, "PUT", "/api/v2/tickets/4711", tags=["web", "vip"])
        return made

    monkeypatch.setattr(tickets, "_made", agent_is_faster)
    with pytest.raises(VendorUnavailable) as caught:
        await tickets.escalate(a_change())
    assert caught.value.code == "UpdateConflict"
    monkeypatch.undo()
    await tickets.escalate(a_change())
    assert (await ticket(world))["tags"] == ["vip", "web", "surehand-escalated"]


async def test_a_reverted_handoff_puts_everything_back_once(world: Outside, tickets: ZendeskTickets) -> None:
    receipt = await tickets.escalate(a_change())
    await tickets.revert(receipt, key=f"{WORKFLOW}/undo", note="Withdrawn")
    await tickets.revert(receipt, key=f"{WORKFLOW}/undo", note="Withdrawn")
    now = await ticket(world)
    assert (now["priority"], now["group_id"], now["tags"]) == ("normal", 500, ["web"])
    assert await world.count("zendesk", f"{WORKFLOW}/undo") == 1


async def test_what_an_agent_changed_since_stays_when_a_handoff_is_reverted(
    world: Outside, tickets: ZendeskTickets
) -> None:
    receipt = await tickets.escalate(a_change())
    await agent(world, "PUT", "/api/v2/tickets/4711", priority="high", group_id=501)
    await tickets.revert(receipt, key=f"{WORKFLOW}/undo", note="Withdrawn")
    now = await ticket(world)
    assert (now["priority"], now["group_id"]) == ("high", 501)


async def test_a_ticket_that_is_gone_is_told_and_reverting_it_is_fine(tickets: ZendeskTickets) -> None:
    with pytest.raises(NotFoundAtVendor):
        await tickets.escalate(a_change(external_id="4041"))
    with pytest.raises(NotFoundAtVendor):
        await tickets.add_note("4041", key="k", note="x")
    assert await tickets.status_of("4041") is None
    await tickets.revert(TicketReceipt(external_id="4041"), key="k", note="x")


async def test_a_closed_ticket_is_refused_and_reverting_it_is_fine(world: Outside, tickets: ZendeskTickets) -> None:
    receipt = await tickets.escalate(a_change())
    await agent(world, "PUT", "/api/v2/tickets/4711", status="closed")
    with pytest.raises(VendorRefused, match="closed"):
        await tickets.escalate(a_change(key=f"{WORKFLOW}/again"))
    await tickets.revert(receipt, key=f"{WORKFLOW}/undo", note="x")


async def test_a_ticket_from_elsewhere_is_found_by_its_external_id(tickets: ZendeskTickets) -> None:
    receipt = await tickets.escalate(a_change(external_id="TICK-1"))
    assert receipt.external_id.isdigit()
    assert await tickets.status_of("TICK-1") == "open"


async def test_a_ticket_that_zendesk_never_had_is_created_once(world: Outside, tickets: ZendeskTickets) -> None:
    change = a_change(external_id="new-1")
    await world.fault("zendesk", "drop", match="POST")
    with pytest.raises(OutcomeUnknown):
        await tickets.escalate(change)
    receipt = await tickets.escalate(change)
    assert receipt.created
    assert [entry["kind"] for entry in await world.messages("zendesk")] == ["ticket_created"]
    await tickets.revert(receipt, key=f"{WORKFLOW}/undo", note="Withdrawn")
    assert await tickets.status_of("new-1") == "solved"


async def test_a_note_and_a_status_are_written_once(world: Outside, tickets: ZendeskTickets) -> None:
    for _ in range(2):
        await tickets.add_note("4711", key=f"{WORKFLOW}/note", note="x" * (COMMENT_LIMIT + 10_000), public=True)
        await tickets.set_status("4711", "solved", key=f"{WORKFLOW}/solved")
    note, solved = await world.messages("zendesk")
    assert note["body"]["events"][0]["body"].endswith("[shortened]")
    assert note["body"]["events"][0]["public"]
    assert solved["body"]["ticket"]["status"] == "solved"


async def test_a_group_that_does_not_exist_is_a_fault_of_the_configuration(tickets: ZendeskTickets) -> None:
    with pytest.raises(VendorRefused, match="zendesk_group"):
        await tickets.escalate(a_change(group="No such group"))
    assert (await tickets.escalate(a_change(group="505"))).set_group == "505"


async def test_a_throttled_zendesk_keeps_its_wait(world: Outside, tickets: ZendeskTickets) -> None:
    await world.fault("zendesk", "throttle", retry_after="30")
    with pytest.raises(VendorThrottled) as caught:
        await tickets.escalate(a_change())
    assert caught.value.retry_after is not None
    assert caught.value.retry_after.total_seconds() == 30


async def test_the_token_stands_in_no_repr_and_no_error(world: Outside, tickets: ZendeskTickets) -> None:
    await world.fault("zendesk", "fail", status=401)
    with pytest.raises(VendorRefused, match="API_TOKEN") as caught:
        await tickets.escalate(a_change())
    assert TOKEN not in repr(tickets) + repr(tickets._http) + repr(caught.value) + str(caught.value)
