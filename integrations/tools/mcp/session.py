"""One open session with an MCP server, kept by a task of its own.

The SDK's scopes must be left by the task that entered them, and calls come from many. So a task opens the session,
waits, and closes it; callers only send requests. The first death is followed by a new session at once, the next ones
after growing waits.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import anyio
from mcp import Client, ClientSession, MCPError
from mcp.client.session import IncomingMessage
from mcp_types import Implementation, PaginatedRequestParams, Tool, ToolListChangedNotification

from domain.errors import VendorError, VendorUnavailable
from domain.tools.tool import ToolSpec
from integrations.tools.mcp.answers import session_error
from integrations.tools.mcp.catalogue import catalogue
from integrations.tools.mcp.configuration import McpServer

Open = Callable[[], AbstractAsyncContextManager[Any]]
"""Makes a fresh transport for one session."""

FRESH_SECONDS = 30.0
"""For a safe tool a list of tools is trusted so long; any other is called after a new look."""
_PAGES = 50
_MOST_TOOLS = 1_000
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0

# The SDK writes messages that it cannot read, and session ids, into its log.
for _name in ("mcp.client", "mcp.shared", "client"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class OpenSession:
    """A session that is open until `retire` or `end`, with the server's tools as they were last read."""

    def __init__(self, name: str, server: McpServer, client: ClientSession) -> None:
        self.client = client
        self.tools: Mapping[str, tuple[ToolSpec, str]] = {}
        self.stale = True
        self.alive = True
        self.struck = False
        self.over = anyio.Event()
        self._name = name
        self._server = server
        self._read_at = 0.0
        self._calls = 0
        self._retired = False

    @property
    def usable(self) -> bool:
        """Whether a new call may go to it."""
        return self.alive and not self._retired

    def is_fresh(self, seconds: float) -> bool:
        """Whether the tools were read no longer ago than that and the server has not said that they changed."""
        return not self.stale and time.monotonic() - self._read_at < seconds

    async def read_tools(self) -> None:
        """Read the list anew.

        Raises:
            MCPError: as the server says.
            TimeoutError: it says nothing.
        """
        self.stale = False  # before reading: a change announced meanwhile counts
        found: list[Tool] = []
        cursor: str | None = None
        try:
            with anyio.fail_after(self._server.start_timeout_seconds):
                for _ in range(_PAGES):
                    page = await self.client.list_tools(params=PaginatedRequestParams(cursor=cursor))
                    found += page.tools
                    cursor = page.next_cursor
                    if not cursor or len(found) > _MOST_TOOLS:
                        break
        except BaseException:
            self.stale = True
            raise
        self.tools = catalogue(self._name, self._server, found[:_MOST_TOOLS])
        self._read_at = time.monotonic()

    def begin(self) -> None:
        """A call goes out."""
        self._calls += 1

    def finish(self) -> None:
        """A call is over."""
        self._calls -= 1
        if self._retired and not self._calls:
            self.over.set()

    def retire(self) -> None:
        """Take no more calls, and end when those under way are over: a call that hangs does not fail its neighbours."""
        self._retired = True
        if not self._calls:
            self.over.set()

    def end(self) -> None:
        """End now."""
        self.alive = False
        self.over.set()


