"""The chat client against the simulated workspace and against servers that misbehave."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from domain.errors import (
    NotFoundAtVendor,
    OutcomeUnknown,
    VendorError,
    VendorRefused,
    VendorThrottled,
    VendorUnavailable,
)
from domain.mail import ChatMessage, ChatReceipt
from integrations.slack import session as slack_session
from integrations.slack.channel import SlackChat
from tests.vendor_world import WORKFLOW, MemoryLedger, Outside, answering, raw_server

TOKEN = "xoxb-token-that-must-not-show"


def chat_at(url: str, ledger: MemoryLedger, timeout_seconds: float = 2.0) -> SlackChat:
    return SlackChat(token=SecretStr(TOKEN), base_url=url, ledger=ledger, timeout_seconds=timeout_seconds)


@pytest.fixture
def chat(world: Outside, ledger: MemoryLedger) -> SlackChat:
    return chat_at(world.url("slack"), ledger)


def a_message(step: str = "x", **changes: Any) -> ChatMessage:
    return ChatMessage(**{"key": f"{WORKFLOW}/{step}", "channel": "#support", "text": "Case TICK-1"} | changes)


async def kinds(world: Outside) -> list[str]:
    return [entry["kind"] for entry in await world.messages("slack")]


async def test_a_message_is_posted_once_and_a_repeat_returns_the_same_receipt(
    world: Outside, chat: SlackChat, ledger: MemoryLedger
) -> None:
    first = await chat.post(a_message())
    assert await chat.post(a_message()) == first
    assert await kinds(world) == ["message"]
    assert ledger.tenants == {"acme"}


@pytest.mark.parametrize("kind", ["drop", "html", "truncated", "empty", "charset"])
async def test_a_post_whose_answer_was_lost_is_found_and_not_posted_again(
    world: Outside, chat: SlackChat, kind: str
) -> None:
    await world.fault("slack", kind)
    with pytest.raises(OutcomeUnknown):
        await chat.post(a_message())
    receipt = await chat.post(a_message())
    assert not receipt.repeated
    ((entry),) = await world.messages("slack")
    assert entry["body"]["message"]["ts"] == receipt.ts


async def test_a_lost_reply_is_found_in_its_thread(world: Outside, chat: SlackChat) -> None:
    parent = await chat.post(a_message("parent"))
    await world.fault("slack", "drop")
    with pytest.raises(OutcomeUnknown):
        await chat.post(a_message("reply", thread=parent.ts))
    reply = await chat.post(a_message("reply", thread=parent.ts))
    assert await kinds(world) == ["message", "message"]
    assert reply.ts != parent.ts


async def test_a_lost_post_is_found_behind_many_others(world: Outside, chat: SlackChat) -> None:
    await world.fault("slack", "drop")
    with pytest.raises(OutcomeUnknown):
        await chat.post(a_message("first"))
    for number in range(120):
        await chat.post(a_message(f"later-{number}"))
    await chat.post(a_message("first"))
    assert await world.count("slack", f"{WORKFLOW}/first") == 1


async def test_a_message_of_somebody_else_with_the_same_key_text_is_not_taken_for_ours(
    world: Outside, chat: SlackChat, ledger: MemoryLedger
) -> None:
    await chat.post(a_message("other", text=f"{WORKFLOW}/x"))
    ledger.effects[f"{WORKFLOW}/x"] = None
    await chat.post(a_message())
    assert await world.count("slack", f"{WORKFLOW}/x") == 1


async def test_where_nobody_may_look_the_message_is_posted_again_and_marked(world: Outside, chat: SlackChat) -> None:
    await world.fault("slack", "drop")
    with pytest.raises(OutcomeUnknown):
        await chat.post(a_message())
    await world.fault("slack", "fail", code="missing_scope", match="conversations.")
    assert (await chat.post(a_message())).repeated
    assert await world.count("slack", f"{WORKFLOW}/x") == 2


@pytest.mark.parametrize(
    ("channel", "code"),
    [
        ("#no-such-channel", "channel_not_found"),
        ("#archived-channel", "is_archived"),
        ("#not-invited", "not_in_channel"),
        ("C0UNKNOWN", "channel_not_found"),
    ],
)
async def test_a_channel_that_cannot_be_posted_to_is_refused_with_slacks_word(
    chat: SlackChat, ledger: MemoryLedger, channel: str, code: str
) -> None:
    with pytest.raises(VendorRefused) as caught:
        await chat.post(a_message(channel=channel))
    assert caught.value.code == code
    assert not ledger.effects


async def test_a_throttled_post_keeps_slacks_wait_and_gives_the_claim_back(
    world: Outside, chat: SlackChat, ledger: MemoryLedger
) -> None:
    await world.fault("slack", "throttle", retry_after="30")
    with pytest.raises(VendorThrottled) as caught:
        await chat.post(a_message())
    assert caught.value.retry_after is not None
    assert caught.value.retry_after.total_seconds() == 30
    assert not ledger.effects


async def test_nothing_is_retried_behind_temporals_back(world: Outside, chat: SlackChat) -> None:
    await world.fault("slack", "fail", status=500, times=5)
    with pytest.raises(OutcomeUnknown):
        await chat.post(a_message())
    assert [fault["met"] for fault in await world.ask("GET", "/api/faults")] == [1]


async def test_a_hanging_slack_is_given_up_with_an_unknown_outcome(world: Outside, ledger: MemoryLedger) -> None:
    await world.fault("slack", "hang")
    with pytest.raises(OutcomeUnknown, match="timeout"):
        await chat_at(world.url("slack"), ledger, timeout_seconds=0.3).post(a_message())
    assert ledger.open_claims


async def test_a_refused_connection_had_no_effect(world: Outside, chat: SlackChat, ledger: MemoryLedger) -> None:
    await world.fault("slack", "down", times=None)
    with pytest.raises(VendorUnavailable):
        await chat.post(a_message())
    assert not ledger.effects
    await world.ask("DELETE", "/api/faults")
    await chat.post(a_message())


async def test_a_message_is_replaced_in_place_and_keeps_its_key(world: Outside, chat: SlackChat) -> None:
    receipt = await chat.post(a_message())
    assert await chat.update(receipt, a_message("change", text="Claimed")) == receipt
    entry = (await world.messages("slack"))[-1]
    assert entry["kind"] == "message_changed"
    assert entry["body"]["message"]["text"] == "Claimed"
    assert entry["body"]["message"]["metadata"]["event_payload"] == {"key": f"{WORKFLOW}/x"}


async def test_a_message_that_is_gone_is_posted_anew(world: Outside, chat: SlackChat) -> None:
    receipt = await chat.post(a_message())
    await chat.delete(receipt)
    anew = await chat.update(receipt, a_message("change"))
    assert anew.ts != receipt.ts
    assert await kinds(world) == ["message", "message_deleted", "message"]


async def test_a_reply_to_a_thread_that_is_gone_stands_in_the_channel(world: Outside, chat: SlackChat) -> None:
    await chat.post(a_message(thread="1.000001"))
    (entry,) = await world.messages("slack")
    assert "thread_ts" not in entry["body"]["message"]


async def test_deleting_twice_is_fine(chat: SlackChat) -> None:
    receipt = await chat.post(a_message())
    await chat.delete(receipt)
    await chat.delete(receipt)
    await chat.delete(ChatReceipt(channel="C0UNKNOWN", ts="1.0"))


async def test_blocks_that_slack_refuses_are_refused(chat: SlackChat) -> None:
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_001}}
    with pytest.raises(VendorRefused) as caught:
        await chat.post(a_message(blocks=(block,)))
    assert caught.value.code == "invalid_blocks"


async def test_a_redirect_is_not_followed(world: Outside, chat: SlackChat, ledger: MemoryLedger) -> None:
    head = f"307 Moved\r\nLocation: {world.url('slack')}/chat.postMessage"
    async with raw_server(answering(head, b"")) as port:
        with pytest.raises(VendorRefused, match="redirect"):
            await chat_at(f"http://127.0.0.1:{port}/api", ledger).post(a_message())
    assert not await world.messages("slack")


async def test_a_large_answer_is_cut_off_at_the_cap(monkeypatch: pytest.MonkeyPatch, ledger: MemoryLedger) -> None:
    monkeypatch.setattr(slack_session, "RESPONSE_LIMIT", 1_000)
    body = b'{"ok": true, "x": "' + b"a" * 2_000 + b'"}'
    async with raw_server(answering("200 OK\r\nContent-Type: application/json", body)) as port:
        with pytest.raises(OutcomeUnknown):
            await chat_at(f"http://127.0.0.1:{port}/api", ledger).post(a_message())


async def test_plain_text_instead_of_json_leaves_the_outcome_unknown(ledger: MemoryLedger) -> None:
    async with raw_server(answering("200 OK\r\nContent-Type: text/plain", b"hello")) as port:
        with pytest.raises(OutcomeUnknown):
            await chat_at(f"http://127.0.0.1:{port}/api", ledger).post(a_message())


async def test_proxies_in_the_environment_are_not_used(chat: SlackChat, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    await chat.post(a_message())


async def test_the_token_stands_in_no_repr_and_no_error(ledger: MemoryLedger) -> None:
    chat = chat_at("http://127.0.0.1:9/api", ledger)
    with pytest.raises(VendorError) as caught:
        await chat.post(a_message())
    assert TOKEN not in repr(vars(chat)) + repr(caught.value) + str(caught.value)


async def test_an_unknown_channel_on_a_repeat_is_refused_as_on_the_first_try(
    chat: SlackChat, ledger: MemoryLedger
) -> None:
    ledger.effects[f"{WORKFLOW}/x"] = None
    with pytest.raises(NotFoundAtVendor):
        await chat.post(a_message(channel="#no-such-channel"))
