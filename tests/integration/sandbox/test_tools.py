"""The described vendors as tools: configured as shipped, and pointed to the sandbox as `surehand dev` does it."""

from __future__ import annotations

from domain.tools.tool import Safety, ToolCall
from runtime.configuration.policies import Configuration
from runtime.settings.environment import SHIPPED_CONFIG, load_settings
from starters.dev.world import variables
from tests.vendor_world import MemoryLedger, Outside
from workers.tools import build_toolbox

KEY = "playbook:default:order-fulfilment:O-1001/reserve"


async def test_every_operation_of_the_sandbox_is_a_tool_of_the_shipped_configuration(world: Outside) -> None:
    given = variables(world.state["ports"], load_settings(environ={}))
    settings = load_settings(environ=given)
    tools = build_toolbox(settings, Configuration([SHIPPED_CONFIG]), MemoryLedger())
    specs = {spec.name: spec for spec in await tools.specs("default")}
    assert specs["inventory.getStock"].safety is Safety.SAFE
    reserve = specs["inventory.createReservation"]
    assert reserve.safety is Safety.CONFIRM
    assert reserve.idempotent
    assert reserve.undo is not None
    assert reserve.undo.tool in specs
    order = {"reference": "O-1001", "items": [{"sku": "STOVE-1", "quantity": 1}]}
    call = ToolCall(
        tool=reserve.name,
        arguments={"body": order},
        key=KEY,
        tenant="default",
        digest=reserve.brief().digest,
    )
    for attempt in (1, 2):
        result = await tools.run(call, attempt=attempt, beat=lambda: None)
        assert result.refusal is None
        assert isinstance(result.output, dict)
        assert result.output["reference"] == "O-1001"
        assert result.repeated == (attempt == 2)
    (entry,) = await world.messages("inventory")
    assert entry["kind"] == "reservation_made"


async def test_a_described_vendor_without_a_server_is_switched_off() -> None:
    tools = build_toolbox(load_settings(environ={}), Configuration([SHIPPED_CONFIG]), MemoryLedger())
    names = [spec.name for spec in await tools.specs("default")]
    assert not [name for name in names if name.startswith(("inventory.", "shipping."))]


def test_a_vendor_that_the_user_placed_is_left_alone(world: Outside) -> None:
    own = load_settings(environ={"SUREHAND_SERVERS__INVENTORY": "https://stock.example.com"})
    given = variables(world.state["ports"], own)
    assert "SUREHAND_SERVERS__INVENTORY" not in given
    assert "SUREHAND_SECRETS__INVENTORY_KEY" not in given
    assert given["SUREHAND_SERVERS__SHIPPING"] == world.url("shipping")
