"""What was acknowledged waits while nobody can carry its case on; what its case refuses for good is over."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from domain.cases.deliveries import Delivery
from domain.errors import NotReachable, Refused
from starters.answers import STUCK
from starters.service.hooks import doing
from starters.service.inbox import accepting, delivering
from starters.service.inbox.delivering import Done, Later
from starters.service.slack import doing as slack

TICKET = {"id": "T-1", "subject": "No rows", "description": "The export is empty.", "customerEmail": "a@example.org"}
CLICK = {"user": "U1", "channel": "C1", "workflow": "escalation:default:T-1"}
ALERT = {"incident": "AM-1", "title": "Errors", "note": "2026-11-20 ERROR", "by": "alertmanager"}
BODIES: dict[str, dict[str, Any]] = {
    "api_ask": {"workflow": "troubleshooting:default:INC-1", "author": "p-lena", "text": "How is it?"},
    "hook_ticket": {"ticket": TICKET},
    "hook_message": {"case": "T-1", "message_id": "m-1", "text": "Still empty."},
    "hook_incident": ALERT,
    "hook_resolved": ALERT,
    "slack_claim": CLICK,
    "slack_decide": {**CLICK, "request": "reply-1", "digest": "0" * 64, "approve": True},
}
HANDLERS = {**accepting.HANDLERS, **doing.HANDLERS, **slack.TO_CASES}


class Refusing:
    """Whatever is asked of it, it gives the same answer."""

    def __init__(self, why: Exception) -> None:
        self._why = why

    def __getattr__(self, name: str) -> Any:
        async def refused(*_: object, **__: object) -> None:
            raise self._why

        return refused


async def delivered(kind: str, why: Exception, *, attempts: int = 0) -> Done:
    async def fine(*_: object, **__: object) -> None:
        return None

    async def put(*_: object) -> tuple[str, int]:
        return f"sha256:{'0' * 64}", 16

    person = SimpleNamespace(person_id="p-lena", slack_user_id="U1", active=True)
    cases = Refusing(why)
    services: Any = SimpleNamespace(
        cases=cases, incidents=cases, submitter=cases, evidence=SimpleNamespace(put=put),
        client=SimpleNamespace(service_client=SimpleNamespace(check_health=fine)),
        configuration=SimpleNamespace(people=SimpleNamespace(everybody=lambda _: [person])),
    )  # fmt: skip
    delivery = Delivery(
        tenant="default", source="test", delivery_id="d-1", kind=kind, body=BODIES[kind], correlation_id="c-1",
        received_at=datetime.now(UTC), attempts=attempts,
    )  # fmt: skip
    return await delivering._handled(services, HANDLERS, delivery)


def test_every_kind_of_delivery_to_a_case_is_looked_at_here() -> None:
    assert set(HANDLERS) - set(BODIES) == {"hook_event"}, "an event that reaches no run is over; all else waits"


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("why", [Refused(STUCK), NotReachable("No worker answers."), TimeoutError()], ids=type)
async def test_what_nobody_can_carry_on_now_is_tried_again(kind: str, why: Exception) -> None:
    for attempts in (0, 10_000):
        with pytest.raises(Later):
            await delivered(kind, why, attempts=attempts)


@pytest.mark.parametrize("kind", BODIES)
async def test_what_a_case_refuses_for_good_is_over(kind: str) -> None:
    assert isinstance(await delivered(kind, Refused("This case is closed.")), Done)


@pytest.mark.parametrize("kind", BODIES)
async def test_a_fault_of_our_own_is_tried_again_and_given_up_in_the_end(kind: str) -> None:
    with pytest.raises(Later):
        await delivered(kind, KeyError("nobody foresaw this"))
    assert (await delivered(kind, KeyError("nobody foresaw this"), attempts=20)).outcome == "failed"
