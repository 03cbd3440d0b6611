"""`call: notify` over real SMTP and Slack's real protocol."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.playbook_functions import NoticeReceipt, NotifyInput
from domain.errors import InvalidInput, VendorRefused
from tests.integration.playbook_functions.conftest import chat, functions, mailer
from tests.vendor_world import MemoryLedger, Outside

KEY = "playbook:acme:cart:1/do/0/tell"


def notice(to: str, **changes: Any) -> NotifyInput:
    fields = {"tenant": "default", "key": KEY, "to": to, "subject": "Your cart", "text": "It waits.\nBye.", **changes}
    return NotifyInput(**fields)


@pytest.fixture
def tell(world: Outside, ledger: MemoryLedger, within: ActivityEnvironment) -> Any:
    telling = functions(mailer=mailer(world, ledger), chat=chat(world, ledger))

    async def send(to: str, **changes: Any) -> NoticeReceipt:
        receipt: NoticeReceipt = await within.run(telling.notify, notice(to, **changes))
        return receipt

    return send


async def test_a_customer_gets_one_plain_mail_however_often_it_is_asked_for(world: Outside, tell: Any) -> None:
    receipts = [await tell("customer:ann@shop.test") for _ in range(2)]
    assert receipts[0].message_id == receipts[1].message_id
    (mail,) = [entry["body"] for entry in await world.messages("smtp")]
    assert mail["recipients"] == ["ann@shop.test"]
    assert mail["subject"] == "Your cart"
    assert "It waits.\nBye." in mail["text"].replace("\r\n", "\n")


async def test_a_team_is_told_in_its_channel_and_a_person_by_mail(world: Outside, tell: Any) -> None:
    await tell("team:finance")
    await tell("person:p-ruth", key=f"{KEY}/2")
    (posted,) = await world.messages("slack")
    assert "It waits." in str(posted)
    (mail,) = [entry["body"] for entry in await world.messages("smtp")]
    assert mail["recipients"] == ["ruth.adeyemi@example.com"]


async def test_a_channel_is_told_and_both_ways_are_two_messages(world: Outside, tell: Any) -> None:
    assert (await tell("channel:#support")).chat_ts
    both = await tell("team:finance", channel="both", key=f"{KEY}/2")
    assert both.chat_ts
    assert both.message_id
    assert len(await world.messages("slack")) == 2
    assert len(await world.messages("smtp")) == 1


async def test_words_cannot_speak_to_slack_or_add_headers(world: Outside, tell: Any) -> None:
    evil = "<!channel> <https://evil.test|bank> & *bold*"
    await tell("channel:#support", subject=evil, text=evil)
    posted = (await world.messages("slack"))[0]["body"]["message"]
    assert posted["text"].count("&lt;!channel&gt; &lt;https://evil.test|bank&gt; &amp; *bold*") == 2
    assert "<" not in posted["text"]
    # Plain text is shown as it is: Slack reads no markup in it.
    header, section, foot = posted["blocks"]
    assert [part["type"] for part in (header["text"], section["text"], foot["elements"][0])] == ["plain_text"] * 3
    await tell("customer:ann@shop.test", subject="Hi\r\nBcc: all@shop.test\r\n\r\nBody", key=f"{KEY}/2")
    (mail,) = [entry["body"] for entry in await world.messages("smtp")]
    assert mail["recipients"] == ["ann@shop.test"]
    assert mail["subject"] == "Hi Bcc: all@shop.test Body"


@pytest.mark.parametrize(
    "to",
    [
        "customer:ann@shop.test,bob@shop.test",
        "customer:Ann <ann@shop.test>",
        "customer:ann@shop.test\nBcc: x@y.test",
        "customer:",
        "team:nobody",
        "person:nobody",
        "channel:<!here>",
        "ann@shop.test",
        "",
    ],
)
async def test_nobody_is_told_when_it_is_not_clear_who(world: Outside, tell: Any, to: str) -> None:
    with pytest.raises(InvalidInput, match="Nobody to tell"):
        await tell(to)
    assert await world.messages("smtp") == []


async def test_a_way_that_does_not_exist_is_said(tell: Any, within: ActivityEnvironment) -> None:
    with pytest.raises(InvalidInput, match="takes no e-mail"):
        await tell("channel:#support", channel="email")
    with pytest.raises(InvalidInput, match="no chat address"):
        await tell("customer:ann@shop.test", channel="slack")
    with pytest.raises(InvalidInput, match="by email, slack or both"):
        await tell("team:finance", channel="pigeon")
    for to in ("customer:ann@shop.test", "channel:#support"):
        with pytest.raises(VendorRefused, match="configured"):
            await within.run(functions().notify, notice(to))
