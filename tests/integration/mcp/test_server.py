"""`surehand mcp` as a client meets it: the official client over stdio and HTTP, a real Temporal server and worker."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import Implementation

from runtime.temporal.dev_server import free_port
from tests.dev_process import ROOT, Dev

pytestmark = pytest.mark.server
SAMPLES = ROOT / "starters" / "samples"
GREETING = """
document: {dsl: 1.0.3, namespace: tests, name: greeting, version: 1.2.0, title: Greet somebody}
input:
  schema:
    document: {type: object, properties: {who: {type: string}}, required: [who], additionalProperties: false}
do:
  - greet:
      set: {said: '${ "Hello " + .who }'}
"""


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """One installation with a playbook of its own, and a case that waits for an approval."""
    folder = tmp_path_factory.mktemp("dev")
    (folder / "playbooks" / "other").mkdir(parents=True)
    (folder / "playbooks" / "greeting.yaml").write_text(GREETING)
    running = Dev(folder)
    running.environment["SUREHAND_PLAYBOOKS__FOLDER"] = str(folder / "playbooks")
    ticket = json.loads((SAMPLES / "refund.json").read_text("utf-8"))
    running.start()
    try:
        submitted = running.surehand("ticket", "submit", "-", text=json.dumps({**ticket, "ticket_id": "MCP-1"}))
        assert submitted.returncode == 0, submitted.stderr
        yield running
    finally:
        running.stop()


@asynccontextmanager
async def client_of(dev: Dev, *options: str) -> AsyncIterator[Client]:
    """The official client over a process of its own."""
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "starters.cli", "mcp", *options], env=dev.environment, cwd=ROOT
    )
    async with Client(server, client_info=Implementation(name="Some <Client>/1", version="2")) as client:
        yield client


async def told(client: Client, tool: str, **arguments: Any) -> Any:
    """What a tool gives, as structure."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    given = result.structured_content
    return given["result"] if set(given) == {"result"} else given


