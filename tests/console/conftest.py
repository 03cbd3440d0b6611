"""One service for all tests of a process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from domain.cases.records import CaseRecord, OutcomeRecord
from domain.cases.timeline import CaseMessage
from tests.console.browser import Browser
from tests.console.sign_in_world import SignInWorld, open_doors
from tests.service.service_world import ServiceWorld
from tests.service.test_contract import incident, ticket, until

EVIL = (
    "</textarea></title></script><script>alert(1)</script><img src=x onerror=alert(1)> "
    "\"><a href='javascript:alert(1)'>x</a> {{ 7 * 7 }} https://evil.example/x \u202egnp.exe"
)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceWorld]:
    with ServiceWorld(tmp_path_factory.mktemp("console")) as running:
        yield running


@pytest.fixture
def browsers(world: ServiceWorld) -> Iterator[Callable[..., Browser]]:
    """Opens browsers, signed in as somebody or not."""
    opened: list[Browser] = []

    def open_(who: str | None = None) -> Browser:
        opened.append(Browser(world))
        return opened[-1].sign_in(world.keys[who]) if who is not None else opened[-1]

    yield open_
    for browser in opened:
        browser.close()


@pytest.fixture(scope="session")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignInWorld]:
    """Services and an identity provider, for signing in alone; passwords are hashed at a tenth of the cost."""
    with open_doors(tmp_path_factory.mktemp("doors")) as running:
        yield running


@pytest.fixture
def at_door(doors: SignInWorld) -> Iterator[Callable[[str], Browser]]:
    """Opens browsers at one of the two services, with nobody signed in."""
    opened: list[Browser] = []

    def open_(house: str) -> Browser:
        opened.append(Browser(doors.houses[house]))
        return opened[-1]

    yield open_
    for browser in opened:
        browser.close()


@pytest.fixture(scope="session")
def cases(world: ServiceWorld) -> dict[str, str]:
    """A case of each kind, full of hostile words; the ticket waits for approval and the incident for a claim."""
    with world.client() as client:
        vip = ticket(customer={"tier": "vip", "email": "vip@example.com"}, channel="email", id="TICK-EVIL")
        client.post("/api/v1/tickets", json={**vip, "subject": EVIL[:200], "description": f"My export. {EVIL}"})
        opened = client.post("/api/v1/cases", json=incident(title=EVIL[:200], description=EVIL)).json()["case_id"]
        client.post(f"/api/v1/cases/{opened}/queries", json={"query": f"What is the status? {EVIL}"})
        until(lambda: client.get("/api/v1/cases/TICK-EVIL").json()["approvals"])
        until(lambda: client.get(f"/api/v1/cases/{opened}").json()["status"] == "waiting_claim")
    world.do(_past(world))
    return {"ticket": "TICK-EVIL", "incident": opened, "old": "OLD-1"}


async def _past(world: ServiceWorld) -> None:
    """A case that only the store still has, and numbers of a few that ended."""
    store, now = world.services.store.cases, datetime.now(UTC)
    record = CaseRecord(
        workflow_id="escalation:default:OLD-1", tenant="default", kind="escalation", case_id="OLD-1", ticket_id="OLD-1",
        status="closed", phase="done", subject=f"Old {EVIL}", opened_at=now - timedelta(days=3), updated_at=now,
        category="billing", details={"resolution": EVIL},
        conversation=(CaseMessage(number=0, message_id="m", at=now, author="customer", text=EVIL),),
    )  # fmt: skip
    await store.save_case(record)
    for number in range(5):
        await store.save_outcome(
            OutcomeRecord(
                workflow_id=f"escalation:default:ENDED-{number}",
                tenant="default",
                decision="no_escalation",
                category="billing",
                priority="high",
                risk=10,
                escalated=number == 0,
                reopened=int(number == 1),
                satisfaction=number % 5 + 1,
                first_response_seconds=60.0 * (number + 1),
                resolution_seconds=7200.0,
                sla_breaches=int(number == 2),
                model_cost=0.25,
                recorded_at=now - timedelta(days=number),
            )
        )
