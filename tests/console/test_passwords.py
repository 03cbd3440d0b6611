"""Passwords: one answer to every failure, the same work for strangers, tries that count, and sessions that end."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from domain.identity.principals import Role
from integrations import password_hash
from starters.console.sign_in import passwords
from tests.console.browser import Browser, is_safe
from tests.console.sign_in_world import LOOK, SignInWorld, by_password, by_provider, is_in

GOOD = "correct horse battery staple"
AtDoor = Callable[[str], Browser]


@pytest.fixture(autouse=True)
def nobody_tried_yet(doors: SignInWorld) -> None:
    doors.do(doors.store.sign_in_tries.forget_before(datetime.now(UTC) + timedelta(hours=1)))


def without_words_of_its_own(page: str) -> str:
    """A page without what differs from form to form."""
    return re.sub(r'name="csrf" value="\w+"|value="[^"]*"', "", page)


def test_a_person_signs_in_by_id_or_address_and_does_what_the_roles_allow(doors: SignInWorld, at_door: AtDoor) -> None:
    doors.give_password("p-lena", GOOD, Role.APPROVER)
    for name in ("p-lena", " Lena.Brandt@Example.com "):
        browser = at_door("local")
        answer = by_password(browser, name, GOOD, to="/console/playbooks?x=1")
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/playbooks?x=1")
        page = is_safe(browser.get(LOOK))
        assert "Lena Brandt" in page
        assert "default: approver" in page
        cookie = answer.headers["set-cookie"]
        assert "httponly" in cookie.lower()
    assert browser.do("unpark", case="x").status_code == 403


def test_every_failure_looks_the_same_and_the_log_tells_nothing_that_was_typed(
    doors: SignInWorld, at_door: AtDoor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    doors.give_password("p-lena", GOOD)
    browser, pages = at_door("local"), set()
    for name, password in (
        ("p-lena", "wrong horse battery staple"),
        ("p-lena", GOOD.upper()),
        ("p-tom", GOOD),
        ("p-bert", GOOD),
        ("nobody@example.com", GOOD),
        ("p-lena", "x" * 5_000),
        ("x" * 5_000, GOOD),
        ("p-lena' OR '1'='1", GOOD),
    ):
        answer = by_password(browser, name, password)
        assert answer.status_code == 401
        assert password not in answer.text
        assert "set-cookie" not in answer.headers or "surehand_console=" not in answer.headers["set-cookie"]
        pages.add(without_words_of_its_own(answer.text))
        assert "That name and password do not fit" in is_safe(answer)
    assert len(pages) == 1
    assert not is_in(browser)
    logged = str([record.__dict__ for record in caplog.records if record.name.startswith("starters")])
    assert "a sign-in failed" in logged
    assert not any(word in logged for word in ("horse", "nobody@example.com", "p-lena", "xxxx"))


def test_somebody_unknown_costs_the_same_work(
    doors: SignInWorld, at_door: AtDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    doors.give_password("p-lena", GOOD)
    looked: list[str] = []

    def fits(password: str, known: str) -> bool:
        looked.append(known.rpartition("$")[0].rpartition("$")[0])
        return password_hash.fits(password, known)

    monkeypatch.setattr(passwords, "fits", fits)
    for name in ("p-lena", "p-tom", "p-bert", "nobody@example.com"):
        by_password(at_door("local"), name, "wrong horse battery staple")
    assert looked == [f"$scrypt$ln={password_hash.COST.log_n},r=8,p=1"] * 4


def test_after_five_wrong_ones_even_the_right_one_waits_and_nobody_else_does(
    doors: SignInWorld, at_door: AtDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("p-lena", "p-noor"):
        doors.give_password(name, GOOD)
    browser = at_door("local")
    for name in ("p-lena", "stranger@example.com"):
        told = [by_password(browser, name, f"wrong {number} horse battery").status_code for number in range(7)]
        assert told == [401] * 5 + [429] * 2, name
    for name in ("p-lena", "lena.brandt@example.com", "P-LENA "):
        refused = by_password(browser, name, GOOD)
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 900
        assert "wait 15 minutes" in is_safe(refused)
    # A header that anybody can send makes nobody another.
    ours = {"csrf": browser.token(), "name": "p-lena", "password": GOOD}
    assert browser.post("/sign-in", ours, **{"X-Forwarded-For": "198.51.100.7"}).status_code == 429
    assert by_password(browser, "p-noor", GOOD).status_code == 303
    # What is not looked at is not hashed either.
    monkeypatch.setattr(passwords, "fits", None)
    assert by_password(browser, "p-lena", GOOD).status_code == 429


def test_a_thousand_guesses_at_once_are_five(doors: SignInWorld, at_door: AtDoor) -> None:
    doors.give_password("p-lena", GOOD)
    browser, told = at_door("local"), []
    token = browser.token()

    def guess(number: int) -> None:
        fields = {"csrf": token, "name": "p-lena", "password": f"guess {number} horse battery"}
        told.append(browser.post("/sign-in", fields).status_code)

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(set(told)) == [401, 429]
    assert told.count(401) == 5


def test_the_tries_of_whoever_signs_in_are_forgotten(doors: SignInWorld, at_door: AtDoor) -> None:
    doors.give_password("p-lena", GOOD)
    for _ in range(4):
        told = [by_password(at_door("local"), "p-lena", "wrong horse battery").status_code for _ in range(4)]
        assert told == [401] * 4
        assert by_password(at_door("local"), "p-lena", GOOD).status_code == 303


def test_a_new_password_and_none_end_what_was_opened_before(doors: SignInWorld, at_door: AtDoor) -> None:
    doors.give_password("p-lena", GOOD)
    doors.give_password("p-noor", GOOD)
    first, bystander = at_door("local"), at_door("local")
    by_password(first, "p-lena", GOOD)
    by_password(bystander, "p-noor", GOOD)
    by_key = at_door("local").sign_in(doors.key(Role.VIEWER, person="p-lena"))
    doors.give_password("p-lena", "another horse battery staple", Role.VIEWER)
    assert not is_in(first)
    assert not is_in(by_key), "somebody who knew the old password may have made more"
    assert by_password(first, "p-lena", GOOD).status_code == 401
    assert by_password(first, "p-lena", "another horse battery staple").status_code == 303
    assert is_in(first)
    assert doors.do(passwords.take_away(doors.store, "default", "p-lena"))
    assert not is_in(first)
    assert by_password(first, "p-lena", "another horse battery staple").status_code == 401
    assert is_in(bystander)


def test_who_left_is_signed_out_and_does_not_come_back(doors: SignInWorld, at_door: AtDoor) -> None:
    doors.give_password("p-tom", GOOD)
    browser = at_door("local")
    by_password(browser, "p-tom", GOOD)
    assert is_in(browser)
    try:
        doors.people.write_text("people: {p-tom: {active: false}}\n")
        assert not is_in(browser)
        assert by_password(browser, "p-tom", GOOD).status_code == 401
    finally:
        doors.people.unlink()


def test_a_hash_of_less_is_made_anew_at_sign_in(doors: SignInWorld, at_door: AtDoor) -> None:
    doors.give_password("p-lena", GOOD)
    known = doors.do(doors.store.passwords.find("default", "p-lena"))
    old = password_hash.hashed(GOOD, password_hash.Cost(log_n=8, r=8, p=1))
    doors.do(doors.store.passwords.rehash(known, old))
    assert by_password(at_door("local"), "p-lena", "wrong horse battery").status_code == 401
    assert doors.do(doors.store.passwords.find("default", "p-lena")).hashed == old
    browser = at_door("local")
    assert by_password(browser, "p-lena", GOOD).status_code == 303
    assert doors.do(doors.store.passwords.find("default", "p-lena")).hashed.startswith("$scrypt$ln=10,")
    assert is_in(browser)
    assert by_password(at_door("local"), "p-lena", GOOD).status_code == 303


def test_each_tenant_has_passwords_of_its_own(doors: SignInWorld, at_door: AtDoor) -> None:
    doors.people.write_text("people: {p-noor: {tenants: [default, acme-us]}}\n")
    try:
        doors.give_password("p-noor", GOOD)
        doors.give_password("p-noor", "their horse battery staple", tenant="acme-us")
        theirs, ours, wrong = (at_door("local") for _ in range(3))
        assert by_password(theirs, "p-noor", "their horse battery staple", tenant="acme-us").status_code == 303
        assert "acme-us: agent" in theirs.get(LOOK).text
        asked = at_door("local").get("/sign-in").text
        assert '<label for="tenant">Team</label>' in asked
        assert "acme-us" not in asked, "strangers are not told who the teams are"
        assert (
            by_password(at_door("local"), "p-noor", "their horse battery staple", tenant=" ACME-us ").status_code == 303
        )
        assert by_password(ours, "p-noor", GOOD).status_code == 303
        assert "default: agent" in ours.get(LOOK).text
        for tenant, password in (("acme-us", GOOD), ("nowhere", GOOD), ("", "their horse battery staple")):
            assert by_password(wrong, "p-noor", password, tenant=tenant).status_code == 401
        doors.people.write_text("people: {p-noor: {tenants: [default]}}\n")
        assert not is_in(theirs)
        assert is_in(ours)
    finally:
        doors.people.unlink()


def test_where_there_is_a_provider_passwords_are_off(doors: SignInWorld, at_door: AtDoor) -> None:
    doors.give_password("p-lena", GOOD)
    local, real = at_door("local"), at_door("real")
    assert 'name="password"' not in real.get("/sign-in").text
    assert by_password(real, "p-lena", GOOD).status_code == 401
    by_password(local, "p-lena", GOOD)
    assert is_in(local)
    # Nor does a session that a password opened elsewhere count there.
    real.http.cookies.set("surehand_console", local.http.cookies["surehand_console"])
    assert not is_in(real)
    assert by_provider(at_door("real"), "sandbox-lena").status_code == 303


def test_the_form_counts_only_from_our_own_page(doors: SignInWorld, at_door: AtDoor) -> None:
    doors.give_password("p-lena", GOOD)
    browser, other = at_door("local"), at_door("local")
    fields = {"name": "p-lena", "password": GOOD}
    stolen = other.token()
    for given, headers in (
        ({"csrf": browser.token()}, {"Origin": "https://evil.example"}),
        ({"csrf": stolen}, {"Origin": doors.local.url}),
        ({}, {"Origin": doors.local.url}),
        ({"csrf": browser.token()}, {"Origin": doors.local.url, "Sec-Fetch-Site": "same-site"}),
    ):
        answer = browser.http.post("/console/sign-in", data={**fields, **given}, headers=headers)
        assert answer.status_code == 403
    in_address = browser.http.get("/console/sign-in", params=fields)
    assert GOOD not in in_address.text
    assert not is_in(browser)
