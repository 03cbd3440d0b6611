"""A client that behaves as a browser does with forms, and looks at pages as a suspicious person would."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any, Protocol

import httpx

from starters.console.sign_in.visitors import csrf_of

ELEMENTS = frozenset({"script", "img", "iframe", "object", "embed", "base", "style", "link", "meta"})
OURS = frozenset({"/console/static/console.js", "/console/static/console.css", "/console/static/icon.svg"})


class HasAddress(Protocol):
    url: str


class Browser:
    """One person's browser, with its cookies."""

    def __init__(self, world: HasAddress) -> None:
        self.world = world
        # There is no TLS on loopback, and reading certificate authorities costs a tenth of a second.
        self.http = httpx.Client(base_url=world.url, timeout=60, trust_env=False, verify=False)

    def get(self, path: str, **parameters: str) -> httpx.Response:
        return self.http.get(f"/console{path}", params=parameters or None)

    def post(self, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
        """As a page of ours sends it."""
        return self.http.post(f"/console{path}", data=fields, headers={"Origin": self.world.url, **headers})

    def token(self, path: str = "/sign-in", **parameters: str) -> str:
        """The word of a page's forms."""
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', self.get(path, **parameters).text)
        assert found is not None
        return found.group(1)

    def sign_in(self, key: str) -> Browser:
        answer = self.post("/sign-in", {"csrf": self.token(), "key": key})
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/"), answer.text
        return self

    def do(self, path: str, **fields: str) -> httpx.Response:
        """Send a form of whoever is signed in."""
        return self.post(f"/do/{path}", {"csrf": csrf_of(self.http.cookies["surehand_console"]), **fields})

    def close(self) -> None:
        self.http.close()


class Suspicion(HTMLParser):
    """Finds what text from outside must never become."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known: dict[str, Any] = {name: value or "" for name, value in attrs}
        if tag in ELEMENTS and tag != "meta" and known.get("src", known.get("href")) not in OURS:
            self.faults.append(f"<{tag} {known}>")
        if tag == "meta" and "http-equiv" in known:
            self.faults.append("a meta that acts")
        for name, value in known.items():
            if name.startswith("on") or name in ("style", "srcdoc"):
                self.faults.append(f"{tag} has {name}")
            if name in ("href", "src", "action", "formaction", "data-live") and not value.startswith(
                ("/console/", "#")
            ):
                self.faults.append(f"{tag} leads to {value}")

    def handle_data(self, data: str) -> None:
        self.text += data


def is_safe(answer: httpx.Response) -> str:
    """Check a page's headers and what is in it; returns its text."""
    headers = answer.headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    seen = Suspicion(answer.text)
    assert seen.faults == []
    return seen.text
