"""MCP servers as providers of tools: one provider per configured server.

A server may change what its tools say and do at any time. So before a tool that is not safe is called, its list is read
again, and a tool that no longer is what the caller saw is not called.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

from mcp import MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolRequest, CallToolRequestParams, CallToolResult, InputRequiredResult
from pydantic import SecretStr, TypeAdapter, ValidationError

from domain.errors import ConfigurationProblem, VendorUnavailable
from domain.model import JsonValue
from domain.tools.tool import Safety, ToolCall, ToolSpec
from integrations.idempotency import key_hash
from integrations.tools.addresses import AddressGuard
from integrations.tools.mcp.answers import call_error, in_doubt, is_gone, output_of, session_error
from integrations.tools.mcp.catalogue import SEAL
from integrations.tools.mcp.configuration import McpServer, McpServers
from integrations.tools.mcp.process import ServerProcess
from integrations.tools.mcp.session import FRESH_SECONDS, OpenSession, SessionKeeper
from integrations.tools.mcp.web import web_client
from integrations.tools.provider import CallContext, NotAllowed, ProviderAnswer, ToolChanged

KEY = "io.surehand/idempotency-key"
"""In a call's `_meta`, hashed, for servers that know what to do with it; MCP itself has no such thing."""
_BEAT_SECONDS = 2.0
_Result: TypeAdapter[CallToolResult | InputRequiredResult] = TypeAdapter(CallToolResult | InputRequiredResult)


class McpProvider:
    """`integrations.tools.provider.ToolProvider` over one MCP server.

    Args:
        name: as `tools.yaml` calls the server.
        server: its configuration.
        secrets: by name.
        guard: judges addresses; the server's own is listed by being configured.

    Raises:
        ConfigurationProblem: a secret is missing, or the address cannot be used.
    """

    def __init__(
        self, name: str, server: McpServer, *, secrets: Mapping[str, SecretStr], guard: AddressGuard | None = None
    ) -> None:
        self._name = name
        self.server = server
        self._environment = {**server.variables, **_revealed(name, server.env, secrets)}
        token = _secret(name, server.secret, secrets) if server.secret is not None else None
        self._token = token
        self._guard = guard or AddressGuard()
        if server.url is not None:
            try:
                self._guard.only(server.url).check(server.url)
            except NotAllowed as refused:
                raise ConfigurationProblem(f"The MCP server {name} cannot be called: {refused}") from None
        self._keeper = SessionKeeper(name, server, self._transport)
        self._known: Sequence[ToolSpec] | None = None

    @property
    def name(self) -> str:
        """The server's name."""
        return self._name

    def __repr__(self) -> str:
        return f"McpProvider({self._name})"

    async def specs(self) -> Sequence[ToolSpec]:
        """Every tool that the server offers and the configuration lets through; as last read while it is away."""
        try:
            session = await self._current_tools(fresh_for=FRESH_SECONDS)
        except VendorUnavailable:
            if self._known is None:
                raise
            return self._known
        self._known = [spec for spec, _ in session.tools.values()]
        return self._known

    async def call(self, spec: ToolSpec, call: ToolCall, context: CallContext) -> ProviderAnswer:
        """Make one call, after a look at whether the tool still is what the caller saw."""
        fresh_for = FRESH_SECONDS if spec.safety is Safety.SAFE else 0.0
        until = time.monotonic() + _own_limit(spec.timeout.total_seconds())
        try:
            async with asyncio.timeout(until - time.monotonic()):
                session = await self._current_tools(fresh_for=fresh_for)
        except TimeoutError:
            raise VendorUnavailable(self._name, "timeout", f"{self._name} was not ready in time.") from None
        found = session.tools.get(spec.name)
        if found is None or found[0].input_schema.get(SEAL) != spec.input_schema.get(SEAL):
            raise ToolChanged(f"The tool {spec.name} is not what it was when it was looked up: look at it again.")
        meta: Any = {KEY: key_hash(context.key)}
        request = CallToolRequest(
            params=CallToolRequestParams(name=found[1], arguments=call.arguments, _meta=meta),
        )
        output = await self._send(session, spec, request, context.beat, until - time.monotonic())
        return ProviderAnswer(output=output)

    async def close(self) -> None:
        """End the session and every process behind it."""
        await self._keeper.close()

    async def _current_tools(self, *, fresh_for: float) -> OpenSession:
        """A session whose tools were read within that many seconds. Nothing was called when this fails."""
        session = await self._keeper.session()
        if session.is_fresh(fresh_for):
            return session
        try:
            await session.read_tools()
        except MCPError as error:
            self._lost(session)
            if is_gone(error):
                # It had ended before we knew. A session that opens has just read its tools.
                return await self._keeper.session()
            raise session_error(self._name, error) from None
        except (TimeoutError, ValidationError, RuntimeError):
            self._lost(session)
            raise VendorUnavailable(self._name, "unreadable", f"{self._name} did not list its tools.") from None
        return session

    async def _send(
        self, session: OpenSession, spec: ToolSpec, request: CallToolRequest, beat: Callable[[], None], seconds: float
    ) -> JsonValue:
        if not session.usable:
            raise VendorUnavailable(self._name, "connection", f"The session with {self._name} has just ended.")
        session.begin()
        beating = asyncio.create_task(_beat(beat))
        try:
            # Not `call_tool`: it checks the answer with the server's own regular expressions.
            result = await session.client.send_request(request, _Result, max(seconds, 0.01))
        except MCPError as error:
            translated = call_error(spec, error)
            if is_gone(error) or translated.code == "timeout":
                self._lost(session)
            raise translated from None
        except (ValidationError, RuntimeError):
            raise in_doubt(spec, "unreadable", f"{self._name} answered with something that is no result.") from None
        finally:
            beating.cancel()
            session.finish()
        self._keeper.works()
        return output_of(spec, result)

    def _lost(self, session: OpenSession) -> None:
        """A session that died or hangs: the next call opens another."""
        self._keeper.strike(session)
        session.retire()

    def _transport(self, gone: Callable[[], None]) -> AbstractAsyncContextManager[Any]:
        if self.server.url is None:
            return ServerProcess(
                self.server.command,
                environment=self._environment,
                cwd=self.server.cwd,
                message_limit_bytes=self.server.message_limit_bytes,
                gone=gone,
            )
        return _Web(self._guard, self.server, self._token)


