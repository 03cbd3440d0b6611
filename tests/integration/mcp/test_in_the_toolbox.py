"""MCP tools as everybody else uses them: through the tool box, with its ledger and its refusals."""

import asyncio
import time

import pytest

from domain.errors import OutcomeUnknown
from domain.tools.tool import RefusalKind
from integrations.tools.mcp.configuration import McpServer
from integrations.tools.mcp.provider import McpProvider
from tests.integration.mcp.conftest import SECRETS, WebStub
from tests.tool_world import call_of, run, toolbox


async def test_a_call_is_made_once_with_arguments_that_fit_and_not_again_when_it_may_have_happened(stub):
    good, dying = stub(), stub("dies")
    boxes = toolbox(good.provider), toolbox(dying.provider)
    orders = await asyncio.gather(*(call_of(box, "stub.order", {"sku": "a"}) for box in boxes))

    assert (await run(boxes[0], orders[0])).output == {"text": "Ordered."}
    again = await run(boxes[0], orders[0], attempt=2)
    assert (again.output, again.repeated) == ({"text": "Ordered."}, True)
    assert len(good.done()) == 1

    refused = await run(boxes[0], await call_of(boxes[0], "stub.order", {"count": 0}, key="playbook:t:1/b"))
    assert refused.refusal.kind is RefusalKind.INVALID_ARGUMENTS
    began = time.monotonic()
    endless = {"sku": "a" * 60 + "!"}  # for the server's `^(a+)+$`
    slow = await run(boxes[0], await call_of(boxes[0], "stub.order", endless, key="playbook:t:1/c"))
    assert slow.refusal.kind is RefusalKind.INVALID_ARGUMENTS
    assert time.monotonic() - began < 30
    assert len(good.done()) == 1

    for attempt in (1, 2):
        with pytest.raises(OutcomeUnknown):
            await run(boxes[1], orders[1], attempt=attempt)
    assert len(dying.done()) == 1


async def test_a_tool_that_changed_after_its_approval_is_refused_and_a_new_look_finds_the_new_one(stub):
    rig = stub("changes")
    box = toolbox(rig.provider)
    approved = await call_of(box, "stub.order", {"sku": "a"})
    refused = await run(box, approved)
    assert refused.refusal.kind is RefusalKind.TOOL_CHANGED
    assert rig.done() == []
    await box._registry.refresh()  # as it does after a minute
    assert (await run(box, approved)).refusal.kind is RefusalKind.TOOL_CHANGED
    anew = await call_of(box, "stub.order", {"sku": "a", "count": 1}, key="playbook:t:1/b")
    assert (await run(box, anew)).output == {"text": "Ordered."}


async def test_a_server_that_hangs_is_ended_before_the_tool_box_loses_patience(stub):
    rig = stub("deaf", timeout_seconds=1)
    box = toolbox(rig.provider)
    order = await call_of(box, "stub.order", {"sku": "a"})
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown, match="no usable answer"):
        await run(box, order)
    assert time.monotonic() - began < 3
    assert len(rig.done()) == 1


async def test_a_playbook_finds_tools_of_configured_servers_by_their_address_and_no_others(web_stub: WebStub):
    url = web_stub.url
    provider = McpProvider("stub", McpServer(url=url, secret="stock_token"), secrets=SECRETS)
    box = toolbox(provider)
    found = await box.find_mcp_tool("default", url, "order")
    assert found is not None
    assert found.name == "stub.order"
    assert await box.find_mcp_tool("default", url, "unknown") is None
    assert await box.find_mcp_tool("default", url.replace("/mcp", "/elsewhere"), "order") is None
    await box.close()
