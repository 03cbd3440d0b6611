"""Signing in and out: links that work once, keys, cookies, and forms that come from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from domain.identity.principals import ApiKey, Role
from starters.console.app import ENTRIES
from starters.console.sign_in.visitors import csrf_of, make_link
from starters.service.access import keys
from tests.console.browser import Browser, is_safe
from tests.service.service_world import LEAD, ServiceWorld

Browsers = Callable[..., Browser]
POSTS = [entry for entry in ENTRIES if entry.method == "POST"]


def filled(path: str) -> str:
    named = path.replace("{name:path}", "TICK-none").replace("{name}", "none").replace("{of:path}", "cases")
    return named.replace("{reference}", f"sha256:{'0' * 64}").replace("{endpoint_id}", "none")


def link(world: ServiceWorld, at: datetime | None = None) -> tuple[ApiKey, str]:
    """A link of a key of its own."""

    async def made() -> tuple[ApiKey, str]:
        key, _ = await keys.make(
            world.services.store.keys, tenant="default", name="t", roles=[Role.ADMIN], now=datetime.now(UTC),
            person_id=LEAD,
        )  # fmt: skip
        return key, await make_link(world.services.store, key, at or datetime.now(UTC))

    return world.do(made())


def opens(browser: Browser, word: str) -> bool:
    answer = browser.post("/sign-in", {"csrf": browser.token(), "link": word})
    assert answer.status_code in (303, 401)
    return answer.status_code == 303


def test_a_link_signs_in_once_and_looking_at_it_does_not_use_it_up(world: ServiceWorld, browsers: Browsers) -> None:
    _, word = link(world)
    browser, second = browsers(), browsers()
    for _ in range(2):
        assert word in browser.get("/sign-in", link=word).text
    assert browser.get("/").status_code == 303
    assert opens(browser, word)
    assert "Lena Brandt" in browser.get("/").text
    refused = second.post("/sign-in", {"csrf": second.token(), "link": word})
    assert refused.status_code == 401
    of_nothing = second.post("/sign-in", {"csrf": second.token(), "link": "x" * 43})
    assert "works once" in is_safe(refused)
    assert is_safe(refused) == is_safe(of_nothing)


def test_an_old_link_a_sessions_word_and_a_wrong_key_open_nothing(world: ServiceWorld, browsers: Browsers) -> None:
    browser, person = browsers(), browsers("person")
    assert not opens(browser, link(world, datetime.now(UTC) - timedelta(minutes=16))[1])
    assert not opens(browser, person.http.cookies["surehand_console"])
    browser.http.cookies.set("surehand_console", link(world)[1])
    assert browser.get("/").status_code == 303
    good = world.keys["person"]
    wrong = good[:-1] + ("A" if good[-1] != "A" else "B")
    for fields in ({"key": wrong}, {"key": "password"}, {"key": good, "link": "x"}, {"key": good, "next": "/"}, {}):
        answer = browser.post("/sign-in", {"csrf": browser.token(), **fields})
        assert answer.status_code == 401
        assert good not in answer.text
        assert wrong not in answer.text


def test_a_session_ends_with_its_sign_out_everywhere_and_with_its_key(world: ServiceWorld, browsers: Browsers) -> None:
    key, word = link(world)
    words = [word, *(world.do(make_link(world.services.store, key, datetime.now(UTC))) for _ in range(3))]
    first, second, third, fourth = (browsers() for _ in words)
    for browser, one in zip((first, second, third, fourth), words, strict=True):
        assert opens(browser, one)
    kept = first.http.cookies["surehand_console"]
    assert first.post("/sign-out", {"csrf": first.token("/")}).headers["location"] == "/console/sign-in?out=1"
    first.http.cookies.set("surehand_console", kept)
    assert [one.get("/").status_code for one in (first, second, third)] == [303, 200, 200]
    second.post("/sign-out", {"csrf": second.token("/"), "everywhere": "yes"})
    assert [one.get("/").status_code for one in (second, third, fourth)] == [303, 303, 303]
    last = browsers()
    assert opens(last, world.do(make_link(world.services.store, key, datetime.now(UTC))))
    assert last.get("/").status_code == 200
    world.do(world.services.store.keys.revoke(key.key_id, datetime.now(UTC)))
    assert last.get("/").status_code == 303
    assert last.get("/live/cases").status_code == 401


def test_cookies_are_closed_to_scripts_and_bound_to_tls_outside_this_machine(world: ServiceWorld) -> None:
    here = httpx.get(f"{world.url}/console/sign-in").headers["set-cookie"]
    assert here.startswith("surehand_sign_in=")
    assert "httponly" in here.lower()
    assert "samesite=lax" in here.lower()
    assert "secure" not in here.lower()
    abroad = httpx.get(f"{world.url}/console/sign-in", headers={"Host": "surehand.example.com"}).headers["set-cookie"]
    assert abroad.startswith("__Host-surehand_sign_in=")
    assert "; secure" in abroad.lower()
    assert "path=/" in abroad.lower()
    assert "domain" not in abroad.lower()
    for host in ("[", "[::1", "localhost.evil.example", "127.0.0.1:80:90", "127.0.0.1@evil.example", "a" * 5000):
        answer = httpx.get(f"{world.url}/console/sign-in", headers={"Host": host})
        assert answer.status_code in (200, 400)
        assert "__Host-" in answer.headers.get("set-cookie", "__Host-")
    for cookie in ("é".encode(), b"x" * 9000, b"surehand_console=;;==", b'surehand_console="\\303"'):
        assert httpx.get(f"{world.url}/console/", headers={"Cookie": cookie}).status_code in (303, 400)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.method} {entry.path}")
def test_nobody_gets_anywhere_without_signing_in(browsers: Browsers, entry) -> None:
    browser = browsers()
    if entry.method == "POST":
        assert browser.post(entry.path, {"case": "x"}).status_code == 401
    elif entry.path.startswith("/live"):
        assert browser.get(filled(entry.path)).status_code == 401
    else:
        sent = browser.get(filled(entry.path))
        wanted = "" if entry.path == "/" else f"?to={quote(f'/console{filled(entry.path)}', safe='')}"
        assert (sent.status_code, sent.headers["location"]) == (303, f"/console/sign-in{wanted}")


def test_a_form_from_elsewhere_does_nothing(world: ServiceWorld, browsers: Browsers) -> None:
    browser, stranger = browsers("person"), browsers("admin")
    good, theirs = browser.token("/"), stranger.token("/")
    for entry in (*POSTS, None):
        path = entry.path if entry is not None else "/sign-in"
        token = good if entry is not None else browser.token()

        files = {"file": ("a.log", b"x")} if entry is not None and entry.uploads else None

        def refused(fields: dict[str, str], path: str = path, files: Any = files, **headers: str) -> None:
            answer = browser.http.post(f"/console{path}", data=fields, files=files, headers=headers)
            assert answer.status_code == 403, (path, fields, headers, answer.status_code)
            is_safe(answer)

        ours = {"Origin": world.url}
        refused({"csrf": theirs}, **ours)
        refused({"csrf": token}, Origin="https://evil.example")
        if path not in ("/do/decide", "/do/evidence"):
            continue
        refused({"csrf": ""}, **ours)
        refused({"csrf": "0" * 64}, **ours)
        refused({"csrf": token})
        for origin in ("null", "http://[", "x" * 9000, f"{world.url}.evil.example", world.url.replace("http", "ftp")):
            refused({"csrf": token}, Origin=origin)
        refused({"csrf": token}, **ours, **{"Sec-Fetch-Site": "cross-site"})
    assert browser.get("/").status_code == 200


def test_a_form_is_a_form_and_small(world: ServiceWorld, browsers: Browsers) -> None:
    browser = browsers("person")
    token, ours = browser.token("/"), {"Origin": world.url}
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x"):
        sent = browser.http.post("/console/do/claim", content=f"csrf={token}", headers={**ours, "Content-Type": kind})
        assert sent.status_code == 415
    assert browser.post("/do/claim", {"csrf": token, "case": "x" * 300_000}).status_code == 413
    typed = {**ours, "Content-Type": "application/x-www-form-urlencoded"}
    for body in (
        f"csrf={token}&case=%ff",
        f"csrf={token}&case=a&case=b",
        "&".join(f"f{n}=1" for n in range(200)),
        "=%00",
    ):
        answer = browser.http.post("/console/do/claim", content=body, headers=typed)
        assert answer.status_code == 422, body
    for fields in ({}, {"case": "TICK-1", "person_id": "p-omar"}, {"case": "TICK-1", "take_over": "perhaps"}):
        assert browser.do("claim", **fields).status_code == 422
    assert browser.get("/do/claim").status_code == 405


@pytest.mark.parametrize("entry", [one for one in POSTS if one.role is not Role.VIEWER], ids=lambda entry: entry.path)
def test_whoever_lacks_the_role_does_nothing(world: ServiceWorld, browsers: Browsers, entry) -> None:
    for role in Role:
        if role in (entry.role, Role.ADMIN):
            continue
        browser = browsers(role.value)
        answer = browser.post(
            entry.path, {"csrf": csrf_of(browser.http.cookies["surehand_console"]), "case": "TICK-EVIL"}
        )
        assert answer.status_code == 403
        assert entry.role.value in is_safe(answer)
