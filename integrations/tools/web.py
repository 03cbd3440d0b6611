"""Plain HTTP calls as tools: `http.get`, `http.post` and so on, to listed hosts only.

Source: Serverless Workflow DSL 1.0.3, "HTTP Call".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from domain.errors import InvalidInput
from domain.model import JsonValue
from domain.tools.tool import ToolCall, ToolCategory, ToolSpec
from integrations.tools.addresses import AddressGuard, Resolve, look_up, place, plain_host, port_of
from integrations.tools.authentication import Authentication, Credentials, Secrets, basic_header
from integrations.tools.guarded_http import GuardedHttp, Incoming, Outgoing, check_headers, refusal
from integrations.tools.methods import METHODS, is_idempotent, safety_of
from integrations.tools.openapi.configuration import WebConfiguration
from integrations.tools.provider import CallContext, NotAllowed, ProviderAnswer
from integrations.tools.responses import content_of, is_json, raw_of, response_of

NAME = "web"
_FORM = "application/x-www-form-urlencoded"
_SCALAR: dict[str, JsonValue] = {"type": ["string", "number", "boolean"]}
_NAMED: dict[str, JsonValue] = {"type": "object", "properties": {"use": {"type": "string"}}, "required": ["use"]}
_BASIC: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"username": {"type": "string"}, "password": {"type": "string"}},
    "required": ["username", "password"],
}
_BEARER: dict[str, JsonValue] = {"type": "object", "properties": {"token": {"type": "string"}}, "required": ["token"]}


def web_guard(config: WebConfiguration, resolve: Resolve = look_up) -> AddressGuard:
    """The guard of addresses that come from playbooks and from documents."""
    return AddressGuard(
        allowed=config.allowed_hosts, internal=config.internal_hosts, ports=config.ports, resolve=resolve
    )


class WebProvider:
    """`ToolProvider` for plain HTTP."""

    def __init__(self, config: WebConfiguration, secrets: Secrets, *, resolve: Resolve = look_up) -> None:
        """Look up the secrets of all named authentications.

        Args:
            config: hosts, bounds and named authentications.
            secrets: where secrets are, by name.
            resolve: looks a host up.

        Raises:
            ConfigurationProblem: a secret is not set.
        """
        self._config = config
        self._http = GuardedHttp(
            web_guard(config, resolve), timeout_seconds=config.timeout_seconds, limit_bytes=config.response_limit_bytes
        )
        self._open = Credentials(None, secrets, whose=NAME, http=self._http)
        self._named = {
            name: Credentials(
                Authentication.model_validate(entry.model_dump(exclude={"hosts"}, by_alias=True)),
                secrets,
                whose=f"The authentication {name}",
                http=self._http,
            )
            for name, entry in config.authentications.items()
        }

    @property
    def name(self) -> str:
        """`web`."""
        return NAME

    async def specs(self) -> Sequence[ToolSpec]:
        """One tool per method."""
        return [self._spec(method) for method in METHODS]

    def _spec(self, method: str) -> ToolSpec:
        return ToolSpec(
            name=f"http.{method}",
            title=f"Send an HTTP {method.upper()} request",
            vendor=NAME,
            category=ToolCategory.SEARCH if method == "get" else ToolCategory.EXECUTION,
            safety=safety_of(method, self._config.safety.get(method)),
            idempotent=is_idempotent(method),
            timeout=timedelta(seconds=self._config.timeout_seconds),
            description=f"Sends an HTTP {method.upper()} request to a listed host and returns its response.",
            provider="web",
            source=NAME,
            target="the address in the arguments",
            input_schema=_input_schema(method),
        )

    def vendor_of(self, spec: ToolSpec, call: ToolCall) -> str:
        """The host: one that is down must not close the way to all others."""
        try:
            return plain_host(self._http.guard.check(str(call.arguments.get("uri", ""))))
        except NotAllowed:
            return NAME

    async def check(self, spec: ToolSpec, call: ToolCall) -> None:
        """Look at the address and everything else of a call without making it.

        Raises:
            InvalidInput, NotAllowed: as `call` would.
        """
        request = self._request(spec.name.rpartition(".")[2].upper(), call.arguments)
        self._signed(request, call.arguments.get("authentication"))

    async def call(self, spec: ToolSpec, call: ToolCall, context: CallContext) -> ProviderAnswer:
        """Send one request.

        Statuses from 200 to 299 are answers; those from 300 to 399 are where `redirect` is true and there is no place
        to follow to. All others raise, with the status and a piece of the vendor's words.
        """
        arguments, method = call.arguments, spec.name.rpartition(".")[2]
        request = self._request(method.upper(), arguments)
        redirect = arguments.get("redirect") is True
        incoming = await self._send(request, arguments.get("authentication"), redirect, context)
        if not 200 <= incoming.status < (400 if redirect else 300):
            raise refusal(NAME, incoming)
        return ProviderAnswer(
            output=_output(incoming, str(arguments.get("output", "content"))),
            status=incoming.status,
            headers=incoming.shown_headers(),
            request=incoming.request.shown(),
        )

    def _request(self, method: str, arguments: Mapping[str, JsonValue]) -> Outgoing:
        url = self._http.guard.check(_with_query(str(arguments.get("uri", "")), arguments.get("query") or {}))
        headers = {str(name): _word(value) for name, value in (arguments.get("headers") or {}).items()}
        check_headers(headers)
        headers, content = _body(method, headers, arguments.get("body"))
        return Outgoing(method, str(url), headers, content)

    async def _send(
        self, request: Outgoing, authentication: JsonValue, redirect: bool, context: CallContext
    ) -> Incoming:
        credentials, request = self._signed(request, authentication)
        return await credentials.exchange(self._http, NAME, request, redirect=redirect, beat=context.beat)

    def _signed(self, request: Outgoing, authentication: JsonValue) -> tuple[Credentials, Outgoing]:
        """Whose credentials go on a request, and the request with those that the arguments themselves hold."""
        asked = authentication if isinstance(authentication, dict) else {}
        inner = next((value for value in asked.values() if isinstance(value, dict)), {})
        name = asked.get("use") or inner.get("use")
        if name is not None:
            return self._credentials(str(name), httpx.URL(request.url)), request
        if not asked:
            return self._open, request
        header = _inline(asked)
        check_headers({"Authorization": header})
        return self._open, replace(request, headers={**request.headers, "Authorization": header})

    def _credentials(self, name: str, url: httpx.URL) -> Credentials:
        entry = self._config.authentications.get(name)
        if entry is None:
            raise NotAllowed("The authentication that is named is not configured: add it to web.authentications.")
        hosts = {host.lower() for host in entry.hosts}
        if place(url) not in hosts and not (plain_host(url) in hosts and port_of(url) in self._config.ports):
            raise NotAllowed("The authentication that is named is not meant for this host: see its `hosts`.")
        return self._named[name]


def _input_schema(method: str) -> dict[str, JsonValue]:
    properties: dict[str, JsonValue] = {
        "uri": {"type": "string", "minLength": 1, "description": "Address, such as https://api.example.com/items"},
        "headers": {"type": "object", "additionalProperties": _SCALAR},
        "query": {"type": "object", "additionalProperties": {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR}]}},
        "authentication": {
            "type": "object",
            "properties": {
                "use": {"type": "string"},
                "basic": {"anyOf": [_NAMED, _BASIC]},
                "bearer": {"anyOf": [_NAMED, _BEARER]},
            },
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
        },
        "output": {"enum": ["content", "response", "raw"]},
        "redirect": {"type": "boolean"},
    }
    if method not in ("get", "head"):
        properties["body"] = {"description": "JSON, or text as it is"}
    return {"type": "object", "properties": properties, "required": ["uri"], "additionalProperties": False}


def _with_query(uri: str, query: Mapping[str, Any]) -> str:
    pairs = [
        (name, _word(item)) for name, value in query.items() for item in (value if isinstance(value, list) else [value])
    ]
    if not pairs:
        return uri
    address, hash_sign, fragment = uri.partition("#")
    glue = "" if address.endswith(("?", "&")) else "&" if "?" in address else "?"
    return f"{address}{glue}{urlencode(pairs)}{hash_sign}{fragment}"


def _word(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _body(method: str, headers: dict[str, str], body: JsonValue) -> tuple[dict[str, str], bytes | None]:
    """Body and headers: a form where the headers say so, text as it is, everything else as JSON."""
    if body is None or method in ("GET", "HEAD"):
        return headers, b"" if method in ("POST", "PUT", "PATCH") else None
    said = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    media_type = said.partition(";")[0].strip().lower()
    try:
        if media_type == _FORM and isinstance(body, dict):
            return headers, _with_query("", body)[1:].encode()
        if isinstance(body, str) and not is_json(media_type):
            text = headers if said else {**headers, "Content-Type": "text/plain; charset=utf-8"}
            return text, body.encode()
        typed = headers if said else {**headers, "Content-Type": "application/json"}
        return typed, json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        raise InvalidInput("The body has a value in it that JSON cannot hold: correct `body`.") from None


def _inline(authentication: Mapping[str, Any]) -> str:
    basic, bearer = authentication.get("basic"), authentication.get("bearer")
    if isinstance(basic, dict) and ":" not in str(basic.get("username", "")):
        return basic_header(str(basic.get("username", "")), str(basic.get("password", "")))
    if isinstance(bearer, dict) and bearer.get("token"):
        return f"Bearer {bearer['token']}"
    raise InvalidInput("The authentication cannot be used: write `use`, `basic` or `bearer` with what it needs.")


def _output(incoming: Incoming, form: str) -> JsonValue:
    if form == "raw":
        return raw_of(incoming)
    return response_of(NAME, incoming) if form == "response" else content_of(NAME, incoming)
