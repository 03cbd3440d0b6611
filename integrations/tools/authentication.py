"""Credentials of tools: configured by the name of a secret, put on a request at the last moment, shown nowhere."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Literal
from urllib.parse import quote_plus, urlencode

import httpx
from pydantic import ConfigDict, Field, SecretStr, StringConstraints, model_validator

from domain.errors import ConfigurationProblem, VendorRefused
from domain.model import Value
from integrations.access_tokens import AccessToken, KeptToken, read_access_token
from integrations.http import status_error
from integrations.tools.guarded_http import GuardedHttp, Incoming, Outgoing

SecretName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*$", max_length=64)]
"""`inventory_key` for the variable `SUREHAND_SECRETS__INVENTORY_KEY`; upper and lower case are the same."""
Secrets = Mapping[str, SecretStr]
"""By name in lower case, as `Settings.secrets` holds them."""


class BasicAuthentication(Value):
    """User name and password (RFC 7617); either may be a secret."""

    username: str = ""
    username_secret: SecretName | None = None
    password: SecretName | None = None


class ApiKey(Value):
    """A key in a header, a query parameter or a cookie."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    place: Literal["header", "query", "cookie"] = Field(default="header", alias="in")
    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$&'*+.^_`|~\[\]-]{1,100}$")]
    secret: SecretName
    prefix: str = ""
    """Stands before the key, such as `OAuth ` or `Token `."""


class ClientCredentials(Value):
    """OAuth 2.0 client credentials (RFC 6749, section 4.4)."""

    token_url: str
    client_id: str = ""
    client_id_secret: SecretName | None = None
    client_secret: SecretName
    scopes: tuple[str, ...] = ()
    audience: str | None = None
    client_authentication: Literal["basic", "post"] = "basic"


class Authentication(Value):
    """How calls prove who we are. Several may be needed together."""

    bearer: SecretName | None = None
    basic: BasicAuthentication | None = None
    api_key: ApiKey | None = None
    oauth2: ClientCredentials | None = None

    @model_validator(mode="after")
    def _one_authorization(self) -> Authentication:
        chosen = [way for way in (self.bearer, self.basic, self.oauth2) if way is not None]
        if len(chosen) > 1 or (not chosen and self.api_key is None):
            raise ValueError("says one of `bearer`, `basic` and `oauth2`, or `api_key`: correct the authentication")
        return self

    def names(self) -> frozenset[str]:
        """Names of every secret it needs."""
        found = [self.bearer, self.api_key.secret if self.api_key else None]
        if self.basic:
            found += [self.basic.username_secret, self.basic.password]
        if self.oauth2:
            found += [self.oauth2.client_id_secret, self.oauth2.client_secret]
        return frozenset(name.lower() for name in found if name)


def secret_of(secrets: Secrets, name: str | None, whose: str) -> str:
    """The value of a named secret; empty for no name.

    Raises:
        ConfigurationProblem: it is not set.
    """
    if name is None:
        return ""
    secret = secrets.get(name.lower())
    if secret is None or not secret.get_secret_value():
        raise ConfigurationProblem(f"{whose} needs a secret that is not set: set SUREHAND_SECRETS__{name.upper()}.")
    value = secret.get_secret_value()
    if not value.isprintable() or not value.isascii():
        raise ConfigurationProblem(
            f"{whose} cannot send its secret, which has a line break or an odd character: "
            f"set SUREHAND_SECRETS__{name.upper()} anew."
        )
    return value


