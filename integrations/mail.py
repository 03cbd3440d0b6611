"""Sends e-mail over SMTP, once per recipient as far as SMTP can tell.

SMTP gives no answer to "did you take that already?". Each recipient of each mail is claimed in the ledger before the
message is handed over and recorded after it was taken. When a connection breaks in between, the message is sent again
with the same Message-ID and the receipt says so; who has it for certain is not sent it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Literal

import aiosmtplib
from pydantic import SecretStr

from domain.cases.records import EffectEntry, EffectStatus
from domain.errors import OutcomeUnknown, VendorError, VendorRefused, VendorUnavailable
from domain.mail import MailReceipt, OutgoingMail
from domain.ports.effects import EffectLedger
from integrations.idempotency import key_hash, tenant_of
from integrations.mail_message import VENDOR, build, check_address, mask, message_id
from integrations.mail_tokens import XOAUTH2, MailTokens
from integrations.vendor_calls import vendor_call

Security = Literal["starttls", "tls", "none"]
RETRYABLE_REPLIES = range(400, 500)
"""SMTP's own word for "try again later" (RFC 5321, section 4.2.1); 5xx is for good."""
_ADVICE = {
    530: "The mail server wants a login or an encrypted connection: set SUREHAND_SMTP__USERNAME and SECURITY.",
    534: "The mail server refused the way we log in: check SUREHAND_SMTP__SECURITY.",
    535: "The mail server refused our login: renew SUREHAND_SMTP__PASSWORD, or what its token allows.",
    552: "The e-mail is too large for the mail server: shorten what is attached.",
    554: "The mail server refused the e-mail: ask who runs it why.",
}


class StartTlsMissing(Exception):
    """The server offers no STARTTLS; nothing is ever sent in clear text instead."""


@dataclass
class Delivery:
    """What became of one attempt, recipient by recipient."""

    handed_over: bool = False
    """Whether the message's text has begun to leave us."""
    accepted: list[str] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    """Recipient -> the server's code."""


