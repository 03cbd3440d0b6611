"""Each vendor breaks in each way: a case reaches its handoff, or people by the emergency path, and nothing doubles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from tests.faults.conftest import Running
from tests.faults.installation import HURRIED_SECONDS, OUTAGE_TICKET, REFUND_TICKET, Case, Installation

pytestmark = pytest.mark.asyncio(loop_scope="session")

FAULTS: dict[str, dict[str, Any]] = {
    "fails twice": {"kind": "fail", "times": 2},
    "asks to slow down": {"kind": "throttle", "times": 2, "retry_after": "1"},
    "is slow": {"kind": "delay", "delay_ms": 700},
    "hangs": {"kind": "hang"},
    "takes it and breaks off": {"kind": "drop"},
    "takes it and cuts its answer": {"kind": "truncated"},
    "takes it and answers with a page": {"kind": "html"},
    "takes it and answers nothing": {"kind": "empty"},
}
MAIL_FAULTS: dict[str, dict[str, Any]] = {
    "greylists": {"kind": "fail", "code": 451, "times": 2},
    "greylists a recipient": {"kind": "fail", "code": 450, "times": 2, "stage": "RCPT"},
    "turns away at the door": {"kind": "fail", "code": 421, "times": 2, "stage": "CONNECT", "match": ""},
    "is slow": {"kind": "delay", "delay_ms": 700},
    "hangs": {"kind": "hang"},
    "takes it and breaks off": {"kind": "drop"},
}


def handed_over_although(vendor: str, match: str, faults: dict[str, dict[str, Any]]) -> Any:
    """One installation lives through all faults of a vendor, one case after the other."""

    async def scenario(client: Client, folder: Path) -> None:
        async with Installation(client, folder, patience_seconds=HURRIED_SECONDS) as installation:
            installation.worker()
            broken: list[str] = []
            for number, (name, fault) in enumerate(faults.items(), start=1):
                at = {"match": match.format(number=4_000 + number), **fault}
                met = installation.break_vendor(vendor, **at)
                case = await installation.submit(OUTAGE_TICKET, external_id=str(4_000 + number))
                try:
                    await reaches_its_handoff(case)
                    assert met.met, "the fault was never met"
                except AssertionError as error:
                    broken.append(f"{name}: {str(error)[:600]}")
                installation.sandbox.faults.remove(vendor=vendor)
            assert not broken, "\n".join(broken)

    scenario.__name__ = f"{vendor} breaks"
    return scenario


async def reaches_its_handoff(case: Case) -> None:
    state = await case.until(lambda s: s.people_have_it and s.next_unhandled() is None)
    assert state.handoff is not None
    assert not state.handoff.emergency
    await case.assert_each_effect_once("acknowledge", "reply-1", "handoff-1/mail", "handoff-1/chat")
    assert len(case.entries("zendesk")) == 1


async def stripe_breaks(client: Client, folder: Path) -> None:
    async with Installation(client, folder, patience_seconds=HURRIED_SECONDS) as installation:
        installation.worker()
        for number, fault in enumerate(FAULTS.values(), start=1):
            # A customer each: the shipped limit on one customer's refunds in a day would ask again.
            case = await installation.submit(REFUND_TICKET, customer={"customer_id": f"CUST-{number}"})
            request = await case.asked()
            met = installation.break_vendor("stripe", match="/v1/refunds", **fault)
            await case.approve(request, "p-greta")
            await case.until(lambda s: s.last_word_at is not None)
            assert met.met
            assert len(case.entries("stripe", "refund")) == 1
            await case.assert_each_effect_once("reply-1")


async def vendors_take_everything_twice(client: Client, folder: Path) -> None:
    """A vendor that doubles what it got once: nobody can prevent it; every copy bears the key of the one request."""
    async with Installation(client, folder) as installation:
        installation.worker()
        for vendor in ("smtp", "slack", "zendesk"):
            installation.break_vendor(vendor, "duplicate", times=None)
        case = await installation.submit(OUTAGE_TICKET, external_id="4711")
        await case.until(lambda s: s.people_have_it and s.next_unhandled() is None and s.acknowledged)
        await case.quiet()
        state = await case.until(lambda _: True)
        assert {e["key"] for e in case.entries("smtp")} == {m.message_id for m in state.sent if m.channel == "email"}
        chat = Counter(entry["key"] for entry in case.entries("slack", "message"))
        assert len(chat) == sum(message.channel == "slack" for message in state.sent)
        assert max(chat.values()) == 2
        assert len({entry["key"] for entry in case.entries("zendesk")}) == 1


async def chat_and_ticketing_are_down(client: Client, folder: Path) -> None:
    async with Installation(client, folder, handoff_give_up_after="10 s") as installation:
        for vendor in ("slack", "zendesk"):
            installation.break_vendor(vendor, "down", times=None)
            await installation.sandbox.apply_down()
        installation.worker()
        case = await installation.submit(OUTAGE_TICKET, external_id="4711")
        await case.until(lambda s: s.people_have_it and s.next_unhandled() is None)
        steps = {"acknowledge", "handoff-1/mail", "handoff-1/mail-withdrawn", "handoff-1/emergency/mail"}
        state = await case.until(lambda s: steps <= {message.step for message in s.sent})
        assert state.handoff is not None
        assert state.handoff.emergency
        assert state.parked == {}
        subjects = [entry["subject"] for entry in case.entries("smtp")]
        assert len(subjects) == len(set(subjects))


async def everything_is_down_for_a_while(client: Client, folder: Path) -> None:
    """Nobody can be told of the handoff: it is parked where a person sees it, and done once somebody says retry."""
    # Long enough for the handoff that comes afterwards, on a busy machine too.
    async with Installation(client, folder, handoff_give_up_after="20 s") as installation:
        installation.worker()
        for vendor in ("slack", "zendesk", "smtp"):
            installation.break_vendor(vendor, "down", times=None)
        await installation.sandbox.apply_down()
        case = await installation.submit(OUTAGE_TICKET, external_id="4711")
        state = await case.until(lambda s: "handoff" in s.parked)
        assert state.status.value == "parked"
        installation.sandbox.faults.remove()
        await installation.sandbox.apply_down()
        await case.retry("handoff")
        state = await case.until(lambda s: s.people_have_it and s.next_unhandled() is None)
        assert state.handoff is not None
        assert not state.handoff.emergency
        await case.assert_each_effect_once("acknowledge", "handoff-2/mail", "handoff-2/chat")


def named(scenario: Any) -> str:
    return str(scenario.__name__)


BREAKING: list[Callable[[Client, Path], Awaitable[None]]] = [
    handed_over_although("smtp", "engineering-support", MAIL_FAULTS),
    handed_over_although("slack", "chat.postMessage", FAULTS),
    handed_over_although("zendesk", "PUT /api/v2/tickets/{number}", FAULTS),
    stripe_breaks,
]


@pytest.mark.parametrize("scenario", BREAKING, ids=named)
async def test_vendor_that_breaks_for_a_moment_delays_and_doubles_nothing(scenario: Any, running: Running) -> None:
    await running(scenario)


@pytest.mark.parametrize("scenario", [vendors_take_everything_twice], ids=named)
async def test_vendor_that_doubles_a_request_gets_one_key_for_both(scenario: Any, running: Running) -> None:
    await running(scenario)


@pytest.mark.parametrize("scenario", [chat_and_ticketing_are_down, everything_is_down_for_a_while], ids=named)
async def test_outage_ends_at_people_or_in_a_parked_step(scenario: Any, running: Running) -> None:
    await running(scenario)
