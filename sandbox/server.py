"""Starts every simulator in one process and says where each of them listens."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from sandbox import fields, httpbin, hubspot, identity, metrics, petstore, receiver, slack, stripe, zendesk
from sandbox import openai as openai_endpoint
from sandbox.accounting import AccountingSimulator
from sandbox.breaking import Breaking
from sandbox.deployments import DeploymentSimulator
from sandbox.documents import DocumentSimulator
from sandbox.doors import HOST, Door, web
from sandbox.faults import VENDORS, Faults
from sandbox.fleet import FleetSimulator
from sandbox.imap import ImapSimulator
from sandbox.inventory import InventorySimulator
from sandbox.mail_tokens import MailTokens
from sandbox.mailing import MailingSimulator
from sandbox.market import MarketSimulator
from sandbox.outbox import Outbox
from sandbox.rest import JsonVendor
from sandbox.shipping import ShippingSimulator
from sandbox.smtp import SmtpSimulator
from sandbox.world import World

NAMES = (*VENDORS, "outbox")
_MAIL = ("smtp", "imap")
"""Those that speak no HTTP."""
PLAIN: tuple[type[JsonVendor], ...] = (
    InventorySimulator,
    ShippingSimulator,
    AccountingSimulator,
    DeploymentSimulator,
    FleetSimulator,
    MarketSimulator,
    DocumentSimulator,
    MailingSimulator,
)
"""The vendors with plain JSON interfaces; `config/openapi/` describes them to the product."""


class Sandbox:
    """The outside world on loopback. A context manager: it listens inside and is gone after."""

    def __init__(self, data_dir: Path, ports: dict[str, int] | None = None) -> None:
        """Prepare it.

        Args:
            data_dir: keeps what was received, and the ports, over a restart.
            ports: wanted ports by name (see `NAMES`); the last ones or free ones where none is wanted.
        """
        self._data_dir = data_dir
        self._ports = {**self._last_ports(), **(ports or {})}
        self.world = World(data_dir)
        self.faults = Faults()
        self.slack = slack.SlackSimulator(self.world)
        self.mail_tokens = MailTokens()
        self.imap = ImapSimulator(self.world, self.faults, self.mail_tokens)
        self._doors: dict[str, Door] = {}

    async def __aenter__(self) -> Sandbox:
        for name, factory in self._protocols().items():
            self._doors[name] = Door(factory, self._ports.get(name, 0))
            await self._doors[name].open()
        _write(self._data_dir / "ports.json", self.state()["ports"])
        return self

    async def __aexit__(self, *_: object) -> None:
        for door in self._doors.values():
            await door.close()
        # Connections that were broken off come to their end before the loop does.
        await asyncio.sleep(0)
        self.world.close()

    def state(self) -> dict[str, Any]:
        """Where everything listens: `ports` by name, and host and port or address of each."""
        ports = {name: door.port for name, door in self._doors.items()}
        addresses: dict[str, Any] = {
            name: {"url": f"http://{HOST}:{port}"} for name, port in ports.items() if name not in _MAIL
        }
        addresses["slack"]["url"] += "/api"
        addresses["openai"]["url"] += "/v1"
        mail = {name: {"host": HOST, "port": ports[name]} for name in _MAIL}
        return {"ports": ports, **mail, **addresses}

    def write_state(self, file: Path) -> None:
        """Write `state` to a file, whole or not at all."""
        _write(file, self.state())

    async def apply_down(self) -> None:
        """Shut and open ports as the faults of kind `down` say."""
        for name, door in self._doors.items():
            if self.faults.is_down(name):
                await door.shut()
            else:
                await door.open()

    def _protocols(self) -> dict[str, Callable[[], asyncio.Protocol]]:
        applications: dict[str, tuple[ASGIApp, Callable[[int, str], Any]]] = {
            "slack": (self.slack.app(), slack.error_body),
            "zendesk": (zendesk.ZendeskSimulator(self.world).app(), zendesk.error_body),
            "hubspot": (hubspot.HubSpotSimulator(self.world).app(), hubspot.error_body),
            "stripe": (stripe.StripeSimulator(self.world).app(), stripe.error_body),
            "openai": (openai_endpoint.app(), lambda status, code: {"error": {"message": code, "code": code}}),
            "metrics": (metrics.MetricsSimulator(self.world).app(), metrics.error_body),
            "petstore": (petstore.app(), petstore.error_body),
            "httpbin": (httpbin.app(), httpbin.error_body),
            "receiver": (receiver.Receiver(self.world).app(), receiver.error_body),
            "identity": (identity.IdentitySimulator(mail=self.mail_tokens).app(), identity.error_body),
        }
        applications |= {vendor.name: (vendor(self.world).app(), fields.error_body) for vendor in PLAIN}
        return {
            "smtp": SmtpSimulator(self.world, self.faults, self.mail_tokens).protocol(),
            "imap": self.imap.protocol(),
            **{
                name: web(Breaking(application, name, self.faults, error_body))
                for name, (application, error_body) in applications.items()
            },
            "outbox": web(Outbox(self.world, self.faults, self.apply_down, self.slack.pressing).app()),
        }

    def _last_ports(self) -> dict[str, int]:
        try:
            known = json.loads((self._data_dir / "ports.json").read_text())
            return {name: int(known[name]) for name in NAMES if name in known}
        except (OSError, ValueError, TypeError):
            return {}


def _write(file: Path, value: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_text(json.dumps(value, indent=2))
    draft.replace(file)
