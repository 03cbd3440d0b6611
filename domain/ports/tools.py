"""The port of the tool box."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from domain.tools.tool import ToolCall, ToolRefusal, ToolResult, ToolSpec


class ToolBox(Protocol):
    """Every tool of this installation, by tenant: Python functions, OpenAPI operations, MCP tools, plain HTTP."""

    async def specs(self, tenant: str) -> Sequence[ToolSpec]:
        """All tools that the tenant may use, by name."""
        ...

    async def find(self, tenant: str, name: str) -> ToolSpec | None:
        """One tool; None when the tenant has none of that name."""
        ...

    async def choose(self, tenant: str, capability: str) -> Sequence[ToolSpec]:
        """The tools with a capability, in the order in which they are to be tried."""
        ...

    async def find_operation(self, tenant: str, document: str, operation_id: str) -> ToolSpec:
        """The tool for one operation of an OpenAPI document, given by configured name or by address.

        Raises:
            InvalidInput: no such document or operation, or the address is not allowed.
            VendorError: the document could not be read.
        """
        ...

    async def find_mcp_tool(self, tenant: str, address: str, name: str) -> ToolSpec | None:
        """The tool of a configured MCP server, by the server's address; None when no such server is configured."""
        ...

    async def check(self, call: ToolCall) -> ToolRefusal | None:
        """Whether a call could be made, without making it: tool, digest, arguments, allow-lists."""
        ...

    async def run(self, call: ToolCall, *, attempt: int, beat: Callable[[], None]) -> ToolResult:
        """Make a call, once per `call.key` as far as the vendor or the ledger allows.

        Args:
            call: what to do.
            attempt: of the activity, from 1; a later one may meet what an earlier one did.
            beat: to be called now and then by a long call.

        Returns:
            The result. A call that must not be made is a result with a refusal.

        Raises:
            VendorError: as every client does.
        """
        ...
