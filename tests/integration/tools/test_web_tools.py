"""Plain HTTP tools over real sockets: what is sent, what comes back, and what does not get through."""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from pydantic import SecretStr

from domain.errors import (
    ConfigurationProblem,
    InvalidInput,
    NotFoundAtVendor,
    OutcomeUnknown,
    VendorError,
    VendorRefused,
    VendorThrottled,
    VendorUnavailable,
)
from domain.tools.tool import Safety, ToolCall
from integrations.tools.openapi.configuration import WebConfiguration
from integrations.tools.provider import CallContext, NotAllowed, ProviderAnswer
from integrations.tools.web import WebProvider
from tests.loopback import Answer, Loopback, bomb, drip, endless, loopback

SENTINEL = "sentinel-4f1d2c"


@pytest.fixture
async def world() -> AsyncIterator[Loopback]:
    async with loopback() as server:
        yield server


@pytest.fixture
async def other() -> AsyncIterator[Loopback]:
    async with loopback() as server:
        yield server


def provider_for(*worlds: Loopback, secrets: dict[str, str] | None = None, **more: Any) -> WebProvider:
    fields: dict[str, Any] = {"internal_hosts": [w.place for w in worlds], "timeout_seconds": 5, **more}
    resolve = fields.pop("resolve", None)
    given = {name: SecretStr(value) for name, value in (secrets or {}).items()}
    config = WebConfiguration.model_validate(fields)
    return WebProvider(config, given, **({"resolve": resolve} if resolve else {}))


async def send(provider: WebProvider, method: str, uri: str, **arguments: Any) -> ProviderAnswer:
    spec = next(spec for spec in await provider.specs() if spec.name == f"http.{method}")
    call = ToolCall(tool=spec.name, arguments={"uri": uri, **arguments}, key="k", tenant="t")
    return await provider.call(spec, call, CallContext(key="k", tenant="t", attempt=1))


async def test_a_get_gives_the_content_of_its_answer(world: Loopback):
    world.handler = lambda request: Answer(body={"id": 1})
    answer = await send(provider_for(world), "get", f"{world.url}/pet/1?a=b", query={"status": ["x y", "&"], "n": 2})

    assert answer.output == {"id": 1}
    assert answer.status == 200
    assert world.last.target == "/pet/1?a=b&status=x+y&status=%26&n=2"
    assert world.last.headers["host"] == world.place


async def test_a_whole_response_has_the_parts_that_the_specification_names(world: Loopback):
    world.handler = lambda request: Answer(body={"id": 1}, headers={"Set-Cookie": SENTINEL, "X-Page": "2"})
    headers = {"X-Trace": "t1", "Authorization": SENTINEL, "X-Api-Key": SENTINEL}
    answer = await send(
        provider_for(world), "get", f"{world.url}/pet/1?api_key={SENTINEL}", output="response", headers=headers
    )

    assert answer.output["statusCode"] == 200
    assert answer.output["content"] == {"id": 1}
    assert answer.output["headers"]["x-page"] == "2"
    assert answer.output["request"]["method"] == "get"
    assert answer.output["request"]["uri"].startswith(f"{world.url}/pet/1")
    assert answer.output["request"]["headers"]["x-trace"] == "t1"
    assert world.last.headers["authorization"] == SENTINEL
    assert SENTINEL not in repr(answer)


async def test_raw_output_is_base64(world: Loopback):
    world.handler = lambda request: Answer(body=b"\x00\xff", headers={"Content-Type": "image/png"})
    assert (await send(provider_for(world), "get", world.url, output="raw")).output == base64.b64encode(
        b"\x00\xff"
    ).decode()


@pytest.mark.parametrize(
    ("media_type", "content", "output"),
    [
        ("application/json; charset=latin-1", '{"a": "ü"}'.encode(), {"a": "ü"}),
        ("application/problem+json", b"[1]", [1]),
        ("application/json", b"\xef\xbb\xbf{}", {}),
        ("application/json", b"", None),
        ("text/plain", "ü".encode(), "ü"),
        ("text/plain; charset=iso-8859-1", b"\xfc", "ü"),
        ("text/csv", b"a,b", "a,b"),
        ("", b"plain", "plain"),
        ("", b"7", 7),
    ],
)
async def test_content_is_json_or_text_by_its_type(world: Loopback, media_type: str, content: bytes, output: Any):
    headers = {"Content-Type": media_type} if media_type else {}
    world.handler = lambda request: Answer(body=content, headers=headers)
    assert (await send(provider_for(world), "get", world.url)).output == output


