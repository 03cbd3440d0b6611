"""What our clients send, and what the sandbox answers, held against the vendors' published contracts."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from jsonschema import Draft202012Validator
from pydantic import SecretStr
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.mail import ChatMessage, TicketEscalation
from integrations.slack.channel import SlackChat
from integrations.stripe.billing import StripeBilling
from integrations.zendesk import ZendeskTickets
from sandbox import slack, stripe, zendesk
from sandbox.doors import Door, web
from sandbox.world import World
from tests.vendor_world import WORKFLOW, MemoryLedger

DATA = Path(__file__).parent / "data"


def contract(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / name).read_text("utf-8"))
    return found


ZENDESK, SLACK = contract("zendesk-support-subset.json"), contract("slack-web-api-subset.json")
STRIPE = contract("stripe-fixtures-subset.json")["resources"]


class Tap:
    """Stands before a simulator and keeps requests and answers."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application
        self.exchanges: list[tuple[str, str, dict[str, str], bytes, int, Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked, answered, status = bytearray(), bytearray(), [0]

        async def hear() -> Message:
            message = await receive()
            asked.extend(message.get("body", b""))
            return message

        async def say(message: Message) -> None:
            status[0] = message.get("status", status[0])
            answered.extend(message.get("body", b""))
            await send(message)

        await self._application(scope, hear, say)
        query = dict(parse_qsl(scope["query_string"].decode()))
        exchange = (scope["method"], scope["path"], query, bytes(asked), status[0], json.loads(answered))
        self.exchanges.append(exchange)


class Tapped:
    """The simulators behind taps, on ports of their own."""

    def __init__(self, data_dir: Path) -> None:
        self.world = World(data_dir)
        self.taps = {
            "slack": Tap(slack.SlackSimulator(self.world).app()),
            "zendesk": Tap(zendesk.ZendeskSimulator(self.world).app()),
            "stripe": Tap(stripe.StripeSimulator(self.world).app()),
        }
        self.doors = {name: Door(web(tap)) for name, tap in self.taps.items()}

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.doors[name].port}"


@pytest.fixture
async def tapped(tmp_path: Path) -> AsyncIterator[Tapped]:
    vendors = Tapped(tmp_path)
    for door in vendors.doors.values():
        await door.open()
    yield vendors
    for door in vendors.doors.values():
        await door.close()
    vendors.world.close()


def strict(document: dict[str, Any]) -> dict[str, Any]:
    """OpenAPI 3.0 and Swagger 2 say `nullable` where JSON schema says so by type."""
    document = deepcopy(document)

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if node.pop("nullable", False) and isinstance(node.get("type"), str):
                node["type"] = [node["type"], "null"]
                if "enum" in node:
                    node["enum"] = [*node["enum"], None]
            for part in node.values():
                walk(part)
        elif isinstance(node, list):
            for part in node:
                walk(part)

    walk(document)
    return document


def check(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    errors = list(Draft202012Validator({**strict(document), **strict(schema)}).iter_errors(value))
    assert not errors, [f"{list(error.absolute_path)}: {error.message}" for error in errors]


# Zendesk


def zendesk_operation(method: str, path: str) -> dict[str, Any]:
    template = "/".join("{ticket_id}" if part.isdigit() else part for part in path.split("/"))
    found: dict[str, Any] = ZENDESK["paths"][template][method.lower()]
    return found


async def everything_zendesk_is_asked(tapped: Tapped) -> list[Any]:
    tickets = ZendeskTickets(base_url=tapped.url("zendesk"), email="a@example.com", token=SecretStr("t"))
    change = TicketEscalation(
        key=f"{WORKFLOW}/x", external_id="4711", priority="critical", group="Management", tags=("a",), note="Why"
    )
    receipt = await tickets.escalate(change)
    await tickets.escalate(change)
    await tickets.add_note("4711", key=f"{WORKFLOW}/note", note="Note", public=True)
    await tickets.set_status("4711", "pending", key=f"{WORKFLOW}/pending")
    await tickets.revert(receipt, key=f"{WORKFLOW}/undo", note="Withdrawn")
    await tickets.escalate(change.model_copy(update={"external_id": "new-1", "key": f"{WORKFLOW}/new"}))
    return tapped.taps["zendesk"].exchanges


async def test_every_request_to_zendesk_fits_its_contract(tapped: Tapped) -> None:
    exchanges = await everything_zendesk_is_asked(tapped)
    writes = [exchange for exchange in exchanges if exchange[0] != "GET"]
    assert [method for method, *_ in writes] == ["PUT", "PUT", "PUT", "PUT", "POST"]
    for method, path, _, body, _, _ in writes:
        schema = zendesk_operation(method, path)["requestBody"]["content"]["application/json"]["schema"]
        check(ZENDESK, schema, json.loads(body))
        known = ZENDESK["components"]["schemas"]["TicketObject"]["properties"].keys()
        assert json.loads(body)["ticket"].keys() <= known


async def test_the_sandbox_answers_as_zendesks_contract_says(tapped: Tapped) -> None:
    for method, path, _, _, status, answer in await everything_zendesk_is_asked(tapped):
        content = zendesk_operation(method, path)["responses"][str(status)]["content"]
        check(ZENDESK, content["application/json"]["schema"], answer)


async def test_the_sandbox_refuses_what_zendesk_refuses(tapped: Tapped) -> None:
    credentials = b64encode(b"a@example.com/token:t").decode()
    async with httpx.AsyncClient(base_url=tapped.url("zendesk"), trust_env=False) as client:
        assert (await client.get("/api/v2/tickets/1")).status_code == 401
        client.headers["Authorization"] = f"Basic {credentials}"
        for body in (
            {},
            {"ticket": {"priority": "P0!!"}},
            {"ticket": {"status": "done"}},
            {"ticket": {"comment": {"body": ""}}},
            {"ticket": {"group_id": 1}},
            {"ticket": {"no_such_field": 1}},
            {"ticket": {"safe_update": True}},
        ):
            assert (await client.put("/api/v2/tickets/1", json=body)).status_code in (400, 422), body
        stale = {"ticket": {"status": "open", "safe_update": True, "updated_stamp": "2019-09-12T21:45:16Z"}}
        assert (await client.put("/api/v2/tickets/1", json=stale)).status_code == 409


# Slack


async def everything_slack_is_asked(tapped: Tapped) -> list[Any]:
    ledger = MemoryLedger()
    chat = SlackChat(token=SecretStr("xoxb-x"), base_url=f"{tapped.url('slack')}/api", ledger=ledger)
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}
    message = ChatMessage(key=f"{WORKFLOW}/x", channel="#support", text="Hi", blocks=(block,))
    receipt = await chat.post(message)
    reply = message.model_copy(update={"key": f"{WORKFLOW}/reply", "thread": receipt.ts})
    await chat.post(reply)
    ledger.effects[message.key] = ledger.effects[reply.key] = None
    await chat.post(message)
    await chat.post(reply)
    await chat.update(receipt, message)
    await chat.delete(receipt)
    return tapped.taps["slack"].exchanges


async def test_every_request_to_slack_carries_what_its_contract_requires_and_nothing_unknown(tapped: Tapped) -> None:
    exchanges = await everything_slack_is_asked(tapped)
    methods = {path.removeprefix("/api") for _, path, *_ in exchanges}
    assert methods == set(SLACK["paths"])
    newer = {"metadata", "include_all_metadata"}  # younger than the published document
    for _, path, query, body, _, _ in exchanges:
        (operation,) = SLACK["paths"][path.removeprefix("/api")].values()
        parameters = {parameter["name"]: parameter for parameter in operation["parameters"]}
        sent = query | slack_body(body)
        required = {name for name, parameter in parameters.items() if parameter.get("required")} - {"token"}
        assert required <= sent.keys()
        assert sent.keys() - newer <= parameters.keys()


def slack_body(body: bytes) -> dict[str, Any]:
    if body.startswith(b"{"):
        found: dict[str, Any] = json.loads(body)
        return found
    return dict(parse_qsl(body.decode()))


async def test_the_sandbox_answers_with_what_slacks_contract_requires(tapped: Tapped) -> None:
    for _, path, _, _, status, answer in await everything_slack_is_asked(tapped):
        (operation,) = SLACK["paths"][path.removeprefix("/api")].values()
        required = operation["responses"][str(status)]["schema"]["required"]
        assert set(required) <= answer.keys(), path
        assert answer["ok"] is True


async def test_the_sandbox_refuses_as_slacks_contract_says(tapped: Tapped) -> None:
    async with httpx.AsyncClient(base_url=f"{tapped.url('slack')}/api/", trust_env=False) as client:
        assert (await client.post("chat.postMessage")).json()["error"] == "not_authed"
        client.headers["Authorization"] = "Bearer xoxb-x"
        for body, word in (
            ({"channel": "#a"}, "no_text"),
            ({"text": "x"}, "channel_not_found"),
            ({"channel": "#a", "text": "x" * 40_001}, "msg_too_long"),
            ({"channel": "#a", "blocks": [{"type": "header", "text": {"type": "mrkdwn"}}]}, "invalid_blocks"),
            ({"channel": "#a", "text": "x", "metadata": {"event_type": 1}}, "invalid_metadata_format"),
        ):  # fmt: skip
            answer = (await client.post("chat.postMessage", json=body)).json()
            assert answer == {"ok": False, "error": word}
            (operation,) = SLACK["paths"]["/chat.postMessage"].values()
            assert set(operation["responses"]["default"]["schema"]["required"]) <= answer.keys()


# Stripe


async def test_the_sandbox_speaks_in_stripes_shapes(tapped: Tapped) -> None:
    billing = StripeBilling(base_url=tapped.url("stripe"), key=SecretStr("sk_test_x"))
    refund = await billing.refund("cus_1", 10, "USD", key=f"{WORKFLOW}/refund")
    await billing.cancel_refund(refund, key=f"{WORKFLOW}/undo")
    await billing.credit("cus_1", 10, "USD", key=f"{WORKFLOW}/credit")
    seen = set()
    for _, _, _, _, status, answer in tapped.taps["stripe"].exchanges:
        assert status == 200
        for row in answer["data"] if answer["object"] == "list" else [answer]:
            published = STRIPE[row["object"]]
            assert row.keys() <= published.keys()
            for name, value in row.items():
                if value is not None and published[name] is not None and name != "refunds":
                    assert type(value) is type(published[name]), name
            seen.add(row["object"])
    assert seen == {"charge", "refund", "customer_balance_transaction"}


async def test_payments_and_customers_have_stripes_shapes(tapped: Tapped) -> None:
    headers = {"Authorization": "Bearer sk_test_x"}
    async with httpx.AsyncClient(base_url=f"{tapped.url('stripe')}/v1", headers=headers, trust_env=False) as client:
        form = {"amount": "100", "currency": "eur", "confirm": "true", "capture_method": "manual"}
        held = (await client.post("/payment_intents", data=form | {"payment_method": "pm_card_visa"})).json()
        await client.post(f"/payment_intents/{held['id']}/capture")
        declined = await client.post("/payment_intents", data=form | {"payment_method": "pm_card_chargeDeclined"})
        assert declined.json()["error"].keys() >= {"type", "code", "decline_code", "message", "payment_intent"}
        await client.post("/customers", data={"email": "ann@example.com"})
    seen = set()
    for _, _, _, _, status, answer in tapped.taps["stripe"].exchanges:
        made = answer if status == 200 else answer["error"]["payment_intent"]
        assert made.keys() <= STRIPE[made["object"]].keys()
        seen.add(made["object"])
    assert seen == {"payment_intent", "customer"}


async def test_every_write_to_stripe_carries_a_key_and_whole_minor_units(tapped: Tapped) -> None:
    billing = StripeBilling(base_url=tapped.url("stripe"), key=SecretStr("sk_test_x"))
    await billing.refund("cus_1", 10.5, "USD", key=f"{WORKFLOW}/refund")
    ((method, path, _, body, _, _),) = [e for e in tapped.taps["stripe"].exchanges if e[0] == "POST"]
    form = dict(parse_qsl(body.decode()))
    assert (method, path) == ("POST", "/v1/refunds")
    assert form["amount"] == "1050"
    assert form["metadata[surehand_key]"] == f"{WORKFLOW}/refund"
    assert tapped.world.all("stripe", "idempotency")