class SmtpMailer:
    """`domain.ports.channels.Mailer` on an SMTP server."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        security: Security = "starttls",
        username: str | None = None,
        password: SecretStr | None = None,
        sender: str,
        sender_name: str = "",
        ledger: EffectLedger,
        timeout_seconds: float = 20,
        message_id_domain: str | None = None,
        tls_context: ssl.SSLContext | None = None,
        tokens: MailTokens | None = None,
    ) -> None:
        """Keep how to reach the server.

        Args:
            host: mail server.
            port: its port.
            security: `starttls` and `tls` never fall back to clear text; `none` is for loopback.
            username: when the server asks for a login.
            password: with it.
            sender: address that mail comes from.
            sender_name: name that mail comes from.
            ledger: remembers what was sent.
            timeout_seconds: for one whole attempt.
            message_id_domain: right side of Message-IDs; the sender's domain when None.
            tls_context: certificates to trust; the system's when None.
            tokens: log in by access token instead of the password.
        """
        self._host, self._port, self._security = host, port, security
        self._username, self._password = username, password
        self._sender, self._sender_name = check_address(sender), sender_name
        self._ledger = ledger
        self._timeout_seconds = timeout_seconds
        self._domain = message_id_domain or self._sender.rpartition("@")[2]
        self._tls_context = tls_context
        self._tokens = tokens

    def __repr__(self) -> str:
        return f"SmtpMailer({self._host}:{self._port}, {self._security})"

    async def send(self, mail: OutgoingMail) -> MailReceipt:
        """Send to everybody who does not have it yet.

        Raises:
            VendorRefused: every recipient, the sender or our credentials were refused for good. Nothing was sent.
            OutcomeUnknown: the connection broke after the message began to leave us.
            VendorUnavailable: anything that may pass; who was accepted meanwhile is not sent it again.
        """
        message = build(mail, sender=self._sender, sender_name=self._sender_name, domain=self._domain)
        recipients = list(dict.fromkeys(check_address(address) for address in (*mail.to, *mail.cc)))
        tenant = tenant_of(mail.key)
        entries = {to: await self._ledger.claim(_effect(mail.key, to), tenant) for to in recipients}
        open_ones = [to for to, entry in entries.items() if entry.status is not EffectStatus.DONE]
        repeated = any(entries[to].status is EffectStatus.CLAIMED for to in open_ones)
        refused = {to: code for to, entry in entries.items() if (code := _refused_before(entry))}
        if open_ones:
            # A claim that an earlier attempt left open is not ours to give back.
            ours = {to for to in open_ones if entries[to].status is EffectStatus.NEW}
            delivery = await self._deliver(message, open_ones, mail.key, ours)
            refused |= delivery.refused
        return MailReceipt(
            message_id=message_id(mail.key, self._domain),
            repeated=repeated,
            refused=tuple(mask(to) for to in recipients if to in refused),
        )

    async def _deliver(self, message: EmailMessage, to: list[str], key: str, ours: set[str]) -> Delivery:
        delivery = Delivery()
        with vendor_call(VENDOR, "SMTP send", f"smtp://{self._host}:{self._port}"):
            await self._attempt(message, to, key, ours, delivery)
        for address in delivery.accepted:
            await self._ledger.record(_effect(key, address), {"accepted": True})
        await self._settle_refused(delivery, key, ours)
        return delivery

    async def _attempt(
        self, message: EmailMessage, to: list[str], key: str, ours: set[str], delivery: Delivery
    ) -> None:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._talk(message, to, delivery)
        except VendorError:
            # No token to log in with, so nothing has left us.
            await self._release(key, ours)
            raise
        except (aiosmtplib.SMTPException, StartTlsMissing, OSError, ValueError) as error:
            translated = translate(error, handed_over=delivery.handed_over)
            if not isinstance(translated, OutcomeUnknown):
                await self._release(key, ours)
            raise translated from None

    async def _settle_refused(self, delivery: Delivery, key: str, ours: set[str]) -> None:
        """Record who was refused for good beside others who were accepted; raise when the mail is not done."""
        later = [to for to, code in delivery.refused.items() if code in RETRYABLE_REPLIES]
        if not delivery.accepted and not later:
            await self._release(key, ours)
            raise translate_reply(next(iter(delivery.refused.values())), "every recipient")
        for to, code in delivery.refused.items():
            if to not in later:
                await self._ledger.record(_effect(key, to), {"refused": code})
        if later:
            await self._release(key, ours & set(later))
            raise translate_reply(delivery.refused[later[0]], "a recipient for now")

    async def _release(self, key: str, addresses: Iterable[str]) -> None:
        for address in addresses:
            await self._ledger.release(_effect(key, address))

    # The conversation with the server

    async def _talk(self, message: EmailMessage, to: list[str], delivery: Delivery) -> None:
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            use_tls=self._security == "tls",
            start_tls=False,  # done below, where its absence is told apart from other errors
            timeout=self._timeout_seconds,
            tls_context=self._tls_context,
            local_hostname=self._domain,
        )
        try:
            await client.connect()
            await self._enter(client)
            await client.mail(self._sender)
            for address in to:
                try:
                    await client.rcpt(address)
                    delivery.accepted.append(address)
                except aiosmtplib.SMTPRecipientRefused as refused:
                    delivery.refused[address] = refused.code
            if delivery.accepted:
                delivery.handed_over = True
                await client.data(message.as_bytes())
            # The message is settled: whatever happens to the good-bye changes nothing.
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=1)
        finally:
            client.close()

    async def _enter(self, client: aiosmtplib.SMTP) -> None:
        await client.ehlo()
        if self._security == "starttls":
            if not client.supports_extension("starttls"):
                raise StartTlsMissing
            await client.starttls()
        if self._tokens is not None and self._username is not None:
            await log_in_by_token(client, self._username, self._tokens)
        elif self._username is not None and self._password is not None:
            await client.login(self._username, self._password.get_secret_value())


async def log_in_by_token(client: aiosmtplib.SMTP, username: str, tokens: MailTokens) -> None:
    """Log in to a server that was greeted.

    Raises:
        aiosmtplib.SMTPException: it refuses, or takes no tokens.
        VendorError: there is no token to be had.
    """
    if XOAUTH2.lower() not in client.server_auth_methods:
        raise aiosmtplib.SMTPNotSupported(XOAUTH2)
    token = await tokens.token()
    try:
        await client.auth_xoauth2(username, token)
    except aiosmtplib.SMTPAuthenticationError:
        # It may have been withdrawn before its end.
        fresh = await tokens.token(instead_of=token)
        if fresh == token:
            raise
        await client.auth_xoauth2(username, fresh)


def translate(error: Exception, *, handed_over: bool) -> VendorError:
    """What went wrong between us and the mail server, row by row.

    Args:
        error: what the conversation raised; its text is not repeated, because it can quote addresses.
        handed_over: whether the message's text had begun to leave us.
    """
    if isinstance(error, StartTlsMissing):
        sentence = "The mail server offers no STARTTLS, and nothing is sent in clear text: check who answers there."
        return VendorRefused(VENDOR, "starttls_missing", sentence)
    if isinstance(error, ssl.SSLCertVerificationError) or isinstance(error.__cause__, ssl.SSLCertVerificationError):
        return VendorRefused(VENDOR, "certificate", "The mail server's certificate is not valid: have it renewed.")
    if isinstance(error, aiosmtplib.SMTPNotSupported):
        return VendorRefused(VENDOR, "login_method", "The mail server offers no way to log in that we know.")
    if isinstance(error, aiosmtplib.SMTPResponseException) and error.code >= 400:
        return translate_reply(error.code, "the e-mail")
    code = "timeout" if isinstance(error, TimeoutError) else "connection"
    if handed_over:
        return OutcomeUnknown(VENDOR, code, f"The connection broke after the e-mail was handed over ({code}).")
    return VendorUnavailable(VENDOR, code, f"The mail server could not be reached or did not answer ({code}).")


def translate_reply(code: int, what: str) -> VendorError:
    """What a reply code means: 4xx may pass, anything else is for good.

    Args:
        code: the server's reply (RFC 5321, section 4.2).
        what: what it refused, for the sentence.
    """
    if code in RETRYABLE_REPLIES:
        return VendorUnavailable(VENDOR, str(code), f"The mail server refused {what} (reply {code}).")
    sentence = _ADVICE.get(code) or f"The mail server refused {what} for good (reply {code}): check the addresses."
    return VendorRefused(VENDOR, str(code), sentence)


def _effect(key: str, address: str) -> str:
    """One recipient's effect; the address is hashed, because ledger keys hold nothing personal."""
    return f"{key}#{key_hash(address.lower())}"


def _refused_before(entry: EffectEntry) -> int:
    return int(entry.outcome.get("refused", 0)) if entry.status is EffectStatus.DONE and entry.outcome else 0