async def test_bytes_that_are_neither_are_summed_up(world: Loopback):
    world.handler = lambda request: Answer(body=b"\x89PNG", headers={"Content-Type": "image/png"})
    output = (await send(provider_for(world), "get", world.url)).output
    assert (output["media_type"], output["size_bytes"]) == ("image/png", 4)


async def test_what_claims_to_be_json_and_is_not_is_no_answer(world: Loopback):
    world.handler = lambda request: Answer(body=b"<html>", headers={"Content-Type": "application/json"})
    with pytest.raises(VendorUnavailable):
        await send(provider_for(world), "get", world.url)
    with pytest.raises(OutcomeUnknown):
        await send(provider_for(world), "post", world.url)


@pytest.mark.parametrize(
    ("body", "headers", "sent", "media_type"),
    [
        ({"a": "ü"}, {}, '{"a": "ü"}'.encode(), "application/json"),
        ([1], {"content-type": "application/merge-patch+json"}, b"[1]", "application/merge-patch+json"),
        ("text", {}, b"text", "text/plain; charset=utf-8"),
        ("text", {"Content-Type": "application/json"}, b'"text"', "application/json"),
        ({"a": [1, "b&c"]}, {"Content-Type": "application/x-www-form-urlencoded"}, b"a=1&a=b%26c",
         "application/x-www-form-urlencoded"),
    ],
)  # fmt: skip
async def test_a_body_is_written_as_its_type_says(
    world: Loopback, body: Any, headers: dict[str, str], sent: bytes, media_type: str
):
    await send(provider_for(world), "post", world.url, body=body, headers=headers)
    assert world.last.body == sent
    assert world.last.headers["content-type"] == media_type


@pytest.mark.parametrize(
    ("status", "kind", "kind_of_write"),
    [
        (301, VendorRefused, VendorRefused),
        (304, VendorRefused, VendorRefused),
        (400, VendorRefused, VendorRefused),
        (401, VendorRefused, VendorRefused),
        (403, VendorRefused, VendorRefused),
        (404, NotFoundAtVendor, NotFoundAtVendor),
        (408, VendorUnavailable, OutcomeUnknown),
        (409, VendorRefused, VendorRefused),
        (410, NotFoundAtVendor, NotFoundAtVendor),
        (422, VendorRefused, VendorRefused),
        (429, VendorThrottled, VendorThrottled),
        (500, VendorUnavailable, OutcomeUnknown),
        (501, VendorRefused, VendorRefused),
        (502, VendorUnavailable, OutcomeUnknown),
        (503, VendorUnavailable, VendorUnavailable),
        (504, VendorUnavailable, OutcomeUnknown),
    ],
)
async def test_each_status_is_an_error_of_its_kind_with_the_vendors_words(
    world: Loopback, status: int, kind: type[VendorError], kind_of_write: type[VendorError]
):
    body = {} if status == 304 else {"body": {"reason": "because"}}
    world.handler = lambda request: Answer(status=status, **body)
    for method, expected in (("get", kind), ("post", kind_of_write)):
        with pytest.raises(VendorError) as raised:
            await send(provider_for(world), method, world.url)
        assert type(raised.value) is expected
        assert raised.value.status == status
        assert raised.value.data == body.get("body")
        assert "because" not in str(raised.value)


async def test_a_vendors_long_words_are_cut(world: Loopback):
    world.handler = lambda request: Answer(status=400, body={"x": "y" * 100_000})
    with pytest.raises(VendorRefused) as raised:
        await send(provider_for(world), "get", world.url)
    assert len(str(raised.value.data)) <= 2_000


async def test_redirects_are_errors_unless_asked_for(world: Loopback):
    world.handler = lambda request: (
        Answer(status=302, headers={"Location": "/b"}) if request.path == "/a" else Answer(body="there")
    )
    with pytest.raises(VendorRefused, match="redirects"):
        await send(provider_for(world), "get", f"{world.url}/a")
    assert (await send(provider_for(world), "get", f"{world.url}/a", redirect=True)).output == "there"


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest", "http://127.1/", "file:///etc/passwd", "http://[::1]/"]
)
async def test_a_redirect_into_the_inside_is_refused_at_its_hop(world: Loopback, target: str):
    world.handler = lambda request: Answer(status=302, headers={"Location": target})
    with pytest.raises((NotAllowed, VendorRefused)):
        await send(provider_for(world), "get", world.url, redirect=True)
    assert len(world.received) == 1


