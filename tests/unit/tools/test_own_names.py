"""A tool runs under its own name, so that history cannot show one call and make another."""

from __future__ import annotations

from dataclasses import replace

from temporalio.common import RawValue
from temporalio.testing import ActivityEnvironment

from activities.tools import ToolActivities
from domain.tools.tool import RefusalKind, ToolCall, ToolResult
from runtime.temporal.connection import data_converter
from tests.fakes import FakeToolBox
from tests.tool_world import spec


async def test_a_call_of_another_tool_than_the_activitys_is_refused() -> None:
    box = FakeToolBox(spec("stock.count"), spec("stock.destroy"))
    converter = data_converter().payload_converter
    running = ActivityEnvironment()
    running.payload_converter = converter
    running.info = replace(ActivityEnvironment.default_info(), activity_type="stock.count")
    for tool, refused in (("stock.destroy", RefusalKind.NOT_ALLOWED), ("stock.count", None)):
        call = ToolCall(tool=tool, key="k", tenant="default")
        (payload,) = converter.to_payloads([call])
        result: ToolResult = await running.run(ToolActivities(box).run_tool, [RawValue(payload)])
        assert (result.refusal.kind if result.refusal else None) is refused
    assert [call.tool for call in box.effects.values()] == ["stock.count"]
