"""A harmless read at each vendor that is configured: whether it answers, and takes our credentials."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from domain.cases.records import EffectEntry
from domain.errors import Refused
from domain.model import JsonValue
from integrations.hubspot import HubSpotRecords
from integrations.prometheus import PrometheusMetrics
from integrations.slack.channel import SlackChat
from integrations.stripe.billing import StripeBilling
from integrations.zendesk import ZendeskTickets
from runtime.doctor.checks import Check, Verdict, missing, ok
from runtime.settings.environment import Settings
from runtime.settings.groups import (
    HubspotSettings,
    PrometheusSettings,
    SlackSettings,
    StripeSettings,
    ZendeskSettings,
)


def vendor_checks(settings: Settings) -> list[Check]:
    """One for each vendor that is switched on."""
    slack, zendesk, hubspot = settings.slack, settings.zendesk, settings.hubspot
    stripe, prometheus = settings.stripe, settings.prometheus
    looks: dict[str, Callable[[], Awaitable[Verdict]] | None] = {
        "Slack": None if slack is None else lambda: _slack(slack),
        "Zendesk": None if zendesk is None else lambda: _zendesk(zendesk),
        "HubSpot": None if hubspot is None else lambda: _hubspot(hubspot),
        "Stripe": None if stripe is None else lambda: _stripe(stripe),
        "Prometheus": None if prometheus is None else lambda: _prometheus(prometheus),
    }
    return [Check(name, look) for name, look in looks.items() if look is not None]


async def _slack(slack: SlackSettings) -> Verdict:
    chat = SlackChat(token=slack.bot_token, base_url=slack.base_url, ledger=_NothingIsPosted())
    workspace = await chat.look()
    if slack.team_id is not None and slack.team_id != workspace:
        return missing(f"Our token is for the workspace {workspace}: correct SUREHAND_SLACK__TEAM_ID or the token.")
    if slack.signing_secret is None:
        return ok(
            f"Workspace {workspace} takes our token; buttons need SUREHAND_SLACK__SIGNING_SECRET, which is unset."
        )
    return ok(f"Workspace {workspace} takes our token.")


async def _zendesk(zendesk: ZendeskSettings) -> Verdict:
    client = ZendeskTickets(base_url=zendesk.base_url, email=zendesk.email, token=zendesk.api_token)
    role = await client.look()
    if role not in ("agent", "admin"):
        return missing("Zendesk knows us, and not as an agent: give SUREHAND_ZENDESK__EMAIL that role there.")
    return ok(f"It takes our token; we are its {role}.")


async def _hubspot(hubspot: HubspotSettings) -> Verdict:
    await HubSpotRecords(base_url=hubspot.base_url, token=hubspot.access_token).look()
    return ok("It takes our token.")


async def _stripe(stripe: StripeSettings) -> Verdict:
    await StripeBilling(base_url=stripe.base_url, key=stripe.api_key).look()
    return ok("It takes our key, which may read payments.")


async def _prometheus(prometheus: PrometheusSettings) -> Verdict:
    await PrometheusMetrics(base_url=prometheus.base_url, token=prometheus.token).query("up")
    return ok("It answers a query.")


class _NothingIsPosted:
    """The ledger of a client that only looks: an effect has nowhere to be written down, so there is none."""

    async def claim(self, key: str, tenant: str) -> EffectEntry:
        raise Refused("Vendors are only looked at here.")

    async def record(self, key: str, outcome: dict[str, JsonValue]) -> None:
        """Never reached."""

    async def release(self, key: str) -> None:
        """Never reached."""