async def test_a_redirect_to_a_host_that_is_not_listed_is_refused_before_it_is_looked_up(world: Loopback):
    asked = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    world.handler = lambda request: Answer(status=302, headers={"Location": f"http://elsewhere.example:{world.port}/"})
    provider = provider_for(internal_hosts=[f"listed.example:{world.port}"], resolve=resolve)
    with pytest.raises(NotAllowed, match="not listed"):
        await send(provider, "get", f"http://listed.example:{world.port}/", redirect=True)
    assert asked == ["listed.example"]


async def test_a_redirect_to_another_listed_host_takes_no_credentials_along(world: Loopback, other: Loopback):
    world.handler = lambda request: Answer(status=307, headers={"Location": f"{other.url}/x"})
    provider = provider_for(
        world, other, secrets={"k": SENTINEL},
        authentications={"shop": {"api_key": {"name": "X-Shop", "secret": "K"}, "hosts": [world.place]}},
    )  # fmt: skip
    await send(
        provider, "get", world.url, redirect=True, authentication={"use": "shop"},
        headers={"Authorization": SENTINEL, "Cookie": SENTINEL, "X-Own": SENTINEL},
    )  # fmt: skip
    assert world.last.headers["x-shop"] == SENTINEL
    assert SENTINEL not in str(other.last)
    with pytest.raises(VendorRefused, match="body to another host"):
        await send(provider, "post", world.url, redirect=True, body={"secret": 1})


async def test_endless_redirects_end(world: Loopback):
    world.handler = lambda request: Answer(status=302, headers={"Location": "/again"})
    with pytest.raises(VendorRefused, match="more than 5"):
        await send(provider_for(world), "get", world.url, redirect=True)
    assert len(world.received) == 5


async def test_a_name_that_answers_differently_the_second_time_is_asked_once(world: Loopback):
    answers = iter([["127.0.0.1"], ["10.255.255.1"], ["10.255.255.1"]])
    asked = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return next(answers)

    provider = provider_for(internal_hosts=[f"rebinding.example:{world.port}"], resolve=resolve)
    await send(provider, "get", f"http://rebinding.example:{world.port}/")
    assert asked == ["rebinding.example"]
    assert world.last.headers["host"] == f"rebinding.example:{world.port}"


async def test_a_public_name_that_turns_private_is_refused_before_anything_is_sent(world: Loopback):
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    provider = provider_for(internal_hosts=[], allowed_hosts=["*"], ports=[world.port], resolve=resolve)
    with pytest.raises(NotAllowed, match="private network"):
        await send(provider, "get", f"http://rebinding.example:{world.port}/")
    assert world.received == []


async def test_a_dead_address_of_a_name_does_not_hide_a_living_one(world: Loopback):
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.2", "127.0.0.1"]

    provider = provider_for(internal_hosts=[f"two.example:{world.port}"], resolve=resolve)
    assert (await send(provider, "get", f"http://two.example:{world.port}/")).output == {"ok": True}


async def test_proxies_of_the_environment_are_not_used(
    world: Loopback, other: Loopback, monkeypatch: pytest.MonkeyPatch
):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, other.url)
    await send(provider_for(world), "get", world.url)
    assert len(world.received) == 1
    assert other.received == []


async def test_a_bomb_of_200_megabytes_is_left_at_the_limit(world: Loopback):
    world.handler = lambda request: Answer(headers={"Content-Encoding": "gzip"}, stream=bomb)
    with pytest.raises(VendorUnavailable) as raised:
        await send(provider_for(world), "get", world.url)
    assert raised.value.code == "unreadable"


@pytest.mark.parametrize("stream", [drip, endless])
async def test_a_body_that_does_not_end_is_left(world: Loopback, stream: Any):
    world.handler = lambda request: Answer(stream=stream)
    started = time.monotonic()
    with pytest.raises(VendorUnavailable):
        await send(provider_for(world, timeout_seconds=0.5), "get", world.url)
    assert time.monotonic() - started < 20


