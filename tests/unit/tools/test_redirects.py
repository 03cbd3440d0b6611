"""Where a redirect may lead, and what goes along."""

from __future__ import annotations

import pytest

from domain.errors import VendorRefused
from integrations.tools.guarded_http import Outgoing, _next_hop

HEADERS = {"Authorization": "Bearer x", "Accept": "text/plain", "Content-Type": "text/plain"}


def next_hop(location: str, *, status: int = 307, method: str = "GET", content: bytes | None = None) -> Outgoing:
    request = Outgoing(method=method, url="https://one.example/a", headers=HEADERS, content=content)
    return _next_hop("shop", request, status, location)


def test_a_redirect_within_one_host_keeps_what_was_sent() -> None:
    moved = next_hop("/b", method="PUT", content=b"1")
    assert (moved.url, moved.method, moved.content) == ("https://one.example/b", "PUT", b"1")
    assert moved.headers["Authorization"] == "Bearer x"


def test_a_redirect_to_another_host_takes_no_credentials_and_no_body_along() -> None:
    assert "authorization" not in {name.lower() for name in next_hop("https://two.example/b").headers}
    with pytest.raises(VendorRefused, match="redirects a body"):
        next_hop("https://two.example/b", method="PUT", content=b"1")


@pytest.mark.parametrize("location", ["http://one.example/b", "http://two.example/"])
def test_a_redirect_never_leaves_tls(location: str) -> None:
    with pytest.raises(VendorRefused, match="without TLS"):
        next_hop(location)


@pytest.mark.parametrize(("status", "method"), [(303, "PUT"), (301, "POST"), (302, "POST")])
def test_a_write_that_is_answered_elsewhere_is_read_there_and_not_written_again(status: int, method: str) -> None:
    moved = next_hop("/b", status=status, method=method, content=b"1")
    assert (moved.method, moved.content) == ("GET", None)
    assert "content-type" not in {name.lower() for name in moved.headers}
