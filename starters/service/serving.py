"""Runs the service: opens what it needs, listens, and stops without dropping a request."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import uvicorn

from runtime.settings.environment import Settings
from starters.mailboxes import mailboxes_of
from starters.service.app import build
from starters.service.contract.idempotency import forget_old
from starters.service.hooks import doing as hooks
from starters.service.hooks import endpoints
from starters.service.hooks.taking import MAIL
from starters.service.http.listening import BACKLOG, listen, running
from starters.service.http.wire import Protocol
from starters.service.inbox import accepting, promising
from starters.service.inbox.delivering import delivering
from starters.service.inbox.polling import polling
from starters.service.monitoring.port import metrics_port
from starters.service.services import Services, open_services
from starters.service.slack.doing import TO_CASES, TO_PEOPLE

_STOPS_WITHIN_SECONDS = 15
_FORGETS_EVERY_SECONDS = 3600.0
_REPEATS_ARE_KNOWN_FOR = timedelta(days=7)
_MAILS_ARE_KNOWN_FOR = timedelta(days=90)
"""Longer: a mailbox that is restored or numbered anew shows all its mails again."""
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
        listening = listen(host, port, advice="stop what has it, or choose another with --port")
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
                backlog=BACKLOG,
                timeout_keep_alive=_IDLE_SECONDS,
                timeout_graceful_shutdown=_STOPS_WITHIN_SECONDS,
                h11_max_incomplete_event_size=32_768,
            )
        )
        async with (
            delivering(services, {**TO_CASES, **hooks.HANDLERS}, TO_PEOPLE, accepting.HANDLERS, promising.LANE),
            running(server, listening),
            metrics_port(services),
            polling(services),
            _forgetting(services),
        ):
            if ready is not None:
                await ready(services, listening.getsockname()[1])
            await stop.wait()
            services.leaving.set()


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
