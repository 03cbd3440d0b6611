"""Where a call may go: listed hosts only, resolved once, public addresses only, and connected to what was checked.

A name is looked up a single time for each hop; the connection goes to the address that was judged, while TLS and the
Host header keep the name. So neither a second answer of the name server nor another spelling of an address leads in.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import httpx

from integrations.http import certificates
from integrations.tools.provider import NotAllowed

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Looks a host up: name and port to addresses."""

DEFAULT_PORTS = {"http": 80, "https": 443}
_ADDRESSES_TRIED = 4
_ADDRESS_LIMIT = 8000
_ODD_NETWORKS = (ipaddress.ip_network("192.0.0.0/24"), ipaddress.ip_network("192.88.99.0/24"))
"""Protocol assignments and 6to4 relays, which older Pythons take for public."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_DOTS = re.compile(r"[/\\](\.|%2e){1,2}([/\\?#]|\Z)", re.IGNORECASE)
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*\Z")
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)\Z")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


async def look_up(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


@dataclass(frozen=True)
class AddressGuard:
    """Judges addresses. Nothing is allowed unless it is listed."""

    allowed: tuple[str, ...] = ()
    """Hosts on the public internet: a name, `*.` and a name for those below it, or `*` for every one."""
    internal: tuple[str, ...] = ()
    """Hosts that may have a private address, as `host` or `host:port`. A wildcard has no meaning here."""
    ports: tuple[int, ...] = (80, 443)
    """Ports of hosts that are listed without one."""
    resolve: Resolve = look_up

    def listing(self, *servers: str) -> AddressGuard:
        """This guard with an operator's own servers listed, each with its port."""
        places = tuple(place(split(server)) for server in servers)
        return replace(self, internal=(*self.internal, *places))

    def only(self, *servers: str) -> AddressGuard:
        """A guard for these servers and nothing else."""
        return replace(self, allowed=(), internal=()).listing(*servers)

    def check(self, address: str | httpx.URL) -> httpx.URL:
        """Refuse an address by its looks, before anything is looked up.

        Raises:
            NotAllowed: not a web address, credentials in it, or host or port not listed.
        """
        url = split(address)
        host = plain_host(url)
        if self._is_internal(host, port_of(url)):
            return url
        if not any(_matches(host, pattern) for pattern in self.allowed):
            raise NotAllowed("The host of this address is not listed: have it added to web.allowed_hosts.")
        if port_of(url) not in self.ports:
            raise NotAllowed("The port of this address is not listed: have it added to web.ports.")
        return url

    async def pin(self, url: httpx.URL) -> Sequence[str]:
        """Look the host up once and refuse it unless every one of its addresses is public, or the host is internal.

        Returns:
            The addresses to connect to, best first.

        Raises:
            NotAllowed: one of them is private, local, reserved or not an address.
            httpx.ConnectError: the name has no address.
        """
        host = plain_host(url)
        literal = _literal(host)
        try:
            found = [str(literal)] if literal else list(await self.resolve(host, port_of(url)))
        except OSError:
            found = []
        if not found:
            raise httpx.ConnectError("The name has no address.")
        if not self._is_internal(host, port_of(url)) and not all(is_public(address) for address in found):
            raise NotAllowed("The host of this address leads into a private network: have it listed as internal.")
        return found[:_ADDRESSES_TRIED]

    def _is_internal(self, host: str, port: int) -> bool:
        shown = f"[{host}]" if ":" in host else host
        listed = {entry.lower() for entry in self.internal}
        return f"{shown}:{port}" in listed or (shown in listed and port in self.ports)


def split(address: str | httpx.URL) -> httpx.URL:
    """Read a web address.

    Raises:
        NotAllowed: it is none, has credentials in it, or names its host in an odd way.
    """
    text = str(address)
    if len(text) > _ADDRESS_LIMIT or re.search(r"[\x00-\x20\x7f\\]", text):
        raise NotAllowed("The address has a character in it that no address has: correct it.")
    if _DOTS.search(text.partition("?")[0].partition("#")[0].partition("://")[2]):
        raise NotAllowed("The address has a path that climbs: write it without `.` and `..`.")
    try:
        url = httpx.URL(address)
        port = url.port
    except (httpx.InvalidURL, ValueError, TypeError):
        raise NotAllowed("The address cannot be read: begin it with https://.") from None
    if url.scheme not in DEFAULT_PORTS or not url.host:
        raise NotAllowed("Only addresses that begin with https:// or http:// are called: correct the address.")
    if url.userinfo or "@" in re.split(r"[/?#]", text.partition("://")[2])[0]:
        raise NotAllowed("The address has credentials in it: take them out and use `authentication`.")
    if port is not None and not 0 < port < 65536:
        raise NotAllowed("The port of this address is no port: write one from 1 to 65535.")
    plain_host(url)
    return url


def plain_host(url: httpx.URL) -> str:
    """The host in its one spelling: lower case, without a dot at the end, an IP address in its canonical form.

    Raises:
        NotAllowed: a number that is no canonical IP address, such as `127.1` or `0x7f000001`, or no host name.
    """
    host = url.raw_host.decode("ascii", "replace").lower().strip("[]").removesuffix(".")
    literal = _literal(host)
    if literal is not None:
        return str(literal)
    if not _NAME.match(host) or _NUMBER.match(host.rpartition(".")[2]):
        raise NotAllowed("The host of this address is written in an odd way: use its name or its plain IP address.")
    return host


def port_of(url: httpx.URL) -> int:
    """The port that an address leads to."""
    return url.port or DEFAULT_PORTS[url.scheme]


def place(url: httpx.URL) -> str:
    """Host and port, as `AddressGuard.internal` lists them."""
    host = plain_host(url)
    return f"[{host}]:{port_of(url)}" if ":" in host else f"{host}:{port_of(url)}"


def same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether credentials for one may go to the other (RFC 6454, section 4)."""
    return one.scheme == other.scheme and place(one) == place(other)


def is_public(address: str) -> bool:
    """Whether an address is somewhere on the public internet, whatever it is wrapped in."""
    found = _literal(address.partition("%")[0])
    if found is None or "%" in address:
        return False
    return _is_public(found)


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
        if address.is_site_local:
            return False
    if any(address in network for network in _ODD_NETWORKS):
        return False
    odd = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    return address.is_global and not odd


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _matches(host: str, pattern: str) -> bool:
    pattern = pattern.lower().removesuffix(".")
    if pattern == "*":
        return True
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and _literal(host) is None
    return host == pattern


class PinnedTransport(httpx.AsyncBaseTransport):
    """Connects to the addresses that the guard judged and to no other; without proxies, keeping no connection."""

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self._inner = httpx.AsyncHTTPTransport(
            verify=certificates(), trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Judge, look up, judge again, connect."""
        url = self._guard.check(request.url)
        addresses = await self._guard.pin(url)
        host = plain_host(url)
        # A certificate for an IP address is checked against that address, which is what httpcore does by itself.
        named = {} if _literal(host) else {"sni_hostname": host}
        for address in addresses[:-1]:
            try:
                return await self._send(request, address, named)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._send(request, addresses[-1], named)

    async def _send(self, request: httpx.Request, address: str, named: dict[str, str]) -> httpx.Response:
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, **named},
        )
        return await self._inner.handle_async_request(pinned)

    async def aclose(self) -> None:
        """Close what is open."""
        await self._inner.aclose()
