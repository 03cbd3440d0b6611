"""Mailboxes and mail servers that take access tokens instead of passwords, with a real token endpoint beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from domain.errors import ConfigurationProblem, VendorRefused, VendorUnavailable
from domain.mail import OutgoingMail
from integrations.access_tokens import AccessToken, KeptToken
from integrations.imap import ImapAccount, Mailbox
from integrations.mail import SmtpMailer
from integrations.mail_tokens import FetchedTokens, FileTokens, MailTokens, TokenClient, first_words
from runtime.configuration.policies import Configuration
from runtime.doctor.checks import CheckStatus
from runtime.settings.environment import SHIPPED_CONFIG
from sandbox.identity import CLIENT_ID, CLIENT_SECRET
from sandbox.mail_tokens import REFRESH_TOKEN
from sandbox.server import Sandbox
from starters.doctoring import look_at_mailbox
from starters.mailboxes import mailboxes_of
from tests.integration.mailboxes.conftest import World, letter, once_more
from tests.vendor_world import MemoryLedger


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with Sandbox(tmp_path) as running:
        yield running


def token_url(sandbox: Sandbox) -> str:
    return f"{sandbox.state()['identity']['url']}/token"


def fetched(sandbox: Sandbox, **more: Any) -> FetchedTokens:
    fields = {"token_url": token_url(sandbox), "client_id": CLIENT_ID, "client_secret": SecretStr(CLIENT_SECRET)}
    return FetchedTokens(TokenClient(**{**fields, **more}))


def account(sandbox: Sandbox, tokens: MailTokens) -> ImapAccount:
    port = sandbox.state()["imap"]["port"]
    return ImapAccount("127.0.0.1", port, "none", "support@example.com", None, timeout_seconds=10.0, tokens=tokens)


async def enter(sandbox: Sandbox, tokens: MailTokens) -> None:
    async with Mailbox(account(sandbox, tokens)) as opened:
        assert opened.folder.can_move


@pytest.mark.parametrize("offered", [("XOAUTH2",), ("PLAIN", "XOAUTH2", "OAUTHBEARER")])
async def test_a_mailbox_is_entered_by_a_token_that_is_kept_and_renewed_when_it_was_withdrawn(
    sandbox: Sandbox, offered: tuple[str, ...]
) -> None:
    sandbox.imap.mechanisms = offered
    tokens = fetched(sandbox)
    await enter(sandbox, tokens)
    await enter(sandbox, tokens)
    assert sandbox.mail_tokens.asked == ["client_credentials"], "one token is enough for two logins"

    sandbox.mail_tokens.withdraw()
    await enter(sandbox, tokens)
    assert sandbox.mail_tokens.asked == ["client_credentials"] * 2


async def test_a_refresh_token_is_used_and_the_newer_one_after_it(sandbox: Sandbox) -> None:
    tokens = fetched(sandbox, refresh_token=SecretStr(REFRESH_TOKEN))
    await enter(sandbox, tokens)
    sandbox.mail_tokens.refresh_tokens.discard(REFRESH_TOKEN)
    sandbox.mail_tokens.withdraw()
    await enter(sandbox, tokens)
    assert sandbox.mail_tokens.asked == ["refresh_token"] * 2

    sandbox.mail_tokens.refresh_tokens.clear()
    sandbox.mail_tokens.withdraw()
    with pytest.raises(VendorRefused, match="no longer takes our refresh token: sign in there once more"):
        await enter(sandbox, tokens)


async def test_a_token_out_of_a_file_is_read_at_each_login(sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "token"
    tokens = FileTokens(file)
    with pytest.raises(VendorRefused, match="holds none"):
        await enter(sandbox, tokens)
    for _ in range(2):
        given = sandbox.mail_tokens.give({"grant_type": "client_credentials"})
        assert given is not None
        file.write_text(given["access_token"] + "\n")
        await enter(sandbox, tokens)
        sandbox.mail_tokens.withdraw()
    with pytest.raises(VendorRefused, match="what its token allows") as refused:
        await enter(sandbox, tokens)
    assert file.read_text().strip() not in str(refused.value)


async def test_what_goes_wrong_at_the_token_endpoint_is_a_sentence_without_a_secret(sandbox: Sandbox) -> None:
    with pytest.raises(VendorRefused, match="does not know our client or its secret: renew") as refused:
        await enter(sandbox, fetched(sandbox, client_secret=SecretStr("not the secret")))
    assert "not the secret" not in str(refused.value)
    with pytest.raises(VendorUnavailable, match="gives no token now"):
        await enter(sandbox, fetched(sandbox, token_url="http://127.0.0.1:1/token"))


async def test_a_server_that_takes_no_tokens_is_sent_nothing_instead(sandbox: Sandbox) -> None:
    sandbox.imap.mechanisms = ("PLAIN",)
    with pytest.raises(VendorRefused, match="takes no access tokens"):
        await enter(sandbox, fetched(sandbox))


async def test_a_token_is_renewed_before_its_end_and_not_for_one_that_was_renewed_meanwhile() -> None:
    now, given = 0.0, 0

    async def fetch() -> AccessToken:
        nonlocal given
        given += 1
        return AccessToken(f"token {given}", 3_600)

    kept = KeptToken(fetch, lambda: now)
    assert await kept.token() == "token 1"
    now = 3_500.0
    assert await kept.token() == "token 1"
    now = 3_541.0
    assert await kept.token() == "token 2", "a minute before its end"
    assert await kept.token(instead_of="token 1") == "token 2"
    assert await kept.token(instead_of="token 2") == "token 3"
    assert "token" not in repr(AccessToken("token 3", 1.0)).replace("AccessToken", "")


def test_a_users_name_does_not_break_out_of_what_is_said() -> None:
    said = first_words("OAUTHBEARER", user="a=b,c@example.com", token="t", host="h", port=993)
    assert said == b"n,a=a=3Db=2Cc@example.com,\x01host=h\x01port=993\x01auth=Bearer t\x01\x01"


async def test_the_service_polls_a_mailbox_by_token_and_the_doctor_looks_at_it(world: World) -> None:
    world.sandbox.imap.mechanisms = ("XOAUTH2",)
    oauth = f"{{token_url: {token_url(world.sandbox)}, client_id: {CLIENT_ID}, scopes: [mail]}}"
    settings = world.settings(oauth=oauth, secret="mail_client")
    source = mailboxes_of(Configuration.from_settings(settings))["support"]
    verdict = await look_at_mailbox(source, settings)
    assert verdict.sentence == "It has no way in: set SUREHAND_SECRETS__MAIL_CLIENT."

    world.more = {"SUREHAND_SECRETS__MAIL_CLIENT": CLIENT_SECRET}
    services = await world.poll(oauth=oauth, secret="mail_client")
    assert (await look_at_mailbox(source, services.settings)).status is CheckStatus.OK
    world.sandbox.imap.folders.add("INBOX", letter(1))
    await once_more(services)
    assert await world.taken(services) == ["Printer 1"]


@pytest.mark.parametrize(
    ("oauth", "said"),
    [
        ("{client_id: c}", "one of `token_url` and `token_file`"),
        ("{token_url: 'https://login.example.com/token'}", "add `client_id`"),
        ("{token_url: 'http://login.example.com/token', client_id: c}", "with https://"),
        ("{token_url: 'https://login.example.com/token', client_id: c}", "add `secret`"),
    ],
)
def test_a_way_in_that_cannot_work_is_refused_in_a_sentence(tmp_path: Path, oauth: str, said: str) -> None:
    (tmp_path / "mailboxes.yaml").write_text(
        f"mailboxes:\n  a: {{tenant: default, host: imap.example.com, user: u, oauth: {oauth}}}\n"
    )
    with pytest.raises(ConfigurationProblem, match=said):
        mailboxes_of(Configuration((SHIPPED_CONFIG, tmp_path)))


async def test_mail_is_sent_by_token_and_not_when_there_is_none_to_be_had(sandbox: Sandbox) -> None:
    def mailer(tokens: MailTokens) -> SmtpMailer:
        return SmtpMailer(
            host="127.0.0.1", port=sandbox.state()["smtp"]["port"], security="none", username="support@example.com",
            sender="support@example.com", ledger=MemoryLedger(), tokens=tokens,
        )  # fmt: skip

    mail = OutgoingMail(key="escalation:default:T-1/mail", to=("ada@example.org",), subject="Hello", text="Hello.")
    tokens = fetched(sandbox)
    await mailer(tokens).send(mail)
    sandbox.mail_tokens.withdraw()
    await mailer(tokens).send(mail)
    assert len([entry for entry in sandbox.world.entries() if entry.vendor == "smtp"]) == 2

    with pytest.raises(VendorRefused, match="does not know our client"):
        await mailer(fetched(sandbox, client_secret=SecretStr("another"))).send(mail)
    refused = FileTokens(Path("/nowhere"))
    with pytest.raises(VendorRefused, match="holds none"):
        await mailer(refused).send(mail)
