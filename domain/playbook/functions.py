"""The custom functions of this runtime: what follows `call:` besides the specification's own and tools' names."""

from __future__ import annotations

from domain.model import JsonValue, Value
from domain.playbook.outline import mapping

SPECIFIED = ("http", "openapi", "mcp", "grpc", "asyncapi", "a2a")
"""What the specification itself defines."""
REFUSED_CALLS = ("grpc", "asyncapi", "a2a")


class Function(Value):
    """A custom function's arguments."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        """All that it takes."""
        return (*self.required, *self.optional)


FUNCTIONS = {
    "approve": Function(
        required=("summary",), optional=("action", "arguments", "evidence", "amount", "ladder", "risk")
    ),
    "notify": Function(required=("to", "text"), optional=("subject", "channel")),
    "ask_model": Function(required=("prompt",), optional=("input", "answer", "fallback")),
    "use": Function(required=("capability",), optional=("arguments",)),
}
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def is_tool_call(task: dict[str, JsonValue], functions: JsonValue) -> bool:
    """Whether a task calls a tool by its name: not what the specification, this runtime or the document defines."""
    name = task.get("call")
    return isinstance(name, str) and name not in (*SPECIFIED, *FUNCTIONS, *mapping(functions))