async def refusal(client: Client, tool: str, **arguments: Any) -> str:
    """The sentence that a tool refuses with."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    (part,) = result.content
    assert part.text.count("\n") == 0
    return part.text


async def test_a_client_reads_cases_approvals_and_playbooks_and_starts_nothing(dev):
    async with client_of(dev) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {
            "list_cases", "show_case", "list_incidents", "show_incident", "list_pending_approvals",
            "list_playbooks", "show_playbook", "show_run",
        }  # fmt: skip
        assert all(tool.annotations.read_only_hint for tool in tools.values())
        assert [row["case"] for row in await told(client, "list_cases")] == ["MCP-1"]

        approvals: list[dict[str, Any]] = []
        for _ in range(200):
            approvals = await told(client, "list_pending_approvals")
            if approvals:
                break
            await asyncio.sleep(0.05)
        (approval,) = approvals
        assert approval["case"] == "MCP-1"
        assert approval["waits_for"]

        case = await told(client, "show_case", case="MCP-1")
        assert case["approvals"][0]["request"] == approval["request"]
        email = json.loads((SAMPLES / "refund.json").read_text("utf-8"))["customer"]["email"]
        assert email not in json.dumps({**case, "conversation": [], "approvals": []})

        assert "There is no case" in await refusal(client, "show_case", case="MCP-2")
        assert "another tenant" in await refusal(client, "show_case", case="escalation:acme:MCP-1")
        assert "another tenant" in await refusal(client, "show_run", run="playbook:acme:greeting:k")
        assert "There is no status" in await refusal(client, "list_cases", status="x' OR 1=1")
        assert "limit" in await refusal(client, "list_cases", limit=100_000)
        assert "There is no tool" in await refusal(client, "start_playbook", name="greeting", key="k", input={})
        assert "There is no tool" in await refusal(client, "open_incident", case="MCP-1")

        names = [row["name"] for row in await told(client, "list_playbooks")]
        assert "greeting" in names
        shown = await told(client, "show_playbook", name="greeting")
        assert shown["version"] == "1.2.0"
        assert shown["input_schema"]["document"]["required"] == ["who"]
        resources = {resource.uri for resource in (await client.list_resources()).resources}
        assert "surehand://playbooks/greeting" in resources
        (document,) = (await client.read_resource("surehand://playbooks/greeting")).contents
        assert document.text == GREETING
        for wrong in ("surehand://playbooks/nothing", "surehand://playbooks/..%2F..%2Fetc%2Fpasswd"):
            with pytest.raises(MCPError):
                await client.read_resource(wrong)


async def test_a_client_that_may_start_gets_one_run_per_key_after_its_input_was_checked(dev):
    async with client_of(dev, "--allow-start") as client:
        (tool,) = [tool for tool in (await client.list_tools()).tools if tool.name == "start_playbook"]
        assert (tool.annotations.read_only_hint, tool.annotations.destructive_hint) == (False, True)
        order = {"name": "greeting", "key": "k-1", "input": {"who": "Ada"}}
        first = await told(client, "start_playbook", **order)
        again = await told(client, "start_playbook", **order)
        assert (first["outcome"], again["outcome"]) == ("started", "known")
        assert first["workflow_id"] == again["workflow_id"] == "playbook:default:greeting:k-1"
        other = await refusal(client, "start_playbook", **{**order, "input": {"who": "Bob"}})
        assert "another input" in other
        unfit = await refusal(client, "start_playbook", name="greeting", key="k-2", input={"whom": "Ada-Secret"})
        assert "does not fit" in unfit
        assert "Ada-Secret" not in unfit
        assert "A key has" in await refusal(client, "start_playbook", name="greeting", key="a/b", input={"who": "A"})
        assert "no playbook" in await refusal(client, "start_playbook", name="nothing", key="k", input={})

        run: dict[str, Any] = {}
        for _ in range(200):
            run = await told(client, "show_run", run=first["run"])
            if run["status"] == "closed":
                break
            await asyncio.sleep(0.05)
        assert run["output"] == {"said": "Hello Ada"}
        assert run["started_by"] == "mcp:Some-Client-1"


async def test_a_client_that_may_start_opens_an_incident_from_a_ticket_once_and_reads_it(dev):
    async with client_of(dev, "--allow-start") as client:
        for _ in range(200):
            answer = await client.call_tool("open_incident", {"case": "MCP-1"})
            if not answer.is_error:  # else it is still in triage
                break
            await asyncio.sleep(0.05)
        first, again = [await told(client, "open_incident", case="MCP-1") for _ in range(2)]
        assert first == again
        name = "incident:TICKET-MCP-1"
        assert name in first["text"]
        joined = await told(client, "join_incident", case="MCP-1", incident=name)
        assert joined["text"] == f"This ticket belongs to {name}."
        assert (await told(client, "show_case", case="MCP-1"))["incidents"] == [f"Belongs to {name}"]
        rows: list[dict[str, Any]] = []
        for _ in range(200):
            rows = await told(client, "list_incidents")
            if rows:
                break
            await asyncio.sleep(0.05)
        assert [(row["case"], row["kind"]) for row in rows] == [(name, "troubleshooting")]
        shown = await told(client, "show_incident", incident=name)
        assert [(one["ticket"], one["linked_by"]) for one in shown["tickets"]] == [("MCP-1", "mcp:Some-Client-1")]
        assert "is named incident:ID" in await refusal(client, "show_incident", incident="MCP-1")
        assert "another tenant" in await refusal(client, "show_incident", incident="troubleshooting:acme:I-1")
        assert "There is no case" in await refusal(client, "join_incident", case="MCP-1", incident="incident:NO")


async def test_over_http_only_who_brings_the_token_is_let_in(dev, tmp_path: Path):
    port = free_port()
    url = f"http://127.0.0.1:{port}/mcp"
    environment = {**dev.environment, "SUREHAND_SECRETS__MCP_SERVER": "the-right-token"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "starters.cli", "mcp", "--http", str(port),
        cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with httpx.AsyncClient(trust_env=False) as web:
            for _ in range(600):
                try:
                    assert (await web.post(url, json={})).status_code == 401
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
            wrong = {"Authorization": "Bearer the-wrong-token"}
            assert (await web.post(url, json={}, headers=wrong)).status_code == 401
            right = {"Authorization": "Bearer the-right-token"}
            foreign = await web.post(url, json={}, headers={**right, "Host": "evil.example"})
            assert foreign.status_code in (403, 421)
        async with (
            httpx2.AsyncClient(headers=right, trust_env=False) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            assert await told(client, "list_cases", limit=1)
    finally:
        process.terminate()
        out, err = await asyncio.wait_for(process.communicate(), 20)
    assert out == b""
    assert b"the-right-token" not in err