class SessionKeeper:
    """Opens a server's session when it is needed and again when it is gone.

    Args:
        name: of the server.
        server: its configuration.
        open_transport: makes a transport; it is given to the SDK's client.
    """

    def __init__(self, name: str, server: McpServer, open_transport: Callable[[Callable[[], None]], Any]) -> None:
        self._name = name
        self._server = server
        self._open_transport = open_transport
        self._current: OpenSession | None = None
        self._opening: asyncio.Task[OpenSession] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._scopes: set[anyio.CancelScope] = set()
        self._strikes = 0
        self._not_before = 0.0
        self._closed = False

    async def session(self) -> OpenSession:
        """The open session, or a new one.

        Raises:
            VendorUnavailable: it cannot be opened now.
            VendorRefused: it refuses us.
        """
        if self._current is not None and self._current.usable:
            return self._current
        if self._closed:
            raise VendorUnavailable(self._name, "closed", f"The connection to {self._name} is closed.")
        if self._opening is None or self._opening.done():
            wait = self._not_before - time.monotonic()
            if wait > 0:
                sentence = f"{self._name} failed {self._strikes} times and is left alone for a moment."
                raise VendorUnavailable(self._name, "backoff", sentence, retry_after=timedelta(seconds=wait))
            self._opening = asyncio.create_task(self._open(), name=f"opening mcp {self._name}")
            self._opening.add_done_callback(lambda task: task.cancelled() or task.exception())
        # Shared and shielded: a server that starts slowly gets up although nobody who asked for it could wait.
        return await asyncio.shield(self._opening)

    def strike(self, session: OpenSession | None = None) -> None:
        """A session died, hung or could not be opened: the first is forgiven, each further one doubles the wait."""
        if self._closed or (session is not None and session.struck):
            return
        if session is not None:
            session.struck = True
        self._strikes += 1
        if self._strikes > 1:
            wait = min(_FIRST_WAIT * 2.0 ** min(self._strikes - 2, 10), _LONGEST_WAIT)
            self._not_before = time.monotonic() + wait

    def works(self) -> None:
        """An answer came."""
        self._strikes = 0

    async def close(self) -> None:
        """End every session and wait until its processes are gone."""
        self._closed = True
        for scope in list(self._scopes):
            scope.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=10)

    async def _open(self) -> OpenSession:
        ready: asyncio.Future[OpenSession] = asyncio.get_running_loop().create_future()
        scope = anyio.CancelScope()
        self._scopes.add(scope)
        task = asyncio.create_task(self._keep(ready, scope), name=f"mcp {self._name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self._scopes.discard(scope))
        limit = self._server.start_timeout_seconds
        try:
            self._current = await asyncio.wait_for(asyncio.shield(ready), limit)
            return self._current
        except VendorError:
            self.strike()
            raise
        except TimeoutError:
            self.strike()
            sentence = f"{self._name} opened no session within {limit:g} seconds: see that it is an MCP server."
            raise VendorUnavailable(self._name, "timeout", sentence) from None
        finally:
            if not ready.done() or ready.cancelled() or ready.exception() is not None:
                ready.cancel()
                scope.cancel()

    async def _keep(self, ready: asyncio.Future[OpenSession], scope: anyio.CancelScope) -> None:
        """Open, wait, close: the whole life of one session, in one task."""
        held: list[OpenSession] = []

        def gone() -> None:
            for session in held:
                self.strike(session)
                session.end()

        async def hear(message: IncomingMessage) -> None:
            if isinstance(message, ToolListChangedNotification):
                for session in held:
                    session.stale = True

        try:
            with scope:
                client = Client(
                    self._open_transport(gone),
                    cache=None,
                    message_handler=hear,
                    client_info=Implementation(name="surehand", version="1"),
                )
                async with client, anyio.create_task_group() as beside:
                    session = OpenSession(self._name, self._server, client.session)
                    held.append(session)
                    beside.start_soon(_watch, client, session)
                    await session.read_tools()
                    if not ready.done():
                        ready.set_result(session)
                    await session.over.wait()
                    beside.cancel_scope.cancel()
        except Exception as error:  # the SDK raises groups of anything; callers get one of ours
            _pass_on(ready, self._name, error)
        finally:
            gone()
            if not ready.done():
                _pass_on(ready, self._name, None)


async def _watch(client: Client, session: OpenSession) -> None:
    """Listen for changes of the tools as servers since 2026-07-28 tell them; older ones just send a notice."""
    try:
        async with client.listen(tools_list_changed=True) as changes:
            async for _ in changes:
                session.stale = True
    except (MCPError, RuntimeError, TimeoutError):
        return  # it does not offer that, or stopped: tools are looked at before they are called anyway


def _pass_on(ready: asyncio.Future[OpenSession], name: str, error: Exception | None) -> None:
    if ready.done():
        return
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, MCPError):
        ready.set_exception(session_error(name, error))
        return
    if isinstance(error, OSError) and not isinstance(error, TimeoutError):
        sentence = f"The program of {name} cannot be started: correct its command in tools.yaml."
        ready.set_exception(VendorUnavailable(name, "not_started", sentence))
        return
    sentence = f"{name} ended before a session was open: see that its command or url is an MCP server."
    ready.set_exception(VendorUnavailable(name, "not_opened", sentence))
