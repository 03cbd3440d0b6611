"""Operations of OpenAPI documents, called over real sockets with real credentials."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import SecretStr

from domain.errors import (
    ConfigurationProblem,
    InvalidInput,
    OutcomeUnknown,
    VendorError,
    VendorRefused,
    VendorUnavailable,
)
from domain.tools.tool import RefusalKind, Safety, ToolCall
from integrations.tools.addresses import AddressGuard
from integrations.tools.authentication import ClientCredentials, TokenSource
from integrations.tools.guarded_http import GuardedHttp
from integrations.tools.openapi.by_address import DocumentsByAddress, TextsInMemory
from integrations.tools.openapi.configuration import OpenApiSource, WebConfiguration
from integrations.tools.openapi.documents import FromAddress
from integrations.tools.openapi.provider import OpenApiProvider
from integrations.tools.provider import CallContext, NotAllowed, ProviderAnswer
from integrations.tools.web import web_guard
from runtime.configuration.policies import Configuration
from runtime.settings.environment import load_settings
from tests.loopback import Answer, Loopback, Received, bomb, loopback
from workers.tools import build_toolbox

SENTINEL = "sentinel-9b2e7a"
DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "servers": [{"url": "https://api.shop.example"}],
    "paths": {
        "/items/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {
                "operationId": "getItem",
                "parameters": [
                    {"name": "filter", "in": "query", "style": "deepObject", "schema": {"type": "object"}},
                    {"name": "tags", "in": "query", "explode": False, "schema": {"type": "array"}},
                    {"name": "X-Region", "in": "header", "schema": {"type": "string"}},
                    {"name": "theme", "in": "cookie", "schema": {"type": "string"}},
                    {"name": "X-Api-Key", "in": "header", "required": True, "schema": {"type": "string"}},
                    {"name": "Api-Version", "in": "header", "required": True, "schema": {"type": "string"}},
                ],
            },
        },
        "/items": {
            "post": {
                "operationId": "createItem",
                "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
            }
        },
        "/charges": {
            "post": {
                "operationId": "charge",
                "requestBody": {
                    "content": {
                        "application/x-www-form-urlencoded": {
                            "schema": {"type": "object"},
                            "encoding": {
                                "metadata": {"style": "deepObject", "explode": True},
                                "lines": {"style": "deepObject", "explode": True},
                                "codes": {"style": "pipeDelimited", "explode": False},
                            },
                        }
                    }
                },
            }
        },
    },
}


@pytest.fixture
async def world() -> AsyncIterator[Loopback]:
    async with loopback() as server:
        yield server


def provider_for(
    world: Loopback, folder: Path, *, secrets: dict[str, str] | None = None, **more: Any
) -> OpenApiProvider:
    (folder / "shop.yaml").write_text(yaml.safe_dump(DOCUMENT), "utf-8")
    source = OpenApiSource.model_validate(
        {"document": "shop.yaml", "server": f"{world.url}/v1", "timeout_seconds": 5, **more}
    )
    given = {name: SecretStr(value) for name, value in (secrets or {}).items()}
    return OpenApiProvider("shop", source, secrets=given, guard=AddressGuard(), folders=[folder])


async def make(provider: OpenApiProvider, operation: str, *, key: str = "k", **arguments: Any) -> ProviderAnswer:
    spec = await provider.find(f"shop.{operation}")
    assert spec is not None
    call = ToolCall(tool=spec.name, arguments=arguments, key=key, tenant="t")
    await provider.check(spec, call)
    return await provider.call(spec, call, CallContext(key=key, tenant="t", attempt=1))


async def test_every_parameter_arrives_in_its_place(world: Loopback, tmp_path: Path):
    provider = provider_for(
        world, tmp_path, secrets={"shop_key": SENTINEL}, headers={"Api-Version": "2"},
        authentication={"api_key": {"name": "X-Api-Key", "secret": "shop_key", "prefix": "Key "}},
    )  # fmt: skip
    spec = await provider.find("shop.getItem")
    assert spec is not None
    assert set(spec.input_schema["properties"]) == {"id", "filter", "tags", "X-Region", "theme"}
    answer = await make(
        provider, "getItem", id="a/b?c#d ü", filter={"min": 1}, tags=["x", "y,z"], theme="a;b=c", **{"X-Region": "eu"}
    )

    assert answer.output == {"ok": True}
    assert world.last.target == "/v1/items/a%2Fb%3Fc%23d%20%C3%BC?filter%5Bmin%5D=1&tags=x,y%2Cz"
    assert world.last.headers["x-region"] == "eu"
    assert world.last.headers["cookie"] == "theme=a%3Bb%3Dc"
    assert world.last.headers["x-api-key"] == f"Key {SENTINEL}"
    assert world.last.headers["api-version"] == "2"
    assert SENTINEL not in repr(answer)
    assert answer.request is not None
    assert "x-api-key" in answer.request["headers"]


async def test_a_stripe_form_is_written_as_its_encoding_says(world: Loopback, tmp_path: Path):
    body = {
        "amount": 100, "capture": True, "metadata": {"order id": "o&1"}, "lines": [{"sku": "s", "n": 2}],
        "codes": ["a", "b|c"], "expand": ["x", "y"], "address": {"city": "B"}, "none": None,
    }  # fmt: skip
    await make(provider_for(world, tmp_path), "charge", body=body)
    assert world.last.headers["content-type"] == "application/x-www-form-urlencoded"
    assert world.last.form == [
        ("amount", "100"), ("capture", "true"), ("metadata[order id]", "o&1"), ("lines[0][sku]", "s"),
        ("lines[0][n]", "2"), ("codes", "a|b|c"), ("expand", "x"), ("expand", "y"), ("address", '{"city":"B"}'),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "arguments", [{"id": ".."}, {"id": "../admin"}, {"id": "%2e%2e%2fadmin"}, {"id": "a\r\nX: y"}, {"id": ""},
                  {"id": "a", "X-Region": "eu\r\nX-Injected: 1"}, {"id": "a", "filter": {"a": "\ud800"}}]
)  # fmt: skip
async def test_what_would_leave_its_place_is_refused_and_nothing_is_sent(
    world: Loopback, tmp_path: Path, arguments: dict[str, Any]
):
    with pytest.raises(InvalidInput) as refused:
        await make(provider_for(world, tmp_path), "getItem", **arguments)
    assert "admin" not in str(refused.value)
    assert "Injected" not in str(refused.value)
    assert world.received == []


async def test_the_calls_key_goes_to_the_vendor_and_is_hashed_where_it_is_odd(world: Loopback, tmp_path: Path):
    provider = provider_for(world, tmp_path, idempotency_header="Idempotency-Key")
    world.handler = lambda request: Answer(body={}, headers={"Idempotent-Replayed": "true"})
    answer = await make(provider, "createItem", key="plain-key_1", body={})
    assert world.last.headers["idempotency-key"] == "plain-key_1"
    assert answer.repeated
    await make(provider, "createItem", key="playbook:t:orders:7/step\r\nü", body={})
    first = world.last.headers["idempotency-key"]
    await make(provider, "createItem", key="playbook:t:orders:7/step\r\nü", body={})
    assert len(first) == 32
    assert world.last.headers["idempotency-key"] == first
    await make(provider, "getItem", id="a")
    assert "idempotency-key" not in world.last.headers


async def test_basic_and_bearer_and_keys_in_query_and_cookie(world: Loopback, tmp_path: Path):
    secrets = {"sid": "AC1", "pw": SENTINEL}
    ways: list[tuple[dict[str, Any], Any]] = [
        ({"basic": {"username_secret": "SID", "password": "PW"}}, lambda r: r.headers["authorization"][:6] == "Basic "),
        ({"bearer": "pw"}, lambda r: r.headers["authorization"] == f"Bearer {SENTINEL}"),
        ({"api_key": {"in": "query", "name": "api key".replace(" ", "_"), "secret": "pw"}},
         lambda r: r.query == f"api_key={SENTINEL}"),
        ({"api_key": {"in": "cookie", "name": "sid", "secret": "pw"}},
         lambda r: r.headers["cookie"] == f"theme=dark; sid={SENTINEL}"),
    ]  # fmt: skip
    for authentication, arrived in ways:
        provider = provider_for(world, tmp_path, secrets=secrets, authentication=authentication)
        answer = await make(provider, "getItem", id="a", theme="dark")
        assert arrived(world.last), authentication
        assert SENTINEL not in repr(answer) + repr(answer.request)


def test_a_missing_or_broken_secret_is_named_by_its_variable(tmp_path: Path, world: Loopback):
    with pytest.raises(ConfigurationProblem, match="SUREHAND_SECRETS__SHOP_KEY") as missing:
        provider_for(world, tmp_path, authentication={"bearer": "shop_key"})
    assert str(missing.value).count(".") == 1
    with pytest.raises(ConfigurationProblem, match="SUREHAND_SECRETS__SHOP_KEY") as broken:
        provider_for(world, tmp_path, authentication={"bearer": "shop_key"}, secrets={"shop_key": f"{SENTINEL}\n"})
    assert SENTINEL not in str(broken.value)


class TokenDesk:
    """An OAuth 2.0 token endpoint and the API behind it."""

    def __init__(self, expires_in: Any = 3600) -> None:
        self.issued = 0
        self.revoked: set[str] = set()
        self.expires_in = expires_in
        self.asked: list[Received] = []
        self.refuse_all = False

    def __call__(self, request: Received) -> Answer:
        if request.path == "/token":
            self.asked.append(request)
            self.issued += 1
            return Answer(body={"access_token": f"{SENTINEL}-{self.issued}", "expires_in": self.expires_in})
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.refuse_all or token in self.revoked or not token.startswith(SENTINEL):
            return Answer(status=401, body={"error": "invalid_token"})
        return Answer(body={"used": token[-1]})


def oauth2(world: Loopback, **more: Any) -> dict[str, Any]:
    return {"oauth2": {"token_url": f"{world.url}/token", "client_id": "me&us", "client_secret": "cs", **more}}


async def test_a_token_is_fetched_once_for_many_calls_at_once(world: Loopback, tmp_path: Path):
    desk = world.handler = TokenDesk()
    provider = provider_for(
        world, tmp_path, secrets={"cs": SENTINEL}, authentication=oauth2(world, scopes=["a", "b"], audience="shop")
    )
    answers = await asyncio.gather(*(make(provider, "getItem", id=str(n)) for n in range(20)))
    assert desk.issued == 1
    assert {answer.output["used"] for answer in answers} == {"1"}
    assert desk.asked[0].form == [("grant_type", "client_credentials"), ("scope", "a b"), ("audience", "shop")]
    assert desk.asked[0].headers["authorization"].startswith("Basic ")


async def test_client_credentials_may_stand_in_the_form(world: Loopback, tmp_path: Path):
    desk = world.handler = TokenDesk()
    authentication = oauth2(world, client_authentication="post")
    await make(provider_for(world, tmp_path, secrets={"cs": "s3"}, authentication=authentication), "getItem", id="a")
    assert ("client_id", "me&us") in desk.asked[0].form
    assert ("client_secret", "s3") in desk.asked[0].form
    assert "authorization" not in desk.asked[0].headers


async def test_a_refused_token_is_renewed_once_however_many_calls_meet_it(world: Loopback, tmp_path: Path):
    desk = world.handler = TokenDesk()
    provider = provider_for(world, tmp_path, secrets={"cs": SENTINEL}, authentication=oauth2(world))
    await make(provider, "getItem", id="a")
    desk.revoked.add(f"{SENTINEL}-1")
    answers = await asyncio.gather(*(make(provider, "createItem", body={}) for _ in range(10)))
    assert {answer.output["used"] for answer in answers} == {"2"}
    assert desk.issued == 2


async def test_a_second_refusal_is_final(world: Loopback, tmp_path: Path):
    desk = world.handler = TokenDesk()
    desk.refuse_all = True
    provider = provider_for(world, tmp_path, secrets={"cs": SENTINEL}, authentication=oauth2(world))
    with pytest.raises(VendorRefused, match="renew them") as raised:
        await make(provider, "createItem", body={})
    assert raised.value.status == 401
    assert desk.issued == 2
    assert SENTINEL not in str(raised.value)


@pytest.mark.parametrize(
    ("expires_in", "after", "issued"),
    [(3600, 3500, 1), (3600, 3541, 2), ("90", 44, 1), ("90", 46, 2), (None, 200, 1), (None, 241, 2), (-5, 241, 2)],
)
async def test_a_token_is_renewed_shortly_before_it_expires(
    world: Loopback, expires_in: Any, after: float, issued: int
):
    desk = world.handler = TokenDesk(expires_in)
    now = [1000.0]
    config = ClientCredentials(token_url=f"{world.url}/token", client_secret="cs")
    http = GuardedHttp(AddressGuard().only(config.token_url))
    tokens = TokenSource(config, client_id="a", client_secret="b", whose="shop", http=http, clock=lambda: now[0])
    await tokens.token()
    now[0] += after
    await tokens.token()
    assert desk.issued == issued
    assert SENTINEL not in repr(tokens) + repr(tokens._kept)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(status=400, body={"error": "invalid_client"}), VendorRefused),
        (Answer(status=401), VendorRefused),
        (Answer(status=500), VendorUnavailable),
        (Answer(status=429, headers={"Retry-After": "7"}), VendorUnavailable),
        (Answer(body={"token": "x"}), VendorUnavailable),
        (Answer(body=b"<html>"), VendorUnavailable),
        (Answer(body={"access_token": "a\r\nX: y"}), VendorUnavailable),
    ],
)
async def test_without_a_token_no_call_is_made_and_a_write_is_not_in_doubt(
    world: Loopback, tmp_path: Path, answer: Answer, kind: type[VendorError]
):
    world.handler = lambda request: answer
    provider = provider_for(world, tmp_path, secrets={"cs": SENTINEL}, authentication=oauth2(world))
    with pytest.raises(kind) as raised:
        await make(provider, "createItem", body={})
    assert {request.path for request in world.received} == {"/token"}
    assert SENTINEL not in str(raised.value)


async def test_no_secret_stands_in_an_error_a_log_or_a_representation(
    world: Loopback, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG, logger="integrations")
    provider = provider_for(
        world, tmp_path, secrets={"k": SENTINEL}, authentication={"api_key": {"name": "X-Key", "secret": "k"}}
    )
    shown = []
    for answer in (Answer(), Answer(status=401), Answer(status=500), Answer(stream=bomb)):
        world.handler = lambda request, answer=answer: answer
        try:
            shown.append(repr(await make(provider, "getItem", id="a")))
        except VendorError as error:
            shown.append(repr(error) + repr(vars(error)) + repr(error.__context__))
    assert all(request.headers["x-key"] == SENTINEL for request in world.received)
    assert len(shown) == 4
    everything = "".join(shown) + repr(provider) + repr(vars(provider)) + repr(provider._credentials) + caplog.text
    assert SENTINEL not in everything


async def test_a_failed_write_is_in_doubt_and_keeps_the_vendors_words(world: Loopback, tmp_path: Path):
    world.handler = lambda request: Answer(status=502, body={"error": "upstream"})
    with pytest.raises(OutcomeUnknown) as raised:
        await make(provider_for(world, tmp_path), "createItem", body={})
    assert (raised.value.status, raised.value.data) == (502, {"error": "upstream"})


async def test_calls_go_to_the_configured_server_and_follow_no_redirect(world: Loopback, tmp_path: Path):
    world.handler = lambda request: Answer(status=302, headers={"Location": "http://127.0.0.1:1/"})
    with pytest.raises(VendorRefused, match="redirects"):
        await make(provider_for(world, tmp_path), "getItem", id="a")
    assert len(world.received) == 1


async def test_a_documents_own_server_must_be_listed(world: Loopback, tmp_path: Path):
    provider = provider_for(world, tmp_path, server=None)
    with pytest.raises(NotAllowed, match="not listed"):
        await make(provider, "getItem", id="a")


PETSTORE = {
    "swagger": "2.0", "basePath": "/v2", "schemes": ["http"],
    "paths": {
        "/pet/findByStatus": {"get": {"operationId": "findPetsByStatus", "parameters": [
            {"name": "status", "in": "query", "required": True, "type": "array", "collectionFormat": "multi",
             "items": {"type": "string", "enum": ["available", "sold"]}}]}},
        "/pet/{petId}": {"get": {"operationId": "getPetById", "parameters": [
            {"name": "petId", "in": "path", "required": True, "type": "integer", "format": "int64"}]}},
    },
}  # fmt: skip


def petstore(world: Loopback) -> None:
    def handler(request: Received) -> Answer:
        if request.path.endswith("swagger.json"):
            if request.headers.get("if-none-match") == '"1"':
                return Answer(status=304)
            return Answer(body={**PETSTORE, "host": world.place}, headers={"ETag": '"1"'})
        return Answer(body=[{"id": 1}] if "findByStatus" in request.path else {"id": 1, "name": "Rex"})

    world.handler = handler


async def test_a_playbook_names_a_document_by_address_and_another_worker_makes_the_call(world: Loopback):
    petstore(world)
    config = WebConfiguration(internal_hosts=(world.place,), timeout_seconds=5)
    texts = TextsInMemory()
    here, there = (DocumentsByAddress(config, guard=web_guard(config), texts=texts) for _ in range(2))
    address = f"{world.url}/v2/swagger.json"

    spec = await here.find_operation("t", address, "getPetById")
    assert spec is not None
    assert spec.target == f"GET {world.url}/v2/pet/{{petId}}"
    found = await there.find(spec.name)
    assert found == spec
    call = ToolCall(tool=spec.name, arguments={"petId": 1}, key="k", tenant="t")
    answer = await there.call(spec, call, CallContext(key="k", tenant="t", attempt=1))
    assert answer.output == {"id": 1, "name": "Rex"}
    pets = await here.find_operation("t", address, "findPetsByStatus")
    assert pets is not None
    call = ToolCall(tool=pets.name, arguments={"status": ["available", "sold"]}, key="k", tenant="t")
    await here.call(pets, call, CallContext(key="k", tenant="t", attempt=1))
    assert world.last.target == "/v2/pet/findByStatus?status=available&status=sold"
    assert jsonschema.Draft202012Validator(pets.input_schema).is_valid({"status": "available"})
    one = call.model_copy(update={"arguments": {"status": "available"}})
    await here.call(pets, one, CallContext(key="k", tenant="t", attempt=1))
    assert world.last.target == "/v2/pet/findByStatus?status=available"
    assert await there.find("openapi-0123456789abcdef.getPetById") is None
    assert await here.find_operation("t", "inventory", "x") is None


async def test_a_document_by_address_must_be_at_a_listed_host_and_call_one(world: Loopback):
    petstore(world)
    closed = WebConfiguration()
    documents = DocumentsByAddress(closed, guard=web_guard(closed), texts=TextsInMemory())
    with pytest.raises(InvalidInput, match="not listed"):
        await documents.find_operation("t", f"{world.url}/v2/swagger.json", "getPetById")
    assert world.received == []

    config = WebConfiguration(internal_hosts=(world.place,))
    documents = DocumentsByAddress(config, guard=web_guard(config), texts=TextsInMemory())
    world.handler = lambda request: Answer(body={**PETSTORE, "host": "169.254.169.254"})
    spec = await documents.find_operation("t", f"{world.url}/v2/swagger.json", "getPetById")
    assert spec is not None
    call = ToolCall(tool=spec.name, arguments={"petId": 1}, key="k", tenant="t")
    for attempt in (documents.check(spec, call), documents.call(spec, call, CallContext("k", "t", 1))):
        with pytest.raises(NotAllowed):
            await attempt
    with pytest.raises(InvalidInput, match="operationId"):
        await documents.find_operation("t", f"{world.url}/v2/swagger.json", "noSuchOperation")


async def test_a_document_is_asked_for_again_with_its_etag_and_stays_while_its_address_fails(world: Loopback):
    petstore(world)
    now = [0.0]
    http = GuardedHttp(AddressGuard().only(world.url))
    origin = FromAddress(f"{world.url}/swagger.json", http, vendor="pets", clock=lambda: now[0])
    first = await origin.load()
    assert (await origin.load()) is first
    assert len(world.received) == 1
    now[0] += 301
    assert (await origin.load()) is first
    assert world.last.headers["if-none-match"] == '"1"'
    for broken in (Answer(status=503), Answer(body=b"{", headers={})):
        now[0] += 301
        world.handler = lambda request, broken=broken: broken
        assert (await origin.load()) is first
    now[0] += 301
    changed = {**PETSTORE, "host": world.place, "paths": {}}
    world.handler = lambda request: Answer(body=changed)
    assert (await origin.load()) is not first


async def test_a_document_that_no_longer_fits_its_configuration_keeps_its_tools(
    world: Loopback, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("integrations.tools.openapi.documents.FRESH_SECONDS", 0.0)
    petstore(world)
    source = OpenApiSource(
        document=f"{world.url}/swagger.json", server=world.url, safety={"getPetById": Safety.DANGEROUS}
    )
    provider = OpenApiProvider("pets", source, secrets={}, guard=AddressGuard())
    before = await provider.specs()
    shrunk = {**PETSTORE, "host": world.place, "paths": {}}
    world.handler = lambda request: Answer(body=shrunk)
    assert await provider.specs() is before
    petstore(world)
    assert await provider.specs() == before


async def test_a_document_that_cannot_be_read_is_an_error_of_its_kind(world: Loopback, tmp_path: Path):
    by_address = OpenApiSource(document=f"{world.url}/doc.json", timeout_seconds=5)
    for answer, kind in (
        (Answer(status=503), VendorUnavailable),
        (Answer(status=404), VendorRefused),
        (Answer(body=b"no document"), ConfigurationProblem),
        (Answer(headers={"Content-Encoding": "gzip"}, stream=bomb), VendorUnavailable),
        (Answer(status=302, headers={"Location": "http://127.0.0.1:1/"}), ConfigurationProblem),
    ):
        world.handler = lambda request, answer=answer: answer
        provider = OpenApiProvider("shop", by_address, secrets={}, guard=AddressGuard(), folders=[])
        with pytest.raises(kind):
            await provider.specs()
    missing = OpenApiProvider(
        "shop", OpenApiSource(document="no.yaml"), secrets={}, guard=AddressGuard(), folders=[tmp_path]
    )
    with pytest.raises(ConfigurationProblem, match=r"no\.yaml is not there"):
        await missing.specs()


async def test_tools_yaml_makes_tools_that_the_tool_box_calls(world: Loopback, tmp_path: Path):
    petstore(world)
    (tmp_path / "openapi").mkdir()
    (tmp_path / "openapi" / "shop.yaml").write_text(yaml.safe_dump(DOCUMENT), "utf-8")
    shop = {"document": "openapi/shop.yaml", "server": world.url, "authentication": {"bearer": "shop_key"}}
    shop |= {"omit": ["x-api-key"], "headers": {"Api-Version": "2"}}
    tools = {
        "providers": {"shop": {}, "web": {}},
        "openapi": {"shop": {**shop, "include": ["getItem"], "safety": {"getItem": "requires_confirmation"}}},
        "web": {"internal_hosts": [world.place]},
    }
    (tmp_path / "tools.yaml").write_text(yaml.safe_dump(tools), "utf-8")
    environ = {"SUREHAND_CONFIG_DIRS": str(tmp_path), "SUREHAND_SECRETS__SHOP_KEY": SENTINEL}
    settings = load_settings(environ=environ)
    toolbox = build_toolbox(settings, Configuration.from_settings(settings), NoLedger())

    specs = {spec.name: spec for spec in await toolbox.specs("default")}
    assert {"shop.getItem", "http.get", "http.delete"} <= set(specs)
    call = ToolCall(tool="shop.getItem", arguments={"id": "a"}, key="k", tenant="default")
    refused = await toolbox.run(call, attempt=1, beat=lambda: None)
    assert refused.refusal is not None
    assert refused.refusal.kind is RefusalKind.TOOL_CHANGED
    assert world.received == []
    bound = call.model_copy(update={"digest": specs["shop.getItem"].digest})
    result = await toolbox.run(bound, attempt=1, beat=lambda: None)
    assert (result.status, result.output) == (200, {"id": 1, "name": "Rex"})
    assert world.last.headers["authorization"] == f"Bearer {SENTINEL}"

    spec = await toolbox.find_operation("default", f"{world.url}/v2/swagger.json", "getPetById")
    by_address = ToolCall(tool=spec.name, arguments={"petId": 7}, key="k", tenant="default", digest=spec.digest)
    assert (await toolbox.run(by_address, attempt=1, beat=lambda: None)).output == {"id": 1, "name": "Rex"}
    elsewhere = ToolCall(tool="http.get", arguments={"uri": "http://10.0.0.1/"}, key="k", tenant="default")
    refusal = (await toolbox.run(elsewhere, attempt=1, beat=lambda: None)).refusal
    assert refusal is not None
    assert refusal.kind is RefusalKind.NOT_ALLOWED


def test_tools_yaml_with_a_fault_is_refused_with_its_line(tmp_path: Path):
    (tmp_path / "tools.yaml").write_text("openapi:\n  shop:\n    documnet: x.yaml\n", "utf-8")
    settings = load_settings(environ={"SUREHAND_CONFIG_DIRS": str(tmp_path)})
    with pytest.raises(ConfigurationProblem, match=r"tools\.yaml.*documnet"):
        build_toolbox(settings, Configuration.from_settings(settings), NoLedger())


class NoLedger:
    """For calls that need none."""

    async def claim(self, key: str, tenant: str) -> Any:
        raise AssertionError("an idempotent call claims nothing")

    async def record(self, key: str, outcome: dict[str, Any]) -> None:
        raise AssertionError("an idempotent call records nothing")

    async def release(self, key: str) -> None:
        raise AssertionError("an idempotent call releases nothing")
