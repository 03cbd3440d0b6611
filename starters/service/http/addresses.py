"""Where a request comes from. What a header says of it counts only from a proxy that the settings name."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.requests import Request

from runtime.settings.service import Network

_SAME_HOUSE = 64
"""Bits of an IPv6 address that one customer of a provider has to themselves the rest of."""


def address_of(request: Request, proxies: Sequence[Network]) -> str:
    """The nearest address that is no proxy of ours; of IPv6 its network, which is one house.

    Args:
        request: as it came.
        proxies: whose `X-Forwarded-For` is believed.
    """
    said = ",".join(request.headers.getlist("x-forwarded-for"))
    came_by = [part.strip() for part in said.split(",") if part.strip()]
    came_by.append(request.client.host if request.client is not None else "")
    # From the last hop back: each proxy of ours vouches for the one before it, and nobody for more.
    for hop in reversed(came_by):
        if not _is_one_of(hop, proxies):
            return _house(hop)
    return _house(came_by[0])


def _is_one_of(hop: str, proxies: Sequence[Network]) -> bool:
    address = _read(hop)
    return address is not None and any(address in network for network in proxies)


def _house(hop: str) -> str:
    address = _read(hop)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _SAME_HOUSE), strict=False))
    return str(address) if address is not None else "unknown"


def _read(hop: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(hop)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
