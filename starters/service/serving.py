"""Runs the service: opens what it needs, listens, and stops without dropping a request."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import uvicorn

from domain.errors import ConfigurationProblem
from runtime.settings.environment import Settings
from starters.mailboxes import mailboxes_of
from starters.service.app import build
from starters.service.contract.idempotency import forget_old
from starters.service.hooks import doing as hooks
from starters.service.hooks import endpoints
from starters.service.hooks.taking import MAIL
from starters.service.http.wire import Protocol
from starters.service.inbox import accepting, promising
from starters.service.inbox.delivering import delivering
from starters.service.inbox.polling import polling
from starters.service.services import Services, open_services
from starters.service.slack.doing import TO_CASES, TO_PEOPLE

_STOPS_WITHIN_SECONDS = 15
_FORGETS_EVERY_SECONDS = 3600.0
_REPEATS_ARE_KNOWN_FOR = timedelta(days=7)
_MAILS_ARE_KNOWN_FOR = timedelta(days=90)
"""Longer: a mailbox that is restored or numbered anew shows all its mails again."""
_BACKLOG = 2_048
_IDLE_SECONDS = 30


async def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    stop: asyncio.Event,
    ready: Callable[[Services, int], Awaitable[None]] | None = None,
) -> None:
    """Serve until `stop` is set; requests under way are answered before it ends.

    Args:
        settings: of this process.
        host: address to listen on.
        port: to listen on; 0 takes a free one.
        stop: set it to end.
        ready: called with the port once requests are taken.

    Raises:
        ConfigurationProblem: settings or configuration cannot be used, or the port is taken.
        NotReachable: the store does not answer.
    """
    async with open_services(settings) as services:
        endpoints.check(services.configuration)
        mailboxes_of(services.configuration)
        listening = _listen(host, port)
        server = uvicorn.Server(
            uvicorn.Config(
                build(services),
                http=Protocol,
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=True,
                proxy_headers=False,
                lifespan="off",
                ws="none",
                backlog=_BACKLOG,
                timeout_keep_alive=_IDLE_SECONDS,
                timeout_graceful_shutdown=_STOPS_WITHIN_SECONDS,
                h11_max_incomplete_event_size=32_768,
            )
        )
        async with (
            delivering(services, {**TO_CASES, **hooks.HANDLERS}, TO_PEOPLE, accepting.HANDLERS, promising.LANE),
            _running(server, listening),
            polling(services),
            _forgetting(services),
        ):
            if ready is not None:
                await ready(services, listening.getsockname()[1])
            await stop.wait()
            services.leaving.set()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise ConfigurationProblem(
            f"The service cannot listen on port {port} ({error.strerror or 'error'}): stop what has it, or choose "
            "another with --port."
        ) from None
    made.listen(_BACKLOG)
    return made


@contextlib.asynccontextmanager
async def _running(server: uvicorn.Server, listening: socket.socket) -> AsyncIterator[None]:
    # Not `serve`: that takes the process's signals, which belong to whoever runs us.
    running = asyncio.create_task(server._serve([listening]))
    try:
        while not server.started:
            if running.done():
                await running
                raise ConfigurationProblem("The service could not start: see its log.")
            await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await running
        listening.close()


async def _forget_deliveries(services: Services) -> None:
    now = datetime.now(UTC)
    await services.store.inbox.forget_before(now - _REPEATS_ARE_KNOWN_FOR, except_from=MAIL)
    await services.store.inbox.forget_before(now - _MAILS_ARE_KNOWN_FOR)


@contextlib.asynccontextmanager
async def _forgetting(services: Services) -> AsyncIterator[None]:
    async def forget() -> None:
        while True:
            with contextlib.suppress(Exception):  # the next time will do
                await forget_old(services.store.requests, services.service.repeat_hours)
                await services.store.allowed_requests.forget_before(datetime.now(UTC) - timedelta(hours=1))
                await services.store.sign_in_tries.forget_before(datetime.now(UTC))
                await _forget_deliveries(services)
            await asyncio.sleep(_FORGETS_EVERY_SECONDS)

    task = asyncio.create_task(forget())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
