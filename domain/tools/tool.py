"""Tools: what one can do, how safe it is, what it takes and gives, and what undoes it. Pure values.

A tool runs as a Temporal activity under its own name. The workflow knows its brief, the worker its whole specification;
the two are bound by a digest, so that a tool which changed after its approval is refused and never run.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import timedelta
from typing import Annotated

from pydantic import Field, StringConstraints

from domain.model import JsonValue, Term, Value

RESULT_LIMIT_BYTES = 64_000
"""What a tool's output may take in history unless its configuration says otherwise."""

ToolName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$", max_length=120)]
"""`provider.operation`, such as `payments.capture`."""

_RESERVED = re.compile(r"(http|openapi|mcp|grpc|asyncapi|a2a|approve|ask_model|notify|use)\Z")


def is_reserved(name: str) -> bool:
    """Whether a name already means something after `call:` in a playbook."""
    return _RESERVED.match(name) is not None


class ToolCategory(Term):
    """What kind of work a tool does. Source: reference document 003, section 2.2.3."""

    SEARCH = "search"
    ANALYSIS = "analysis"
    EXECUTION = "execution"
    MONITORING = "monitoring"
    VALIDATION = "validation"
    COMMUNICATION = "communication"


class Safety(Term):
    """What a tool may do unasked. Ordered: configuration and rules may tighten it and never loosen it."""

    SAFE = "safe"
    """Changes nothing."""
    CONFIRM = "requires_confirmation"
    """A person confirms it, or the tenant's configuration did for this tool and these arguments."""
    DANGEROUS = "dangerous"
    """A person approves each call."""

    @property
    def rank(self) -> int:
        """0 for safe up to 2 for dangerous."""
        return list(Safety).index(self)


class ToolUndo(Value):
    """How a tool's effect is taken back."""

    tool: ToolName
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    """Arguments of the undoing tool; `${ ... }` expressions see `$arguments`, `$output` and `$key` of the done call."""


class ToolBrief(Value):
    """What a workflow must know of a tool. Small, because it stands in history."""

    name: ToolName
    title: str = ""
    """What it does, for a person, as an imperative: "Capture a payment"."""
    vendor: str
    """Who is behind it: circuit breaker and rate limit are per vendor."""
    category: ToolCategory = ToolCategory.EXECUTION
    capabilities: tuple[str, ...] = ()
    """What it can be chosen for, such as `stock.reserve`."""
    safety: Safety = Safety.DANGEROUS
    pre_approved: bool = False
    """The tenant's configuration confirmed this tool for playbooks, so `requires_confirmation` asks nobody.
    Has no effect on a dangerous tool."""
    idempotent: bool = False
    """A repeat with the same key has no second effect at the vendor. Otherwise the effect ledger stands in."""
    timeout: timedelta = timedelta(seconds=20)
    """One attempt."""
    give_up_after: timedelta | None = None
    """All attempts together; the policy's `give_up_after` when None."""
    undo: ToolUndo | None = None
    ladder: str | None = None
    """Whose approval it takes (a ladder of `approvals.yaml`); `default` when None."""
    amount: str | None = None
    """Expression over the arguments that gives the money moved, for limits and for approvers' authority."""
    currency: str | None = None
    """Expression over the arguments that gives the amount's currency (ISO 4217); the tenant's own when None."""
    customer: str | None = None
    """Expression over the arguments that gives whom a per-customer limit counts for."""
    queue: str | None = None
    """Task queue of a rate-limited vendor; the workflow's own when None."""
    digest: str = ""
    """Of the whole specification: target, schemas, safety. An approval and a call hold for this digest only."""


class ToolSpec(ToolBrief):
    """A tool as the worker knows it."""

    description: str = ""
    provider: str
    """`python`, `openapi`, `mcp` or `web`."""
    source: str = ""
    """The configured name of the document, server or module it comes from."""
    target: str = ""
    """Where it goes: server address and path, or MCP server. Shown to approvers; holds no credential."""
    input_schema: dict[str, JsonValue] = Field(default_factory=lambda: {"type": "object"})
    output_schema: dict[str, JsonValue] | None = None
    result_limit_bytes: int = RESULT_LIMIT_BYTES

    def brief(self) -> ToolBrief:
        """The part that a workflow carries, with the digest of the whole."""
        fields = {name: getattr(self, name) for name in ToolBrief.model_fields}
        return ToolBrief(**{**fields, "digest": self.computed_digest()})

    def computed_digest(self) -> str:
        """SHA-256 of what a call's meaning depends on."""
        meaning = {
            "name": self.name,
            "provider": self.provider,
            "target": self.target,
            "safety": self.safety.value,
            "input": self.input_schema,
            "idempotent": self.idempotent,
        }
        return hashlib.sha256(canonical(meaning).encode()).hexdigest()


class ToolCall(Value):
    """One call: the argument of the activity that bears the tool's name."""

    tool: ToolName
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    key: str
    """Idempotency key: workflow id + step, never the run id."""
    tenant: str
    digest: str = ""
    """The specification that the workflow saw; a tool that differs is refused."""
    whole: bool = False
    """Give request, status and headers beside the output (`output: response` in a playbook)."""


class RefusalKind(Term):
    """Why a call was not made. A refusal is a result: the case goes on, and a playbook may catch it."""

    INVALID_ARGUMENTS = "invalid_arguments"
    UNKNOWN_TOOL = "unknown_tool"
    TOOL_CHANGED = "tool_changed"
    NOT_ALLOWED = "not_allowed"
    """By configuration or guardrail: an address, a host, a path or a tool that is off limits."""
    LIMIT_REACHED = "limit_reached"
    DENIED = "denied"
    """By a person, or by nobody answering."""


class ToolRefusal(Value):
    """A call that was not made, and nothing happened outside."""

    kind: RefusalKind
    sentence: str
    """For a person; names the argument and never its value."""


class ToolResult(Value):
    """What came of a call."""

    output: JsonValue = None
    refusal: ToolRefusal | None = None
    truncated: bool = False
    """The output was larger than the tool's limit and was cut; `size_bytes` is the whole."""
    size_bytes: int = 0
    duration_ms: int = 0
    attempt: int = 1
    repeated: bool = False
    """An earlier attempt had taken effect; this is what it gave."""
    status: int | None = None
    """HTTP status, where there is one."""
    request: dict[str, JsonValue] | None = None
    """Method, address and names of headers that were sent; only where a playbook asks for the whole response."""
    headers: dict[str, str] | None = None


def call_digest(tool: str, arguments: dict[str, JsonValue]) -> str:
    """SHA-256 of a tool and the exact arguments it is called with."""
    return hashlib.sha256(canonical({"tool": tool, "arguments": arguments}).encode()).hexdigest()


def canonical(value: JsonValue) -> str:
    """JSON with one spelling: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
