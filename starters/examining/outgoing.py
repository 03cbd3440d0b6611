"""Systems outside that are told or called: endpoints of webhooks, event sinks, servers of tools, and traces."""

from __future__ import annotations

import functools
from urllib.parse import urlsplit

import httpx

from domain.errors import ConfigurationProblem
from domain.webhooks.events import Subscription
from integrations.tools.addresses import plain_host, port_of
from integrations.tools.provider import NotAllowed
from integrations.webhook_sender import HttpWebhookSender
from runtime.configuration.policies import Configuration
from runtime.doctor.checks import Check, Verdict, missing
from runtime.settings.environment import Settings
from starters.examining.places import knock, nowhere, reach


def outgoing_checks(settings: Settings, configuration: Configuration) -> list[Check]:
    """One for each that is configured."""
    sender = HttpWebhookSender(settings.secrets, internal=settings.webhooks.places)
    found = [
        Check(f"Webhook {one.name}", functools.partial(look_at_endpoint, sender, one))
        for one in configuration.subscriptions
    ]
    sinks = settings.events.addresses if settings.events is not None else ()
    found += [Check(f"Event sink {number}", functools.partial(reach, sink)) for number, sink in enumerate(sinks, 1)]
    found += [Check(f"Vendor {name}", functools.partial(reach, at)) for name, at in sorted(settings.servers.items())]
    if settings.tracing.endpoint is not None:
        found.append(Check("Traces", functools.partial(reach, settings.tracing.endpoint)))
    return found


async def look_at_endpoint(sender: HttpWebhookSender, to: Subscription) -> Verdict:
    """Whether an endpoint could be told now: address, secret, certificate. No event is sent."""
    try:
        url, addresses = await sender.look(to)
    except (NotAllowed, ConfigurationProblem) as problem:
        return missing(str(problem))
    except httpx.ConnectError:
        return nowhere(urlsplit(to.url).hostname or "Its host")
    return await knock(plain_host(url), port_of(url), addresses, has_tls=url.scheme == "https")
