"""The stdio transport: an MCP server as a process of ours, with nothing of our environment, and an end for all of it.

The SDK's own transport hands on our HOME and PATH and reads a line however long it is; this one does neither.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from types import TracebackType

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError, JSONRPCRequest, JSONRPCResponse, RequestId, jsonrpc_message_adapter

PATH = "/usr/local/bin:/usr/bin:/bin"
_FLOOD = 8
"""Messages of the greatest size, or as much noise, that may come between two answers to us."""
_MOST_NOTICES = 2_000
"""Messages that may come between two answers to us."""
_LEAVE_SECONDS = 0.5
"""For a server to leave by itself once its standard input is closed, and again once it is told to."""
_POLL_SECONDS = 0.02
_CHUNK = 65_536

Streams = tuple[MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]]


class ServerProcess:
    """An SDK transport: enter it for the two streams, leave it and every process of the server's group is gone.

    Args:
        command: program and arguments.
        environment: everything the program gets beside a short PATH.
        cwd: where it starts.
        message_limit_bytes: the longest line; a longer one, or a flood, ends the server.
        gone: called when the server says nothing any more.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        cwd: str | None,
        message_limit_bytes: int,
        gone: Callable[[], None] = lambda: None,
    ) -> None:
        self._command = tuple(command)
        self._environment = {"PATH": PATH, **environment}
        self._cwd = cwd
        self._limit = message_limit_bytes
        self._gone = gone
        self._streams: Streams | None = None
        self._asked: set[RequestId] = set()
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.fault = ""
        """Why we ended it: `flood` when it sent too much."""

    async def __aenter__(self) -> Streams:
        """Start the server.

        Raises:
            OSError: the program cannot be started.
        """
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # What a server writes there may hold secrets or forged log lines; nobody reads it, so nothing fills up.
            stderr=asyncio.subprocess.DEVNULL,
            env=self._environment,
            cwd=self._cwd,
            start_new_session=True,
            limit=_CHUNK,
        )
        to_session, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        write, from_session = anyio.create_memory_object_stream[SessionMessage](0)
        self._tasks = [
            asyncio.create_task(self._read(self._process, to_session)),
            asyncio.create_task(self._write(self._process, from_session, to_session)),
        ]
        self._streams = (read, write)
        return self._streams

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the server and whatever it started in its group."""
        try:
            with anyio.CancelScope(shield=True):
                await self._end()
        finally:
            self.kill()
            for stream in self._streams or ():
                stream.close()

    def kill(self) -> None:
        """End the whole group at once."""
        if self._process is not None:
            # The leader's pid is the group's id, also when the leader has gone and a child has not.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _end(self) -> None:
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        if not self.fault and not await _gone(process):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGTERM)
            await _gone(process)
        self.kill()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await _gone(process, seconds=2.0)
        transport = getattr(process, "_transport", None)
        if transport is not None:
            transport.close()
            await asyncio.sleep(0)

    async def _read(
        self, process: asyncio.subprocess.Process, to_session: MemoryObjectSendStream[SessionMessage | Exception]
    ) -> None:
        """Hand on one message per line; what is no message is dropped and counted."""
        assert process.stdout is not None  # noqa: S101 - opened with a pipe
        line, since_answer, notices = bytearray(), 0, 0
        async with _closing(to_session, self._gone):
            while chunk := await process.stdout.read(_CHUNK):
                since_answer += len(chunk)
                line += chunk
                *whole, rest = line.split(b"\n")
                line = bytearray(rest)
                too_long = any(len(each) > self._limit for each in (*whole, line))
                if too_long or since_answer > _FLOOD * self._limit or notices > _MOST_NOTICES:
                    self.fault = "flood"
                    self.kill()
                    return
                for message in filter(None, map(_message, whole)):
                    notices += 1
                    if self._answers(message):
                        since_answer, notices = 0, 0
                    try:
                        await to_session.send(message)
                    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                        return

    def _answers(self, message: SessionMessage) -> bool:
        """Whether it answers something that we asked: only that proves that the server does its work."""
        answer = message.message
        if isinstance(answer, JSONRPCResponse | JSONRPCError) and answer.id in self._asked:
            self._asked.discard(answer.id)
            return True
        return False

    async def _write(
        self,
        process: asyncio.subprocess.Process,
        from_session: MemoryObjectReceiveStream[SessionMessage],
        to_session: MemoryObjectSendStream[SessionMessage | Exception],
    ) -> None:
        assert process.stdin is not None  # noqa: S101 - opened with a pipe
        async with from_session:
            try:
                async for message in from_session:
                    if isinstance(message.message, JSONRPCRequest):
                        self._asked.add(message.message.id)
                    text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                    process.stdin.write(text.encode("utf-8", "surrogatepass") + b"\n")
                    await process.stdin.drain()
            except (ConnectionError, RuntimeError):
                # It reads no more: let those who wait know, although it may still live.
                to_session.close()


@asynccontextmanager
async def _closing(
    stream: MemoryObjectSendStream[SessionMessage | Exception], gone: Callable[[], None]
) -> AsyncIterator[None]:
    """Close the stream at the end, and say so before anybody can wait on it in vain."""
    try:
        yield
    finally:
        stream.close()
        gone()


def _message(line: bytes | bytearray) -> SessionMessage | None:
    if not line.strip():
        return None
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError:
        return None


async def _gone(process: asyncio.subprocess.Process, *, seconds: float = _LEAVE_SECONDS) -> bool:
    """Whether the process ended within that time."""
    with anyio.move_on_after(seconds):
        while process.returncode is None:  # noqa: ASYNC110 - `wait` would also wait for pipes that a child keeps open
            await anyio.sleep(_POLL_SECONDS)
    return process.returncode is not None
