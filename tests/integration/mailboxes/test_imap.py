"""The client of a mailbox: TLS that is believed only with a good certificate, and servers that misbehave."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from domain.errors import ConfigurationProblem, VendorError, VendorRefused, VendorUnavailable
from integrations import imap
from integrations.imap import ImapAccount, Mailbox
from runtime.configuration.policies import Configuration
from runtime.doctor.checks import CheckStatus
from runtime.settings.environment import SHIPPED_CONFIG
from sandbox.server import Sandbox
from starters.doctoring import look_at_mailbox
from starters.mailboxes import MailboxSource, mailboxes_of
from tests.integration.mailboxes.conftest import World, letter


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with Sandbox(tmp_path) as running:
        yield running


def account(port: int, **more: Any) -> ImapAccount:
    fields = {"host": "localhost", "security": "none", "user": "support@example.com", "password": SecretStr("x")}
    return ImapAccount(**{**fields, "port": port, "timeout_seconds": 10.0, **more})


@asynccontextmanager
async def serving(protocol: Callable[[], asyncio.Protocol], tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def certificate(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    key, named = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(named).issuer_name(named).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = serialization.PrivateFormat.PKCS8
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file, key_file)
    return file, tls


async def test_tls_is_believed_only_with_a_certificate_of_that_host_that_somebody_vouches_for(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    own, tls = certificate(tmp_path, "localhost")
    other, other_tls = certificate(tmp_path, "mail.example.com")
    async with serving(sandbox.imap.protocol(), tls) as port:
        async with Mailbox(account(port, security="tls", ca_file=own)) as opened:
            assert opened.folder.can_move
        with pytest.raises(VendorRefused, match="not trusted"):
            async with Mailbox(account(port, security="tls")):
                pass
    async with serving(sandbox.imap.protocol(), other_tls) as port:
        with pytest.raises(VendorRefused, match="not trusted"):
            async with Mailbox(account(port, security="tls", ca_file=other)):
                pass
    with pytest.raises(VendorUnavailable):
        async with Mailbox(account(sandbox.state()["imap"]["port"], security="starttls")):
            pass  # a server that offers no encryption gets no password


async def test_folders_are_named_as_the_protocol_wants_it(sandbox: Sandbox) -> None:
    port = sandbox.state()["imap"]["port"]
    sandbox.imap.folders.add("INBOX", letter(1))
    async with Mailbox(account(port)) as opened:
        await opened.move(1, 'Büro & "Söhne"')
        assert await opened.load(1, 1_000) is None, "it is gone from here"
        assert await opened.search(1) == []
    assert 'B&APw-ro &- "S&APY-hne"' in sandbox.imap.folders.names()
    assert imap._as_utf7("~peter/mail/台北/日本語") == "~peter/mail/&U,BTFw-/&ZeVnLIqe-"  # RFC 3501, 5.1.3
    with pytest.raises(VendorRefused, match="no such folder"):
        async with Mailbox(account(port, folder="Nowhere")):
            pass
    with pytest.raises(VendorRefused, match="refuses our login") as refused:
        async with Mailbox(account(port, password=SecretStr("wrong"))):
            pass
    assert "support@" not in str(refused.value)


class Rude(asyncio.Protocol):
    """Says what a script has for each command, whatever comes."""

    def __init__(self, script: dict[str, bytes]) -> None:
        self.script = script

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.script.get("greeting", b"* OK [CAPABILITY IMAP4rev1] hello\r\n"))

    def data_received(self, data: bytes) -> None:
        tag, _, rest = data.partition(b" ")
        name = rest.decode("ascii", "replace").split(None, 2)
        word = name[1] if name[0] == "UID" else name[0].strip()
        if word not in self.script:
            self.transport.write({"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n"}.get(word, b"") + tag + b" OK done\r\n")
            return
        self.transport.write(self.script[word].replace(b"TAG", tag))


NUMBERED = b"* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 3] x\r\nTAG OK done\r\n"


@pytest.mark.parametrize(
    "script",
    [
        {"greeting": b"220 smtp.example.com ESMTP\r\n"},
        {"greeting": b"* BYE full\r\n"},
        {"greeting": b"x" * 100_000},
        {"SELECT": b"* OK [UIDVALIDITY x] x\r\nTAG OK done\r\n"},
        {"SELECT": NUMBERED, "FETCH": b"* 1 FETCH (UID 1 BODY[]<0> {99999999999}\r\n"},
        {"SELECT": NUMBERED, "FETCH": b"* 1 FETCH (UID 1 BODY[]<0> {5}\r\nab"},
        {"SELECT": NUMBERED, "FETCH": b"TAG NO [SERVERBUG] x\r\n"},
        {"SELECT": NUMBERED, "FETCH": b"TAG2 OK of another\r\n"},
        {"SELECT": NUMBERED, "FETCH": b""},
    ],
    ids=["another protocol", "bye", "no line", "numbers", "huge", "short", "no", "tag", "silent"],
)
async def test_a_server_that_misbehaves_is_left_within_bounds(
    script: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "_STEP_SECONDS", 0.6)
    before = threading.active_count()
    async with serving(lambda: Rude(script)) as port:
        with pytest.raises(VendorError):
            async with Mailbox(account(port, host="127.0.0.1")) as opened:
                await opened.load(1, 1_000)
    async with asyncio.timeout(30):
        while threading.active_count() > before:  # noqa: ASYNC110 - no thread is left that waits for it
            await asyncio.sleep(0.02)


async def test_the_doctor_looks_at_a_mailbox_and_changes_nothing(world: World) -> None:
    world.folders.add("INBOX", letter(1))
    settings = world.settings(taken="move")
    source = mailboxes_of(Configuration.from_settings(settings))["support"]
    verdict = await look_at_mailbox(source, settings)
    assert verdict.status is CheckStatus.OK
    assert "1 mails" in verdict.sentence
    assert world.folders.mails("INBOX")[0].flags == []
    nobody = await look_at_mailbox(source.model_copy(update={"secret": "unset"}), settings)
    assert nobody.sentence == "It has no way in: set SUREHAND_SECRETS__UNSET."


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("a: {tenant: nobody, host: h, user: u, secret: s}", "belongs to nobody"),
        ("a: {tenant: default, host: mail.example.com, user: u, secret: s, security: none}", "tls or starttls"),
        ("ada@example.org: {tenant: default, host: h, user: u, secret: s}", "small letters"),
        ("a: {tenant: default, host: h, user: u, secret: s, every: 5}", "such as `60 s`"),
        ("a: {tenant: default, host: h, user: u, secret: s}\n  b: {tenant: acme-us, host: H, user: u, secret: t}",
         "another one's too"),
    ],
)  # fmt: skip
def test_a_mailbox_that_cannot_be_used_is_refused_in_a_sentence(tmp_path: Path, lines: str, said: str) -> None:
    (tmp_path / "mailboxes.yaml").write_text(f"mailboxes:\n  {lines}\n")
    with pytest.raises(ConfigurationProblem, match=said):
        mailboxes_of(Configuration((SHIPPED_CONFIG, tmp_path)))


def test_another_folder_has_a_place_of_its_own() -> None:
    source = MailboxSource(tenant="default", host="h", user="u@example.com", secret="s")
    assert source.place != source.model_copy(update={"folder": "Other"}).place
    assert "u@example.com" not in source.place
