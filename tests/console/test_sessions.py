"""Sessions of the console: new at every sign-in, over when nobody is there, ended together; and where one goes next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import update

from domain.identity.principals import Role, digest_of
from integrations.store.tables.sign_in import console_sessions
from starters.console.sign_in.signing import within_console
from tests.console.browser import Browser
from tests.console.sign_in_world import LOOK, SignInWorld, by_password, by_provider, is_in

AtDoor = Callable[[str], Browser]
GOOD = "correct horse battery staple"
COOKIE = "surehand_console"


def changed(doors: SignInWorld, browser: Browser, **columns: datetime) -> None:
    """As if time had passed for a session."""

    async def change() -> None:
        mine = console_sessions.c.session_id == digest_of(browser.http.cookies[COOKIE])
        async with doors.store.database.writing() as connection:
            assert (await connection.execute(update(console_sessions).where(mine).values(**columns))).rowcount == 1

    doors.do(change())


def test_a_cookie_that_somebody_planted_is_never_taken_over(doors: SignInWorld, at_door: AtDoor) -> None:
    doors.give_password("p-lena", GOOD)
    key, planted = doors.key(Role.VIEWER), "planted-by-somebody-else-0123456789"
    ways: list[tuple[str, Callable[[Browser], object]]] = [
        ("local", lambda browser: by_password(browser, "p-lena", GOOD)),
        ("local", lambda browser: browser.sign_in(key)),
        ("real", lambda browser: by_provider(browser, "sandbox-lena")),
    ]
    for house, come_in in ways:
        browser, attacker = at_door(house), at_door(house)
        browser.http.cookies.set(COOKIE, planted, domain="127.0.0.1", path="/")
        come_in(browser)
        assert is_in(browser)
        assert browser.http.cookies[COOKIE] != planted
        attacker.http.cookies.set(COOKIE, planted)
        assert not is_in(attacker)


def test_signing_in_again_ends_the_session_that_the_browser_had(doors: SignInWorld, at_door: AtDoor) -> None:
    browser, other = at_door("local").sign_in(doors.key(Role.ADMIN)), at_door("local")
    first = browser.http.cookies[COOKIE]
    browser.sign_in(doors.key(Role.VIEWER))
    assert browser.http.cookies[COOKIE] != first
    other.http.cookies.set(COOKIE, first)
    assert not is_in(other)
    assert is_in(browser)


def test_a_session_ends_when_nobody_is_there_and_when_its_time_is_over(doors: SignInWorld, at_door: AtDoor) -> None:
    now = datetime.now(UTC)
    browser = at_door("local").sign_in(doors.key(Role.VIEWER))
    changed(doors, browser, seen_at=now - timedelta(minutes=110))
    # What a page does by itself keeps nobody signed in.
    fetched = browser.http.get(f"/console{LOOK}", headers={"Sec-Fetch-Mode": "cors"})
    assert fetched.status_code == 200
    assert _seen(doors, browser) < now - timedelta(minutes=100)
    changed(doors, browser, seen_at=now - timedelta(minutes=119))
    assert browser.http.get(f"/console{LOOK}", headers={"Sec-Fetch-Mode": "navigate"}).status_code == 200
    assert _seen(doors, browser) > now - timedelta(minutes=1)
    changed(doors, browser, seen_at=now - timedelta(minutes=121))
    assert not is_in(browser)
    over = at_door("local").sign_in(doors.key(Role.VIEWER))
    changed(doors, over, expires_at=now - timedelta(seconds=1))
    assert not is_in(over)


def _seen(doors: SignInWorld, browser: Browser) -> datetime:
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    name = digest_of(browser.http.cookies[COOKIE])
    found = doors.do(doors.store.console_sessions.find(name, now=long_ago, seen_after=long_ago))
    assert found is not None
    return found.seen_at


def test_signing_out_everywhere_ends_what_the_person_opened_in_any_way(doors: SignInWorld, at_door: AtDoor) -> None:
    doors.give_password("p-lena", GOOD)
    by_word, by_key, there = at_door("local"), at_door("local"), at_door("real")
    nobodys, of_noor = at_door("local").sign_in(doors.key(Role.VIEWER)), at_door("real")
    by_password(by_word, "p-lena", GOOD)
    by_key.sign_in(doors.key(Role.VIEWER, person="p-lena"))
    by_provider(there, "sandbox-lena")
    by_provider(of_noor, "sandbox-noor")
    kept = by_word.http.cookies[COOKIE]
    by_word.post("/sign-out", {"csrf": by_word.token(LOOK)})
    by_word.http.cookies.set(COOKIE, kept)
    assert [is_in(one) for one in (by_word, by_key, there)] == [False, True, True]
    by_key.post("/sign-out", {"csrf": by_key.token(LOOK), "everywhere": "yes"})
    assert [is_in(one) for one in (by_key, there, nobodys, of_noor)] == [False, False, True, True]


def test_a_session_is_bound_to_tls_and_this_host_outside_this_machine(doors: SignInWorld) -> None:
    host, key = {"Host": "surehand.example.com"}, doors.key(Role.VIEWER)
    with httpx.Client(base_url=doors.local.url, headers=host, trust_env=False) as http:
        page = http.get("/console/sign-in")
        word = page.headers["set-cookie"].partition(";")[0]
        token = page.text.partition('name="csrf" value="')[2].partition('"')[0]
        come = {"Origin": "https://surehand.example.com", "Cookie": word}
        answer = http.post("/console/sign-in", data={"csrf": token, "key": key}, headers=come)
        cookies = {one.partition("=")[0]: one for one in answer.headers.get_list("set-cookie")}
        session = cookies[f"__Host-{COOKIE}"].lower()
        for part in ("; secure", "; httponly", "; path=/", "; samesite=lax"):
            assert part in session
        assert "domain" not in session
        # Without the prefix, as another host below the same domain could set it, it is none of ours.
        value = cookies[f"__Host-{COOKIE}"].partition(";")[0].partition("=")[2]
        plain = http.get(f"/console{LOOK}", headers={"Cookie": f"{COOKIE}={value}"})
        assert plain.status_code == 303
        assert http.get(f"/console{LOOK}", headers={"Cookie": f"__Host-{COOKIE}={value}"}).status_code == 200


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example/", "//evil.example/console/", "/\\evil.example", "/console/\\evil.example", "/console/../x",
     "/console//evil.example", "/console/%2e%2e/x", "/console/%5cevil", "/console/%2f%2fevil", "javascript:alert(1)",
     "console/", "/consoled/", "/console", "/console/sign-in", "/console/sign-in/leave", "/console/sign-out",
     "\t/console/", "/console/\nx", "/console/é", "/console/" + "x" * 600, "http:/console/", "/console/#x",
     "https://[", ""],
)  # fmt: skip
def test_nobody_is_sent_elsewhere_after_signing_in(wanted: str) -> None:
    assert within_console(wanted) == "/console/"


@pytest.mark.parametrize("wanted", ["/console/", "/console/cases/order:A-1?done=x", "/console/cases?text=a%20b&page=2"])
def test_whoever_wanted_a_page_gets_there(wanted: str) -> None:
    assert within_console(wanted) == wanted


def test_a_page_that_was_wanted_is_kept_through_every_way_in(doors: SignInWorld, at_door: AtDoor) -> None:
    doors.give_password("p-lena", GOOD)
    browser = at_door("local")
    sent = browser.get("/playbooks", x="1").headers["location"]
    page = browser.http.get(sent).text
    assert 'name="to" value="/console/playbooks?x=1"' in page
    wrong = by_password(browser, "p-lena", "wrong horse battery", to="/console/playbooks?x=1")
    assert 'name="to" value="/console/playbooks?x=1"' in wrong.text
    for evil in ("https://evil.example/", "//evil.example"):
        assert "evil" not in browser.get("/sign-in", to=evil).text
        assert by_password(browser, "p-lena", GOOD, to=evil).headers["location"] == "/console/"
        there = by_provider(at_door("real"), "sandbox-lena", to=evil)
        assert there.headers["location"] == "/console/"
