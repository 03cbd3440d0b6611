"""Sending one signed event over real HTTP: who can verify it, what counts, and where it never goes."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from domain.errors import ConfigurationProblem
from domain.webhooks.events import DeliveryStatus, Subscription, WebhookDelivery
from integrations.webhook_sender import HttpWebhookSender
from tests.loopback import Answer, Loopback, drip, endless, loopback

OLD, NEW = ("whsec_" + base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
DELIVERY = WebhookDelivery(
    number=1,
    tenant="acme",
    endpoint="portal",
    event_id="evt_0123456789abcdef",
    workflow_id="escalation:acme:T-1",
    kind="com.surehand.case.opened",
    body='{"specversion":"1.0","data":{"id":"T-1"}}',
    status=DeliveryStatus.WAITING,
    created_at=datetime(2026, 3, 1, tzinfo=UTC),
)


@pytest.fixture
async def receiver() -> AsyncIterator[Loopback]:
    async with loopback() as server:
        server.handler = lambda _: Answer(status=204)
        yield server


def to(url: str, *secrets: str) -> Subscription:
    return Subscription(name="portal", tenant="acme", url=url, secrets=secrets or ("new",))


def a_sender(receiver: Loopback | None = None, **more: Any) -> HttpWebhookSender:
    held = {"old": SecretStr(OLD), "new": SecretStr(NEW)}
    internal = (receiver.place,) if receiver is not None else ()
    return HttpWebhookSender(held, internal=internal, **{"timeout": timedelta(seconds=5), **more})


async def test_the_library_of_the_convention_verifies_what_is_sent(receiver: Loopback) -> None:
    attempt = await a_sender(receiver).send(to(f"{receiver.url}/hook?a=b"), DELIVERY)
    assert attempt.delivered
    assert attempt.outcome == "204"
    said = receiver.last
    assert said.target == "/hook?a=b"
    assert said.headers["content-type"].startswith("application/cloudevents+json")
    assert said.headers["webhook-id"] == DELIVERY.event_id
    assert Webhook(NEW).verify(said.body, said.headers) == {"specversion": "1.0", "data": {"id": "T-1"}}
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(said.body, said.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(said.body + b" ", said.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(said.body, {**said.headers, "webhook-id": "evt_other"})


async def test_while_one_secret_replaces_another_both_verify(receiver: Loopback) -> None:
    await a_sender(receiver).send(to(receiver.url, "new", "old", "not_set"), DELIVERY)
    said = receiver.last
    for secret in (OLD, NEW):
        Webhook(secret).verify(said.body, said.headers)
    assert len(said.headers["webhook-signature"].split(" ")) == 2


async def test_a_repeat_is_signed_anew_with_the_same_id_and_bytes(receiver: Loopback) -> None:
    times = iter([datetime(2026, 3, 1, 9, tzinfo=UTC), datetime(2026, 3, 1, 11, tzinfo=UTC)])
    current = next(times)
    sender = a_sender(receiver, now=lambda: current)
    await sender.send(to(receiver.url), DELIVERY)
    current = next(times)
    await sender.send(to(receiver.url), DELIVERY)
    first, second = receiver.received
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 7200
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 429, 500, 503])
async def test_only_2xx_counts_and_redirects_are_not_followed(receiver: Loopback, status: int) -> None:
    receiver.handler = lambda _: Answer(status=status, headers={"Location": f"{receiver.url}/elsewhere"})
    attempt = await a_sender(receiver).send(to(f"{receiver.url}/hook"), DELIVERY)
    assert (attempt.delivered, attempt.outcome, attempt.gone) == (False, str(status), False)
    assert [request.path for request in receiver.received] == ["/hook"]


async def test_410_says_that_nothing_is_wanted_any_more(receiver: Loopback) -> None:
    receiver.handler = lambda _: Answer(status=410)
    assert (await a_sender(receiver).send(to(receiver.url), DELIVERY)).gone


async def test_the_receivers_wish_for_the_delay_is_kept(receiver: Loopback) -> None:
    receiver.handler = lambda _: Answer(status=503, headers={"Retry-After": "120"})
    attempt = await a_sender(receiver).send(to(receiver.url), DELIVERY)
    assert attempt.retry_after == timedelta(minutes=2)


@pytest.mark.parametrize("stream", [endless, drip])
async def test_an_answer_without_an_end_is_not_read(receiver: Loopback, stream: Any) -> None:
    hung_up = asyncio.Event()

    async def told(writer: asyncio.StreamWriter) -> None:
        try:
            await stream(writer)
        finally:
            hung_up.set()

    receiver.handler = lambda _: Answer(status=200, headers={"Content-Length": "99999999999"}, stream=told)
    attempt = await a_sender(receiver, timeout=timedelta(seconds=60)).send(to(receiver.url), DELIVERY)
    assert attempt.delivered
    async with asyncio.timeout(30):
        await hung_up.wait()
    await asyncio.sleep(0.01)


async def test_a_receiver_that_never_answers_costs_the_time_of_one_request() -> None:
    left = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        left.set()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        sender = HttpWebhookSender({"new": SecretStr(NEW)}, internal=(place,), timeout=timedelta(seconds=0.3))
        attempt = await sender.send(to(f"http://{place}/"), DELIVERY)
        assert (attempt.delivered, attempt.outcome) == (False, "timeout")
        await left.wait()


async def test_a_port_that_nobody_listens_on_is_a_failure_like_any_other(receiver: Loopback) -> None:
    sender = HttpWebhookSender({"new": SecretStr(NEW)}, internal=("127.0.0.1:9",))
    assert (await sender.send(to("http://127.0.0.1:9/"), DELIVERY)).outcome == "connection"


@pytest.mark.parametrize(
    "found",
    ["127.0.0.1", "10.0.0.7", "169.254.169.254", "192.168.1.1", "::1", "fd00::1", "fe80::1", "100.64.0.1",
     "::ffff:10.0.0.1", "64:ff9b::a00:1", "0.0.0.0"],
)  # fmt: skip
async def test_a_name_that_leads_into_a_private_network_is_refused_when_it_is_connected_to(found: str) -> None:
    looked_up: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        looked_up.append(host)
        # The first address is public: all of them are judged.
        return ["93.184.216.34", found]

    attempt = await a_sender(resolve=resolve).send(to("https://hooks.example.com/x"), DELIVERY)
    assert (attempt.delivered, attempt.outcome) == (False, "address_not_allowed")
    assert looked_up == ["hooks.example.com"]


@pytest.mark.parametrize(
    "address", ["https://10.0.0.7/", "https://169.254.169.254/latest", "https://[::1]/", "https://127.0.0.1:8443/"]
)
async def test_a_private_address_itself_is_refused(address: str) -> None:
    assert (await a_sender().send(to(address), DELIVERY)).outcome == "address_not_allowed"


@pytest.mark.parametrize(
    "address",
    ["http://hooks.example.com/", "http://127.0.0.1:8000/", "ftp://hooks.example.com/", "https://u:p@hooks.example.com/",
     "https://2130706433/", "https://0x7f000001/", "https://127.1/", "file:///etc/passwd", "hooks.example.com"],
)  # fmt: skip
async def test_addresses_that_nothing_is_sent_to_are_refused_at_the_start(address: str) -> None:
    with pytest.raises(ConfigurationProblem):
        a_sender().check(to(address))
    assert (await a_sender().send(to(address), DELIVERY)).outcome == "misconfigured"


async def test_an_internal_host_is_one_host_and_one_port(receiver: Loopback) -> None:
    assert (
        await a_sender(receiver).send(to(f"http://localhost:{receiver.port}/"), DELIVERY)
    ).outcome == "misconfigured"
    assert receiver.received == []


@pytest.mark.parametrize(
    "secret", ["", "plain", "whsec_", "whsec_not base64", "whsec_c2hvcnQ=", base64.b64encode(bytes(32)).decode()]
)
async def test_a_secret_that_is_none_is_found_out_at_the_start_and_signs_nothing(
    receiver: Loopback, secret: str
) -> None:
    sender = HttpWebhookSender({"new": SecretStr(secret)}, internal=(receiver.place,))
    with pytest.raises(ConfigurationProblem) as refused:
        sender.check(to(receiver.url))
    assert not secret or secret not in str(refused.value).replace("whsec_ and", "")
    assert (await sender.send(to(receiver.url), DELIVERY)).outcome == "misconfigured"
    assert receiver.received == []


def test_an_endpoint_whose_secrets_are_not_set_is_found_out_at_the_start() -> None:
    with pytest.raises(ConfigurationProblem, match="SUREHAND_SECRETS__MISSING"):
        a_sender().check(to("https://hooks.example.com/", "missing"))


def test_no_address_stands_in_a_repr() -> None:
    assert "T0KEN" not in repr(to("https://hooks.example.com/T0KEN"))
    assert "T-1" not in repr(DELIVERY).replace("escalation:acme:T-1", "")
