"""`surehand doctor` about what is outside: each thing that is configured is tried, nothing is changed, nothing told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from integrations.store.database.migration import HEAD, migrate
from runtime.configuration.policies import Configuration
from runtime.doctor.checks import Check, CheckResult, CheckStatus, run_all
from runtime.settings.environment import Settings, load_settings
from runtime.temporal.dev_server import free_port
from sandbox.identity import CLIENT_ID, CLIENT_SECRET
from sandbox.server import Sandbox
from starters.doctoring import look_at_store
from starters.examining.identity import identity_checks
from starters.examining.mail import look_at_mail_server
from starters.examining.models import model_checks
from starters.examining.outgoing import outgoing_checks
from starters.examining.vendors import vendor_checks
from tests.postgres import PostgresServer

SECRET = "whsec_" + "c2VjcmV0" * 6
HIDDEN = "path-that-holds-a-token"


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with Sandbox(tmp_path / "sandbox") as running:
        yield running


def settings(**variables: str) -> Settings:
    return load_settings(environ={f"SUREHAND_{name}": value for name, value in variables.items()})


def of_sandbox(sandbox: Sandbox, secret: str = "secret", **more: str) -> dict[str, str]:
    at = sandbox.state()
    return {
        "SLACK__BASE_URL": at["slack"]["url"], "SLACK__BOT_TOKEN": f"xoxb-{secret}", "SLACK__SIGNING_SECRET": "s" * 32,
        "ZENDESK__BASE_URL": at["zendesk"]["url"], "ZENDESK__EMAIL": "a@example.com", "ZENDESK__API_TOKEN": secret,
        "HUBSPOT__BASE_URL": at["hubspot"]["url"], "HUBSPOT__ACCESS_TOKEN": secret,
        "STRIPE__BASE_URL": at["stripe"]["url"], "STRIPE__API_KEY": f"rk_test_{secret}",
        "PROMETHEUS__BASE_URL": at["metrics"]["url"],
        "MODEL__PRIMARY__BASE_URL": at["openai"]["url"], "MODEL__PRIMARY__MODEL": "simulated",
        "SERVICE__OIDC__ISSUER": at["identity"]["url"], "SERVICE__OIDC__CLIENT_ID": CLIENT_ID,
        "SERVICE__OIDC__CLIENT_SECRET": CLIENT_SECRET,
        "SERVICE__OIDC__REDIRECT_URI": "http://127.0.0.1:8700/console/sign-in/back",
        **more,
    }  # fmt: skip


async def told(checks: list[Check]) -> dict[str, CheckResult]:
    return {result.name: result for result in await run_all(checks, timeout_seconds=30)}


async def test_every_vendor_that_is_configured_is_read_from_and_nothing_is_left_there(sandbox: Sandbox) -> None:
    before = len(list(sandbox.world.entries()))
    given = settings(**of_sandbox(sandbox))
    results = await told([*vendor_checks(given), *model_checks(given), *identity_checks(given)])

    assert set(results) == {
        "Slack", "Zendesk", "HubSpot", "Stripe", "Prometheus", "Model primary", "Identity provider",
    }  # fmt: skip
    assert {result.name: result.sentence for result in results.values() if result.status is not CheckStatus.OK} == {}
    assert len(list(sandbox.world.entries())) == before
    assert vendor_checks(settings()) == model_checks(settings()) == identity_checks(settings()) == []


async def test_refused_credentials_are_a_sentence_that_names_the_variable_and_never_the_secret(
    sandbox: Sandbox,
) -> None:
    given = settings(
        **of_sandbox(sandbox) | {
            "ZENDESK__API_TOKEN": "wrong", "HUBSPOT__ACCESS_TOKEN": "wrong", "SLACK__BOT_TOKEN": "wrong",
            "STRIPE__API_KEY": "wrong",
        }
    )  # fmt: skip
    results = await told(vendor_checks(given))
    for name, variable in (
        ("Slack", "SUREHAND_SLACK__BOT_TOKEN"),
        ("Zendesk", "SUREHAND_ZENDESK__API_TOKEN"),
        ("HubSpot", "SUREHAND_HUBSPOT__ACCESS_TOKEN"),
        ("Stripe", "SUREHAND_STRIPE__API_KEY"),
    ):
        assert results[name].status is CheckStatus.MISSING
        assert variable in results[name].sentence
        assert "wrong" not in results[name].sentence


async def test_a_token_for_another_workspace_and_a_model_that_is_not_there_are_found(sandbox: Sandbox) -> None:
    given = settings(**of_sandbox(sandbox, SLACK__TEAM_ID="T0ANOTHER", MODEL__PRIMARY__MODEL="gone"))
    results = await told([*vendor_checks(given), *model_checks(given)])
    assert "SUREHAND_SLACK__TEAM_ID" in results["Slack"].sentence
    assert results["Model primary"].status is CheckStatus.WARNING
    assert "gone is not among its 1 models" in results["Model primary"].sentence


async def test_a_token_of_a_model_is_bought_only_when_asked_for(sandbox: Sandbox) -> None:
    given = settings(**of_sandbox(sandbox))
    (result,) = (await told(model_checks(given, buys=True))).values()
    assert (result.status, result.sentence) == (CheckStatus.OK, "simulated answers.")


async def test_an_identity_provider_of_another_name_is_found(sandbox: Sandbox) -> None:
    other = sandbox.state()["identity"]["url"].replace("127.0.0.1", "localhost")
    given = settings(**of_sandbox(sandbox, SERVICE__OIDC__ISSUER=f"{other}/"))
    (result,) = (await told(identity_checks(given))).values()
    assert result.status is CheckStatus.MISSING
    assert "SUREHAND_SERVICE__OIDC__ISSUER" in result.sentence
    assert CLIENT_SECRET not in result.sentence


def subscriptions(folder: Path, **urls: str) -> str:
    lines = [f"  {name}: {{tenant: default, url: '{url}', secrets: [hook]}}\n" for name, url in urls.items()]
    (folder / "subscriptions.yaml").write_text("subscriptions:\n" + "".join(lines))
    return str(folder)


async def test_endpoints_and_servers_are_reached_for_and_told_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    receiver, closed = sandbox.state()["receiver"]["url"], f"http://127.0.0.1:{free_port()}"
    folder = subscriptions(
        tmp_path,
        well=f"{receiver}/{HIDDEN}",
        private=f"https://127.0.0.1:8443/{HIDDEN}",
        plain=f"http://hooks.example.com/{HIDDEN}",
        away=f"{closed}/{HIDDEN}",
        untrusted=f"{receiver.replace('http:', 'https:')}/{HIDDEN}",
    )
    given = settings(
        CONFIG_DIRS=folder, SECRETS__HOOK=SECRET,
        WEBHOOKS__INTERNAL_HOSTS=f"{receiver.removeprefix('http://')},{closed.removeprefix('http://')}",
        EVENTS__SINKS=f"{receiver}/{HIDDEN}", SERVERS__INVENTORY=closed, TRACING__ENDPOINT=receiver,
    )  # fmt: skip
    before = len(list(sandbox.world.entries()))
    results = await told(outgoing_checks(given, Configuration.from_settings(given)))

    assert {name: result.status.value for name, result in results.items()} == {
        "Webhook well": "ok", "Webhook private": "missing", "Webhook plain": "missing", "Webhook away": "missing",
        "Webhook untrusted": "missing", "Event sink 1": "ok", "Vendor inventory": "missing", "Traces": "ok",
    }  # fmt: skip
    assert "does not speak TLS" in results["Webhook untrusted"].sentence
    assert "takes no connection" in results["Webhook away"].sentence
    told_all = " ".join(result.sentence for result in results.values())
    assert HIDDEN not in told_all
    assert SECRET not in told_all
    assert len(list(sandbox.world.entries())) == before


async def test_an_endpoint_without_its_secret_is_found(tmp_path: Path) -> None:
    given = settings(CONFIG_DIRS=subscriptions(tmp_path, one="https://hooks.example.com/x"))
    (result,) = (await told(outgoing_checks(given, Configuration.from_settings(given)))).values()
    assert "set SUREHAND_SECRETS__HOOK" in result.sentence


async def test_the_stores_tables_are_looked_at_and_not_made(tmp_path: Path) -> None:
    given = settings(STORE__URL=f"sqlite:///{tmp_path}/store.db")
    assert (await look_at_store(given)).status is CheckStatus.WARNING
    assert not (tmp_path / "store.db").exists()
    await migrate(given.store_url)
    assert (await look_at_store(given)).sentence == f"Revision {HEAD}, and it has no case yet."


async def test_a_store_on_postgresql_of_an_older_program_is_found() -> None:
    with PostgresServer() as server:
        given = settings(STORE__URL=server.url())
        assert (await look_at_store(given)).status is CheckStatus.WARNING
        await migrate(given.store_url)
        assert (await look_at_store(given)).status is CheckStatus.OK


@pytest.fixture
def mail_server():
    """A mail server that wants the password `right`."""

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == b"right", handled=False)

    controller = Controller(
        object(), hostname="127.0.0.1", port=free_port(), auth_require_tls=False, authenticator=authenticate
    )
    controller.start()
    yield str(controller.port)
    controller.stop()


def look_at_mail(**more: str) -> Awaitable[Any]:
    smtp = settings(SMTP__HOST="127.0.0.1", SMTP__SENDER="a@example.com", **more).smtp
    assert smtp is not None
    return look_at_mail_server(smtp)


@pytest.mark.parametrize(
    ("password", "security", "status", "words"),
    [
        ("right", "none", CheckStatus.OK, "lets us in, without encryption"),
        ("wrong", "none", CheckStatus.MISSING, "refuses our credentials"),
        ("right", "starttls", CheckStatus.MISSING, "SUREHAND_SMTP__SECURITY"),
    ],
)
async def test_the_mail_server_is_greeted_and_what_it_says_is_explained(
    mail_server: str, password: str, security: str, status: CheckStatus, words: str
) -> None:
    verdict = await look_at_mail(
        SMTP__PORT=mail_server, SMTP__SECURITY=security, SMTP__USERNAME="u", SMTP__PASSWORD=password
    )
    assert verdict.status is status
    assert words in verdict.sentence
    assert password not in verdict.sentence


async def test_a_mail_server_that_is_not_there_is_named() -> None:
    port = str(free_port())
    assert (await look_at_mail(SMTP__PORT=port)).sentence.startswith(f"127.0.0.1:{port} does not answer")


async def test_a_mail_server_is_entered_by_access_token(sandbox: Sandbox) -> None:
    at = sandbox.state()
    oauth = {
        "SMTP__PORT": str(at["smtp"]["port"]), "SMTP__SECURITY": "none", "SMTP__USERNAME": "a@example.com",
        "SMTP__OAUTH__TOKEN_URL": f"{at['identity']['url']}/token", "SMTP__OAUTH__CLIENT_ID": CLIENT_ID,
    }  # fmt: skip
    assert (await look_at_mail(**oauth, SMTP__OAUTH__CLIENT_SECRET=CLIENT_SECRET)).status is CheckStatus.OK
    refused = await told([Check("Mail server", lambda: look_at_mail(**oauth, SMTP__OAUTH__CLIENT_SECRET="another"))])
    assert "does not know our client or its secret" in refused["Mail server"].sentence
