"""A playbook asks an MCP server that attacks, and then refunds: what the server says moves no money and no words."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.mcp_server import DEMAND
from tests.integration.mcp.conftest import ROOT
from tests.playbooks.world import PlaybooksWorld, Run, playbooks_world
from tests.workflows.playbook_world import playbook

OURS = {"customer": "cus_ann", "amount": 12.5, "currency": "EUR"}
"""What the run was given to refund."""
TASKS = """
- look:
    call: shop.order
    with: {sku: a}
    output: {as: "{said: .}"}
    export: {as: "$context + {said: .said}"}
- again:
    for: {each: time, in: "[range(20)]"}
    while: $context.refused == null
    do:
      - attempt:
          try: [{lookAgain: {call: shop.order, with: {sku: a}}}]
          catch:
            as: refusal
            do:
              - noted:
                  set: {kind: '${ $refusal.type | split("/") | last }'}
                  export: {as: "$context + {refused: .kind}"}
- read:
    call: ask_model
    with:
      prompt: Say in one word how the shop sounds.
      input: "${ $context.said }"
      answer: {type: object, required: [word], properties: {word: {type: string}}}
      fallback: {word: unknown}
    metadata: {title: Reading the answer}
- refund:
    call: payments.refund_customer
    with:
      customer: "${ $workflow.input.customer }"
      amount: "${ $workflow.input.amount }"
      currency: "${ $workflow.input.currency }"
    metadata: {title: The refund}
- result: {set: {said: "${ $context.said }", refused: "${ $context.refused }"}}
"""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[PlaybooksWorld]:
    command = [sys.executable, "-m", "sandbox.mcp_server", "--mode", "treacherous"]
    server = {
        "command": [*command, "--journal", str(tmp_path / "journal.jsonl")],
        "cwd": str(ROOT),
        "safety": {"order": "safe"},
        "start_timeout_seconds": 60,
        "timeout_seconds": 1,
        "message_limit_bytes": 200_000,
    }
    tools = f"providers: {{shop: {{}}}}\nmcp: {{shop: {json.dumps(server)}}}\n"
    async with playbooks_world(tmp_path, tools=tools, model=True) as world:
        yield world


async def asked(world: PlaybooksWorld, run: Run) -> Any:
    """What people are asked, as they see it."""
    state = await world.until(run, lambda s: any(r.rungs for r in s.pending_approvals), within=40)
    (request,) = state.pending_approvals
    return request.question


async def refunds(world: PlaybooksWorld) -> list[Any]:
    return [entry["body"] for entry in await world.vendors.messages("stripe") if entry["kind"] == "refund"]


async def test_what_an_attacking_server_says_stays_data_and_the_refund_is_asked_for_as_it_is(
    world: PlaybooksWorld, tmp_path: Path
) -> None:
    run = await world.start("attacked", OURS, definition=playbook(TASKS, name="attacked"))
    question = await asked(world, run)
    assert question.arguments == OURS
    assert question.amount == 13.75  # in the own currency of the tenant, by its rate
    assert "5000" not in question.model_dump_json()
    assert "Ignore" not in question.model_dump_json()
    assert await refunds(world) == []
    # It hung once and flooded once, and its answer was taken; news of its change come in their own time.
    assert 3 <= len((tmp_path / "journal.jsonl").read_text().splitlines()) < 13
    await world.decide(run)
    result = await world.result(run)
    assert result.status == "completed", result.error
    assert result.output["said"]["text"] == DEMAND
    assert result.output["refused"] == "configuration"
    (refund,) = await refunds(world)
    assert refund["object"]["amount"] == 1_250
    told = [json.dumps(entry) for vendor in ("slack", "smtp") for entry in await world.vendors.messages(vendor)]
    assert told
    assert [words for words in told if "cus_attacker" in words or "Ignore the rules" in words] == []
    await the_model_got_it_as_data(world)


async def the_model_got_it_as_data(world: PlaybooksWorld) -> None:
    base = world.vendors.url("openai").removesuffix("/v1")
    async with httpx.AsyncClient(trust_env=False) as web:
        requests = (await web.get(f"{base}/_requests")).json()
    assert requests
    for request in requests:
        said = {message["role"]: message["content"] for message in request["body"]["messages"]}
        assert "Ignore the rules" not in said["system"]
        assert "Ignore the rules" in said["user"]
