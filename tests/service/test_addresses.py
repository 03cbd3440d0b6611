"""Where a request comes from: what anybody can write into a header makes nobody another."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from domain.errors import ConfigurationProblem
from runtime.settings.environment import load_settings
from runtime.settings.service import networks_in
from starters.service.http.addresses import address_of


def came(client: str | None, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", one.encode()) for one in forwarded]
    known = (client, 1234) if client is not None else None
    return Request({"type": "http", "headers": headers, "client": known})


@pytest.mark.parametrize(
    ("proxies", "request_", "expected"),
    [
        ("", came("198.51.100.7"), "198.51.100.7"),
        ("", came("198.51.100.7", "203.0.113.9"), "198.51.100.7"),
        ("10.0.0.0/8", came("10.1.2.3", "203.0.113.9"), "203.0.113.9"),
        ("10.0.0.0/8", came("10.1.2.3", "192.0.2.66, 203.0.113.9"), "203.0.113.9"),
        ("10.0.0.0/8", came("10.1.2.3", "192.0.2.66", "203.0.113.9, 10.9.9.9"), "203.0.113.9"),
        ("10.0.0.0/8", came("198.51.100.7", "203.0.113.9"), "198.51.100.7"),
        ("10.0.0.0/8", came("10.1.2.3"), "10.1.2.3"),
        ("10.0.0.0/8", came("10.1.2.3", "10.4.4.4"), "10.4.4.4"),
        ("10.0.0.0/8", came("10.1.2.3", "<script>, 198.51.100.7"), "198.51.100.7"),
        ("10.0.0.0/8", came("10.1.2.3", "'; drop table"), "unknown"),
        ("10.0.0.5, 2001:db8::/32", came("2001:db8::1", "2001:db9:1:2:3::4"), "2001:db9:1:2::/64"),
        ("", came("2001:db9:1:2:ffff::1"), "2001:db9:1:2::/64"),
        ("", came("::ffff:198.51.100.7"), "198.51.100.7"),
        ("", came(None), "unknown"),
    ],
)
def test_the_nearest_address_that_is_no_proxy_of_ours_counts(proxies: str, request_: Request, expected: str) -> None:
    assert address_of(request_, networks_in(proxies)) == expected


def test_a_proxy_that_is_no_address_stops_the_start() -> None:
    with pytest.raises(ConfigurationProblem, match="SUREHAND_SERVICE__PROXIES holds something that is no address"):
        load_settings(environ={"SUREHAND_SERVICE__PROXIES": "10.0.0.0/8, proxy.example.com"})
