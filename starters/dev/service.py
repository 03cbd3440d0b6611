"""`python -m starters.dev.service`: the HTTP service of `surehand dev`.

Like the worker beside it, it imports everything at once, waits for one line that says with which settings to run, says
`ready PORT` once it listens, and ends on SIGTERM or when its standard input closes.
"""

from __future__ import annotations

import contextlib
import logging
from datetime import UTC, datetime
from pathlib import Path

import httpx

from runtime.garbage import settle
from runtime.settings.environment import Settings
from runtime.telemetry.logs import configure_logging
from starters.console.sign_in.links import leave_link
from starters.dev.ordered import asked_to_stop, carry_out
from starters.dev.worker_order import service_port_of, settings_of
from starters.dev.world import SANDBOX_BOT, SANDBOX_CLIENT
from starters.leaving import leave
from starters.service.access.keys import local_key
from starters.service.services import Services
from starters.service.serving import serve

KEY_FILE = "service.key"
"""In the data folder: the key of whoever sits at this machine."""
_HOST = "127.0.0.1"

logger = logging.getLogger(__name__)


async def _main(line: str) -> None:
    settings = settings_of(line)
    configure_logging(settings.log, secrets=settings.secret_values())
    stop = asked_to_stop()

    async def ready(services: Services, port: int) -> None:
        await _key(services, settings.data_dir / KEY_FILE)
        await _tell_slack(settings, f"http://{_HOST}:{port}")
        await _tell_provider(settings)
        await leave_link(services.store, settings.data_dir, settings.data_dir / KEY_FILE, f"http://{_HOST}:{port}")
        settle()
        print(f"ready {port}", flush=True)  # noqa: T201 - the parent reads it

    await serve(settings, host=_HOST, port=service_port_of(line), stop=stop, ready=ready)


async def _key(services: Services, file: Path) -> None:
    tenant = services.settings.tenant
    lead = services.configuration.policy_for(tenant).duty_lead
    await local_key(services.store.keys, file, tenant=tenant, person_id=lead, now=datetime.now(UTC))


async def _tell_slack(settings: Settings, service_url: str) -> None:
    """Say to the sandbox's Slack where its buttons act; a real one is told in its own pages.

    Args:
        settings: of the service.
        service_url: its base address.
    """
    slack = settings.slack
    if slack is None or slack.bot_token.get_secret_value() != SANDBOX_BOT:
        return
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        with contextlib.suppress(httpx.HTTPError):  # nothing but buttons in a simulator is lost
            await client.post(f"{slack.base_url.removesuffix('/api')}/_app", json={"url": service_url})


async def _tell_provider(settings: Settings) -> None:
    """Register with the sandbox's identity provider; with a real one somebody does that in its own pages."""
    oidc = settings.service.oidc
    if oidc is None or oidc.client_secret.get_secret_value() != SANDBOX_CLIENT:
        return
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        with contextlib.suppress(httpx.HTTPError):  # the sign-in page says that the provider is away
            await client.post(f"{oidc.issuer}/_app", json={"redirect_uri": oidc.redirect_uri})


if __name__ == "__main__":
    leave(carry_out(_main, logger))
