"""Tools as activities: each runs under its own name, so that history and the web UI say what was called."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError
from temporalio import activity
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from domain.ports.tools import ToolBox
from domain.tools.tool import RefusalKind, ToolCall, ToolRefusal, ToolResult


class ToolActivities:
    """Receives the tool box."""

    def __init__(self, toolbox: ToolBox) -> None:
        """`toolbox` holds every tool of this installation."""
        self._toolbox = toolbox

    @activity.defn(dynamic=True)
    async def run_tool(self, arguments: Sequence[RawValue]) -> ToolResult:
        """Make the call that the one argument, a `ToolCall`, describes; the activity's type is the tool's name."""
        info = activity.info()
        call = _decode(info.activity_type, arguments)
        if call.tool != info.activity_type:
            sentence = f"The call is for another tool than {info.activity_type}: call a tool under its own name."
            return ToolResult(
                refusal=ToolRefusal(kind=RefusalKind.NOT_ALLOWED, sentence=sentence), attempt=info.attempt
            )
        return await self._toolbox.run(call, attempt=info.attempt, beat=activity.heartbeat)

    @activity.defn
    async def check_call(self, call: ToolCall) -> ToolRefusal | None:
        """Whether a call could be made, without making it."""
        return await self._toolbox.check(call)


def _decode(activity_type: str, arguments: Sequence[RawValue]) -> ToolCall:
    """Read the call.

    A dynamic activity receives every name that this worker does not know, also those that only a newer worker has.
    Such a one must be tried again until that worker gets it, as it is where nothing is dynamic.
    """
    try:
        (argument,) = arguments
        decoded = activity.payload_converter().from_payload(argument.payload, ToolCall)
    except (ValueError, ValidationError, RuntimeError):
        decoded = None
    if not isinstance(decoded, ToolCall):
        raise ApplicationError(f"{activity_type} is no activity and no tool of this worker.", type="NotFoundError")
    return decoded
