"""Whether an address can be reached at all: its name, its port, its certificate. Nothing is said to who is there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from integrations.probes import certificate_of, connect
from integrations.tools.addresses import look_up
from runtime.doctor.checks import Verdict, missing, ok, warning

_ENDS_SOON = timedelta(days=14)
_NO_CONNECTION = {
    "refused": "takes no connection: start what belongs there, or correct the address",
    "timeout": "does not answer: look at the firewall between, or correct the address",
    "unreachable": "cannot be reached: look at the network between, or correct the address",
}


async def reach(address: str) -> Verdict:
    """Whether somebody takes connections at a web address; of a path, which may hold a token, nothing is told.

    Args:
        address: that begins with http:// or https://.
    """
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = await look_up(host, port)
    except OSError:
        return nowhere(host)
    return await knock(host, port, found, has_tls=parts.scheme == "https")


async def knock(host: str, port: int, addresses: Sequence[str], *, has_tls: bool) -> Verdict:
    """Whether a host takes connections, with a certificate that holds.

    Args:
        host: name that the certificate is for.
        port: of it.
        addresses: to connect to, best first.
        has_tls: whether it is to show a certificate.
    """
    connected = await connect(addresses, port)
    if connected.address is None:
        return missing(f"{host}:{port} {_NO_CONNECTION[connected.problem]}.")
    if not has_tls:
        return ok(f"{host}:{port} takes connections.")
    shown = await certificate_of(connected.address, port, host)
    if shown is None:
        return missing(f"{host}:{port} does not speak TLS: correct the address, or who answers there.")
    if shown.problem:
        return missing(f"{host}:{port} shows a certificate that is not trusted ({shown.problem}): have it renewed.")
    left = shown.ends - datetime.now(UTC)
    if left < _ENDS_SOON:
        return warning(f"{host}:{port} has a certificate that ends in {max(left.days, 0)} days: have it renewed.")
    return ok(f"{host}:{port} takes connections; its certificate holds for {left.days} days.")


def nowhere(host: str) -> Verdict:
    """A name without an address."""
    return missing(f"{host} has no address: correct the name, or look at the name server.")
