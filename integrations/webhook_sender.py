"""Sends one signed event to one endpoint: once, to the address that was judged, and without reading what it says.

Source: standardwebhooks.com, the specification: `webhook-id`, `webhook-timestamp`, `webhook-signature`; only 2xx
counts, 410 ends the subscription, redirects are not followed.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import httpx
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook

from domain.errors import ConfigurationProblem
from domain.webhooks.events import Subscription, WebhookAttempt, WebhookDelivery
from integrations.http import CONNECT_SECONDS, retry_after
from integrations.tools.addresses import (
    AddressGuard,
    PinnedTransport,
    Resolve,
    look_up,
    place,
    plain_host,
    port_of,
    split,
)
from integrations.tools.provider import NotAllowed

MEDIA_TYPE = "application/cloudevents+json"
_PREFIX = "whsec_"
_LEAST_BYTES = 24
"""Of a secret, as the convention asks for."""


class HttpWebhookSender:
    """`domain.ports.WebhookSender` on HTTP."""

    def __init__(
        self,
        secrets: Mapping[str, SecretStr],
        *,
        internal: Sequence[str] = (),
        timeout: timedelta = timedelta(seconds=15),
        resolve: Resolve = look_up,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Keep what sending needs.

        Args:
            secrets: by the name of their setting.
            internal: `host:port` of endpoints that may have a private address and speak plain HTTP.
            timeout: for one whole request.
            resolve: looks a host up.
            now: the time that is signed.
        """
        self._secrets = secrets
        self._internal = tuple(internal)
        self._timeout = timeout.total_seconds()
        self._resolve = resolve
        self._now = now

    def check(self, to: Subscription) -> None:
        """Look whether an endpoint could be told at all, without telling it.

        Raises:
            ConfigurationProblem: its address is none or not allowed, or no secret of it is set or can be used.
        """
        try:
            self._guard(to).check(to.url)
        except NotAllowed as problem:
            raise ConfigurationProblem(f"subscriptions.yaml: the endpoint {to.name} is not told: {problem}") from None
        self._keys(to)

    async def look(self, to: Subscription) -> tuple[httpx.URL, Sequence[str]]:
        """Where an endpoint's name leads, judged as before every event; nothing is sent.

        Returns:
            Its address, and those of its host that may be connected to, best first.

        Raises:
            ConfigurationProblem: it could not be told at all.
            NotAllowed: its name leads into a private network.
            httpx.ConnectError: its name leads nowhere.
        """
        self.check(to)
        guard = self._guard(to)
        url = guard.check(to.url)
        return url, await guard.pin(url)

    async def send(self, to: Subscription, delivery: WebhookDelivery) -> WebhookAttempt:
        """Send once. Every failure is an answer; none is raised."""
        try:
            headers = self._signed(to, delivery)
            guard = self._guard(to)
            guard.check(to.url)
        except (NotAllowed, ConfigurationProblem):
            return WebhookAttempt(delivered=False, outcome="misconfigured")
        try:
            async with asyncio.timeout(self._timeout):
                return await self._post(guard, to.url, headers, delivery.body.encode())
        except NotAllowed:
            return WebhookAttempt(delivered=False, outcome="address_not_allowed")
        except (TimeoutError, httpx.TimeoutException):
            return WebhookAttempt(delivered=False, outcome="timeout")
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            return WebhookAttempt(delivered=False, outcome="connection")

    async def _post(self, guard: AddressGuard, url: str, headers: Mapping[str, str], body: bytes) -> WebhookAttempt:
        client = httpx.AsyncClient(
            transport=PinnedTransport(guard),
            timeout=httpx.Timeout(self._timeout, connect=min(CONNECT_SECONDS, self._timeout)),
            trust_env=False,
            follow_redirects=False,
        )
        async with client, client.stream("POST", url, headers=headers, content=body) as response:
            # What it says is not read: the status is all that counts, and a body may be endless.
            status = response.status_code
            return WebhookAttempt(
                delivered=200 <= status < 300,
                outcome=str(status),
                gone=status == 410,
                retry_after=retry_after(response.headers.get("retry-after"), self._now()) if status >= 400 else None,
            )

    def _signed(self, to: Subscription, delivery: WebhookDelivery) -> dict[str, str]:
        now = self._now()
        signatures = [Webhook(key).sign(delivery.event_id, now, delivery.body) for key in self._keys(to)]
        return {
            "Content-Type": f"{MEDIA_TYPE}; charset=utf-8",
            "User-Agent": "surehand",
            "webhook-id": delivery.event_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }

    def _keys(self, to: Subscription) -> list[bytes]:
        """The secrets in force, in the order named.

        Raises:
            ConfigurationProblem: none is set, or one is no secret of the convention.
        """
        held = [self._secrets[name.lower()].get_secret_value() for name in to.secrets if name.lower() in self._secrets]
        if not held:
            raise ConfigurationProblem(
                f"No secret of the endpoint {to.name} is set: set SUREHAND_SECRETS__{to.secrets[0].upper()}."
            )
        return [_key(to, secret) for secret in held]

    def _guard(self, to: Subscription) -> AddressGuard:
        """The endpoint's own host and port and nothing else; public, and with TLS, unless it is listed as internal."""
        url = split(to.url)
        here = place(url)
        if here in self._internal:
            return AddressGuard(internal=(here,), resolve=self._resolve)
        if url.scheme != "https":
            raise NotAllowed(
                "Its address begins with http: write https, or list it in SUREHAND_WEBHOOKS__INTERNAL_HOSTS."
            )
        return AddressGuard(allowed=(plain_host(url),), ports=(port_of(url),), resolve=self._resolve)


def _key(to: Subscription, secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(_PREFIX) or len(key) < _LEAST_BYTES:
        raise ConfigurationProblem(
            f"A secret of the endpoint {to.name} is none: write {_PREFIX} and what `openssl rand -base64 32` makes."
        )
    return key
