"""Where a URL or host name points, by its spelling alone; the client that connects judges what it resolves to."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

URL = re.compile(r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,20}:(?://|\\\\|/\\|\\/)[^\s<>\"'`|]{1,2000}")
_SAFE_SCHEMES = frozenset({"http", "https"})
_INTERNAL_ENDINGS = (
    "localhost",
    "local",
    "localdomain",
    "internal",
    "intranet",
    "corp",
    "lan",
    "home",
    "private",
    "home.arpa",
    "cluster.local",
    # Public names that resolve to whatever address they spell.
    "nip.io",
    "sslip.io",
    "xip.io",
    "localtest.me",
    "lvh.me",
    "vcap.me",
)
_METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "instance-data", "metadata.azure.internal"})
_METADATA = (
    ipaddress.ip_network("169.254.0.0/16"),
    ipaddress.ip_network("100.100.100.200/32"),
    ipaddress.ip_network("192.0.0.192/32"),
    ipaddress.ip_network("fe80::/10"),
    ipaddress.ip_network("fd00:ec2::254/128"),
    ipaddress.ip_network("fd20:ce::254/128"),
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PART = re.compile(r"0[xX][0-9a-fA-F]{0,16}\Z|[0-9]{1,16}\Z")
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_off_limits(url: str, known: Iterable[str]) -> bool:
    """Whether a URL uses another scheme than HTTP, or names a host that is internal, ambiguous or spelled oddly.

    Args:
        url: as it stands in an argument.
        known: internal hosts that may be named, with or without a port.
    """
    # Browsers and servers take a backslash for a slash; `urlsplit` does not, and would see another host.
    plain = re.sub(r"[\t\r\n]", "", url.strip()).replace("\\", "/")
    try:
        parts = urlsplit(plain)
        host, port = parts.hostname, parts.port
    except ValueError:
        return True
    if parts.scheme.lower() not in _SAFE_SCHEMES:
        return True
    if not host:
        return True
    names = {name.casefold() for name in known}
    if parts.username is None and ({host.casefold(), f"{host}:{port}".casefold()} & names):
        return False
    return is_internal(host)


def is_internal(host: str) -> bool:
    """Whether a host of a URL is internal: an address that is not global in any notation, or a name that never is."""
    name = _normal(host)
    address = read_address(name)
    if address is not None:
        return not address.is_global or any(address in network for network in _METADATA if _same(address, network))
    return "." not in name or name in _METADATA_NAMES or any(_ends(name, ending) for ending in _INTERNAL_ENDINGS)


def is_own_machine(host: str) -> bool:
    """Whether a bare host is this machine, no address at all, or a cloud's metadata service.

    Milder than `is_internal`: tools that restart a service are pointed at internal hosts all day.
    """
    name = _normal(host)
    address = read_address(name)
    if address is None:
        return _ends(name, "localhost") or name in _METADATA_NAMES
    return (
        address.is_loopback
        or address.is_unspecified
        or any(address in network for network in _METADATA if _same(address, network))
    )


def read_address(host: str) -> _Address | None:
    """The IP address that a host spells, in any notation that a resolver takes; None for a name.

    Takes what `inet_aton` takes: one to four parts, each decimal, octal or hexadecimal, the last filling the rest.
    An IPv6 address that carries an IPv4 one (mapped, 6to4, NAT64) is read as that one.
    """
    text = host.strip("[]").split("%")[0]
    if ":" in text:
        try:
            return _carried(ipaddress.IPv6Address(text))
        except ValueError:
            return None
    parts = text.rstrip(".").split(".")
    if not 1 <= len(parts) <= 4 or not all(_PART.match(part) for part in parts):
        return None
    numbers = [_number(part) for part in parts]
    *first, last = numbers
    if any(number > 255 for number in first) or last >= 256 ** (5 - len(numbers)):
        # No address, and no public name either: taken as this machine, which nothing may name.
        return ipaddress.IPv4Address(0)
    value = last
    for place, number in enumerate(first):
        value += number << (24 - 8 * place)
    return ipaddress.IPv4Address(value)


def host_of(link: str) -> str:
    """The host that a link in a text leads to, in small letters; empty when there is none."""
    plain = link.strip().replace("\\", "/")
    try:
        return _normal(urlsplit(plain if "//" in plain else f"//{plain}").hostname or "")
    except ValueError:
        return ""


def is_known_host(host: str, known: Iterable[str]) -> bool:
    """Whether a host is in an allow-list; `*.example.com` takes every name below it and not the name itself."""
    for entry in known:
        wanted = entry.casefold()
        if host == wanted or (wanted.startswith("*.") and host.endswith(wanted[1:])):
            return True
    return False


def _normal(host: str) -> str:
    name = unquote(host).strip().strip("[]").casefold()
    # Full stops of other scripts and full-width digits are read as their ASCII ones by resolvers (UTS 46).
    for dot in "\u3002\uff0e\uff61":
        name = name.replace(dot, ".")
    return "".join(str(int(one)) if one.isdecimal() else one for one in name).rstrip(".")


def _carried(address: ipaddress.IPv6Address) -> _Address:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64 or int(address) >> 32 == 0:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if int(address) > 1 else address
    return address


def _number(part: str) -> int:
    if part[:2].lower() == "0x":
        return int(part[2:] or "0", 16)
    octal = part[0] == "0" and len(part) > 1 and all(digit in "01234567" for digit in part)
    return int(part, 8 if octal else 10)


def _same(address: _Address, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    return address.version == network.version


def _ends(name: str, ending: str) -> bool:
    return name == ending or name.endswith(f".{ending}")
