"""Signing in at an identity provider: the whole way, and every way in which somebody else might want to come in."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from domain.identity.principals import Role
from integrations.identity import keys
from sandbox.identity import WAYS_TO_MISBEHAVE
from starters.console.sign_in import provider
from tests.console.browser import Browser, is_safe
from tests.console.sign_in_world import BACK, LOOK, SignInWorld, by_provider, chosen, go_away, is_in

AtDoor = Callable[[str], Browser]


def asked_of(page: httpx.Response) -> dict[str, str]:
    return dict(page.url.params)


def has_session(answer: httpx.Response) -> bool:
    return any(one.startswith("surehand_console=") for one in answer.headers.get_list("set-cookie"))


def test_a_person_signs_in_there_and_is_who_the_directory_says(doors: SignInWorld, at_door: AtDoor) -> None:
    browser = at_door("real")
    assert "Sign in with Example ID" in browser.get("/sign-in").text
    answer = by_provider(browser, "sandbox-lena", to="/console/playbooks")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/playbooks")
    page = is_safe(browser.get(LOOK))
    assert "Lena Brandt" in page
    assert "default: agent, approver" in page
    assert browser.do("unpark", case="x").status_code == 403
    stored = doors.do(_sessions(doors))
    assert not any("sandbox-lena" in str(row) for row in stored)


async def _sessions(doors: SignInWorld) -> list[object]:
    from sqlalchemy import text

    async with doors.store.database.reading() as connection:
        return list((await connection.execute(text("SELECT * FROM console_sessions"))).all())


def test_what_we_ask_is_a_code_with_pkce_for_our_exact_address(doors: SignInWorld, at_door: AtDoor) -> None:
    browser = at_door("real")
    first, second = asked_of(go_away(browser)), asked_of(go_away(browser))
    assert first["response_type"] == "code"
    assert first["redirect_uri"] == f"{doors.real.url}{BACK}"
    assert first["code_challenge_method"] == "S256"
    assert first["scope"] == "openid"
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]
        assert len(first[name]) >= 43
    # Whatever the Host header says, the address is the configured one.
    sent = browser.http.get("/console/sign-in/away", headers={"Host": "evil.example"})
    assert parse_qs(urlsplit(sent.headers["location"]).query)["redirect_uri"] == [f"{doors.real.url}{BACK}"]
    assert "__Host-surehand_away=" in sent.headers["set-cookie"]
    assert sent.headers["location"].startswith(f"{doors.issuer}/authorize?")


@pytest.mark.parametrize("how", sorted(WAYS_TO_MISBEHAVE))
def test_an_answer_that_is_wrong_in_any_way_signs_nobody_in(
    doors: SignInWorld, at_door: AtDoor, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    browser = at_door("real")
    doors.identity.misbehaviour.append(how)
    with caplog.at_level(logging.WARNING):
        answer = by_provider(browser, "sandbox-lena")
    assert doors.identity.misbehaviour == []
    assert answer.status_code == 401
    assert "begin it anew" in is_safe(answer)
    assert not has_session(answer)
    assert not is_in(browser)
    assert "eyJ" not in caplog.text + str([record.__dict__ for record in caplog.records])
    assert by_provider(browser, "sandbox-lena").status_code == 303


def test_a_way_back_counts_once_and_only_in_the_browser_that_left(doors: SignInWorld, at_door: AtDoor) -> None:
    browser, victim = at_door("real"), at_door("real")
    address = chosen(browser, go_away(browser), "sandbox-lena")
    # Somebody else's way back would sign this browser in as them, whether it has left itself or not.
    for _ in range(2):
        refused = victim.http.get(address)
        assert refused.status_code == 401
        assert not has_session(refused)
        go_away(victim)
    assert browser.http.get(address).status_code == 303
    again = browser.http.get(address)
    assert again.status_code == 401
    assert not has_session(again)
    # Nor with another code and everything else as it was: the state is used up.
    page = go_away(browser)
    kept, ways = browser.http.cookies["surehand_away"], [chosen(browser, page, "sandbox-lena") for _ in range(2)]
    assert browser.http.get(ways[0]).status_code == 303
    browser.http.cookies.set("surehand_away", kept)
    assert browser.http.get(ways[1]).status_code == 401
    code = parse_qs(urlsplit(address).query)["code"][0]
    fresh = asked_of(go_away(browser))
    replayed = browser.http.get(BACK, params={"code": code, "state": fresh["state"], "iss": doors.issuer})
    assert replayed.status_code == 401
    assert not is_in(victim)


def test_a_state_that_is_changed_made_up_or_old_leads_nowhere(
    doors: SignInWorld, at_door: AtDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = at_door("real")
    address = httpx.URL(chosen(browser, go_away(browser), "sandbox-lena"))
    state = address.params["state"]
    ours = provider._serializer(doors.real.services.service.oidc)
    other = provider._serializer(doors.real.services.service.oidc.model_copy(update={"issuer": "https://x.example"}))
    for wrong in ("", "x", state[:-2] + "AA", state + "x", other.dumps(ours.loads(state)), state.upper()):
        assert browser.http.get(address.copy_set_param("state", wrong)).status_code == 401
    twice = f"{address}&state={state}"
    assert browser.http.get(twice).status_code == 401
    assert browser.http.get(address.copy_set_param("code", "x" * 5_000)).status_code == 401
    assert browser.http.get(BACK).status_code == 401
    with monkeypatch.context() as patched:
        patched.setattr(provider, "_LIVES", timedelta(seconds=-1))
        assert browser.http.get(address).status_code == 401
    assert browser.http.get(address).status_code == 303


@pytest.mark.parametrize(
    ("subject", "sentence"),
    [
        ("sandbox-mallory", "stands for nobody here: ask whoever runs Surehand to add it (sandbox-mallory)"),
        ("sandbox-bert", "stands for nobody here"),
        ("sandbox-roleless", "has no role here"),
        ("", "not allowed there, or you left it"),
    ],
)
def test_an_account_that_stands_for_nobody_gets_a_sentence_and_no_session(
    doors: SignInWorld, at_door: AtDoor, subject: str, sentence: str
) -> None:
    browser = at_door("real")
    answer = by_provider(browser, subject)
    assert answer.status_code in (401, 403)
    assert sentence in is_safe(answer)
    assert not has_session(answer)
    assert not is_in(browser)


def test_each_account_sees_its_own_tenant_and_a_tenant_of_nobody_none(doors: SignInWorld, at_door: AtDoor) -> None:
    browser = at_door("real")
    assert by_provider(browser, "sandbox-dana").status_code == 303
    assert "acme-us: admin" in is_safe(browser.get(LOOK))
    people = doors.identity.people
    try:
        for tenant in ("nowhere", "default", None, ["acme-us"], ""):
            people["sandbox-dana"] = {**people["sandbox-dana"], "tenant": tenant}
            assert by_provider(at_door("real"), "sandbox-dana").status_code == 403, tenant
    finally:
        people["sandbox-dana"] = {**people["sandbox-dana"], "tenant": "acme-us"}


def test_a_session_ends_when_the_account_no_longer_stands_for_the_person(doors: SignInWorld, at_door: AtDoor) -> None:
    browser, bystander = at_door("real"), at_door("real")
    by_provider(browser, "sandbox-lena")
    by_provider(bystander, "sandbox-noor")
    for change in ("{active: false}", "{oidc_subject: somebody-else}", "{oidc_subject: null}"):
        try:
            doors.people.write_text(f"people: {{p-lena: {change}}}\n")
            assert not is_in(browser), change
            assert is_in(bystander)
        finally:
            doors.people.unlink()
        assert is_in(browser)


def test_while_the_provider_is_away_one_sentence_says_so_and_other_ways_work(
    doors: SignInWorld, at_door: AtDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = doors.real.services.identity
    assert identity is not None
    browser, on_the_way = at_door("real"), at_door("real")
    address = chosen(on_the_way, go_away(on_the_way), "sandbox-lena")
    doors.do(doors.door.shut())
    try:
        with monkeypatch.context() as patched:
            patched.setattr(identity, "_known", None)
            patched.setattr(identity, "_asked_at", float("-inf"))
            for _ in range(2):
                away = browser.get("/sign-in/away")
                assert away.status_code == 503
                assert "does not answer: try again in a moment, or sign in another way" in is_safe(away)
            assert browser.get("/sign-in").status_code == 200
            assert on_the_way.http.get(address).status_code == 503
        browser.sign_in(doors.key(Role.VIEWER))
        assert is_in(browser)
    finally:
        doors.do(doors.door.open())
    assert by_provider(at_door("real"), "sandbox-lena").status_code == 303


def test_new_keys_of_the_provider_are_fetched(
    doors: SignInWorld, at_door: AtDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "ASK_AGAIN_SECONDS", 0.0)
    for algorithm in ("RS256", "ES256"):
        doors.identity.rotate(algorithm)
        assert by_provider(at_door("real"), "sandbox-lena").status_code == 303, algorithm


def test_whoever_signs_out_here_may_sign_out_there_too(doors: SignInWorld, at_door: AtDoor) -> None:
    browser = at_door("real")
    by_provider(browser, "sandbox-lena")
    out = browser.post("/sign-out", {"csrf": browser.token(LOOK)})
    page = browser.http.get(out.headers["location"])
    assert "You are signed out." in is_safe(page)
    assert 'href="/console/sign-in/leave"' in page.text
    there = browser.get("/sign-in/leave").headers["location"]
    assert there.startswith(f"{doors.issuer}/logout?")
    home = browser.http.get(there).headers["location"]
    assert home == f"{doors.real.url}/console/sign-in"
    assert not is_in(browser)
    by_key = at_door("real").sign_in(doors.key(Role.VIEWER))
    assert by_key.post("/sign-out", {"csrf": by_key.token(LOOK)}).headers["location"].endswith("out=1")


def test_without_a_provider_there_are_no_such_pages(at_door: AtDoor) -> None:
    browser = at_door("local")
    assert "sign-in/away" not in browser.get("/sign-in").text
    for path in ("/sign-in/away", "/sign-in/back", "/sign-in/leave"):
        assert browser.get(path).status_code == 404
