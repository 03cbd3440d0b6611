"""How calls of tools are scheduled: on whose queue, for how long, and given up when."""

from __future__ import annotations

from datetime import timedelta

from runtime.configuration.policies import Configuration
from runtime.settings.environment import SHIPPED_CONFIG
from tests.tool_world import spec
from workflows import options

TIMERS = Configuration((SHIPPED_CONFIG,)).policy_for("default").timers


def test_a_vendor_with_a_rate_is_called_through_its_own_queue_and_others_through_the_workers() -> None:
    brief = spec("stock.reserve").brief()
    assert "task_queue" not in options.tool(brief, TIMERS)
    limited = brief.model_copy(update={"queue": "surehand-stock"})
    assert options.tool(limited, TIMERS)["task_queue"] == "surehand-stock"


def test_a_tool_keeps_its_own_times_and_else_the_policys() -> None:
    brief = spec("stock.reserve").brief().model_copy(update={"timeout": timedelta(seconds=7)})
    config = options.tool(brief, TIMERS)
    assert timedelta(seconds=7) < config["start_to_close_timeout"] <= timedelta(seconds=20)
    assert config["schedule_to_close_timeout"] == TIMERS.give_up_after
    patient = brief.model_copy(update={"give_up_after": timedelta(minutes=3)})
    assert options.tool(patient, TIMERS)["schedule_to_close_timeout"] == timedelta(minutes=3)
