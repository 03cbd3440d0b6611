"""What every source of tools implements: Python objects, OpenAPI documents, MCP servers, plain HTTP.

A provider knows its tools and makes one call. Everything else is the tool box's: who may use a tool, whether its
arguments hold, the effect ledger, the circuit breaker, the cap on what comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from domain.model import JsonValue
from domain.tools.tool import ToolCall, ToolSpec


@dataclass(frozen=True)
class CallContext:
    """What a provider must know of the attempt it is part of."""

    key: str
    """Idempotency key: the same for every attempt. Goes to the vendor, hashed where it stands in a header."""
    tenant: str
    attempt: int
    """Of the activity, from 1; a later one may meet what an earlier one did."""
    beat: Callable[[], None] = field(default=lambda: None, repr=False)
    """To be called now and then by a call that takes longer than a few seconds."""


@dataclass(frozen=True)
class ProviderAnswer:
    """What came back from one call. The tool box checks, caps and measures `output`."""

    output: JsonValue = None
    status: int | None = None
    """HTTP status, where there is one."""
    headers: Mapping[str, str] | None = None
    """Of the answer; names in lower case."""
    request: Mapping[str, JsonValue] | None = None
    """Method, address and names of headers that were sent; never their values."""
    repeated: bool = False
    """The vendor said that an earlier attempt with this key had taken effect and gave what that one gave."""


class ToolProvider(Protocol):
    """A source of tools."""

    @property
    def name(self) -> str:
        """The configured name that `tools.yaml` lists it under, such as `python` or the name of a document."""
        ...

    async def specs(self) -> Sequence[ToolSpec]:
        """Every tool it has, with `provider`, `source`, `target` and schemas filled in.

        Called at start and again when the tool box refreshes; a provider keeps what it read.

        Raises:
            ConfigurationProblem: what it is configured with cannot be used.
            VendorError: a document or server could not be read.
        """
        ...

    async def call(self, spec: ToolSpec, call: ToolCall, context: CallContext) -> ProviderAnswer:
        """Make one attempt. Arguments have passed the input schema; no retries here, Temporal retries.

        Args:
            spec: the tool, as `specs` gave it and configuration tightened it.
            call: what to do.
            context: the attempt.

        Raises:
            InvalidInput: the arguments cannot be used after all; nothing happened. The sentence names the argument
                and never its value.
            NotAllowed: an address, host or path is off limits; nothing happened.
            VendorUnavailable: certainly without effect, and trying again may help.
            OutcomeUnknown: it may have taken effect.
            VendorRefused: trying again cannot help.
        """
        ...


@runtime_checkable
class FindsTools(Protocol):
    """A provider with tools beyond those it lists, such as operations of a document given by its address."""

    async def find(self, name: str) -> ToolSpec | None:
        """The tool of that name; None when it has none."""
        ...


@runtime_checkable
class FindsOperations(Protocol):
    """A provider that makes tools of the operations of OpenAPI documents."""

    async def find_operation(self, tenant: str, document: str, operation_id: str) -> ToolSpec | None:
        """The tool for one operation; `document` is a configured name or an address. None when it has no such document.

        Raises:
            InvalidInput: the document has no such operation, or the address is not allowed.
            VendorError: the document could not be read.
        """
        ...


@runtime_checkable
class ChecksCalls(Protocol):
    """A provider that can tell before a call that it must not be made, such as one with a list of hosts."""

    async def check(self, spec: ToolSpec, call: ToolCall) -> None:
        """Look at a call without making it.

        Raises:
            InvalidInput, NotAllowed: as `call` would.
        """
        ...


@runtime_checkable
class FindsEffects(Protocol):
    """A provider that can find out what an earlier attempt did, for tools that are not idempotent."""

    async def find_effect(self, spec: ToolSpec, call: ToolCall, context: CallContext) -> ProviderAnswer | None:
        """What the attempt with `context.key` gave; None when it certainly had no effect.

        Raises:
            OutcomeUnknown: for this tool nobody can tell.
        """
        ...


@runtime_checkable
class NamesVendor(Protocol):
    """A provider whose calls go to another vendor by their arguments, such as plain HTTP to a host."""

    def vendor_of(self, spec: ToolSpec, call: ToolCall) -> str:
        """Whom the call goes to: the circuit breaker and a wish to slow down are per such name."""
        ...


@runtime_checkable
class KeepsOpen(Protocol):
    """A provider with sessions or processes."""

    async def close(self) -> None:
        """End them."""
        ...


class NotAllowed(Exception):
    """The call must not be made, by configuration: becomes a refusal of kind `not_allowed`, never a retry.

    Its text is one sentence for a person and carries no value of an argument.
    """


class ToolChanged(NotAllowed):
    """The tool is no longer what the caller saw: becomes a refusal of kind `tool_changed`; nothing happened."""