def mcp_providers(
    configured: McpServers, *, secrets: Mapping[str, SecretStr], guard: AddressGuard | None = None
) -> tuple[McpProvider, ...]:
    """Every configured MCP server; nothing is started or reached before its first use.

    Args:
        configured: the section `mcp` of `tools.yaml`.
        secrets: by name.
        guard: judges addresses.

    Raises:
        ConfigurationProblem: a secret that one names is missing.
    """
    return tuple(McpProvider(name, server, secrets=secrets, guard=guard) for name, server in configured.root.items())


class _Web:
    """The SDK's streamable HTTP transport over our own HTTP."""

    def __init__(self, guard: AddressGuard, server: McpServer, token: SecretStr | None) -> None:
        self._guard, self._server, self._token = guard, server, token
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Any:
        url = self._server.url or ""
        limit = self._server.message_limit_bytes
        client = web_client(self._guard, url, self._token, limit_bytes=limit)
        await self._stack.enter_async_context(client)
        transport = streamable_http_client(url, http_client=client, max_sse_event_size=limit)
        return await self._stack.enter_async_context(transport)

    async def __aexit__(self, *error: Any) -> bool | None:
        return await self._stack.__aexit__(*error)


async def _beat(beat: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(_BEAT_SECONDS)
        beat()


def _own_limit(seconds: float) -> float:
    """A little less than the tool box waits, so that it is we who end a server that hangs."""
    return seconds - 2 * min(1.0, seconds / 10)


def _revealed(name: str, wanted: Mapping[str, str], secrets: Mapping[str, SecretStr]) -> dict[str, str]:
    return {variable: _secret(name, secret, secrets).get_secret_value() for variable, secret in wanted.items()}


def _secret(name: str, secret: str, secrets: Mapping[str, SecretStr]) -> SecretStr:
    found = secrets.get(secret)
    if found is None:
        variable = f"SUREHAND_SECRETS__{secret.upper()}"
        raise ConfigurationProblem(f"The MCP server {name} needs the secret {secret}: set {variable}.")
    return found
