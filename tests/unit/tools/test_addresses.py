"""Where calls may go: notations, lists, ports, rebinding."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import pytest

from integrations.tools.addresses import AddressGuard, is_public, same_origin, split
from integrations.tools.provider import NotAllowed

ANYWHERE = ("*",)


async def judged(guard: AddressGuard, address: str) -> Sequence[str]:
    return await guard.pin(guard.check(address))


async def names_lead_to(*addresses: str) -> AddressGuard:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return AddressGuard(allowed=ANYWHERE, resolve=resolve)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://017700000001/",
        "http://0177.0.0.1/",
        "http://0/",
        "http://0.0.0.0/",
        "http://127.0.0.1./",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[0:0:0:0:0:ffff:169.254.169.254]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::169.254.169.254]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[2002:a9fe:a9fe::1]/",
        "http://[fe80::1]/",
        "http://[fe80::1%25eth0]/",
        "http://[fec0::1]/",
        "http://[fd00:ec2::254]/",
        "http://[ff02::1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.64.0.1/",
        "http://100.100.100.200/",
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://192.168.0.1/",
        "http://192.0.0.192/",
        "http://198.18.0.1/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://240.0.0.1/",
        "http://①②⑦.0.0.1/",
        "http://\uff11\uff12\uff17.0.0.1/",
        "http://127。0。0。1/",
    ],
)
async def test_no_notation_of_an_internal_address_leads_in(address: str):
    with pytest.raises(NotAllowed):
        await judged(AddressGuard(allowed=ANYWHERE), address)


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "gopher://example.com/",
        "ftp://example.com/",
        "//example.com/",
        "example.com",
        "https://",
        "https:///path",
        "https://user:password@example.com/",
        "https://user@example.com/",
        "https://@example.com/",
        "https://example.com\\@evil.example/",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://example.com/a\r\nHost: evil",
        "https://example.com/ a",
        "https://exa\tmple.com/",
        "https://example.com/a/../../admin",
        "https://example.com/a/%2e%2e/admin",
        "https://example.com/.%2E/admin",
        "https://exa%6dple.com/",
        "https://-x_!/",
        "https://" + "a" * 300 + ".com/",
        "javascript:alert(1)",
        "",
    ],
)
def test_what_is_no_plain_web_address_is_refused_before_anything_is_looked_up(address: str):
    with pytest.raises(NotAllowed):
        AddressGuard(allowed=ANYWHERE).check(address)


async def test_nothing_is_allowed_unless_it_is_listed():
    with pytest.raises(NotAllowed, match=r"web\.allowed_hosts"):
        AddressGuard().check("https://example.com/")


@pytest.mark.parametrize(
    ("listed", "address", "fits"),
    [
        ("api.example.com", "https://api.example.com/x", True),
        ("api.example.com", "https://API.Example.COM./x", True),
        ("api.example.com", "https://api.example.com.evil.example/x", False),
        ("api.example.com", "https://evil-api.example.com/x", False),
        ("*.example.com", "https://a.b.example.com/", True),
        ("*.example.com", "https://example.com/", False),
        ("*.example.com", "https://evilexample.com/", False),
        ("api.example.com", "https://api.example.com:8443/x", False),
        ("api.example.com", "https://api.example.com:443/x", True),
    ],
)
def test_a_listed_host_is_that_host_and_the_listed_ports(listed: str, address: str, fits: bool):
    guard = AddressGuard(allowed=(listed,))
    if fits:
        guard.check(address)
    else:
        with pytest.raises(NotAllowed):
            guard.check(address)


async def test_one_private_address_among_public_ones_is_enough_to_refuse_the_name():
    guard = await names_lead_to("93.184.216.34", "10.0.0.7")
    with pytest.raises(NotAllowed, match="private network"):
        await judged(guard, "https://example.com/")


async def test_public_addresses_are_pinned_in_their_order():
    guard = await names_lead_to("93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946")
    assert await judged(guard, "https://example.com/") == ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"]


async def test_an_operators_server_is_listed_with_its_port_and_no_other():
    guard = AddressGuard().listing("http://127.0.0.1:8123/api")
    assert await judged(guard, "http://127.0.0.1:8123/other") == ["127.0.0.1"]
    for address in ("http://127.0.0.1:8124/", "http://127.0.0.1/", "http://127.0.0.2:8123/"):
        with pytest.raises(NotAllowed):
            guard.check(address)


async def test_an_internal_host_may_have_a_private_address_and_its_neighbour_may_not():
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["10.0.0.7"]

    guard = AddressGuard(internal=("billing.internal",), allowed=("other.internal",), resolve=resolve)
    assert await judged(guard, "http://billing.internal/") == ["10.0.0.7"]
    with pytest.raises(NotAllowed):
        await judged(guard, "http://other.internal/")


async def test_a_name_without_an_address_is_a_failed_connection_and_no_refusal():
    guard = await names_lead_to()
    with pytest.raises(httpx.ConnectError):
        await judged(guard, "https://example.com/")


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_public_internet_are_public_in_every_wrapping(address: str):
    assert is_public(address)


def test_credentials_stay_with_scheme_host_and_port():
    assert same_origin(split("https://a.example/x"), split("https://A.example:443/y"))
    assert not same_origin(split("https://a.example/"), split("http://a.example/"))
    assert not same_origin(split("https://a.example/"), split("https://a.example:8443/"))
