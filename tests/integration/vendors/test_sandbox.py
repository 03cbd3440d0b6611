"""The sandbox as a process and as a page."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from domain.mail import Attachment, ChatMessage, OutgoingMail
from integrations.mail import SmtpMailer
from integrations.slack.channel import SlackChat
from sandbox.server import NAMES
from sandbox.slack_markup import marked_up
from tests.vendor_world import WORKFLOW, MemoryLedger, Outside, outside

EVIL = '<script>alert(1)</script><img src=x onerror=alert(1)> javascript:alert(1) "onmouseover="'


def mailer(world: Outside) -> SmtpMailer:
    return SmtpMailer(
        host="127.0.0.1",
        port=world.state["smtp"]["port"],
        security="none",
        sender="support@example.com",
        ledger=MemoryLedger(),
    )


async def mail(world: Outside, **changes: Any) -> None:
    usual = {"key": f"{WORKFLOW}/x", "to": ("ann@example.com",), "subject": "[Case TICK-1] Hi", "text": "Text"}
    await mailer(world).send(OutgoingMail(**usual | changes))


async def chat(world: Outside, **changes: Any) -> str:
    slack = SlackChat(token=SecretStr("xoxb-x"), base_url=world.url("slack"), ledger=MemoryLedger())
    usual = {"key": f"{WORKFLOW}/chat", "channel": "#support", "text": "Case TICK-1"}
    return (await slack.post(ChatMessage(**usual | changes))).ts


async def page(world: Outside, path: str = "/") -> httpx.Response:
    async with httpx.AsyncClient(base_url=world.url("outbox"), trust_env=False) as client:
        return await client.get(path)


async def started(tmp_path: Path) -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
    state = tmp_path / "state.json"
    state.unlink(missing_ok=True)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", "sandbox"),
        *("--state-file", str(state), "--data-dir", str(tmp_path / "data")),
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(20):
        while not state.exists():
            assert process.returncode is None, "it ended"
            await asyncio.sleep(0.02)
    return process, json.loads(state.read_text())


async def ended(process: asyncio.subprocess.Process) -> str:
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, words = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0
    assert time.monotonic() - began < 2
    return words.decode()


async def test_the_process_says_where_it_listens_and_keeps_ports_and_data_over_a_restart(tmp_path: Path) -> None:
    process, first = await started(tmp_path)
    assert set(first["ports"]) == set(NAMES)
    async with httpx.AsyncClient(trust_env=False) as client:
        headers = {"Authorization": "Bearer t"}
        url = f"{first['hubspot']['url']}/crm/v3/objects/contacts/C-1"
        assert (await client.patch(url, json={"properties": {"a": "b"}}, headers=headers)).status_code == 200
        assert await ended(process) == ""
        process, second = await started(tmp_path)
        assert second == first
        (entry,) = (await client.get(f"{second['outbox']['url']}/api/messages")).json()
        assert entry["vendor"] == "hubspot"
    assert await ended(process) == ""


async def test_it_stops_at_once_while_a_request_hangs(tmp_path: Path) -> None:
    process, state = await started(tmp_path)
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.post(f"{state['outbox']['url']}/api/faults", json={"vendor": "slack", "kind": "hang"})
        hanging = asyncio.create_task(client.post(f"{state['slack']['url']}/api.test"))
        await asyncio.sleep(0.2)
        await ended(process)
        with pytest.raises(httpx.HTTPError):
            await hanging


async def test_nothing_that_was_sent_becomes_markup_on_the_page(world: Outside) -> None:
    attachment = Attachment(name="a.json", media_type="text/html", content=EVIL)
    await mail(world, subject=f"[Case TICK-1] {EVIL}", text=EVIL, html=EVIL, attachments=(attachment,))
    block = {"type": "section", "text": {"type": "mrkdwn", "text": f"*{EVIL}* `{EVIL}` ```{EVIL}``` <!channel>"}}
    button = {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "x"}, "url": EVIL}
    await chat(world, text=EVIL, blocks=(block, {"type": "actions", "elements": [button]}))
    shown = await page(world)
    assert shown.status_code == 200
    assert "alert(1)" in shown.text
    assert "<script" not in shown.text
    assert "<img" not in shown.text
    assert " onerror=alert(1)&gt;" in shown.text  # only as text
    assert 'href="javascript' not in shown.text
    assert '"onmouseover=' not in shown.text


async def test_the_page_runs_no_script_and_loads_nothing_from_elsewhere(world: Outside) -> None:
    await mail(world)
    shown = await page(world)
    policy = shown.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert "unsafe" not in policy
    assert "http://" not in shown.text.replace("http://www.w3.org", "")
    assert (await page(world, "/style.css")).status_code == 200


async def test_an_attachment_is_only_ever_served_as_text(world: Outside) -> None:
    await mail(world, attachments=(Attachment(name="a.html", media_type="text/html", content=EVIL),))
    served = await page(world, "/attachments/1/0")
    assert served.headers["content-type"].startswith("text/plain")
    assert served.headers["x-content-type-options"] == "nosniff"
    assert served.text.strip() == EVIL
    assert (await page(world, "/attachments/1/7")).status_code == 404
    assert (await page(world, "/attachments/9/0")).status_code == 404


async def test_what_belongs_to_a_case_stands_together_and_replies_under_their_message(world: Outside) -> None:
    parent = await chat(world)
    await mail(world)
    await chat(world, key=f"{WORKFLOW}/reply", thread=parent, text="The reply")
    await mail(world, key="other:acme:TICK-2/x", subject="[Case TICK-2] Other")
    shown = (await page(world)).text
    assert shown.index("Case TICK-2") < shown.index("Case TICK-1")
    assert shown.index('class="thread"') < shown.index("The reply")
    assert "1 reply" in shown
    only = (await page(world, "/?vendor=smtp")).text
    assert "The reply" not in only


async def test_a_repeat_is_marked(world: Outside) -> None:
    await world.fault("smtp", "duplicate")
    await mail(world)
    assert (await page(world)).text.count(">repeated<") == 1


async def test_the_page_says_so_when_nothing_was_sent(world: Outside) -> None:
    assert "Nothing was sent yet" in (await page(world)).text


async def test_messages_are_listed_by_vendor_by_case_and_from_a_number_on(world: Outside) -> None:
    await mail(world)
    await chat(world)
    everything = await world.ask("GET", "/api/messages")
    assert [entry["vendor"] for entry in everything] == ["smtp", "slack"]
    assert await world.ask("GET", "/api/messages", params={"since": everything[0]["number"]}) == everything[1:]
    assert await world.ask("GET", "/api/messages", params={"vendor": "slack"}) == everything[1:]
    assert len(await world.ask("GET", "/api/messages", params={"case": "TICK-1"})) == 2


async def test_a_reset_forgets_everything(world: Outside) -> None:
    await mail(world)
    await world.fault("slack", "down", times=None)
    await world.ask("POST", "/api/reset")
    assert await world.ask("GET", "/api/messages") == []
    assert await world.ask("GET", "/api/faults") == []
    assert await world.ask("GET", "/api/effects") == []
    await chat(world)


@pytest.mark.parametrize(
    "wanted",
    [{}, {"vendor": "fax", "kind": "fail"}, {"vendor": "slack", "kind": "explode"}, {"vendor": "slack"},
     {"vendor": "slack", "kind": "fail", "times": 0}, {"vendor": "slack", "kind": "fail", "colour": "red"}],
)  # fmt: skip
async def test_a_fault_that_makes_no_sense_is_refused_with_what_would(world: Outside, wanted: dict[str, Any]) -> None:
    async with httpx.AsyncClient(base_url=world.url("outbox"), trust_env=False) as client:
        answer = await client.post("/api/faults", json=wanted)
    assert answer.status_code == 400
    assert answer.json()["error"]


async def test_a_fault_is_met_as_often_as_it_was_told_and_only_by_its_vendor(world: Outside) -> None:
    await world.fault("slack", "fail", status=500, times=2)
    async with httpx.AsyncClient(trust_env=False, headers={"Authorization": "Bearer xoxb-x"}) as client:
        statuses = [(await client.post(f"{world.url('slack')}/api.test")).status_code for _ in range(3)]
        assert (await client.get(f"{world.url('hubspot')}/crm/v3/objects/contacts/1")).status_code == 200
    assert statuses == [500, 500, 200]


async def test_what_was_kept_is_there_after_a_restart_and_still_counts_as_a_repeat(tmp_path: Path) -> None:
    async with outside(tmp_path) as world:
        await mail(world)
    async with outside(tmp_path) as world:
        await mail(world)
        assert [entry["repeated"] for entry in await world.messages("smtp")] == [False, True]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*bold* `code`", "<b>bold</b> <code>code</code>"),
        ("```a\n*b*```", "<pre>a\n*b*</pre>"),
        ("&lt;!channel&gt; &amp;lt;", "&lt;!channel&gt; &amp;lt;"),
        ("<!channel>", '<span class="control">&lt;!channel&gt;</span>'),
        ("2*3*4", "2*3*4"),
        ("a\nb", "a<br>b"),
    ],
)
def test_slacks_markup_is_shown_as_slack_shows_it(text: str, shown: str) -> None:
    assert str(marked_up(text)) == shown
