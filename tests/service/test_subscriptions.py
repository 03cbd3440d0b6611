"""Systems outside that are told of cases: from a ticket that comes in to what a receiver verifies, over real HTTP."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from domain.cases.records import CaseRecord
from integrations.store.store import SqlStore
from starters.cli.app import app as commands
from tests.console.browser import Browser
from tests.loopback import Answer, Received
from tests.service.telling_world import TellingWorld
from tests.service.test_contract import is_refusal, ticket
from workers.webhook_waking import waking_senders

WEBHOOKS = "/api/v1/webhooks"


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TellingWorld]:
    with TellingWorld(tmp_path_factory.mktemp("telling")) as running:
        yield running


@pytest.fixture
def operator(telling: TellingWorld) -> Iterator[httpx.Client]:
    telling.receiver.handler = lambda _: Answer(status=204)
    with telling.client("operator") as client:
        client.post(f"{WEBHOOKS}/portal/enable", json={})
        yield client


def until(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while not (found := look()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)
    return found


def opened(world: TellingWorld) -> str:
    with world.client() as client:
        case: str = client.post("/api/v1/tickets", json=ticket(id=f"T-{uuid.uuid4().hex[:8]}")).json()["case_id"]
    return case


def deliveries(client: httpx.Client) -> list[dict[str, Any]]:
    page = client.get(f"{WEBHOOKS}/portal/deliveries", params={"limit": 200}).json()
    found: list[dict[str, Any]] = page["deliveries"]
    return found


def the_portal(client: httpx.Client) -> dict[str, Any]:
    answer = client.get(WEBHOOKS)
    assert answer.status_code == 200, answer.text
    [one] = answer.json()["endpoints"]
    found: dict[str, Any] = one
    return found


def test_a_ticket_that_comes_in_is_told_signed_in_order_and_without_its_words(
    telling: TellingWorld, operator: httpx.Client
) -> None:
    case = opened(telling)
    told = until(
        lambda: (found := telling.told(case)) and found[-1]["data"]["status"] not in ("triaging", "parked") and found
    )
    assert told[0]["type"] == "com.surehand.case.opened"
    assert told[0]["data"]["link"] == f"https://desk.example.com/console/cases/{case}"
    assert {event["data"]["tenant"] for event in told} == {"default"}
    assert told[0]["data"]["status"] == "triaging"
    text = json.dumps(told)
    assert "export" not in text, "the subject line is the customer's words"
    shown = until(lambda: (row := the_portal(operator))["delivered"] and row)
    assert shown["host"] == telling.receiver.url
    assert shown["status"] == "working"
    assert "T0KEN" not in json.dumps(shown)


def test_a_receiver_that_fails_is_asked_again_with_the_same_id_and_then_told_in_order(
    telling: TellingWorld, operator: httpx.Client
) -> None:
    telling.receiver.handler = lambda _: Answer(status=500)
    before = len(telling.receiver.received)
    case = opened(telling)
    until(lambda: len(telling.receiver.received) >= before + 3)
    until(lambda: the_portal(operator)["status"] == "failing")
    assert the_portal(operator)["last_outcome"] == "500"
    telling.receiver.handler = lambda _: Answer(status=204)
    until(lambda: the_portal(operator)["status"] == "working" and not the_portal(operator)["waiting"])
    ids = [event["id"] for event in telling.told(case)]
    assert ids[0] == ids[1]
    once = list(dict.fromkeys(ids))
    assert len(once) > 1
    assert ids == sorted(ids, key=once.index), "a later event came before an earlier one was taken"


def test_an_endpoint_that_is_disabled_is_told_nothing_until_it_is_enabled(
    telling: TellingWorld, operator: httpx.Client
) -> None:
    disabled = operator.post(f"{WEBHOOKS}/portal/disable", json={"reason": "They move house."})
    assert disabled.status_code == 200
    assert (disabled.json()["status"], disabled.json()["why_disabled"]) == ("disabled", "They move house.")
    assert disabled.json()["disabled_by"].startswith("key:")
    is_refusal(operator.post(f"{WEBHOOKS}/portal/test", json={}), 422)
    case = opened(telling)
    until(lambda: the_portal(operator)["waiting"] > 0)
    assert telling.told(case) == []
    assert operator.post(f"{WEBHOOKS}/portal/enable", json={}).json()["status"] == "working"
    until(lambda: telling.told(case))


def test_410_disables_and_is_shown(telling: TellingWorld, operator: httpx.Client) -> None:
    telling.receiver.handler = lambda _: Answer(status=410)
    assert operator.post(f"{WEBHOOKS}/portal/test", json={}).status_code == 200
    shown = until(lambda: (row := the_portal(operator))["status"] == "disabled" and row)
    assert shown["disabled_by"] == "surehand"


def test_a_trial_arrives_and_can_be_sent_again_under_its_own_id(telling: TellingWorld, operator: httpx.Client) -> None:
    event_id = operator.post(f"{WEBHOOKS}/portal/test", json={}).json()["event_id"]

    def arrived() -> list[Received]:
        return [one for one in telling.receiver.received if one.headers["webhook-id"] == event_id]

    until(arrived)
    until(lambda: event_id in [d["event_id"] for d in deliveries(operator) if d["status"] == "delivered"])
    again = operator.post(f"{WEBHOOKS}/portal/replay", json={"event_id": event_id})
    assert again.json() == {"replayed": 1}
    until(lambda: len(arrived()) == 2)
    first, second = arrived()
    assert first.body == second.body
    since = {"since": "2020-01-01T00:00:00Z"}
    assert operator.post(f"{WEBHOOKS}/portal/replay", json=since).json()["replayed"] > 0
    assert operator.post(f"{WEBHOOKS}/portal/replay", json={"event_id": "evt_none"}).json() == {"replayed": 0}


@pytest.mark.parametrize(
    "body", [{}, {"event_id": "e", "since": "2020-01-01T00:00:00Z"}, {"since": "2020-01-01T00:00:00"}, {"since": "x"}]
)
def test_a_replay_says_which_events(operator: httpx.Client, body: dict[str, str]) -> None:
    is_refusal(operator.post(f"{WEBHOOKS}/portal/replay", json=body), 422)


@pytest.mark.parametrize("since", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
def test_a_moment_that_no_clock_shows_is_a_moment_like_any_other(operator: httpx.Client, since: str) -> None:
    assert operator.post(f"{WEBHOOKS}/portal/replay", json={"since": since}).status_code == 200


@pytest.mark.parametrize("name", ["theirs", "nobody"])
def test_another_tenants_endpoint_cannot_be_told_from_one_that_is_not_there(
    telling: TellingWorld, operator: httpx.Client, name: str
) -> None:
    refusals = [
        operator.get(f"{WEBHOOKS}/{name}/deliveries"),
        operator.post(f"{WEBHOOKS}/{name}/test", json={}),
        operator.post(f"{WEBHOOKS}/{name}/enable", json={}),
        operator.post(f"{WEBHOOKS}/{name}/disable", json={}),
        operator.post(f"{WEBHOOKS}/{name}/replay", json={"event_id": "e"}),
    ]
    for refused in refusals:
        is_refusal(refused, 404, "NOT_FOUND")
    assert len({refused.json()["detail"] for refused in refusals}) == 1
    with telling.client("other") as other:
        assert [one["name"] for one in other.get(WEBHOOKS).json()["endpoints"]] == ["theirs"]


def test_a_list_of_deliveries_is_cut_and_filtered(telling: TellingWorld, operator: httpx.Client) -> None:
    opened(telling)
    until(lambda: len(deliveries(operator)) > 2)
    page = operator.get(f"{WEBHOOKS}/portal/deliveries", params={"limit": 1, "offset": 1}).json()
    assert len(page["deliveries"]) == 1
    assert page["total"] > 2
    assert page["has_more"]
    assert not {d["status"] for d in deliveries(operator)} - {"waiting", "delivered"}
    is_refusal(operator.get(f"{WEBHOOKS}/portal/deliveries", params={"status": "lost"}), 422)


def test_an_operator_sees_and_acts_in_the_console_and_an_agent_does_not(telling: TellingWorld) -> None:
    with closing(Browser(telling)) as agent:
        agent.sign_in(telling.keys["agent"])
        assert agent.get("/webhooks").status_code == 403
        assert "/webhooks" not in agent.get("/").text
    with closing(Browser(telling)) as browser:
        browser.sign_in(telling.keys["operator"])
        assert "/console/webhooks" in browser.get("/").text
        listed = browser.get("/webhooks").text
        assert "portal" in listed
        assert "theirs" not in listed
        assert browser.get("/webhooks/theirs").status_code == 404
        assert browser.do("webhooks", endpoint="theirs", act="enable").status_code == 404
        off = browser.do("webhooks", endpoint="portal", act="disable", reason="<b>They move</b>")
        assert off.headers["location"] == "/console/webhooks/portal?done=webhook-disable"
        page = browser.get("/webhooks/portal").text
        assert "&lt;b&gt;They move" in page
        assert "T0KEN" not in page + listed
        assert "Enable" in page
        browser.do("webhooks", endpoint="portal", act="enable")
        before = len(telling.receiver.received)
        browser.do("webhooks", endpoint="portal", act="test")
        until(lambda: len(telling.receiver.received) > before)
        event = telling.receiver.last.headers["webhook-id"]
        until(lambda: f"Send {event} again" in browser.get("/webhooks/portal").text)
        browser.do("webhooks", endpoint="portal", act="replay", event=event)
        until(lambda: [r.headers["webhook-id"] for r in telling.receiver.received].count(event) == 2)


def cli(world: TellingWorld, *words: str) -> Any:
    """What `surehand webhook ... --json` prints, in a process of its own settings."""
    said = CliRunner().invoke(commands, ["webhook", *words, "--json"], env=world.variables)
    assert said.exit_code == 0, said.stderr
    return json.loads(said.stdout)


def test_the_command_line_shows_and_does_the_same(telling: TellingWorld, operator: httpx.Client) -> None:
    [listed] = cli(telling, "list")
    assert (listed["name"], listed["host"]) == ("portal", telling.receiver.url)
    event = cli(telling, "test", "portal")["event_id"]
    until(lambda: [r for r in telling.receiver.received if r.headers["webhook-id"] == event])
    until(lambda: cli(telling, "show", "portal", "--limit", "1")["deliveries"][0]["status"] == "delivered")
    assert cli(telling, "replay", "portal", "--event", event) == {"endpoint": "portal", "replayed": 1}
    off = cli(telling, "disable", "portal", "--as", "p-lena", "--reason", "They move.")
    assert (off["status"], off["health"]["disabled_by"]) == ("disabled", "p-lena")
    assert cli(telling, "enable", "portal")["status"] == "working"
    refused = CliRunner().invoke(commands, ["webhook", "show", "theirs"], env=telling.variables)
    assert refused.exit_code != 0
    assert "no endpoint" in refused.stderr


def test_a_worker_that_starts_sends_what_a_killed_one_had_only_written(
    telling: TellingWorld, operator: httpx.Client
) -> None:
    # An outbox of its own stands for the process that was killed: nobody hears what it writes.
    async def starts_after_a_kill() -> None:
        store, services = await SqlStore.open(telling.settings.store_url), telling.services
        try:
            store.outbox.tell(services.configuration.subscriptions, {})
            now = datetime.now(UTC)
            await store.cases.save_case(
                CaseRecord(
                    workflow_id="escalation:default:T-killed", tenant="default", kind="escalation", case_id="T-killed",
                    ticket_id="T-killed", status="triaging", phase="intake", opened_at=now, updated_at=now,
                )
            )  # fmt: skip
            queue = telling.settings.temporal.task_queue
            async with waking_senders(services.client, store.outbox, queue, timedelta(days=1)), asyncio.timeout(60):
                while not telling.told("T-killed"):  # noqa: ASYNC110 - the receiver tells nobody
                    await asyncio.sleep(0.05)
        finally:
            await store.close()

    telling.do(starts_after_a_kill())
    assert [event["type"] for event in telling.told("T-killed")] == ["com.surehand.case.opened"]
