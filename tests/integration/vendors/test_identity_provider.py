"""The client of the identity provider: what it does not believe, waits for or follows, and how seldom it asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain.errors import NotReachable
from integrations.identity import keys, provider
from integrations.identity.id_tokens import NotBelieved
from integrations.identity.provider import IdentityProvider, is_closed_to_others
from tests.loopback import Answer, Loopback, Received, loopback


@pytest.fixture
async def far() -> AsyncIterator[Loopback]:
    async with loopback() as provider:
        yield provider


def described(far: Loopback, **changes: Any) -> dict[str, Any]:
    named = {name: f"{far.url}/{path}" for name, path in
             (("authorization_endpoint", "go?kept=1"), ("token_endpoint", "token"), ("jwks_uri", "keys"))}  # fmt: skip
    return {name: value for name, value in {"issuer": far.url, **named, **changes}.items() if value is not None}


def client(far: Loopback, timeout_seconds: float = 30.0) -> IdentityProvider:
    return IdentityProvider(
        issuer=far.url, client_id="us & them", client_secret="secret: 100%", redirect_uri="https://us.example/back",
        timeout_seconds=timeout_seconds,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"issuer": "https://evil.example"}, "calls itself by another name"),
        ({"token_endpoint": "http://evil.example/token"}, "an address without TLS"),
        ({"jwks_uri": "file:///etc/passwd"}, "an address without TLS"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "an address without TLS"),
        ({"end_session_endpoint": "http://evil.example"}, "an address without TLS"),
        ({"code_challenge_methods_supported": ["plain"]}, "PKCE with S256"),
        ({"id_token_signing_alg_values_supported": ["HS256", "none"]}, "RS256 or ES256"),
        ({"token_endpoint": None}, "does not answer"),
        ({"jwks_uri": 7}, "does not answer"),
    ],
    ids=str,
)
async def test_what_a_provider_says_of_itself_must_be_safe(far: Loopback, changes: dict[str, Any], words: str) -> None:
    far.handler = lambda request: Answer(body=described(far, **changes))
    with pytest.raises(NotReachable, match=words):
        await client(far).described()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=500), Answer(status=404), Answer(body=b"<html>"), Answer(body=b"[1]"),
        Answer(body=b"x" * 5_000_000),
        Answer(status=302, headers={"Location": "https://evil.example/.well-known/openid-configuration"}),
        Answer(body=b"{}", headers={"Content-Encoding": "br"}),
    ],
    ids=["500", "404", "html", "list", "huge", "redirect", "packed"],
)  # fmt: skip
async def test_an_answer_that_is_none_is_a_provider_that_is_away(far: Loopback, answer: Answer) -> None:
    far.handler = lambda request: answer
    with pytest.raises(NotReachable, match="does not answer"):
        await client(far).described()
    assert len(far.received) == 1


async def test_a_provider_that_does_not_answer_is_given_up_and_the_next_learn_it_at_once(
    far: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "AFTER_FAILURE_SECONDS", 600.0)

    async def never(writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    far.handler = lambda request: Answer(stream=never)
    slow = client(far, timeout_seconds=0.3)
    told = await asyncio.gather(*(slow.described() for _ in range(20)), return_exceptions=True)
    assert all(isinstance(one, NotReachable) for one in told)
    assert len(far.received) == 1


async def test_it_is_asked_once_and_what_it_said_holds_while_it_is_away(
    far: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    far.handler = lambda request: Answer(body=described(far))
    known = client(far)
    first = await known.way_in(state="s&t=1", nonce="n", challenge="c")
    assert first.startswith(f"{far.url}/go?kept=1&response_type=code&client_id=us+%26+them&")
    assert "state=s%26t%3D1" in first
    assert await known.way_out("https://us.example/") is None
    assert len(far.received) == 1
    far.handler = lambda request: Answer(status=503)
    monkeypatch.setattr(known, "_asked_at", float("-inf"))
    assert await known.way_in(state="s&t=1", nonce="n", challenge="c") == first
    assert len(far.received) == 2


async def exchanged(far: Loopback, answer: Answer, **changes: Any) -> Received:
    far.handler = lambda request: Answer(body=described(far, **changes)) if "well-known" in request.path else answer
    with pytest.raises((NotBelieved, NotReachable)):
        await client(far).claims("the-code", verifier="v" * 43, nonce="n")
    return next(one for one in far.received if one.path == "/token")


async def test_our_secret_is_sent_as_the_provider_wants_it(far: Loopback) -> None:
    basic = await exchanged(far, Answer(status=400, body={"error": "invalid_grant"}))
    # RFC 6749, section 2.3.1: `us & them` and `secret: 100%`, each form-encoded, then joined and packed.
    assert basic.headers["authorization"] == "Basic dXMlMjAlMjYlMjB0aGVtOnNlY3JldCUzQSUyMDEwMCUyNQ=="
    assert dict(basic.form) == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "redirect_uri": "https://us.example/back",
        "code_verifier": "v" * 43,
    }
    far.received.clear()
    posted = await exchanged(
        far, Answer(status=400), token_endpoint_auth_methods_supported=["client_secret_post", "private_key_jwt"]
    )
    assert "authorization" not in posted.headers
    assert dict(posted.form)["client_secret"] == "secret: 100%"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(status=400, body={"error": "invalid_grant"}), NotBelieved),
        (Answer(status=401), NotBelieved),
        (Answer(body={"access_token": "x"}), NotBelieved),
        (Answer(body={"id_token": ["x"]}), NotBelieved),
        (Answer(body={"id_token": "x" * 20_000}), NotBelieved),
        (Answer(body=[]), NotBelieved),
        (Answer(status=500), NotReachable),
        (Answer(status=302, headers={"Location": "https://evil.example/"}), NotReachable),
        (Answer(body=b"x" * 5_000_000), NotReachable),
    ],
)
async def test_a_code_is_taken_or_not_and_nothing_of_it_is_in_the_error(
    far: Loopback, answer: Answer, error: type[Exception]
) -> None:
    far.handler = lambda request: Answer(body=described(far)) if "well-known" in request.path else answer
    with pytest.raises(error) as refused:
        await client(far).claims("the-code", verifier="v" * 43, nonce="n")
    assert "the-code" not in str(refused.value)
    assert "secret" not in repr(client(far)) + str(refused.value)
    assert [one.path for one in far.received].count("/token") == 1


async def test_while_its_keys_cannot_be_read_most_learn_that_at_once(
    far: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "AFTER_FAILURE_SECONDS", 600.0)
    far.handler = lambda request: Answer(status=500)
    known = keys.KeySet(f"{far.url}/keys")
    for _ in range(5):
        with pytest.raises(NotReachable, match="keys cannot be read"):
            await known.key_for("k")
    assert len(far.received) == 1
    monkeypatch.setattr(keys, "AFTER_FAILURE_SECONDS", 0.0)
    with pytest.raises(NotReachable):
        await known.key_for("k")
    assert len(far.received) == 2


def test_secrets_are_sent_by_tls_or_on_this_machine_only() -> None:
    assert all(is_closed_to_others(one) for one in ("https://x.example/t", "http://127.0.0.1:1/", "http://[::1]/"))
    for open_ in (
        "http://x.example",
        "http://127.0.0.1.x.example",
        "http://localhost.x",
        "ftp://127.0.0.1",
        "",
        "http://[",
    ):
        assert not is_closed_to_others(open_), open_
