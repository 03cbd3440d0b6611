"""The mailer against real SMTP conversations."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from domain.errors import OutcomeUnknown, VendorRefused, VendorUnavailable
from domain.mail import MailReceipt, OutgoingMail
from integrations.mail import SmtpMailer
from tests.vendor_world import WORKFLOW, MemoryLedger, Outside, raw_server

PASSWORD = "correct-horse-battery"
TO = "ann@example.com"


def mailer(port: int, ledger: MemoryLedger, **changes: Any) -> SmtpMailer:
    return SmtpMailer(
        **{
            "host": "127.0.0.1",
            "port": port,
            "security": "none",
            "sender": "support@example.com",
            "sender_name": "Customer Support",
            "ledger": ledger,
            "timeout_seconds": 2.0,
        }
        | changes
    )


@pytest.fixture
def smtp(world: Outside, ledger: MemoryLedger) -> SmtpMailer:
    return mailer(world.state["smtp"]["port"], ledger)


def a_mail(*to: str, step: str = "x", cc: tuple[str, ...] = ()) -> OutgoingMail:
    return OutgoingMail(key=f"{WORKFLOW}/{step}", to=to or (TO,), cc=cc, subject="[Case TICK-1] Hi", text="Text")


async def received(world: Outside) -> list[list[str]]:
    return [entry["body"]["recipients"] for entry in await world.messages("smtp")]


async def test_a_mail_is_sent_once_and_a_repeat_returns_the_same_receipt(
    world: Outside, smtp: SmtpMailer, ledger: MemoryLedger
) -> None:
    first = await smtp.send(a_mail(TO, cc=("bo@example.com",)))
    assert await smtp.send(a_mail(TO, cc=("bo@example.com",))) == first == MailReceipt(message_id=first.message_id)
    assert await received(world) == [[TO, "bo@example.com"]]
    assert ledger.tenants == {"acme"}
    assert not any(TO in key for key in ledger.effects)


async def test_a_lost_answer_is_sent_again_with_the_same_message_id_and_says_so(
    world: Outside, smtp: SmtpMailer
) -> None:
    await world.fault("smtp", "drop")
    with pytest.raises(OutcomeUnknown):
        await smtp.send(a_mail())
    receipt = await smtp.send(a_mail())
    assert receipt.repeated
    assert await world.count("smtp", f"{receipt.message_id} {TO}") == 2
    assert [entry["repeated"] for entry in await world.messages("smtp")] == [False, True]


async def test_a_server_that_hangs_after_the_final_dot_leaves_the_outcome_unknown(
    world: Outside, ledger: MemoryLedger
) -> None:
    await world.fault("smtp", "hang")
    with pytest.raises(OutcomeUnknown, match="timeout"):
        await mailer(world.state["smtp"]["port"], ledger, timeout_seconds=0.4).send(a_mail())
    assert ledger.open_claims


@pytest.mark.parametrize(
    ("stage", "code"),
    [
        ("CONNECT", 421), ("CONNECT", 554), ("MAIL", 451), ("MAIL", 550), ("RCPT", 450), ("RCPT", 550),
        ("DATA", 421), ("DATA", 452), ("DATA", 554),
    ],
)  # fmt: skip
async def test_a_refusal_at_any_stage_gives_the_claim_back(
    world: Outside, smtp: SmtpMailer, ledger: MemoryLedger, stage: str, code: int
) -> None:
    kind = VendorUnavailable if code < 500 else VendorRefused
    await world.fault("smtp", "fail", stage=stage, code=code)
    with pytest.raises(kind):
        await smtp.send(a_mail())
    assert not ledger.effects
    assert not (await smtp.send(a_mail())).repeated
    assert await received(world) == [[TO]]


async def test_who_accepted_is_not_sent_it_again_when_another_must_wait(world: Outside, smtp: SmtpMailer) -> None:
    await world.fault("smtp", "fail", stage="RCPT", code=451, match="bo@")
    with pytest.raises(VendorUnavailable):
        await smtp.send(a_mail(TO, "bo@example.com"))
    receipt = await smtp.send(a_mail(TO, "bo@example.com"))
    assert not receipt.repeated
    assert await received(world) == [[TO], ["bo@example.com"]]


async def test_who_is_refused_for_good_is_named_masked_beside_those_who_accepted(
    world: Outside, smtp: SmtpMailer
) -> None:
    receipt = await smtp.send(a_mail(TO, "unknown@example.com"))
    assert receipt.refused == ("u***@example.com",)
    assert await smtp.send(a_mail(TO, "unknown@example.com")) == receipt
    assert await received(world) == [[TO]]


async def test_a_claim_that_an_earlier_attempt_left_open_stays_open(world: Outside, smtp: SmtpMailer) -> None:
    await world.fault("smtp", "drop")
    with pytest.raises(OutcomeUnknown):
        await smtp.send(a_mail())
    await world.fault("smtp", "fail", code=451)
    with pytest.raises(VendorUnavailable):
        await smtp.send(a_mail())
    assert (await smtp.send(a_mail())).repeated


async def test_a_refused_connection_had_no_effect(world: Outside, smtp: SmtpMailer, ledger: MemoryLedger) -> None:
    await world.fault("smtp", "down", times=None)
    with pytest.raises(VendorUnavailable):
        await smtp.send(a_mail())
    await world.ask("DELETE", "/api/faults")
    assert not (await smtp.send(a_mail())).repeated


async def test_a_wrong_password_is_refused_and_shown_nowhere(world: Outside, ledger: MemoryLedger) -> None:
    wrong = mailer(world.state["smtp"]["port"], ledger, username="u", password=SecretStr("wrong"))
    with pytest.raises(VendorRefused) as caught:
        await wrong.send(a_mail())
    assert caught.value.code == "535"
    secret = mailer(1, ledger, username="u", password=SecretStr(PASSWORD))
    assert PASSWORD not in repr(secret)


async def test_without_starttls_nothing_is_said_in_clear_text(ledger: MemoryLedger) -> None:
    heard = bytearray()

    async def stripped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        while line := await reader.readline():
            heard.extend(line)
            writer.write(b"250-mail\r\n250 AUTH PLAIN LOGIN\r\n" if line.startswith(b"EHLO") else b"250 OK\r\n")

    async with raw_server(stripped) as port:
        strict = mailer(port, ledger, security="starttls", username="u", password=SecretStr(PASSWORD))
        with pytest.raises(VendorRefused) as caught:
            await strict.send(a_mail())
    assert caught.value.code == "starttls_missing"
    assert b"AUTH" not in heard
    assert b"MAIL" not in heard


# TLS


class Sink:
    def __init__(self) -> None:
        self.envelopes: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.envelopes.append((envelope, session.ssl))
        return "250 OK"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return file


@pytest.fixture
async def tls_server(certificate: Path) -> AsyncIterator[tuple[int, Sink]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    sink, loop = Sink(), asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(sink, tls_context=context, require_starttls=True, loop=loop), "127.0.0.1", 0
    )
    yield server.sockets[0].getsockname()[1], sink
    server.close()


async def test_starttls_with_a_trusted_certificate_sends_encrypted(
    tls_server: tuple[int, Sink], certificate: Path, ledger: MemoryLedger
) -> None:
    port, sink = tls_server
    trusting = ssl.create_default_context(cafile=str(certificate))
    await mailer(port, ledger, security="starttls", tls_context=trusting).send(a_mail())
    ((envelope, encrypted),) = sink.envelopes
    assert envelope.rcpt_tos == [TO]
    assert encrypted


async def test_a_certificate_that_nobody_trusts_is_refused(tls_server: tuple[int, Sink], ledger: MemoryLedger) -> None:
    port, sink = tls_server
    with pytest.raises(VendorRefused) as caught:
        await mailer(port, ledger, security="starttls").send(a_mail())
    assert caught.value.code == "certificate"
    assert not sink.envelopes
    assert not ledger.effects