def basic_header(username: str, password: str) -> str:
    """The value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


class Credentials:
    """Puts credentials on requests. Its repr shows whose they are and nothing of them."""

    def __init__(self, config: Authentication | None, secrets: Secrets, *, whose: str, http: GuardedHttp) -> None:
        """Look up every secret.

        Args:
            config: how; nothing is put on when None.
            secrets: where the secrets are.
            whose: a vendor's name, for sentences.
            http: bounds of calls for a token; the token's address counts as listed.

        Raises:
            ConfigurationProblem: a secret is not set.
        """
        self._config = config or None
        self._whose = whose
        self._values = {name: secret_of(secrets, name, whose) for name in (config.names() if config else ())}
        oauth2 = config.oauth2 if config else None
        self._tokens = None if oauth2 is None else self._token_source(oauth2, http)

    def __repr__(self) -> str:
        return f"Credentials({self._whose})"

    def _token_source(self, config: ClientCredentials, http: GuardedHttp) -> TokenSource:
        return TokenSource(
            config,
            client_id=self._value(config.client_id_secret) or config.client_id,
            client_secret=self._value(config.client_secret),
            whose=self._whose,
            http=http.within(http.guard.only(config.token_url)),
        )

    async def exchange(
        self,
        http: GuardedHttp,
        vendor: str,
        request: Outgoing,
        *,
        redirect: bool = False,
        beat: Callable[[], None] = lambda: None,
    ) -> Incoming:
        """Send a request with the credentials. A token that is refused is renewed once: a 401 had no effect.

        Raises:
            VendorError: as `GuardedHttp.exchange`, or there was no token to be had.
        """
        token = await self._tokens.token() if self._tokens else None
        incoming = await http.exchange(vendor, self._put_on(request, token), redirect=redirect, beat=beat)
        if incoming.status == 401 and self._tokens is not None and token is not None:
            fresh = await self._tokens.token(instead_of=token)
            incoming = await http.exchange(vendor, self._put_on(request, fresh), redirect=redirect, beat=beat)
        return incoming

    def _put_on(self, request: Outgoing, token: str | None) -> Outgoing:
        config = self._config
        if config is None:
            return request
        headers = dict(request.headers)
        if token or config.bearer:
            headers["Authorization"] = f"Bearer {token or self._value(config.bearer)}"
        elif config.basic:
            username = self._value(config.basic.username_secret) or config.basic.username
            headers["Authorization"] = basic_header(username, self._value(config.basic.password))
        signed = replace(request, headers=headers)
        return signed if config.api_key is None else self._with_key(signed, config.api_key)

    def _with_key(self, request: Outgoing, config: ApiKey) -> Outgoing:
        value = config.prefix + self._value(config.secret)
        headers = dict(request.headers)
        if config.place == "query":
            pair = urlencode({config.name: value})
            glue = "&" if httpx.URL(request.url).query else "?"
            hidden = request.secret_parameters | {config.name}
            return replace(request, url=f"{request.url.rstrip('?')}{glue}{pair}", secret_parameters=hidden)
        if config.place == "cookie":
            others = headers.pop("Cookie", "")
            headers["Cookie"] = f"{others}; {config.name}={value}" if others else f"{config.name}={value}"
        else:
            headers[config.name] = value
        return replace(request, headers=headers, secret_headers=request.secret_headers | {config.name.lower()})

    def _value(self, name: str | None) -> str:
        return "" if name is None else self._values[name.lower()]


class TokenSource:
    """Fetches an access token and keeps it until shortly before it expires; one fetch at a time."""

    def __init__(
        self,
        config: ClientCredentials,
        *,
        client_id: str,
        client_secret: str,
        whose: str,
        http: GuardedHttp,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep how to ask; `clock` gives seconds that only grow."""
        self._config = config
        self._client_id = client_id
        self._client_secret = client_secret
        self._whose = whose
        self._http = http
        self._kept = KeptToken(self._fetch, clock)

    def __repr__(self) -> str:
        return f"TokenSource({self._whose})"

    async def token(self, instead_of: str | None = None) -> str:
        """A token that holds.

        Args:
            instead_of: one that was refused. Another caller may have renewed it already.

        Raises:
            VendorError: there is none to be had.
        """
        return await self._kept.token(instead_of)

    async def _fetch(self) -> AccessToken:
        config = self._config
        form = {"grant_type": "client_credentials"}
        if config.scopes:
            form["scope"] = " ".join(config.scopes)
        if config.audience:
            form["audience"] = config.audience
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if config.client_authentication == "basic":
            # Both parts are form-encoded first (RFC 6749, section 2.3.1).
            headers["Authorization"] = basic_header(quote_plus(self._client_id), quote_plus(self._client_secret))
        else:
            form |= {"client_id": self._client_id, "client_secret": self._client_secret}
        request = Outgoing("POST", config.token_url, headers, urlencode(form).encode(), harmless=True)
        return self._read(await self._http.exchange(self._whose, request))

    def _read(self, incoming: Incoming) -> AccessToken:
        whose = self._whose
        if incoming.status in (400, 401, 403):
            raise VendorRefused(
                whose, "token_refused",
                f"{whose} gave no token for our client credentials: "
                f"renew SUREHAND_SECRETS__{self._config.client_secret.upper()}.", status=incoming.status,
            )  # fmt: skip
        reply = incoming.reply()
        if incoming.status != 200:
            raise status_error(whose, reply, write=False)
        return read_access_token(whose, reply.body)