async def test_encodings_that_were_not_asked_for_are_refused(world: Loopback):
    world.handler = lambda request: Answer(body=b"x", headers={"Content-Encoding": "br"})
    with pytest.raises(VendorUnavailable):
        await send(provider_for(world), "get", world.url)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "b\r\nX-Injected: 1"},
        {"X-A": "b\nc"},
        {"X-A": "b\x00"},
        {"X-A\r\nX-B": "c"},
        {"X A": "b"},
        {"": "b"},
        {"Host": "evil.example"},
        {"Content-Length": "0"},
        {"Transfer-Encoding": "chunked"},
        {"Connection": "upgrade"},
        {"X-A": "ü"},
    ],
)
async def test_no_header_ends_its_line_or_redirects_the_request(world: Loopback, headers: dict[str, str]):
    with pytest.raises(InvalidInput) as refused:
        await send(provider_for(world), "get", world.url, headers=headers)
    assert "Injected" not in str(refused.value)
    assert world.received == []


async def test_too_large_a_body_is_refused_before_it_is_sent(world: Loopback):
    with pytest.raises(InvalidInput, match="larger"):
        await send(provider_for(world), "post", world.url, body="x" * 1_000_001)
    assert world.received == []


async def test_credentials_in_the_arguments_are_sent(world: Loopback):
    provider = provider_for(world)
    await send(provider, "get", world.url, authentication={"basic": {"username": "u", "password": "pä"}})
    assert world.last.headers["authorization"] == "Basic " + base64.b64encode("u:pä".encode()).decode()
    await send(provider, "get", world.url, authentication={"bearer": {"token": "abc"}})
    assert world.last.headers["authorization"] == "Bearer abc"
    for wrong in ({"bearer": {"token": "a\r\nX: y"}}, {"basic": {"username": "a:b", "password": ""}}, {"digest": {}}):
        with pytest.raises(InvalidInput):
            await send(provider, "get", world.url, authentication=wrong)


async def test_a_named_authentication_is_shown_to_its_own_hosts_only(world: Loopback, other: Loopback):
    provider = provider_for(
        world, other, secrets={"shop_key": SENTINEL},
        authentications={"shop": {"bearer": "SHOP_KEY", "hosts": [world.place]}},
    )  # fmt: skip
    for form in ({"use": "shop"}, {"bearer": {"use": "shop"}}):
        await send(provider, "get", world.url, authentication=form)
        assert world.last.headers["authorization"] == f"Bearer {SENTINEL}"
    with pytest.raises(NotAllowed, match="not meant for this host"):
        await send(provider, "get", other.url, authentication={"use": "shop"})
    with pytest.raises(NotAllowed, match="not configured"):
        await send(provider, "get", world.url, authentication={"use": "missing"})
    assert other.received == []


def test_a_missing_secret_is_named_by_its_variable():
    with pytest.raises(ConfigurationProblem, match="SUREHAND_SECRETS__SHOP_KEY"):
        provider_for(authentications={"shop": {"bearer": "shop_key", "hosts": ["a.example"]}})


async def test_no_secret_stands_in_an_error_a_log_or_a_representation(
    world: Loopback, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    provider = provider_for(
        world, secrets={"k": SENTINEL},
        authentications={"shop": {"api_key": {"in": "query", "name": "k9", "secret": "k"}, "hosts": [world.place]}},
    )  # fmt: skip
    answer = await send(provider, "get", world.url, output="response", authentication={"use": "shop"})
    assert world.last.query == f"k9={SENTINEL}"
    world.handler = lambda request: Answer(status=500)
    with pytest.raises(VendorError) as raised:
        await send(provider, "get", world.url, authentication={"use": "shop"})
    shown = repr(answer) + repr(provider) + repr(vars(provider)) + repr(raised.value) + str(raised.value.__context__)
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert SENTINEL not in shown + "".join(ours)


async def test_a_call_is_judged_without_being_made(world: Loopback):
    provider = provider_for(world)
    spec = (await provider.specs())[0]
    good = ToolCall(tool=spec.name, arguments={"uri": world.url}, key="k", tenant="t")
    await provider.check(spec, good)
    with pytest.raises(NotAllowed):
        await provider.check(spec, good.model_copy(update={"arguments": {"uri": "https://elsewhere.example/"}}))
    assert world.received == []
    assert provider.vendor_of(spec, good) == "127.0.0.1"


async def test_methods_have_the_safety_that_http_gives_them():
    tightened = provider_for(safety={"get": "requires_confirmation", "delete": "safe"})
    safety = {spec.name: spec.safety for spec in await tightened.specs()}
    assert safety == {
        "http.get": Safety.CONFIRM,
        "http.head": Safety.SAFE,
        "http.options": Safety.SAFE,
        "http.post": Safety.CONFIRM,
        "http.put": Safety.CONFIRM,
        "http.patch": Safety.CONFIRM,
        "http.delete": Safety.DANGEROUS,
    }
